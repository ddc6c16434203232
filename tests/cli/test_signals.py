"""Signals as an exception, and as they were afterwards."""

import os
import signal
import threading

import pytest

from pacpinn.cli.signals import Stopped, stoppable

BOTH = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def not_ignored():
    """A job in the background ignores SIGINT, and so do its tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("sent", BOTH)
def test_a_signal_ends_the_block_and_says_which_it_was(sent):
    before = [signal.getsignal(each) for each in BOTH]
    with pytest.raises(Stopped) as stop, stoppable():
        os.kill(os.getpid(), sent)
    assert stop.value.number == sent
    assert [signal.getsignal(each) for each in BOTH] == before


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGINT)
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        before = [signal.getsignal(each) for each in BOTH]
        with stoppable():
            seen.append([signal.getsignal(each) for each in BOTH] == before)

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [True]
