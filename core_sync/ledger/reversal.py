"""Taking back an accepted event: an entry with the opposite deltas, once."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.effects import Effect, Flag
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.knowledge import Decision
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.normalise import normalise
from core_sync.ledger.posting import post
from core_sync.ledger.recall import recall
from core_sync.ledger.rules import shortfall_of

CORRECTIONS = "stocktriage"
"""The source under which our own entries stand."""


def reverse_entry(ledger: Ledger, connection: Connection, source: str, event_id: str, actor: str, at: datetime) -> None:
    """Write the compensating entry for the accepted event ``event_id`` of ``source``.

    Raises:
        NotFound: no entry has that id.
        VerbRefused: it was taken back before, or taking it back would drive a strict state negative.
    """
    original = _original(connection, source, event_id)
    if original is None:
        raise NotFound("ledger entry", f"{source} {event_id}")
    event, effect, name = original
    bulk = Bulk(connection)
    catalogue = ledger.know_catalogue(connection)
    ledger.interned.load_sources(bulk, {CORRECTIONS})
    arrival = Arrival(
        event,
        ledger.interned.sources[CORRECTIONS],
        content_digest(event),
        to_microseconds(event.occurred_at),
        to_microseconds(at),
    )
    normalise(arrival, catalogue)
    arrival.sku, arrival.location, arrival.to_location = event.sku, event.location, event.to_location
    arrival.lack, arrival.quantity = None, event.quantity
    lock_skus(connection, {arrival.sku})
    knowledge = recall(bulk, [arrival], catalogue, ledger.interned)
    if (arrival.source_id, event.event_id) in knowledge.known:
        raise VerbRefused("reverse", f"event {event_id}", "it was taken back before")
    position = knowledge.positions[arrival.position]
    short = shortfall_of(position, effect)
    if short is not None:
        raise VerbRefused(
            "reverse", f"event {event_id}", f"{name}: {short.asked} asked of {short.state}, {short.there} there"
        )
    decision = Decision()
    post(arrival, effect, Flag.REVERSAL | Flag.DECIDED, position, knowledge, decision)
    ledger.commit_decision(connection, decision, knowledge, at, actor)


def _original(connection: Connection, source: str, event_id: str) -> tuple[Event, Effect, str] | None:
    """The entry to take back as an event of ours, and the opposite of what it did."""
    row = (
        connection.execute(
            text(
                "SELECT l.*, p.sku, p.location, p.lot, d.location AS to_location FROM ledger_entry l "
                "JOIN source s ON s.source_id = l.source_id JOIN position p ON p.position_id = l.position_id "
                "LEFT JOIN position d ON d.position_id = l.to_position_id "
                "WHERE s.name = :source AND l.event_id = :event_id"
            ),
            {"source": source, "event_id": event_id},
        )
        .mappings()
        .one_or_none()
    )
    if row is None:
        return None
    event = Event(
        event_id=f"reversal:{source}:{event_id}",
        source=CORRECTIONS,
        type=EventType(row["type"]),
        occurred_at=from_microseconds(row["occurred_at"]),
        sku=row["sku"],
        location=row["location"],
        quantity=row["quantity"],
        lot=row["lot"],
        document=row["document"] or "",
        line=row["line"] or "",
        channel=row["channel"] or "",
        account=row["account"] or "",
        reservation_id=row["reservation_id"] or "",
        to_location=row["to_location"] or "",
        reason=f"takes back {event_id} of {source}",
    )
    effect = Effect(
        on_hand=-row["on_hand_delta"],
        allocated=-row["allocated_delta"],
        quality_hold=-row["quality_hold_delta"],
        in_transit=-row["in_transit_delta"],
        at_destination=row["to_position_id"] is not None,
    )
    return event, effect, f"{row['sku']} at {row['location']}"
