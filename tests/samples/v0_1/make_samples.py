"""Written with version 0.1; kept so that later versions can be checked against it.

Made the samples of this folder, family files and pickles, and `answers.npz`, what each of them must answer:

    OMP_NUM_THREADS=1 python tests/samples/v0_1/make_samples.py
"""

from __future__ import annotations

import hashlib
import pickle
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import pacpinn as pp

FOLDER = Path(__file__).parent
RNG = np.random.default_rng(0)
X, X_NEW = RNG.normal(size=(60, 3)), RNG.normal(size=(20, 3))
Y, Y_NEW = np.sin(X[:, 0]) + X[:, 1], np.sin(X_NEW[:, 0] + 0.5) + X_NEW[:, 1]
WORDS = np.array(["low", "middle", "high"])
LABELS, LABELS_NEW = (WORDS[np.digitize(x[:, 0], [-0.5, 0.5])] for x in (X, X_NEW))
SQUARE = np.random.default_rng(1).uniform(0, 1, size=(12, 2))
TIMES = np.linspace(0, 4, 9)[:, None]
NOISE = 0.02 * np.random.default_rng(2).normal(size=(len(TIMES), 1))

Answers = Iterator[tuple[str, Any]]


# Making them ----------------------------------------------------------------------------------------------------------


def heat() -> pp.Family:
    """Two targets, by two solvers in turn."""
    solver = [pp.Adam(steps=20), pp.LevenbergMarquardt()]
    family = pp.solve_family("heat", targets=pp.grid(alpha=[0.4, 0.3]), tolerance=1e-3, solver=solver)
    family.estimate_errors()
    return family


def within() -> pp.Family:
    """A range."""
    return pp.solve_family("reaction_diffusion", within={"rho": (1.5, 2.5)}, tolerance=1e-2, members=4)


def soft() -> pp.Family:
    """Conditions as residuals."""
    problem = pp.soft(pp.get_problem("logistic"))
    return pp.solve_family(problem, targets=pp.grid(rate=[1.2]), tolerance=3e-3)


def parametric() -> pp.Family:
    """One network for a whole range."""
    return pp.solve_family("oscillator", targets=pp.grid(damping=[0.5, 0.6]), method="parametric", tolerance=1e-2)


def regressor() -> pp.PACRegressor:
    """Fitted to a source and transferred."""
    return pp.PACRegressor(hidden=(8,), steps=40, random_state=0).fit(X, Y).transfer(X_NEW, Y_NEW)


def classifier() -> pp.PACClassifier:
    """Fitted to a source with labels that are words, and transferred."""
    model = pp.PACClassifier(hidden=(8,), steps=40, prior=1.0, random_state=0, class_weight="balanced")
    return model.fit(X, LABELS).transfer(X_NEW, LABELS_NEW)


def pac() -> pp.PAC:
    """A source and two targets, one with a head of its own."""
    torch.manual_seed(0)
    layers = (nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1))
    made, adam = pp.PAC(nn.Sequential(*layers), dtype=torch.float64, seed=1), pp.Adam(steps=40)
    made.fit(source_task(), adam)
    made.prune(keep=0.5)
    made.allocate(source_task(), adam)
    made.calibrate(pp.RegressionTask(pp.Samples(X_NEW, Y_NEW[:, None])), "new data", adam)
    pairs = pp.Samples(X_NEW, np.stack([Y_NEW, -Y_NEW], axis=1))
    made.calibrate(pp.RegressionTask(pairs), "two outputs", adam, head=nn.Linear(8, 2))
    return made


def source_task() -> pp.RegressionTask:
    """What the source of `pac` learns."""
    return pp.RegressionTask(pp.Samples.split(X, Y, test=0.2, validation=0.2), batch_size=16)


def objects() -> dict[str, bytes]:
    """Pickles of other public objects, each by itself."""
    problem = pp.get_problem("logistic")
    family = pp.solve_family(problem, targets=pp.grid(rate=[1.2, 1.5]), tolerance=1e-3)
    made: dict[str, Any] = {
        "family": family,
        "solution": family.targets[0],
        "base": family.bases[0],
        "settings": family.settings,
        "counts": family.counts,
        "table": family.table(),
        "problem": problem,
        "equation task": problem.task(rate=1.2),
        "coefficients": family.targets[0].coefficients,
        "coefficient": pp.Coefficient(1.0, low=0.1, high=10.0, scale="log", doc="rate"),
        "count": pp.Count(10, low=1, high=100),
        "points": pp.Points(domain=16, boundary=4),
        "measurements": pp.Measurements(TIMES, np.exp(-TIMES), deviation=0.1, of="u"),
        "error estimate": family.error_estimate(rate=1.2),
        "network": family.network(rate=1.2),
        "samples": pp.Samples.split(X, Y, test=0.2, validation=0.1),
        "regression task": source_task(),
        "classification task": pp.ClassificationTask(pp.Samples(X, (Y > 0).astype(int)), class_weights="balanced"),
        "adam": pp.Adam(steps=7),
        "lbfgs": pp.LBFGS(steps=7),
        "nncg": pp.NNCG(steps=7),
        "levenberg-marquardt": pp.LevenbergMarquardt(max_steps=7),
        "in turn": pp.InTurn([pp.Adam(steps=7), pp.LBFGS(steps=7)]),
        "score": pp.Score("RMSE", 0.25),
        "error": pp.PacpinnError("a message"),
        "result": pp.PAC(nn.Linear(3, 1), dtype=torch.float64).fit(source_task(), pp.Adam(steps=3)),
        "to be trained": pac().to_calibrate(),
    }
    pickles = {name: pickle.dumps(each) for name, each in made.items()}
    measured = (
        family.predict(TIMES, rate=1.35, doubtful="warn") + NOISE
    )  # from here on the family holds what cannot be pickled
    pickles["estimate"] = pickle.dumps(family.identify(TIMES, measured, 0.02))
    pickles["inference"] = pickle.dumps(family.infer(TIMES, measured, of=lambda t, u: u))
    task = source_task()
    choice = pp.choose(pac(), task, task, (0.5,), (0.0, 1e-3), 2, pp.Adam(steps=5), pp.Adam(steps=5))
    pickles["choice"] = pickle.dumps(choice)
    return pickles


# What they answer -----------------------------------------------------------------------------------------------------


def of_family(family: pp.Family, x: np.ndarray) -> Answers:
    """Members as they are, in numbers."""
    for c, member in family.items():
        score = np.nan if member.score is None else member.score.value
        estimate = np.nan if member.error_estimate is None else member.error_estimate
        yield f"{c}/coefficients", list(c.values())
        yield f"{c}/numbers", [member.steps, member.residual, member.tolerance, score, estimate, len(member.history)]
        yield f"{c}/words", [member.status, str(member.parent), str(member.base)]
        yield f"{c}/losses", member.history
        yield f"{c}/prediction", family.predict(x, **c)


def of_heat(family: pp.Family) -> Answers:
    """Members, what lies between them, and a coefficient from measurements."""
    yield from of_family(family, SQUARE)
    answer = family.at(alpha=0.35, doubtful="warn")
    yield "solved/between", [answer.residual, answer.error_estimate]
    yield "solved/between/prediction", answer.predict(SQUARE)
    yield "solved/sensitivity", family.sensitivity(SQUARE, alpha=0.3)
    found = family.infer(SQUARE, family.predict(SQUARE, alpha=0.3) + 0.05 * np.cos(7 * SQUARE[:, :1]), ["alpha"])
    yield "solved/inference", [found.estimates["alpha"], found.standard_errors["alpha"]]
    yield "solved/error estimate", family.error_estimate(alpha=0.3).relative
    family.extend([{"alpha": 0.25}])
    yield "solved/extended", [each.status for each in family.values()]


def of_within(family: pp.Family) -> Answers:
    """Members, the range, and what lies in it."""
    yield from of_family(family, SQUARE)
    assert family.refinement is not None
    yield "range", [family.refinement.tolerance, family.refinement.reached, *family.refinement.within["rho"]]
    yield "solved/many", family.predict(SQUARE, rho=np.linspace(1.5, 2.5, 5))


def of_model(model: Any) -> Answers:
    """Target and source, and a further transfer."""
    yield "target", model.predict(X)
    yield "source", model.source_.predict(X)
    if isinstance(model, pp.PACClassifier):
        yield "target/probabilities", model.predict_proba(X)
        yield "source/probabilities", model.source_.predict_proba(X)
        yield "classes", model.classes_
    yield "numbers", [model.prior_, model.n_features_in_, model.keep, model.steps]
    again = model.transfer(X, LABELS if isinstance(model, pp.PACClassifier) else 2 * Y)
    yield "solved/transferred", again.predict(X_NEW)


def of_pac(made: pp.PAC) -> Answers:
    """Its networks, and a further target."""
    yield "names", made.names
    rows = torch.tensor(X)
    for name in made.names:
        yield name, made.network(name)(rows)
        yield f"{name}/weights", torch.cat([each.flatten() for each in made.network(name).state_dict().values()])
    made.calibrate(source_task(), "one more", pp.Adam(steps=5), start="new data")
    yield "solved/one more", made.network("one more")(rows)


OBJECT_ANSWERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "family": lambda each: dict(of_family(each, TIMES)),
    "solution": lambda each: {
        "losses": each.history,
        "words": [each.status, str(each.coefficients), str(each.parent), str(each.status is pp.Status.CONVERGED)],
        "numbers": [each.steps, each.residual, each.tolerance, each.score.value],
    },
    "base": lambda each: {"words": [str(each.coefficients)]},
    "table": lambda each: {"numbers": [[row["rate"], row["residual"], row["error"], row["steps"]] for row in each]},
    "problem": lambda each: {
        "words": [each.name, str(each.source), *each.inputs, *each.outputs],
        "reference": each.reference(TIMES, each.source),
    },
    "equation task": lambda each: {"grid": each.grid(), "loss": each.loss(lambda t: t, each.everything())},
    "coefficients": lambda each: {"values": list(each.values()), "words": [str(each), repr(each)]},
    "coefficient": lambda each: of_coefficient(each),
    "count": lambda each: of_coefficient(each),
    "measurements": lambda each: {
        "all": [each.points, each.values, np.broadcast_to(each.deviation, each.values.shape)],
        "words": [each.of],
    },
    "error estimate": lambda each: {"relative": each.relative, "solved/at": each.at(TIMES)},
    "network": lambda each: {"outputs": each(torch.tensor(TIMES / 4))},
    "samples": lambda each: {"all": np.concatenate([each.x_train, each.x_test, each.x_valid])},
    "regression task": lambda each: of_task(each, outputs=1),
    "classification task": lambda each: of_task(each, outputs=2),
    "error": lambda each: {"words": [type(each).__name__, str(each)]},
    "result": lambda each: {"weights": each.z, "losses": each.history, "words": [each.status]},
    "to be trained": lambda each: {"outputs": each.eval()(torch.tensor(X)), "penalty": each.penalty()},
    "estimate": lambda each: {"numbers": [*each.coefficients.values(), *each.deviations.values(), each.misfit]},
    "inference": lambda each: {
        "numbers": [each.estimates["rate"], each.standard_errors["rate"], each.bias, *each.interval()["rate"]],
        "words": [each.kind, each.status, str(each.coefficients)],
        "prediction": each.predict(TIMES),
    },
    "choice": lambda each: {
        "numbers": [each.keep, each.penalty, *each.losses.values()],
        "network": each.pac.network()(torch.tensor(X)),
    },
}


FIELDS = {
    "settings": ["method", "keep", "criterion", "solver", "penalty", "tolerance", "halvings", "bases", "batch", "seed"],
    "counts": ["kept", "free"],
    "points": ["domain", "boundary", "initial", "distribution"],
    "score": ["name", "value"],
    "adam": ["steps", "learning_rate", "patience"],
    "lbfgs": ["steps", "history_size"],
    "nncg": ["steps", "damping", "rank", "refresh", "cg_steps", "cg_tolerance"],
    "levenberg-marquardt": ["max_steps", "damping", "relief", "rise", "acceleration", "patience", "decrease"],
    "in turn": ["solvers", "needs_validation"],
}


def of_object(name: str, each: Any) -> Answers:
    """What there is to be asked of an object of that name."""
    if name in OBJECT_ANSWERS:
        yield from OBJECT_ANSWERS[name](each).items()
    else:
        yield "words", [type(each).__name__, *(f"{field} {getattr(each, field)}" for field in FIELDS[name])]


def of_coefficient(each: pp.Coefficient) -> dict[str, Any]:
    """Its range, and its own scale."""
    numbers = [each.default, each.low, each.high, each.position(2.0), each.value_at(0.3)]
    return {"numbers": numbers, "words": [type(each).__name__, each.scale, each.doc]}


def of_task(each: Any, outputs: int) -> dict[str, Any]:
    """The loss of some fixed function, and what that predicts."""

    def forward(x: torch.Tensor) -> torch.Tensor:
        return x.cumsum(dim=1)[:, :outputs]

    few = each.samples.x_train[:5]
    return {"loss": each.loss(forward, each.everything()), "prediction": each.predict(forward, few)}


FAMILIES: dict[str, tuple[Callable[[], pp.Family], Callable[[pp.Family], Answers]]] = {
    "heat.pac": (heat, of_heat),
    "within.pac": (within, of_within),
    "soft.pac": (soft, lambda family: of_family(family, TIMES)),
    "parametric.pac": (parametric, lambda family: of_family(family, TIMES)),
}
PICKLES: dict[str, tuple[Callable[[], Any], Callable[[Any], Answers]]] = {
    "regressor.pickle": (regressor, of_model),
    "classifier.pickle": (classifier, of_model),
    "pac.pickle": (pac, of_pac),
}
OBJECTS = "objects.pickle"  # a dictionary of pickles


def answers(sample: str, given: Answers) -> Iterator[tuple[str, np.ndarray]]:
    """What a sample answers, by a name in `answers.npz`."""
    for name, value in given:
        plain = value.numpy(force=True) if isinstance(value, torch.Tensor) else np.asarray(value)
        yield f"{sample}: {name}", plain


def machine() -> str:
    """Where and by what it is computed: where all of it is the same, so is every bit."""
    versions = f"torch {torch.__version__}, numpy {np.__version__}, {torch.get_num_threads()} threads"
    versions += f", {torch.backends.cpu.get_cpu_capability()}"
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    kept = ("vendor_id", "cpu family", "model", "model name", "stepping", "flags", "cache size")
    processor = "\n".join(dict.fromkeys(line for line in lines if line.partition("\t")[0] in kept)) or platform.node()
    return f"{versions}, {platform.machine()} {hashlib.sha256(processor.encode()).hexdigest()}"


def main() -> None:
    if not pp.__version__.startswith("0.1."):
        raise SystemExit(f"these samples are of version 0.1; this is {pp.__version__}: they are to be kept as they are")
    torch.set_num_threads(1)
    found: dict[str, np.ndarray] = {"machine": np.asarray(machine())}
    for name, (make, ask) in FAMILIES.items():
        make().save(FOLDER / name)
        found |= answers(name, ask(pp.load(FOLDER / name)))
    for name, (make, ask) in PICKLES.items():
        (FOLDER / name).write_bytes(pickle.dumps(make()))
        found |= answers(name, ask(pickle.loads((FOLDER / name).read_bytes())))
    pickles = objects()
    (FOLDER / OBJECTS).write_bytes(pickle.dumps(pickles))
    for name, content in pickles.items():
        found |= answers(f"{OBJECTS}, {name}", of_object(name, pickle.loads(content)))
    np.savez_compressed(FOLDER / "answers.npz", **found)


if __name__ == "__main__":
    main()
