"""Batches: requests of about the same duration together, as many as the backend's budget has room for."""

from __future__ import annotations

from collections.abc import Sequence

from copilot.units import Seconds


def cut_batches(durations_s: Sequence[Seconds], batch_s: Seconds, least_s: Seconds = 0.0) -> list[list[int]]:
    """Return batches of indices of the requests, from the shortest request to the longest.

    A batch costs its number of requests times its longest duration, since models pad to that, and no request
    costs less than `least_s`. A request that alone costs more than `batch_s` is a batch of its own.
    """
    batches: list[list[int]] = []
    for index in sorted(range(len(durations_s)), key=lambda i: (durations_s[i], i)):
        one_s = max(durations_s[index], least_s)
        if batches and (len(batches[-1]) + 1) * one_s <= batch_s:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def compute_cost_s(durations_s: Sequence[Seconds], least_s: Seconds = 0.0) -> Seconds:
    """Return the share of the budget that one batch of these requests costs."""
    return len(durations_s) * max(*durations_s, least_s)
