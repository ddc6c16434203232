"""Ctrl-C, and SIGTERM with which systems end a process, as an exception that leaves everything saved."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(BaseException):
    """The process was asked to end.

    No KeyboardInterrupt: where one passes through text that is executed, as in the making of a dataclass, Python ends
    the process by SIGINT, whatever exit code was meant.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def stoppable() -> Iterator[None]:
    """A block that Ctrl-C and SIGTERM end by :class:`Stopped`; what the process ignores it goes on ignoring."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Stopped(number)

    before = {}
    if threading.current_thread() is threading.main_thread():  # signals are handled in no other
        before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    handled = {each: handler for each, handler in before.items() if handler is not signal.SIG_IGN}
    for each in handled:
        signal.signal(each, stop)
    try:
        yield
    finally:
        for each, handler in handled.items():
            signal.signal(each, handler)
