"""What every command does alike: open the world, print rows, say errors in one line."""

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from api.wiring import World

Database = Annotated[str | None, typer.Option("--database", metavar="URL", help="Use this database.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")]
Actor = Annotated[str | None, typer.Option("--actor", help="In whose name; the default is who runs the command.")]

CELL_MAX = 100
"""Characters of a cell on a terminal; --json cuts nothing."""

DONE, REJECTED, FAILED = 0, 1, 2
"""Exit codes: done; done, with rejected rows that are named; could not run."""


@contextmanager
def open_world(database: str | None) -> Iterator["World"]:
    """The world of the settings, on another ``database`` if one is given."""
    from api.wiring import build_world
    from core_sync.settings import read_settings

    world = build_world(read_settings(database_url=database))
    try:
        yield world
    finally:
        world.close()


def who(actor: str | None) -> str:
    """In whose name the command acts."""
    return actor or os.environ.get("USER") or "operator"


def print_rows(
    rows: Iterable[Mapping[str, Any]], as_json: bool, columns: Mapping[str, str] | None = None, empty: str = "nothing"
) -> None:
    """Print ``rows``: as JSON whole, as a table the ``columns`` (name and heading); ``empty`` where there are none."""
    if as_json:
        print_json_lines(rows)
        return
    kept = list(rows)
    if not kept:
        print(empty)
        return
    print_table(kept, columns or {name: name.replace("_", " ") for name in kept[0]})


def print_json_lines(rows: Iterable[Mapping[str, Any]]) -> None:
    """One JSON object a line, as they come."""
    from api.shapes import to_json

    out = sys.stdout.buffer
    for row in rows:
        out.write(to_json(row) + b"\n")
    out.flush()


def print_table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> None:
    """A table of fixed width: numbers to the right, everything else to the left."""
    cells = [[cell(row.get(name)) for name in columns] for row in rows]
    right = [all(is_number(row.get(name)) for row in rows) for name in columns]
    widths = [max(len(line[n]) for line in [list(columns.values()), *cells]) for n in range(len(columns))]
    for line in [list(columns.values()), ["-" * width for width in widths], *cells]:
        texts = [
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ]
        print("  ".join(texts).rstrip())


def is_number(value: object) -> bool:
    """Whether a column of such values is set to the right."""
    return value is None or (isinstance(value, int | float | Decimal) and not isinstance(value, bool))


def cell(value: object) -> str:
    """A value as a person reads it in a table."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
        case Decimal():
            return f"{value:,.2f}"
        case float():
            return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
        case int():
            return f"{value:,}"
        case list() | tuple():
            texts = [str(one) for one in value]
            return ", ".join(texts[:2]) + (f" +{len(texts) - 2}" if len(texts) > 2 else "")
        case Path():
            return str(value)
        case _:
            text = str(value)
            return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def parse_moment(said: str, at: datetime) -> datetime:
    """``said`` as a moment: RFC 3339 with a zone, or a span from ``at`` on (``30m``, ``4h``, ``2d``).

    Raises:
        typer.BadParameter: it is neither.
    """
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    try:
        if said and said[-1] in units and said[:-1].replace(".", "", 1).isdigit():
            return at + timedelta(**{units[said[-1]]: float(said[:-1])})
        moment = datetime.fromisoformat(said)
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"{said!r} is no moment; write 2026-03-02T08:00:00Z, or 4h") from error
    if moment.tzinfo is None:
        raise typer.BadParameter(f"{said!r} has no time zone; write 2026-03-02T08:00:00Z")
    return moment.astimezone(UTC)


def money_said(said: str | None) -> int | None:
    """An amount of money, in ten-thousandths; None where nothing is said.

    Raises:
        typer.BadParameter: it is none.
    """
    from core_sync.money import to_ten_thousandths

    if said is None:
        return None
    try:
        return to_ten_thousandths(Decimal(said))
    except (InvalidOperation, ValueError, OverflowError) as error:  # the last two: NaN and Infinity
        raise typer.BadParameter(f"{said!r} is no amount of money") from error


def fail(message: str) -> NoReturn:
    """Say in one line why the command could not run, and end with that exit code."""
    print(f"stocktriage: {message}", file=sys.stderr)
    raise typer.Exit(FAILED)
