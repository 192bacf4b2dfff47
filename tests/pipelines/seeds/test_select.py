"""Duplicates and the draw: neither depends on the order of the seeds, and a larger draw holds the smaller."""

from __future__ import annotations

import resource
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import StorageFullError, UserError
from copilot.seed import Seed
from pipelines.seeds import SeedProblem, draw_seeds, read_seeds, select
from pipelines.seeds.select import SeedPool

IDS = st.text("abcdefghij/0123456789", min_size=1, max_size=6)
DISTINCT = st.lists(IDS, unique=True, max_size=30).map(
    lambda ids: [Seed(name, f"text {name}") for name in ids]
)
CLASHING = st.lists(
    st.builds(Seed, st.sampled_from("abcd"), st.sampled_from(["x", "X", "y", "z", "\u00df", "ss"]))
)


def settle(seeds: list[Seed]) -> tuple[list[Seed], int, int]:
    with SeedPool() as pool:
        for seed in seeds:
            pool.add(seed)
        counts = len(pool.drop_duplicates()), len(pool.drop_clashes())
        return list(pool), *counts


@given(DISTINCT, st.randoms(use_true_random=False), st.integers(0, 40), st.integers())
def test_the_draw_is_independent_of_the_order(seeds: list[Seed], random, num: int, run_seed: int):
    shuffled = random.sample(seeds, len(seeds))
    assert draw_seeds(seeds, num, run_seed) == draw_seeds(iter(shuffled), num, run_seed)


@given(DISTINCT, st.integers(0, 40), st.integers())
def test_a_smaller_draw_is_the_start_of_all(seeds: list[Seed], num: int, run_seed: int):
    everything = draw_seeds(seeds, None, run_seed)
    assert sorted(everything, key=lambda seed: seed.id) == sorted(seeds, key=lambda seed: seed.id)
    assert draw_seeds(seeds, num, run_seed) == everything[:num]


def test_the_draw_is_the_same_everywhere():
    seeds = [Seed(f"text/x/{number}", "a bell") for number in range(1000)]
    assert [seed.id for seed in draw_seeds(seeds, 4, 7)] == [
        "text/x/824",
        "text/x/503",
        "text/x/161",
        "text/x/747",
    ]
    assert draw_seeds(seeds, 4, 8) != draw_seeds(seeds, 4, 7)


def test_every_seed_is_drawn_as_often_as_any_other():
    seeds = [Seed(str(number), "a bell") for number in range(20)]
    drawn = Counter(seed.id for run_seed in range(2000) for seed in draw_seeds(seeds, 5, run_seed))
    # 500 expected with a standard deviation of 19.4.
    assert min(drawn.values()) > 500 - 4 * 19.4
    assert max(drawn.values()) < 500 + 4 * 19.4


@given(CLASHING, st.randoms(use_true_random=False))
def test_dropping_is_independent_of_the_order(seeds: list[Seed], random):
    left, n_duplicates, n_clashes = settle(seeds)
    again, *counts = settle(random.sample(seeds, len(seeds)))
    assert (set(again), counts) == (set(left), [n_duplicates, n_clashes])
    assert len(left) + n_duplicates + n_clashes == len(seeds)
    assert len({seed.id for seed in left}) == len({seed.text.casefold() for seed in left}) == len(left)


@pytest.mark.parametrize("turn", [1, -1])
def test_of_equal_texts_the_smallest_id_stays(turn: int):
    seeds = [Seed("c", "A Bell"), Seed("a", "rain"), Seed("b", "a bell"), Seed("d", "A BELL")]
    left, n_duplicates, n_clashes = settle(seeds[::turn])
    assert sorted(left, key=lambda seed: seed.id) == [Seed("a", "rain"), Seed("b", "a bell")]
    assert (n_duplicates, n_clashes) == (2, 0)


def test_seeds_come_back_whole_from_the_disk(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(select, "_SPOOL_BYTES", 100)
    seeds = [
        Seed(f"text/x/{number}", f"{number} b\u00e9lls \u2013 \U0001f514" * number)
        for number in range(1, 200)
    ]
    assert settle(seeds) == (seeds, 0, 0)


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(select, "_SPOOL_BYTES", 1)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    seeds = [Seed(str(number), "a" * 100_000) for number in range(20)]
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, limits[1]))
    try:
        with pytest.raises(StorageFullError) as caught:
            settle(seeds)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    for word in (str(tmp_path), "File too large", "TMPDIR"):
        assert word in str(caught.value)


def test_duplicates_of_a_source_are_dropped_and_counted(tmp_path: Path):
    path = tmp_path / "x.txt"
    path.write_text("A  bell\nrain\na BELL\nA bell\n\nrain\n")
    draw = read_seeds(f"text:{path}", None, 7)
    assert (draw.n_read, draw.n_blank, draw.n_duplicates, draw.available) == (6, 1, 3, 2)


def test_one_id_for_two_texts_is_reported(tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_text('{"id": 1, "t": "rain"}\n{"id": 1, "t": "a bell"}\n{"id": 2, "t": "surf"}\n')
    draw = read_seeds(f"jsonl:{path}#t", None, 7)
    assert set(draw.seeds) == {Seed("jsonl/x.jsonl/1", "a bell"), Seed("jsonl/x.jsonl/2", "surf")}
    what = "the id jsonl/x.jsonl/1 stands for several texts; 'rain' is dropped"
    assert draw.problems == (SeedProblem(str(path), None, what),)
    assert str(draw.problems[0]) == f"{path}: {what}"
    assert (draw.n_read, draw.n_problems, draw.n_duplicates, draw.available) == (3, 1, 0, 2)


def test_the_order_of_lines_and_files_changes_no_draw(tmp_path: Path):
    lines = [
        f"1-{chapter}-{number:04} LINE {(chapter * number) % 17}"
        for chapter in (2, 3)
        for number in range(20)
    ]
    one, two = tmp_path / "one", tmp_path / "two"
    for folder, chapters in ((one, (lines[:20], lines[20:])), (two, (lines[::-1][:7], lines[::-1][7:]))):
        for number, chapter in enumerate(chapters):
            path = folder / str(number) / f"{number}.trans.txt"
            path.parent.mkdir(parents=True)
            path.write_text("\n".join(chapter))
    for num in (3, None):
        assert read_seeds(f"librispeech:{one}", num, 7) == read_seeds(f"librispeech:{two}", num, 7)


def test_drawing_more_than_all_gives_all():
    draw = read_seeds("starter", 10**9, 7)
    assert draw == read_seeds("starter", None, 7)
    assert len(draw.seeds) == draw.available


@pytest.mark.parametrize("num", [0, -1])
def test_fewer_than_one_seed_cannot_be_drawn(num: int):
    with pytest.raises(UserError) as caught:
        read_seeds("starter", num, 7)
    assert caught.value.field == "num"
