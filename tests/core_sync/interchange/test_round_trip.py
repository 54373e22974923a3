"""What is written is read again as it was, in every format."""

import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_sync.clock import from_microseconds
from core_sync.interchange.events import event_fields, parse_event, read_events
from core_sync.interchange.files import SUFFIXES, read_rows
from core_sync.interchange.formats import TABLES, Table
from core_sync.interchange.rows import Row
from core_sync.interchange.writing import write_rows
from core_sync.ledger.events import QUANTITY_MAX, Event, EventType

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12) | st.sampled_from(
    [
        "00123",
        'say "so"',
        "a,b",
        "two\nlines",
        "two\r\nlines",
        "lone\rreturn",
        "Grüße 漢字 🙂",
        "=1+1",
        "NULL",
        " x ",
        "1e5",
    ]
)
NAME = TEXT.filter(lambda text: text != "" and not text.isspace())
MOMENT = st.integers(0, 2**33 * 1_000_000).map(from_microseconds)
MONEY = st.decimals(0, 10**9, places=4)
ATTRIBUTES = st.dictionaries(st.sampled_from(["Operator", "Größe", "x,y"]), NAME, max_size=3)


@st.composite
def events(draw: st.DrawFn) -> Event:
    """Any event that a source could send."""
    kind = draw(st.sampled_from(EventType))
    return Event(
        event_id=draw(NAME),
        source=draw(NAME),
        type=kind,
        occurred_at=draw(MOMENT),
        sku=draw(NAME),
        location=draw(NAME),
        quantity=draw(st.integers(-QUANTITY_MAX if kind is EventType.ADJUST else 0, QUANTITY_MAX)),
        lot=draw(TEXT),
        document=draw(TEXT),
        to_location=draw(NAME),
        expires_at=draw(st.none() | MOMENT),
        unit_price=draw(st.none() | MONEY),
        reason=draw(TEXT),
        attributes=draw(ATTRIBUTES),
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=50)
@given(told=st.lists(events(), min_size=1, max_size=5))
def test_events_come_back_from_a_file_as_they_were(suffix: str, told: list[Event]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"events{suffix}"
        assert write_rows(path, map(event_fields, told)) == len(told)
        assert list(read_events(path)) == told


@settings(deadline=None, max_examples=50)
@given(told=events())
def test_an_event_comes_back_from_one_message_as_it_was(told: Event) -> None:
    assert parse_event(event_fields(told)) == told


SNAPSHOT = st.fixed_dictionaries(
    {
        "system": NAME,
        "sku": NAME,
        "location": TEXT.filter(lambda text: text == "" or not text.isspace()),
        "state": st.sampled_from(["on_hand", "allocated", "available"]),
        "quantity": st.integers(-(2**63) + 1, 2**63 - 1),
        "as_of": MOMENT,
    }
)


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(deadline=None, max_examples=50)
@given(told=st.lists(SNAPSHOT, max_size=5))
def test_snapshots_come_back_from_a_file_as_they_were(suffix: str, told: list[Mapping[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"snapshots{suffix}"
        table = TABLES["snapshots"]
        assert write_rows(path, told, table.column_names) == len(told)
        assert [row.fields for row in read_rows(path, table) if isinstance(row, Row)] == told


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_of_any_columns_is_written_and_read_as_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"truth{suffix}"
    rows: list[dict[str, object]] = [
        {
            "case": "c1",
            "cause": "timeout",
            "loss": Decimal("12.50"),
            "late": True,
        },
        {"case": "c2", "cause": None, "signals": 3, "at": datetime(2026, 1, 2, 3, tzinfo=UTC)},
    ]
    assert write_rows(path, rows) == 2
    first, second = (row for row in read_rows(path, Table("truth")) if isinstance(row, Row))
    assert first.attributes["loss"] == "12.50"
    assert first.attributes["late"] == "true"
    assert second.attributes["at"].startswith("2026-01-02T03:00:00")
    assert (set(second.attributes), second.attributes["signals"]) == ({"case", "signals", "at"}, "3")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_columns_that_change_their_kind_far_into_a_file_lose_nothing(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mixed{suffix}"
    values: list[object] = [None] * 33_000 + [7] * 33_000 + [Decimal("0.25")] * 10 + ["007", 2**70]
    rows: Iterator[Mapping[str, object]] = ({"n": n, "value": value} for n, value in enumerate(values))
    assert write_rows(path, rows, ["n", "value"]) == len(values)
    read = [row.attributes.get("value") for row in read_rows(path, Table("mixed")) if isinstance(row, Row)]
    assert read[0] is None
    assert read[40_000] == "7"
    assert read[-3:] == ["0.25", "007", str(2**70)]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_time_without_zone_is_not_written_and_leaves_no_half_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"truth{suffix}"
    naive = datetime(2026, 1, 2)  # noqa: DTZ001 the point of the test
    with pytest.raises(ValueError, match="no time zone"):
        write_rows(path, [{"at": datetime(2026, 1, 1, tzinfo=UTC)}, {"at": naive}])
    assert list(tmp_path.iterdir()) == []
