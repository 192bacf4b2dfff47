"""Requests of a user's own as seeds: JSON Lines, tables, text."""

from __future__ import annotations

import json

import pytest

from copilot.errors import UserError
from pipelines.backends import create_designer
from pipelines.config import RunConfig
from pipelines.seeds import parse_spec, read_seeds


def requests_of(spec):
    return sorted(seed.requests for seed in read_seeds(spec, None, 7).seeds)


def test_a_field_holds_a_request_or_a_list(tmp_path):
    path = tmp_path / "asked.jsonl"
    rows = [
        {"ask": "A  harbour."},
        {"id": 7, "ask": ["A forest.", "Remove the owl."]},
        {"ask": ["A forest."]},
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    draw = read_seeds(f"requests:{path}#ask", None, 7)
    assert requests_of(f"requests:{path}#ask") == [
        ("A forest.",),
        ("A forest.", "Remove the owl."),
        ("A harbour.",),
    ]
    assert all(seed.text == seed.requests[0] for seed in draw.seeds)
    assert "requests/asked.jsonl/7" in {seed.id for seed in draw.seeds}
    assert len({seed.id for seed in draw.seeds}) == 3


def test_the_same_story_with_other_edits_is_another_seed(tmp_path):
    path = tmp_path / "asked.jsonl"
    rows = [
        ["A forest.", "Remove the owl."],
        ["A forest.", "Remove the dog."],
        ["A FOREST.", "Remove the dog."],
    ]
    path.write_text("\n".join(json.dumps({"ask": row}) for row in rows))
    draw = read_seeds(f"requests:{path}#ask", None, 7)
    assert (len(draw.seeds), draw.n_duplicates, draw.n_problems) == (2, 1, 0)


@pytest.mark.parametrize(
    "row",
    [
        "{",
        "[]",
        "{}",
        '{"ask": 3}',
        '{"ask": []}',
        '{"ask": ["A forest.", " "]}',
        '{"ask": ["A forest.", 3]}',
    ],
)
def test_a_row_without_requests_is_a_problem_with_its_line(tmp_path, row):
    path = tmp_path / "asked.jsonl"
    path.write_text(json.dumps({"ask": "A forest."}) + "\n" + row)
    draw = read_seeds(f"requests:{path}#ask", None, 7)
    assert [problem.line for problem in draw.problems] == [2]
    assert len(draw.seeds) == 1


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.csv", ";"), ("a.tsv", "\t"), ("A.CSV", ",")]
)
def test_a_table_has_a_column_of_requests(tmp_path, name, separator):
    path = tmp_path / name
    cells = [
        ["id", "ask"],
        ["1", '"A forest, with\nan owl."'],
        ["2", '"[""A harbour."", ""Add a bell.""]"'],
        ["3", ""],
    ]
    path.write_text("\ufeff" + "\n".join(separator.join(row) for row in cells), encoding="utf-8")
    draw = read_seeds(f"requests:{path}#ask", None, 7)
    assert {seed.id: seed.requests for seed in draw.seeds} == {
        f"requests/{name}/1": ("A forest, with an owl.",),
        f"requests/{name}/2": ("A harbour.", "Add a bell."),
    }
    assert draw.n_blank == 1


def test_a_table_without_the_column_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,text\n1,A forest.\n")
    with pytest.raises(UserError) as caught:
        read_seeds(f"requests:{path}#ask", None, 7)
    assert caught.value.field == "seeds"


def test_a_text_has_a_request_on_each_line(tmp_path):
    path = tmp_path / "asked.txt"
    path.write_text("A forest.\n\nA harbour.\n")
    assert requests_of(f"requests:{path}") == [("A forest.",), ("A harbour.",)]
    assert parse_spec(f"requests:{path}#").field == ""


def test_an_object_is_no_request_where_no_field_is_named(tmp_path):
    path = tmp_path / "asked.jsonl"
    path.write_text('{"request": "A forest."}\nA harbour.\n{The end} of a harbour.\n')
    draw = read_seeds(f"requests:{path}", None, 7)
    assert [problem.line for problem in draw.problems] == [1]
    assert requests_of(f"requests:{path}") == [("A harbour.",), ("{The end} of a harbour.",)]


def test_a_designer_that_takes_none_is_refused():
    with pytest.raises(UserError) as caught:
        create_designer(RunConfig(seeds="requests:a.txt", designer="stand-in"))
    assert caught.value.field == "designer"
