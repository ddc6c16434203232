"""SIGTERM, with which systems end a process, as an interrupt that leaves everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass
class Ended:
    """Which signal has ended a block: SIGTERM, or Ctrl-C's SIGINT if it was no other."""

    by: int = signal.SIGINT


@contextmanager
def terminable() -> Iterator[Ended]:
    """A block that SIGTERM ends as Ctrl-C does, by a KeyboardInterrupt; says afterwards which of them it was."""
    ended = Ended()

    def end(number: int, frame: FrameType | None) -> None:
        ended.by = number
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # signals are handled in no other
        yield ended
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield ended
    finally:
        signal.signal(signal.SIGTERM, before)
