"""The designer on a language model over the network: whatever it does, every seed is accounted for."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from helpers import fake_llm as fake
from helpers.fake_llm import FakeLlm, serving

from copilot.designers.account import Usage
from copilot.designers.contract import DesignerContext, DesignFault
from copilot.designers.llm import judge
from copilot.designers.llm.conversation import Conversation
from copilot.designers.llm.service import LlmService
from copilot.designers.llm.settings import LlmSettings
from copilot.errors import UserError
from copilot.frozen_model import Range
from copilot.scene import SceneLimits
from copilot.seed import Seed
from pipelines.config import RunConfig
from pipelines.execution.job import ignore
from pipelines.llm.designer import LlmDesigner
from pipelines.llm.endpoints import ServersGoneError
from pipelines.llm.refusals import ModelRefusalError
from pipelines.main_job import GenerateRequest, generate
from pipelines.run.reader import RunReader
from pipelines.run.totals import Outcome

SEED = Seed("test/1", "It was raining when she came home")
RIGHT = {"names_edited_sound": True, "does_what_was_asked": True, "leaves_something_undone": False}


def designer(
    *urls: str, service: dict | None = None, n_turns: int = 3, speech_share: float = 0.5, **settings
) -> LlmDesigner:
    llm = LlmSettings(**({"model": "tiny"} | settings))
    service = LlmService(urls=urls, **(service or {}))
    return LlmDesigner(DesignerContext(n_turns=n_turns, speech_share=speech_share, llm=llm, service=service))


def design(made: LlmDesigner, *seeds: Seed):
    async def all_of_them():
        async with made:
            return await asyncio.gather(
                *(made.design_async(seed, 0) for seed in seeds or (SEED,)), return_exceptions=True
            )

    return asyncio.run(all_of_them())


def test_a_dialogue_has_an_account_of_what_it_took():
    with serving() as server:
        (made,) = design(designer(server.url))
        assert made.dialogue.seed_id == SEED.id
        assert len(made.dialogue.turns) == 3
        account = made.account
        assert account.model == "tiny"
        assert account.usage.requests == len(account.raw_replies) == len(server.bodies)
        assert set(json.loads(account.raw_replies[0])) == {"description", "user", "ambience", "sounds"}
        assert account.usage.seconds > 0
        assert account.usage.prompt_tokens > account.usage.cached_tokens
        assert made.checks == ()


def test_requests_share_their_beginning():
    with serving() as server:
        design(designer(server.url, speech_share=1), SEED, Seed("test/2", "Another line of text"))
        systems = {body["messages"][0]["content"] for body in server.bodies}
        assert len(systems) == 1
        assert all(body["messages"][0]["role"] == "system" for body in server.bodies)
        assert all("seed" not in body for body in server.bodies)


@pytest.mark.parametrize("structured", ["json_schema", "json_object", "none"])
@pytest.mark.parametrize("mode", ["turnwise", "whole"])
def test_every_form_of_reply_leads_to_a_dialogue_or_a_reason(structured, mode):
    with serving() as server:
        (made,) = design(designer(server.url, structured=structured, mode=mode))
    if mode == "turnwise":
        assert made.dialogue.mode == "turnwise"
    else:
        # Made-up scenes that are restated never keep what was not asked for.
        assert isinstance(made, DesignFault)
        assert made.account.usage.requests == len(made.account.raw_replies) == 9


def test_a_seed_that_is_given_up_keeps_every_reply():
    with serving(faults=lambda number, body: fake.NOT_JSON) as server:
        (fault,) = design(designer(server.url, corrections=1, fresh_starts=1))
    assert isinstance(fault, DesignFault)
    assert fault.reason == "not-json"
    assert fault.account.raw_replies == ("I am sorry, I cannot do that.",) * 3
    assert (fault.account.usage.corrections, fault.account.usage.fresh_starts) == (1, 1)


def test_an_error_that_nobody_foresaw_keeps_the_replies_too(monkeypatch):
    def broken(self, form, reply):
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(Conversation, "_evaluate", broken)
    with serving() as server:
        (fault,) = design(designer(server.url))
    assert isinstance(fault, DesignFault)
    assert fault.reason == "unexpected-error"
    assert "ZeroDivisionError: by nought" in fault.detail
    assert len(fault.account.raw_replies) == 1


def test_the_judge_is_asked_about_every_edit_turn():
    def judged(number, body):
        return fake.saying(json.dumps(RIGHT)) if _is_judging(body) else None

    with serving(faults=judged) as server:
        (made,) = design(designer(server.url, judge_model="tiny"))
        n_judged = sum(map(_is_judging, server.bodies))
    assert n_judged == 2
    assert [(check.name, check.value) for check in made.checks] == [(name, 0.0) for name in judge.CHECKS]
    assert made.account.usage.requests == len(made.account.raw_replies)


def _is_judging(body):
    return body["response_format"]["json_schema"]["name"] == "judge"


def test_another_judge_has_its_own_server_model_and_key(monkeypatch):
    monkeypatch.setenv("COPILOT_LLM_API_KEY", "sk-designer")
    monkeypatch.setenv("COPILOT_JUDGE_API_KEY", "sk-judge")
    with serving() as server, serving(model="wise") as bench:
        made = designer(server.url, judge_model="wise", service={"judge_urls": (bench.url,)})
        (done,) = design(made)
        assert {body["model"] for body in bench.bodies} == {"wise"}
        assert not any(map(_is_judging, server.bodies))
        assert {headers["Authorization"] for headers in server.headers} == {"Bearer sk-designer"}
        assert {headers["Authorization"] for headers in bench.headers} == {"Bearer sk-judge"}
    assert {check.name for check in done.checks} == set(judge.CHECKS)


def test_a_wrong_url_of_the_judge_is_named_as_the_judges():
    with serving() as server:
        made = designer(server.url, judge_model="wise", service={"judge_urls": ("nowhere",)})
        with pytest.raises(UserError, match="nowhere") as caught:
            design(made)
    assert caught.value.field == "judge_urls"
    with pytest.raises(UserError, match="nowhere") as caught:
        design(designer("nowhere"))
    assert caught.value.field == "llm_url"


def test_a_judge_that_fails_takes_no_dialogue_away():
    with serving() as server, serving(model="wise", faults=lambda n, body: fake.NOT_JSON) as bench:
        made = designer(server.url, judge_model="wise", service={"judge_urls": (bench.url,)})
        (done,) = design(made)
    assert {check.name: check.value for check in done.checks}["judge/no-verdict"] == 2.0


def test_a_model_that_is_not_served_is_reported_before_any_request():
    with serving() as server:
        with pytest.raises(UserError, match=r"`llm_model`: .*'other'; available: tiny"):
            design(designer(server.url, model="other"))
        assert len(server.bodies) == 0


def test_without_servers_there_is_a_fingerprint_and_no_more():
    made = LlmDesigner(DesignerContext(llm=LlmSettings(model="tiny", judge_model="tiny")))
    assert made.fingerprint()["model"] == "tiny"
    assert {"turnwise-speech", "turnwise-sounds", "story", "edit", "correction", "judge"} == set(
        made.prompt_hashes()
    )
    assert "judge" not in LlmDesigner(DesignerContext(llm=LlmSettings(model="tiny"))).prompt_hashes()
    with pytest.raises(UserError, match="`service`"):
        asyncio.run(made.__aenter__())


@pytest.mark.parametrize(("language", "used"), [(None, False), ("en-GB", False), ("de", True)])
def test_a_prompt_says_the_language_if_it_is_not_english(language, used):
    def make(tag):
        return LlmDesigner(DesignerContext(llm=LlmSettings(model="tiny"), language=tag))

    known, hashes = make(None).prompt_hashes(), make(language).prompt_hashes()
    assert {name: hashes[name] for name in known} == known
    assert hashes.keys() - known.keys() == ({"language"} if used else set())


def test_a_language_without_spaces_is_refused():
    with pytest.raises(UserError) as caught:
        LlmDesigner(DesignerContext(llm=LlmSettings(model="tiny"), language="ja"))
    assert caught.value.field == "language"


def test_the_load_of_the_servers_is_told():
    async def look():
        async with FakeLlm() as server:
            made = designer(server.url)
            async with made:
                await made.design_async(SEED, 0)
                return await made.server_load()

    assert "0 running, 0 waiting" in asyncio.run(look())


# Whole runs

# Of short scenes: mixing them would be most of the time.
SHORT = SceneLimits(
    duration_s=3, n_elements=6, start_time_s=Range(low=0, high=2), element_duration_s=Range(low=0.2, high=3)
)


def seeds_in(folder: Path, n: int) -> str:
    path = folder / "seeds.txt"
    path.write_text("".join(f"line {number} of a story about rain\n" for number in range(n)))
    return f"text:{path}"


def run(
    folder: Path, seeds: str, *urls: str, service: dict | None = None, report=None, **settings
) -> Outcome:
    config = RunConfig(
        seeds=seeds,
        designer="llm",
        llm=LlmSettings(**({"model": "tiny"} | settings)),
        sfx="noise",
        tts="murmur",
        keep="stems",
        limits=SHORT,
    )
    return generate(
        GenerateRequest(
            config=config,
            out=folder / "run",
            service=LlmService(urls=urls, **({"concurrency": 8} | (service or {}))),
            on_progress=report or ignore,
        )
    )


ALL_ACCEPTED: Mapping[str, Any] = {"steady": True, "seed": 2}
"""A server whose dialogues all become samples, in whatever order it is asked."""


def rows_of(folder: Path, kind: str) -> list[dict]:
    files = RunReader(folder / "run").files(kind)
    return [row for file in files for row in pq.read_table(folder / "run" / file.path).to_pylist()]


FAULTS = (
    *(fake.NOT_JSON, fake.EMPTY, fake.NULL_CONTENT, fake.WRONG_TYPE, fake.EXTRA_KEY, fake.FENCED),
    *(fake.SINGLE_QUOTES, fake.TRAILING_COMMAS, fake.CONTROL_CHARACTERS, fake.WHITESPACE, fake.HTML),
    *(fake.truncated(), fake.ending("content_filter"), fake.ending("abort"), fake.http_status(500)),
    *(fake.http_status(503), fake.http_status(429, retry_after="0"), fake.DROP_BEFORE_HEADERS),
    *(fake.DROP_AFTER_HEADERS, fake.saying("}{" * 2000), fake.saying("\ud83d {"), fake.saying("[" * 30000)),
)


def test_a_run_over_a_server_with_every_fault_accounts_for_every_seed(tmp_path):
    chance = random.Random(7)

    def plan(number, body):
        return chance.choice(FAULTS) if chance.random() < 0.4 else None

    with serving(faults=plan) as server:
        outcome = run(tmp_path, seeds_in(tmp_path, 24), server.url, fresh_starts=1, corrections=1)
    samples, rejects = rows_of(tmp_path, "samples"), rows_of(tmp_path, "rejects")
    assert outcome.n_left == 0
    assert len({row["seed_id"] for row in samples + rejects}) == len(samples + rejects) == 24
    assert samples
    # Speech that does not fit its slot is found later.
    assert {row["stage"] for row in rejects} <= {"design", "fit-speech"}
    assert all(row["raw_replies"] and row["reason"] for row in rejects if row["reason"] != "server-error")
    for row in samples:
        spent = row["provenance"]
        assert spent["requests"] == len(spent["raw_replies"])
        assert spent["prompt"] in {"turnwise-speech", "turnwise-sounds"}
        assert len(spent["prompt_hash"]) == 64
    total = outcome.totals.usage
    assert total.requests == sum(len(row["raw_replies"]) for row in rejects) + sum(
        row["provenance"]["requests"] for row in samples
    )
    assert total.repairs > 0
    hashes = json.loads((tmp_path / "run" / "run.json").read_text())["fingerprint"]["prompts"]
    assert {row["provenance"]["prompt_hash"] for row in samples} <= set(hashes.values())


def test_no_key_and_no_password_is_written_anywhere(tmp_path, monkeypatch):
    monkeypatch.setenv("COPILOT_LLM_API_KEY", "sk-very-secret")
    with serving(faults=[None, fake.NOT_JSON]) as server:
        url = server.url.replace("http://", "http://anna:hunter2@")
        run(tmp_path, seeds_in(tmp_path, 4), url)
        assert server.headers
    written = b"".join(path.read_bytes() for path in (tmp_path / "run").rglob("*") if path.is_file())
    assert b"sk-very-secret" not in written
    assert b"hunter2" not in written
    assert b"127.0.0.1" not in written


def test_a_server_that_goes_away_and_comes_back_loses_nothing(tmp_path):
    away = threading.Event()
    with serving(**ALL_ACCEPTED) as server:

        def bounce(progress):
            if not away.is_set():
                away.set()
                server.stop()
                server.start()

        outcome = run(tmp_path, seeds_in(tmp_path, 24), server.url, report=bounce)
    assert away.is_set()
    assert (outcome.totals.accepted, outcome.totals.rejected, outcome.n_left) == (24, 0, 0)


def test_a_run_whose_servers_are_gone_ends_and_goes_on_later(tmp_path):
    seeds = seeds_in(tmp_path, 24)
    with serving(**ALL_ACCEPTED) as server:
        with pytest.raises(ServersGoneError, match="run the same command again"):
            run(
                tmp_path,
                seeds,
                server.url,
                service={"patience_s": 0, "concurrency": 2},
                report=lambda progress: server.stop(),
            )
        before = rows_of(tmp_path, "samples")
        assert 0 < len(before) < 24
        server.start()
        outcome = run(tmp_path, seeds, server.url)
    after = rows_of(tmp_path, "samples")
    assert (outcome.totals.accepted, outcome.n_left) == (24, 0)
    assert len({row["seed_id"] for row in after}) == len(after) == 24
    kept = {row["id"]: row["turns"] for row in after}
    assert all(kept[row["id"]] == row["turns"] for row in before)


@pytest.mark.parametrize("status", [400, 401, 404])
def test_what_a_server_will_never_accept_ends_the_run_with_one_message(tmp_path, status):
    with (
        serving(faults=lambda number, body: fake.http_status(status, "not like this")) as server,
        pytest.raises(ModelRefusalError, match=f"{status}, not like this"),
    ):
        run(tmp_path, seeds_in(tmp_path, 8), server.url)


def test_a_filter_costs_the_dialogues_that_it_refuses_and_their_rejects_keep_its_words(tmp_path):
    filtered = fake.error_body(400, {"error": {"code": "content_filter", "message": "no knives"}})

    def plan(number, body):
        return filtered if "line 3" in body["messages"][1]["content"] else None

    with serving(faults=plan, **ALL_ACCEPTED) as server:
        outcome = run(tmp_path, seeds_in(tmp_path, 8), server.url)
    (reject,) = rows_of(tmp_path, "rejects")
    assert (outcome.totals.accepted, outcome.n_left) == (7, 0)
    assert (reject["stage"], reject["reason"]) == ("design", "content-filter")
    assert reject["raw_replies"] == ["400, no knives"]
    assert "400, no knives" in reject["detail"]


@pytest.mark.parametrize("status", [401, 402, 404])
def test_what_a_server_says_of_all_ends_the_run_after_what_is_finished_is_committed(
    tmp_path, monkeypatch, status
):
    """The key is revoked, or the credit used up, in the middle of a run."""
    finished = []
    design_one = LlmDesigner.design_async

    async def noted(self, seed, run_seed):
        made = await design_one(self, seed, run_seed)
        finished.append(seed.id)
        return made

    def plan(number, body):
        return fake.http_status(status, "no more of this") if number >= 24 else None

    monkeypatch.setattr(LlmDesigner, "design_async", noted)
    with (
        serving(faults=plan, **ALL_ACCEPTED) as server,
        pytest.raises(ModelRefusalError, match=f"{status}, no more of this"),
    ):
        run(tmp_path, seeds_in(tmp_path, 24), server.url, service={"concurrency": 3})
    assert 0 < len(finished) < 24
    assert sorted(row["seed_id"] for row in rows_of(tmp_path, "samples")) == sorted(finished)


@pytest.mark.parametrize(
    ("variable", "value"), [("ALL_PROXY", "socks4://127.0.0.1:1080"), ("SSL_CERT_FILE", "/gone/ca.pem")]
)
def test_an_environment_without_connections_is_refused_before_a_run_exists(
    tmp_path, monkeypatch, variable, value
):
    monkeypatch.setenv(variable, value)
    with pytest.raises(UserError, match=variable):
        run(tmp_path, seeds_in(tmp_path, 8), "http://127.0.0.1:1/v1")
    assert not (tmp_path / "run").exists()


def test_the_judges_refusals_name_its_own_settings(monkeypatch):
    with serving() as server, serving(model="wise", key="secret") as other:
        made = designer(server.url, judge_model="clever")
        with pytest.raises(ModelRefusalError) as refusal:
            design(made)
        assert refusal.value.field == "judge_model"
        made = designer(server.url, judge_model="wise", service={"judge_urls": (other.url,)})
        with pytest.raises(ModelRefusalError, match="COPILOT_JUDGE_API_KEY"):
            design(made)
        made = designer(server.url, judge_model="wise", service={"judge_urls": (f"{other.root}/v2",)})
        with pytest.raises(ModelRefusalError) as refusal:
            design(made)
        assert refusal.value.field == "judge_urls"


def test_two_servers_share_the_work_and_one_is_enough(tmp_path):
    with serving(**ALL_ACCEPTED) as one, serving(**ALL_ACCEPTED) as other:
        outcome = run(tmp_path, seeds_in(tmp_path, 12), one.url, other.url)
        assert outcome.totals.accepted == 12
        shares = Counter({"one": len(one.bodies), "other": len(other.bodies)})
        assert min(shares.values()) > 0.3 * sum(shares.values())
    with serving(**ALL_ACCEPTED) as one, serving(faults=lambda n, body: fake.http_status(500)) as broken:
        folder = tmp_path / "broken"
        folder.mkdir()
        outcome = run(folder, seeds_in(folder, 12), one.url, broken.url)
        assert (outcome.totals.accepted, outcome.totals.rejected) == (12, 0)


def test_usage_adds_up():
    one = Usage(requests=1, corrections=2, prompt_tokens=3, seconds=0.5)
    assert one + one == Usage(requests=2, corrections=4, prompt_tokens=6, seconds=1.0)
