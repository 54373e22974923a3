"""A file with broken rows: the good ones apply, each bad one is named, can be corrected and sent again."""

from pathlib import Path

from sqlalchemy import text

from core_sync.clock import now
from core_sync.database.engine import Database
from core_sync.intake.ingest import ingest_files
from core_sync.intake.load import load_files
from core_sync.interchange.writing import write_refused
from core_sync.ledger.history import positions
from core_sync.ledger.ledger import Ledger

HEADER = b"id,source,type,time,sku,location,quantity,document\n"
ROWS = [
    (b"g1,wms,receipt,2026-03-02T08:00:00Z,MUG,LEEDS,10,PO-1", None),
    (b"b1,wms,receipt,2026-13-02T08:00:00Z,MUG,LEEDS,1,PO-1", "time"),
    (b"b2,wms,receipt,2026-03-02T08:00:00,MUG,LEEDS,1,PO-1", "time"),
    (b"b3,wms,receipt,2026-03-02T08:00:00Z,GHOST,LEEDS,1,PO-1", "sku"),
    (b"b4,wms,receipt,2026-03-02T08:00:00Z,MUG,LEEDS,1.5,PO-1", "quantity"),
    (b",wms,receipt,2026-03-02T08:00:00Z,MUG,LEEDS,1,PO-1", "id"),
    (b"b6,wms,receipt,2026-03-02T08:00:00Z,MUG,LEEDS,9223372036854775809,PO-1", "quantity"),
    (b"b7,wms,receipt,2026-03-02T08:00:00Z,M\xfcG,LEEDS,1,PO-1", "sku"),
    (b"b8,wms,receipt,2026-03-02T08:00:00Z,MUG,LEEDS,1,PO-1,extra,more", ""),
    (b"g2,wms,ship,2026-03-02T09:00:00+01:00,MUG,LEEDS,4,SO-1", None),
]


def a_ledger_that_knows_mugs(database_url: str, folder: Path) -> Ledger:
    ledger = Ledger(Database(database_url))
    (folder / "skus.csv").write_text("sku,base_uom\nMUG,EA\n")
    load_files(ledger, "skus", [folder / "skus.csv"], now())
    return ledger


def on_hand(ledger: Ledger) -> int:
    with ledger.database.reading() as connection:
        return sum(position.on_hand for position in positions(connection))


def test_good_rows_apply_and_each_bad_one_is_named_with_row_field_and_reason(database_url: str, tmp_path: Path) -> None:
    ledger = a_ledger_that_knows_mugs(database_url, tmp_path)
    file = tmp_path / "events.csv"
    file.write_bytes(HEADER + b"\n".join(row for row, _ in ROWS) + b"\n")
    summary = ingest_files(ledger, [file], now)
    assert (summary.accepted, summary.parked, summary.rejected, on_hand(ledger)) == (2, 1, 7, 6)
    named = {event.row: event.field for event in summary.named}
    assert set(named) == {number for number, (_, field) in enumerate(ROWS, 1) if field is not None}
    assert {row: field for row, field in named.items() if field} == {
        number: field for number, (_, field) in enumerate(ROWS, 1) if field
    }
    assert all(event.reason for event in summary.named)


def test_refused_rows_can_be_corrected_and_sent_again(database_url: str, tmp_path: Path) -> None:
    ledger = a_ledger_that_knows_mugs(database_url, tmp_path)
    file = tmp_path / "events.csv"
    file.write_bytes(HEADER + ROWS[0][0] + b"\n" + ROWS[4][0] + b"\n")
    summary = ingest_files(ledger, [file], now)
    again = tmp_path / "again.csv"
    write_refused(again, summary.refused_rows)
    again.write_text(again.read_text().replace("1.5", "2"))
    corrected = ingest_files(ledger, [again], now)
    assert (corrected.accepted, corrected.rejected, on_hand(ledger)) == (1, 0, 12)


def test_the_same_file_again_changes_nothing_and_says_so(database_url: str, tmp_path: Path) -> None:
    ledger = a_ledger_that_knows_mugs(database_url, tmp_path)
    file = tmp_path / "events.csv"
    file.write_bytes(HEADER + ROWS[0][0] + b"\n" + ROWS[9][0] + b"\n")
    ingest_files(ledger, [file], now)
    again = ingest_files(ledger, [file], now)
    assert (again.accepted, again.duplicates, on_hand(ledger)) == (0, 2, 6)


def test_an_unknown_sku_applies_once_its_master_data_is_loaded(database_url: str, tmp_path: Path) -> None:
    ledger = a_ledger_that_knows_mugs(database_url, tmp_path)
    file = tmp_path / "events.csv"
    file.write_bytes(HEADER + ROWS[3][0] + b"\n")
    assert ingest_files(ledger, [file], now).parked == 1
    (tmp_path / "aliases.csv").write_text("system,external_sku,sku\nwms,GHOST,MUG\n")
    loaded = load_files(ledger, "aliases", [tmp_path / "aliases.csv"], now())
    assert (loaded.accepted, loaded.freed, on_hand(ledger)) == (1, 1, 1)
    with ledger.database.reading() as connection:
        assert connection.execute(text("SELECT resolution FROM failure")).scalar_one() is not None
