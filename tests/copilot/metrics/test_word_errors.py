from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from copilot.metrics.word_errors import WordErrors, align, count_errors, count_line_errors

WORDS = st.lists(st.sampled_from("abc"), max_size=8)


def errors(said: str, heard: str) -> WordErrors:
    return count_errors(said.split(), heard.split())


def test_each_kind_of_error_is_counted():
    assert errors("the quick brown fox", "the quick brown fox") == WordErrors(4)
    assert errors("the quick brown fox", "the brick brown fox") == WordErrors(4, substitutions=1)
    assert errors("the quick brown fox", "the brown fox") == WordErrors(4, deletions=1)
    assert errors("the quick brown fox", "the quick and brown fox ran") == WordErrors(4, insertions=2)
    assert errors("", "boo") == WordErrors(0, insertions=1)


def test_the_rate_of_nothing_said_is_unknown():
    assert errors("a b c d", "a x d e e").rate == 1.0
    assert errors("", "boo").rate is None


def test_errors_in_a_mix_are_told_line_by_line():
    lines = [["mind", "the", "gap"], ["doors", "close"]]
    found = count_line_errors(lines, ["oh", "mind", "the", "cap", "doors"])
    assert found == [WordErrors(3, substitutions=1, insertions=1), WordErrors(2, deletions=1)]
    assert count_line_errors([], ["boo"]) == []


def least(said: list[str], heard: list[str]) -> int:
    if not said or not heard:
        return len(said) + len(heard)
    return min(
        least(said[1:], heard) + 1,
        least(said, heard[1:]) + 1,
        least(said[1:], heard[1:]) + (said[0] != heard[0]),
    )


@given(st.lists(st.sampled_from("abc"), max_size=5), st.lists(st.sampled_from("abc"), max_size=5))
def test_errors_are_the_fewest(said, heard):
    assert count_errors(said, heard).n_errors == least(said, heard)


@given(WORDS, WORDS)
def test_an_alignment_holds_every_word_once_in_order(said, heard):
    pairs = align(said, heard)
    assert [i for i, _ in pairs if i is not None] == list(range(len(said)))
    assert [j for _, j in pairs if j is not None] == list(range(len(heard)))


@given(st.lists(WORDS, min_size=1, max_size=3), WORDS)
def test_lines_together_have_the_errors_of_the_whole(lines, heard):
    whole = count_errors([word for line in lines for word in line], heard)
    assert sum(count_line_errors(lines, heard), WordErrors()) == whole
