"""The peer that a tutorial would write: SQLModel, a session an event, select, change, add, commit.

It does less than the ledger: no digests, no parking, no open items, no push intents; a known id shows as the unique
key's error. It stands on the same tables, so that both pay for the same indexes.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from core_sync.clock import to_microseconds
from core_sync.database.engine import Database
from core_sync.ledger.effects import EFFECTS
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.tables import LedgerEntry, Position, Source


def apply_each(database: Database, events: Iterable[Event], recorded_at: datetime) -> int:
    """Apply event after event; returns how many were written."""
    return sum(_apply(database, event, recorded_at) for event in events)


def _apply(database: Database, event: Event, recorded_at: datetime) -> bool:
    try:
        with Session(database.engine) as session:
            source = session.exec(select(Source).where(Source.name == event.source)).one()
            position = session.exec(
                select(Position)
                .where(Position.sku == event.sku, Position.location == event.location, Position.lot == event.lot)
                .with_for_update()
            ).one_or_none()
            if position is None:
                position = Position(sku=event.sku, location=event.location, lot=event.lot)
                session.add(position)
                session.flush()
            entry = _entry(event, source, position, recorded_at)
            if position.on_hand + entry.on_hand_delta < 0:
                return False
            position.on_hand += entry.on_hand_delta
            position.allocated += entry.allocated_delta
            position.quality_hold += entry.quality_hold_delta
            position.in_transit += entry.in_transit_delta
            position.last_event_at = max(position.last_event_at or 0, entry.occurred_at)
            session.add(entry)
            session.commit()
    except IntegrityError:
        return False
    return True


def _entry(event: Event, source: Source, position: Position, recorded_at: datetime) -> LedgerEntry:
    assert source.source_id is not None
    assert position.position_id is not None
    deltas = (event.quantity - position.on_hand, 0, 0, 0)
    if event.type is not EventType.COUNT:
        deltas = EFFECTS[event.type](event.quantity, 0)
    return LedgerEntry(
        source_id=source.source_id,
        event_id=event.event_id,
        type=str(event.type),
        occurred_at=to_microseconds(event.occurred_at),
        recorded_at=to_microseconds(recorded_at),
        position_id=position.position_id,
        quantity=event.quantity,
        on_hand_delta=deltas[0],
        allocated_delta=deltas[1],
        quality_hold_delta=deltas[2],
        in_transit_delta=deltas[3],
        document=event.document or None,
        line=event.line or None,
        channel=event.channel or None,
        account=event.account or None,
        reservation_id=event.reservation_id or None,
        content=b"",
    )
