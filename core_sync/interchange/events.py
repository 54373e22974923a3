"""Canonical events from rows and messages, and back."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
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
from core_sync.interchange.runs import by_header, in_runs
from core_sync.ledger.events import CORRECTIONS, QUANTITY_MAX, Event, EventType

EVENTS = TABLES["events"]
_TYPE, _QUANTITY, _TO_LOCATION = (EVENTS.places[name] for name in ("type", "quantity", "to_location"))
_SOURCE = EVENTS.places["source"]
_KEYS = frozenset({
    "id", "source", "sku", "location", "lot", "document", "line", "channel", "account", "reservation_id", "to_location",
})  # fmt: skip
KEY_BYTES_MAX = 800
"""What is looked up by, in UTF-8: three such keys still fit into one row of PostgreSQL's index (2,704 bytes)."""
_TOO_LONG = f"has {{}} characters; a key has at most {KEY_BYTES_MAX} bytes, so shorten it"
_OURS = f"{CORRECTIONS} is what the ledger itself speaks as; name the system that tells the event"
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
    found = records(path, EVENTS, profile)
    return (each for run in in_runs(found) for each in _with_rows(run, profile))


def parse_events(
    said: Sequence[object], profile: SourceProfile = INTERCHANGE, file: str = "", first_row: int = 1
) -> list[Event | RefusedRow]:
    """The event that each message says, flat or as a CloudEvents 1.0 envelope; rows count from ``first_row``.

    Raises:
        ProfileRefused: the profile is not one for events.
    """
    run: list[RawRecord | RefusedRow] = []
    for row, message in enumerate(said, first_row):
        if not isinstance(message, Mapping):
            run.append(RefusedRow(file, row, "", "is not a JSON object; send {…} for each event", {}))
            continue
        try:
            flat = flattened(message)
        except FieldRefused as error:
            run.append(RefusedRow(file, row, error.field, error.reason, message))
        else:
            run.append(RawRecord(file, row, None, tuple(flat), tuple(flat.values())))
    return [
        each[1]
        if not isinstance(each, RefusedRow)
        else replace(each, raw=message if isinstance(message, Mapping) else {})
        for each, message in zip(_with_rows(run, profile), said, strict=True)
    ]


def parse_event(
    said: Mapping[str, object], profile: SourceProfile = INTERCHANGE, file: str = "", row: int = 0
) -> Event | RefusedRow:
    """The event that one message says, as ``parse_events``.

    Raises:
        ProfileRefused: the profile is not one for events.
    """
    return parse_events([said], profile, file, row)[0]


def _with_rows(
    run: Sequence[RawRecord | RefusedRow], profile: SourceProfile
) -> list[tuple[RawRecord, Event] | RefusedRow]:
    return by_header(run, lambda header, alike: _events(plan_for(header, EVENTS, profile), alike))


def _events(plan: Plan, alike: Sequence[RawRecord]) -> list[tuple[RawRecord, Event] | RefusedRow]:
    """The events of records that lie under the header of ``plan``."""
    rows = [record.cells for record in alike]
    found, refused = plan.columns(rows)
    columns: list[Sequence[Any]] = list(found)  # the kinds of the table's columns guarantee the types
    columns[_TYPE] = [_TYPES.get(kind) for kind in columns[_TYPE]]
    movements = zip(columns[_TYPE], columns[_QUANTITY], columns[_TO_LOCATION], strict=True)
    doubtful = [
        (row, said)
        for row, said in enumerate(movements)
        if said[1] is None or not 0 <= said[1] <= QUANTITY_MAX or (said[0] is EventType.TRANSFER_OUT and not said[2])
    ]
    for row, said in doubtful:
        if row not in refused and (refusal := _refusal(plan, *said)) is not None:
            refused[row] = refusal
    for row, refusal in _unusable_names(plan, columns):
        refused.setdefault(row, refusal)
    attributes = plan.all_attributes(rows, refused)
    # The table's columns stand in the order of the event's fields, attributes last.
    events: list[tuple[RawRecord, Event] | RefusedRow] = list(zip(alike, map(Event, *columns, attributes), strict=True))
    for row, refusal in refused.items():
        events[row] = alike[row].refuse(refusal.field, refusal.reason)
    return events


def _unusable_names(plan: Plan, columns: Sequence[Sequence[Any]]) -> Iterator[tuple[int, FieldRefused]]:
    """Rows with a name that no index can hold, or with ours as their source."""
    for place, column in enumerate(EVENTS.columns):
        if column.name in _KEYS and any(len(key) > KEY_BYTES_MAX // 4 for key in columns[place] if key):
            for row, key in enumerate(columns[place]):
                if key and len(key.encode()) > KEY_BYTES_MAX:
                    yield row, FieldRefused(plan.file_column(column.name), _TOO_LONG.format(len(key)))
    if CORRECTIONS in columns[_SOURCE]:
        for row, source in enumerate(columns[_SOURCE]):
            if source == CORRECTIONS:
                yield row, FieldRefused(plan.file_column("source"), _OURS)


def _refusal(plan: Plan, kind: EventType, quantity: int, to_location: str) -> FieldRefused | None:
    """Why the event says nothing that can be: a quantity below 0 (but of ``adjust``) or beyond all trade, no goal."""
    if abs(quantity) > QUANTITY_MAX:
        reason = f"{quantity} is more than one movement can be ({QUANTITY_MAX:,}); check the number"
        return FieldRefused(plan.file_column("quantity"), reason)
    if quantity < 0 and kind is not EventType.ADJUST:
        reason = f"{quantity} is negative; the type {kind.value} gives the direction, only adjust may be negative"
        return FieldRefused(plan.file_column("quantity"), reason)
    if kind is EventType.TRANSFER_OUT and not to_location:
        return FieldRefused(plan.file_column("to_location"), "is empty; a transfer_out says where to")
    return None


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
