"""`copilot plan`: pools, room and forecast, before anything starts."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, nullcontext

import pytest
import yaml
from helpers.paths import ROOT
from helpers.stand_ins import AHEAD, BACKENDS

from pipelines.planning.costs import MeasuredCosts, SampleBytes, Tokens, read_costs
from pipelines.planning.resources import Resources

CALL = ("plan", "--seeds", "starter", *BACKENDS, "--executor", "ray")
NODE = ("--nodes", "1", "--node-cpus", "2")
FIGURES = MeasuredCosts(
    n_seeds=20,
    accepted_share=0.5,
    stage_s={"render-speech": 0.36, "render-sounds": 3.6, "mix": 0.72},
    stage_cpu_s={"mix": 0.36},
    tokens=Tokens(prompt=1000, cached=500, generated=100),
    sample_bytes=SampleBytes(mixes=1e6, stems=2e6),
)


@pytest.fixture
def figures(tmp_path) -> str:
    (tmp_path / "figures.json").write_text(FIGURES.model_dump_json())
    return str(tmp_path / "figures.json")


def test_without_figures_the_pools_alone(copilot):
    code, said, _ = copilot(*CALL, *NODE, "--num", "1000")
    assert code == 0
    assert [line.split() for line in said.splitlines()[1:4]] == [
        ["speech", "1", "0.45", "CPUs", "4", "900", "s"],
        ["sounds", "2", "0.45", "CPUs", "4", "900", "s"],
        ["mix", "1", "0.45", "CPUs", "4", "900", "s"],
    ]
    assert "nodes: 1 x 2 CPUs\nneeded at least: 1.8 CPUs: fits\n" in said
    assert "no forecast" in said
    assert "disk, roughly: " in said


def test_the_forecast_from_figures(copilot, figures, tmp_path):
    prices = {"cpu-hour": 0.5, "storage-tb-month": 100, "generated-tokens-million": 1}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({"prices": prices, "keep": "mixes"}))
    config = ("--config", str(tmp_path / "run.yaml"))
    code, said, _ = copilot(*CALL, *NODE, *config, "--num", "6000000", "--figures", figures)
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    assert ["render-sounds", "sounds", "6,000", "3,000"] in rows
    assert "6,000,000 seeds give about 3,000,000 samples" in said
    assert "hours: 3,000 h (125.0 days), limited by pool sounds, mostly by render-sounds" in said
    assert "mix 1,200 h (50.0 days), speech 600 h (25.0 days), processors 300 h" in said
    assert "CPU hours: 6,000 of 2 CPUs" in said
    assert "tokens: 6,000,000,000 in prompts (3,000,000,000 cached), 600,000,000 generated" in said
    assert "55.6 tokens per second" in said
    assert "storage: mixes 3.0 TB, stems 6.0 TB, both 9.0 TB; this run: --keep mixes" in said
    assert "cost: 3,600.00 (GPUs 0.00, CPUs 3,000.00, tokens 600.00), and 300.00 a month" in said


def test_json_holds_all_of_it(copilot, figures):
    code, said, _ = copilot(*CALL, *NODE, "--num", "1000", "--figures", figures, "--json")
    content = json.loads(said)
    assert (code, content["fits"], content["sizes"]) == (0, True, {"speech": 1, "sounds": 2, "mix": 1})
    assert [pool["name"] for pool in content["layout"]["pools"]] == ["speech", "sounds", "mix"]
    assert content["forecast"]["hours"] == content["forecast"]["limits"][0]["hours"] == 0.5
    assert content["forecast"]["tokens"]["generated"] == 100_000
    assert MeasuredCosts.model_validate(content["figures"]) == FIGURES


def test_a_model_writes_as_many_dialogues_at_once_as_its_concurrency(copilot, tmp_path):
    waiting = FIGURES.model_copy(update={"design_wait_s": 36.0})
    (tmp_path / "figures.json").write_text(waiting.model_dump_json())
    model = ("--designer", "llm", "--llm-url", "http://a/v1", "--llm-model", "m", "--llm-concurrency", "20")
    call = (*CALL, *model, *NODE, "--num", "1000", "--figures", str(tmp_path / "figures.json"), "--json")
    content = json.loads(copilot(*call)[1])
    assert content["forecast"]["stages"][0] == {
        "stage": "design",
        "pool": "design",
        "worker_hours": 10.0,
        "hours": 0.5,
    }


def test_what_does_not_fit_is_printed_and_an_error(copilot, figures, tmp_path):
    (tmp_path / "run.yaml").write_text("ray: {pools: {sounds: {size: 8, gpus: 1}}}")
    call = (*CALL, "--config", str(tmp_path / "run.yaml"), "--num", "10", "--figures", figures)
    code, said, wrong = copilot(*call, "--nodes", "2", "--node-cpus", "8", "--node-gpus", "2")
    assert code == 2
    assert "nodes: 2 x 8 CPUs, 2 GPUs\n" in said
    assert "hours" not in said
    assert wrong.startswith("copilot: --executor: ")
    assert "`ray.pools.sounds.size`" in wrong
    code, said, _ = copilot(*call, "--nodes", "2", "--node-cpus", "8", "--json")
    assert (code, json.loads(said)["fits"], json.loads(said)["forecast"]) == (2, False, None)


def test_a_cluster_that_grows_is_forecast_without_room(copilot, figures, tmp_path):
    (tmp_path / "run.yaml").write_text("ray: {grows: true, pools: {sounds: {size: 8, gpus: 1}}}")
    call = (*CALL, "--config", str(tmp_path / "run.yaml"), "--num", "1000", "--figures", figures)
    code, said, _ = copilot(*call, "--nodes", "1", "--node-cpus", "8")
    assert code == 0
    assert "waits for more nodes" in said
    assert "of 8 GPUs" in said


def test_without_nodes_those_of_the_cluster_are_planned_for(copilot, monkeypatch):
    monkeypatch.setattr("pipelines.cli.commands.plan.query_nodes", lambda _: [Resources(4), Resources(8)])
    assert "nodes: 1 x 4 CPUs; 1 x 8 CPUs\n" in copilot(*CALL)[1]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (("--nodes", "2"), ["--nodes", "--node-cpus"]),
        (("--node-gpus", "2"), ["--node-gpus", "--nodes"]),
        (("--save-figures", "f.json"), ["--save-figures", "--calibrate"]),
        (("--figures", "f", "--calibrate", "2"), ["--figures", "--calibrate"]),
        ((*NODE, "--figures", "nowhere.json"), ["--figures", "nowhere.json"]),
        (("--executor", "local"), ["--executor", "ray"]),
    ],
)
def test_a_mistake_is_one_message_that_names_the_option(copilot, options, named):
    code, _, wrong = copilot(*CALL, *options)
    assert (code, wrong.startswith(f"copilot: {named[0]}"), named[1] in wrong) == (2, True, True), wrong


def test_memory_that_pools_need_has_to_be_given_of_the_nodes(copilot, tmp_path):
    (tmp_path / "run.yaml").write_text("ray: {pools: {mix: {memory-gb: 2}}}")
    call = (*CALL, "--config", str(tmp_path / "run.yaml"), *NODE)
    code, _, wrong = copilot(*call)
    assert (code, "--node-memory" in wrong, "ray.pools.mix.memory_gb" in wrong) == (2, True, True)
    assert copilot(*call, "--node-memory", "4")[0] == 0


@pytest.mark.parametrize("backends", [BACKENDS, AHEAD])
def test_calibrating_measures_dialogues_and_leaves_nothing(copilot, tmp_path, monkeypatch, backends):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("os.getloadavg", lambda: (99.0, 0.0, 0.0))
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    texts = [f"a line {k}" for k in range(5)] + ["refused by the designer"]
    (tmp_path / "seeds.txt").write_text("\n".join(texts) + "\n")
    saved = tmp_path / "figures.json"
    call = (*CALL, *backends, "--seeds", f"text:{tmp_path / 'seeds.txt'}", *NODE, "--workers", "1")
    code, said, progress = copilot(*call, "--num", "600", "--calibrate", "9", "--save-figures", str(saved))
    assert (code, list(tmp_path.glob("copilot-plan-*"))) == (0, [])
    assert "--calibrate 9: only 6 seeds" in progress
    assert "(load 99.0)" in progress
    assert "--num 600: 6 seeds are available" in progress
    assert "6 seeds give about 5 samples" in said
    figures = read_costs(saved)
    assert (figures.n_seeds, figures.accepted_share) == (6, 5 / 6)
    assert set(figures.stage_s) >= {"render-speech", "render-sounds", "mix", "check", "finish", "write"}
    assert min(figures.sample_bytes.mixes, figures.sample_bytes.stems, figures.store_bytes) > 10_000
    assert figures.reject_bytes > 0
    n_characters = sum(len(text) for text in texts)
    if backends is AHEAD:
        assert figures.tokens == Tokens(
            prompt=100 * n_characters / 6, cached=50 * n_characters / 6, generated=10 * n_characters / 6
        )
        assert figures.design_wait_s == 0.5
        assert "design" in said


def test_without_a_number_the_forecast_is_for_all_seeds(copilot, tmp_path):
    (tmp_path / "seeds.txt").write_text("one line\na second line\na third line\n")
    call = (*CALL, "--seeds", f"text:{tmp_path / 'seeds.txt'}", *NODE, "--workers", "1", "--calibrate", "1")
    code, said, _ = copilot(*call, "--json", "--out", str(tmp_path / "run"), "--max-rejects", "1")
    assert (code, json.loads(said)["forecast"]["n_seeds"]) == (0, 3)
    assert not (tmp_path / "run").exists()


def test_calibrating_leaves_the_servers_of_the_run_alone(copilot, tmp_path, monkeypatch):
    (tmp_path / "run.yaml").write_text(f"out: {tmp_path / 'run'}\nservers: {{model: some/model}}")
    served: list[str] = []

    @contextmanager
    def serve(settings, run):
        served.append(run)
        yield ("http://s/v1",)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.execution.ray.nodes.connect", lambda _: nullcontext())
    monkeypatch.setattr("pipelines.execution.ray.servers.serve_model", serve)
    monkeypatch.setattr("pipelines.cli.commands.plan.generate", interrupted)
    call = (*CALL, "--config", str(tmp_path / "run.yaml"), "--designer", "llm", "--calibrate", "2")
    assert copilot(*call, "--nodes", "1", "--node-cpus", "8", *GPUS)[0] == 130
    assert served == ["plan"]


def test_an_interrupted_calibration_gives_no_figures(copilot, tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.cli.commands.plan.generate", interrupted)
    saved = tmp_path / "figures.json"
    code, said, wrong = copilot(*CALL, *NODE, "--num", "9", "--calibrate", "2", "--save-figures", str(saved))
    assert (code, saved.exists(), "hours" in said) == (130, False, False)
    assert wrong == "copilot: interrupted; nothing was measured\n"


def test_the_figures_of_the_documentation_are_figures(copilot, tmp_path):
    page = (ROOT / "docs" / "configuration.md").read_text()
    (tmp_path / "figures.json").write_text(re.search(r"```json\n(.*?)```", page, re.DOTALL)[1])
    call = (*CALL, *NODE, "--num", "1000", "--figures", str(tmp_path / "figures.json"))
    assert copilot(*call)[0] == 0
    parts = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    for part in (part for part in parts if re.search("^(executor|ray|servers|prices):", part, re.MULTILINE)):
        (tmp_path / "run.yaml").write_text(f"{part}\nvoices: {tmp_path}")
        config = ("--config", str(tmp_path / "run.yaml"))
        code, _, wrong = copilot(
            *CALL, *config, "--designer", "llm", "--nodes", "1", "--node-cpus", "8", *GPUS
        )
        assert code == 0, wrong


GPUS = ("--node-gpus", "4")
