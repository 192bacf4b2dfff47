"""The disk that dialogues take: the estimate against what a run wrote, and what it depends on."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.scene import SceneLimits
from pipelines.cli.output.disk_text import describe_disk
from pipelines.config import RunConfig
from pipelines.main_job import GenerateRequest, generate
from pipelines.planning.disk import estimate_disk
from pipelines.planning.measure import measure_costs

CONFIG = RunConfig(seeds="starter", run_seed=7)


def test_the_estimate_is_right_to_a_factor_of_two(tmp_path: Path) -> None:
    outcome = generate(GenerateRequest(config=CONFIG, out=tmp_path / "run", num=4))
    measured = measure_costs(tmp_path / "run", outcome)
    use = estimate_disk(CONFIG)
    for estimated, real in (
        (use.mixes, measured.sample_bytes.mixes),
        (use.stems, measured.sample_bytes.stems),
        (use.store, measured.store_bytes),
        (use.sum_kept("both"), measured.sample_bytes.sum_kept("both")),
    ):
        assert 0.5 < real / estimated < 2


@pytest.mark.parametrize(
    ("other", "mixes", "stems"),
    [
        ({"mix_bits": 24}, (1.8, 1.9), (1, 1)),
        ({"n_turns": 5}, (1.6, 1.7), (1.1, 1.3)),
        ({"limits": SceneLimits(duration_s=30)}, (3.7, 3.8), (1.5, 4)),
        ({"limits": SceneLimits(n_elements=1), "n_turns": 1}, (0.3, 0.4), (0.1, 0.3)),
        ({"keep": "mixes"}, (1, 1), (1, 1)),
    ],
)
def test_it_grows_with_bits_turns_and_time(other, mixes, stems) -> None:
    usual, use = estimate_disk(CONFIG), estimate_disk(CONFIG.model_copy(update=other))
    assert mixes[0] <= use.mixes / usual.mixes <= mixes[1]
    assert stems[0] <= use.stems / usual.stems <= stems[1]


def test_what_is_kept_is_what_a_shard_holds() -> None:
    use = estimate_disk(CONFIG)
    assert use.sum_kept("both") - use.sum_kept("mixes") == use.stems
    assert use.sum_kept("both") - use.sum_kept("stems") == use.mixes


def test_a_disk_with_too_little_room_is_a_second_line(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("pipelines.cli.output.disk_text.find_free_bytes", lambda _: 200_000_000)
    assert len(list(describe_disk(CONFIG, 10, str(tmp_path), None))) == 1
    assert len(list(describe_disk(CONFIG, 20, str(tmp_path), None))) == 2
    assert len(list(describe_disk(CONFIG, 20, str(tmp_path), "elsewhere"))) == 1
    assert len(list(describe_disk(CONFIG, None, None, None))) == 1
