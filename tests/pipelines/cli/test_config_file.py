"""The file of `--config`: what it sets, what overrides it, and what it says to a mistake."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import pytest

from copilot.errors import MissingExtraError, UserError
from pipelines import cli
from pipelines.cli.options.config_file import SHIPPED, read_config
from pipelines.cli.options.execution import ExecutionOptions, ExecutorOption
from pipelines.cli.options.model import ModelOptions
from pipelines.execution.local import LocalExecutor
from pipelines.generate import RejectLimit
from pipelines.planning.allocation import allocate
from pipelines.planning.ray_settings import PoolSettings
from pipelines.planning.resources import Resources
from pipelines.planning.sizing import Workload


@pytest.fixture
def given(monkeypatch, tmp_path):
    """What `generate` is called with, for a file of that content and more arguments."""
    seen: dict = {}

    def run_generate(request, **others) -> int:
        seen.update(others, **{field.name: getattr(request, field.name) for field in fields(request)})
        return 0

    monkeypatch.setattr("pipelines.cli.commands.generate.run_generate", run_generate)

    def call(content: str, *arguments: str, command: str = "generate") -> dict:
        file = tmp_path / "run.yaml"
        file.write_text(content)
        monkeypatch.setattr(sys, "argv", ["copilot", command, "--config", str(file), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        return seen

    return call


@pytest.fixture
def refused(monkeypatch, capsys, tmp_path):
    """What `generate` says to a file of that content, behind the file's name."""

    def call(content: str | bytes, *arguments: str) -> str:
        file = tmp_path / "run.yaml"
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        monkeypatch.setattr(sys, "argv", ["copilot", "generate", "--config", str(file), *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr().err
        assert (ended.value.code, "Traceback" in said) == (2, False), said
        start = f"copilot: --config {file}: "
        return said[len(start) :].strip() if said.startswith(start) else said.strip()

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
    seen = given(FILE)
    config = seen["config"]
    assert (config.seeds, seen["out"], seen["num"], config.n_turns) == ("starter", "runs/here", 7, 2)
    assert (config.mix_bits, config.keep) == (24, "stems")
    assert (seen["settings"].at_once, seen["settings"].render.batch_s) == (3, 12.0)
    assert config.sfx_settings == {"speaks": "false", "options": {"steps": "50", "kind": "fast"}}
    assert seen["executor"] == LocalExecutor(seen["executor"].n_workers)
    assert seen["reject_limit"] is None


def test_the_command_line_overrides_the_file(given):
    seen = given(FILE, "--num", "9", "--keep", "both", "--sfx-set", "speaks=true", "--workers", "2")
    assert (seen["num"], seen["config"].keep, seen["config"].n_turns) == (9, "both", 2)
    assert seen["config"].sfx_settings == {"speaks": "true"}
    assert seen["executor"] == LocalExecutor(2)


def test_lists_and_flags(given):
    model = "designer: llm\nllm-model: m\nllm-url: [http://a/v1, http://b/v1]\njudge: true\n"
    seen = given(f"seeds: starter\nout: x\nllm-temperature: 1e-1\n{model}")
    assert seen["service"].urls == ("http://a/v1", "http://b/v1")
    assert (seen["config"].llm.judge_model, seen["config"].llm.temperature) == ("m", 0.1)
    seen = given(f"seeds: starter\nout: x\n{model}", "--llm-url", "http://c/v1")
    assert seen["service"].urls == ("http://c/v1",)


def test_one_of_a_list_may_stand_alone_and_nothing_is_not_set(given):
    seen = given("seeds: starter\nout: x\nnum:\ndesigner: llm\nllm-model: m\nllm-url: http://a/v1\n")
    assert (seen["service"].urls, seen["num"]) == (("http://a/v1",), None)


def test_options_of_another_command_are_let_be(given):
    assert given("seeds: starter\nout: x\nsave-figures: f.json\nnodes: 4\n")["out"] == "x"


def test_reject_limit(given):
    seen = given("seeds: starter\nout: x\nmax-reject-share: 0.25\n")
    assert seen["reject_limit"] == RejectLimit(0.25, 200)
    seen = given("seeds: starter\nout: x\nmax-reject-share: 0.25\n", "--max-reject-after", "10")
    assert seen["reject_limit"] == RejectLimit(0.25, 10)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("seed: 1\nkeeep: both", "keeep: there is no option of that name; is keep meant?"),
        ("llm_modell: m", "llm-modell: there is no option of that name; is llm-model meant?"),
        ("zzz: 1", "zzz: there is no option of that name"),
        ("config: other.yaml", "config: there is no option of that name"),
        ("num: many", "num: expected a whole number, and there is 'many'"),
        ("num: 2.5", "num: expected a whole number, and there is 2.5"),
        ("num: true", "num: expected a whole number, and there is true"),
        ("num: 0", "num: 0: "),
        ("batch-s: long", "batch-s: expected a number, and there is 'long'"),
        ("judge: maybe", "judge: expected true or false, and there is 'maybe'"),
        ("judge: 1", "judge: expected true or false, and there is 1"),
        ("sfx: [procedural]", "sfx: expected text, and there is a list"),
        ("llm-model: 4", "llm-model: expected text, in quotes, and there is 4"),
        ("llm-url: {a: b}", "llm-url: expected text, and there is a mapping"),
        ("llm-url: [a, 4]", "llm-url: expected text, in quotes, and there is 4"),
        ("keep: all", "keep: 'all': "),
        ("keep: [both]", "keep: expected one of mixes, stems, both, and there is a list"),
        ("sfx-set: {steps: [1]}", "sfx-set.steps: expected text, a number, true or false, and"),
        ("stems: ~/stems", "stems: ~/stems: ~ stands for no folder in a file; write the whole path"),
        ("seeds: librispeech:~/data", "seeds: librispeech:~/data: ~ stands for no folder in a file"),
        ("num: 1\nnum: 2", "line 2: num is set twice"),
        ("at-once: 1\nat_once: 2", "line 2: at_once is set twice"),
        ("- seeds", "holds a list; expected names of options with their values"),
        ("3: 4", "3: expected the name of an option"),
        ("seeds: [starter", "line 1, column 16: is no YAML: expected ',' or ']'"),
        ("seeds: !!python/name:os.system", "line 1, column 8: is no YAML: could not determine a constructor"),
        (b"seeds: \xff", "is no text in UTF-8 (invalid start byte at byte 7)"),
        ("ray: 4", "ray: expected a mapping of settings, and there is 4"),
        ("ray: {grow: true}", "ray.grow: there is no setting of that name; is grows meant?"),
        ("ray: {pools: {mix: {sise: 4}}}", "ray.pools.mix.sise: there is no setting of that name; is size"),
        ("ray: {pools: {mixer: {size: 4}}}", "ray.pools.mixer: input should be 'design', 'speech', "),
        ("ray: {pools: {mix: {size: [4, 1]}}}", "ray.pools.mix.size: must be a positive number of workers"),
        ("ray: {pools: {mix: {at-once: 0}}}", "ray.pools.mix.at_once: input should be greater than or equal"),
        ("prices: {gpu-hours: 2}", "prices.gpu_hours: there is no setting of that name; is gpu_hour meant?"),
        ("prices: {gpu-hour: -2}", "prices.gpu_hour: input should be greater than or equal to 0"),
        ("servers: {replicas: 2}", "servers.model: is missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_file_and_key(refused, content, said):
    assert refused(content).startswith(said)


def test_a_missing_file_names_what_is_shipped(refused):
    said = refused("", "--config", "nowhere")
    assert said == (
        "copilot: --config nowhere: there is no such file; give a YAML file, or one that is shipped: "
        "cluster, laptop, one-node-8-gpus"
    )


def test_a_mistake_is_told_even_where_the_command_line_overrides_it(refused):
    assert refused("num: x", "--num", "3").startswith("num: expected a whole number")
    assert "missing" in refused("num: 3").lower()


OF_NO_USE = "seeds: starter\nout: x\nray: {pools: {mix: {deadline-s: 9}}}"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--ray-address", "auto"), "--ray-address auto: is for --executor ray; leave it out"),
        (("--stall-timeout", "60"), "--stall-timeout 60.0: is for --executor ray; leave it out"),
        (("--max-reject-after", "9"), "--max-reject-after 9: is of no use without --max-reject-share"),
        (
            ("--executor", "ray", "--stall-timeout", "8"),
            "`ray.pools.mix.deadline_s` is 9 s, and --stall-timeout is 8 s: ",
        ),
        (("--executor", "ray", "--workers", "2"), "--workers 2: is for --executor local; with ray the file"),
    ],
)
def test_an_option_of_no_use_is_refused(refused, options, said):
    assert refused(OF_NO_USE, *options).startswith(f"copilot: {said}")


def test_options_stand_above_the_settings_of_ray(tmp_path):
    (tmp_path / "run.yaml").write_text("ray: {address: auto, stall_timeout_s: 9, pools: {mix: {at-once: 2}}}")
    file = read_config(str(tmp_path / "run.yaml"))
    options = ExecutionOptions(config=file, executor=ExecutorOption.ray)
    assert (options.ray_settings().address, options.ray_settings().stall_timeout_s) == ("auto", 9.0)
    assert options.ray_settings().pools["mix"] == PoolSettings(at_once=2)
    above = ExecutionOptions(config=file, ray_address="host:1", stall_timeout=60.0).ray_settings()
    assert (above.address, above.stall_timeout_s, above.pools) == ("host:1", 60.0, file.ray.pools)


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(
        MissingExtraError, match=r"`executor` ray: needs the extra 'ray'; .*audiocopilot\[ray\]"
    ):
        ExecutionOptions(executor=ExecutorOption.ray).made(None, 2)


def test_servers_of_the_file_take_the_place_of_a_url(tmp_path):
    (tmp_path / "run.yaml").write_text("servers: {model: some/model, engine: {max-model-len: 8}}")
    options = ExecutionOptions(config=read_config(str(tmp_path / "run.yaml")), executor=ExecutorOption.ray)
    assert options.config.servers.engine == {"max-model-len": 8}
    model = options.with_model(ModelOptions(), ["http://s/v1"])
    assert (model.llm_url, model.llm_model) == (["http://s/v1"], "some/model")
    for wrong, said in [
        (ModelOptions(llm_url=["http://a/v1"]), "the run starts them, and --llm-url names others"),
        (ModelOptions(llm_model="another"), "--llm-model another: the servers of the file serve some/model"),
    ]:
        with pytest.raises(UserError, match=said):
            options.with_model(wrong)
    with pytest.raises(UserError, match="use --executor ray, or --llm-url"):
        ExecutionOptions(config=options.config).with_model(ModelOptions())


NODES = {
    "laptop": [Resources(2)],
    "one-node-8-gpus": [Resources(96, 6)],
    "cluster": [Resources(96, 8, 2**39)] * 4,
}


@pytest.mark.parametrize("name", sorted(file.stem for file in SHIPPED.glob("*.yaml")))
def test_what_is_shipped_finds_room(name, given, monkeypatch):
    file = read_config(name)
    with_models = name != "laptop"
    allocation = allocate(Workload(with_models, with_models, with_models), file.ray, NODES[name], 4)
    assert (allocation.problem, allocation.at_max) == (None, True)
    assert set(file.ray.pools) == ({"design", "speech", "sounds", "mix"} if with_models else set())
    monkeypatch.setattr("pipelines.cli.app._n_workers", lambda _: 1)
    seen = given((SHIPPED / f"{name}.yaml").read_text())
    assert seen["executor"].settings.address == ("auto" if name == "cluster" else None)


def test_what_is_shipped_is_tested():
    assert sorted(NODES) == sorted(Path(file).stem for file in SHIPPED.iterdir())
