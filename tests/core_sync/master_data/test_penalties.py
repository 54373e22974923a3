"""What channels charge, and what customers are worth: loaded, exported and documented like all master data."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.intake.load import LOADABLE, load_files
from core_sync.intake.summary import IngestSummary
from core_sync.interchange.formats import TABLES
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.loose_ends import loose_ends
from tests.tidy.checkout import CHECKOUT

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Database:
    return Database(database_url)


def load(database: Database, folder: Path, table: str, *lines: str) -> IngestSummary:
    file = folder / f"{table}.csv"
    file.write_text("\n".join(lines) + "\n")
    return load_files(Ledger(database), table, [file], NOW)


def test_a_channel_says_what_it_charges_and_a_later_row_changes_only_what_it_mentions(
    database: Database, tmp_path: Path
) -> None:
    header = "channel,kind,chargeback,chargeback_share,cancel_limit,cancel_days,cancel_cost,suspension_days"
    load(database, tmp_path, "channels", header, "amazon,amazon,,,0.025,7,,3", "grocer,edi,12.50,0.03,,,,")
    load(database, tmp_path, "channels", "channel,kind,cancel_cost", "amazon,amazon,900")
    with database.reading() as connection:
        told = connection.execute(
            text(f"SELECT {header.replace('kind,', '')} FROM channel ORDER BY channel")
        ).all()  # fmt: skip
    assert [tuple(row) for row in told] == [
        ("amazon", None, None, 250, 7, 9_000_000, 3),
        ("grocer", 125_000, 300, None, None, None, None),
    ]


@pytest.mark.parametrize(
    ("column", "told"), [("chargeback", "-1"), ("chargeback_share", "3"), ("cancel_limit", "2.5"), ("cancel_days", "0")]
)
def test_a_charge_that_cannot_be_is_refused_with_its_column(
    database: Database, tmp_path: Path, column: str, told: str
) -> None:
    summary = load(database, tmp_path, "channels", f"channel,kind,{column}", f"amazon,amazon,{told}")
    assert [(refused.row, refused.field) for refused in summary.refused_rows] == [(1, column)]


def test_what_names_something_that_nobody_loaded_is_told(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "cut_offs", "cut_off,time,zone,channel,location", "van,16:30,UTC,shp,LEEDS")
    load(database, tmp_path, "safety_stock", "sku,location,quantity", "MUG,LEEDS,2")
    load(database, tmp_path, "accounts", "account,tier", "ACME,gold")
    load(database, tmp_path, "channels", "channel,kind,cancel_limit", "amazon,amazon,0.025")
    with database.reading() as connection:
        found = {
            (one.table, one.lacks.removeprefix("a ").split(" that")[0]): one.names for one in loose_ends(connection)
        }
    assert found == {
        ("cut_offs", "channel"): ("van (shp)",),
        ("cut_offs", "location"): ("van (LEEDS)",),
        ("safety_stock", "location"): ("LEEDS",),
        ("safety_stock", "SKU"): ("MUG",),
        ("accounts", "tier"): ("ACME (gold)",),
        ("channels", "what it costs to cancel more than the limit"): ("amazon",),
    }


def test_where_all_of_it_is_there_nothing_is_told(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "tiers", "tier,retention_value", "gold,40")
    load(database, tmp_path, "accounts", "account,tier", "ACME,gold")
    load(database, tmp_path, "channels", "channel,kind,cancel_limit,cancel_cost", "amazon,amazon,0.025,900")
    load(
        database, tmp_path, "cut_offs", "cut_off,time,zone,channel,location", "van,16:30,UTC,,", "eve,18:00,UTC,amazon,"
    )
    with database.reading() as connection:
        assert loose_ends(connection) == []


def test_of_very_many_that_lack_something_a_few_are_named_and_all_counted(database: Database, tmp_path: Path) -> None:
    load(database, tmp_path, "safety_stock", "sku,location,quantity", *(f"MUG-{n},LEEDS,2" for n in range(9)))
    with database.reading() as connection:
        found = {one.lacks: (one.names, one.many) for one in loose_ends(connection)}
    assert found["a SKU that nobody loaded"] == (("MUG-0", "MUG-1", "MUG-2"), 9)


def test_every_column_that_load_takes_is_documented_and_no_other() -> None:
    documented: dict[str, set[str]] = {}
    table = ""
    for line in (CHECKOUT / "docs" / "master-data.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if len(cells) == 3 and cells[1] not in ("columns", "---"):
            table = cells[0].strip("`") or table
            documented.setdefault(table, set()).update(re.findall(r"\w+", cells[1]))
    assert documented == {name: set(TABLES[name].column_names) for name in LOADABLE}
    required = {column.name for name in LOADABLE for column in TABLES[name].columns if column.required}
    bold = set(re.findall(r"\*\*(\w+)\*\*", (CHECKOUT / "docs" / "master-data.md").read_text(encoding="utf-8")))
    assert required == bold - {"Bold"}
