"""A simulated world as files: the interchange tables, and the truth beside them."""

from collections.abc import Sequence
from pathlib import Path

from core_sync.interchange.files import SUFFIXES
from core_sync.interchange.formats import TABLES
from core_sync.interchange.writing import write_rows
from simulation.world import Rows, World

TRUTH_COLUMNS: dict[str, tuple[str, ...]] = {
    "faults": (
        "fault_id", "root_cause", "subclass", "started_at", "ended_at", "open_at_end", "sku", "location", "channel",
        "system", "quantity", "lost_units", "oversold_units", "loss_so_far", "loss_ahead", "loss_if_unfixed",
        "currency", "skus", "event_ids", "failure_ids", "snapshot_keys", "left_keys",
        "missing_at", "documents",
    ),
    "losses": ("at", "sku", "channel", "kind", "units", "loss", "currency", "fault_ids"),
    "promises": ("sku", "ordered_at", "due_at"),
    "benign": ("kind", "started_at", "ended_at", "sku", "location", "channel", "quantity", "reference"),
}  # fmt: skip
"""The columns of the truth; lists in a cell are separated by blanks."""

EXTRA_COLUMNS: dict[str, tuple[str, ...]] = {
    "events": ("recorded_at",),
    "failures": ("quantity", "recorded_at", "resolved_at"),
}
"""Columns beyond the interchange formats; whoever reads the files keeps them as attributes."""


def columns_of_table(name: str) -> Sequence[str]:
    """The columns in which the table ``name`` is written."""
    return (*TABLES[name].column_names, *EXTRA_COLUMNS.get(name, ()))


def write_world(world: World, folder: Path | str, extension: str = ".csv") -> dict[str, int]:
    """Write every table as ``NAME.extension`` and the truth as ``truth_NAME.extension``; returns rows by file name.

    Raises:
        ValueError: no format has that extension.
        OSError: a file cannot be written.
    """
    ending = extension if extension.startswith(".") else f".{extension}"
    if ending not in SUFFIXES:
        raise ValueError(f"{extension} is none of {', '.join(SUFFIXES)}")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written: dict[str, int] = {}
    for name, rows in world.tables.items():
        path = folder / f"{name}{ending}"
        told = _with_empty_cells(name, rows) if ending == ".jsonl" else rows
        written[path.name] = write_rows(path, told, columns_of_table(name))
    for name, rows in world.truth.items():
        path = folder / f"truth_{name}{ending}"
        written[path.name] = write_rows(path, rows, TRUTH_COLUMNS[name])
    return written


def _with_empty_cells(name: str, rows: Rows) -> Rows:
    """``rows`` whose columns that must be there, and may be empty, are there in JSON too."""
    empty = {column.name: "" for column in TABLES[name].columns if column.required and column.may_be_empty}
    return [empty | {key: value for key, value in row.items() if value is not None} for row in rows]
