"""Canonical events from rows and messages, and back."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from core_sync.interchange.cells import Value
from core_sync.interchange.cloud_events import flattened
from core_sync.interchange.files import records
from core_sync.interchange.formats import TABLES
from core_sync.interchange.plan import Plan, plan_for
from core_sync.interchange.profile_rules import INTERCHANGE, SourceProfile
from core_sync.interchange.refusals import FieldRefused, RefusedRow
from core_sync.interchange.rows import RawRecord
from core_sync.ledger.events import QUANTITY_MAX, Event, EventType

EVENTS = TABLES["events"]
_TYPE, _QUANTITY, _TO_LOCATION = (EVENTS.places[name] for name in ("type", "quantity", "to_location"))
_TYPES: Mapping[str, EventType] = {kind.value: kind for kind in EventType}


def read_events(path: Path | str, profile: SourceProfile = INTERCHANGE) -> Iterator[Event | RefusedRow]:
    """The events in the file at ``path``, each bad row as a ``RefusedRow``, in place; memory stays flat.

    Raises:
        FileUnreadable: none of it can be used; while iterating, the rest of it cannot.
        ProfileRefused: the profile is not one for events.
    """
    return (each if isinstance(each, RefusedRow) else each[1] for each in read_events_with_rows(path, profile))


def read_events_with_rows(
    path: Path | str, profile: SourceProfile = INTERCHANGE
) -> Iterator[tuple[RawRecord, Event] | RefusedRow]:
    """As ``read_events``, each event with the row it came from, which can still be refused later.

    Raises:
        FileUnreadable, ProfileRefused: as ``read_events``.
    """
    return _with_rows(records(path, EVENTS, profile), profile)


def _with_rows(
    found: Iterator[RawRecord | RefusedRow], profile: SourceProfile
) -> Iterator[tuple[RawRecord, Event] | RefusedRow]:
    header: tuple[str, ...] = ()
    plan = plan_for(header, EVENTS, profile)
    for record in found:
        if isinstance(record, RefusedRow):
            yield record
            continue
        if record.header is not header:
            header = record.header
            plan = plan_for(header, EVENTS, profile)
        try:
            event = _event(plan, record)
        except FieldRefused as error:
            yield record.refuse(error.field, error.reason)
        else:
            yield record, event


def parse_event(
    said: Mapping[str, object], profile: SourceProfile = INTERCHANGE, file: str = "", row: int = 0
) -> Event | RefusedRow:
    """The event that one message says, flat or as a CloudEvents 1.0 envelope.

    Raises:
        ProfileRefused: the profile is not one for events.
    """
    try:
        flat = flattened(said)
        return to_event(RawRecord(file, row, None, tuple(flat), tuple(flat.values())), profile)
    except FieldRefused as error:
        return RefusedRow(file, row, error.field, error.reason, said)


def to_event(record: RawRecord, profile: SourceProfile = INTERCHANGE) -> Event:
    """The event that one row of a file says.

    Raises:
        FieldRefused: it says none; field and reason tell why.
        ProfileRefused: the profile is not one for events.
    """
    return _event(plan_for(record.header, EVENTS, profile), record)


def _event(plan: Plan, record: RawRecord) -> Event:
    values: list[Any] = plan.values(record.cells)  # the kinds of the table's columns guarantee the types
    type, quantity = _TYPES[values[_TYPE]], values[_QUANTITY]
    if not 0 <= quantity <= QUANTITY_MAX:
        _check_quantity(plan, type, quantity)
    if type is EventType.TRANSFER_OUT and not values[_TO_LOCATION]:
        raise FieldRefused(plan.file_column("to_location"), "is empty; a transfer_out says where to")
    values[_TYPE] = type
    values.append(plan.attributes(record.cells))
    return Event(*values)  # the table's columns stand in the order of the event's fields, attributes last


def _check_quantity(plan: Plan, type: EventType, quantity: int) -> None:
    """Refuse a quantity below 0 (but of ``adjust``) or beyond all trade."""
    column = plan.file_column("quantity")
    if abs(quantity) > QUANTITY_MAX:
        raise FieldRefused(column, f"{quantity} is more than one movement can be ({QUANTITY_MAX:,}); check the number")
    if type is not EventType.ADJUST:
        raise FieldRefused(
            column, f"{quantity} is negative; the type {type.value} gives the direction, only adjust may be negative"
        )


def event_fields(event: Event) -> dict[str, Value]:
    """The columns of the events table as ``event`` fills them, and its attributes beside."""
    columns: dict[str, Value] = {
        "id": event.event_id,
        "source": event.source,
        "type": event.type.value,
        "time": event.occurred_at,
        "sku": event.sku,
        "location": event.location,
        "quantity": event.quantity,
        "uom": event.uom,
        "lot": event.lot,
        "document": event.document,
        "line": event.line,
        "channel": event.channel,
        "account": event.account,
        "reservation_id": event.reservation_id,
        "to_location": event.to_location,
        "expires_at": event.expires_at,
        "unit_price": event.unit_price,
        "reason": event.reason,
    }
    return {**{name: value for name, value in event.attributes.items() if name not in columns}, **columns}
