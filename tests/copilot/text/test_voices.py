"""Voices of people in captions and requests."""

import pytest

from copilot.text.voices import holds_voices, wants_voices


@pytest.mark.parametrize(
    "caption",
    [
        "a crowd of travellers murmuring in a large hall",
        "a small choir humming",
        "a congregation whispering before the service",
        "a talk show on a kitchen radio",
        "giggling laughter",
        "unintelligible whispers from nowhere",
        "children playing in a yard",
        "Two men TALKING in the next room",
        "a woman singing to herself",
    ],
)
def test_people_have_voices(caption):
    assert holds_voices(caption)


@pytest.mark.parametrize(
    "caption",
    [
        "a few birds singing outside",
        "wind whispering in the pines",
        "a stream murmuring over stones",
        "gulls screaming at the railing",
        "radio static hissing and crackling",
        "polite applause after a dance",
        "the cold room tone of a huge nave",
        "a cheerful jazz combo",
        "a kettle singing on the stove",
        "footsteps of a crowded train's guard",
    ],
)
def test_other_things_have_none(caption):
    assert not holds_voices(caption)


@pytest.mark.parametrize(
    ("request_text", "wish"),
    [
        ("Make a scene in a market. No voices, please.", False),
        ("a harbour at dawn, nobody talks", False),
        ('The line is "Come in". Without any speech.', False),
        ("Just sounds, no one talking.", False),
        ("Not a soul says a word.", False),
        ("There should not be any voices in it.", False),
        ("Add a crowd murmuring.", True),
        ('Let the cook say "Careful."', True),
        ("Could somebody laugh? Some laughter, please.", True),
        ("Turn down the rain.", None),
        ("", None),
    ],
)
def test_wishes_for_voices(request_text, wish):
    assert wants_voices(request_text) is wish
