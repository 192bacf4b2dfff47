"""Seeds in a language that is not the run's: rows are rejected, whole sources are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.paths import corpus

from copilot.designers.llm.settings import LlmSettings
from copilot.errors import RejectedError, UserError
from copilot.seed import Seed
from pipelines import GenerateRequest, RunConfig, generate, make_sample
from pipelines.backends import create_designer, list_seed_languages
from pipelines.dialogue_preview import preview
from pipelines.run.reader import RunReader
from pipelines.seeds import read_seeds

GERMAN = ("Der Regen hatte endlich aufgeh\u00f6rt.", "Im Garten sitzt eine alte Katze und schl\u00e4ft.")
ENGLISH = ("The rain had stopped at last.", "An old cat sleeps in the garden.", "OH EMIL")


def write(folder: Path, *lines: str) -> str:
    (folder / "seeds.txt").write_text("\n".join(lines) + "\n", "utf-8")
    return f"text:{folder / 'seeds.txt'}"


def test_foreign_seeds_are_marked(tmp_path: Path):
    source = write(tmp_path, *ENGLISH, *GERMAN)
    marked = {seed.text: seed.foreign for seed in read_seeds(source, None, 7, ("en",)).seeds}
    assert marked == dict.fromkeys(GERMAN, "de") | dict.fromkeys(ENGLISH)
    assert {seed.foreign for seed in read_seeds(source, None, 7).seeds} == {None}


def test_a_foreign_source_is_refused(tmp_path: Path):
    source = write(tmp_path, ENGLISH[0], *GERMAN)
    with pytest.raises(UserError) as caught:
        read_seeds(source, None, 7, ("en",))
    assert caught.value.field == "seeds"
    with pytest.raises(UserError):
        read_seeds("starter", 5, 7, ("de",))


@pytest.mark.parametrize(
    "spec",
    ["librispeech:LibriSpeech", "common-voice:CommonVoice/validated.tsv", "text:CommonVoice/sentences.txt"],
)
def test_no_line_of_the_full_corpora_is_foreign(spec: str):
    kind, _, path = spec.partition(":")
    folder, _, rest = path.partition("/")
    seeds = read_seeds(f"{kind}:{corpus(folder) / rest}", None, 7, ("en",)).seeds
    assert [seed for seed in seeds if seed.foreign] == []


def test_the_designer_decides_unless_a_language_is_declared():
    assert list_seed_languages(RunConfig(seeds="starter")) == ("en",)
    assert list_seed_languages(RunConfig(seeds="starter", designer="llm")) == ()
    assert list_seed_languages(RunConfig(seeds="starter", designer="llm", language="de-at")) == ("de-AT",)


def test_the_scripted_designer_is_english():
    assert create_designer(RunConfig(seeds="starter", language="en-GB")).name == "scripted"
    with pytest.raises(UserError) as caught:
        create_designer(RunConfig(seeds="starter", language="de"))
    assert caught.value.field == "language"


def test_a_language_that_is_not_declared_is_in_no_fingerprint():
    assert "language" not in RunConfig(seeds="starter").model_dump()
    assert RunConfig(seeds="starter", language="de").model_dump()["language"] == "de"


def test_a_run_rejects_foreign_rows_by_name(tmp_path: Path):
    source = write(tmp_path, *ENGLISH, GERMAN[0])
    config = RunConfig(seeds=source, sfx="noise", tts="murmur")
    outcome = generate(GenerateRequest(config=config, out=tmp_path / "run"))
    assert outcome.totals.accepted == 3
    [row] = RunReader(tmp_path / "run").rows("rejects", ["seed_text", "stage", "reason"])
    assert row == {"seed_text": GERMAN[0], "stage": "design", "reason": "language"}
    rejects = [record.reject for record in preview(config, 4) if record.reject]
    assert [(reject.stage, reject.reason) for reject in rejects] == [("design", "language")]


def test_a_single_foreign_sample_is_rejected():
    with pytest.raises(RejectedError) as caught:
        make_sample(Seed("mine", GERMAN[0]), RunConfig(seeds="starter", sfx="noise", tts="murmur"))
    assert (caught.value.stage, caught.value.reason) == ("design", "language")


def test_a_foreign_seed_can_be_designed_without_speech_and_its_words(tmp_path: Path):
    config = RunConfig(
        seeds=write(tmp_path, *GERMAN),
        speech_share=1,
        n_turns=5,
        foreign_seeds="silent",
        sfx="noise",
        tts="murmur",
    )
    for record in preview(config, 2):
        assert (record.reject, record.seed.foreign) == (None, "de")
        dialogue = record.require_dialogue()
        assert dialogue.seed_text == record.seed.text
        assert {e.role for turn in dialogue.turns for e in turn.scene.elements}.isdisjoint({"speech"})
        assert not any(record.seed.text[:12] in turn.user for turn in dialogue.turns)
    assert generate(GenerateRequest(config=config, out=tmp_path / "run")).totals.accepted == 2
    assert make_sample(GERMAN[0], config).id


def test_an_english_seed_speaks_beside_silent_ones(tmp_path: Path):
    seeds = write(tmp_path, *ENGLISH, *GERMAN)
    texts = {
        silent: {r.seed.text: r.dialogue for r in preview(RunConfig(seeds=seeds, foreign_seeds=silent), 5)}
        for silent in ("reject", "silent")
    }
    assert all(texts["reject"][text] == texts["silent"][text] is not None for text in ENGLISH)


def test_a_foreign_request_is_rejected_even_if_seeds_are_silent(tmp_path: Path):
    (tmp_path / "asks.txt").write_text("\n".join((*ENGLISH[:2], GERMAN[0])), "utf-8")
    config = RunConfig(seeds=f"requests:{tmp_path / 'asks.txt'}", foreign_seeds="silent")
    reasons = {r.seed.text: r.reject and r.reject.reason for r in preview(config, 3)}
    assert reasons[GERMAN[0]] == "language"


def test_a_designer_that_takes_no_silent_seeds_says_so():
    config = RunConfig(
        seeds="starter", designer="llm", llm=LlmSettings(model="m"), language="de", foreign_seeds="silent"
    )
    with pytest.raises(UserError) as caught:
        create_designer(config)
    assert caught.value.field == "foreign_seeds"


def test_the_treatment_of_foreign_seeds_is_in_the_fingerprint_if_it_is_not_the_default():
    assert "foreign_seeds" not in RunConfig(seeds="starter").model_dump()
    silent = RunConfig(seeds="starter", foreign_seeds="silent").model_dump()
    assert silent["foreign_seeds"] == "silent"
    assert RunConfig.model_validate(silent).foreign_seeds == "silent"
