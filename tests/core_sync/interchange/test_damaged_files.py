"""However a text file is damaged, each row is an event or a refusal, and a refusal stays one until corrected."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core_sync.interchange.errors import InterchangeError
from core_sync.interchange.events import read_events
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.writing import write_refused, write_rows
from core_sync.ledger.events import Event

ROWS = [
    {
        "id": f"e{number}", "source": "wms", "type": "adjust", "time": "2026-03-31T14:05:00Z", "sku": f"S{number}",
        "location": "L", "quantity": number - 3, "unit_price": "2.5", "reason": 'a "q", x\ny',
    }
    for number in range(6)
]  # fmt: skip
PIECE = st.sampled_from([b"", b"\n", b'"', b",", b"\0", b"\r", b"\xff", b"{", b"-", b"."]) | st.binary(max_size=4)
DAMAGE = st.lists(st.tuples(st.integers(0, 900), st.integers(0, 12), PIECE), min_size=1, max_size=6)


def found_in(path: Path) -> Sequence[Event | RefusedRow]:
    """What a file holds; nothing where it is refused as a whole."""
    try:
        return list(read_events(path))
    except InterchangeError:
        return []


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
@settings(deadline=None, max_examples=150)
@given(damage=DAMAGE)
@example(damage=[(100, 0, b'"')])
def test_damage_is_refused_and_stays_refused_until_corrected(suffix: str, damage: list[tuple[int, int, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, again = Path(folder) / f"events{suffix}", Path(folder) / f"again{suffix}"
        write_rows(path, ROWS)
        whole = path.read_bytes()
        for at, length, piece in damage:
            whole = whole[:at] + piece + whole[at + length :]
        path.write_bytes(whole)
        refused = [row for row in found_in(path) if isinstance(row, RefusedRow)]
        assert all(row.reason for row in refused)
        if refused:
            assert write_refused(again, refused) == len(refused)
            assert not [row for row in found_in(again) if isinstance(row, Event)]
