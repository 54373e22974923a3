"""Rows read together say what each says alone: no value, refusal or place differs."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core_sync.interchange.cells import reader_of
from core_sync.interchange.events import parse_event, parse_events, read_events
from core_sync.interchange.formats import TABLES, Column, Kind
from core_sync.interchange.moments import TimeRule
from core_sync.interchange.refusals import CellRefused, RefusedRow
from core_sync.interchange.whole_columns import column_reader_of
from core_sync.ledger.events import Event

TEXTS = st.sampled_from(
    ["", " ", "0", "-0", "+5", "5", "05", "1_000", "٣", "2.0", "2e0", ".5", "5.", ".", "-", "--5", "9" * 25, "receipt",
     "Receipt", "strict", "2026-03-31T14:05:00Z", "2026-03-31T14:05:00+02:00", "2026-03-31 14:05", "2026-03-31",
     "0001-01-01T00:00:00+14:00", "20260331T140500Z", "a\0b", "\udcff", "ä", "NaN", "-1.5", "99999999999999999"]
)  # fmt: skip
CELLS = st.one_of(
    TEXTS,
    st.none(),
    st.integers(-(2**70), 2**70),
    st.booleans(),
    st.floats(),
    st.decimals(allow_nan=False),
    st.sampled_from(
        [datetime(2026, 3, 31, 14, tzinfo=UTC), datetime(2026, 3, 31),  # noqa: DTZ001 - a cell without a zone
         date(2026, 3, 31), ["a"], {"a": 1},
         datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), b"bytes"]
    ),
)  # fmt: skip
KINDS = [
    Column("x", kind, required=must_be_filled, choices=("receipt", "strict") if kind is Kind.CHOICE else ())
    for kind in Kind
    for must_be_filled in (True, False)
]


@given(st.sampled_from(KINDS), st.lists(CELLS, min_size=1, max_size=4) | st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=150)
def test_a_column_is_read_as_its_cells_are(column: Column, cells: list[object]) -> None:
    read = reader_of(column, TimeRule())
    together = column_reader_of(column, TimeRule())(cells)
    if together is None:
        return
    try:
        apart = [read(cell) for cell in cells]
    except CellRefused as error:
        pytest.fail(f"{cells} were read as {together}, though {error}")
    assert [(type(value), value) for value in together] == [(type(value), value) for value in apart]


@pytest.mark.parametrize("column", TABLES["events"].columns, ids=lambda column: column.name)
def test_plain_columns_are_read_at_once(column: Column) -> None:
    plain = {Kind.TEXT: "A-1", Kind.CHOICE: "ship", Kind.SIGNED: "12", Kind.TIME: "2026-03-31T14:05:00Z"}
    cell = plain.get(column.kind, "3.25")
    rest = [] if column.must_be_filled else [""]
    assert column_reader_of(column, TimeRule())([cell, cell, *rest]) is not None


GOOD = {"id": "1", "source": "wms", "type": "receipt", "time": "2026-03-31T14:05:00Z", "sku": "S", "location": "L"}
MESSAGES = st.one_of(
    st.builds(lambda quantity, more: {**GOOD, "quantity": quantity, **more}, CELLS, st.dictionaries(
        st.sampled_from(["type", "time", "line", "unit_price", "expires_at", "to_location", "colour", "data.x", "id"]),
        CELLS, max_size=3)),
    st.just({**GOOD, "quantity": 1, "type": "transfer_out"}),
    st.just({"specversion": "1.0", **GOOD, "data": {"sku": "S", "location": "L", "quantity": 2}}),
    st.sampled_from([{}, "text", None, 3, {"specversion": "2.0"}]),
)  # fmt: skip


@given(st.lists(MESSAGES, max_size=6))
@settings(max_examples=40)
def test_messages_say_together_what_each_says_alone(messages: list[object]) -> None:
    together = parse_events(messages, file="here")
    apart = [parse_events([message], file="here", first_row=row)[0] for row, message in enumerate(messages, 1)]
    assert repr(together) == repr(apart)  # as text, for a NaN is not equal to itself


def test_a_message_that_is_no_object_is_named() -> None:
    good, bad = parse_events([{**GOOD, "quantity": 1}, "nonsense"])
    assert isinstance(good, Event)
    assert isinstance(bad, RefusedRow)
    assert (bad.row, bad.reason) == (2, "is not a JSON object; send {…} for each event")
    assert parse_event({**GOOD, "quantity": 1}) == good


HEADER = "id,source,type,time,sku,location,quantity,reason"
LINES = st.sampled_from(
    [
        "1,wms,receipt,2026-03-31T14:05:00Z,S,L,5,",
        '1,wms,receipt,2026-03-31T14:05:00Z,"S,1",L,5,"said ""so"""',
        '1,wms,receipt,2026-03-31T14:05:00Z,"S\n2",L,5,',
        "1,wms,receipt,2026-03-31T14:05:00Z,S,L,5,\r",
        "1,wms,receipt,2026-03-31T14:05:00Z,S,L,five,",
        "1,wms,receipt,2026-03-31T14:05:00Z,S",
        "1,wms,receipt,2026-03-31T14:05:00Z,S\rT,L,5,",
        "1,wms,receipt,2026-03-31T14:05:00Z,ä,L,5,",
        "1,wms,receipt,2026-03-31T14:05:00Z,\udcff,L,5,",
        "",
        "   ",
    ]
)


@given(st.lists(LINES, max_size=12), st.booleans())
@settings(max_examples=30, deadline=None)
def test_lines_of_a_file_say_together_what_each_says_alone(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ends: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()

    def found(name: str, some: list[str]) -> list[tuple[object, ...]]:
        path = folder / name
        text = "\n".join([HEADER, *some]) + ("\n" if ends else "")
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        return [
            (each.field, each.reason, str(each.raw)) if isinstance(each, RefusedRow) else (each,)
            for each in read_events(path)
        ]

    assert found("all.csv", lines) == [each for line in lines for each in found("one.csv", [line])]


def test_a_file_of_many_stretches_keeps_its_numbers(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    good = "{},wms,receipt,2026-03-31T14:05:00Z,S,L,5,"
    lines = [HEADER, *(good.format(f"{number:0200d}") for number in range(3_000))]
    lines[2_001] = good.format("broken").replace("5", '"5', 1)
    lines[1_001] = ""
    path.write_text("\n".join(lines), encoding="utf-8")
    found = list(read_events(path))
    (refused,) = (each for each in found if isinstance(each, RefusedRow))
    assert (refused.row, refused.line, len(found)) == (2_000, 2_002, 2_999)
