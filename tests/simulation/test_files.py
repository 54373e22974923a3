"""A world's files are the public formats, and the same seed writes the same bytes."""

from dataclasses import replace
from pathlib import Path

import pytest

from core_sync.interchange.files import read_rows
from core_sync.interchange.formats import TABLES
from core_sync.interchange.refusals import RefusedRow
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT, SAMPLE, Scenario, ending_at
from simulation.write import write_world

SMALL = replace(SAMPLE, days=4, skus=30)


@pytest.mark.parametrize("extension", [".csv", ".jsonl", ".parquet"])
def test_every_row_of_every_table_is_read_back_without_refusal(tmp_path: Path, extension: str) -> None:
    world = simulate(SMALL)
    written = write_world(world, tmp_path, extension)
    for name, rows in world.tables.items():
        read = list(read_rows(tmp_path / f"{name}{extension}", TABLES[name]))
        assert [row for row in read if isinstance(row, RefusedRow)] == []
        assert len(read) == len(rows) == written[f"{name}{extension}"]
    assert written[f"truth_faults{extension}"] > 10


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("once", "again"):
        write_world(simulate(SMALL), tmp_path / folder, ".csv")
    for file in (tmp_path / "once").iterdir():
        assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes(), file.name


def test_another_seed_is_another_world() -> None:
    other = simulate(replace(SMALL, seed=SMALL.seed + 1))
    assert other.tables["events"] != simulate(SMALL).tables["events"]


def test_the_files_tell_when_each_event_was_recorded(tmp_path: Path) -> None:
    write_world(simulate(SMALL), tmp_path)
    row = next(iter(read_rows(tmp_path / "events.csv", TABLES["events"])))
    assert not isinstance(row, RefusedRow)
    assert row.attributes["recorded_at"].endswith("Z")


def test_an_unknown_format_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="xlsx"):
        write_world(simulate(replace(SMALL, days=1, skus=3)), tmp_path / "new", ".xlsx")
    assert not (tmp_path / "new").exists()


def test_a_scenario_can_be_moved_to_end_at_the_last_snapshot_before_a_moment() -> None:
    moment = HELD_OUT.end.replace(hour=20, minute=31)
    moved = ending_at(SAMPLE, moment)
    assert moved.end == moment.replace(hour=18, minute=0)
    assert simulate(replace(moved, days=2, skus=10)).tables["snapshots"]


def test_a_scenario_needs_a_zone_and_a_size() -> None:
    with pytest.raises(ValueError, match="zone"):
        Scenario(1, 1, 1, SAMPLE.start.replace(tzinfo=None))
    with pytest.raises(ValueError, match="at least"):
        replace(SAMPLE, days=0)
