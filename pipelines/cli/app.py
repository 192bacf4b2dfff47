"""The commands and their options."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.options.dialogue import DialogueOptions, SampleOptions
from pipelines.cli.options.execution import ExecutionOptions
from pipelines.cli.options.groups import takes_options
from pipelines.cli.options.model import Configured, ModelOptions
from pipelines.cli.options.plan import PlanOptions
from pipelines.cli.options.sound import SoundOptions

if TYPE_CHECKING:
    from pipelines.config import RunConfig

app = typer.Typer(
    name="copilot",
    help="Make training data for audio foundation models: audio stories and edits, clean by construction.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


# The cores that this process may use, where the system tells.
_N_CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class TierOption(StrEnum):
    """A sample's tier."""

    valid = "valid"
    hq = "hq"


RunPlace = Annotated[str, typer.Argument(metavar="RUN", help="A run's folder or URI.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        from copilot import __version__

        typer.echo(f"audiocopilot {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    del version


Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Worker processes; one a core without it, or one a GPU where models render."),
]


@app.command()
@takes_options(samples=SampleOptions, execution=ExecutionOptions, sound=SoundOptions, model=ModelOptions)
def generate(
    *,
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH",
            help="The run's folder or URI, such as s3://BUCKET/RUN; one there is gone on with.",
        ),
    ],
    num: Annotated[int | None, typer.Option(min=1, help="How many seeds to draw; all without it.")] = None,
    workers: Workers = None,
    max_rejects: Annotated[
        int | None, typer.Option(min=0, help="Exit with 1 where more seeds of the run were rejected.")
    ] = None,
    as_json: AsJson = False,
    samples: SampleOptions,
    execution: ExecutionOptions,
    sound: SoundOptions,
    model: ModelOptions,
) -> None:
    """Make a data set from seeds, or go on with one."""
    from pipelines.cli.commands.generate import run_generate
    from pipelines.generate import GenerateRequest

    config = _run_config(samples, sound, execution.with_model(model).configured(samples.designer))
    executor = execution.made(workers, _n_workers(config))
    settings, reject_limit = sound.execution_settings(), execution.reject_limit()
    with execution.served(model, out) as served:
        request = GenerateRequest(
            config=config,
            out=out,
            num=num,
            executor=executor,
            settings=settings,
            service=served.configured(samples.designer).service,
            reject_limit=reject_limit,
        )
        code = run_generate(request, max_rejects=max_rejects, as_json=as_json)
    raise typer.Exit(code)


@app.command()
@takes_options(
    planning=PlanOptions,
    samples=SampleOptions,
    execution=ExecutionOptions,
    sound=SoundOptions,
    model=ModelOptions,
)
def plan(
    *,
    num: Annotated[int | None, typer.Option(min=1, help="How many seeds the forecast is for.")] = None,
    workers: Workers = None,
    as_json: AsJson = False,
    planning: PlanOptions,
    samples: SampleOptions,
    execution: ExecutionOptions,
    sound: SoundOptions,
    model: ModelOptions,
) -> None:
    """Say how a run on Ray is laid out, whether there is room for it, how long it takes, what it costs."""
    from pipelines.cli.commands.plan import run_plan

    configured = execution.with_model(model).configured(samples.designer)
    config = _run_config(samples, sound, configured)
    code = run_plan(
        config,
        planning,
        execution,
        model,
        num=num,
        n_workers=workers or _n_workers(config),
        execution_settings=sound.execution_settings(),
        service=configured.service,
        as_json=as_json,
    )
    raise typer.Exit(code)


def _run_config(samples: SampleOptions, sound: SoundOptions, configured: Configured) -> RunConfig:
    from pipelines.config import RunConfig

    return RunConfig(**samples.configured(configured), **sound.configured())


def _n_workers(config: RunConfig) -> int:
    """One a GPU where a model renders, which is loaded once for each; else one a core."""
    from pipelines.backends import rendered_by_models

    if not rendered_by_models(config):
        return _N_CORES
    from renderers.device import visible_gpus

    return len(visible_gpus() or ()) or 1


@app.command()
@takes_options(dialogues=DialogueOptions, model=ModelOptions)
def preview(
    *,
    num: Annotated[int, typer.Option(min=1, help="How many seeds to draw.")] = 5,
    as_json: AsJson = False,
    dialogues: DialogueOptions,
    model: ModelOptions,
) -> None:
    """Print dialogues without rendering them, with what the rules find; nothing is written."""
    from pipelines.cli.commands.preview import run_preview
    from pipelines.config import RunConfig

    configured = model.configured(dialogues.designer)
    config = RunConfig(**dialogues.configured(configured))
    raise typer.Exit(run_preview(config, num, configured.service, as_json=as_json))


@app.command()
def check(
    llm_url: Annotated[str, typer.Option(help="A server's API, such as http://HOST:8000/v1.")],
    llm_model: Annotated[
        str | None, typer.Option(help="The model to try; without it, the only one that is served.")
    ] = None,
    llm_timeout: Annotated[float, typer.Option(min=1, help="Seconds that one request may take.")] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Find out what a language model's server can do; exit with 1 where no dialogue can be made with it."""
    from pipelines.cli.commands.check import run_check

    raise typer.Exit(run_check(llm_url, llm_model, llm_timeout, as_json=as_json))


prompts = typer.Typer(help="List the language model's prompts, or show what a model would get.")
app.add_typer(prompts, name="prompts", invoke_without_command=True)


@prompts.callback()
def list_prompts(context: typer.Context, as_json: AsJson = False) -> None:
    """List the language model's prompts: mode, purpose and content hash."""
    from pipelines.cli.commands.prompts import list_prompts

    if context.invoked_subcommand is None:
        list_prompts(as_json=as_json)


@prompts.command("show")
def show_prompt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A prompt's name.")],
    seed_text: Annotated[str, typer.Option(help="The seed's text.")] = "The rain had stopped at last.",
    task: Annotated[str, typer.Option(help="The task, of a prompt for edit turns.")] = "add",
    as_json: AsJson = False,
) -> None:
    """Show a prompt as a model would get it, with an example scene for the seed."""
    from pipelines.cli.commands.prompts import show_prompt

    show_prompt(name, seed_text, task, as_json=as_json)


@app.command()
def show(
    run: RunPlace,
    wanted: Annotated[
        str | None,
        typer.Argument(metavar="ID", help="A sample's id or seed id; the first hq sample without it."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write into; RUN/show/ID without it, show/ID for a URI.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Lay out one sample in a folder: its audio, its dialogue, and a picture."""
    from pipelines.cli.commands.show import run_show

    run_show(run, wanted, out, force=force, as_json=as_json)


@app.command()
def status(run: RunPlace, as_json: AsJson = False) -> None:
    """Say how far a run is, how fast, and how long it will take: from its ledger, at any time."""
    from pipelines.cli.commands.status import run_status_command

    run_status_command(run, as_json=as_json)


@app.command()
def stats(run: RunPlace, as_json: AsJson = False) -> None:
    """Count what a run holds: tasks, tiers, rejects, durations, loudness, checks."""
    from pipelines.cli.commands.stats import run_stats_command

    run_stats_command(run, as_json=as_json)


@app.command("filter")
def filter_(
    run: RunPlace,
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="The subset's folder or URI; a subset that is there is gone on with."
        ),
    ],
    tier: Annotated[TierOption | None, typer.Option(help="Keep the samples of exactly this tier.")] = None,
    where: Annotated[
        str | None,
        typer.Option(help="Keep where an SQL condition holds, such as: checks.loudness_error < 0.05."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the part of a run that is asked for as a run of its own."""
    from pipelines.cli.commands.filter import run_filter

    code = run_filter(run, out, tier=tier.value if tier else None, where=where, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def verify(
    run: RunPlace,
    sample: Annotated[
        int | None, typer.Option(min=0, help="Decode and mix again only so many samples; all without it.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = _N_CORES,
    as_json: AsJson = False,
) -> None:
    """Read a run anew and hold everything in it against everything else; exit with 1 where it is damaged."""
    from pipelines.cli.commands.verify import run_verify

    raise typer.Exit(run_verify(run, n_sampled=sample, n_workers=workers, as_json=as_json))


@app.command()
def designers(
    name: Annotated[
        str | None, typer.Argument(help="One designer, with its settings (default: list all).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the designers, their requirements (and whether they are installed), and licences."""
    from pipelines.cli.commands.designers import run_designers

    raise typer.Exit(run_designers(name, as_json=as_json))


@app.command()
def renderers(
    name: Annotated[
        str | None, typer.Argument(help="One renderer, with its settings; all without it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what renders sound: what it needs, whether that is there, licences."""
    from pipelines.cli.commands.renderers import run_renderers

    raise typer.Exit(run_renderers(name, as_json=as_json))


@app.command()
def voices(
    bank: Annotated[str, typer.Argument(metavar="PATH", help="A voice bank's folder, or a renderer's name.")],
    as_json: AsJson = False,
) -> None:
    """List the voices of a bank and check its recordings; exit with 1 where there are problems."""
    from pipelines.cli.commands.voices import run_voices

    raise typer.Exit(run_voices(bank, as_json=as_json))


@app.command()
def stems(
    place: Annotated[str, typer.Argument(metavar="PATH", help="A stem store: a folder or a URI.")],
    older_than: Annotated[
        str | None, typer.Option(help="Delete stems that nothing has used for so long, such as 30d or 12h.")
    ] = None,
    max_size: Annotated[
        str | None, typer.Option(help="Delete the stems unused for longest until so much is left: 500GB.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show a stem store's size and its use by run; prune it, but for what a live run uses."""
    from pipelines.cli.commands.stems import run_stems

    raise typer.Exit(run_stems(place, older_than, max_size, dry_run=dry_run, as_json=as_json))


@app.command()
def schema(
    name: Annotated[
        str | None, typer.Argument(help="Print one schema; without it, list their names.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write all schemas into a folder.")] = None,
    check: Annotated[
        Path | None, typer.Option(help="Compare the schemas in a folder with the models.")
    ] = None,
) -> None:
    """Print, write or check the JSON Schemas."""
    from pipelines.cli.commands.schema import check_schemas, print_schema, write_schemas

    if out is not None:
        write_schemas(out)
    if check is not None:
        check_schemas(check)
    if name is not None or (out is None and check is None):
        print_schema(name)
