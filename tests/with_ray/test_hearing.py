"""Listening on Ray: the files of the local workers, and workers that die."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.made_runs import a_run

from copilot.errors import CopilotError, UserError
from pipelines.hearing.ear import ListenerSpec
from pipelines.hearing.hear import hear_run
from pipelines.hearing.local import LocalHearing
from pipelines.hearing.on_ray import RayHearing
from pipelines.planning.ray_settings import RaySettings

LISTENERS = (ListenerSpec("recogniser", "short-memory"), ListenerSpec("detector", "length"))
TWO_CPUS = RaySettings(cpus=2)


def files_of(place: Path) -> dict[str, bytes]:
    heard = place / "heard"
    return {
        str(path.relative_to(heard)): path.read_bytes() for path in sorted(heard.rglob("*")) if path.is_file()
    }


def test_workers_on_ray_write_the_files_of_local_ones(tmp_path):
    for name in ("here", "ray"):
        a_run(tmp_path / name)
    hear_run(tmp_path / "here", LISTENERS, executor=LocalHearing())
    result = hear_run(tmp_path / "ray", LISTENERS, executor=RayHearing(2, TWO_CPUS))
    assert result.n_heard == 6
    assert files_of(tmp_path / "ray") == files_of(tmp_path / "here")


def test_more_workers_than_the_cluster_has_room_for_are_refused(tmp_path):
    a_run(tmp_path / "run")
    with pytest.raises(UserError) as caught:
        hear_run(tmp_path / "run", LISTENERS, executor=RayHearing(2, TWO_CPUS, cpus=1.5))
    assert caught.value.field == "n_workers"


def test_a_listener_that_cannot_load_ends_the_call_with_its_message(tmp_path):
    a_run(tmp_path / "run")
    deaf = ListenerSpec("recogniser", "fails-at-mixes", {"fault": "deaf"})
    with pytest.raises(CopilotError, match="no ears"):
        hear_run(tmp_path / "run", [deaf], executor=RayHearing(1, TWO_CPUS))
