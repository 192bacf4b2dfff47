"""The forms of a language model's replies, and their meaning as elements and operations.

Replies name sounds by slots: 0 to n-1, the leading ambience last. What a form leaves out is decided here: the
leading ambience lasts the whole scene, and a line of speech as long as its words need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, create_model

from copilot.designers.llm.scales import Scales, ambience_duration_s
from copilot.designers.llm.spread import Known, Spread
from copilot.dialogue import StatedEdit, Task, Turn
from copilot.edit import Add, Change, EditError, Operation, Remove, Replace, diff
from copilot.emotions import Emotion
from copilot.frozen_model import FrozenModel
from copilot.rules.speech import comfortable_s
from copilot.scene import MIX_FIELDS, Element, Gender, Role, Scene, SceneLimits, SoundElement, SpeechElement


class SlotError(ValueError):
    """An operation names a slot that it cannot edit."""


class AmbienceReply(FrozenModel):
    """The leading ambience."""

    role: Literal["ambience"] = "ambience"
    text: str
    loudness: float
    panning: float


class EffectReply(FrozenModel):
    """An effect or music."""

    role: Literal["effect", "music"]
    text: str
    loudness: float
    panning: float
    start_time: float
    duration: float


class LineReply(FrozenModel):
    """A line of speech."""

    role: Literal["speech"]
    speaker: str
    gender: Gender
    emotion: Emotion
    text: str
    loudness: float
    panning: float
    start_time: float


SoundReply = Annotated[EffectReply | LineReply, Field(discriminator="role")]
AnySoundReply = Annotated[EffectReply | LineReply | AmbienceReply, Field(discriminator="role")]


class StoryReply(FrozenModel):
    """The reply of a story turn."""

    description: str
    user: str
    ambience: AmbienceReply
    sounds: tuple[SoundReply, ...]


class AddReply(FrozenModel):
    """A new sound."""

    op: Literal["add"]
    sound: SoundReply


class RemoveReply(FrozenModel):
    """A sound is removed."""

    op: Literal["remove"]
    slot: int


class ChangeReply(FrozenModel):
    """A mix parameter changes."""

    op: Literal["change"]
    slot: int
    loudness: float | None = None
    panning: float | None = None
    start_time: float | None = None
    duration: float | None = None


class ReplaceReply(FrozenModel):
    """Another sound in place of one."""

    op: Literal["replace"]
    slot: int
    sound: AnySoundReply


OperationReply = Annotated[AddReply | RemoveReply | ChangeReply | ReplaceReply, Field(discriminator="op")]


class EditReply(FrozenModel):
    """The reply of an edit turn."""

    user: str
    operations: tuple[OperationReply, ...] = Field(min_length=1)
    description: str


class RequestedStoryReply(StoryReply):
    """The reply of a story turn that a user has requested."""

    user: str = ""


class RequestedEditReply(EditReply):
    """The reply of an edit turn that a user has requested."""

    user: str = ""


class WholeSoundReply(EffectReply):
    """A sound as mode `whole` shows it."""

    id: int = Field(ge=0, lt=2**31)
    role: Literal["ambience", "effect", "music"]  # type: ignore[assignment]


class WholeLineReply(LineReply):
    """A line of speech as mode `whole` shows it."""

    id: int = Field(ge=0, lt=2**31)
    duration: float


WholeElementReply = Annotated[WholeSoundReply | WholeLineReply, Field(discriminator="role")]


class WholeStoryReply(FrozenModel):
    """The story turn of mode `whole`."""

    user: str
    description: str
    elements: tuple[WholeElementReply, ...]


class WholeEditReply(WholeStoryReply):
    """An edit turn of mode `whole`, with the model's own lists."""

    added: tuple[int, ...]
    changed: tuple[int, ...]
    removed: tuple[int, ...]


def make_whole_reply_model(n_turns: int) -> type[FrozenModel]:
    """Return the model of a reply with a whole dialogue: `story`, then `edit_1` and so on."""
    edits: dict[str, Any] = {f"edit_{index}": (WholeEditReply, ...) for index in range(1, n_turns)}
    return create_model("WholeReply", __base__=FrozenModel, story=(WholeStoryReply, ...), **edits)


def write_reply(reply: FrozenModel) -> str:
    """Return a reply in the form in which a model writes it: compact JSON, whole numbers without a point."""
    content = _shorten(reply.model_dump(exclude_unset=True))
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))


def _shorten(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return {name: _shorten(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_shorten(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def order_by_slot(scene: Scene, first: Element | None = None) -> tuple[Element, ...]:
    """Return the sounds of a scene in the order of their slots: by id, but the leading ambience last.

    The sound that a turn is about comes `first`.
    """
    ambiences = [element for element in scene.elements if element.role == "ambience"]
    leading = max(ambiences, key=lambda element: (-element.start_time, element.end_time), default=None)
    ordered = [*(e for e in scene.elements if e is not leading), *(() if leading is None else (leading,))]
    return tuple(sorted(ordered, key=lambda element: first is None or element.id != first.id))


def round_sounds(elements: Sequence[Element], scales: Scales) -> tuple[Element, ...]:
    """Return sounds with the steps that their numbers are nearest to, as a model writes them."""
    return tuple(element.model_copy(update=scales.round_numbers(element)) for element in elements)


def describe_sounds(elements: Sequence[Element]) -> list[dict[str, Any]]:
    """Return sounds as prompts show them: their fields, with the slot in place of the id."""
    return [
        {"slot": slot, **element.model_dump(exclude={"id", "tool"})} for slot, element in enumerate(elements)
    ]


class Builder:
    """Builds elements and operations from one turn's reply, under one data set's limits.

    Raises pydantic's ValidationError for a value outside its range, and SlotError.
    """

    def __init__(self, limits: SceneLimits, spread: Spread) -> None:
        self._limits = limits
        self._spread = spread

    def build_story(self, reply: StoryReply) -> Turn:
        """Build the story turn. Its ids count from 0, the ambience first."""
        replies = (reply.ambience, *reply.sounds)
        elements = tuple(self._build_element(sound, number) for number, sound in enumerate(replies))
        return Turn(
            task="story",
            user=reply.user,
            description=reply.description,
            operations=tuple(Add(element=element) for element in elements),
            scene=Scene(elements=elements),
        )

    def build_operations(
        self, reply: EditReply, slots: Sequence[Element], next_id: int
    ) -> tuple[Operation, ...]:
        """Build the operations on sounds in the order of their slots. New ones count from `next_id`."""
        made: list[Operation] = []
        changes: dict[int, dict[str, float]] = {}
        gone: set[int] = set()
        for operation in reply.operations:
            if isinstance(operation, AddReply):
                made.append(Add(element=self._build_element(operation.sound, next_id)))
                next_id += 1
                continue
            subject = _get_slot(slots, operation.slot)
            if subject.id in gone or (subject.id in changes and not isinstance(operation, ChangeReply)):
                raise SlotError(
                    f"slot {operation.slot} is the subject of two operations; one has to say it all"
                )
            if not isinstance(operation, ChangeReply):
                gone.add(subject.id)
            if isinstance(operation, RemoveReply):
                made.append(Remove(id=subject.id))
            elif isinstance(operation, ReplaceReply):
                element = self._build_element(operation.sound, next_id)
                made.append(Replace(id=subject.id, element=element))
                next_id += 1
            else:
                _collect(changes.setdefault(subject.id, {}), operation, subject)
        made += (self._build_change(slots, number, fields) for number, fields in changes.items())
        return tuple(made)

    def _build_change(self, slots: Sequence[Element], number: int, fields: Mapping[str, float]) -> Change:
        (subject,) = (element for element in slots if element.id == number)
        known = Known(subject, self._spread.scales.round_numbers(subject))
        return Change(id=number, **self._spread.refine(fields, subject.role, number, known))

    def _build_element(self, reply: AmbienceReply | EffectReply | LineReply, number: int) -> Element:
        fields = self._spread.refine(reply.model_dump(), reply.role, number)
        if isinstance(reply, LineReply):
            needed_s = comfortable_s(reply.text, self._limits)
            room_s = self._limits.duration_s - fields["start_time"]
            return SpeechElement(id=number, duration=min(needed_s, room_s), **fields)
        if isinstance(reply, AmbienceReply):
            whole_s = ambience_duration_s(self._limits)
            return SoundElement(id=number, start_time=0.0, duration=whole_s, **fields)
        return SoundElement(id=number, **fields)


def _get_slot(slots: Sequence[Element], slot: int) -> Element:
    if not 0 <= slot < len(slots):
        raise SlotError(f"there is no sound in slot {slot}; the slots are 0 to {len(slots) - 1}")
    return slots[slot]


def _collect(fields: dict[str, float], reply: ChangeReply, subject: Element) -> None:
    updates = {name: value for name in MIX_FIELDS if (value := getattr(reply, name)) is not None}
    if not updates:
        raise SlotError(f"the change of slot {reply.slot} says none of {', '.join(MIX_FIELDS)}")
    if twice := sorted(fields.keys() & updates.keys()):
        raise SlotError(f"the {' and the '.join(twice)} of slot {reply.slot} changes twice; say it once")
    if "duration" in updates and isinstance(subject, SpeechElement):
        raise SlotError(f"slot {reply.slot} is speech, which lasts as long as its words; keep its duration")
    fields |= updates


def read_whole_turns(
    reply: FrozenModel, tasks: Iterable[Task], scales: Scales, run_seed: int, seed_id: str
) -> Iterator[Turn]:
    """Yield the turns of a reply with a whole dialogue. Raises pydantic's ValidationError.

    Ambiences keep their times, which no other sound may outlast, and lines the duration for their words.
    """
    fixed: dict[Role, frozenset[str]] = {
        "ambience": frozenset({"start_time", "duration"}),
        "speech": frozenset({"duration"}),
    }
    before, known = Scene(), dict[int, Known]()
    turns: Mapping[str, WholeStoryReply] = {name: getattr(reply, name) for name in type(reply).model_fields}
    for index, (task, turn) in enumerate(zip(("story", *tasks), turns.values(), strict=True)):
        spread = Spread(scales, run_seed, seed_id, index, fixed)
        made = [(said, _make_whole_element(said, spread, known.get(said.id))) for said in turn.elements]
        scene = Scene(elements=tuple(element for _, element in made))
        known = {e.id: Known(e, said.model_dump(include=set(MIX_FIELDS))) for said, e in made}
        stated = None
        if isinstance(turn, WholeEditReply):
            stated = StatedEdit(added=turn.added, changed=turn.changed, removed=turn.removed)
        yield Turn(
            task=task,
            user=turn.user,
            description=turn.description,
            operations=_derive_operations(before, scene),
            scene=scene,
            stated=stated,
        )
        before = scene


def _make_whole_element(
    reply: WholeSoundReply | WholeLineReply, spread: Spread, known: Known | None
) -> Element:
    fields = spread.refine(reply.model_dump(), reply.role, reply.id, known)
    return SpeechElement(**fields) if isinstance(reply, WholeLineReply) else SoundElement(**fields)


def _derive_operations(before: Scene, after: Scene) -> tuple[Operation, ...]:
    try:
        return diff(before, after)
    except EditError:
        return ()  # an id names another sound than before: a rule reports it
