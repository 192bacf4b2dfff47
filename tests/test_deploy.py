"""The files in deploy/: read, compared with the package, and tried as far as one machine allows."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
import uuid
from dataclasses import dataclass

import pytest
import typer
import yaml
from helpers.paths import ROOT

from pipelines import cli
from pipelines.cli.app import app
from pipelines.config_file import SHIPPED, load_config
from pipelines.planning.costs import MeasuredCosts
from pipelines.planning.layout import check_fits
from pipelines.planning.resources import Resources
from pipelines.planning.sizing import Workload, create_layout

DEPLOY = ROOT / "deploy"
SLURM = DEPLOY / "slurm.sh"
CONFIG_IN_PODS = "/etc/copilot/run.yaml"


@pytest.fixture(scope="module")
def job():
    return yaml.safe_load((DEPLOY / "kuberay.yaml").read_text())


@pytest.fixture(scope="module")
def groups(job):
    cluster = job["spec"]["rayClusterSpec"]
    return {"head": cluster["headGroupSpec"]} | {
        group["groupName"]: group for group in cluster["workerGroupSpecs"]
    }


def pod(group: dict) -> dict:
    return group["template"]["spec"]


def container(group: dict) -> dict:
    (only,) = pod(group)["containers"]
    return only


def amount(text: str) -> int:
    figure, unit = re.fullmatch(r"(\d+)(Gi|)", text).groups()
    return int(figure) * (2**30 if unit else 1)


def resources(group: dict) -> Resources:
    limits = container(group)["resources"]["limits"]
    return Resources(int(limits["cpu"]), int(limits.get("nvidia.com/gpu", 0)), amount(limits["memory"]))


def test_the_job_retries_cleans_up_and_needs_a_token(job):
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert job["spec"]["backoffLimit"] > 0
    assert job["spec"]["shutdownAfterJobFinishes"] is True
    cluster = job["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert cluster["enableInTreeAutoscaling"] is True


def test_the_jobs_ray_is_the_one_that_the_image_has(job):
    pinned = re.search(r"^ray==(\S+)", (ROOT / "requirements/dev.lock").read_text(), re.MULTILINE)[1]
    assert job["spec"]["rayClusterSpec"]["rayVersion"] == pinned


def test_the_command_of_the_job_is_valid(job, monkeypatch):
    program, command, *options = shlex.split(job["spec"]["entrypoint"])
    assert (program, command) == ("copilot", "generate")
    # The comment of the file makes the pods' configuration from this one.
    assert f"run.yaml={'pipelines/configs/cluster.yaml'}" in (DEPLOY / "kuberay.yaml").read_text()
    options = ["cluster" if option == CONFIG_IN_PODS else option for option in options]
    calls = []
    monkeypatch.setattr(
        "pipelines.cli.commands.generate.run_generate", lambda given: calls.append(given) or 0
    )
    monkeypatch.setattr(sys, "argv", [program, command, *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    (given,) = calls
    assert (given.executor, given.create_ray_settings().address) == ("ray", "auto")
    assert (given.num, given.out) == (6_000_000, "s3://BUCKET/runs/six-million")


@pytest.mark.parametrize("at", ["minReplicas", "maxReplicas"])
def test_the_shipped_pools_fit_the_pods(groups, at):
    settings = load_config("cluster").parts.ray
    nodes = [resources(group) for name, group in groups.items() if name != "head" for _ in range(group[at])]
    pools = settings.pools
    if at == "maxReplicas":
        pools = {
            name: pool.model_copy(
                update={"size": pool.size[1] if isinstance(pool.size, tuple) else pool.size}
            )
            for name, pool in pools.items()
        }
    workload = Workload(designs=True, speech_on_gpu=True, sounds_on_gpu=True)
    layout = create_layout(workload, settings.model_copy(update={"pools": pools}), nodes, None)
    assert {pool.name: pool.min_size for pool in layout.pools}.keys() == pools.keys()
    check_fits(layout, nodes)


def test_the_groups_grow_between_bounds_and_the_head_works_for_ray_alone(groups):
    assert list(groups) == ["head", "cpu", "gpu"]
    assert groups["head"]["rayStartParams"]["num-cpus"] == "0"
    for name in ("cpu", "gpu"):
        assert 1 <= groups[name]["minReplicas"] == groups[name]["replicas"] < groups[name]["maxReplicas"]
    assert [resources(group).gpus for group in groups.values()] == [0, 0, 8]


def test_all_pods_have_one_image_the_keys_the_voices_and_no_root(groups):
    assert {container(group)["image"] for group in groups.values()} == {"REGISTRY/copilot:TAG"}
    assert [container(group)["name"] for group in groups.values()] == ["ray-head", "ray-worker", "ray-worker"]
    for group in groups.values():
        assert pod(group)["securityContext"]["runAsNonRoot"] is True
        names = [source["secretRef"]["name"] for source in container(group)["envFrom"]]
        assert names == ["copilot-s3", "copilot-keys"]
        wanted, most = (container(group)["resources"][kind] for kind in ("requests", "limits"))
        assert wanted == most
        mounted = {mount["name"] for mount in container(group)["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod(group)["volumes"]} >= {"data", "shm"}
        (shm,) = (volume["emptyDir"] for volume in pod(group)["volumes"] if volume["name"] == "shm")
        assert amount(shm["sizeLimit"]) < 0.5 * resources(group).memory


def test_metrics_are_where_the_pods_say(groups):
    for group in groups.values():
        ports = {port["name"]: port["containerPort"] for port in container(group)["ports"]}
        assert str(ports["metrics"]) == group["rayStartParams"]["metrics-export-port"]


def test_a_run_has_time_to_end(job, groups):
    variables = yaml.safe_load(job["spec"]["runtimeEnvYAML"])["env_vars"]
    given_s = int(variables["RAY_JOB_STOP_WAIT_TIME_S"])
    _, _, hook = container(groups["head"])["lifecycle"]["preStop"]["exec"]["command"]
    waited_s = int(re.search(r"seq (\d+)", hook)[1])
    # More than the executor waits for commits in progress.
    assert 30 < given_s == waited_s < pod(groups["head"])["terminationGracePeriodSeconds"]


@pytest.mark.skipif(not shutil.which("pkill"), reason="needs procps, which the image has")
def test_the_hook_asks_the_run_to_end_and_waits_for_it(groups, tmp_path):
    *shell, hook = container(groups["head"])["lifecycle"]["preStop"]["exec"]["command"]
    assert hook.count("copilot generate") == 1
    # Under a name of its own, so that the hook finds no other run on this machine.
    program = tmp_path / f"copilot-{uuid.uuid4().hex}"
    program.write_text(
        "import signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))\n"
        "print('ready', flush=True)\n"
        "while True:\n    signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, program, "generate"], stdout=subprocess.PIPE, text=True) as run:
        try:
            assert run.stdout.readline() == "ready\n"
            command = hook.replace("copilot generate", f"{program.name} generate").replace(
                "sleep 1", "sleep 0.01"
            )
            # The run stays in the table of processes until somebody waits for it.
            with subprocess.Popen([*shell, command]) as telling:
                assert run.wait(30) == 130
                assert telling.wait(30) == 0
        finally:
            run.kill()


SCONTROL = """#!/bin/bash
echo "scontrol $*" >> "$LOG"
if [ "$1" = show ]; then printf 'n1\\nn2\\n'; fi
"""
GETENT = """#!/bin/bash
printf '127.0.1.1 STREAM n1\\n10.0.0.7 STREAM n1\\n10.0.0.7 DGRAM\\n10.9.0.7 STREAM\\n'
"""
SRUN = """#!/bin/bash
echo "srun $(tr '\\n' ' ' <<< "$*")" >> "$LOG"
while [[ "$1" == --* ]]; do shift; done
exec "$@"
"""
STAND_IN = """#!{python}
import os, signal, sys
name = os.path.basename(sys.argv[0])
def log(what):
    with open(os.environ["LOG"], "a") as file:
        file.write(f"{{name}} {{what}}\\n")
def told(*_):
    log("told")
    sys.exit(int(os.environ.get("ONCE_TOLD", 143)))
signal.signal(signal.SIGTERM, told)
log(" ".join(sys.argv[3 if name == "python" else 1 :]))
if os.environ.get("WAITS") == name:
    print("ready", flush=True)
    while True:
        signal.pause()
if name == "ray":
    with open(os.environ["JOINED"], "w") as joined:
        joined.write("one more\\n")
    while True:
        signal.pause()
if name == "python":
    with os.fdopen(os.open(os.environ["JOINED"], os.O_RDWR), "rb", buffering=0) as joined:
        for _ in range(2):
            joined.readline()
sys.exit(int(os.environ.get(name.upper(), 0)))
"""
"""Logs its calls. `ray` reports that it has joined, and stays; `python` waits for two that have joined."""


@dataclass
class Ended:
    code: int
    lines: list[str]
    stderr: str

    def of(self, program: str) -> list[str]:
        return [line.removeprefix(f"{program} ") for line in self.lines if line.startswith(f"{program} ")]


@pytest.fixture
def slurm(tmp_path):
    """Run the script on two nodes with stand-ins for its programs; signal `number` comes once one waits."""
    programs = {"scontrol": SCONTROL, "srun": SRUN, "getent": GETENT}
    programs |= dict.fromkeys(("ray", "python", "copilot"), STAND_IN.format(python=sys.executable))
    (tmp_path / "bin").mkdir()
    for name, text in programs.items():
        (tmp_path / "bin" / name).write_text(text)
        (tmp_path / "bin" / name).chmod(0o755)
    log = tmp_path / "log"
    os.mkfifo(tmp_path / "joined")

    def run(*, number: int | None = None, **environment: object) -> Ended:
        log.unlink(missing_ok=True)
        slurm = {"SLURM_JOB_ID": 4711, "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_CPUS_ON_NODE": 16}
        given = {
            "LOG": log,
            "JOINED": tmp_path / "joined",
            "COPILOT_VENV": tmp_path,
            "SLURM_GPUS_ON_NODE": 8,
            **slurm,
            **environment,
        }
        with subprocess.Popen(
            ["bash", SLURM, "--out", "/shared/a run", "--num", "5"],
            env=os.environ | {name: str(value) for name, value in given.items()},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as script:
            if number is not None:
                assert script.stdout.readline() == "ready\n"
                script.send_signal(number)
            # All programs have the other end of the pipe: this returns when all have ended.
            _, stderr = script.communicate(timeout=60)
        return Ended(script.returncode, log.read_text().splitlines(), stderr)

    return run


def test_the_script_starts_ray_on_all_nodes_and_the_run_on_it(slurm):
    ended = slurm()
    assert ended.code == 0
    assert ended.of("scontrol") == ["show hostnames n[1-2]"]
    has = "--num-cpus=16 --num-gpus=8 --metrics-export-port=8080 --block"
    assert sorted(line for line in ended.of("ray") if line != "told") == [
        f"start --address=10.0.0.7:24711 {has}",
        f"start --head --node-ip-address=10.0.0.7 --port=24711 --temp-dir=/tmp/ray-4711 {has}",
    ]
    steps = [line.partition(" ray start ")[0] for line in ended.of("srun")]
    assert sorted(steps) == [
        f"--nodes=1 --ntasks=1 --nodelist={node} --cpus-per-task=16 --no-kill" for node in ("n1", "n2")
    ]
    assert ended.of("python") == ["10.0.0.7:24711 2"]
    assert ended.of("copilot") == [
        "generate --executor ray --ray-address 10.0.0.7:24711 --out /shared/a run --num 5"
    ]
    assert ended.lines.index("python 10.0.0.7:24711 2") < ended.lines.index(
        f"copilot {ended.of('copilot')[0]}"
    )


def test_the_address_of_the_head_can_be_given(slurm):
    ended = slurm(COPILOT_HEAD_IP="10.5.5.5")
    assert ended.of("python") == ["10.5.5.5:24711 2"]


def test_a_run_that_fails_ends_the_job_with_its_code(slurm):
    ended = slurm(COPILOT=2)
    assert ended.code == 2
    assert ended.of("scontrol") == ["show hostnames n[1-2]"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_job_that_has_to_end_lets_the_run_end_and_is_queued_again(slurm, number):
    ended = slurm(number=number, WAITS="copilot", ONCE_TOLD=130)
    assert ended.of("copilot")[1:] == ["told"]
    assert ended.of("scontrol")[1:] == ["requeue 4711"]
    assert ended.lines.index("copilot told") < ended.lines.index("scontrol requeue 4711")
    assert ended.code == 130
    assert "queued again" in ended.stderr


def test_a_run_that_has_just_ended_is_not_queued_again(slurm):
    ended = slurm(number=signal.SIGTERM, WAITS="copilot", ONCE_TOLD=0)
    assert (ended.code, ended.of("scontrol")[1:]) == (0, [])


def test_a_job_that_has_to_end_while_nodes_join_starts_no_run(slurm):
    ended = slurm(number=signal.SIGTERM, WAITS="python")
    assert ended.of("copilot") == []
    assert ended.of("scontrol")[1:] == ["requeue 4711"]


def test_nodes_that_do_not_join_end_the_job(slurm):
    ended = slurm(PYTHON=1)
    assert (ended.code, ended.of("copilot")) == (1, [])
    assert "not all of 2 nodes have joined Ray within 600 s" in ended.stderr


def test_slurm_sends_a_signal_in_time_and_keeps_the_job():
    subprocess.run(["bash", "-n", SLURM], check=True)
    directives = re.findall(r"^#SBATCH (\S+)$", SLURM.read_text(), re.MULTILINE)
    assert {"--signal=B:TERM@120", "--requeue", "--no-kill", "--open-mode=append"} < set(directives)
    assert os.access(SLURM, os.X_OK)


@pytest.fixture(scope="module")
def instructions():
    """The Dockerfile's instructions with what they are given."""
    text = re.sub(r"^#.*\n", "", (DEPLOY / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def extras():
    return set(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"])


def test_the_image_copies_all_that_a_wheel_needs_and_nothing_else(instructions):
    copied = {
        path
        for name, given in instructions
        if name == "COPY" and not given.startswith("--from=")
        for path in given.split()[:-1]
    }
    assert [path for path in copied if not (ROOT / path).exists()] == []
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = build["tool"]["hatch"]["build"]["targets"]["wheel"]
    project = build["project"]
    assert copied == {
        *wheel["packages"],
        *wheel["force-include"],
        *project["license-files"],
        project["readme"],
        "pyproject.toml",
        "requirements/dev.lock",
    }


def test_the_image_has_a_user_and_the_projects_own_uv(instructions):
    users = [given for name, given in instructions if name == "USER"]
    assert users == ["1000"]
    known = {"FROM", "ARG", "ENV", "RUN", "COPY", "WORKDIR", "USER", "CMD"}
    assert {name for name, _ in instructions} == known
    version = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())[1]
    assert ("ARG", f"UV_VERSION={version}") in instructions


@pytest.mark.parametrize("page", ["deploy/Dockerfile", "docs/cluster.md"])
def test_the_extras_exist(page, extras):
    text = (ROOT / page).read_text()
    named = re.findall(r"EXTRAS=([\w,-]+)", text) + re.findall(r"audiocopilot\[([\w,-]+)\]", text)
    assert named
    assert {extra for names in named for extra in names.split(",")} <= extras


def test_the_options_on_the_page_exist():
    commands = typer.main.get_command(app).commands
    known = {
        option for command in commands.values() for parameter in command.params for option in parameter.opts
    }
    page = re.sub(r"\\\n", " ", (ROOT / "docs/cluster.md").read_text())
    shown = re.findall(r"^\s*(?:.*-- )?copilot (?:\w+) (.*)$", page, re.MULTILINE)
    options = {option for line in shown for option in re.findall(r"--[a-z][a-z-]*", line.split("#")[0])}
    assert options
    assert options - known == set()


def list_plan_commands() -> list[tuple[str, str]]:
    """Return each `copilot plan` of the documentation and of the shipped files, with its page."""
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *sorted(SHIPPED.glob("*.yaml"))]:
        text = re.sub(r"\\\n[#\s]*", " ", page.read_text())
        lines = re.findall(r"^[#\s]*(?:[A-Z_]+=\S+ )*copilot (plan --.*)$", text, re.MULTILINE)
        found += [(page.name, line) for line in lines]
    return found


def test_these_pages_show_plans():
    pages = {page for page, _ in list_plan_commands()}
    assert pages == {"configuration.md", "cluster.md", "cluster.yaml", "one-node-8-gpus.yaml"}


@pytest.mark.parametrize(("page", "line"), list_plan_commands())
def test_a_plan_on_a_page_works(page, line, tmp_path, monkeypatch, capsys):
    shown = re.search(r"```json\n(.*?)```", (ROOT / "docs/configuration.md").read_text(), re.DOTALL)[1]
    (tmp_path / "figures.json").write_text(shown)
    voices = tmp_path / "voices"
    voices.mkdir()
    mine = f"{(SHIPPED / 'one-node-8-gpus.yaml').read_text()}\nvoices: {voices}\n"
    (tmp_path / "run.yaml").write_text(mine)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pipelines.cli.commands.plan.query_nodes", lambda _: [Resources(96, 6)])
    measured = MeasuredCosts.model_validate_json(shown), 6_000_000
    monkeypatch.setattr("pipelines.cli.commands.plan._measure", lambda *_, **__: measured)
    line = line.replace("PATH/voices", str(voices))
    monkeypatch.setattr(sys, "argv", ["copilot", *shlex.split(line, comments=True)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert not ended.value.code, printed.err
    assert ": fits" in printed.out
    assert ("limited by pool " in printed.out) == ("--figures" in line or "--calibrate" in line)
