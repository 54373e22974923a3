"""What happened to the worklist by itself since somebody left it."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import Actor, AsJson, Database, cell, open_world, parse_moment, print_json_lines, who

if TYPE_CHECKING:
    from core_sync.cases.since import Change, SinceThen

HEADS: Mapping[str, str] = {
    "new": "new", "worsened": "worse", "woken": "awake again", "resolved": "resolved themselves",
}  # fmt: skip
"""What is told, by its name, in the order in which it is told."""


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(since)


def since(
    moment: Annotated[
        str | None, typer.Argument(metavar="[MOMENT]", help="Since then (a moment, or 8h ago); else since you left.")
    ] = None,
    seen: Annotated[bool, typer.Option("--seen", help="You know it now: only what comes later is news.")] = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """What is new, worse, awake again or resolved by itself since you left the list."""
    from api.shapes import since_shape
    from core_sync.cases.attendance import caught_up, last_left
    from core_sync.cases.since import read_since

    person = who(actor)
    with open_world(database) as world:
        at = world.clock()
        with world.database.reading() as connection:
            left = _moment(moment, at) if moment is not None else last_left(connection, person, at)
            then = read_since(connection, left) if left is not None else None
        if seen:
            with world.database.transaction() as connection:
                caught_up(connection, person, at)
    if as_json:
        print_json_lines([since_shape(then)])
    elif then is None:
        print(f"{person} was not here before; stocktriage feed shows the list")
    else:
        _print(then)


def news_line(then: "SinceThen") -> str:
    """All of it in one line."""
    counts = [f"{getattr(then, kind).count:,} {said}" for kind, said in HEADS.items() if getattr(then, kind).count]
    if then.came_and_went:
        counts.append(f"{then.came_and_went:,} came and went")
    return f"since {cell(then.since)} UTC: {', '.join(counts) or 'nothing changed by itself'}"


def _print(then: "SinceThen") -> None:
    print(news_line(then))
    for kind, said in HEADS.items():
        changes = getattr(then, kind)
        if changes.count:
            print(f"\n{said} ({changes.count:,})")
            for one in changes.cases:
                print(f"  case {one.case}  {one.title or 'not weighed yet'}  {_loss(kind, one)}".rstrip())
            if changes.count > len(changes.cases):
                print(f"  and {changes.count - len(changes.cases):,} more")


def _loss(kind: str, one: "Change") -> str:
    amount = _money(one.expected_loss, one.currency)
    if kind == "worsened" and one.before is not None:
        return f"{_money(one.before, None)} → {amount}"
    return f"{amount}; {one.said}" if one.said else amount


def _money(amount: Any, currency: str | None) -> str:
    return f"{cell(amount)} {currency or ''}".strip() if amount is not None else "loss not known"


def _moment(said: str, at: datetime) -> datetime:
    """A span counts back from now."""
    moment = parse_moment(said, at)
    return at - (moment - at) if moment > at else moment
