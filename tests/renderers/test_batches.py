"""Batches: every request once, about equally long, within the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from renderers.batches import compute_cost_s, cut_batches


@pytest.mark.parametrize(
    ("durations_s", "batch_s", "least_s", "batches"),
    [
        ([8, 1, 2, 1], 8, 0, [[1, 3, 2], [0]]),
        ([4, 4, 4], 8, 0, [[0, 1], [2]]),
        ([1, 1, 1, 1], 20, 10, [[0, 1], [2, 3]]),
        ([30, 1], 8, 0, [[1], [0]]),
        ([3, 1, 2], float("inf"), 0, [[1, 2, 0]]),
        ([], 8, 0, []),
    ],
)
def test_batches_are_cut_from_the_shortest_on(durations_s, batch_s, least_s, batches):
    assert cut_batches(durations_s, batch_s, least_s) == batches


DURATIONS = st.lists(st.floats(0.1, 50), max_size=40)


@given(DURATIONS, st.floats(0.1, 200), st.floats(0, 20))
def test_every_request_is_in_one_batch_and_no_batch_of_several_exceeds_the_budget(
    durations, batch_s, least_s
):
    batches = cut_batches(durations, batch_s, least_s)
    assert sorted(index for batch in batches for index in batch) == list(range(len(durations)))
    for batch in batches:
        assert len(batch) == 1 or compute_cost_s([durations[index] for index in batch], least_s) <= batch_s
