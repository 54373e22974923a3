"""Verbs as the command line says them: to one case, or to many."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.session import fail, money_said, parse_moment

if TYPE_CHECKING:
    from core_sync.cases.deeds import Deed

VERBS = "ack, begin, wait, assign NAME, unassign, note TEXT, override, snooze [UNTIL], merge INTO, resolve HOW, reopen"
ALSO_CALLED = {"ack": "acknowledge", "unassign": "assign"}

What = Annotated[list[str] | None, typer.Argument(metavar="[WHAT]...", help="What the verb needs.")]
Note = Annotated[str | None, typer.Option(help="A note for the timeline.")]
Reason = Annotated[str, typer.Option(help="override: why.")]
SaidCause = Annotated[str | None, typer.Option(help="override: the root cause.")]
Loss = Annotated[str | None, typer.Option(help="override: rank as if this were the expected loss.")]
Until = Annotated[str | None, typer.Option(help="override, snooze: until when (a moment, or 4h).")]
Above = Annotated[str | None, typer.Option(help="snooze: wake when its exposure is above this.")]
StockBelow = Annotated[int | None, typer.Option(help="snooze: wake when fewer units are available.")]


def deed_said(
    said: str,
    told: Sequence[str],
    at: datetime,
    note: str | None,
    reason: str,
    root_cause: str | None,
    loss: str | None,
    until: str | None,
    above: str | None,
    stock_below: int | None,
) -> "Deed":
    """The deed that the words of a command mean.

    Raises:
        typer.BadParameter: a word that the verb needs is missing or is not of its kind.
    """
    from core_sync.cases.deeds import DEEDS, Deed

    verb = ALSO_CALLED.get(said, said)
    if verb not in DEEDS:
        fail(f"{said} is nothing that can be done to a case; there are {VERBS}")
    ends = until
    if verb == "snooze" and (told or (until is None and above is None and stock_below is None)):
        ends = word(told, "until when")
    return Deed(
        verb=verb,
        note=word(told, "what to note") if verb == "note" else note,
        owner=word(told, "to whom") if said == "assign" else None,
        until=parse_moment(ends, at) if ends else None,
        above=money_said(above),
        stock_below=stock_below,
        resolution=word(told, "how it was resolved") if verb == "resolve" else "",
        into=numbers(told, "the case to merge it into")[0] if verb == "merge" else None,
        reason=reason,
        root_cause=root_cause,
        rank=money_said(loss),
    )


def word(told: Sequence[str], what: str) -> str:
    """What the verb needs, as it was said."""
    if not told:
        raise typer.BadParameter(f"say {what}")
    return " ".join(told)


def numbers(told: Sequence[str], what: str) -> list[int]:
    """The numbers that the verb needs."""
    if not told or not all(one.isdigit() for one in told):
        raise typer.BadParameter(f"say {what} by number")
    return [int(one) for one in told]
