"""One verb to many cases at once: first what it would do to which, then the doing, and the undoing of the whole.

A preview is the deed itself, taken back: it cannot promise anything else than what is done. Each case stands for
itself: one that refuses keeps nobody from the others.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, func, insert, select, update
from sqlmodel import col

from core_sync.cases.deeds import DEEDS, Deed, do
from core_sync.cases.narrow import Filter, conditions, narrowed
from core_sync.cases.rows import CASES
from core_sync.cases.tables import BulkDeed, BulkEntry, CaseEntry
from core_sync.cases.undo import undo
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from core_sync.money import from_ten_thousandths

BULK_MAX = 500
"""Cases that one deed may be done to: nobody else writes to a SQLite database meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkCase:
    """One case as it was, as it is then, and why it refused if it did."""

    case: int
    title: str
    status: str
    status_then: str
    owner: str | None
    owner_then: str | None
    expected_loss: Decimal | None
    currency: str | None
    refused: str | None


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What a deed did to many cases, or would do; ``bulk`` is its number, None where nothing was kept."""

    bulk: int | None
    verb: str
    done: Sequence[BulkCase]
    refused: Sequence[BulkCase]

    @property
    def expected_loss(self) -> Mapping[str, Decimal]:
        """What those it is done to stand for, by currency."""
        sums: dict[str, Decimal] = {}
        for one in self.done:
            if one.expected_loss is not None and one.currency is not None:
                sums[one.currency] = sums.get(one.currency, Decimal(0)) + one.expected_loss
        return sums


@dataclass(frozen=True, slots=True)
class PastBulk:
    """A deed that was done to many cases."""

    bulk: int
    at: datetime
    actor: str
    verb: str
    cases: int
    undone_at: datetime | None


def fitting_cases(connection: Connection, shown: Filter) -> list[int]:
    """The cases that the filter shows, the first on the list first.

    Raises:
        VerbRefused: they are more than one deed may be done to.
    """
    wanted = narrowed(select(CASES.c.case_id), conditions(connection, shown))
    wanted = wanted.order_by(CASES.c.rank_value.desc(), CASES.c.case_id.desc()).limit(BULK_MAX + 1)
    found = [int(case_id) for case_id in connection.execute(wanted).scalars()]
    _check_number(len(found))
    return found


def do_to_many(
    database: Database, deed: Deed, case_ids: Collection[int], actor: str, at: datetime, dry_run: bool = False
) -> BulkOutcome:
    """Do ``deed`` to each of the cases that allows it, in one transaction; with ``dry_run`` nothing is kept.

    Raises:
        VerbRefused: no case is named, too many are, or there is no such verb.
    """
    if deed.verb not in DEEDS:
        raise VerbRefused(deed.verb, "any case", f"there is no such verb; there are {', '.join(DEEDS)}")
    if not case_ids:
        raise VerbRefused(deed.verb, "nothing", "say which cases")
    _check_number(len(case_ids))

    def doing(connection: Connection) -> BulkOutcome:
        # In one order, so that two deeds on the same cases cannot wait for each other.
        steps = {case_id: (lambda c, one=case_id: do(c, one, deed, actor, at)) for case_id in sorted(set(case_ids))}
        outcome, entries = _each(connection, deed.verb, steps)
        return _kept(connection, outcome, entries, deed, actor, at)

    return _run(database, dry_run, doing)


def undo_bulk(database: Database, bulk_id: int, actor: str, at: datetime, dry_run: bool = False) -> BulkOutcome:
    """Undo a deed in each of its cases where nothing later rests on it; the others are named with the reason.

    Raises:
        NotFound: there is no such deed.
    """

    def undoing(connection: Connection) -> BulkOutcome:
        known = select(col(BulkDeed.verb)).where(col(BulkDeed.bulk_id) == bulk_id).with_for_update()
        if connection.execute(known).one_or_none() is None:
            raise NotFound("bulk deed", bulk_id)
        written = (
            select(col(CaseEntry.case_id), col(CaseEntry.entry_id))
            .join(BulkEntry, col(BulkEntry.entry_id) == col(CaseEntry.entry_id))
            .where(col(BulkEntry.bulk_id) == bulk_id)
            .order_by(col(CaseEntry.case_id))
        )
        steps = {
            case_id: (lambda c, one=case_id, line=entry_id: undo(c, one, line, actor, at))
            for case_id, entry_id in connection.execute(written).all()
        }
        outcome, _ = _each(connection, "undo", steps)
        told = update(BulkDeed).where(col(BulkDeed.bulk_id) == bulk_id).values(undone_at=to_microseconds(at))
        connection.execute(told)
        return BulkOutcome(bulk_id, outcome.verb, outcome.done, outcome.refused)

    return _run(database, dry_run, undoing)


def past_bulks(connection: Connection, limit: int = 20) -> list[PastBulk]:
    """What was done to many cases, the newest first."""
    counted = select(func.count()).where(col(BulkEntry.bulk_id) == col(BulkDeed.bulk_id)).scalar_subquery()
    rows = connection.execute(
        select(
            col(BulkDeed.bulk_id), col(BulkDeed.at), col(BulkDeed.actor), col(BulkDeed.verb),
            col(BulkDeed.undone_at), counted.label("cases"),
        ).order_by(col(BulkDeed.bulk_id).desc()).limit(limit)
    )  # fmt: skip
    return [
        PastBulk(
            row.bulk_id or 0,
            from_microseconds(row.at),
            row.actor,
            row.verb,
            row.cases,
            from_microseconds(row.undone_at) if row.undone_at is not None else None,
        )
        for row in rows
    ]


def _run(database: Database, dry_run: bool, work: Callable[[Connection], BulkOutcome]) -> BulkOutcome:
    with database.transaction() as connection:
        if not dry_run:
            return work(connection)
        with connection.begin_nested() as trial:
            outcome = work(connection)
            trial.rollback()
        return BulkOutcome(None, outcome.verb, outcome.done, outcome.refused)


def _each(
    connection: Connection, verb: str, steps: Mapping[int, Callable[[Connection], int]]
) -> tuple[BulkOutcome, list[int]]:
    """Take each step; one that is refused leaves nothing behind. Returns what became of them, and the lines written."""
    before = _rows(connection, steps)
    entries: list[int] = []
    refused: dict[int, str] = {}
    for case_id, step in steps.items():
        try:
            with connection.begin_nested():
                entries.append(step(connection))
        except VerbRefused as error:
            refused[case_id] = error.reason
        except NotFound as error:
            refused[case_id] = str(error)
    then = _rows(connection, steps)
    told = [_case(case_id, before.get(case_id), then.get(case_id), refused.get(case_id)) for case_id in steps]
    told.sort(key=lambda one: (-(one.expected_loss or 0), one.case))
    done = [one for one in told if one.refused is None]
    return BulkOutcome(None, verb, done, [one for one in told if one.refused is not None]), entries


def _kept(
    connection: Connection, outcome: BulkOutcome, entries: Sequence[int], deed: Deed, actor: str, at: datetime
) -> BulkOutcome:
    if not entries:
        return outcome
    told = {name: value for name, value in asdict(deed).items() if value not in (None, "") and name != "verb"}
    row = {
        "at": to_microseconds(at),
        "actor": actor,
        "verb": deed.verb,
        "told": msgspec.json.encode(told).decode(),
    }
    bulk_id = connection.execute(insert(BulkDeed).values(row).returning(col(BulkDeed.bulk_id))).scalar_one()
    connection.execute(insert(BulkEntry), [{"bulk_id": bulk_id, "entry_id": entry_id} for entry_id in entries])
    return BulkOutcome(bulk_id, outcome.verb, outcome.done, outcome.refused)


def _rows(connection: Connection, case_ids: Collection[int]) -> dict[int, Row[Any]]:
    shown = (CASES.c.case_id, CASES.c.title, CASES.c.status, CASES.c.owner, CASES.c.expected_loss, CASES.c.currency)
    found: Select[Any] = select(*shown).where(CASES.c.case_id.in_(case_ids))
    return {row.case_id: row for row in connection.execute(found)}


def _case(case_id: int, before: Row[Any] | None, then: Row[Any] | None, refused: str | None) -> BulkCase:
    loss = before.expected_loss if before is not None else None
    return BulkCase(
        case=case_id,
        title=before.title if before is not None else "",
        status=before.status if before is not None else "",
        status_then=then.status if then is not None else "",
        owner=before.owner if before is not None else None,
        owner_then=then.owner if then is not None else None,
        expected_loss=from_ten_thousandths(loss) if loss is not None else None,
        currency=before.currency if before is not None else None,
        refused=refused,
    )


def _check_number(cases: int) -> None:
    if cases > BULK_MAX:
        raise VerbRefused("do", f"more than {BULK_MAX} cases at once", "narrow them, and do it part by part")
