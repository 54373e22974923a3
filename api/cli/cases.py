"""Cases: compare, triage, one case and what may be done to it."""

from dataclasses import asdict
from typing import Annotated

import typer

from api.cli.deeds import (
    VERBS,
    Above,
    Loss,
    Note,
    Reason,
    SaidCause,
    StockBelow,
    Until,
    What,
    deed_said,
    numbers,
)
from api.cli.session import (
    Actor,
    AsJson,
    Database,
    open_world,
    print_json_lines,
    print_rows,
    who,
)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(reconcile)
    app.command()(triage)
    app.command("case")(case)


def reconcile(
    all_deltas: Annotated[bool, typer.Option("--all", help="Every delta there is, not only what is new.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Compare what systems reported with the ledger as of the same moment; what differs becomes a delta."""
    from sqlalchemy import text

    from api.exports import deltas_after
    from core_sync.snapshots.reconcile import reconcile as compare
    from core_sync.snapshots.sweep import coverage

    with open_world(database) as world:
        with world.database.reading() as connection:
            newest = connection.execute(text("SELECT coalesce(max(delta_id), 0) FROM delta")).scalar_one()
        summary = compare(world.database, world.clock())
        with world.database.reading() as connection:
            rows = deltas_after(connection, 0 if all_deltas else newest)
            if as_json:
                print_json_lines(rows)
            else:
                columns = ("id", "as_of", "system", "sku", "location", "channel", "state", "expected", "reported",
                           "in_flight", "winner")  # fmt: skip
                print_rows(rows, False, {name: name.replace("_", " ") for name in columns}, "no new differences")
                told = f"{summary.compared:,} figures compared, {summary.differing:,} differ"
                passing = f", {summary.tolerated:,} of them within tolerance" if summary.tolerated else ""
                print(f"{summary.snapshots} snapshots, {told}{passing}")
                for one in coverage(connection, world.clock()):
                    print(f"{one.channel}: {one.covered:,} of {one.listings:,} listings looked at within a day")


def triage(as_json: AsJson = False, database: Database = None) -> None:
    """Score, classify, group and rank everything that is new."""
    from api.jobs.triage import triage as run

    with open_world(database) as world:
        summary = run(world)
    print_rows([asdict(summary)], as_json)


def case(
    case_id: Annotated[int, typer.Argument(metavar="ID", help="The case's number.")],
    verb: Annotated[str | None, typer.Argument(metavar="[VERB]", help=f"{VERBS}, split SIGNAL…, undo ENTRY")] = None,
    told: What = None,
    note: Note = None,
    reason: Reason = "",
    root_cause: SaidCause = None,
    loss: Loss = None,
    until: Until = None,
    above: Above = None,
    stock_below: StockBelow = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """One case with evidence, exposure terms and timeline; with a VERB, do something to it."""
    from api.cli.case_page import print_case
    from api.details import read_detail
    from core_sync.cases import grouping, undo
    from core_sync.cases.deeds import do

    with open_world(database) as world:
        at, what = world.clock(), told or []
        if verb is not None:
            with world.database.transaction() as connection:
                if verb == "split":
                    signals = numbers(what, "the signals to take out")
                    grouping.split(connection, case_id, signals, who(actor), at, note)
                elif verb == "undo":
                    entry = numbers(what, "the timeline entry to undo")[0]
                    undo.undo(connection, case_id, entry, who(actor), at)
                else:
                    deed = deed_said(verb, what, at, note, reason, root_cause, loss, until, above, stock_below)
                    do(connection, case_id, deed, who(actor), at)
        with world.database.reading() as connection:
            detail = read_detail(connection, case_id, at)
    print_json_lines([detail]) if as_json else print_case(detail)
