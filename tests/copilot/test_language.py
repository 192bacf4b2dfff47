"""Languages by their tags."""

from __future__ import annotations

import pytest

from copilot.language import is_among, name_language, name_languages, normalise_tag


@pytest.mark.parametrize(
    ("given", "tag"),
    [
        ("de", "de"),
        ("EN", "en"),
        (" pt-br ", "pt-BR"),
        ("zh_hans_CN", "zh-Hans-CN"),
        ("gsw", "gsw"),
        ("es-419", "es-419"),
    ],
)
def test_a_tag_gets_its_usual_case(given: str, tag: str):
    assert normalise_tag(given) == tag
    assert normalise_tag(tag) == tag


@pytest.mark.parametrize("given", ["", "German", "german", "xx", "d", "de-", "de DE", "deutsch"])
def test_other_texts_are_no_tags(given: str):
    with pytest.raises(ValueError, match="tag"):
        normalise_tag(given)


def test_regions_do_not_make_another_language():
    assert is_among("de-AT", ("en", "de"))
    assert is_among("en", ("en-US",))
    assert not is_among("de", ("en", "nl"))


def test_names():
    assert (name_language("de"), name_language("pt-BR"), name_language("gsw")) == (
        "German",
        "Portuguese (pt-BR)",
        "gsw",
    )
    assert name_languages(("de", "bg", "en-US", "en-GB")) == "English, Bulgarian, German"
    assert name_languages(("de", "fr", "it", "es", "pt", "nl", "pl", "sv")).endswith(" and 2 more languages")
