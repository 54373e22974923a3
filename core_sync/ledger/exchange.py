"""Taking an event back whole, and putting another telling in its place: both happen, or neither."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from core_sync.errors import VerbRefused
from core_sync.failures.record import resolve_subjects
from core_sync.ledger.again import free_held, try_again
from core_sync.ledger.conflicts import know_telling
from core_sync.ledger.effects import Flag
from core_sync.ledger.event_parts import event_parts
from core_sync.ledger.held import WAITING
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.reversal import reverse_entry
from core_sync.ledger.signals import held_subject
from core_sync.ledger.verdicts import HeldReference, mark_dismissed, name_of, waiting_at
from core_sync.ledger.waiting import held_arrival


def take_back_whole(
    ledger: Ledger,
    connection: Connection,
    source: str,
    event_id: str,
    actor: str,
    at: datetime,
    in_exchange: bool = False,
) -> list[tuple[str, str]]:
    """Take back what the event did, of a kit what each component's did, and let none of it that is held apply.

    Returns which entries that wrote; ``in_exchange`` is told to ``reverse_entry``.
    """
    parts = event_parts(connection, source, event_id)
    lock_skus(connection, {part.sku for part in parts if part.sku})
    written: list[tuple[str, str]] = []
    for part in event_parts(connection, source, event_id):
        if part.status == "accepted":
            entries = reverse_entry(ledger, connection, part.source, part.event_id, actor, at, in_exchange)
            written += [name_of(entry) for entry in entries]
        elif part.status in WAITING:
            mark_dismissed(connection, part.source_id, part.event_id, actor, at)
            resolve_subjects(connection, [held_subject(source, part.event_id)], at, f"taken back by {actor}")
    return written


def put_in_place_of_first(
    ledger: Ledger, connection: Connection, held: HeldReference, first: str, actor: str, at: datetime
) -> list[tuple[str, str]]:
    """Take the first telling back, apply the one that contradicts it; says which entries that wrote.

    Raises:
        VerbRefused: the first cannot be taken back, or the other cannot apply.
    """
    catalogue = ledger.know_catalogue(connection)
    arrival = held_arrival(held.source_id, held.payload, held.content, to_microseconds(at), catalogue)
    parts = event_parts(connection, held.source, first)
    skus = {component for component, _ in catalogue.components_of(arrival.sku, arrival.occurred_at)} | {arrival.sku}
    lock_skus(connection, (skus | {part.sku for part in parts if part.sku}) - {""})
    places = sorted({part.position for part in parts if part.position and part.status == "accepted"})
    before = _figures(connection, places)
    written = take_back_whole(ledger, connection, held.source, first, actor, at, in_exchange=True)
    decision = try_again(ledger, connection, [held], at, actor, Flag.DECIDED)
    refused = [one.message for one in decision.held.values() if one.status != "applied"] if decision else ["decided on"]
    refused += _short_of(before, _figures(connection, places))
    if decision is None or refused:
        raise VerbRefused("apply", f"event {held.event_id}", f"{refused[0]}; the first telling stands")
    know_telling(connection, held.source_id, first, held.content)
    written += [name_of(entry) for entry in decision.entries]
    if waiting := waiting_at(connection, places):
        written += [name_of(entry) for entry in free_held(ledger, connection, waiting, at).entries]
    return written


def _figures(connection: Connection, positions: Sequence[int]) -> dict[tuple[str, str], int]:
    """On hand and quality hold of strict positions, by place and state in words."""
    rows = [connection.execute(text(_STRICT_FIGURES), {"position": position}).first() for position in positions]
    return {
        (f"{row.sku} at {row.location}", state): getattr(row, state)
        for row in rows
        if row is not None
        for state in ("on_hand", "quality_hold")
    }


def _short_of(before: Mapping[tuple[str, str], int], after: Mapping[tuple[str, str], int]) -> list[str]:
    """Which figures an exchange would drive below zero."""
    return [
        f"{place} would have {figure} of {state}"
        for (place, state), figure in after.items()
        if figure < 0 and figure < before[place, state]
    ]


_STRICT_FIGURES = """
SELECT p.sku, p.location, p.on_hand, p.quality_hold FROM position p LEFT JOIN location l ON l.location = p.location
WHERE p.position_id = :position AND NOT p.relative AND COALESCE(l.stock_control, 'strict') = 'strict'
"""
