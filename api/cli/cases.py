"""Cases: compare, triage, one case and what may be done to it."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.session import (
    Actor,
    AsJson,
    Database,
    fail,
    money_said,
    open_world,
    parse_moment,
    print_json_lines,
    print_rows,
    who,
)

if TYPE_CHECKING:
    from sqlalchemy import Connection

VERBS = (
    "ack, begin, wait, assign NAME, unassign, note TEXT, override, snooze [UNTIL], merge INTO, split SIGNAL…, "
    "resolve HOW, reopen, undo ENTRY"
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
    verb: Annotated[str | None, typer.Argument(metavar="[VERB]", help=VERBS)] = None,
    told: Annotated[list[str] | None, typer.Argument(metavar="[WHAT]...", help="What the verb needs.")] = None,
    note: Annotated[str | None, typer.Option(help="A note for the timeline.")] = None,
    reason: Annotated[str, typer.Option(help="override: why.")] = "",
    root_cause: Annotated[str | None, typer.Option(help="override: the root cause.")] = None,
    loss: Annotated[str | None, typer.Option(help="override: rank as if this were the expected loss.")] = None,
    until: Annotated[str | None, typer.Option(help="override: until when (a moment, or 4h).")] = None,
    above: Annotated[str | None, typer.Option(help="snooze: wake when its exposure is above this.")] = None,
    stock_below: Annotated[int | None, typer.Option(help="snooze: wake when fewer units are available.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
    database: Database = None,
) -> None:
    """One case with evidence, exposure terms and timeline; with a VERB, do something to it."""
    from api.cli.case_page import print_case
    from api.details import read_detail

    with open_world(database) as world:
        at = world.clock()
        if verb is not None:
            words = _Said(
                case_id=case_id, told=told or [], actor=who(actor), at=at, note=note, reason=reason,
                root_cause=root_cause, rank=money_said(loss), until=until, above=money_said(above),
                stock_below=stock_below,
            )  # fmt: skip
            with world.database.transaction() as connection:
                _do(connection, verb, words)
        with world.database.reading() as connection:
            detail = read_detail(connection, case_id, at)
    print_json_lines([detail]) if as_json else print_case(detail)


@dataclass(frozen=True, kw_only=True)
class _Said:
    """What the command line said beside the verb; money in ten-thousandths."""

    case_id: int
    told: Sequence[str]
    actor: str
    at: datetime
    note: str | None
    reason: str
    root_cause: str | None
    rank: int | None
    until: str | None
    above: int | None
    stock_below: int | None

    @property
    def wakes_at(self) -> datetime | None:
        """The moment until which to snooze; None where only exposure or stock are waited for."""
        if not self.told and (self.above is not None or self.stock_below is not None):
            return None
        return parse_moment(self.word("until when"), self.at)

    def word(self, what: str) -> str:
        """The one word that the verb needs."""
        if not self.told:
            raise typer.BadParameter(f"say {what}")
        return " ".join(self.told)

    def number(self, what: str) -> int:
        """The one number that the verb needs."""
        return self.numbers(what)[0]

    def numbers(self, what: str) -> list[int]:
        """The numbers that the verb needs."""
        if not self.told or not all(word.isdigit() for word in self.told):
            raise typer.BadParameter(f"say {what} by number")
        return [int(word) for word in self.told]


def _do(connection: "Connection", verb: str, said: _Said) -> None:
    from core_sync.cases import grouping, undo, verbs

    one, actor, at, note = said.case_id, said.actor, said.at, said.note
    doing: dict[str, Callable[[], Any]] = {
        "ack": lambda: verbs.acknowledge(connection, one, actor, at, note),
        "acknowledge": lambda: verbs.acknowledge(connection, one, actor, at, note),
        "begin": lambda: verbs.begin(connection, one, actor, at, note),
        "wait": lambda: verbs.wait(connection, one, actor, at, note),
        "assign": lambda: verbs.assign(connection, one, said.word("to whom"), actor, at, note),
        "unassign": lambda: verbs.assign(connection, one, None, actor, at, note),
        "note": lambda: verbs.note(connection, one, said.word("what to note"), actor, at),
        "override": lambda: verbs.override(
            connection, one, actor, at, said.reason, said.root_cause, said.rank,
            parse_moment(said.until, at) if said.until else None,
        ),
        "snooze": lambda: verbs.snooze(
            connection, one, said.wakes_at, actor, at, note, said.above, said.stock_below
        ),
        "merge": lambda: grouping.merge(connection, one, said.number("the case to merge it into"), actor, at, note),
        "split": lambda: grouping.split(connection, one, said.numbers("the signals to take out"), actor, at, note),
        "resolve": lambda: verbs.resolve(connection, one, said.word("how it was resolved"), actor, at, note),
        "reopen": lambda: verbs.reopen(connection, one, actor, at, note),
        "undo": lambda: undo.undo(connection, one, said.number("the timeline entry to undo"), actor, at),
    }  # fmt: skip
    if verb not in doing:
        fail(f"{verb} is nothing that can be done to a case; there are {', '.join(doing)}")
    doing[verb]()
