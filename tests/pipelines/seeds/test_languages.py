"""Seeds in a language that is not the run's: rows are rejected, whole sources are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.paths import corpus

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
