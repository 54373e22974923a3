"""Taking back an accepted event: an entry with the opposite deltas, once."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.effects import ITEM_OF, Deltas, Flag
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.knowledge import Decision, Knowledge, PositionState
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.posting import change_of, post, reference_of
from core_sync.ledger.recall import recall
from core_sync.ledger.rules import shortfall_of

CORRECTIONS = "stocktriage"
"""The source under which our own entries stand."""


def reverse_entry(ledger: Ledger, connection: Connection, source: str, event_id: str, actor: str, at: datetime) -> None:
    """Write the compensating entry for the accepted event ``event_id`` of ``source``.

    Raises:
        NotFound: no entry has that id.
        VerbRefused: it was taken back before, taking it back would drive a strict state negative, or what it
            reserved, announced or held has been used since.
    """
    original = _original(connection, source, event_id)
    if original is None:
        raise NotFound("ledger entry", f"{source} {event_id}")
    event, deltas, name = original
    bulk = Bulk(connection)
    catalogue = ledger.know_catalogue(connection)
    ledger.interned.load_sources(bulk, {CORRECTIONS})
    occurred_at = to_microseconds(event.occurred_at)
    digest = content_digest(event, occurred_at)
    arrival = Arrival(event, ledger.interned.sources[CORRECTIONS], digest, occurred_at, to_microseconds(at))
    arrival.sku, arrival.location, arrival.to_location = event.sku, event.location, event.to_location
    arrival.quantity, arrival.flags = event.quantity, Flag.REVERSAL | Flag.DECIDED
    ledger.interned.give_positions(bulk, [arrival])
    lock_skus(connection, {arrival.sku})
    knowledge = recall(bulk, [arrival], catalogue, ledger.interned)
    if (arrival.source_id, event.event_id) in knowledge.known:
        raise VerbRefused("reverse", f"event {event_id}", "it was taken back before")
    position = knowledge.positions[arrival.position]
    deltas, flags = _as_counted(arrival, deltas, position)
    short = shortfall_of(position, deltas, arrival.event.type is EventType.TRANSFER_OUT)
    if short is not None:
        raise VerbRefused(
            "reverse", f"event {event_id}", f"{name}: {short.asked} asked of {short.state}, {short.there} there"
        )
    _refuse_when_used(arrival, deltas, knowledge)
    decision = Decision()
    post(arrival, deltas, flags, position, knowledge, decision)
    if event.type is EventType.COUNT and not flags & Flag.ABSORBED:
        position.last_count_at = _count_before(connection, arrival, source, event_id)
    ledger.commit_decision(connection, decision, knowledge, at, actor)


def _as_counted(arrival: Arrival, deltas: Deltas, position: PositionState) -> tuple[Deltas, int]:
    """The effect as it stands today: what a later count found on hand does not change with what was before it."""
    flags, counted_at = arrival.flags, position.last_count_at
    is_count = arrival.event.type is EventType.COUNT
    if not deltas[0] or counted_at is None or arrival.occurred_at > counted_at:
        return deltas, flags
    if is_count and arrival.occurred_at == counted_at:
        return deltas, flags
    return (0, *deltas[1:]), flags | Flag.ABSORBED


def _refuse_when_used(arrival: Arrival, deltas: Deltas, knowledge: Knowledge) -> None:
    """Only what is still open for the event's own reference can be taken back; the rest belongs to others.

    Raises:
        VerbRefused: less is still open.
    """
    kind = ITEM_OF.get(arrival.event.type)
    if kind is None:
        return
    target = arrival.destination if arrival.event.type is EventType.TRANSFER_OUT else arrival.position
    item = knowledge.items.get((target, kind, reference_of(arrival, kind)))
    asked, there = -change_of(kind, deltas), item.open_quantity if item is not None else 0
    if asked > there:
        reason = f"of its {kind} {asked} would be taken back, {there} still open"
        raise VerbRefused("reverse", f"event {arrival.event.event_id.removeprefix('reversal:')}", reason)


def _count_before(connection: Connection, arrival: Arrival, source: str, event_id: str) -> int | None:
    """When the position was counted before the count that is taken back; counts taken back do not tell."""
    moment = connection.execute(
        text(
            "SELECT MAX(l.occurred_at) FROM ledger_entry l JOIN source s ON s.source_id = l.source_id "
            "WHERE l.position_id = :position AND l.type = 'count' AND l.flags & :passed = 0 "
            "AND NOT (s.name = :source AND l.event_id = :event_id) AND NOT EXISTS (SELECT 1 FROM ledger_entry r "
            "WHERE r.source_id = :ours AND r.event_id = 'reversal:' || s.name || ':' || l.event_id)"
        ),
        {
            "position": arrival.position,
            "passed": Flag.ABSORBED | Flag.REVERSAL,
            "source": source,
            "event_id": event_id,
            "ours": arrival.source_id,
        },
    ).scalar_one()
    return int(moment) if moment is not None else None


def _original(connection: Connection, source: str, event_id: str) -> tuple[Event, Deltas, str] | None:
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
    deltas = (-row["on_hand_delta"], -row["allocated_delta"], -row["quality_hold_delta"], -row["in_transit_delta"])
    return event, deltas, f"{row['sku']} at {row['location']}"
