"""Texts of others in messages."""

from __future__ import annotations

from copilot.text.shorten import shorten


def test_a_long_text_is_cut_to_one_line():
    assert shorten(" a\n b\t") == "a b"
    assert shorten("x" * 300) == "x" * 300
    assert shorten("x" * 301) == "x" * 300 + "..."
