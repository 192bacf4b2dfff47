"""Dialogues and scenes of a file as seeds: ids, layouts, duplicates, lines that cannot be used."""

from __future__ import annotations

import json

import pytest

from copilot.errors import UserError
from pipelines.seeds import read_seeds


def scene(number=1, **more):
    rain = {
        "id": number, "tool": "sfx", "role": "ambience", "text": "steady rain",
        "loudness": -28, "panning": 0, "start_time": 0, "duration": 8,
    }  # fmt: skip
    return {**more, "elements": [rain]}


def read(path, num=None):
    return read_seeds(f"given:{path}", num, 7)


def ids_of(draw):
    return [seed.id for seed in draw.seeds]


def test_ids_are_those_of_the_objects_or_file_and_line(tmp_path):
    path = tmp_path / "my scenes.jsonl"
    rows = [scene(), scene(id="own"), scene(id=7), scene(seed_id="a/b", seed_text="It  rains.")]
    path.write_text("\n".join([json.dumps(rows[0]), "", *map(json.dumps, rows[1:])]) + "\n")
    draw = read(path)
    assert ids_of(draw) == ["given/my_scenes.jsonl/1", "own", "7", "a/b"]
    assert draw.seeds[3].text == "It rains."
    assert [seed.given.place for seed in draw.seeds] == [f"my scenes.jsonl:{line}" for line in (1, 3, 4, 5)]
    assert ids_of(read(path, 2)) == ids_of(draw)[:2]
    assert read(path, 2).available == 4


def test_the_id_of_a_row_is_that_of_its_seed(tmp_path):
    path = tmp_path / "rows.jsonl"
    dialogue = {"seed_id": "text/1", "seed_text": "Rain.", "turns": [scene()]}
    path.write_text(
        json.dumps({"id": "0123", **dialogue}) + "\n" + json.dumps({"id": "4", "turns": [scene()]})
    )
    assert ids_of(read(path)) == ["text/1", "given/rows.jsonl/2"]
    path.write_text(json.dumps({"id": "0123", "seed_id": "other", "dialogue": dialogue}))
    assert ids_of(read(path)) == ["text/1"]


@pytest.mark.parametrize("name", ["scenes.json", "scenes.jsonl"])
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_is_read_as_a_whole(tmp_path, name, indent):
    path = tmp_path / name
    path.write_text("\n" + json.dumps([scene(id="a"), scene(id="b")], indent=indent))
    assert ids_of(read(path)) == ["a", "b"]


def test_objects_on_one_line_are_counted(tmp_path):
    path = tmp_path / "scenes.json"
    path.write_text(json.dumps([scene(), scene(), scene()]))
    assert ids_of(read(path)) == [f"given/scenes.json/{name}" for name in ("1", "1.2", "1.3")]


def test_objects_over_several_lines_know_their_first(tmp_path):
    path = tmp_path / "scenes.jsonl"
    text = json.dumps(scene(), indent=1)
    path.write_text(f"{text}\n\n{text}")
    n_lines = len(text.splitlines())
    assert ids_of(read(path)) == ["given/scenes.jsonl/1", f"given/scenes.jsonl/{n_lines + 2}"]
    assert all(json.loads(seed.given.text) == scene() for seed in read(path).seeds)


def test_lines_that_cannot_be_used_are_seeds_with_their_line(tmp_path):
    path = tmp_path / "scenes.jsonl"
    path.write_bytes(b"\n".join([json.dumps(scene(id="a")).encode(), b"{oops", b"\xff", b'{"id": "a"}']))
    draw = read(path)
    assert ids_of(draw) == ["a", *(f"given/scenes.jsonl/{line}" for line in (2, 3, 4))]
    assert [seed.given.reason for seed in draw.seeds] == ["", "", "not-text", "duplicate-id"]


def test_a_document_is_read_up_to_its_fault(tmp_path):
    path = tmp_path / "scenes.json"
    path.write_text(
        "[" + json.dumps(scene(id="a")) + ',\n{"elements": oops},\n' + json.dumps(scene(id="b")) + "]"
    )
    draw = read(path)
    assert ids_of(draw) == ["a", "given/scenes.json/2"]
    assert draw.seeds[1].given.reason == "not-json"


@pytest.mark.parametrize("content", [None, "", "\n\n", "[]"])
def test_a_file_without_any_is_refused(tmp_path, content):
    path = tmp_path / "scenes.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UserError) as caught:
        read(path)
    assert caught.value.field == "designer"
