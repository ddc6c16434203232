"""Estimators, and PAC by hand, whose numbers are compared."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

import pacpinn as pp
from same.answers import ROWS, Items, of_result, points


def regressor(quick: bool) -> Items:
    """scikit-learn's way in, for values: source, target, a head of its own, a scale, early stopping."""
    rng = np.random.default_rng(2)
    x, new, asked = rng.normal(size=(200, 4)), rng.normal(size=(40, 4)), rng.normal(size=(ROWS, 4))
    y, y_new = np.sin(x[:, 0]) + x[:, 1], np.sin(new[:, 0] + 0.5) + new[:, 1]
    steps = 40 if quick else 300
    for what, options in {
        "chosen prior": {},
        "one prior": {"prior": 1.0, "hidden": (20, 20), "scale": False, "patience": 3, "validation_fraction": 0.2},
    }.items():
        model = pp.PACRegressor(keep=0.7, steps=steps, random_state=0, **options).fit(x, y)
        yield f"{what}/source", [model.predict(asked), model.score(x, y), model.network_]
        model.transfer(new, y_new)
        yield f"{what}/target", [model.predict(asked), model.score(new, y_new), model.prior_, model.network_]
        yield f"{what}/source still", model.source_.predict(asked)
        model.transfer(new, np.stack([y_new, -y_new, new[:, 2]], axis=1), head="new")
        yield f"{what}/new head", [model.predict(asked), model.network_]


def classifier(quick: bool) -> Items:
    """The same for classes."""
    rng = np.random.default_rng(3)
    x, new, asked = rng.normal(size=(200, 4)), rng.normal(size=(60, 4)), rng.normal(size=(ROWS, 4))
    labels = np.array(["low", "middle", "high"])[np.digitize(x[:, 0], [-0.5, 0.5])]
    of_new = np.array(["low", "middle", "high"])[np.digitize(new[:, 0] + 0.3 * new[:, 1], [-0.5, 0.5])]
    steps = 40 if quick else 300
    for what, options in {"plain": {}, "balanced": {"class_weight": "balanced", "prior": 0.1}}.items():
        model = pp.PACClassifier(hidden=(30,), steps=steps, random_state=0, **options).fit(x, labels)
        yield f"{what}/source", [model.predict_proba(asked), list(model.predict(asked)), model.network_]
        model.transfer(new, of_new)
        yield f"{what}/target", [model.predict_proba(asked), model.score(new, of_new), model.prior_, model.network_]
        yield f"{what}/source still", model.source_.predict_proba(asked)
        model.transfer(new, np.digitize(new[:, 1], [-1, 0, 1]), head="new")
        yield f"{what}/new head", [model.predict_proba(asked), model.network_]


def by_hand(quick: bool) -> Items:
    """Prune, allocate, calibrate on an equation: every criterion, every solver, measurements, choosing."""
    problem = pp.get_problem("oscillator")
    source, target = problem.task(), problem.task(damping=1.0)
    for task in (source, target):
        task.tolerance = 1e-2 if quick else 1e-3
    pac = pp.PAC(problem.initial_network(seed=0))
    yield "fit", of_result(pac.fit(source))
    for criterion in ("layer", "saliency", "global"):
        yield f"{criterion}/counts", str(pac.prune(keep=0.7, criterion=criterion, task=source))
        yield f"{criterion}/allocate", of_result(pac.allocate(source))
        yield f"{criterion}/network", pac.network()
    steps = 20 if quick else 200
    solvers: dict[str, Any] = {
        "levenberg-marquardt": "levenberg-marquardt",
        "adam": pp.Adam(steps=steps),
        "lbfgs": pp.LBFGS(steps=steps),
        "in turn": [pp.Adam(steps=steps), pp.LBFGS(steps=5), pp.NNCG(steps=3, cg_steps=20)],
    }
    t = points([0], [5])
    for name, solver in solvers.items():
        yield f"{name}/calibrate", of_result(pac.calibrate(target, name=name, solver=solver))
        yield f"{name}/network", pac.network(name)
        yield f"{name}/prediction", target.predict(pac.network(name), t)
    pac.calibrate(problem.task(damping=1.1), start="levenberg-marquardt")
    yield "from a target", pac.network("mass=1,damping=1.1,stiffness=4")
    measured = target.predict(pac.network("levenberg-marquardt"), t)
    seen = target.with_measurements(pp.Measurements(t, measured + 0.01 * np.cos(30 * t), deviation=0.01))
    yield "measurements/calibrate", of_result(pac.calibrate(seen, name="seen"))
    yield "measurements/network", pac.network("seen")
    yield "measurements/fit", list(seen.fit(pac.network("seen")))
    yield "source still", [pac.network(), source.predict(pac.network(), t)]
    choice = pp.choose(pac, source, target, keep=(0.5, 0.7), penalty=(0.0, 1e-6))
    yield "choice", [choice.keep, choice.penalty, {str(pair): loss for pair, loss in choice.losses.items()}]


def by_hand_on_data(quick: bool) -> Items:
    """The same on data: batch normalisation, dropout, validation, a head, rounds of pruning, a loop of one's own."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(240, 3))
    samples = pp.Samples.split(x, np.sin(x[:, :1]) * x[:, 1:2], test=0.2, validation=0.2)
    others = pp.Samples.split(x, np.cos(x[:, :1]) * x[:, 1:2], test=0.5, validation=0.1)
    source, target = pp.RegressionTask(samples, batch_size=32), pp.RegressionTask(others, batch_size=16, penalty=1e-4)
    torch.manual_seed(0)
    layers = (nn.Linear(3, 24), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 24), nn.Tanh())
    pac, head = pp.PAC(nn.Sequential(*layers, nn.Linear(24, 1)).double(), seed=1), nn.Linear(24, 2)
    steps = 60 if quick else 600
    adam = pp.Adam(steps=steps)
    yield "fit", of_result(pac.fit(source, pp.Adam(steps=2 * steps, patience=5)))
    yield "counts", str(pac.prune_gradually(source, keep=0.4, rounds=2, solver=adam))
    yield "source", pac.network()
    yield "calibrate", of_result(pac.calibrate(target, "data", adam))
    yield "network", [pac.network("data"), target.score(pac.network("data")).value]
    labels = pp.Samples(x, (x[:, 0] > 0).astype(int))
    task = pp.ClassificationTask(labels, batch_size=64, class_weights="balanced")
    yield "head/calibrate", of_result(pac.calibrate(task, "classes", adam, head=head))
    yield "head/network", pac.network("classes")
    module = pac.to_calibrate()
    optimizer = torch.optim.SGD(module.parameters(), lr=0.02)
    rows, values = target.everything()
    for _ in range(20):
        optimizer.zero_grad()
        ((module(rows) - values).square().mean() + 1e-4 * module.penalty()).backward()
        optimizer.step()
    pac.adopt(module, "own loop")
    yield "own loop", pac.network("own loop")
    yield "source still", pac.network()
