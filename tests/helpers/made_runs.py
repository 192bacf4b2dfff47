"""Small runs for tests, made of synthetic dialogues and noise: no designer, no backend."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from copilot.audio.pcm import encode_flac
from copilot.checks import run_audio_checks
from copilot.dialogue import Dialogue, Turn
from copilot.edit import Add, Change, Operation, Replace, apply
from copilot.heard import find_heard
from copilot.mix import mix_dialogue
from copilot.sample import Provenance, Reject, Sample, StoredStem, sample_id, tier_of
from copilot.scene import Scene, SoundElement, SpeechElement
from copilot.seed import Seed
from copilot.stem import SoundSpec, Stem, make_stem
from copilot.vocabulary import Check, Word
from pipelines.config import RunConfig
from pipelines.fingerprint import Fingerprint, list_versions
from pipelines.run.run import Run
from pipelines.run.shards import ShardWriter

RUN_SEED = 7


def a_dialogue(seed: Seed) -> Dialogue:
    """Rain, a door and a voice; the door comes nearer, then a bell takes the voice's place."""
    rain = SoundElement(
        id=1, role="ambience", text="steady rain", loudness=-28, panning=0, start_time=0, duration=2
    )
    door = SoundElement(
        id=2, role="effect", text="a door slams", loudness=-18, panning=-0.5, start_time=0.5, duration=0.6
    )
    voice = SpeechElement(
        id=3,
        text="who is there",
        speaker="woman",
        gender="female",
        emotion="fearful",
        loudness=-15,
        panning=0.2,
        start_time=0.8,
        duration=1.0,
    )
    bell = SoundElement(
        id=4, role="effect", text="a small bell", loudness=-20, panning=0.7, start_time=1, duration=0.9
    )
    steps: list[tuple[str, str, list[Operation]]] = [
        ("story", "Someone comes in from the rain.", [Add(element=e) for e in (rain, door, voice)]),
        ("volume", "Make the door louder.", [Change(id=2, loudness=-12.0)]),
        ("replace", "Put a bell in place of the voice.", [Replace(id=3, element=bell)]),
    ]
    turns, scene = [], Scene()
    for task, user, operations in steps:
        scene = apply(scene, operations)
        heard = " and ".join(element.text for element in scene.elements)
        turns.append(
            Turn(
                task=task,
                user=user,
                description=f"Outside a house: {heard}.",
                operations=tuple(operations),
                scene=scene,
            )
        )
    return Dialogue(seed_id=seed.id, seed_text=seed.text, turns=tuple(turns))


def stems_for(dialogue: Dialogue, number: int) -> dict[int, Stem]:
    """Noise, in stereo for the ambience, for each sound of a dialogue."""
    stems: dict[int, Stem] = {}
    for turn in dialogue.turns:
        for element in turn.scene.elements:
            if element.id in stems:
                continue
            rng = np.random.default_rng([number, element.id])
            n_channels = 2 if element.role == "ambience" else 1
            noise = rng.standard_normal((n_channels, round(element.duration * 48_000))) * 0.1
            words = (Word("who", 0.1, 0.3),) if element.tool == "tts" else ()
            spec = SoundSpec(element.tool, element.text, element.duration, number, {"backend": "noise"})
            stems[element.id] = make_stem(
                spec, noise.astype(np.float32), 48_000, words=words, detail={"recipe": "noise"}
            )
    return stems


def a_sample(number: int, *, keep: str = "both", tier: str | None = None) -> Sample:
    """Sample `number`, its mixes with 16 bits; one that is to be only `valid` fails a rule's check."""
    seed = Seed(f"test/{number:04d}", f"line {number} of the test")
    dialogue = a_dialogue(seed)
    stems = stems_for(dialogue, number)
    mix = mix_dialogue([turn.scene for turn in dialogue.turns], stems)
    rule = Check("rule/made-up", float(tier == "valid"), 0.0)
    checks = (rule, *run_audio_checks(dialogue, stems, mix))
    return Sample(
        id=sample_id(RUN_SEED, seed.id),
        seed=seed,
        tier=tier_of(checks),
        dialogue=dialogue,
        mixes=tuple(encode_flac(turn.pcm, 16) for turn in mix.turns) if keep != "stems" else (),
        stems=tuple(
            StoredStem(i, stem.info, stem.flac if keep != "mixes" else None)
            for i, stem in sorted(stems.items())
        ),
        headroom_db=mix.headroom_db,
        mix_bits=16,
        checks=checks,
        provenance=Provenance("test", "turnwise", RUN_SEED, "0" * 16, versions={"python": "3"}),
        heard=find_heard(dialogue, stems),
    )


def a_reject(number: int) -> Reject:
    """Reject `number`, of a seed that no sample has."""
    seed = Seed(f"test/bad-{number:04d}", f"bad line {number}")
    return Reject(
        sample_id(RUN_SEED, seed.id),
        seed,
        "validate",
        "one-ambience",
        "turn 0: there is no ambience",
        ("{}",),
    )


def committed_paths(run: Run) -> set[str]:
    """The paths, below the run, of all files that exist by its ledger."""
    return {file.path for entry in run.ledger.entries() for file in entry.files}


def a_run(
    folder: Path | str, *, n_samples: int = 6, n_rejects: int = 2, per_shard: int = 3, keep: str = "both"
) -> Run:
    """A finished run: every third sample is only `valid`, the others are `hq`."""
    run = Run(folder)
    config = RunConfig(seeds="text:test.txt", run_seed=RUN_SEED, keep=keep)
    fingerprint = Fingerprint(config=config, designer={"name": "test"}, renderers={})
    samples = [a_sample(k, keep=keep, tier="valid" if k % 3 == 2 else "hq") for k in range(n_samples)]
    rejects = [a_reject(k) for k in range(n_rejects)]
    with run.lock():
        run.open(fingerprint.model_dump(mode="json"), versions=list_versions())
        run.record_seeds([row.seed.id for row in (*samples, *rejects)], {})
        for start in range(0, n_samples, per_shard):
            writer = ShardWriter(run)
            for sample in samples[start : start + per_shard]:
                writer.add_sample(sample)
            for reject in rejects if start == 0 else ():
                writer.add_reject(reject)
            writer.commit()
    return run
