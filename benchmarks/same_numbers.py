"""Are all numbers the same, to the last bit, as those of another tree?

Solves a fixed set of families at seed 0, fits estimators and runs PAC by hand, and writes ``DIR/same_numbers.json``:
the SHA-256 of every array that comes of it, every float in hexadecimal, everything else as text; of seconds nothing. To
be run before and after a change that is to change no number, on one machine, with the same torch and one thread:

    OMP_NUM_THREADS=1 python benchmarks/same_numbers.py --output before
    OMP_NUM_THREADS=1 python benchmarks/same_numbers.py --output after --against before/same_numbers.json

It uses public names alone, so that it runs unchanged on both trees: ``PYTHONPATH=FOLDER`` names that of another one,
where ``pip install --no-deps --target FOLDER TREE`` has put it. ``--quick`` asks less of every case (a minute in all).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import pacpinn as pp
from report import console, machine
from same.answers import Items
from same.estimators import by_hand, by_hand_on_data, classifier, regressor
from same.families import (
    EQUATIONS,
    batched,
    detours,
    digits,
    equation,
    friedman,
    from_deepxde,
    going_on,
    integral,
    methods,
    soft_conditions,
    within,
)

LONG = 100  # characters: of a longer text the digest
ONLY = "cases to run; others stay in DIR as they are"
SHOWN = 8  # differences of a case that are printed

CASES: dict[str, Callable[[bool], Items]] = {
    **{name: lambda quick, name=name: equation(name, quick) for name in EQUATIONS},
    "within": within,
    "friedman": friedman,
    "digits": digits,
    "from_deepxde": from_deepxde,
    "integral": integral,
    "methods": methods,
    "batched": batched,
    "going_on": going_on,
    "detours": detours,
    "soft_conditions": soft_conditions,
    "regressor": regressor,
    "classifier": classifier,
    "by_hand": by_hand,
    "by_hand_on_data": by_hand_on_data,
}


def digests(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A value, or each of those that it holds, by name: as text that differs where a bit does."""
    if isinstance(value, nn.Module):
        value = value.state_dict()
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from digests(f"{name}/{key}", each)
    elif isinstance(value, list | tuple):
        for i, each in enumerate(value):
            yield from digests(f"{name}/{i}", each)
    else:
        yield name, digest(value)


def digest(value: Any) -> str:
    if isinstance(value, torch.Tensor):
        value = value.numpy(force=True)
    if isinstance(value, np.ndarray):
        shape, content = f"{value.dtype} {'x'.join(map(str, value.shape))}", np.ascontiguousarray(value).tobytes()
        return f"{shape} {hashlib.sha256(content).hexdigest()}"
    if isinstance(value, float):
        return float(value).hex()
    text = str(value)
    return text if len(text) <= LONG else f"text {len(text)} {hashlib.sha256(text.encode()).hexdigest()}"


def entries_of(case: str, quick: bool) -> dict[str, str]:
    """All digests of a case; of one that breaks off those so far, and the error."""
    entries: dict[str, str] = {}
    try:
        for name, value in CASES[case](quick):
            for key, each in digests(name, value):
                if key in entries:
                    raise ValueError(f"{case} has two entries {key}")
                entries[key] = each
    except Exception as fault:  # the other cases are run all the same
        traceback.print_exc()
        entries["broken off"] = f"{type(fault).__name__}: {fault}"
    return entries


def differences(there: Mapping[str, str], here: Mapping[str, str]) -> list[str]:
    """A line for each entry that is not the same, or on one side alone."""
    names = [*there, *(name for name in here if name not in there)]
    return [
        f"{name}: {there.get(name, 'nothing')} there, {here.get(name, 'nothing')} here"
        for name in names
        if there.get(name) != here.get(name)
    ]


def shown(case: str, entries: Mapping[str, str], seconds: float, there: Mapping[str, str] | None) -> bool:
    """Print how a case went; whether it did, and is the same as `there`, if it was run there."""
    found = [] if there is None else differences(there, entries)
    broken = "broken off" in entries
    verdict = "" if there is None else "same" if not found else f"{len(found)} of {len(entries)} DIFFER"
    words = [f"{len(entries)} entries", f"{seconds:.1f} s", *(["BROKEN OFF"] if broken else []), verdict]
    console.print(f"{case}: {', '.join(word for word in words if word)}", highlight=False)
    for line in found[:SHOWN]:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
    if len(found) > SHOWN:
        console.print(f"  and {len(found) - SHOWN} more", highlight=False)
    return not (found or broken)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for same_numbers.json")
    parser.add_argument("--against", type=Path, help="same_numbers.json of another tree, to compare with")
    parser.add_argument("--quick", action="store_true", help="fewer targets, larger tolerances")
    parser.add_argument(
        "--only", nargs="+", choices=CASES, default=list(CASES), metavar="CASE", help=f"{ONLY}: {', '.join(CASES)}"
    )
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    torch.set_num_threads(1)
    logging.getLogger("pacpinn").setLevel(logging.ERROR)  # of answers that a quick run does not trust
    console.print(f"{pp.__file__}; {', '.join(f'{name} {value}' for name, value in machine().items())}")
    known = None if chosen.against is None else json.loads(chosen.against.read_text())
    if known is not None and known["quick"] != chosen.quick:
        console.print(
            f"{chosen.against} is of a run {'with' if known['quick'] else 'without'} --quick: run this one so"
        )
        return 2
    chosen.output.mkdir(parents=True, exist_ok=True)
    path, good = chosen.output / "same_numbers.json", True
    before = json.loads(path.read_text()) if path.is_file() else {"quick": chosen.quick, "cases": {}}
    kept = before["cases"] if before["quick"] == chosen.quick else {}
    cases = {case: entries for case, entries in kept.items() if case not in chosen.only}
    for case in chosen.only:
        began = time.perf_counter()
        cases[case] = entries_of(case, chosen.quick)
        there = None if known is None else known["cases"].get(case, {})
        good = shown(case, cases[case], time.perf_counter() - began, there) and good
        content = {"quick": chosen.quick, "machine": machine(), "cases": cases}  # after every case: the next may crash
        path.write_text(json.dumps(content, indent=1) + "\n")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
