"""Loading master data again changes what the rows mention, and nothing else."""

import json
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.clock import from_microseconds
from core_sync.database.engine import Database
from core_sync.intake.load import load_files
from core_sync.ledger.ledger import Ledger
from tests.builders import MONDAY


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def load(database: Database, folder: Path, table: str, *rows: dict[str, object]) -> None:
    file = folder / f"{table}.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert load_files(Ledger(database), table, [file], MONDAY).rejected == 0


def first(database: Database, statement: str) -> tuple[object, ...]:
    with database.reading() as connection:
        return tuple(connection.execute(text(statement)).one())


CHANNEL = "SELECT mode, priority, oversell_penalty FROM channel"
RULE = "SELECT share_ten_thousandths, buffer, shortage_below FROM channel_rule ORDER BY version DESC LIMIT 1"


def test_a_channel_that_is_new_begins_in_shadow(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify"})
    assert first(database, CHANNEL) == ("shadow", 100, None)
    assert first(database, RULE) == (10_000, 0, None)


def test_a_live_channel_stays_live_when_its_next_row_does_not_speak_of_the_mode(
    database: Database, tmp_path: Path
) -> None:
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify", "mode": "live", "priority": 3,
                                          "oversell_penalty": "4.5", "buffer": 2, "share": "0.5"})  # fmt: skip
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify", "buffer": 1})
    assert first(database, CHANNEL) == ("live", 3, 45_000)
    assert first(database, RULE) == (5_000, 1, None)


def test_attributes_that_are_not_mentioned_stay(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify", "endpoint": "http://127.0.0.1:1/"})
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify", "pilot_skus": ["MUG"]})
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify"})
    (attributes,) = first(database, "SELECT attributes FROM channel")
    assert json.loads(str(attributes)).keys() == {"endpoint", "pilot_skus"}


def test_rows_of_one_load_add_to_each_other(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "channels", {"channel": "shop", "kind": "shopify", "mode": "live"},
         {"channel": "shop", "kind": "shopify", "priority": 2})  # fmt: skip
    assert first(database, CHANNEL) == ("live", 2, None)


def test_a_lenient_place_and_a_lot_controlled_sku_stay_so(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "locations", {"location": "LEEDS", "stock_control": "lenient"})
    load(database, tmp_path, "locations", {"location": "LEEDS", "kind": "warehouse"})
    load(database, tmp_path, "skus", {"sku": "MUG", "base_uom": "EA", "lot_controlled": True})
    load(database, tmp_path, "skus", {"sku": "MUG", "base_uom": "EA", "unit_price": "2"})
    assert first(database, "SELECT stock_control, kind FROM location") == ("lenient", "warehouse")
    assert first(database, "SELECT lot_controlled, unit_price FROM sku") == (1, 20_000)


LINE = {"supplier": "POTTERY", "sku": "MUG", "ordered_at": "2026-02-01T08:00:00Z", "ordered_quantity": 60,
        "promised_at": "2026-02-20T08:00:00Z", "received_at": None, "received_quantity": None}  # fmt: skip
CAME = {"received_at": "2026-02-24T08:00:00Z", "received_quantity": 60}


def lines(database: Database) -> list[tuple[object, ...]]:
    """Supplier, and whether it came, of every purchase order line, by number."""
    told = "SELECT supplier, promised_at, received_at IS NOT NULL AS came FROM delivery ORDER BY delivery_id"
    with database.reading() as connection:
        return [(row.supplier, str(from_microseconds(row.promised_at))[5:10], bool(row.came))
                for row in connection.execute(text(told))]  # fmt: skip


def test_a_purchase_order_line_that_came_is_waited_for_no_more(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "deliveries", LINE, LINE | {"supplier": "KILN"})
    load(database, tmp_path, "deliveries", LINE | {"promised_at": "2026-02-23T08:00:00Z"})
    assert lines(database) == [("KILN", "02-20", False), ("POTTERY", "02-23", False)]
    load(database, tmp_path, "deliveries", LINE | CAME)
    load(database, tmp_path, "deliveries", LINE | CAME)
    assert lines(database) == [("KILN", "02-20", False), ("POTTERY", "02-20", True)]


def test_parts_of_a_purchase_order_line_stand_beside_each_other(database: Database, tmp_path: Path) -> None:
    later = LINE | {"promised_at": "2026-03-20T08:00:00Z"}
    load(database, tmp_path, "deliveries", LINE, later)
    load(database, tmp_path, "deliveries", LINE | CAME, later)
    load(database, tmp_path, "deliveries", LINE | {"ordered_at": "2026-02-02T08:00:00Z"})
    assert lines(database) == [("POTTERY", "03-20", False), ("POTTERY", "02-20", True), ("POTTERY", "02-20", False)]
