from __future__ import annotations

import pytest
from helpers.examples import BELL, DOG, LINE, PIANO, RAIN, but
from helpers.strategies import edits, elements, scenes
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from copilot.edit import (
    Add,
    Change,
    Edit,
    EditError,
    Remove,
    Replace,
    apply,
    changed_fields,
    compare,
    diff,
    identity,
)
from copilot.scene import Scene

SCENE = Scene(elements=(RAIN, DOG, LINE, PIANO))


@st.composite
def two_scenes(draw: st.DrawFn) -> tuple[Scene, Scene]:
    """Draw two scenes that share some sounds, unchanged or with other mix parameters."""
    before = draw(scenes())
    kept = []
    for element in before.elements:
        mix = draw(elements(element.id))
        fields = {"loudness": mix.loudness, "panning": mix.panning, "duration": mix.duration}
        kept += draw(st.sampled_from([[], [element], [but(element, **fields)]]))
    new = [draw(elements(i)) for i in draw(st.sets(st.integers(10, 14), max_size=3))]
    return before, Scene(elements=(*kept, *new))


@given(two_scenes())
def test_apply_undoes_diff(pair: tuple[Scene, Scene]):
    before, after = pair
    assert apply(before, diff(before, after)) == after
    assert apply(after, diff(after, before)) == before


@given(scene=scenes(), data=st.data())
def test_diff_undoes_apply(scene: Scene, data: st.DataObject):
    after = apply(scene, data.draw(edits(scene, first_new_id=10)))
    assert apply(after, diff(after, scene)) == scene


@given(scene=scenes(), data=st.data())
def test_only_what_operations_name_changes(scene: Scene, data: st.DataObject):
    operations = data.draw(edits(scene, first_new_id=10))
    after = apply(scene, operations)
    named = {op.id for op in operations if not isinstance(op, Add)}
    named |= {op.element.id for op in operations if isinstance(op, Add | Replace)}
    assert compare(scene, after).touched <= named
    for element in scene.elements:
        if element.id not in named:
            assert after.get(element.id) is element


@given(scene=scenes(), data=st.data())
def test_change_keeps_the_sound_and_the_fields_it_does_not_name(scene: Scene, data: st.DataObject):
    operations = [op for op in data.draw(edits(scene, first_new_id=10)) if isinstance(op, Change)]
    for change in operations:
        old = scene.get(change.id)
        if old is None:
            continue
        new = apply(scene, [change]).get(change.id)
        assert identity(new) == identity(old)
        assert new.model_dump() == old.model_dump() | change.updates


@given(two_scenes())
def test_compare_accounts_for_every_id(pair: tuple[Scene, Scene]):
    before, after = pair
    edit = compare(before, after)
    assert before.ids | set(edit.added) == after.ids | set(edit.removed)
    assert set(edit.changed) <= before.ids & after.ids
    assert all(list(ids) == sorted(ids) for ids in (edit.added, edit.changed, edit.removed))
    mirrored = compare(after, before)
    assert mirrored == Edit(edit.removed, edit.changed, edit.added)
    assert (edit.touched == frozenset()) == (before == after)


@given(two_scenes())
def test_diff_tells_each_id_once_and_removals_first(pair: tuple[Scene, Scene]):
    operations = diff(*pair)
    told = [(op.op, op.element.id if isinstance(op, Add) else op.id) for op in operations]
    order = {"remove": 0, "change": 1, "add": 2}
    assert told == sorted(told, key=lambda item: (order[item[0]], item[1]))
    assert len({element_id for _, element_id in told}) == len(told)


@given(two_scenes())
def test_operations_survive_json(pair: tuple[Scene, Scene]):
    for operation in diff(*pair):
        assert type(operation).model_validate_json(operation.model_dump_json()) == operation


def test_each_operation():
    after = apply(
        SCENE,
        [
            Add(element=BELL),
            Remove(id=1),
            Change(id=0, loudness=-25),
            Replace(id=3, element=but(PIANO, id=5, text="a harp")),
        ],
    )
    assert after == Scene(elements=(but(RAIN, loudness=-25), LINE, BELL, but(PIANO, id=5, text="a harp")))
    assert compare(SCENE, after) == Edit(added=(4, 5), changed=(0,), removed=(1, 3))
    assert changed_fields(SCENE, after, 0) == {"loudness"}
    assert changed_fields(SCENE, after, 2) == frozenset()
    assert changed_fields(SCENE, after, 3) == frozenset()


@pytest.mark.parametrize(
    "fields",
    [{"text": "a wolf"}, {"role": "music"}],
)
def test_another_sound_under_an_old_id_is_told_apart(fields: dict[str, str]):
    after = Scene(elements=(RAIN, but(DOG, loudness=-20, **fields), LINE, PIANO))
    assert compare(SCENE, after) == Edit((), (), (), altered=(1,))
    with pytest.raises(EditError, match=r"^diff: id 1 names another sound than before$"):
        diff(SCENE, after)


@pytest.mark.parametrize(
    ("fields"),
    [{"speaker": "Ben"}, {"gender": "male"}, {"emotion": "angry"}],
)
def test_another_voice_is_another_sound(fields: dict[str, str]):
    assert compare(Scene(elements=(LINE,)), Scene(elements=(but(LINE, **fields),))).altered == (2,)


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        (Remove(id=9), "remove: there is no sound 9; alive are [0, 1, 2, 3]"),
        (Change(id=9, panning=0), "change: there is no sound 9; alive are [0, 1, 2, 3]"),
        (Replace(id=9, element=BELL), "replace: there is no sound 9; alive are [0, 1, 2, 3]"),
        (Add(element=but(BELL, id=1)), "add: id 1 is already used"),
        (Replace(id=1, element=but(BELL, id=1)), "replace: id 1 is already used"),
        (Replace(id=1, element=but(BELL, id=2)), "replace: id 2 is already used"),
    ],
)
def test_operation_that_does_not_fit(operation, message: str):
    with pytest.raises(EditError) as caught:
        apply(SCENE, [operation])
    assert str(caught.value) == message


def test_operations_see_what_those_before_them_did():
    with pytest.raises(EditError, match="there is no sound 1"):
        apply(SCENE, [Remove(id=1), Change(id=1, loudness=-20)])
    after = apply(SCENE, [Add(element=BELL), Change(id=4, panning=0)])
    assert after.get(4) == but(BELL, panning=0)


def test_change_cannot_leave_what_the_models_allow():
    with pytest.raises(ValidationError, match="less than or equal to 1"):
        apply(SCENE, [Change(id=1, panning=1.5)])


def test_change_names_something():
    with pytest.raises(
        ValidationError, match="change of 1: names none of loudness, panning, start_time, duration"
    ):
        Change(id=1)
