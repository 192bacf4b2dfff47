"""Make one sample by hand: a scene, two edits, rendered sounds, exact mixes, checks.

    python examples/one_sample_by_hand.py [FOLDER]

Writes a FLAC file for each turn into FOLDER (default: one-sample).
"""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile

from copilot import Add, Change, Dialogue, Scene, SceneLimits, SoundElement, SoundSpec, Stem, Turn
from copilot import apply, audio_checks, check_dialogue, make_stem, mix_dialogue
from renderers import RenderedSound, RenderRequest, create

RAIN = SoundElement(
    id=1, role="ambience", text="steady rain", loudness=-30, panning=0, start_time=0, duration=8
)
BELL = SoundElement(
    id=2, role="effect", text="a church bell", loudness=-20, panning=0, start_time=2, duration=4
)
DOG = SoundElement(
    id=3, role="effect", text="a dog barking", loudness=-22, panning=0.6, start_time=1, duration=2
)

# Each turn: its task, the user's request, the description afterwards, and the operations that make its scene.
STEPS = [
    ("story", "A bell in the rain.", "Steady rain; a church bell.", (Add(element=RAIN), Add(element=BELL))),
    ("panning", "Move the bell to the left.", "Steady rain; a church bell.", (Change(id=2, panning=-0.7),)),
    ("add", "Let a dog bark.", "Steady rain; a dog barking; a church bell.", (Add(element=DOG),)),
]


def write_dialogue() -> Dialogue:
    """Apply the operations turn by turn: each scene is the one before it plus the edit."""
    scene, turns = Scene(), []
    for task, user, description, operations in STEPS:
        scene = apply(scene, operations)
        turns.append(Turn(task=task, user=user, description=description, operations=operations, scene=scene))
    return Dialogue(seed_id="by-hand/1", seed_text="A bell in the rain.", turns=tuple(turns))


def render_stems(dialogue: Dialogue) -> dict[int, Stem]:
    """Render every sound once, however many turns it is in."""
    renderer = create("procedural", "sfx")
    renderer.prepare()
    stems = {}
    for element in {e.id: e for turn in dialogue.turns for e in turn.scene.elements}.values():
        [sound] = renderer.render([RenderRequest(element.text, element.duration, random_seed=element.id)])
        if not isinstance(sound, RenderedSound):
            raise SystemExit(f"{element.text}: {sound.reason}: {sound.detail}")
        spec = SoundSpec("sfx", element.text, element.duration, element.id, renderer.fingerprint())
        stems[element.id] = make_stem(spec, sound.audio, sound.rate_hz, matched=sound.matched)
    renderer.close()
    return stems


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "one-sample")
folder.mkdir(parents=True, exist_ok=True)
dialogue = write_dialogue()
stems = render_stems(dialogue)
mix = mix_dialogue([turn.scene for turn in dialogue.turns], stems)
for index, turn in enumerate(mix.turns):
    soundfile.write(folder / f"turn-{index}.flac", turn.audio.T, 48_000, subtype="PCM_16")
checks = audio_checks(dialogue, stems, mix)
print(f"{len(mix.turns)} turns of {mix.turns[0].audio.shape[1] / 48_000:g} s in {folder}")
print(f"rule violations: {len(check_dialogue(dialogue, SceneLimits()))}")
print(f"checks passed: {sum(check.passed for check in checks)} of {len(checks)}")
