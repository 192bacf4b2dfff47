"""The language of a text, where it is beyond doubt."""

from __future__ import annotations

import pytest

from copilot.text.language_detection import find_foreign_language

FOREIGN = [
    ("Der Regen hatte endlich aufgeh\u00f6rt.", "de"),
    ("WIR FAHREN MORGEN MIT DEM ZUG NACH HAMBURG", "de"),
    ("La puerta se abre lentamente.", "es"),
    ("Il pleut sur la ville", "fr"),
    ("\u0421\u043e\u0431\u0430\u043a\u0430 \u043b\u0430\u0435\u0442", "ru"),
    ("\u96e8\u304c\u6b62\u3093\u3060\u3002", "ja"),
    ("\ube44\uac00 \ub9c8\uce68\ub0b4 \uadf8\ucce4\ub2e4.", "ko"),
]
ENGLISH = [
    "YES",
    "OH EMIL",
    "STEPHANOS DEDALOS",
    "GRUB PI LE GRUB PI LE",
    "IL POPOLO E UNA BESTIA",
    "De Heusch was born in Utrecht.",
    "FOR AMBROSCH MY MAMA COME HERE",
    "The hinge is broken.",
    "1984",
    "\u2026",
]


@pytest.mark.parametrize(("text", "language"), FOREIGN)
def test_a_foreign_text_is_named_and_fits_its_own_language(text: str, language: str):
    assert find_foreign_language(text, ("en",)) == language
    assert find_foreign_language(text, ("en", language)) is None
    assert find_foreign_language(text, (f"{language}-XX",)) is None


@pytest.mark.parametrize("text", ENGLISH)
def test_short_names_and_capitals_are_no_other_language(text: str):
    assert find_foreign_language(text, ("en",)) is None


def test_an_english_text_is_foreign_to_another_language():
    assert find_foreign_language("THE RAIN HAD STOPPED AT LAST AND THE STREET WAS QUIET", ("de",)) == "en"


def test_a_language_that_is_not_known_is_never_judged():
    assert find_foreign_language("The rain had stopped at last.", ("gsw",)) is None
