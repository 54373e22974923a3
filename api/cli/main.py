"""``stocktriage``: every command is a thin door to what the API does too.

Commands import what they need when they run, so that ``--help`` answers at once.
"""

import gc
import os
import sys

import typer

from api.cli import (
    buffers,
    bulk,
    cases,
    expectations,
    feed,
    files,
    handover,
    held,
    judging,
    models,
    publishing,
    remedies,
    service,
    since,
    stock,
    views,
    why,
)

app = typer.Typer(
    name="stocktriage",
    help="Exception triage and anomaly detection for inventory synchronisation.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for part in (
    service,
    files,
    cases,
    feed,
    views,
    since,
    why,
    bulk,
    handover,
    stock,
    expectations,
    judging,
    held,
    publishing,
    buffers,
    models,
    remedies,
):
    part.register(app)


YOUNG_OBJECTS = 20_000
"""How many more objects there may be before the garbage collector looks at them; Python's own figure is 700."""


def main() -> None:
    """Run one command. Exit code 0 done, 1 done with rejected rows, 2 could not run."""
    # What imports make stays: looking through it again and again is a quarter of the time they take.
    gc.set_threshold(YOUNG_OBJECTS)
    try:
        app()
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if os.environ.get("STOCKTRIAGE_TRACEBACK"):
            raise
        from core_sync.errors import StocktriageError

        known = isinstance(error, StocktriageError | OSError)
        told = str(error) if known else f"{type(error).__name__}: {error} (STOCKTRIAGE_TRACEBACK=1 shows where)"
        print(f"stocktriage: {' '.join(told.split())}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
