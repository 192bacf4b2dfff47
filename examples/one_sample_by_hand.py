"""Make one sample by hand: a scene, two edits, rendered sounds, exact mixes, checks.

    python examples/one_sample_by_hand.py [FOLDER]

Writes a FLAC file for each turn into FOLDER (default: one-sample).
"""

import sys
from pathlib import Path

import numpy as np

from copilot import Add, Change, Dialogue, Scene, SoundElement, SpeechElement, Turn, apply
from pipelines import make_sample

RAIN = SoundElement(
    id=1, role="ambience", text="steady rain", loudness=-30, panning=0, start_time=0, duration=8
)
BELL = SoundElement(
    id=2, role="effect", text="a church bell", loudness=-20, panning=0, start_time=4, duration=4
)
ANNA = SpeechElement(
    id=3,
    text="Did you hear that?",
    speaker="Anna",
    gender="female",
    emotion="calm",
    loudness=-22,
    panning=0.3,
    start_time=1,
    duration=2,
)

# Each turn: its task, the user's request, the description afterwards, and the operations that make its scene.
STEPS = [
    ("story", "A bell in the rain.", "Steady rain; a church bell.", (Add(element=RAIN), Add(element=BELL))),
    ("panning", "Move the bell to the left.", "Steady rain; a church bell.", (Change(id=2, panning=-0.7),)),
    ("add", "Let Anna ask whether we heard that.", "Rain; Anna speaks; a church bell.", (Add(element=ANNA),)),
]

scene, turns = Scene(), []
for task, user, description, operations in STEPS:
    scene = apply(scene, operations)  # each scene is the one before it plus the edit
    turns.append(Turn(task=task, user=user, description=description, operations=operations, scene=scene))
dialogue = Dialogue(seed_id="by-hand/1", seed_text="A bell in the rain.", turns=tuple(turns))

# Every sound is rendered once, and every turn is mixed from the same sounds. A broken rule is an error here.
sample = make_sample(dialogue)
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "one-sample")
folder.mkdir(parents=True, exist_ok=True)
for index, flac in enumerate(sample.mixes):
    (folder / f"turn-{index}.flac").write_bytes(flac)

print(sample)
print(f"{len(sample.mixes)} turns of {sample.audio(0).shape[1] / 48_000:g} s in {folder}")
# Before Anna speaks, turn 2 is turn 1, bit for bit.
same = np.array_equal(sample.audio(1)[:, :48_000], sample.audio(2)[:, :48_000])
print(f"the first second of turns 1 and 2 is the same: {same}")
