"""Events in CloudEvents 1.0 envelopes say the same as flat columns."""

from pathlib import Path

import pytest

from core_sync.interchange.cloud_events import enveloped
from core_sync.interchange.events import event_fields, parse_event, read_events
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.writing import write_refused, write_rows
from core_sync.ledger.events import Event, EventType

ENVELOPE: dict[str, object] = {
    "specversion": "1.0",
    "id": "e-1",
    "source": "/wms/7",
    "type": "com.example.stock.receipt",
    "time": "2026-03-31T14:05:00+02:00",
    "subject": "pallet 9",
    "traceparent": "00-ab",
    "data": {"sku": "00123", "location": "MAIN", "quantity": 5, "document": "PO-1", "shift": {"no": 2}, "id": "inner"},
}


def test_an_envelope_is_an_event_with_its_other_attributes_beside() -> None:
    event = parse_event(ENVELOPE)
    assert isinstance(event, Event)
    assert (event.event_id, event.source, event.type, event.sku, event.quantity) == (
        "e-1", "/wms/7", EventType.RECEIPT, "00123", 5,
    )  # fmt: skip
    assert event.occurred_at.hour == 12
    assert dict(event.attributes) == {
        "subject": "pallet 9",
        "traceparent": "00-ab",
        "shift": '{"no":2}',
        "data.id": "inner",
    }


def test_flat_lines_and_envelopes_may_stand_in_one_file(tmp_path: Path) -> None:
    told = parse_event({name: value for name, value in ENVELOPE.items() if name not in ("subject", "traceparent")})
    assert isinstance(told, Event)
    path = tmp_path / "events.jsonl"
    write_rows(path, [event_fields(told), enveloped(event_fields(told)), ENVELOPE])
    flat, wrapped, as_sent = (event for event in read_events(path) if isinstance(event, Event))
    assert flat == told
    assert (wrapped.sku, wrapped.document, wrapped.occurred_at) == (told.sku, told.document, told.occurred_at)
    assert as_sent == parse_event(ENVELOPE)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"specversion": "0.3"}, "specversion"),
        ({"data": None}, "data"),
        ({"datacontenttype": "text/xml"}, "datacontenttype"),
        ({"data": {"sku": "A", "location": "B"}}, "quantity"),
        ({"data": {"sku": "A", "location": "B", "quantity": "many"}}, "quantity"),
        ({"time": "2026-03-31T14:05:00"}, "time"),
        ({"id": ""}, "id"),
    ],
)
def test_an_envelope_that_says_no_event_is_refused_and_kept_as_it_came(
    tmp_path: Path, change: dict[str, object], field: str
) -> None:
    path, again = tmp_path / "events.jsonl", tmp_path / "again.jsonl"
    write_rows(path, [{**ENVELOPE, **change}])
    (refused,) = read_events(path)
    assert isinstance(refused, RefusedRow)
    assert refused.field == field
    write_refused(again, [refused])
    (still,) = read_events(again)
    assert isinstance(still, RefusedRow)
    assert still.field == field
