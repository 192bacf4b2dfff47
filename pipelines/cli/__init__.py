"""The command line, `copilot`. Each command imports what it needs when it is called."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code.

    0 done; 1 done but more seeds were rejected than allowed, or the run failed; 2 the user's mistake;
    130 interrupted.
    """
    from copilot.errors import CopilotError
    from pipelines.cli.app import app
    from pipelines.cli.option_names import with_options

    try:
        app()
    except CopilotError as error:
        print(f"copilot: {with_options(str(error))}", file=sys.stderr)
        sys.exit(error.exit_code)
    except OSError as error:
        print(f"copilot: {error}", file=sys.stderr)
        sys.exit(1)
