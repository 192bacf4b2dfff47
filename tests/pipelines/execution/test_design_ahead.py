"""Dialogues written ahead: how many at once, in which batches, and nothing lost or hung whatever happens."""

from __future__ import annotations

import asyncio
import json
import os
import queue
import signal
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pyarrow.parquet as pq
import pytest
from helpers import stand_ins
from helpers.made_runs import committed_paths
from helpers.stand_ins import AHEAD, BACKENDS, Command, Ended, StandInAhead, account_of

from copilot import plugins
from copilot.designers.account import Usage
from copilot.designers.contract import Design, DesignerContext, DesignerInfo
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.designers.scripted import ScriptedDesigner
from copilot.errors import CopilotError, MissingExtraError, UserError
from copilot.sample import sample_id
from copilot.seed import Seed
from pipelines.accounting.progress import Progress
from pipelines.backends import compute_fingerprint, create_designer, create_working_designer
from pipelines.cli.output.progress import Display
from pipelines.config import RunConfig
from pipelines.dialogue_preview import preview
from pipelines.execution.design_ahead import DesignAhead, DesignStatus
from pipelines.execution.supply import FreshRecords
from pipelines.run.run import Run
from pipelines.run.totals import Totals
from pipelines.stages.record import Record, new_record

SEEDS = [Seed(f"t/{k:03d}", f"line {k} of the seeds") for k in range(200)]


class Told(StandInAhead):
    """Says which seeds it begins; with `held`, finishes each only when the test lets it."""

    def __init__(self, concurrency: int, *, held: bool = False) -> None:
        super().__init__(DesignerContext())
        self.concurrency = concurrency
        self.begun: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.closed = 0
        self._held = held
        self._gates: dict[str, asyncio.Event] = {}

    async def design_async(self, seed: Seed, run_seed: int) -> Design:
        gate = self._gates[seed.id] = asyncio.Event()
        self.begun.put(seed.id)
        if self._held:
            await gate.wait()
        return await super().design_async(seed, run_seed)

    async def __aenter__(self) -> Self:
        self.loop = asyncio.get_running_loop()
        return await super().__aenter__()

    async def __aexit__(self, *exc_info: object) -> None:
        self.closed += 1

    def begins(self, n: int) -> list[str]:
        """The next `n` seeds that it begins."""
        return [self.begun.get(timeout=20) for _ in range(n)]

    def let_go(self, *seed_ids: str) -> None:
        for seed_id in seed_ids:
            self.loop.call_soon_threadsafe(self._gates[seed_id].set)

    def settle(self) -> None:
        """Let everything in the loop go as far as it goes without the test."""

        async def rounds() -> None:
            for _ in range(50):
                await asyncio.sleep(0)

        asyncio.run_coroutine_threadsafe(rounds(), self.loop).result(timeout=20)


def ids(records: Sequence[Record]) -> list[str]:
    return [record.seed.id for record in records]


def all_batches(ahead: DesignAhead) -> list[Sequence[Record]]:
    """Every batch, when all is designed."""
    assert ahead.wait(20)
    batches = []
    while not ahead.exhausted:
        batches.append(ahead.next_batch())
    return batches


class TestSupply:
    def test_no_seed_is_begun_where_nobody_takes_what_is_ready(self):
        designer = Told(concurrency=4)
        with DesignAhead(designer, SEEDS, 7, n_workers=1) as ahead:
            # A batch has 50 here: 4 being written, and a buffer of one batch.
            assert designer.begins(54) == [seed.id for seed in SEEDS[:54]]
            designer.settle()
            assert (ahead.state.n_writing, ahead.state.n_ready) == (0, 54)
            assert designer.begun.empty()
            assert ids(ahead.next_batch()) == [seed.id for seed in SEEDS[:50]]
            designer.begins(50)
            designer.settle()
            assert designer.begun.empty()

    def test_a_place_is_filled_as_soon_as_it_is_free(self):
        designer = Told(concurrency=3, held=True)
        with DesignAhead(designer, SEEDS, 7, n_workers=2) as ahead:
            assert designer.begins(3) == ["t/000", "t/001", "t/002"]
            designer.let_go("t/001")
            assert designer.begins(1) == ["t/003"]
            designer.let_go("t/002", "t/003")
            assert sorted(designer.begins(2)) == ["t/004", "t/005"]
            designer.settle()
            assert designer.begun.empty()
            assert (ahead.state.n_writing, ahead.state.n_ready) == (3, 3)

    def test_a_batch_is_full_while_there_are_seeds_then_the_workers_share(self):
        designer = Told(concurrency=60, held=True)
        with DesignAhead(designer, SEEDS[:80], 7, n_workers=2) as ahead:
            begun = designer.begins(60)
            designer.let_go(*begun[:9])
            designer.settle()
            assert ahead.next_batch() == ()
            designer.let_go(begun[9])
            designer.settle()
            assert ids(ahead.next_batch()) == begun[:10]
            designer.let_go(*begun[10:])
            designer.let_go(*designer.begins(20))
            assert [len(batch) for batch in all_batches(ahead)] == [10] * 6 + [5, 4, 1]

    def test_what_was_ready_for_long_goes_out_as_a_small_batch(self):
        now = [1000.0]
        designer = Told(concurrency=8, held=True)
        with DesignAhead(designer, SEEDS, 7, n_workers=1, clock=lambda: now[0]) as ahead:
            begun = designer.begins(8)
            designer.let_go(begun[0])
            designer.settle()
            now[0] = 1030.0
            assert ahead.next_batch() == ()
            designer.let_go(*begun[1:3])
            designer.settle()
            now[0] = 1030.5
            assert ids(ahead.next_batch()) == begun[:3]

    def test_the_records_hold_what_the_designer_says(self):
        seeds = [Seed("t/1", "a line"), Seed("t/2", "this is refused"), Seed("t/3", "this is broken")]
        with DesignAhead(Told(concurrency=2), seeds, 7, n_workers=1) as ahead:
            (batch,) = all_batches(ahead)
        good, refused, broken = sorted(batch, key=lambda record: record.seed.id)
        assert good.id == sample_id(7, "t/1")
        assert (good.dialogue, good.reject) == (stand_ins.a_dialogue(seeds[0]), None)
        assert good.account == account_of(seeds[0])
        assert (refused.reject.stage, refused.reject.reason) == ("design", "refused")
        assert refused.reject.raw_replies == ("a reply to this is refused", "{")
        assert refused.account.usage == account_of(seeds[1]).usage
        assert (broken.reject.stage, broken.reject.reason) == ("design", "unexpected-error")
        assert "ZeroDivisionError: a bug in a designer" in broken.reject.detail

    def test_the_load_of_the_server_is_told(self):
        designer = Told(concurrency=1, held=True)
        with DesignAhead(designer, SEEDS, 7, n_workers=1) as ahead:
            designer.begins(1)
            designer.settle()
            assert ahead.state.load == "9 tokens/s"

    def test_a_designer_need_not_report_a_load(self, monkeypatch):
        monkeypatch.delattr(StandInAhead, "server_load")
        with DesignAhead(Told(concurrency=2), SEEDS[:3], 7, n_workers=1) as ahead:
            assert sum(map(len, all_batches(ahead))) == 3
            assert ahead.state.load == ""

    def test_fresh_records_come_in_batches_at_once(self):
        fresh = FreshRecords(SEEDS[:70], 7, 2)
        assert [len(fresh.next_batch()) for _ in range(9)] == [9] * 7 + [7, 0]
        assert fresh.exhausted
        fresh = FreshRecords(SEEDS[:70], 7, 2)
        assert next((r.id, r.dialogue) for r in fresh.next_batch()) == (sample_id(7, "t/000"), None)
        fresh.stop()
        assert (fresh.exhausted, fresh.next_batch()) == (True, [])


class TestEndings:
    def test_an_error_comes_after_what_was_designed(self, monkeypatch):
        monkeypatch.setenv("STAND_IN_AWAY", "13")
        designer = Told(concurrency=1)
        with DesignAhead(designer, SEEDS, 7, n_workers=1) as ahead:
            assert [ids(batch) for batch in all_batches(ahead)] == [[seed.id for seed in SEEDS[:13]]]
            with pytest.raises(CopilotError, match="the server is away"):
                ahead.check()
        assert designer.closed == 1

    def test_what_was_written_and_not_committed_is_unfinished(self):
        designer = Told(concurrency=10, held=True)
        with DesignAhead(designer, SEEDS[:10], 7, n_workers=1) as ahead:
            begun = designer.begins(10)
            designer.let_go(*begun[:8])
            designer.settle()
            batch = ahead.next_batch()
            assert ids(batch) == begun[:4]
            ahead.note_committed(batch[:3])
            ahead.stop()
        assert ids(ahead.unfinished) == begun[3:8]

    def test_drafts_are_ready_at_once_and_not_written_again(self):
        drafts = {seed.id: new_record(seed, 7) for seed in SEEDS[1:3]}
        designer = Told(concurrency=10)
        with DesignAhead(designer, SEEDS[:4], 7, n_workers=1, drafts=drafts) as ahead:
            assert designer.begins(2) == ["t/000", "t/003"]
            (batch,) = all_batches(ahead)
            assert ids(batch) == ["t/001", "t/002", "t/000", "t/003"]
            assert batch[0] is drafts["t/001"]
            assert designer.begun.empty()

    def test_an_error_of_entering_is_told(self):
        class Shut(Told):
            async def __aenter__(self):
                raise UserError("there is no such server")

        with DesignAhead(Shut(concurrency=1), SEEDS, 7, n_workers=1) as ahead:
            assert all_batches(ahead) == []
            with pytest.raises(UserError, match="there is no such server"):
                ahead.check()

    def test_a_stop_cancels_what_is_written_and_closes_the_designer(self):
        designer = Told(concurrency=3, held=True)
        with DesignAhead(designer, SEEDS, 7, n_workers=1) as ahead:
            designer.let_go(*designer.begins(3)[:2])
            ahead.stop()
            assert (ahead.exhausted, ahead.next_batch(), ahead.pop_ready()) == (True, (), ())
            assert ahead.wait(20)
            assert (designer.closed, ahead.state.n_writing) == (1, 0)
            ahead.check()

    def test_nobody_waits_for_a_designer_that_does_not_close(self):
        class Open(Told):
            async def __aexit__(self, *exc_info):
                self.begun.put("closing")
                await asyncio.Event().wait()

        designer = Open(concurrency=1)
        with DesignAhead(designer, SEEDS[:5], 7, n_workers=1) as ahead:
            assert designer.begins(6)[-1] == "closing"
            designer.settle()
            assert [len(ahead.next_batch()), len(ahead.next_batch())] == [4, 1]
            assert ahead.exhausted
        assert ahead.wait(0)

    def test_a_designer_that_blocks_everything_is_left_behind(self):
        freed = threading.Event()

        class Blocked(Told):
            async def design_async(self, seed, run_seed):
                self.begun.put(seed.id)
                freed.wait()

        designer = Blocked(concurrency=1)
        with DesignAhead(designer, SEEDS, 7, n_workers=1, grace_s=0.0) as ahead:
            designer.begins(1)
        assert not ahead.wait(0)
        freed.set()
        assert ahead.wait(20)
        designer.loop.close()


def seed_file(folder: Path, *more: str, n: int) -> Path:
    (folder / "seeds.txt").write_text(
        "\n".join([*(f"line {k} of the seeds" for k in range(n)), *more]) + "\n"
    )
    return folder


def begin(folder: Path, *options: str, backends=AHEAD, workers: int = 1, **faults) -> Command:
    seeds, out = f"text:{folder / 'seeds.txt'}", str(folder / "run")
    call = ("generate", "--seeds", seeds, "--out", out, "--workers", str(workers), *backends, *options)
    return Command(folder, *call, **faults)


def generate(folder: Path, *options: str, **how) -> Ended:
    return begin(folder, *options, **how).wait()


def rows(run: Path, kind: str) -> dict[str, dict]:
    """Every committed row of a kind, by its seed; fails where one is there twice."""
    paths = [path for path in sorted(committed_paths(Run(run))) if path.startswith(kind)]
    found = [row for path in paths for row in pq.read_table(run / path).to_pylist()]
    by_seed = {row["seed_id"]: row for row in found}
    assert len(by_seed) == len(found)
    return by_seed


def substance(run: Path) -> dict[str, tuple]:
    """What does not tell who has written a sample."""
    wanted = ("id", "tier", "turns", "mixes", "stems", "checks", "headroom_db")
    return {seed: tuple(row[name] for name in wanted) for seed, row in rows(run, "shards").items()}


N_SEEDS = 12
BAD = ("this one is refused", "this one is broken")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict[str, tuple]:
    """The samples of the same seeds by the designer that does not write ahead."""
    folder = seed_file(tmp_path_factory.mktemp("undisturbed"), *BAD, n=N_SEEDS)
    done = generate(folder, backends=BACKENDS)
    assert done.returncode == 0, done.stderr
    return substance(folder / "run")


def usage_of(row: dict) -> Usage:
    given = row["provenance"]
    tokens = [given["tokens"][name] for name in ("prompt", "cached", "generated")]
    named = [given[name] for name in ("requests", "corrections", "fresh_starts", "repairs")]
    return Usage(*named, *tokens, given["design_s"])


def test_the_samples_are_those_of_the_other_way_and_everything_is_accounted_for(tmp_path, undisturbed):
    folder = seed_file(tmp_path, *BAD, n=N_SEEDS)
    done = generate(folder, "--json")
    assert done.returncode == 0, done.stderr
    assert substance(folder / "run") == undisturbed
    outcome = json.loads(done.stdout)
    accepted, rejected = rows(folder / "run", "shards"), rows(folder / "run", "rejects")
    assert {row["reason"]: row["raw_replies"] for row in rejected.values()} == {
        "refused": ["a reply to this one is refused", "{"],
        "unexpected-error": [],
    }
    of_rows = sum(map(usage_of, accepted.values()), Usage())
    refused = account_of(Seed("t/1", BAD[0])).usage
    total = Totals.of_entries(Run(folder / "run").ledger.entries()).usage
    assert total == of_rows + refused
    assert outcome["totals"]["usage"]["generated_tokens"] == total.generated_tokens
    n_letters = sum(len(row["seed_text"]) for row in accepted.values()) + len(BAD[0])
    assert (total.requests, total.prompt_tokens, total.seconds) == (39, 100 * n_letters, 6.5)
    description = Run(folder / "run").describe()
    assert description["fingerprint"]["prompts"] == {"story": "5" * 16}
    again = generate(folder)
    assert "  39 requests: 26 corrections, 13 fresh starts, 13 replies repaired\n" in again.stdout
    tokens = f"  {100 * n_letters:,} prompt tokens (50% cached), {10 * n_letters:,} generated: "
    assert tokens + f"{10 * n_letters / 12:,.0f} per sample\n" in again.stdout


def test_a_server_that_goes_away_ends_the_run_and_the_next_goes_on(tmp_path, undisturbed):
    folder = seed_file(tmp_path, *BAD, n=N_SEEDS)
    ended = generate(folder, away=6, workers=2)
    assert ended.returncode == 1, ended.stderr
    assert "copilot: the server is away; run the same command again\n" in ended.stderr
    assert "Traceback" not in ended.stderr
    committed = substance(folder / "run")
    assert 0 < len(committed) <= 6
    assert generate(folder, workers=2).returncode == 0
    assert committed.items() <= substance(folder / "run").items()
    assert substance(folder / "run") == undisturbed


KILLS = [
    ("a worker, before a commit", "pipelines.run.shards:ShardWriter.commit:before:2", 1),
    ("a worker, after a commit", "pipelines.run.shards:ShardWriter.commit:after:1", 1),
    ("a worker that starts", "pipelines.stages.render:RenderStage.__init__:before:1", 1),
    ("the driver, at a dialogue", "helpers.stand_ins:StandInAhead.design_async:before:9", -signal.SIGKILL),
    (
        "the driver, handing out",
        "pipelines.execution.design_ahead:DesignAhead._hand_out:after:1",
        -signal.SIGKILL,
    ),
]


@pytest.mark.parametrize(("kill", "code"), [case[1:] for case in KILLS], ids=[case[0] for case in KILLS])
def test_a_kill_loses_and_doubles_nothing(tmp_path, undisturbed, kill, code):
    folder = seed_file(tmp_path, *BAD, n=N_SEEDS)
    killed = generate(folder, kill=kill)
    assert killed.returncode == code, killed.stderr
    if code == 1:
        assert "exit code -9" in killed.stderr
    assert generate(folder).returncode == 0
    assert substance(folder / "run") == undisturbed
    assert len(rows(folder / "run", "rejects")) == 2


def test_what_was_written_before_a_death_is_rendered_without_the_server(tmp_path, undisturbed):
    folder = seed_file(tmp_path, *BAD, n=N_SEEDS)
    kill = "pipelines.run.shards:ShardWriter.commit:before:1"
    assert generate(folder, kill=kill).returncode == 1
    assert rows(folder / "run", "shards") == {}
    (file,) = (folder / "run" / "drafts").iterdir()
    written = {draft["seed_id"] for draft in json.loads(file.read_text())["drafts"]}
    assert len(written) >= 4
    assert generate(folder, away=0).returncode == 1
    committed = rows(folder / "run", "shards") | rows(folder / "run", "rejects")
    assert committed.keys() == written
    assert list((folder / "run" / "drafts").iterdir()) == []
    assert generate(folder).returncode == 0
    assert substance(folder / "run") == undisturbed
    assert {row["reason"] for row in rows(folder / "run", "rejects").values()} == {
        "refused",
        "unexpected-error",
    }


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_it_though_a_dialogue_never_does(tmp_path, number):
    folder = seed_file(tmp_path, "endless", "endless too", n=1_000)
    driver = begin(folder, workers=2)
    while not list((folder / "run").glob("shards/.tmp-*")):
        driver.process.join(0.02)
        assert driver.is_alive()
    os.killpg(driver.pid, number)
    ended = driver.wait()
    assert ended.returncode == 130, ended.stderr
    made = len(rows(folder / "run", "shards"))
    assert 0 < made < 1_000
    assert f"interrupted; {1_002 - made} seeds are left" in ended.stderr
    assert not list((folder / "run" / "shards").glob(".tmp-*"))
    (file,) = (folder / "run" / "drafts").iterdir()
    written = {draft["seed_id"] for draft in json.loads(file.read_text())["drafts"]}
    assert written.isdisjoint(rows(folder / "run", "shards"))
    assert f", {len(written)} of them with a written dialogue; " in ended.stderr


def test_the_display_tells_of_the_writing():
    shown = Display(None, None)
    shown.start(9, [])
    shown.advance(Progress(accepted=2, rejected=1, usage=Usage(generated_tokens=2400)))
    shown.show_design(DesignStatus(64, 12, "9 tokens/s"))
    assert shown._describe().endswith("  writing 64, ready 12  9 tokens/s  1,200 tokens per sample")
    usage = Usage(requests=31, corrections=7, prompt_tokens=52_000, generated_tokens=8_000)
    shown.show_design(DesignStatus(64, 12, "", usage))
    assert "  31 replies, " in shown._describe()
    shown.advance(Progress(usage=usage))
    shown.show_design(DesignStatus(64, 12, ""))
    tokens = "52,000 prompt and 10,400 generated tokens"
    assert shown._describe().endswith(
        f"  writing 64, ready 12  31 replies, {tokens}, 7 corrections  5,200 tokens per sample"
    )


def test_the_time_left_is_unknown_until_something_is_done():
    shown = Display(None, None)
    shown.start(9, [])
    assert "time left: unknown" in shown._describe()
    shown.advance(Progress(rejected=9))
    assert "time left: 0 s" in shown._describe()


class AsksModel:
    """As much of a designer as its construction shows."""

    info = DesignerInfo(asks_model=True)
    name = "asks-model"

    def __init__(self, context) -> None:
        self.context = context

    def fingerprint(self):
        return {}

    def design(self, seed, run_seed):
        raise NotImplementedError


@pytest.fixture
def any_designer(monkeypatch) -> Callable[[type], None]:
    return lambda make: monkeypatch.setattr(plugins, "load", lambda *_, **__: make)


LLM, SERVICE = LlmSettings(model="m"), LlmService(urls=("http://localhost:1/v1",))


class TestCreateDesigner:
    def test_one_that_asks_a_model_hears_which_and_where(self, any_designer):
        any_designer(AsksModel)
        made = create_designer(RunConfig(seeds="starter", designer="llm", llm=LLM), SERVICE)
        assert (made.context.llm, made.context.service) == (LLM, SERVICE)

    @pytest.mark.parametrize(
        ("config", "missing"),
        [({"designer": "x"}, "`llm`"), ({"designer": "x", "llm": LLM}, "`service`")],
    )
    def test_the_error_names_what_it_lacks(self, any_designer, config, missing):
        any_designer(AsksModel)
        with pytest.raises(UserError, match=missing) as caught:
            create_working_designer(RunConfig(seeds="starter", **config), None)
        assert caught.value.field == "designer"

    @pytest.mark.parametrize(
        ("config", "service", "field"),
        [
            ({"llm": LLM}, SERVICE, "llm"),
            ({}, SERVICE, "service"),
            ({"designer": "stand-in", "task_mix": {"add": 1.0}}, None, "task_mix"),
            ({"designer_settings": {"mood": "grim"}}, None, "designer_settings"),
            ({"n_turns": 6}, None, "n_turns"),
        ],
    )
    def test_the_error_names_what_it_does_not_take(self, config, service, field):
        with pytest.raises(UserError) as caught:
            create_working_designer(RunConfig(seeds="starter", **config), service)
        assert caught.value.field == field

    def test_a_fingerprint_needs_no_client_of_the_model(self, monkeypatch):
        installed = plugins.missing_modules
        monkeypatch.setattr(
            plugins, "missing_modules", lambda names: ["openai"] if "openai" in names else installed(names)
        )
        config = RunConfig(seeds="starter", designer="llm", llm=LLM, sfx="noise", tts="murmur")
        assert compute_fingerprint(config).designer["model"] == "m"
        with pytest.raises(MissingExtraError, match="llm"):
            create_working_designer(config, SERVICE)

    def test_a_task_mix_weighs_the_tasks(self):
        designer = create_designer(RunConfig(seeds="starter", task_mix={"remove": 1.0}))
        assert isinstance(designer, ScriptedDesigner)
        assert [turn.task for turn in designer.design(SEEDS[0], 7).dialogue.turns] == [
            "story",
            "remove",
            "remove",
        ]

    def test_the_prompts_are_in_the_fingerprint(self):
        config = RunConfig(seeds="starter", designer="stand-in-ahead", sfx="noise", tts="murmur")
        assert compute_fingerprint(config).prompts == {"story": "5" * 16}


class TestPreview:
    def test_ahead_and_not_they_are_the_same(self, tmp_path):
        source = f"text:{seed_file(tmp_path, *BAD, n=6) / 'seeds.txt'}"
        made = {
            name: list(preview(RunConfig(seeds=source, designer=name), 8, None))
            for name in ("stand-in", "stand-in-ahead")
        }
        shown = [
            sorted((r.seed.id, r.dialogue, r.reject and r.reject.reason, r.rule_checks) for r in records)
            for records in made.values()
        ]
        assert shown[0] == shown[1]
        assert len(shown[0]) == 8
        assert sum(record.reject is None for record in made["stand-in"]) == 6

    def test_it_begins_before_it_is_done_and_may_be_left(self, tmp_path):
        source = f"text:{seed_file(tmp_path, 'endless', n=3) / 'seeds.txt'}"
        records = preview(RunConfig(seeds=source, designer="stand-in-ahead"), 4, None)
        assert next(records).reject is None
        records.close()

    def test_an_error_comes_after_what_is_there(self, tmp_path, monkeypatch):
        monkeypatch.setenv("STAND_IN_AWAY", "0")
        source = f"text:{seed_file(tmp_path, n=3) / 'seeds.txt'}"
        with pytest.raises(CopilotError, match="the server is away"):
            list(preview(RunConfig(seeds=source, designer="stand-in-ahead"), 3, None))
