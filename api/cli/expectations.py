"""Expectations: what must follow what, within which time; list and set."""

from typing import Annotated

import typer

from api.cli.session import Actor, AsJson, Database, fail, open_world, print_rows, who

COLUMNS = {
    "expectation": "expectation", "source": "source", "location": "location", "usually": "usually",
    "at_most": "at most", "counted": "counted in", "observations": "seen", "basis": "known by", "owner": "owner",
    "open": "open", "breached": "breached",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(expectations)


def expectations(
    kind: Annotated[str | None, typer.Argument(help="One kind; all are listed without.")] = None,
    limit: Annotated[
        str | None, typer.Argument(help="How long it may take from now on: 90m, 4h, 2d; off; or learned.")
    ] = None,
    source: Annotated[str, typer.Option(help="Only where this source tells.")] = "",
    location: Annotated[str, typer.Option(help="Only at this location.")] = "",
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What must follow what, how long it usually takes and may take; with KIND and LIMIT, set that."""
    from api.expectations import expectation_rows, say
    from core_sync.expectations.wording import length

    with open_world(database) as world:
        if kind is not None and limit is not None:
            if not reason.strip():
                fail("setting an expectation needs --reason")
            say(world, kind, limit, who(actor), reason, source, location)
        rows = expectation_rows(world, kind)
    if not as_json:
        for row in rows:
            row["usually"] = length(row["usual_s"]) if row["usual_s"] is not None else None
            row["at_most"] = length(row["limit_s"]) if row["limit_s"] is not None else None
            row["counted"] = {"working": "working time", "clock": "clock time"}[row["counted"]]
    print_rows(rows, as_json, COLUMNS)
