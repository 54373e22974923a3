"""A source profile says what a source leaves unsaid."""

import os
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from core_sync.interchange.errors import ProfileRefused
from core_sync.interchange.events import parse_event, read_events
from core_sync.interchange.files import read_rows
from core_sync.interchange.formats import TABLES
from core_sync.interchange.profile import Opening, SourceProfile, load_profile, profile_from, shipped_profiles
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import Row
from core_sync.interchange.writing import write_refused
from core_sync.ledger.events import Event, EventType

RETAIL = load_profile("retail-movements")
DATA = Path(os.environ.get("STOCKTRIAGE_SHARED_DATA", Path(__file__).parents[4] / "shared" / "data"))
FEED = DATA / "retail_movements.feed.parquet"
WMS = {"id": "1", "source": "wms", "type": "receipt", "time": "2026-03-31T14:05:00Z", "sku": "S", "location": "L"}


def retail_row(**changes: object) -> dict[str, object]:
    """A movement line of the wholesaler."""
    return {"movement_id": 7, "ts": "2010-07-01 09:30", "sku": "85048", "delta": -12, "doc": 489434, **changes}


def taken(said: dict[str, object], profile: SourceProfile) -> Event:
    """The event that ``said`` is."""
    event = parse_event(said, profile)
    assert isinstance(event, Event), event
    return event


def refusal(said: dict[str, object], profile: SourceProfile) -> RefusedRow:
    """Why ``said`` is none."""
    refused = parse_event(said, profile)
    assert isinstance(refused, RefusedRow), refused
    return refused


def test_a_sale_line_becomes_a_shipment_in_utc() -> None:
    assert taken(retail_row(), RETAIL) == Event(
        "7", "retail-movements", EventType.SHIP, datetime(2010, 7, 1, 8, 30, tzinfo=UTC), "85048", "WAREHOUSE", 12,
        document="489434",
    )  # fmt: skip
    assert RETAIL.source == "retail-movements"
    assert RETAIL.opening is Opening.UNKNOWN


def test_a_return_line_becomes_a_return_and_nothing_is_refused() -> None:
    assert taken(retail_row(delta=3), RETAIL).type is EventType.RETURN_RECEIVED
    refused = refusal(retail_row(delta=0), RETAIL)
    assert (refused.field, refused.reason) == ("delta", "0 moves nothing; leave the row out")


@pytest.mark.parametrize(
    ("field", "value"), [("movement_id", None), ("ts", ""), ("sku", " "), ("delta", 1.5), ("delta", True)]
)
def test_a_refusal_names_the_column_as_the_file_does(field: str, value: object) -> None:
    assert refusal(retail_row(**{field: value}), RETAIL).field == field


def test_an_hour_that_the_clocks_show_twice_is_decided_by_the_profile() -> None:
    told = retail_row(ts="2010-10-31 01:30")
    assert taken(told, RETAIL).occurred_at == datetime(2010, 10, 31, 0, 30, tzinfo=UTC)
    keys: dict[str, object] = {
        "columns": {"id": "movement_id", "time": "ts"},
        "constants": {"source": "x", "location": "L"},
        "quantity": {"column": "delta", "negative": "ship", "positive": "receipt", "zero": "count"},
    }
    later = profile_from("later", {**keys, "time": {"zone": "Europe/London", "ambiguous": "later"}})
    assert taken(told, later).occurred_at == datetime(2010, 10, 31, 1, 30, tzinfo=UTC)
    assert taken(retail_row(delta=0), later).type is EventType.COUNT
    strict = profile_from("strict", {**keys, "time": {"zone": "Europe/London", "ambiguous": "refuse"}})
    assert "happened twice" in refusal(told, strict).reason


def test_an_hour_that_the_clocks_jump_over_is_refused() -> None:
    assert "does not exist in Europe/London" in refusal(retail_row(ts="2010-03-28 01:30"), RETAIL).reason
    assert taken(retail_row(ts="2010-03-28 02:00"), RETAIL).occurred_at == datetime(2010, 3, 28, 1, tzinfo=UTC)


def test_a_time_that_says_its_own_zone_needs_no_profile() -> None:
    assert taken(retail_row(ts="2010-07-01T09:30:00+05:30"), RETAIL).occurred_at.hour == 4


def test_times_may_be_written_in_the_way_of_the_source() -> None:
    for pattern, written in (
        ("%d/%m/%Y %H:%M", "31/03/2026 14:05"),
        ("epoch_s", 1774965900),
        ("epoch_ms", "1774965900000"),
    ):
        profile = profile_from("own", {"time": {"zone": "UTC", "format": pattern}})
        assert taken({**WMS, "quantity": 1, "time": written}, profile).occurred_at == datetime(
            2026, 3, 31, 14, 5, tzinfo=UTC
        )
        assert refusal({**WMS, "quantity": 1, "time": "soon"}, profile).field == "time"


def test_defaults_fill_what_is_empty_and_constants_override() -> None:
    profile = profile_from(
        "own",
        {"defaults": {"uom": "EA", "location": "MAIN"}, "constants": {"source": "erp"}, "types": {"GR": "receipt"}},
    )
    event = taken({**WMS, "type": "GR", "location": "", "uom": "BOX", "quantity": "3"}, profile)
    assert (event.location, event.uom, event.source, event.type) == ("MAIN", "BOX", "erp", EventType.RECEIPT)
    without = {name: value for name, value in WMS.items() if name != "location"}
    assert taken({**without, "quantity": "3"}, profile).uom == "EA"


def test_a_profile_reads_other_tables_and_other_separators(tmp_path: Path) -> None:
    path = tmp_path / "stock.csv"
    path.write_text("Artikel;Menge;Stand\n007;-3;2026-01-01 12:00\n")
    profile = profile_from(
        "stock",
        {
            "table": "snapshots",
            "columns": {"sku": "Artikel", "quantity": "Menge", "as_of": "Stand"},
            "constants": {"system": "erp", "state": "on_hand", "location": "MAIN"},
            "time": {"zone": "Europe/Berlin"},
            "file": {"delimiter": ";"},
        },
    )
    (row,) = read_rows(path, TABLES["snapshots"], profile)
    assert isinstance(row, Row)
    assert (row.text("sku"), row.whole("quantity")) == ("007", -3)
    assert row.moment("as_of") == datetime(2026, 1, 1, 11, tzinfo=UTC)
    again = tmp_path / "again.csv"
    assert write_refused(again, [row.refuse("Artikel", "nobody knows this SKU")], profile) == 1
    (sent_again,) = read_rows(again, TABLES["snapshots"], profile)
    assert isinstance(sent_again, Row)
    assert (sent_again.fields, sent_again.attributes) == (row.fields, {})
    with pytest.raises(ProfileRefused, match="it is for snapshots"):
        read_rows(path, TABLES["events"], profile)


@pytest.mark.parametrize(
    ("keys", "key"),
    [
        ({"colums": {}}, "colums"),
        ({"table": "movements"}, "table"),
        ({"opening": "full"}, "opening"),
        ({"source": 7}, "source"),
        ({"columns": "id"}, "columns"),
        ({"columns": {"identity": "x"}}, "columns.identity"),
        ({"columns": {"id": 3}}, "columns.id"),
        ({"table": "events", "constants": {"quantity": 1.5}}, "constants.quantity"),
        ({"defaults": {"expires_at": "2026-01-01"}}, "defaults.expires_at"),
        ({"types": {"GR": "goods"}}, "types.GR"),
        ({"time": {"zone": "Europe/Londn"}}, "time.zone"),
        ({"time": {"zone": "../etc"}}, "time.zone"),
        ({"time": {"ambiguous": "both"}}, "time.ambiguous"),
        ({"time": {"format": "iso"}}, "time.format"),
        ({"time": {"zones": "UTC"}}, "time.zones"),
        ({"quantity": {"column": "delta", "negative": "ship"}}, "quantity.positive"),
        ({"quantity": {"column": "d", "negative": "sell", "positive": "receipt"}}, "quantity.negative"),
        ({"file": {"delimiter": "||"}}, "file.delimiter"),
        ({"reconciliation": {"tolerance": -1}}, "reconciliation.tolerance"),
        ({"reconciliation": {"winner": ""}}, "reconciliation.winner"),
    ],
)
def test_a_profile_that_cannot_be_used_names_the_key(keys: dict[str, object], key: str) -> None:
    with pytest.raises(ProfileRefused) as caught:
        profile_from("mine", keys)
    assert caught.value.key == key


def test_profiles_are_found_by_name_or_by_path(tmp_path: Path) -> None:
    assert shipped_profiles() == ("interchange", "retail-movements")
    path = tmp_path / "mine.toml"
    path.write_text('source = "mine"\n[reconciliation]\nwinner = "wms"\ntolerance = 2\n')
    profile = load_profile(path)
    assert (profile.name, profile.source, profile.reconciliation.winner, profile.reconciliation.tolerance) == (
        "mine", "mine", "wms", 2,
    )  # fmt: skip
    path.write_text("source = ")
    with pytest.raises(ProfileRefused, match="is not TOML"):
        load_profile(path)
    with pytest.raises(ProfileRefused, match="known are interchange, retail-movements"):
        load_profile("nobody")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_the_same_rows_are_the_same_events_in_every_format(tmp_path: Path, suffix: str) -> None:
    rows = [retail_row(movement_id=n, ts=datetime(2010, 7, 1, 9, n), delta=n - 3) for n in range(7)]  # noqa: DTZ001 - the file says no zone
    table = pl.DataFrame(rows).with_columns(pl.col("sku").cast(pl.Categorical), pl.col("ts").dt.cast_time_unit("ms"))
    path = tmp_path / f"feed{suffix}"
    table.write_parquet(path) if suffix == ".parquet" else table.write_csv(path)
    found = list(read_events(path, RETAIL))
    assert [event for event in found if isinstance(event, Event)] == [taken(r, RETAIL) for r in rows if r["delta"] != 0]
    assert [(row.row, row.field) for row in found if isinstance(row, RefusedRow)] == [(4, "delta")]


@pytest.mark.proof
@pytest.mark.skipif(not FEED.is_file(), reason=f"the real movements are not at {FEED}")
def test_every_real_movement_line_becomes_an_event() -> None:
    told = units = 0
    for event in read_events(FEED, RETAIL):
        assert isinstance(event, Event), event
        told += 1
        units += event.quantity if event.type is EventType.RETURN_RECEIVED else -event.quantity
    assert told == 641_312
    assert units == pl.scan_parquet(FEED).select(pl.col("delta").sum()).collect().item()
