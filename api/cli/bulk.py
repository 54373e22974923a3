"""One verb to many cases, from the command line."""

from typing import TYPE_CHECKING, Annotated, Any

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
from api.cli.feed import Abstained, Channel, Location, Owner, Search, Sku, Statuses, narrowed_to
from api.cli.session import REJECTED, Actor, AsJson, Database, cell, open_world, print_json_lines, print_rows, who

if TYPE_CHECKING:
    from core_sync.cases.bulk import BulkOutcome

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would happen to which.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command()(bulk)


def bulk(
    verb: Annotated[
        str | None, typer.Argument(metavar="[VERB]", help=f"{VERBS}, undo NUMBER; without one, what was done lately.")
    ] = None,
    told: What = None,
    cases: Annotated[list[int] | None, typer.Option("--case", help="This case (repeatable).")] = None,
    status: Statuses = None,
    cause: Annotated[str | None, typer.Option("--cause", help="Only cases of this root cause.")] = None,
    sku: Sku = None,
    location: Location = None,
    channel: Channel = None,
    owner: Owner = None,
    abstained: Abstained = None,
    search: Search = None,
    note: Note = None,
    reason: Reason = "",
    root_cause: SaidCause = None,
    loss: Loss = None,
    until: Until = None,
    above: Above = None,
    stock_below: StockBelow = None,
    dry_run: DryRun = False,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """One verb to many cases, named by --case or by what they have in common; `bulk undo NUMBER` takes it all back."""
    from api.shapes import bulk_shape
    from core_sync.cases.bulk import do_to_many, fitting_cases, past_bulks, undo_bulk

    common = (status, cause, sku, location, channel, owner, abstained, search)
    with open_world(database) as world:
        at, what = world.clock(), told or []
        if verb is None:
            with world.database.reading() as connection:
                print_rows(past_bulks_shape(past_bulks(connection)), as_json, empty="nothing was done to many cases")
            return
        if verb == "undo":
            outcome = undo_bulk(world.database, numbers(what, "which deed to undo")[0], who(actor), at, dry_run)
        else:
            if not cases and not any(one is not None for one in common):
                raise typer.BadParameter("say which cases: --case, or --sku, --cause, --status …; --status all for all")
            deed = deed_said(verb, what, at, note, reason, root_cause, loss, until, above, stock_below)
            if not cases:
                with world.database.reading() as connection:
                    cases = fitting_cases(connection, narrowed_to(*common))
            outcome = do_to_many(world.database, deed, cases, who(actor), at, dry_run)
    print_json_lines([bulk_shape(outcome, dry_run)]) if as_json else _print(outcome, dry_run)
    if outcome.refused and not dry_run:
        raise typer.Exit(REJECTED)


def past_bulks_shape(past: Any) -> list[dict[str, Any]]:
    """Deeds as rows."""
    from dataclasses import asdict

    return [asdict(one) for one in past]


def _print(outcome: "BulkOutcome", dry_run: bool) -> None:
    losses = " + ".join(f"{cell(amount)} {currency}" for currency, amount in outcome.expected_loss.items())
    stand = f", expected loss {losses}" if losses else ""
    cases = "1 case" if len(outcome.done) == 1 else f"{len(outcome.done):,} cases"
    print(f"{outcome.verb}: {cases} {'would change' if dry_run else 'changed'}{stand}")
    rows = [
        {
            "case": one.case, "title": one.title, "status": _change(one.status, one.status_then),
            "owner": _change(one.owner, one.owner_then),
        }
        for one in outcome.done
    ]  # fmt: skip
    if rows:
        print_rows(rows, False)
    for one in outcome.refused:
        print(f"case {one.case} {'would refuse' if dry_run else 'refused'}: {one.refused}")
    if dry_run:
        print("nothing was done; the same without --dry-run does it")
    elif outcome.bulk is not None and outcome.verb != "undo":
        print(f"stocktriage bulk undo {outcome.bulk} takes all of it back")


def _change(before: str | None, then: str | None) -> str:
    return (before or "–") if before == then else f"{before or '–'} → {then or '–'}"
