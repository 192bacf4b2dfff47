"""The language of speech: backends that cannot speak it are refused, the others get its voices."""

from __future__ import annotations

import pytest
from helpers.made_runs import a_dialogue

from copilot.dialogue import Dialogue
from copilot.errors import RejectedError, UserError
from copilot.seed import Seed
from copilot.stem import SoundSpec
from pipelines import RunConfig, make_sample
from pipelines.backends import Backends, require_language
from renderers import registry
from renderers.contract import RenderRequest, get_info
from renderers.worker.answers import Greeting, request_to_json

GERMAN = "Der Regen hatte endlich aufgeh\u00f6rt, und die Stra\u00dfe war still."
SPEECH_API = "speech-api:http://127.0.0.1:1/v1"


def refuse(language: str | None, tts: str, **settings: object) -> str | None:
    """Return the field of the error for a language that a renderer does not speak; None if it does."""
    renderer = registry.create(tts, "tts", settings)
    try:
        require_language(renderer, language)
    except UserError as error:
        return error.field
    finally:
        renderer.close()
    return None


@pytest.mark.parametrize(
    ("language", "tts", "settings", "field"),
    [
        (None, "hibari", {}, None),
        ("en-GB", "hibari", {}, None),
        ("de", "hibari", {}, "language"),
        (None, "espeak", {}, None),
        ("de", "espeak", {}, None),
        ("pt-PT", "espeak", {}, None),
        ("ja", "espeak", {}, "language"),
        ("en-GB", SPEECH_API, {}, None),
        ("de", SPEECH_API, {}, "language"),
        ("de", SPEECH_API, {"languages": "en,de"}, None),
        (None, SPEECH_API, {"languages": "de"}, "tts"),
        ("de", "murmur", {}, "language"),
        (None, "murmur", {}, None),
    ],
)
def test_a_renderer_speaks_what_it_says(language, tts, settings, field):
    assert refuse(language, tts, **settings) == field


def test_a_run_in_a_language_that_cannot_be_spoken_does_not_start():
    config = RunConfig(seeds="starter", designer="stand-in", language="ja", sfx="noise", tts="espeak")
    with Backends(config) as backends, pytest.raises(UserError) as caught:
        backends.compute_fingerprint()
    assert caught.value.field == "language"


def test_german_lines_are_spoken_by_german_voices_or_not_at_all():
    known = a_dialogue(Seed("mine/1", GERMAN)).model_dump_json()
    dialogue = Dialogue.model_validate_json(known.replace("who is there", "Wer klopft denn so sp\u00e4t?"))
    config = RunConfig(seeds="starter", designer="stand-in", language="de", sfx="noise", tts="espeak")
    sample = make_sample(dialogue, config)
    assert [voice.voice.partition("+")[0] for voice in sample.provenance.voices] == ["de"]
    with pytest.raises(RejectedError) as caught:
        make_sample(dialogue, config.model_copy(update={"language": None}))
    assert (caught.value.stage, caught.value.reason) == ("cast", "language")


def test_a_language_is_in_the_key_of_a_stem_if_it_is_declared():
    spec = SoundSpec("tts", "Ja.", 1.0, 7, {"backend": "x"})
    german = SoundSpec("tts", "Ja.", 1.0, 7, {"backend": "x"}, language="de")
    assert spec.key != german.key
    assert RenderRequest.from_spec(german).language == "de"


def test_a_worker_hears_the_language_that_is_declared():
    assert "language" not in request_to_json(RenderRequest("Ja.", 1.0, 7))
    assert request_to_json(RenderRequest("Ja.", 1.0, 7, language="de"))["language"] == "de"


def test_a_worker_says_what_it_speaks():
    voice = {"name": "anna", "gender": "female", "languages": ["de"]}
    greeting = {"protocol": 1, "name": "x", "tool": "tts", "fingerprint": {}, "languages": ["en"]}
    known = Greeting.parse({**greeting, "voices": [voice]})
    assert (known.languages, known.list_voices()[0].languages) == (("en",), ("de",))


def test_a_class_says_what_its_model_speaks():
    assert get_info(registry.find_class("vibevoice", "tts")).languages == ("en", "zh")
