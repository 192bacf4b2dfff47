"""Measure the scripted designer over a source of seeds: valid shares, variety, tasks, speed.

    python benchmarks/designer.py [SEEDS]

SEEDS is a source as `--seeds` takes it, such as `librispeech:PATH/test-clean`; default: `starter`.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import pairwise

from copilot.designers.scripted import ScriptedDesigner
from copilot.designers.scripted.dice import Dice
from copilot.designers.scripted.lexicon_data import load_lexicon
from copilot.designers.scripted.manners import Manner
from copilot.designers.scripted.phrasing import Phrasebook, Phrasing
from copilot.dialogue import Dialogue
from copilot.hashing import content_hash
from copilot.rules import check_dialogue
from copilot.scene import SceneLimits
from pipelines.seeds import read_seeds

RUN_SEED = 7


@contextmanager
def count_phrasings(counts: Counter[tuple[str, str]]) -> Iterator[None]:
    """Count which phrasings are drawn, by group and text."""
    draw = Phrasebook.draw

    def draw_and_count(
        book: Phrasebook, dice: Dice, group: str, kinds: Collection[str], manner: Manner | None = None
    ) -> Phrasing:
        phrasing = draw(book, dice, group, kinds, manner)
        counts[group, phrasing.text] += 1
        return phrasing

    Phrasebook.draw = draw_and_count  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        Phrasebook.draw = draw  # type: ignore[method-assign]


def report_validity(dialogues: list[Dialogue]) -> None:
    found = [{v.severity for v in check_dialogue(dialogue, SceneLimits())} for dialogue in dialogues]
    valid, clean = sum("fatal" not in severities for severities in found), found.count(set())
    print(f"of {len(dialogues)} dialogues, {valid} are valid and {clean} hq")


def report_variety(dialogues: list[Dialogue]) -> None:
    lexicon = load_lexicon()[0]
    stories = [dialogue.turns[0].scene for dialogue in dialogues]
    scenes = {content_hash([e.model_dump(exclude={"id"}) for e in s.elements]) for s in stories}
    sets = [frozenset(e.text for e in scene.elements) for scene in stories]
    adjacent = sum(one == other for one, other in pairwise(sets))
    place_of = {place: setting.key for setting in lexicon.settings for place in setting.places}
    keys = Counter(
        next(key for place, key in place_of.items() if place in d.turns[0].description) for d in dialogues
    )
    heard = {e.text for d in dialogues for t in d.turns for e in t.scene.elements}
    captions = set(lexicon.sounds())
    speaking = sum(any(e.role == "speech" for t in d.turns for e in t.scene.elements) for d in dialogues)
    print(f"distinct first scenes {len(scenes)}, distinct sets of captions {len(set(sets))}")
    print(f"neighbours with the same captions {adjacent}")
    (most, n_most), (least, n_least) = keys.most_common(1)[0], keys.most_common()[-1]
    n = len(dialogues)
    print(f"settings {len(keys)}: most {most} {n_most / n:.2%}, least {least} {n_least / n:.2%}")
    print(f"captions {len(captions)}, of which {len(captions & heard)} are heard")
    print(f"dialogues that speak {speaking / n:.2%}")
    print(f"sounds in the first scene {sum(map(len, stories)) / n:.2f}")


def report_tasks(dialogues: list[Dialogue], phrasings: Counter[tuple[str, str]]) -> None:
    tasks = Counter(turn.task for dialogue in dialogues for turn in dialogue.turns)
    requests = [request for mood in load_lexicon()[0].moods for request in mood.requests]
    for turn in (turn for dialogue in dialogues for turn in dialogue.turns if turn.task == "open"):
        phrasings["open", next(r for r in requests if r.rstrip(".").lower() in turn.user.lower())] += 1
    n_edits = tasks.total() - tasks["story"]
    for task, n in tasks.items():
        used = {text: count for (group, text), count in phrasings.items() if group == task}
        top = max(used, key=lambda text: used[text])
        share = "" if task == "story" else f" {n / n_edits:6.2%} of edits,"
        print(f"{task:8}{share} {len(used)} phrasings, the most frequent {used[top] / n:.2%}: {top}")


def main(spec: str = "starter") -> None:
    seeds = sorted(read_seeds(spec, None, RUN_SEED).seeds, key=lambda seed: seed.id)
    started_s = time.process_time()
    designer = ScriptedDesigner()
    loaded_s = time.process_time()
    phrasings: Counter[tuple[str, str]] = Counter()
    with count_phrasings(phrasings):
        dialogues = [designer.design(seed, RUN_SEED).dialogue for seed in seeds]
    per_dialogue_ms = 1000 * (time.process_time() - loaded_s) / len(seeds)
    print(f"{len(seeds)} seeds; lexicon loaded in {1000 * (loaded_s - started_s):.0f} ms")
    print(f"processor time {per_dialogue_ms:.2f} ms a dialogue")
    report_validity(dialogues)
    report_tasks(dialogues, phrasings)
    report_variety(dialogues)


if __name__ == "__main__":
    main(*sys.argv[1:])
