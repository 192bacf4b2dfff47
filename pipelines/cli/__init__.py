"""The command line, `copilot`. Each command imports what it needs when it is called."""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper


def main() -> None:
    """Run the command line and exit with its code.

    0 done; 1 done but more seeds were rejected than allowed, or the run failed, or the reader of the output
    has ended; 2 the user's mistake; 130 interrupted.
    """
    _make_streams_print_anything()
    from copilot.errors import CopilotError
    from pipelines.cli.app import app
    from pipelines.cli.option_names import with_options

    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except CopilotError as error:
        print(f"copilot: {with_options(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # As with `| head`. Python flushes the stream once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        print(f"copilot: {error}", file=sys.stderr)
        sys.exit(1)


def _make_streams_print_anything() -> None:
    r"""Print characters that the terminal's encoding lacks as escapes, such as \u2192."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
