"""The commands and their options."""

from __future__ import annotations

import functools
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.options.groups import takes_options
from pipelines.cli.output.help_text import PlainCommand, PlainGroup, add_default
from pipelines.options.continuation import ContinueOptions
from pipelines.options.execution import N_CORES
from pipelines.options.hearing import HearingOptions
from pipelines.options.plan import PlanOptions
from pipelines.options.preview import PreviewOptions
from pipelines.options.run import RunOptions
from pipelines.storage.places import expand_home

app = typer.Typer(
    name="copilot",
    cls=PlainGroup,
    help="Make training data for audio foundation models: audio stories and edits, clean by construction.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
_command = functools.partial(app.command, cls=PlainCommand)


class TierOption(StrEnum):
    """A sample's tier."""

    valid = "valid"
    hq = "hq"


RunPlace = Annotated[str, typer.Argument(metavar="RUN", help="Run folder or URI.")]


def _expand_home(path: Path | None) -> Path | None:
    return None if path is None else expand_home(path)


_path_option = functools.partial(typer.Option, callback=_expand_home)
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


@_command()
@takes_options(config=True, options=RunOptions)
def generate(*, options: RunOptions) -> None:
    """Generate a data set from seeds, or resume one."""
    from pipelines.cli.commands.generate import run_generate

    raise typer.Exit(run_generate(options))


@_command()
@takes_options(config=True, optional=("out",), planning=PlanOptions, options=RunOptions)
def plan(*, planning: PlanOptions, options: RunOptions) -> None:
    """Show the layout of a run on Ray, whether it fits, its duration and its cost."""
    from pipelines.cli.commands.plan import run_plan

    raise typer.Exit(run_plan(options, planning))


@_command()
@takes_options(config=True, options=PreviewOptions)
def preview(
    *,
    num: Annotated[int, typer.Option(min=1, help="Number of seeds to draw.")] = 5,
    as_json: AsJson = False,
    options: PreviewOptions,
) -> None:
    """Print dialogues and what the rules find in them. Nothing is rendered or written."""
    from pipelines.cli.commands.preview import run_preview

    raise typer.Exit(run_preview(options.create_run_config(), num, options.create_service(), as_json=as_json))


# The former name of `check-llm`, so that old scripts still run.
@_command("check", hidden=True)
@_command("check-llm")
def check_llm(
    llm_url: Annotated[str, typer.Option(help="API of a server, such as http://HOST:8000/v1.")],
    llm_model: Annotated[
        str | None, typer.Option(help=add_default("Model to try.", "the only one that is served"))
    ] = None,
    llm_timeout: Annotated[
        float,
        typer.Option(
            min=1, help=add_default("Seconds that one request may take.", "600"), show_default=False
        ),
    ] = 600.0,
    time_limit: Annotated[
        float,
        typer.Option(
            min=1,
            help=add_default("Seconds for all trials; those without time are named.", "900"),
            show_default=False,
        ),
    ] = 900.0,
    as_json: AsJson = False,
) -> None:
    """Test the features of a language model server. Exits with 1 if it makes no dialogue."""
    from pipelines.cli.commands.check_llm import run_check_llm

    raise typer.Exit(run_check_llm(llm_url, llm_model, llm_timeout, time_limit, as_json=as_json))


prompts = typer.Typer(
    cls=PlainGroup, help="List the prompts of the language model, or show what a model would receive."
)
app.add_typer(prompts, name="prompts", invoke_without_command=True)


@prompts.callback()
def list_prompts(context: typer.Context, as_json: AsJson = False) -> None:
    """List the prompts of the language model: mode, purpose and content hash."""
    from pipelines.cli.commands.prompts import list_prompts

    if context.invoked_subcommand is None:
        list_prompts(as_json=as_json)


@prompts.command("show", cls=PlainCommand)
def show_prompt(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a prompt.")],
    seed_text: Annotated[str, typer.Option(help="Text of the seed.")] = "The rain had stopped at last.",
    task: Annotated[str, typer.Option(help="Task, for a prompt of edit turns.")] = "add",
    as_json: AsJson = False,
) -> None:
    """Show a prompt as a model would receive it, with an example scene for the seed."""
    from pipelines.cli.commands.prompts import show_prompt

    show_prompt(name, seed_text, task, as_json=as_json)


@_command()
def show(
    run: RunPlace,
    wanted: Annotated[
        str | None,
        typer.Argument(
            metavar="ID", help=add_default("Id of a sample or of its seed.", "the first hq sample")
        ),
    ] = None,
    out: Annotated[
        Path | None,
        _path_option(help=add_default("Folder to write into.", "RUN/show/ID, or show/ID if RUN is a URI")),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write into a folder that is not empty.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write one sample into a folder as files: its audio, its dialogue, and a picture."""
    from pipelines.cli.commands.show import run_show

    run_show(run, wanted, out, force=force, as_json=as_json)


@_command()
def status(run: RunPlace, as_json: AsJson = False) -> None:
    """Show how far a run is, how fast it is, and how long it will take. Works during the run."""
    from pipelines.cli.commands.status import run_status_command

    run_status_command(run, as_json=as_json)


@_command()
def stats(run: RunPlace, as_json: AsJson = False) -> None:
    """Count the content of a run: tasks, tiers, rejects, durations, loudness, checks."""
    from pipelines.cli.commands.stats import run_stats_command

    run_stats_command(run, as_json=as_json)


@_command("continue")
@takes_options(options=ContinueOptions)
def continue_(
    run: RunPlace,
    sample: Annotated[str, typer.Argument(metavar="ID", help="Id of a sample or of its seed.")],
    *,
    as_json: AsJson = False,
    options: ContinueOptions,
) -> None:
    """Add turns to the dialogue of a sample, as a new run that shares its sounds."""
    from pipelines.cli.commands.continue_run import run_continue

    raise typer.Exit(run_continue(options, run, sample, as_json=as_json))


@_command()
@takes_options(options=HearingOptions)
def hear(run: RunPlace, *, as_json: AsJson = False, options: HearingOptions) -> None:
    """Listen to a run with models that hear, and write what they heard beside it. Works during the run."""
    from pipelines.cli.commands.hear import run_hear

    raise typer.Exit(run_hear(options, run, as_json=as_json))


@_command("filter")
def filter_(
    run: RunPlace,
    out: Annotated[
        str,
        typer.Option(
            metavar="PATH", help="Folder or URI of the subset. An interrupted filter run is resumed."
        ),
    ],
    tier: Annotated[TierOption | None, typer.Option(help="Keep the samples of this tier.")] = None,
    where: Annotated[
        str | None,
        typer.Option(
            help="Keep the samples that an SQL condition is true for, such as checks.loudness_error < 0.05. "
            "Columns: id, seed_id, seed_text, tier, headroom_db, n_turns, n_elements, duration_s, tasks (a "
            "list), checks.NAME, heard.NAME after copilot hear."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy a subset of a run into a new run."""
    from pipelines.cli.commands.filter import run_filter

    code = run_filter(run, out, tier=tier.value if tier else None, where=where, as_json=as_json)
    raise typer.Exit(code)


@_command()
def verify(
    run: RunPlace,
    sample: Annotated[
        int | None, typer.Option(min=0, help=add_default("Number of samples to decode and mix again.", "all"))
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = N_CORES,
    as_json: AsJson = False,
) -> None:
    """Read a run again and cross-check everything in it. Exits with 1 if anything is damaged."""
    from pipelines.cli.commands.verify import run_verify

    raise typer.Exit(run_verify(run, n_sampled=sample, n_workers=workers, as_json=as_json))


@_command()
def designers(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=add_default("Designer to show with its settings.", "list all")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the designers with their requirements, whether these are installed, and their licences."""
    from pipelines.cli.commands.designers import run_designers

    raise typer.Exit(run_designers(name, as_json=as_json))


@_command()
def renderers(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=add_default("Renderer to show with its settings.", "list all")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the renderers with their requirements, whether these are installed, and their licences."""
    from pipelines.cli.commands.renderers import run_renderers

    raise typer.Exit(run_renderers(name, as_json=as_json))


@_command()
def listeners(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help=add_default("Listener to show with its settings.", "list all")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the listeners with their requirements, whether these are installed, and their licences."""
    from pipelines.cli.commands.listeners import run_listeners

    raise typer.Exit(run_listeners(name, as_json=as_json))


@_command()
def voices(
    bank: Annotated[
        str, typer.Argument(metavar="PATH", help="Folder of a voice bank, or name of a renderer.")
    ],
    language: Annotated[
        str | None,
        typer.Option(
            metavar="TAG", help=add_default("Language of a renderer's voices, such as de.", "English")
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the voices of a bank and check its recordings. Exits with 1 if there are problems."""
    from pipelines.cli.commands.voices import run_voices

    raise typer.Exit(run_voices(bank, language, as_json=as_json))


lexicon = typer.Typer(
    cls=PlainGroup, help="Check a lexicon of the scripted designer, or make one of a library of recordings."
)
app.add_typer(lexicon, name="lexicon", no_args_is_help=True)


@lexicon.command("check", cls=PlainCommand)
def check_lexicon(
    path: Annotated[
        str | None,
        typer.Argument(
            metavar="LEXICON", help=add_default("Folder or file of the lexicon.", "the shipped one")
        ),
    ] = None,
    num: Annotated[int, typer.Option(min=1, help="Number of dialogues to try.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Check a lexicon, count what it holds, and try dialogues. Exits with 1 if something is wrong."""
    from pipelines.cli.commands.lexicon import check_lexicon

    raise typer.Exit(check_lexicon(path, num, as_json=as_json))


@lexicon.command("from-library", cls=PlainCommand)
def make_library_lexicon(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="Folder of recordings with an index.")],
    out: Annotated[Path, _path_option(help="JSON file to write the lexicon into.")],
    licences: Annotated[
        str | None,
        typer.Option(help=add_default("Licences of recordings to take, such as CC0,CC-BY.", "all")),
    ] = None,
) -> None:
    """Make a lexicon in which every sound is a recording of a library."""
    from pipelines.cli.commands.lexicon import write_library_lexicon

    write_library_lexicon(folder, out, licences)


@_command()
def stems(
    place: Annotated[str, typer.Argument(metavar="PATH", help="Stem store: a folder or URI.")],
    older_than: Annotated[
        str | None, typer.Option(help="Delete stems that were not used for this long, such as 30d or 12h.")
    ] = None,
    max_size: Annotated[
        str | None,
        typer.Option(
            help="Delete the least recently used stems until the store is no larger than this, such as 500GB."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be deleted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the size of a stem store and its use by runs, or prune it. Stems that a live run uses are kept."""
    from pipelines.cli.commands.stems import run_stems

    raise typer.Exit(run_stems(place, older_than, max_size, dry_run=dry_run, as_json=as_json))


@_command()
def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help=add_default("Schema to print.", "list all names"))
    ] = None,
    out: Annotated[Path | None, _path_option(help="Write all schemas into this folder.")] = None,
    check: Annotated[
        Path | None, _path_option(help="Compare the schemas in this folder with the models.")
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
