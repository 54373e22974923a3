"""What may be done to a case, by name: a verb with whatever it needs, for doors that are told which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import Connection

from core_sync.cases import verbs
from core_sync.cases.grouping import merge
from core_sync.errors import VerbRefused


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """A verb and what it needs; money in ten-thousandths of the reporting currency.

    Args:
        verb: one of ``DEEDS``.
        owner: assign: whose it is from now on; None takes the owner away.
        until: snooze, override: until when.
        above: snooze: wake when the exposure is above this.
        stock_below: snooze: wake when fewer units are available.
        resolution: resolve: how it ended.
        into: merge: the case that takes the signals.
        reason: override: why.
        root_cause: override: what the cause is.
        rank: override: the expected loss to rank by.
    """

    verb: str
    note: str | None = None
    owner: str | None = None
    until: datetime | None = None
    above: int | None = None
    stock_below: int | None = None
    resolution: str = ""
    into: int | None = None
    reason: str = ""
    root_cause: str | None = None
    rank: int | None = None


def do(connection: Connection, case_id: int, deed: Deed, actor: str, at: datetime) -> int:
    """Do ``deed`` to the case; returns the ``entry_id`` of the line it wrote.

    Raises:
        NotFound: there is no such case.
        VerbRefused: there is no such verb, it lacks what it needs, or the case's state does not allow it.
    """
    if deed.verb not in DEEDS:
        raise VerbRefused(deed.verb, f"case {case_id}", f"there is no such verb; there are {', '.join(DEEDS)}")
    return DEEDS[deed.verb](connection, case_id, deed, actor, at)


def _merge(connection: Connection, case_id: int, deed: Deed, actor: str, at: datetime) -> int:
    if deed.into is None:
        raise VerbRefused("merge", f"case {case_id}", "say the case to merge it into")
    return merge(connection, case_id, deed.into, actor, at, deed.note)


DEEDS: Mapping[str, Callable[[Connection, int, Deed, str, datetime], int]] = MappingProxyType(
    {
        "acknowledge": lambda c, case, d, actor, at: verbs.acknowledge(c, case, actor, at, d.note),
        "begin": lambda c, case, d, actor, at: verbs.begin(c, case, actor, at, d.note),
        "wait": lambda c, case, d, actor, at: verbs.wait(c, case, actor, at, d.note),
        "assign": lambda c, case, d, actor, at: verbs.assign(c, case, d.owner, actor, at, d.note),
        "note": lambda c, case, d, actor, at: verbs.note(c, case, d.note or "", actor, at),
        "override": lambda c, case, d, actor, at: verbs.override(
            c, case, actor, at, d.reason, d.root_cause, d.rank, d.until
        ),
        "snooze": lambda c, case, d, actor, at: verbs.snooze(
            c, case, d.until, actor, at, d.note, d.above, d.stock_below
        ),
        "merge": _merge,
        "resolve": lambda c, case, d, actor, at: verbs.resolve(c, case, d.resolution, actor, at, d.note),
        "reopen": lambda c, case, d, actor, at: verbs.reopen(c, case, actor, at, d.note),
    }
)
"""Every verb that is done to one case after the other; each is one line of its timeline and can be undone."""
