"""Measure what a listener finds in runs: words, speech above the rest, edits that are heard, captions.

    python benchmarks/heard.py --asr SPEC [--detector SPEC] [--seeds SPEC] [--num N] [NAME=RUN ...]

Makes a run with the default backends and one with `--tts espeak`, of the same seeds, hears both with
`copilot hear`, and prints a table with a column for each. NAME=RUN adds a column for a run that exists, such
as one of an earlier version; it is heard as well. Speech against the rest and the change by each edit are
measured again from the stems, with the code of this version.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from copilot.checks import run_audio_checks
from copilot.measured_masking import NOT_MASKED
from copilot.sample import Sample
from pipelines import GenerateRequest, RunConfig, generate, open_run
from pipelines.heard.figures import read_figures
from pipelines.heard.store import HeardStore
from pipelines.hearing.ear import ListenerSpec
from pipelines.hearing.hear import hear_run
from pipelines.hearing.local import LocalHearing
from pipelines.options.values import parse_settings
from pipelines.run.reader import RunReader

LEAST_CHANGE_DB = 1.0
NOTHING_ELSE = NOT_MASKED.rest_lu


@dataclass
class Found:
    """What was found in one run."""

    n_samples: int = 0
    n_hq: int = 0
    words: int = 0
    errors: int = 0
    words_in_mixes: int = 0
    errors_in_mixes: int = 0
    elsewhere: list[float] = field(default_factory=list)
    presence: list[float] = field(default_factory=list)
    leads_lu: list[float] = field(default_factory=list)
    volume_db: list[float] = field(default_factory=list)

    def add_sample(self, sample: Sample) -> None:
        self.n_samples += 1
        self.n_hq += sample.tier == "hq"
        checks = run_audio_checks(sample.dialogue, sample.load_stems(), sample.mix_again())
        values = {check.name: check.value for check in checks}
        if values["speech_to_background"] > NOTHING_ELSE:
            self.leads_lu.append(-values["speech_to_background"])
        for index, turn in enumerate(sample.dialogue.turns):
            if turn.task == "volume":
                self.volume_db.append(-values[f"edit_audible/{index}"])

    def add_heard(self, place: Path | str) -> None:
        reader = RunReader(place)
        store = HeardStore(reader.run)
        for shard in reader.files("samples"):
            table = store.read_figures(shard)
            for row in table.to_pylist() if table is not None else ():
                self.words += sum(line["n_words"] for line in row["lines"])
                self.errors += sum(line["n_errors"] for line in row["lines"])
                self.words_in_mixes += sum(line["n_words"] for line in row["lines_in_mixes"])
                self.errors_in_mixes += sum(line["n_errors"] for line in row["lines_in_mixes"])
                self.presence += [one["presence"] for one in row["captions"] if one["presence"] is not None]
            for figures in read_figures(table).values():
                self.elsewhere += [figures["words_elsewhere"]] if "words_elsewhere" in figures else []

    def list_rows(self) -> Iterator[tuple[str, str]]:
        yield "samples", f"{self.n_samples}"
        yield "of these hq", _format_share(self.n_hq, self.n_samples)
        yield "word error rate of lines alone", _format_share(self.errors, self.words)
        yield "word error rate of lines in mixes", _format_share(self.errors_in_mixes, self.words_in_mixes)
        n_elsewhere = sum(n > 0 for n in self.elsewhere)
        yield "samples with words where nobody speaks", _format_share(n_elsewhere, len(self.elsewhere))
        if self.presence:
            yield "presence of captions in their stems, median", f"{median(self.presence):.2f}"
        if self.leads_lu:
            yield "speech above the rest, LU, median of the worst lines", f"{median(self.leads_lu):.1f}"
            yield "... lowest", f"{min(self.leads_lu):.1f}"
        n_small = sum(change < LEAST_CHANGE_DB for change in self.volume_db)
        yield "volume edits below 1 dB", _format_share(n_small, len(self.volume_db))


def _format_share(n: int, total: int) -> str:
    return f"{100 * n / total:.1f} % of {total}" if total else "none"


def measure(place: Path | str, listeners: Sequence[ListenerSpec]) -> Found:
    hear_run(place, listeners, executor=LocalHearing())
    found = Found()
    for sample in open_run(place):
        found.add_sample(sample)
    found.add_heard(place)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--asr", required=True, metavar="SPEC")
    parser.add_argument("--asr-set", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--detector", metavar="SPEC")
    parser.add_argument("--seeds", default="starter")
    parser.add_argument("--num", type=int, default=40)
    parser.add_argument("runs", nargs="*", metavar="NAME=RUN")
    given = parser.parse_args()
    listeners = [ListenerSpec("recogniser", given.asr, parse_settings(given.asr_set, "asr_set"))]
    listeners += [ListenerSpec("detector", given.detector)] if given.detector else []
    columns = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in (("default", {}), ("espeak", {"tts": "espeak"})):
            place = Path(folder, name)
            config = RunConfig(seeds=given.seeds, run_seed=7, **options)
            generate(GenerateRequest(config=config, out=place, num=given.num))
            columns[name] = dict(measure(place, listeners).list_rows())
        for run in given.runs:
            name, _, place = run.partition("=")
            columns[name] = dict(measure(place, listeners).list_rows())
    rows = list(dict.fromkeys(row for column in columns.values() for row in column))
    width = max(map(len, rows))
    print(" " * width, *(f"{name:>18}" for name in columns))
    for row in rows:
        print(row.ljust(width), *(f"{column.get(row, ''):>18}" for column in columns.values()))


if __name__ == "__main__":
    main()
