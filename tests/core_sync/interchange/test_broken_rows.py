"""A broken row is named with its reason and leaves the rows around it alone."""

from pathlib import Path

import pytest

from core_sync.interchange.errors import DuplicateColumn, FileUnreadable, FormatUnknown, MissingColumn
from core_sync.interchange.events import read_events
from core_sync.interchange.files import read_rows
from core_sync.interchange.formats import TABLES
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import Row
from core_sync.interchange.writing import write_refused
from core_sync.ledger.events import Event

HEADER = "id,source,type,time,sku,location,quantity,reason"
GOOD = "{id},wms,receipt,2026-03-31T14:05:00Z,00123,MAIN,5,"


def csv_of(folder: Path, *rows: str | bytes, header: str = HEADER) -> Path:
    """A .csv file with ``rows`` between two good ones."""
    lines = [header, GOOD.format(id="first"), *rows, GOOD.format(id="last")]
    path = folder / "events.csv"
    path.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in lines))
    return path


def sorted_out(path: Path) -> tuple[list[Event], list[RefusedRow]]:
    """The good events and the refused rows of a file."""
    found = list(read_events(path))
    return [e for e in found if isinstance(e, Event)], [r for r in found if isinstance(r, RefusedRow)]


@pytest.mark.parametrize(
    ("row", "field", "words"),
    [
        ("x,wms,receipt,31/03/2026,S,MAIN,5,", "time", "is not a time; write it like 2026-03-31T14:05:00Z"),
        ("x,wms,receipt,2026-02-30T10:00:00Z,S,MAIN,5,", "time", "is not a time"),
        ("x,wms,receipt,2026-03-31 14:05,S,MAIN,5,", "time", "has no time zone"),
        ("x,wms,receipt,0001-01-01T00:00:00+14:00,S,MAIN,5,", "time", "outside the years"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,2.5,", "quantity", "2.5 is not a whole number"),
        (",wms,receipt,2026-03-31T14:05:00Z,S,MAIN,5,", "id", "is empty"),
        ("   ,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,5,", "id", "is empty"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,9223372036854775808,", "quantity", "beyond 2^63"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,1e300,", "quantity", "beyond 2^63"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,9000000000000000000,", "quantity", "more than one movement"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,NaN,", "quantity", "is not a number"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,inf,", "quantity", "is not a number"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,1_000,", "quantity", "is not a number"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,٣,", "quantity", "is not a number"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,-5,", "quantity", "only adjust may be negative"),
        ("x,wms,reciept,2026-03-31T14:05:00Z,S,MAIN,5,", "type", "did you mean receipt?"),
        ("x,wms,transfer_out,2026-03-31T14:05:00Z,S,MAIN,5,", "to_location", "says where to"),
        (b"x,wms,receipt,2026-03-31T14:05:00Z,S\xff,MAIN,5,", "sku", "not UTF-8"),
        (b"x,wms,receipt,2026-03-31T14:05:00Z,S\0,MAIN,5,", "sku", "NUL"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,5,a,b,c", "", "has 10 columns where the header has 8"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S", "location", "has 5 columns where the header has 8"),
        ('x,wms,receipt,2026-03-31T14:05:00Z,"S,MAIN,5,', "", "quote"),
        ('x,wms,receipt,2026-03-31T14:05:00Z,"S"T,MAIN,5,', "", "quote"),
        ("x,wms,receipt,2026-03-31T14:05:00Z,S\rT,MAIN,5,", "", "carriage return"),
    ],
)
def test_one_broken_row_is_named_and_its_neighbours_are_taken(
    tmp_path: Path, row: str | bytes, field: str, words: str
) -> None:
    good, refused = sorted_out(csv_of(tmp_path, row))
    assert [event.event_id for event in good] == ["first", "last"]
    assert len(refused) == 1
    assert (refused[0].row, refused[0].line, refused[0].field) == (2, 3, field)
    assert words in refused[0].reason


@pytest.mark.parametrize("quantity", ["2", "2.0", " 2 ", "+2", "2e0", "0.2E1", "002"])
def test_a_quantity_that_is_whole_is_taken_however_it_is_written(tmp_path: Path, quantity: str) -> None:
    good, refused = sorted_out(csv_of(tmp_path, f"x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,{quantity},"))
    assert not refused
    assert good[1].quantity == 2


def test_an_adjustment_alone_may_be_negative(tmp_path: Path) -> None:
    good, refused = sorted_out(csv_of(tmp_path, "x,wms,adjust,2026-03-31T14:05:00Z,S,MAIN,-5,"))
    assert not refused
    assert good[1].quantity == -5


def test_a_quote_that_is_never_closed_takes_no_later_row_along(tmp_path: Path) -> None:
    path = csv_of(tmp_path, 'x,"wms', *(GOOD.format(id=f"g{n}") for n in range(2500)))
    good, refused = sorted_out(path)
    assert len(good) == 2502
    assert [(row.row, row.raw["_raw"]) for row in refused] == [(2, 'x,"wms')]


def test_a_quote_that_is_never_closed_before_rows_with_quotes_takes_none_along(tmp_path: Path) -> None:
    quoted = '"{id}","wms","receipt","2026-03-31T14:05:00Z","S","MAIN","5","said ""so"""'
    good, refused = sorted_out(csv_of(tmp_path, 'x,"wms', quoted.format(id="a"), quoted.format(id="b")))
    assert [event.event_id for event in good] == ["first", "a", "b", "last"]
    assert good[1].reason == 'said "so"'
    assert [row.row for row in refused] == [2]


def test_a_value_may_run_over_several_lines_and_later_rows_keep_their_numbers(tmp_path: Path) -> None:
    good, refused = sorted_out(csv_of(tmp_path, 'x,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,5,"a\nb"', "", "y"))
    assert good[1].reason == "a\nb"
    assert [(row.row, row.line) for row in refused] == [(3, 6)]


def test_a_line_without_end_is_refused_without_being_held_in_memory(tmp_path: Path) -> None:
    good, refused = sorted_out(csv_of(tmp_path, b"x" * (3 << 20)))
    assert [event.event_id for event in good] == ["first", "last"]
    assert len(refused) == 1
    assert len(str(refused[0].raw)) < 2 << 20


def test_unknown_columns_are_kept_as_attributes(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text(f"{HEADER},Operator,shift\n{GOOD.format(id='a')},Ä-7,\n")
    good, _ = sorted_out(path)
    assert dict(good[0].attributes) == {"Operator": "Ä-7"}


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    path = csv_of(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(sorted_out(path)[0]) == 2


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_file_in_another_encoding_is_refused_as_a_whole(tmp_path: Path, encoding: str, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    path.write_bytes(f"{HEADER}\n{GOOD.format(id='a')}\n".encode(encoding))
    with pytest.raises(FileUnreadable, match="save it again as UTF-8"):
        list(read_events(path))


def test_a_file_without_a_needed_column_says_which_and_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("id,source,type,when,sku,location,quantity\n")
    with pytest.raises(MissingColumn, match="needs a column time; there are id, source, type, when") as caught:
        read_events(path)
    assert (caught.value.columns, caught.value.there[:4]) == (("time",), ("id", "source", "type", "when"))


def test_a_file_without_several_needed_columns_names_them_all_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.csv"
    path.write_text("id,type\n")
    with pytest.raises(MissingColumn, match="needs the columns source, time, sku, location, quantity; there are"):
        read_events(path)


def test_a_file_with_another_separator_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "uom.csv"
    path.write_text("sku;uom;factor\nA;BOX;12\n")
    with pytest.raises(MissingColumn, match="separated by ';'"):
        read_rows(path, TABLES["uom"])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_an_empty_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"events{suffix}"
    path.touch()
    with pytest.raises(FileUnreadable, match="is empty"):
        read_events(path)


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "uom.csv"
    path.write_text("sku,uom,factor,sku\n")
    with pytest.raises(DuplicateColumn) as caught:
        read_rows(path, TABLES["uom"])
    assert caught.value.column == "sku"


def test_what_is_no_file_of_ours_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatUnknown):
        read_events(tmp_path / "events.xlsx")
    with pytest.raises(FileUnreadable, match="no such file"):
        read_events(tmp_path / "events.csv")
    damaged = tmp_path / "events.parquet"
    damaged.write_bytes(b"PAR1 and nothing else")
    with pytest.raises(FileUnreadable, match="Parquet"):
        read_events(damaged)


def test_refused_rows_can_be_written_corrected_and_sent_again(tmp_path: Path) -> None:
    broken: list[str | bytes] = [
        "a,wms,receipt,yesterday,S,MAIN,5,",
        b"b,wms,receipt,2026-03-31T14:05:00Z,S\xff,MAIN,5,",
        "c,wms,receipt,2026-03-31T14:05:00Z,S,MAIN,5,too,many,cells",
        'd,wms,receipt,2026-03-31T14:05:00Z,"S,MAIN,5,',
    ]
    _, refused = sorted_out(csv_of(tmp_path, *broken))
    again = tmp_path / "again.csv"
    assert write_refused(again, refused) == 4
    assert sorted_out(again)[0] == [], "not corrected, all are refused again"

    told = again.read_bytes()
    assert b"yesterday" in told
    assert b"S\xff" in told
    assert b"_row,_field,_reason" in told.splitlines()[0]
    corrected = told.replace(b"yesterday", b"2026-03-30T09:00:00Z").replace(b"S\xff", b"S")
    again.write_bytes(corrected)
    good, still = sorted_out(again)
    assert [event.event_id for event in good] == ["a", "b"]
    assert not good[0].attributes
    assert [row.field for row in still] == ["_raw", "_raw"]


def test_json_rows_are_refused_one_by_one_and_sent_again(tmp_path: Path) -> None:
    path = tmp_path / "uom.jsonl"
    path.write_bytes(
        b'{"sku":"A","uom":"BOX","factor":12}\n'
        b'{"sku":"B","uom":\n\n'
        b'{"sku":"C","uom":"BOX"}\n'
        b'{"sku":"D","uom":"BOX","factor":NaN}\n'
        b'{"sku":"E\xff","uom":"BOX","factor":1}\n'
        b'["F"]\n'
        b'{"sku":"G","sku":"H","uom":"BOX","factor":1}\n'
        b'{"sku":"I\\ud800","uom":"BOX","factor":1}\n'
        b'{"sku":{"code":"J"},"uom":"BOX","factor":1}\n'
        b'{"sku":"K","uom":"BOX","factor":true}\n' + b"[" * 100_000 + b"\n"
        b'{"sku":"L","uom":"BOX","factor":1' + b"0" * 5000 + b"}\n"
        b'{"sku":"Z","uom":"BOX","factor":0.5,"note":["x"]}\n'
    )
    rows = list(read_rows(path, TABLES["uom"]))
    good = [row for row in rows if isinstance(row, Row)]
    refused = [row for row in rows if isinstance(row, RefusedRow)]
    assert [row.text("sku") for row in good] == ["A", "Z"]
    assert dict(good[1].attributes) == {"note": '["x"]'}
    assert [(row.row, row.field) for row in refused] == [
        (2, ""), (3, "factor"), (4, "factor"), (5, ""), (6, ""), (7, ""), (8, "sku"), (9, "sku"), (10, "factor"),
        (11, ""), (12, ""),
    ]  # fmt: skip
    assert refused[1].line == 4
    again = tmp_path / "again.jsonl"
    write_refused(again, refused)
    assert all(isinstance(row, RefusedRow) for row in read_rows(again, TABLES["uom"]))


def test_a_json_list_is_not_taken_for_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "uom.jsonl"
    path.write_text('[{"sku":"A","uom":"BOX","factor":12}]')
    with pytest.raises(FileUnreadable, match="one JSON object a line"):
        list(read_rows(path, TABLES["uom"]))


def test_whole_json_numbers_keep_every_digit(tmp_path: Path) -> None:
    path = tmp_path / "snapshots.jsonl"
    exact = 2**53 + 1
    row = '{"system":7,"sku":%d,"location":"","state":"on_hand","quantity":%s,"as_of":"2026-01-01T00:00:00Z"}\n'
    path.write_text(row % (exact, exact) + row % (exact, f"{exact}.0"))
    for found in read_rows(path, TABLES["snapshots"]):
        assert isinstance(found, Row)
        assert found.whole("quantity") == exact
        assert found.text("sku") == str(exact)
        assert found.text("system") == "7"
