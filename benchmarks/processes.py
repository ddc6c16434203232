"""Measures a case in a process of its own: what it has found is kept, whatever becomes of the process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def in_a_process(script: str, words: Sequence[str], threads: int, timeout: float) -> list[dict[str, Any]]:
    """The rows that a script of this folder writes: the first of its arguments is the file for them, then `words`.

    The last row is of part "process": its seconds, and as `message` why it did not end well, None if it did. A process
    that takes longer than `timeout` seconds is stopped; the rows that it had written by then are kept.
    """
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        message = _run([str(HERE / script), str(path), *words], threads, timeout)
        rows = list(complete(path.read_text())) if path.is_file() else []
    rows.append({"part": "process", "seconds": time.perf_counter() - began, "message": message})
    return rows


def _run(words: Sequence[str], threads: int, timeout: float) -> str | None:
    """Why the process did not end well; None if it did."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    try:
        done = subprocess.run(
            [sys.executable, *words], capture_output=True, env=environment, timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        return f"stopped after {timeout:g} s"
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    return None if done.returncode == 0 else f"ended with {done.returncode}: {' '.join(last)}"


def complete(text: str) -> Iterator[dict[str, Any]]:
    """The rows of a file of JSON lines; a last line that was not written to its end is left out."""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            yield json.loads(line)
