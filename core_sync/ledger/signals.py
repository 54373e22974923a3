"""What the ledger tells of as failures: events it holds, ids that conflict, lenient stock below zero."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.failures.record import NewFailure, record_failures, resolve_subjects
from core_sync.ledger.arrivals import Arrival, from_payload
from core_sync.ledger.conflicts import keep_conflicts, telling_id
from core_sync.ledger.knowledge import STATES, Decision, Held, Knowledge

PARKED_PATIENCE = timedelta(hours=1)
"""How long an event may wait for stock before that is a failure."""


def tell(connection: Connection, decision: Decision, knowledge: Knowledge, at: datetime) -> None:
    """Record the failures of a decision, and close those it cured."""
    failures = [_of_held(held, at) for held in decision.held.values() if _speaks_at_once(held)]
    failures += keep_told_otherwise(connection, decision.conflicts, at)
    negative, sound = _lenient_positions(decision, knowledge)
    failures += [_of_negative(arrival, knowledge, at) for arrival in negative]
    if failures:
        record_failures(connection, failures)
    cured = [f"negative:{position}" for position in sound]
    if decision.freed or decision.relieved:
        names: dict[int, str] = dict(connection.execute(text("SELECT source_id, name FROM source")).all())
        cured += [held_subject(names[source], event) for source, event in (*decision.freed, *decision.relieved)]
    resolve_subjects(connection, cured, at, "the cause is gone")


def keep_told_otherwise(connection: Connection, arrivals: Sequence[Arrival], at: datetime) -> list[NewFailure]:
    """Hold tellings that contradict an earlier one of their id; returns their failures, to be recorded."""
    keep_conflicts(connection, arrivals, at)
    return [_of_conflict(arrival, at) for arrival in arrivals]


def tell_overdue(connection: Connection, at: datetime, patience: timedelta = PARKED_PATIENCE) -> int:
    """Record a failure for each event that has waited for stock longer than ``patience``; returns how many are new.

    One that was told is told once: its case is not weighed again for nothing but that it goes on waiting.
    """
    waiting = connection.execute(
        text(
            "SELECT h.payload, h.message, h.state, h.quantity_asked, h.quantity_there, h.recorded_at, p.sku "
            "FROM held_event h JOIN source s ON s.source_id = h.source_id "
            "LEFT JOIN position p ON p.position_id = h.position_id "
            "WHERE h.status = 'parked' AND h.lacks IS NULL AND h.recorded_at <= :since AND NOT EXISTS ("
            "SELECT 1 FROM failure f WHERE f.subject = 'event:' || s.name || ':' || h.event_id "
            "AND f.resolved_at IS NULL)"
        ),
        {"since": to_microseconds(at - patience)},
    ).all()
    failures = []
    for payload, message, state, asked, there, recorded_at, sku in waiting:
        event = from_payload(payload)
        failures.append(
            NewFailure(
                kind="parked",
                subject=held_subject(event.source, event.event_id),
                message=f"{message}; it waits since {from_microseconds(recorded_at):%Y-%m-%d %H:%M} UTC",
                occurred_at=event.occurred_at,
                recorded_at=at,
                system=event.source,
                channel=event.channel or None,
                operation=f"ledger.{event.type}",
                sku=sku or event.sku,
                location=event.location,
                error_code="negative_stock",
                attempts=1,
                event_lag_s=(from_microseconds(recorded_at) - event.occurred_at).total_seconds(),
                document=event.document or None,
                quantity=asked,
                evidence={"state": state, "asked": asked, "there": there},
            )
        )
    record_failures(connection, failures)
    return len(failures)


def held_subject(source: str, event_id: str) -> str:
    """The failure subject of an event that is held."""
    return f"event:{source}:{event_id}"


def _speaks_at_once(held: Held) -> bool:
    """Stock may still come for an event that lacks stock; everything else is a failure at once."""
    return held.status != "applied" and not (held.status == "parked" and held.shortfall is not None)


def _of_held(held: Held, at: datetime) -> NewFailure:
    """The failure of a held event."""
    arrival, lack = held.arrival, held.arrival.lack
    return _failure(
        arrival,
        at,
        kind=held.status,
        message=held.message,
        subject=held_subject(arrival.event.source, arrival.event.event_id),
        error_code={"sku": "unmapped_sku", "uom": "uom_mismatch", "location": "location_mapping"}[lack.kind]
        if lack
        else held.reason,
        duplicate_of=held.duplicate_of,
    )


def _of_conflict(arrival: Arrival, at: datetime) -> NewFailure:
    event = arrival.event
    return _failure(
        arrival,
        at,
        kind="id_conflict",
        message=f"event {event.event_id} of {event.source} came again with other content; the first stands",
        subject=held_subject(event.source, telling_id(arrival)),
        error_code="id_conflict",
        duplicate_of=event.event_id,
    )


def _failure(
    arrival: Arrival,
    at: datetime,
    *,
    kind: str,
    message: str,
    subject: str,
    error_code: str,
    duplicate_of: str | None,
) -> NewFailure:
    event = arrival.event
    return NewFailure(
        kind=kind,
        subject=subject,
        message=message,
        occurred_at=event.occurred_at,
        recorded_at=at,
        system=event.source,
        channel=event.channel or None,
        operation=f"ledger.{event.type}",
        sku=_our_sku(arrival),
        location=event.location,
        error_code=error_code,
        attempts=1,
        event_lag_s=(at - event.occurred_at).total_seconds(),
        duplicate_of=duplicate_of,
        document=event.document or None,
        quantity=event.quantity,
        evidence={"file": arrival.file, "row": arrival.row} if arrival.file else None,
    )


def _our_sku(arrival: Arrival) -> str:
    """Our SKU as far as it is known, so that all that is told of it stands together; else what the source calls it."""
    known = arrival.lack.sku if arrival.lack else arrival.sku
    return known or arrival.event.sku


def _lenient_positions(decision: Decision, knowledge: Knowledge) -> tuple[list[Arrival], list[int]]:
    """An arrival of each lenient position that is negative; the keys of positions that were and are so no more."""
    watched = {
        key: state
        for key in decision.touched_positions()
        if not (state := knowledge.positions[key]).parks or state.was_negative
    }
    negative: dict[int, Arrival] = {}
    sound: set[int] = set()
    for entry in decision.entries if watched else ():
        key = entry.arrival.position
        if (position := watched.get(key)) is None:
            continue
        below = not position.relative and any(getattr(position, state) < 0 for state in STATES)
        if below and not position.parks:
            negative[key] = entry.arrival
        elif position.was_negative and not below:
            sound.add(key)
    return list(negative.values()), sorted(sound - negative.keys())


def _of_negative(arrival: Arrival, knowledge: Knowledge, at: datetime) -> NewFailure:
    position = knowledge.positions[arrival.position]
    figures = {state: getattr(position, state) for state in STATES}
    below = ", ".join(f"{state} {figure}" for state, figure in figures.items() if figure < 0)
    return NewFailure(
        kind="negative_stock",
        subject=f"negative:{arrival.position}",
        message=f"{arrival.sku} at {arrival.location} is below zero: {below}",
        occurred_at=arrival.event.occurred_at,
        recorded_at=at,
        system=arrival.event.source,
        operation=f"ledger.{arrival.event.type}",
        sku=arrival.sku,
        location=arrival.location,
        error_code="negative_stock",
        attempts=1,
        evidence=figures,
    )
