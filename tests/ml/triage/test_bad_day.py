"""A bad day, told in words that the model was not trained on: one outage, three bad mappings, and noise."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from math import comb

import numpy as np
import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failures
from core_sync.failures.surroundings import gather_surroundings
from ml.registry.service_models import shipped_models
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather_all
from simulation.faults.wording import templates
from tests.builders import MONDAY
from tests.proof import counted, keep_result

SIGNALS = counted(100_000, 6_000)
OUTAGE, MAPPINGS, NOISE = 0.60, 0.30, 0.10
"""Shares of the signals; the noise is on a SKU for each 250 of them, each with one of five troubles."""
NOISY = ("timeout", "validation", "accepted_not_applied", "period_closed", "late_confirmation")
SYSTEMS = {"period_closed": "erp", "late_confirmation": "wms"}


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    database = Database(sqlite_url)
    yield database
    database.close()


def told(kind: str, system: str, sku: str, number: int, at: datetime, chance: np.random.Generator) -> NewFailure:
    """One failure as its system tells it; a seventh without words, a third without its code."""
    choices = templates(("b",))[kind, system]
    template = choices[int(chance.integers(len(choices)))]
    words = template.text.format(
        sku=sku, gtin="", gid=sku, ext=sku, loc="EAST", doc=f"SO-{number}", line=1, qty=number % 50, uom="BX",
        res=f"RES-{number}", event=f"wms-{number}", cand="", hours=3.0, period="03/2026", host="gw1.peer.example",
        req=f"{number:08x}", ctl=number, secs=30, ms=30_000, n=number % 90, few=3,
    )  # fmt: skip
    return NewFailure(
        kind="told", message="" if chance.random() < 1 / 7 else words, occurred_at=at, recorded_at=at, id=f"F-{number}",
        system=system, channel=system if system == "shopify" else None, operation=template.operation, sku=sku,
        http_status=template.status, error_code=None if chance.random() < 1 / 3 else template.code,
        event_lag_s=7200.0 if kind in ("accepted_not_applied", "period_closed") else 30.0,
    )  # fmt: skip


def a_bad_day(chance: np.random.Generator) -> tuple[list[NewFailure], dict[str, str]]:
    """The failures, and by their id which trouble they tell of."""
    failures, truth = [], {}
    kinds = chance.choice(3, SIGNALS, p=[OUTAGE, MAPPINGS, NOISE])
    for number, part in enumerate(kinds.tolist()):
        if part == 0:
            kind, sku, trouble = "outage", f"SKU-{chance.integers(5_000)}", "outage"
            at = MONDAY + timedelta(minutes=int(chance.integers(60)))
        elif part == 1:
            kind, sku = "unmapped_sku", f"NEW-{chance.integers(3)}"
            trouble, at = sku, MONDAY + timedelta(minutes=int(chance.integers(600)))
        else:
            item = int(chance.integers(max(1, SIGNALS // 250)))
            kind, sku = NOISY[item % len(NOISY)], f"SKU-{item}"
            trouble, at = f"{kind} {sku}", MONDAY + timedelta(hours=2, minutes=int(chance.integers(480)))
        system = "wms" if part == 1 else SYSTEMS.get(kind, "shopify")
        failures.append(told(kind, system, sku, number, at, chance))
        truth[f"F-{number}"] = trouble
    return failures, truth


@pytest.mark.proof
def test_very_many_signals_are_few_cases_of_one_trouble_each(database: Database) -> None:
    failures, truth = a_bad_day(np.random.default_rng(7))
    at = MONDAY + timedelta(hours=11)
    with database.transaction() as connection:
        record_failures(connection, failures)
    gather_surroundings(database)
    diagnose(database, shipped_models(), at)
    gather_all(database, at)
    with database.reading() as connection:
        rows = connection.execute(text(
            "SELECT s.case_id, f.id FROM case_signal s JOIN failure f ON f.failure_id = s.signal_id"
        )).all()  # fmt: skip
    assert len(rows) == SIGNALS
    cases: dict[int, Counter[str]] = defaultdict(Counter)
    for case_id, failure in rows:
        cases[case_id][truth[failure]] += 1
    together = sum(comb(sum(case.values()), 2) for case in cases.values())
    rightly = sum(comb(count, 2) for case in cases.values() for count in case.values())
    leading = {case.most_common(1)[0][0] for case in cases.values()}
    hidden = sorted(set(truth.values()) - leading)
    figures = {
        "signals": SIGNALS,
        "troubles": len(set(truth.values())),
        "cases": len(cases),
        "fewer items": 1 - len(cases) / SIGNALS,
        "pairwise precision": rightly / together,
        "troubles that lead no case": len(hidden),
    }
    keep_result("bad_day", "tests/ml/triage/test_bad_day.py", figures)
    assert figures["pairwise precision"] >= 0.99, figures
    assert figures["fewer items"] >= 0.95, figures
    assert not hidden, figures
