"""Read a dialogue that a user gives as JSON, in any of these forms, and complete what it leaves out.

- a dialogue of the published schema, or what `copilot preview --json` and `copilot show` write
- a turn with a scene, or a scene alone: a dialogue of one turn

A turn may leave out its operations or its scene, since one follows from the other; its task, which follows
from the operations; its description; and, in the story turn, the request.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from pydantic import Field, ValidationError

from copilot.designers.tasks import derive_task
from copilot.designers.wording import describe_scene, request_scene
from copilot.dialogue import Dialogue, Mode, StatedEdit, Task, Turn
from copilot.edit import EditError, Operation, apply, diff
from copilot.errors import RowFault
from copilot.frozen_model import FrozenModel
from copilot.parse import parse_model
from copilot.rules.schema import SCHEMA_RULE, schema_faults
from copilot.scene import Scene, SceneLimits
from copilot.seed import Given, Seed

_DERIVED = frozenset({"index", "added", "changed", "removed", "duration_s"})
"""Fields of a turn in a data set's row, which follow from the scenes."""

_HEARD = frozenset({"heard_start_s", "heard_end_s", "words"})
"""Fields of an element in a data set's row that tell when it is heard."""


class _GivenTurn(FrozenModel):
    task: Task | None = None
    user: str = ""
    description: str = ""
    operations: tuple[Operation, ...] | None = None
    scene: Scene | None = None
    stated: StatedEdit | None = None


class _GivenDialogue(FrozenModel):
    mode: Mode = "turnwise"
    turns: tuple[_GivenTurn, ...] = Field(min_length=1)


def read_given(seed: Seed, given: Given, limits: SceneLimits) -> Dialogue:
    """Return the dialogue that the text holds, with the id and the text of the seed.

    Raises RowFault with the place: `not-json`, `schema`, `no-dialogue`, `operations-make-scene`, or the fault
    that the text is given with.
    """
    if given.fault:
        raise RowFault(given.reason, f"{given.place}: {given.fault}")
    try:
        content = json.loads(given.text)
    except (ValueError, RecursionError) as error:
        raise RowFault("not-json", f"{given.place}: not JSON: {error}") from error
    if isinstance(content, dict) and "dialogue" in content:
        content = content["dialogue"]
        if content is None:
            raise RowFault(
                "no-dialogue", f"{given.place}: the dialogue is null, as for a seed that was rejected"
            )
    parsed = parse_model(_GivenDialogue, json.dumps(_to_turns(content, given.place)))
    if not isinstance(parsed, _GivenDialogue):
        raise RowFault(SCHEMA_RULE, f"{given.place}: {'; '.join(fault.message for fault in parsed)}")
    turns = tuple(_complete_turns(parsed.turns, given.place, limits))
    return Dialogue(seed_id=seed.id, seed_text=seed.text, mode=parsed.mode, turns=turns)


def _to_turns(content: object, place: str) -> dict[str, Any]:
    """Return the fields of a dialogue, of whichever form the content is."""
    if isinstance(content, dict):
        if "turns" in content:
            turns = content["turns"]
            kept = {"mode": content["mode"]} if "mode" in content else {}
            return {**kept, "turns": list(map(_to_turn, turns)) if isinstance(turns, list) else turns}
        if "elements" in content or "scene" in content:
            fields = {
                name: value for name, value in content.items() if name not in {"id", "seed_id", "seed_text"}
            }
            return {"turns": [_to_turn(fields)]}
    raise RowFault(
        SCHEMA_RULE,
        f"{place}: neither a dialogue nor a scene; give an object with `turns`, or with `elements`",
    )


def _to_turn(turn: object) -> object:
    if not isinstance(turn, dict):
        return turn
    fields = {name: value for name, value in turn.items() if name not in _DERIVED}
    if "elements" in fields and "scene" not in fields:
        fields["scene"] = {"elements": fields.pop("elements")}
    scene = fields.get("scene")
    if isinstance(scene, dict) and isinstance(scene.get("elements"), list):
        fields["scene"] = scene | {"elements": [_drop_heard(element) for element in scene["elements"]]}
    return fields


def _drop_heard(element: object) -> object:
    if not isinstance(element, dict):
        return element
    return {name: value for name, value in element.items() if name not in _HEARD}


def _complete_turns(turns: Iterable[_GivenTurn], place: str, limits: SceneLimits) -> Iterable[Turn]:
    before = Scene()
    for index, turn in enumerate(turns):
        operations, scene = _complete_edit(before, turn, f"{place}: turn {index}")
        yield Turn(
            task=turn.task or (derive_task(operations) if index else "story"),
            user=turn.user or ("" if index else request_scene(scene)),
            description=turn.description or describe_scene(scene, limits.description_chars),
            operations=operations,
            scene=scene,
            stated=turn.stated,
        )
        before = scene


def _complete_edit(before: Scene, turn: _GivenTurn, where: str) -> tuple[tuple[Operation, ...], Scene]:
    """Return the operations and the scene of a turn that has at least one of both."""
    if turn.scene is None and turn.operations is None:
        raise RowFault(SCHEMA_RULE, f"{where}: it has neither `scene` nor `operations`; give one of them")
    if turn.scene is None:
        operations = turn.operations or ()
        try:
            return operations, apply(before, operations)
        except EditError as error:
            raise RowFault("operations-make-scene", f"{where}: {error}") from error
        except ValidationError as error:
            reasons = "; ".join(message for _, message in schema_faults(error))
            raise RowFault("operations-make-scene", f"{where}: {reasons}") from error
    if turn.operations is None:
        try:
            return diff(before, turn.scene), turn.scene
        except EditError:
            # No operations lead there: the rule `id-names-another-sound` reports it.
            return (), turn.scene
    return turn.operations, turn.scene
