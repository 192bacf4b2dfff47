"""Read a run for training: pairs of sound before and after an edit, with the request, in NumPy batches.

    python examples/read_for_training.py [RUN]

Without RUN, a small run is made in the folder training-run.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from pipelines import GenerateRequest, RunConfig, generate, open_run

BATCH = 4


class Pair(NamedTuple):
    """One edit: the sound before it, the request, the sound after it. Sounds are float32, (2, samples)."""

    before: np.ndarray
    request: str
    after: np.ndarray


def read_pairs(place: str) -> Iterator[Pair]:
    """Yield every edit of every `hq` sample, with one sample in memory at a time."""
    for sample in open_run(place):
        if sample.tier != "hq":
            continue
        sounds = [sample.audio(turn) for turn in range(len(sample.dialogue.turns))]
        for index, turn in enumerate(sample.dialogue.turns[1:], start=1):
            yield Pair(sounds[index - 1], turn.user, sounds[index])


def make_batches(pairs: Iterable[Pair], size: int) -> Iterator[tuple[np.ndarray, list[str], np.ndarray]]:
    """Yield batches whose sounds are padded with silence to the longest: (batch, 2, samples)."""
    pairs = iter(pairs)
    while batch := list(islice(pairs, size)):
        longest = max(sound.shape[1] for pair in batch for sound in (pair.before, pair.after))
        before, after = (
            np.stack([np.pad(sound, ((0, 0), (0, longest - sound.shape[1]))) for sound in sounds])
            for sounds in ([pair.before for pair in batch], [pair.after for pair in batch])
        )
        yield before, [pair.request for pair in batch], after


if len(sys.argv) > 1:
    run = sys.argv[1]
else:
    run = "training-run"
    generate(GenerateRequest(config=RunConfig(seeds="starter"), out=run, num=4))
n_pairs = 0
for before, requests, after in make_batches(read_pairs(run), BATCH):
    n_pairs += len(requests)
    # The difference is exactly the edited sounds: everything else is the same, bit for bit.
    changed = np.mean(np.any(before != after, axis=1), axis=1)
    print(before.shape, after.shape, f"samples changed: {', '.join(f'{share:.0%}' for share in changed)}")
    print("  ", " | ".join(requests))
print(f"{n_pairs} pairs")
