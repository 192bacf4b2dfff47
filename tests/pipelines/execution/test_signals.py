"""Signals that ask a run to stop: the first, its echo, and the second."""

from __future__ import annotations

import signal

import pytest

from pipelines.execution.signals import interruptible

BOTH = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("second", BOTH)
@pytest.mark.parametrize("first", BOTH)
def test_the_second_signal_stops_at_once(first: signal.Signals, second: signal.Signals) -> None:
    now, told = [100.0], []
    before = [signal.getsignal(number) for number in BOTH]
    with interruptible(lambda: told.append(1), clock=lambda: now[0]) as stopping:
        assert not stopping.is_set()
        signal.raise_signal(first)
        # A batch system signals the process and then its group: that is one request.
        signal.raise_signal(first)
        assert (stopping.is_set(), told) == (True, [1])
        now[0] = 101.5
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(second)
    assert told == [1]
    assert [signal.getsignal(number) for number in BOTH] == before
