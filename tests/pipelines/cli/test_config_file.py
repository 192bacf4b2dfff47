"""Configuration files: from Python and from the command line, what overrides them, and their mistakes."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path

import pytest

from copilot.errors import MissingExtraError, UserError
from pipelines import cli
from pipelines.config_file import SHIPPED, load_config, read_options
from pipelines.execution.local import LocalExecutor
from pipelines.main_job import RejectLimit
from pipelines.options.execution import Parts
from pipelines.options.run import RunOptions
from pipelines.planning.allocation import allocate
from pipelines.planning.ray_settings import PoolSettings
from pipelines.planning.resources import Resources
from pipelines.planning.sizing import Workload
from pipelines.storage import resolve_place
from renderers.chain import parse_chain
from renderers.voice_bank import read_bank


@pytest.fixture
def given(monkeypatch, tmp_path):
    """The options that `generate` gets of a file of that content and of more arguments."""
    calls: list[RunOptions] = []
    monkeypatch.setattr(
        "pipelines.cli.commands.generate.run_generate", lambda options: calls.append(options) or 0
    )

    def call(content: str, *arguments: str) -> RunOptions:
        file = tmp_path / "run.yaml"
        file.write_text(content)
        monkeypatch.setattr(sys, "argv", ["copilot", "generate", "--config", str(file), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return calls[-1]

    return call


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """What `generate` prints to standard error for a file of that content, behind the file's name."""

    def call(content: str | bytes, *arguments: str) -> str:
        file = tmp_path / "run.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setattr(sys, "argv", ["copilot", "generate", "--config", str(file), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        message = capsys.readouterr().err
        assert (ended.value.code, "Traceback" in message) == (2, False), message
        return message.removeprefix("copilot: ").removeprefix(f"{file}: ").strip()

    return call


FILE = """
seeds: starter
out: runs/here
num: 7
turns: 2
bits: 24
keep: stems
at_once: 3
batch-s: 12
sfx: worker:python w.py
sfx-set:
  speaks: false
  options: {steps: 50, kind: fast}
"""


def test_keys_are_the_names_of_options(given):
    options = given(FILE)
    config = options.create_run_config()
    assert (config.seeds, options.out, options.num, config.n_turns) == ("starter", "runs/here", 7, 2)
    assert (config.mix_bits, config.keep) == (24, "stems")
    settings = options.create_execution_settings()
    assert (settings.at_once, settings.render.batch_s) == (3, 12.0)
    assert config.sfx_settings == {"speaks": "false", "options": {"steps": "50", "kind": "fast"}}
    assert isinstance(options.create_executor(config), LocalExecutor)
    assert options.create_reject_limit() is None


def test_members_of_a_chain_have_settings_of_their_own(given):
    text = (
        "sfx: library:sounds,worker:w.py\nsfx-set: {library: {index: a.csv}, worker: {options: {steps: 5}}}"
    )
    options = given(f"seeds: starter\nout: runs/here\n{text}\nlicences: CC0")
    settings = options.create_run_config().sfx_settings
    assert settings == {
        "library": {"index": "a.csv", "licences": "CC0"},
        "worker": {"options.steps": "5"},
    }
    assert [link.settings for link in parse_chain(options.sfx, "sfx", settings)] == [
        {"index": "a.csv", "licences": "CC0"},
        {"options": {"steps": "5"}},
    ]


def test_python_reads_a_file_as_the_command_line_does(given, tmp_path):
    options = given(FILE)
    assert load_config(tmp_path / "run.yaml") == options
    assert load_config(str(tmp_path / "run.yaml"), num=9) == given(FILE, "--num", "9")
    with pytest.raises(UserError, match="num") as mistake:
        load_config(tmp_path / "run.yaml", nmu=9)
    assert mistake.value.field == "nmu"


@pytest.mark.parametrize(
    "wrong", [{"turns": 0}, {"executor": "cloud"}, {"num": "many"}, {"judge": 1}, {"batch_s": float("nan")}]
)
def test_a_value_from_python_is_checked(wrong):
    with pytest.raises(UserError) as mistake:
        load_config("laptop", **wrong)
    assert [mistake.value.field] == list(wrong)


def test_values_from_python_are_those_of_options(tmp_path):
    options = load_config(
        "laptop", limits=tmp_path / "l.json", llm_url=("http://a/v1",), sfx_set={"steps": 5}, num=None
    )
    assert (options.limits, options.llm_url) == (tmp_path / "l.json", ["http://a/v1"])
    assert (options.sfx_set, options.num) == (["steps=5"], 100)


def test_a_value_of_the_class_is_checked_when_it_is_used():
    with pytest.raises(UserError) as wrong:
        RunOptions(seeds="starter", turns=0).create_run_config()
    assert wrong.value.field == "turns"


def test_a_missing_setting_is_named():
    with pytest.raises(UserError) as wrong:
        RunOptions(out="x").create_run_config()
    assert wrong.value.field == "seeds"


def test_the_command_line_overrides_the_file(given):
    options = given(FILE, "--num", "9", "--keep", "both", "--sfx-set", "speaks=true", "--workers", "2")
    config = options.create_run_config()
    assert (options.num, config.keep, config.n_turns) == (9, "both", 2)
    assert config.sfx_settings == {"speaks": "true"}
    assert options.create_executor(config) == LocalExecutor(2)


def test_the_former_name_of_the_random_seed_is_read(given):
    assert given("seed: 5").random_seed == 5
    assert given("random-seed: 5").random_seed == 5
    assert given("seed: 5", "--random-seed", "6").random_seed == 6
    assert given("random_seed: 5", "--seed", "6").random_seed == 6


def test_the_former_name_of_the_share_of_speech_is_read(given):
    content = f"{MODEL}llm-url: http://a/v1\nllm-speech-share: 0.25"
    assert given(content).create_run_config().speech_share == 0.25
    assert given("seeds: starter", "--llm-speech-share", "1").create_run_config().speech_share == 1
    assert given("llm_speech_share: 0.2", "--speech-share", "0").speech_share == 0


def test_the_random_seed_under_both_names_is_refused(refused):
    assert refused("", "--seed", "5", "--random-seed", "6").startswith("--random-seed: ")


MODEL = "seeds: starter\ndesigner: llm\nllm-model: m\n"


def test_lists_and_flags(given):
    options = given(f"{MODEL}llm-url: [http://a/v1, http://b/v1]\njudge: true\nllm-temperature: 1e-1\n")
    assert options.create_service().urls == ("http://a/v1", "http://b/v1")
    llm = options.create_run_config().llm
    assert (llm.judge_model, llm.temperature) == ("m", 0.1)
    options = given(f"{MODEL}llm-url: [http://a/v1]", "--llm-url", "http://c/v1")
    assert options.create_service().urls == ("http://c/v1",)


def test_one_of_a_list_may_stand_alone_and_nothing_is_not_set(given):
    options = given(f"num:\n{MODEL}llm-url: http://a/v1\n")
    assert (options.create_service().urls, options.num) == (("http://a/v1",), None)


def test_options_of_another_command_are_ignored(given):
    assert given("out: x\nsave-figures: f.json\nnodes: 4\n").out == "x"


def test_a_share_of_rejects(given):
    assert given("max-reject-share: 0.25").create_reject_limit() == RejectLimit(0.25, 200)
    options = given("max-reject-share: 0.25", "--max-reject-after", "10")
    assert options.create_reject_limit() == RejectLimit(0.25, 10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed: 1\nkeeep: both", "keeep: unknown option; did you mean keep?"),
        ("llm_modell: m", "llm-modell: unknown option; did you mean llm_model?"),
        ("zzz: 1", "zzz: unknown option"),
        ("config: other.yaml", "config: unknown option"),
        ("num: many", "num: expected a whole number, not 'many'"),
        ("num: 2.5", "num: expected a whole number, not 2.5"),
        ("num: true", "num: expected a whole number, not true"),
        ("num: 0", "num: 0 is below 1"),
        ("max-reject-share: 2", "max-reject-share: 2.0 is above 1"),
        ("seed: 1\nrandom-seed: 1", "random-seed: random-seed is set twice"),
        ("batch-s: .nan", "batch-s: expected a number, not nan"),
        ("batch-s: long", "batch-s: expected a number, not 'long'"),
        ("judge: maybe", "judge: expected true or false, not 'maybe'"),
        ("judge: 1", "judge: expected true or false, not 1"),
        ("sfx: [procedural]", "sfx: expected text, not a list"),
        ("llm-model: 4", "llm-model: expected text, in quotes, not 4"),
        ("llm-url: {a: b}", "llm-url: expected text, not a mapping"),
        ("llm-url: [a, 4]", "llm-url: expected text, in quotes, not 4"),
        ("limits: {duration_s: 30}", "limits: expected the path of a JSON file; limits by name"),
        ("keep: all", "keep: expected one of mixes, stems, both, not 'all'"),
        ("keep: [both]", "keep: expected one of mixes, stems, both, not a list"),
        ("sfx-set: {steps: [1]}", "sfx-set: steps: expected text, a number, true or false, not"),
        ("sfx-set: {index: ~/x}", "sfx-set: ~/x: ~ is not expanded in this setting"),
        ("num: 010", "line 1: 010 is another number in YAML"),
        ("seeds: starter\nsfx-set: {steps: [1, {a: 1:30}]}", "line 2: 1:30 is another number in YAML"),
        ("num: 1\nnum: 2", "line 2: num is set twice"),
        ("at-once: 1\nat_once: 2", "line 2: at_once is set twice"),
        ("- seeds", "expected names of options with their values, not a list"),
        ("3: 4", "3: expected the name of an option"),
        ("seeds: [starter", "line 1, column 16: not valid YAML"),
        ("seeds: !!python/name:os.system", "line 1, column 8: not valid YAML"),
        (b"seeds: \xff", "not valid UTF-8 (invalid start byte at byte 7)"),
        ("ray: 4", "ray: expected a mapping of settings, not 4"),
        ("ray: {grow: true}", "ray.grow: unknown setting; did you mean grows?"),
        ("ray: {pools: {mix: {sise: 4}}}", "ray.pools.mix.sise: unknown setting; did you mean size?"),
        ("ray: {pools: {mixer: {size: 4}}}", "ray.pools.mixer: "),
        ("ray: {pools: {mix: {size: [4, 1]}}}", "ray.pools.mix.size: "),
        ("ray: {pools: {mix: {at-once: 0}}}", "ray.pools.mix.at_once: "),
        ("prices: {gpu-hours: 2}", "prices.gpu_hours: unknown setting; did you mean gpu_hour?"),
        ("prices: {gpu-hour: -2}", "prices.gpu_hour: "),
        ("servers: {replicas: 2}", "servers.model: missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_key(refused, content, said):
    assert refused(content).startswith(said)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ("keeep: both", "keeep"),
        ("num: many", "num"),
        ("max-reject-share: 2", "max_reject_share"),
        ("seed: 1\nrandom-seed: 2", "random_seed"),
        ("llm-url: [a, 4]", "llm_url"),
        ("sfx-set: {steps: [1]}", "sfx_set"),
        ("at-once: 1\nat_once: 2", "at_once"),
        ("ray: 4", "ray"),
        ("ray: {pools: {mix: {size: 1, size: 2}}}", "ray.pools.mix.size"),
        ("ray: {pools: {mix: {at-once: 0}}}", "ray.pools.mix.at_once"),
        ("servers: {replicas: 2}", "servers.model"),
    ],
)
def test_a_mistake_in_a_file_has_the_field(tmp_path, content, field):
    (tmp_path / "run.yaml").write_text(content)
    with pytest.raises(UserError) as mistake:
        load_config(tmp_path / "run.yaml")
    assert mistake.value.field == field
    assert str(mistake.value).startswith(str(tmp_path / "run.yaml"))


def test_numbers_that_look_old_are_texts_in_quotes(given):
    assert given('llm-model: "010"\nnum: 10\nbatch-s: 10.5\nmax-rejects: 0').llm_model == "010"


def test_the_home_of_the_user_is_expanded(given, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "l.json").write_text('{"n_elements": 7}')
    options = given("seeds: starter\nout: ~/run\nstems: ~/stems\nlimits: ~/l.json\nvoices: ~/voices\n")
    assert options.create_run_config().limits.n_elements == 7
    assert given("seeds: starter", "--limits=~/l.json", "--out=~/run").limits == tmp_path / "l.json"
    assert load_config("~/run.yaml", limits="~/l.json").limits == tmp_path / "l.json"
    assert resolve_place(options.create_request().out) == str(tmp_path / "run")
    with pytest.raises(UserError, match=str(tmp_path / "voices")):
        read_bank(options.create_run_config().voices)


def test_a_run_in_memory_is_refused(refused):
    assert refused("seeds: starter", "--out", "memory://run").startswith("--out: ")


def test_a_missing_file_names_the_shipped_ones(refused):
    message = refused("", "--config", "nowhere")
    assert "nowhere" in message
    assert "cluster, laptop, one-node-8-gpus" in message


def test_a_mistake_is_reported_even_if_the_command_line_overrides_it(refused):
    assert refused("num: x", "--num", "3").startswith("num: ")


def test_seeds_and_out_are_required(refused):
    assert refused("num: 3").startswith("--out: missing")
    assert refused("out: x").startswith("--seeds: missing")


UNUSED = "seeds: starter\nout: x\nray: {pools: {mix: {deadline-s: 9}}}"


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--ray-address", "auto"), ["--ray-address", "--executor"]),
        (("--stall-timeout", "60"), ["--stall-timeout", "--executor"]),
        (("--max-reject-after", "9"), ["--max-reject-after", "--max-reject-share"]),
        (("--executor", "ray", "--stall-timeout", "8"), ["ray.pools.mix.deadline_s", "--stall-timeout"]),
        (("--executor", "ray", "--workers", "2"), ["--workers", "--executor", "ray.pools.NAME.size"]),
    ],
)
def test_an_option_without_effect_is_refused(refused, options, named):
    message = refused(UNUSED, *options)
    assert [name for name in named if name not in message] == []


def test_options_go_before_the_settings_of_ray(tmp_path):
    (tmp_path / "run.yaml").write_text("ray: {address: auto, stall_timeout_s: 9, pools: {mix: {at-once: 2}}}")
    settings = load_config(tmp_path / "run.yaml").create_ray_settings()
    assert (settings.address, settings.stall_timeout_s) == ("auto", 9.0)
    assert settings.pools["mix"] == PoolSettings(at_once=2)
    above = load_config(tmp_path / "run.yaml", ray_address="host:1", stall_timeout=60.0).create_ray_settings()
    assert (above.address, above.stall_timeout_s, above.pools) == ("host:1", 60.0, settings.pools)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    options = RunOptions(seeds="starter", executor="ray")
    with pytest.raises(MissingExtraError) as caught:
        options.create_executor(options.create_run_config())
    assert caught.value.extra == "ray"


def test_servers_of_the_file_take_the_place_of_a_url(tmp_path):
    (tmp_path / "run.yaml").write_text("servers: {model: some/model, engine: {max-model-len: 8}}")
    content = {"seeds": "starter", "designer": "llm", "executor": "ray"}
    options = load_config(tmp_path / "run.yaml", **content)
    assert options.parts.servers.engine == {"max-model-len": 8}
    assert options.create_run_config().llm.model == "some/model"
    assert options.create_service_limits().concurrency == 64
    for wrong, field in [
        ({"llm_url": ["http://a/v1"]}, "servers"),
        ({"llm_model": "another"}, "llm_model"),
        ({"executor": "local"}, "servers"),
        ({"designer": "scripted"}, "servers"),
    ]:
        with pytest.raises(UserError) as mistake:
            load_config(tmp_path / "run.yaml", **{**content, **wrong}).create_run_config()
        assert mistake.value.field == field


def test_started_servers_take_the_place_of_the_settings(monkeypatch, tmp_path):
    (tmp_path / "run.yaml").write_text("servers: {model: some/model}")
    monkeypatch.setattr("pipelines.execution.ray.nodes.connect", lambda _: nullcontext())
    monkeypatch.setattr(
        "pipelines.execution.ray.servers.serve_model", lambda settings, run: nullcontext(("http://s/v1",))
    )
    options = load_config(tmp_path / "run.yaml", seeds="starter", designer="llm", executor="ray")
    with options.start_servers("plan") as started:
        assert started.create_service().urls == ("http://s/v1",)
        assert started.create_run_config() == options.create_run_config()
        assert started.create_server_group() == options.create_server_group()


NODES = {
    "laptop": [Resources(2)],
    "one-node-8-gpus": [Resources(96, 6)],
    "cluster": [Resources(96, 8, 2**39)] * 4,
}


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_a_shipped_configuration_finds_room(name):
    options = load_config(name)
    with_models = name != "laptop"
    ray = options.parts.ray
    allocation = allocate(Workload(with_models, with_models, with_models), ray, NODES[name], 4)
    assert (allocation.problem, allocation.at_max) == (None, True)
    assert set(ray.pools) == ({"design", "speech", "sounds", "mix"} if with_models else set())
    assert options.create_executor(options.create_run_config()).settings.address == (
        "auto" if name == "cluster" else None
    )


def test_every_shipped_configuration_is_tested():
    assert sorted(NODES) == sorted(Path(file).stem for file in SHIPPED.iterdir())


def test_a_file_without_parts_has_none(tmp_path):
    (tmp_path / "run.yaml").write_text("")
    assert read_options(tmp_path / "run.yaml") == {"parts": Parts()}
