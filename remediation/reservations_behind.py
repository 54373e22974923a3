"""Which open reservations a case is about: those that its failures name, else those that may be meant."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.availability.reservations import stale_reservations
from core_sync.clock import from_microseconds, to_microseconds
from remediation.case_view import CaseView, Signal

MUCH_OLDER = 3.0
"""A reservation is old when it is open this many times as long as the median one of its channel or account."""

_WORD = re.compile(r"[\w./-]*\w")

_OPEN = """
SELECT i.item_id, p.sku, p.location, p.lot, i.reference, i.open_quantity, i.placed_at, i.document,
       i.channel, i.account
FROM open_item i JOIN position p ON p.position_id = i.position_id
WHERE i.kind = 'reservation' AND i.open_quantity > 0 AND p.sku IN (SELECT w.sku FROM ({wanted}) w)
ORDER BY i.placed_at, i.item_id
"""

_PLACED = """
SELECT coalesce(channel, account, '') AS owner, placed_at FROM open_item
WHERE kind = 'reservation' AND open_quantity > 0
"""


@dataclass(frozen=True, slots=True)
class OpenReservation:
    """Units still allocated for a reference."""

    item_id: int
    sku: str
    location: str
    lot: str
    reference: str
    open_quantity: int
    placed_at: datetime
    document: str | None
    channel: str | None
    account: str | None

    @property
    def names(self) -> set[str]:
        """What it is called by whoever speaks of it."""
        return {name for name in (self.reference, self.document) if name}


@dataclass(frozen=True, slots=True)
class Behind:
    """What the case's failures name (``named``), or for a person to choose from (``maybe``, the oldest first)."""

    named: tuple[OpenReservation, ...]
    maybe: tuple[OpenReservation, ...]


def reservations_behind(connection: Connection, case: CaseView, at: datetime) -> Behind:
    """Open reservations of the case's SKUs that a failure names by subject, document or in its message.

    Where none is named: those that are stale, or open much longer than is usual for their channel or account.
    """
    reservations = _open(connection, case.skus)
    subjects = {signal.subject for signal in case.failures}
    named = tuple(
        one
        for one in reservations
        if f"reservation:{one.item_id}" in subjects or any(_names(signal, one) for signal in case.failures)
    )
    if named:
        return Behind(named, ())
    stale = {one.item_id for one in stale_reservations(connection, at, case.skus)}
    usual = _usual_age_s(connection, at)
    here = [one for one in reservations if not case.locations or one.location in case.locations]
    return Behind((), tuple(one for one in here if one.item_id in stale or _is_old(one, usual, at)))


def _names(signal: Signal, reservation: OpenReservation) -> bool:
    told = {signal.document} if signal.document else set(_WORD.findall(signal.message))
    return signal.sku in (None, reservation.sku) and bool(told & reservation.names)


def _open(connection: Connection, skus: Iterable[str]) -> list[OpenReservation]:
    statement = text(_OPEN.format(wanted=wanted_skus(connection)))
    rows = connection.execute(statement, {"skus": as_json(list(skus))}).mappings()
    return [OpenReservation(**(dict(row) | {"placed_at": from_microseconds(row["placed_at"])})) for row in rows]


def _usual_age_s(connection: Connection, at: datetime) -> dict[str, float]:
    """Median age in seconds of the open reservations, by channel or account."""
    ages: dict[str, list[float]] = defaultdict(list)
    for owner, placed_at in connection.execute(text(_PLACED)):
        ages[owner].append((to_microseconds(at) - placed_at) / 1_000_000)
    return {owner: median(found) for owner, found in ages.items()}


def _is_old(one: OpenReservation, usual: Mapping[str, float], at: datetime) -> bool:
    return (at - one.placed_at).total_seconds() > MUCH_OLDER * usual[one.channel or one.account or ""]
