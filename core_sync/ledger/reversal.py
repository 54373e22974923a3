"""Taking back an accepted event: an entry with the opposite deltas, once."""

from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.bulk import Bulk
from core_sync.errors import NotFound, VerbRefused
from core_sync.ledger.arrivals import Arrival, content_digest
from core_sync.ledger.counting import OWN_ON_HAND, on_hand_since, standing_count
from core_sync.ledger.effects import ITEM_OF, NO_EFFECT, Deltas, Flag
from core_sync.ledger.events import CORRECTIONS, Event, EventType
from core_sync.ledger.knowledge import Decision, Entry, Knowledge, PositionState
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.locks import lock_skus
from core_sync.ledger.own_ids import reversal_id
from core_sync.ledger.posting import change_of, post, reference_of
from core_sync.ledger.recall import recall
from core_sync.ledger.rules import free_waiting, shortfall_of


def reverse_entry(
    ledger: Ledger,
    connection: Connection,
    source: str,
    event_id: str,
    actor: str,
    at: datetime,
    in_exchange: bool = False,
) -> list[Entry]:
    """Write the compensating entry for the accepted event ``event_id`` of ``source``, and free what waited for it.

    ``in_exchange`` for another that the caller applies next: then stock may be short until it is, and nothing is freed.

    Raises:
        NotFound: no entry has that id.
        VerbRefused: it takes back another, it was taken back before, taking it back would drive a strict state
            negative, or what it reserved, announced or held has been used since.
    """
    original = _original(connection, source, event_id)
    if original is None:
        raise NotFound("ledger entry", f"{source} {event_id}")
    event, deltas, entry_id, drawn, name = original
    bulk = Bulk(connection)
    catalogue = ledger.know_catalogue(connection)
    ledger.interned.load_sources(bulk, {CORRECTIONS})
    occurred_at = to_microseconds(event.occurred_at)
    digest = content_digest(event, occurred_at)
    arrival = Arrival(event, ledger.interned.sources[CORRECTIONS], digest, occurred_at, to_microseconds(at))
    arrival.sku, arrival.location, arrival.to_location = event.sku, event.location, event.to_location
    arrival.quantity, arrival.flags = event.quantity, Flag.REVERSAL | Flag.DECIDED | drawn
    ledger.interned.give_positions(bulk, [arrival])
    lock_skus(connection, {arrival.sku})
    knowledge = recall(bulk, [arrival], catalogue, ledger.interned)
    if (arrival.source_id, event.event_id) in knowledge.known:
        raise VerbRefused("reverse", f"event {event_id}", "it was taken back before")
    position = knowledge.positions[arrival.position]
    counted_at = position.last_count_at
    if event.type is EventType.COUNT:
        deltas, flags, counted_at = _without_count(connection, arrival, entry_id, position)
    else:
        deltas, flags = _as_counted(arrival, deltas, position)
    short = shortfall_of(position, deltas, event.type is EventType.TRANSFER_OUT)
    if short is not None and not in_exchange:
        raise VerbRefused(
            "reverse", f"event {event_id}", f"{name}: {short.asked} asked of {short.state}, {short.there} there"
        )
    _refuse_when_used(arrival, deltas, knowledge)
    decision = Decision()
    post(arrival, deltas, flags, position, knowledge, decision)
    position.last_count_at = counted_at
    if not in_exchange:
        free_waiting(arrival.position, knowledge, decision)
    ledger.commit_decision(connection, decision, knowledge, at, actor)
    return decision.entries


def _as_counted(arrival: Arrival, deltas: Deltas, position: PositionState) -> tuple[Deltas, int]:
    """The effect as it stands today: what a later count found on hand does not change with what was before it."""
    if deltas[0] and position.last_count_at is not None and arrival.occurred_at <= position.last_count_at:
        return (0, *deltas[1:]), arrival.flags | Flag.ABSORBED
    return deltas, arrival.flags


def _without_count(
    connection: Connection, arrival: Arrival, entry_id: int, position: PositionState
) -> tuple[Deltas, int, int | None]:
    """What it does that a count is taken back, and when the position was last counted then.

    What the count contained moves again: on hand is what the count before it found, and every movement since.
    """
    other = standing_count(connection, arrival.position, but_for=entry_id)
    if other is not None and other.is_after(arrival.occurred_at, entry_id):
        return NO_EFFECT, arrival.flags | Flag.ABSORBED, position.last_count_at
    on_hand = on_hand_since(connection, arrival.position, other)
    return (on_hand - position.on_hand, 0, 0, 0), arrival.flags, other.occurred_at if other else None


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


def _original(connection: Connection, source: str, event_id: str) -> tuple[Event, Deltas, int, int, str] | None:
    """The entry to take back as an event of ours, the opposite of what it did, its number, its flag ``DRAWN`` where it
    has that, and its place in words.
    """
    row = (
        connection.execute(
            text(
                f"SELECT l.*, {OWN_ON_HAND} AS own_on_hand, p.sku, p.location, p.lot, d.location AS to_location "
                "FROM ledger_entry l "
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
    if row["flags"] & Flag.REVERSAL:
        raise VerbRefused("reverse", f"event {event_id}", "it takes back another; tell the movement anew instead")
    event = Event(
        event_id=reversal_id(source, event_id),
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
    # What a count contained when it came may count today, where that count was taken back.
    deltas = (-row["own_on_hand"], -row["allocated_delta"], -row["quality_hold_delta"], -row["in_transit_delta"])
    return event, deltas, row["entry_id"], row["flags"] & Flag.DRAWN, f"{row['sku']} at {row['location']}"
