"""Stock: positions, what is behind them, buffers, figures."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

import typer

from api.cli.held import COLUMNS, line
from api.cli.session import AsJson, Database, open_world, parse_moment, print_json_lines, print_rows, print_table

POSITION_COLUMNS = {
    "sku": "sku", "location": "location", "lot": "lot", "on_hand": "on hand", "allocated": "allocated",
    "quality_hold": "on hold", "in_transit": "in transit", "safety_stock": "safety", "available": "available",
    "last_event_at": "last event (UTC)",
}  # fmt: skip

OPEN_COLUMNS = {
    "kind": "open", "reference": "for", "location": "location", "lot": "lot", "placed": "placed", "open": "still open",
    "placed_at": "since (UTC)", "expires_at": "until (UTC)", "order_ended": "its order was",
}  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(positions)
    app.command()(explain)
    app.command()(kpis)


def positions(
    sku: Annotated[str | None, typer.Option()] = None,
    location: Annotated[str | None, typer.Option()] = None,
    as_of: Annotated[str | None, typer.Option(help="As of this moment, e.g. 2026-03-02T08:00:00Z.")] = None,
    clock: Annotated[str, typer.Option(help="occurred: the source's clock; recorded: ours.")] = "occurred",
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Every (SKU, location, lot) with its states, in stock-keeping units."""
    from api.shapes import position_shape
    from core_sync.ledger.history import Clock, positions_at
    from core_sync.ledger.history import positions as positions_now

    if clock not in set(Clock):
        raise typer.BadParameter(f"{clock} is no clock; there are {', '.join(Clock)}")
    with open_world(database) as world, world.database.reading() as connection:
        if as_of is None:
            found = positions_now(connection, sku, location)
        else:
            moment = parse_moment(as_of, world.clock())
            found = positions_at(connection, moment, Clock(clock), sku, location)
        print_rows((position_shape(one) for one in found), as_json, POSITION_COLUMNS, "no positions")


def explain(
    sku: Annotated[str, typer.Argument()],
    place: Annotated[str | None, typer.Argument(metavar="[LOCATION|CHANNEL]")] = None,
    as_of: Annotated[str | None, typer.Option(help="As of this moment, e.g. 2026-03-02T08:00:00Z.")] = None,
    clock: Annotated[str, typer.Option(help="occurred: the source's clock; recorded: ours.")] = "occurred",
    limit: Annotated[
        int | None, typer.Option(min=1, help="How many entries, the newest first; 20 on a terminal, all with --json.")
    ] = None,
    cursor: Annotated[str | None, typer.Option(help="Go on behind the page that printed this next_cursor.")] = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """Every term and entry behind a position, or behind what a channel may promise."""
    from api.explanations import Asked, explain_place
    from core_sync.ledger.history import Clock

    if clock not in set(Clock):
        raise typer.BadParameter(f"{clock} is no clock; there are {', '.join(Clock)}")
    if limit is None and (not as_json or cursor is not None):
        limit = 20
    with open_world(database) as world, world.database.reading() as connection:
        at = world.clock()
        moment = parse_moment(as_of, at) if as_of is not None else None
        asked = Asked(sku=sku, place=place, as_of=moment, clock=Clock(clock), cursor=cursor, limit=limit)
        told = explain_place(connection, asked, at)
    print_json_lines([told]) if as_json else _print_explanation(told)


def kpis(as_json: AsJson = False, database: Database = None, days: Annotated[int, typer.Option(min=1)] = 7) -> None:
    """Figures of the last days beside those of the first connection: cases, failures, agreement, publishing."""
    from datetime import timedelta

    from core_sync.kpis.baseline import beside_baselines, read_baselines
    from core_sync.kpis.figures import read_kpis

    with open_world(database) as world, world.database.reading() as connection:
        at = world.clock()
        rows = beside_baselines(read_kpis(connection, at - timedelta(days=days), at), read_baselines(connection))
    print_rows(rows, as_json, {"kpi": "figure", "value": "value", "baseline": "at first", "change": "change",
                               "unit": "unit", "channel": "channel", "location": "location", "from": "from",
                               "to": "to"})  # fmt: skip


def _print_shortage(shortage: Mapping[str, Any]) -> None:
    print(f"  a shortage: {shortage['available']} units are left, and below {shortage['level']} each is promised once:")
    for one in shortage["grants"]:
        print(f"    {one.channel} (priority {one.priority}) claims {one.claimed}, {one.taken} are taken before it:"
              f" {one.granted}")  # fmt: skip


def _remarks(entry: Mapping[str, Any]) -> str:
    kit = [f"of the kit {entry['kit']}"] if entry["kit"] else []
    return ", ".join([*kit, *([entry["why"]] if entry["why"] else entry["flags"])])


def _print_explanation(told: dict[str, Any]) -> None:
    promise = told["promise"]
    if promise is not None:
        print(f"{promise['channel']} may promise {promise['quantity']} of {told['sku']}:")
        print(f"  {promise['available']} available × share {promise['share']:.0%} − buffer {promise['buffer']}"
              f" = {promise['free']}, never below 0; + allotment {promise['allotment']}")  # fmt: skip
        if promise["shortfall"]:
            print(f"  claims exceed stock by {promise['shortfall']} units")
        if promise["shortage"] is not None:
            _print_shortage(promise["shortage"])
    if told["positions"]:
        print_table(told["positions"], POSITION_COLUMNS)
    if told["open_items"]:
        print()
        print_table([asdict(one) for one in told["open_items"]], OPEN_COLUMNS)
    if told["entries"]:
        print()
        names = ("occurred_at", "type", "location", "quantity", "on_hand", "allocated", "quality_hold", "in_transit",
                 "document", "source", "event_id", "counts")  # fmt: skip
        rows = [{**entry, "counts": _remarks(entry)} for entry in told["entries"]]
        print_table(rows, {name: name.replace("_", " ") for name in names} | {"counts": "remarks"})
    if told["next_cursor"]:
        print(f"older entries: --cursor '{told['next_cursor']}'")
    if told["held"]:
        print("\nheld there, without effect:")
        print_table([line(one) for one in told["held"]], COLUMNS)
