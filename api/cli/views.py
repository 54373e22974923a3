"""Saved views of the worklist, from the command line."""

from typing import Annotated

import typer

from api.cli.feed import (
    Abstained,
    Channel,
    Location,
    Owner,
    RootCause,
    Search,
    Sku,
    Statuses,
    narrowed_to,
    order_said,
)
from api.cli.session import Actor, AsJson, Database, open_world, print_json_lines, print_table, who


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(views)


def views(
    save: Annotated[str | None, typer.Option("--save", metavar="NAME", help="Keep what the options narrow to.")] = None,
    delete: Annotated[
        str | None, typer.Option("--delete", metavar="NAME", help="Delete the view of this name.")
    ] = None,
    shared: Annotated[bool, typer.Option("--shared", help="--save: for everybody, not only for you.")] = False,
    order: Annotated[str | None, typer.Option(help="--save: loss (usual), harm, newest or oldest first.")] = None,
    status: Statuses = None,
    root_cause: RootCause = None,
    sku: Sku = None,
    location: Location = None,
    channel: Channel = None,
    owner: Owner = None,
    abstained: Abstained = None,
    search: Search = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Your saved views and everybody's; `feed --view NAME` shows one."""
    from api.shapes import view_shape
    from core_sync.cases.views import forget_view, read_views, save_view

    person = who(actor)
    with open_world(database) as world, world.database.transaction() as connection:
        if save is not None:
            shown = narrowed_to(status, root_cause, sku, location, channel, owner, abstained, search)
            save_view(connection, None if shared else person, save, shown, order_said(order), world.clock())
        if delete is not None:
            forget_view(connection, person, delete)
        found = [view_shape(view) for view in read_views(connection, person)]
    if as_json:
        print_json_lines(found)
    elif not found:
        print("no view is saved; stocktriage views --save NAME with the options of feed keeps one")
    else:
        rows = [
            {
                "view": one["name"],
                "whose": one["owner"] or "everybody",
                "order": str(one["order"]),
                "shows": ", ".join(
                    f"{name} {value}" for name, value in one["fitting"].items() if value not in (None, [])
                )
                or "all on the list",
            }
            for one in found
        ]
        print_table(rows, {name: name for name in rows[0]})
