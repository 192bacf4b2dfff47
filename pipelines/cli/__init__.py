"""The command line, `copilot`. Each command imports what it needs when it is called."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and exit with its code.

    0 done; 1 done but more seeds were rejected than allowed, or the run failed; 2 the user's mistake;
    130 interrupted.
    """
    # Each worker is one thread of work: libraries that start more only get in each other's way.
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # Imported here, after the environment is set and only where the command line is used.
    from copilot.errors import CopilotError
    from pipelines.cli.app import app

    try:
        app()
    except CopilotError as error:
        print(f"copilot: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        print("copilot: interrupted", file=sys.stderr)
        sys.exit(130)
