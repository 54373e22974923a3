"""Held events and wrong entries: what waits, why, and what is decided about it."""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, fail, open_world, print_json_lines, print_rows, print_table, who

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from core_sync.ledger.held import HeldEventShown, HeldFilter
    from core_sync.ledger.verdicts import Verdict

COLUMNS = {
    "held": "held", "status": "status", "source": "source", "event": "event", "type": "type", "sku": "sku",
    "location": "location", "quantity": "quantity", "why": "why", "twin": "like", "recorded_at": "since (UTC)",
}  # fmt: skip
ENTRY_COLUMNS = {
    "source": "source", "event_id": "event", "type": "type", "sku": "sku", "location": "location",
    "on_hand": "on hand", "allocated": "allocated", "quality_hold": "on hold", "in_transit": "in transit",
}  # fmt: skip

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would do.")]
Because = Annotated[str | None, typer.Option("--note", help="Why; it is written into the timeline of its case.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(held)
    app.command()(reverse)


def held(
    held_id: Annotated[int | None, typer.Argument(metavar="[ID]", help="One held event, by its number.")] = None,
    verb: Annotated[str | None, typer.Argument(metavar="[VERB]", help="confirm, apply or refuse.")] = None,
    status: Annotated[
        list[str] | None, typer.Option(help="Only this status (repeatable); without it all that are undecided.")
    ] = None,
    source: Annotated[str | None, typer.Option()] = None,
    sku: Annotated[str | None, typer.Option(help="Our SKU, or the source's name for it.")] = None,
    location: Annotated[str | None, typer.Option()] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="How many; 20 on a terminal, all with --json.")] = None,
    dry_run: DryRun = False,
    note: Because = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Events without stock effect, the longest held first; one with its twin; with a VERB, decide about it."""
    from core_sync.ledger.held import STATUSES, HeldFilter, count_held, read_held_event

    unknown = sorted(set(status or ()) - set(STATUSES))
    if unknown:
        raise typer.BadParameter(f"{unknown[0]} is no status of a held event; there are {', '.join(STATUSES)}")
    with open_world(database) as world:
        if held_id is not None and verb is not None:
            deed = _verb(verb)
            with world.ledger() as ledger:
                verdict = deed(ledger, held_id, who(actor), world.clock(), note, dry_run)
            _print_verdict(verdict, as_json)
            return
        with world.database.reading() as connection:
            if held_id is not None:
                one = read_held_event(connection, held_id)
                print_json_lines([asdict(one)]) if as_json else _print_one(one)
                return
            shown = HeldFilter(statuses=status or (), source=source, sku=sku, location=location)
            rows = _read(connection, shown, limit if limit is not None else (None if as_json else 20))
            waiting = count_held(connection)
    print_rows(map(asdict if as_json else line, rows), as_json, COLUMNS, "no held events")
    if not as_json and waiting:
        told = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in waiting.items())
        print(f"undecided in all: {told}")


def reverse(
    source: Annotated[str, typer.Argument(help="Who told the event.")],
    event_id: Annotated[str, typer.Argument(metavar="EVENT_ID", help="The source's id for it.")],
    dry_run: DryRun = False,
    note: Because = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Take back what an accepted event did, by an entry with the opposite effect."""
    from core_sync.ledger import decisions

    with open_world(database) as world, world.ledger() as ledger:
        verdict = decisions.reverse(ledger, source, event_id, who(actor), world.clock(), note, dry_run)
    _print_verdict(verdict, as_json)


def _verb(name: str) -> "Callable[..., Verdict]":
    from core_sync.ledger import decisions

    verbs: Mapping[str, Callable[..., Verdict]] = {
        "confirm": decisions.confirm_duplicate,
        "apply": decisions.apply_after_all,
        "refuse": decisions.refuse,
    }
    if name not in verbs:
        fail(f"{name} is nothing that can be decided about a held event; there are {', '.join(verbs)}")
    return verbs[name]


def _read(connection: "Connection", shown: "HeldFilter", wanted: int | None) -> "list[HeldEventShown]":
    from core_sync.ledger.held import PAGE_MAX, read_held

    rows: list[HeldEventShown] = []
    cursor = None
    while wanted is None or len(rows) < wanted:
        page = read_held(connection, shown, cursor, PAGE_MAX if wanted is None else wanted - len(rows))
        rows += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    return rows


def line(one: "HeldEventShown") -> dict[str, Any]:
    """A held event as a row of a table of ``COLUMNS``."""
    told = {name: getattr(one, name) for name in COLUMNS if name not in ("why", "twin")}
    return {**told, "why": _why(one), "twin": one.twin.event if one.twin else None}


def _why(one: "HeldEventShown") -> str:
    now = f" (now {one.there_now:,})" if one.there_now is not None and one.there_now != one.there else ""
    return one.message + now


def _print_one(one: "HeldEventShown") -> None:
    print(f"held event {one.held}: {one.event} of {one.source}, {one.status.replace('_', ' ')}")
    print(f"  {_why(one)}")
    if one.decided_by:
        print(f"  decided by {one.decided_by}")
    names = ("event", "status", "type", "sku", "location", "lot", "quantity", "document", "line", "occurred_at")
    print_table([{name: getattr(told, name) for name in names} for told in (one, one.twin) if told is not None],
                {name: name.replace("_", " ") for name in names})  # fmt: skip
    if one.twin is not None and one.twin.differs:
        print(f"  they differ in {', '.join(name.replace('_', ' ') for name in one.twin.differs)}")
    if one.verbs:
        print(f"decide with: stocktriage held {one.held} {'|'.join(one.verbs)} [--dry-run]")


def _print_verdict(verdict: "Verdict", as_json: bool) -> None:
    from api.shapes import verdict_shape

    told = verdict_shape(verdict)
    if as_json:
        print_json_lines([told])
        return
    would = "would be" if verdict.dry_run else "is"
    print(f"event {verdict.event} of {verdict.source} {would} {verdict.status}: {verdict.message}")
    if told["entries"]:
        print_table(told["entries"], ENTRY_COLUMNS)
    for place in told["positions"]:
        name = " ".join(part for part in (place["sku"], "at", place["location"], place["lot"]) if part)
        print(f"  {name}: on hand {place['on_hand']:,}, available {place['available']:,}"
              f"{' then' if verdict.dry_run else ' now'}")  # fmt: skip
