"""Ctrl-C, and SIGTERM with which systems end a process, raised as an exception, so that files are closed properly."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The process was asked to end.

    Not a KeyboardInterrupt: if one passes through code run by ``exec``, as when a dataclass is defined, Python ends the
    process by SIGINT and ignores the exit code.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """Run a block that Ctrl-C and SIGTERM end by raising :class:`Stopped`; a signal that is ignored stays ignored."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    in_main_thread = threading.current_thread() is threading.main_thread()  # no other thread may set handlers
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if in_main_thread}
    handled = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}
    for number in handled:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
