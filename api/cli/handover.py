"""The hand-over, from the command line."""

from pathlib import Path
from typing import Annotated

import typer

from api.cli.feed import Abstained, Channel, Location, Owner, RootCause, Search, Sku, Statuses, narrowed_to
from api.cli.session import Actor, Database, open_world, who


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(handover)


def handover(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Its name says in what: .csv, .md or .html.")
    ] = None,
    status: Statuses = None,
    root_cause: RootCause = None,
    sku: Sku = None,
    location: Location = None,
    channel: Channel = None,
    owner: Owner = None,
    abstained: Abstained = None,
    search: Search = None,
    actor: Actor = None,
    database: Database = None,
) -> None:
    """The open cases with owner, notes, expected loss and next step, for whoever comes next."""
    from api.handover import Format, hand_over, written

    suffix = file.suffix.removeprefix(".").lower() if file is not None else Format.MARKDOWN
    if suffix not in set(Format):
        raise typer.BadParameter(f"{file} tells no format; name it .csv, .md or .html")
    shown = narrowed_to(status, root_cause, sku, location, channel, owner, abstained, search)
    with open_world(database) as world, world.database.reading() as connection:
        told = hand_over(connection, shown, who(actor), world.clock())
    if file is None:
        print(written(told, Format(suffix)), end="")
        return
    file.write_text(written(told, Format(suffix)), encoding="utf-8", newline="")
    print(f"{len(told.lines):,} of {told.totals.cases:,} open cases in {file}")
