"""Whatever is thrown at it is taken as what it says, or refused in words of our own.

``python -m tests.test_fuzz 10000`` throws so many, and a tenth as many problem files, within a gigabyte.
"""

import json
import random
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings, strategies as st

import pacpinn as pp
from pacpinn.cli.arguments import read_ranges, read_targets, single_values
from pacpinn.errors import PacpinnError, PruningError
from pacpinn.family.file import container
from pacpinn.networks.masked_network import MaskedNetwork
from pacpinn.networks.objective import Objective
from pacpinn.transfer.pruning import kept_weights
from tests.toys import Decay, problem_file, same_family, small_network

RUNS = 150
CPU = torch.device("cpu")


def tolerated(action, *given):
    """What an action gives; None if it refuses in words of our own. Whatever else it raises is a defect."""
    try:
        return action(*given)
    except PacpinnError:
        return None


# Coefficients ---------------------------------------------------------------------------------------------------------

PIECES = [
    "k",
    "nu",
    "=",
    ",",
    ":",
    "1",
    "0.5",
    "-1",
    "1e999",
    "nan",
    "inf",
    " ",
    "é",
    "²",
    "\0",
    "..",
    ".csv",
    "0x10",
    "_",
]
TEXTS = st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("".join) | st.text(max_size=12), max_size=3)


def read_coefficients(texts):
    """As the command line reads them."""
    problem = Decay()
    for values in tolerated(read_targets, texts) or []:
        found = tolerated(problem.at, values)
        assert found is None or all(np.isfinite(each) for each in found.values())
    if single := tolerated(single_values, texts):
        tolerated(problem.at, single)
    for name, ends in (tolerated(read_ranges, texts) or {}).items():
        for end in ends:
            tolerated(problem.at, {name: end})


@given(TEXTS)
def test_coefficients(texts):
    read_coefficients(texts)


# Family files ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(solved_decay, tmp_path_factory):
    return solved_decay.save(tmp_path_factory.mktemp("whole") / "decay.pac")


def bytes_changed(content: bytes, rng: random.Random) -> bytes:
    """Flipped, cut, doubled, swapped or overwritten."""
    some = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        if not some:
            break
        begin = rng.choice([rng.randrange(len(some)), rng.randrange(min(len(some), 400))])
        end = min(len(some), begin + rng.choice([1, 1, 2, 8, 100, 5000]))
        what = rng.randrange(6)
        if what == 0:
            some[begin] ^= 1 << rng.randrange(8)
        elif what == 1:
            del some[begin:end]
        elif what == 2:
            some[begin:begin] = some[begin:end]
        elif what == 3:
            some[begin:end] = rng.randbytes(end - begin)
        elif what == 4:
            some[begin:end] = b"\xff" * (end - begin)
        else:
            del some[begin:]
    return bytes(some)


VALUES = [
    None,
    True,
    -1,
    0,
    1,
    2**31,
    2**63,
    10**30,
    0.5,
    1e308,
    -0.0,
    "",
    "k",
    "burgers",
    "../x.py",
    [],
    {},
    [[]],
    [None],
    {"k": 1},
]


def header_changed(header, rng: random.Random):
    """With a value in it changed, left out, doubled or moved elsewhere."""
    place, path = header, []
    while isinstance(place, (dict, list)) and place and (not path or rng.random() < 0.75):
        key = rng.choice(sorted(place) if isinstance(place, dict) else range(len(place)))
        path.append((place, key))
        place = place[key]
    parent, key = path[-1]
    what = rng.randrange(5)
    if what == 0:
        del parent[key]
    elif what == 1 and isinstance(parent, list):
        parent.append(parent[key])
    elif what == 2:
        parent[key] = [parent[key]]
    else:
        parent[key] = rng.choice([*VALUES, parent[key] * 2 if isinstance(parent[key], (str, list)) else 3])
    return header


def tensors_changed(tensors, rng: random.Random):
    name = rng.choice(sorted(tensors))
    tensor, what = tensors[name], rng.randrange(7)
    if what == 0:
        del tensors[name]
    elif what == 1:
        tensors[name] = tensor[..., : max(0, tensor.shape[-1] - 1)] if tensor.ndim else tensor
    elif what == 2:
        tensors[name] = tensor.to(rng.choice([torch.float32, torch.int64, torch.bool, torch.uint8, torch.complex64]))
    elif what == 3:
        tensors[name] = tensor[None]
    elif what == 4:
        tensors[name] = torch.full_like(tensor, rng.choice([0, 1, 255]))
    elif what == 5:
        tensors[rng.choice(["base.7.targets", "base.0.state.0.weight", "losses", "x"])] = tensor
    else:
        tensors[name] = tensor.float() * float("nan") if tensor.is_floating_point() else tensor
    return tensors


def load_something_like(whole: Path, seed: int) -> None:
    """A file that is not quite one of ours: what loads answers, saves and loads again."""
    rng = random.Random(seed)
    path = whole.with_name("changed.pac")
    if rng.random() < 0.5:
        path.write_bytes(bytes_changed(whole.read_bytes(), rng))
    else:
        _, text, tensors = container.read_container(whole, CPU)
        header = json.loads(text)
        for _ in range(rng.randint(1, 2)):
            header = header_changed(header, rng) if rng.random() < 0.7 else header
        if rng.random() < 0.4:
            tensors = tensors_changed(tensors, rng)
        container.write_container(path, json.dumps(header), tensors)
    family = tolerated(pp.load, path, Decay())
    if family is not None:
        family.table()
        for c in family:
            tolerated(lambda c=c: family.predict(np.array([[0.5]]), **c))
        family.save(path)
        assert same_family(pp.load(path, Decay()), family)


@settings(max_examples=RUNS, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_family_files(whole, seed):
    load_something_like(whole, seed)


# Problem files --------------------------------------------------------------------------------------------------------


def solve_something_like(text: str, seed: int, folder: Path) -> None:
    """A problem file with some of its words and signs changed: solved, or refused with a word on why."""
    rng = random.Random(seed)
    lines = text.splitlines()
    for _ in range(rng.randint(1, 2)):
        k = rng.randrange(len(lines))
        what, words = rng.randrange(5), lines[k].split(" ")
        if what == 0:
            del lines[k]
        elif what == 1:
            lines[k] = lines[k].replace(rng.choice("()[]:=.,*+-"), rng.choice(["", " ", "(", "+", "*", "0"]), 1)
        elif what == 2:
            words[rng.randrange(len(words))] = rng.choice(["None", "t", "u", "c", "0", "[]", "self", "1e308", "nan"])
            lines[k] = " ".join(words)
        elif what == 3:
            lines.insert(k, lines[rng.randrange(len(lines))])
        else:
            lines[k] = lines[k].upper()
    path = folder / f"mine_{seed}.py"
    path.write_text("\n".join(lines))
    asked = {"targets": [{"k": 1.1}], "keep": 0.5, "tolerance": 0.05}
    solver = pp.LevenbergMarquardt(max_steps=5)
    family = tolerated(lambda: pp.solve_family(path, solver=solver, **asked))
    if family is not None:
        assert all(bool(each.z.isfinite().all()) for each in family.values())


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 2**32))
def test_problem_files(tmp_path, seed):
    text = problem_file(tmp_path).read_text()
    solve_something_like(text, seed, tmp_path)


# Shapes and masks -----------------------------------------------------------------------------------------------------


@given(
    inputs=st.integers(1, 4),
    outputs=st.integers(1, 3),
    rows=st.integers(1, 9),
    share=st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=60)
def test_tasks_of_any_shape_with_masks_at_the_edges(inputs, outputs, rows, share, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(rows, inputs)), rng.normal(size=(rows, outputs))
    task = pp.RegressionTask(pp.Samples(x, y, x, y)).to(torch.float64)
    network = small_network(seed, inputs, outputs)
    free = torch.from_numpy(rng.random(len(MaskedNetwork(network).weights)) < share)
    masked = MaskedNetwork(network, free=free)
    z, before = masked.start, masked.weights.clone()
    objective = Objective(task, masked, penalty=1e-3)
    assert objective.linearise(z[None]).jacobian.shape == (1, rows * outputs, int(free.sum()))
    if free.any():
        result = pp.LevenbergMarquardt(max_steps=3)(objective, z)
        assert result.z.isfinite().all()
        assert torch.equal(masked.merge(result.z)[~free], before[~free])


@given(keep=st.floats(allow_nan=True, allow_infinity=True), criterion=st.sampled_from(["global", "layer"]))
@settings(deadline=None)
def test_any_kept_fraction_keeps_some_and_frees_some_or_is_refused(keep, criterion):
    masked = MaskedNetwork(small_network())
    try:
        kept = kept_weights(masked, keep, criterion)
    except PruningError:
        return
    assert 0 < int(kept.sum()) < len(kept)


def main(runs: int) -> None:
    """Many of each kind, in a process of no more than a gigabyte beyond what it has loaded."""
    torch.set_num_threads(1)
    family = pp.solve_family(Decay(), keep=0.5)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**30, used + 2**30))
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        whole = family.save(Path(folder) / "decay.pac")
        text = problem_file(Path(folder)).read_text()
        rng = random.Random(0)
        kinds = {
            "coefficient strings": (runs, lambda k: read_coefficients(strings(rng))),
            "family files": (runs, lambda k: load_something_like(whole, k)),
            "problem files": (runs // 10, lambda k: solve_something_like(text, k, Path(folder))),
        }
        for kind, (count, action) in kinds.items():
            for k in range(count):
                began = time.perf_counter()
                try:
                    action(k)
                except BaseException:
                    print(f"{kind}: {k} escaped")
                    raise
                longest = max(longest, time.perf_counter() - began)
            print(f"{kind}: {count} inputs, none escaped; longest {longest:.2f} s", flush=True)


def strings(rng: random.Random) -> list[str]:
    return ["".join(rng.choices(PIECES, k=rng.randint(0, 8))) for _ in range(rng.randint(0, 3))]


if __name__ == "__main__":
    main(int(sys.argv[1]))
