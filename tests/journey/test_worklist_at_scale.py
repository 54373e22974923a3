"""The worklist over ten million signals: it answers in the time that is asked of it over a tenth of them."""

import pytest

from benchmarks.feed import ASKED_MS, Effort, figures, filled
from core_sync.cases.totals import read_totals
from tests.proof import counted, keep_result

SIGNALS, CASES, EFFORT = counted((10_000_000, 100_000, Effort()), (2_000, 200, Effort(pages=3, cases=4, new=1)))
AS_ASKED = counted(1.0, 20.0)
"""Of the time asked for; how long a sample takes says how busy the machine is."""


@pytest.mark.proof
@pytest.mark.parametrize("name", ASKED_MS)
def test_the_worklist_answers_in_time_however_many_signals_there_are(name: str) -> None:
    with filled(name, CASES, SIGNALS) as database:
        with database.reading() as connection:
            assert read_totals(connection).cases == CASES
        found = {one.measure: one for one in figures(name, database, CASES, EFFORT)}
    told = {f"{measure}, {one.unit}": round(one.value, 3) for measure, one in found.items()}
    keep_result(
        f"worklist_{name}", "tests/journey/test_worklist_at_scale.py", {"signals": SIGNALS, "cases": CASES, **told}
    )
    late = {measure: one.ratio for measure, one in found.items() if one.ratio is not None and one.ratio > AS_ASKED}
    assert not late, told
