"""The worklist on a terminal."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, open_world, print_json_lines, print_rows, who

if TYPE_CHECKING:
    from api.wiring import World
    from core_sync.cases.narrow import Filter
    from core_sync.cases.order import Order
    from core_sync.cases.rules import Status

COLUMNS = {
    "rank": "rank", "case": "case", "root_cause": "root cause", "subclass": "subclass", "probability": "prob",
    "abstained": "undecided", "expected_loss": "exp. loss", "currency": "",
    "time_to_harm_h": "harm (h)", "status": "status", "skus": "skus",
    "channels": "channels",
    "recommended_action": "do", "opened_at": "opened (UTC)", "owner": "owner",
}  # fmt: skip

Statuses = Annotated[list[str] | None, typer.Option("--status", help="Only this (repeatable); 'all' for every one.")]
RootCause = Annotated[str | None, typer.Option()]
Sku = Annotated[str | None, typer.Option()]
Location = Annotated[str | None, typer.Option()]
Channel = Annotated[str | None, typer.Option()]
Owner = Annotated[str | None, typer.Option()]
Abstained = Annotated[bool | None, typer.Option("--abstained/--decided", help="Only what a person must decide.")]
Search = Annotated[str | None, typer.Option(help="Words, each as the beginning of one that the case says.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(feed)


def feed(
    status: Statuses = None,
    root_cause: RootCause = None,
    sku: Sku = None,
    location: Location = None,
    channel: Channel = None,
    owner: Owner = None,
    abstained: Abstained = None,
    search: Search = None,
    order: Annotated[str | None, typer.Option(help="loss (usual), harm, newest or oldest first.")] = None,
    view: Annotated[str | None, typer.Option(help="A saved view: its filter and its order.")] = None,
    facets: Annotated[bool, typer.Option("--facets", help="Count the cases by status, cause, owner …")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="How many; 20 on a terminal, all with --json.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """The ranked worklist: the largest expected loss first."""
    shown = narrowed_to(status, root_cause, sku, location, channel, owner, abstained, search)
    by, person = order_said(order), who(actor)
    wanted = limit if limit is not None else (None if as_json else 20)
    with open_world(database) as world:
        if view is not None:
            shown, by = _view(world, person, view)
        if facets:
            _print_facets(world, shown, as_json)
            return
        rows, sums = _read(world, shown, by, wanted)
        news = None if as_json else _news(world, person)
        nothing = f"the list is empty: nothing needs attention in {world.database.shown_url}"
    print_rows([_with_both_figures(row) for row in rows] if not as_json else rows, as_json, _columns(rows), nothing)
    if not as_json:
        print("\n".join(line for line in (*(sums if rows else ()), news) if line))


def narrowed_to(
    status: Sequence[str] | None,
    root_cause: str | None,
    sku: str | None,
    location: str | None,
    channel: str | None,
    owner: str | None,
    abstained: bool | None,
    search: str | None,
) -> "Filter":
    """What the options of a command narrow the list to."""
    from core_sync.cases.narrow import Filter
    from core_sync.cases.rules import ON_THE_LIST

    return Filter(
        statuses=ON_THE_LIST if not status else _statuses(status), root_cause=root_cause, sku=sku, location=location,
        channel=channel, owner=owner, abstained=abstained, search=search,
    )  # fmt: skip


def order_said(said: str | None) -> "Order":
    """The order that an option names.

    Raises:
        typer.BadParameter: it names none.
    """
    from core_sync.cases.order import Order

    try:
        return Order(said) if said is not None else Order.LOSS
    except ValueError as error:
        raise typer.BadParameter(f"{said} is no order; there are {', '.join(Order)}") from error


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What the list shows; beside the computed loss what a person ranks a case as, where one does."""
    if not any(_ranked_as(row) is not None for row in rows):
        return COLUMNS
    titles = list(COLUMNS.items())
    after = 1 + list(COLUMNS).index("expected_loss")
    return dict([*titles[:after], ("ranked_as", "ranked as"), *titles[after:]])


def _with_both_figures(row: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**row, "ranked_as": _ranked_as(row)}


def _ranked_as(row: Mapping[str, Any]) -> Any:
    return row["override"]["expected_loss"] if row["override"] is not None else None


def _view(world: "World", person: str, name: str) -> "tuple[Filter, Order]":
    from core_sync.cases.views import find_view

    with world.database.reading() as connection:
        kept = find_view(connection, person, name)
    return kept.shown, kept.order


def _print_facets(world: "World", shown: "Filter", as_json: bool) -> None:
    from api.shapes import facets_shape
    from core_sync.cases.totals import read_coverage, read_facets

    with world.database.reading() as connection:
        found, covered = read_facets(connection, shown), read_coverage(connection, shown)
    if as_json:
        print_json_lines([facets_shape(found, covered)])
        return
    print(f"{found.totals.cases:,} cases")
    for facet, counts in found.counts.items():
        told = ", ".join(f"{value.replace('_', ' ')} {count:,}" for value, count in counts.items())
        print(f"  {'undecided' if facet == 'abstained' else facet.replace('_', ' '):<12} {told or '–'}")
    for one in covered:
        print(f"the first {one.cases:,} cover {one.share:.0%}; {one.left:,.2f} is left")


def _read(
    world: "World", shown: "Filter", order: "Order", wanted: int | None
) -> tuple[list[dict[str, Any]], list[str]]:
    """The first ``wanted`` cases (None: all), and what they are in sum, in words."""
    from api.shapes import case_shape
    from core_sync.cases.feed import read_feed
    from core_sync.cases.totals import read_coverage, read_totals

    at, cursor = world.clock(), None
    rows: list[dict[str, Any]] = []
    with world.database.reading() as connection:
        while wanted is None or len(rows) < wanted:
            page = read_feed(connection, at, shown, cursor, 500 if wanted is None else wanted - len(rows), order)
            rows += [case_shape(one) for one in page.cases]
            cursor = page.next_cursor
            if cursor is None:
                break
        totals = read_totals(connection, shown)
        (covered,) = read_coverage(connection, shown, [max(len(rows), 1)])
    losses = " + ".join(f"{amount:,.2f} {currency}" for currency, amount in totals.expected_loss.items())
    sums = [f"{len(rows)} of {totals.cases:,} cases" + (f"; expected loss of all {losses}" if losses else "")]
    if losses and covered.left and order == "loss":
        sums.append(f"these cover {covered.share:.0%} of it; {covered.left:,.2f} is left")
    return rows, sums


def _news(world: "World", person: str) -> str | None:
    """What happened since ``person`` left the list, to which they have just come back."""
    from api.cli.since import news_line
    from core_sync.cases.attendance import last_left, visit
    from core_sync.cases.since import read_since
    from core_sync.errors import DatabaseUnavailable

    with world.database.reading() as connection:
        left = last_left(connection, person, world.clock())
        told = news_line(read_since(connection, left)) if left is not None else None
    with suppress(DatabaseUnavailable):  # a list that can be read is worth more than a note of who read it
        visit(world.database, person, world.clock())
    return told


def _statuses(said: Sequence[str]) -> "tuple[Status, ...]":
    from core_sync.cases.rules import Status

    if "all" in said:
        return ()
    try:
        return tuple(Status(one) for one in said)
    except ValueError as error:
        raise typer.BadParameter(f"{error}; there are {', '.join(Status)}, all") from error
