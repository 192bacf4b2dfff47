"""Hypothesis strategies for elements, scenes, edits and dialogues.

All values lie where the models allow them. With `limits`, numbers are also within the limits, but finer
than their steps; without, they reach the ends of what the models allow.
"""

from __future__ import annotations

from hypothesis import strategies as st

from copilot.dialogue import EDIT_TASKS, Dialogue, Mode, Turn
from copilot.edit import Add, Change, Operation, Remove, Replace, apply
from copilot.scene import Element, Scene, SceneLimits, SoundElement, SpeechElement

TEXTS = st.text(st.characters(codec="utf-8"), max_size=12)
NAMES = st.sampled_from(["Anna", "Ben", " Cleo ", "the  clerk"])


def mix_parameters(limits: SceneLimits | None = None) -> st.SearchStrategy[dict[str, float]]:
    """Draw loudness, panning, start time and duration."""
    if limits is None:
        bounds = {
            "loudness": (-70.0, 0.0),
            "panning": (-1.0, 1.0),
            "start_time": (0.0, 60.0),
            "duration": (1e-3, 60.0),
        }
    else:
        bounds = {
            "loudness": (limits.loudness_lufs.low, limits.loudness_lufs.high),
            "panning": (limits.panning.low, limits.panning.high),
            "start_time": (limits.start_time_s.low, limits.start_time_s.high),
            "duration": (limits.element_duration_s.low, limits.element_duration_s.high),
        }
    return st.fixed_dictionaries({name: st.floats(low, high) for name, (low, high) in bounds.items()})


@st.composite
def elements(draw: st.DrawFn, element_id: int, limits: SceneLimits | None = None) -> Element:
    """Draw an element of either kind with that id."""
    fields = draw(mix_parameters(limits)) | {"id": element_id, "text": draw(TEXTS)}
    if draw(st.booleans()):
        speaker = {
            "speaker": draw(NAMES),
            "gender": draw(st.sampled_from(["female", "male"])),
            "emotion": draw(st.sampled_from(["neutral", "angry"])),
        }
        return SpeechElement.model_validate(fields | speaker)
    return SoundElement.model_validate(
        fields | {"role": draw(st.sampled_from(["ambience", "effect", "music"]))}
    )


@st.composite
def scenes(draw: st.DrawFn, max_size: int = 5, limits: SceneLimits | None = None) -> Scene:
    """Draw a scene with ids from 0 to 9."""
    ids = draw(st.lists(st.integers(0, 9), unique=True, max_size=max_size))
    return Scene(elements=tuple(draw(elements(i, limits)) for i in ids))


@st.composite
def edits(
    draw: st.DrawFn, scene: Scene, first_new_id: int, limits: SceneLimits | None = None
) -> list[Operation]:
    """Draw operations that fit the scene; new sounds have ids from `first_new_id` on."""
    operations: list[Operation] = []
    alive, new_id = sorted(scene.ids), first_new_id
    for kind in draw(st.lists(st.sampled_from(["add", "remove", "change", "replace"]), max_size=4)):
        if kind != "add" and not alive:
            continue
        if kind == "change":
            values = draw(mix_parameters(limits))
            names = draw(st.sets(st.sampled_from(sorted(values)), min_size=1))
            operations.append(Change(id=draw(st.sampled_from(alive)), **{n: values[n] for n in names}))
            continue
        if kind != "add":
            gone = draw(st.sampled_from(alive))
            alive.remove(gone)
        if kind == "remove":
            operations.append(Remove(id=gone))
            continue
        element = draw(elements(new_id, limits))
        operations.append(Add(element=element) if kind == "add" else Replace(id=gone, element=element))
        alive.append(new_id)
        new_id += 1
    return operations


@st.composite
def dialogues(draw: st.DrawFn, mode: Mode = "turnwise", limits: SceneLimits | None = None) -> Dialogue:
    """Draw up to three turns whose operations make their scenes; request and edit need not fit."""
    scene, turns = Scene(), []
    for index in range(draw(st.integers(1, 3))):
        operations = tuple(draw(edits(scene, 10 * index, limits)))
        scene = apply(scene, operations)
        task = draw(st.sampled_from(EDIT_TASKS)) if index else "story"
        turns.append(
            Turn(task=task, user=draw(TEXTS), description=draw(TEXTS), operations=operations, scene=scene)
        )
    return Dialogue(seed_id="text/1", seed_text="", mode=mode, turns=tuple(turns))
