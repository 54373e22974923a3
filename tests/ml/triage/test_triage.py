"""From facts to a ranked feed and back: signals become cases, cases resolve when their cause is gone."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection, insert, text

from core_sync.cases.verbs import resolve
from core_sync.database.engine import Database
from core_sync.failures.record import NewFailure, record_failure, resolve_subject
from core_sync.ledger.ledger import Ledger
from core_sync.master_data.load import bump_version
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.registry.service_models import shipped_models
from ml.triage.diagnose import diagnose
from ml.triage.gather import gather_all
from ml.triage.run import TriageSummary, notice, triage
from ml.triage.tables import Anomaly
from tests.builders import MONDAY, a_receipt, a_shipment

ML_TABLES = Path(__file__).parents[3] / "ml" / "migrations"
NOON = MONDAY + timedelta(hours=4)
MODELS = shipped_models()


@pytest.fixture
def ledger(database_url: str) -> Iterator[Ledger]:
    """Twenty mugs in Leeds, sold on one channel at 10 EUR."""
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                "VALUES ('MUG', 'EA', 100000, 60000, 'EUR', FALSE)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO channel (channel, kind, priority, mode, oversell_penalty) "
                "VALUES ('shop', 'shopify', 1, 'live', 50000)"
            )
        )
        bump_version(connection)
    ledger = Ledger(database)
    sales = [a_shipment(8, hours=-24 * day, channel="shop") for day in range(1, 8)]
    ledger.apply([a_receipt(76, hours=-24 * 9), *sales], MONDAY)
    yield ledger
    database.close()


def run(ledger: Ledger, hours: float = 4) -> TriageSummary:
    return triage(
        ledger.database, MODELS, lambda _, cause: (f"mend {cause}", "approve"), "EUR", MONDAY + timedelta(hours=hours)
    )


def noticed(ledger: Ledger, most: int = 500) -> int:
    return notice(ledger.database, MODELS, lambda _, cause: (f"mend {cause}", "approve"), "EUR", NOON, most)


def a_failed_push(connection: Connection, sku: str = "MUG") -> None:
    record_failure(
        connection,
        NewFailure(
            kind="push",
            subject=f"push:shop:{sku}",
            message="upstream request timed out after 30 s",
            occurred_at=NOON,
            recorded_at=NOON,
            system="shop",
            channel="shop",
            operation="push_inventory",
            sku=sku,
            http_status=504,
        ),
    )


def shows(connection: Connection, quantity: int, hours: float) -> None:
    moment = MONDAY + timedelta(hours=hours)
    store_figures(connection, [Figure("shop", "MUG", "", "available", quantity, moment)], moment)


def cases(ledger: Ledger) -> list[tuple[str, str, float]]:
    with ledger.database.reading() as connection:
        rows = connection.execute(
            text("SELECT status, root_cause, expected_loss FROM exception_case ORDER BY rank_value DESC")
        )
        return [(status, cause, (loss or 0) / 10_000) for status, cause, loss in rows]


def test_a_failed_push_that_leaves_too_much_shown_is_a_case_with_its_cause_and_its_money(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
        shows(connection, 60, hours=4)
    run(ledger)
    ((status, cause, loss),) = cases(ledger)
    assert (status, cause) == ("new", "timeout")
    assert loss >= 0


def test_the_outbox_is_told_what_a_case_expects_to_lose_on_a_listing(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    ledger.apply([a_shipment(20, hours=3.9, channel="shop")], NOON)
    with ledger.database.transaction() as connection:
        shows(connection, 20, hours=4)
    run(ledger)
    ((_, _, loss),) = cases(ledger)
    with ledger.database.reading() as connection:
        at_stake = connection.execute(text("SELECT at_stake FROM push_intent WHERE sku = 'MUG'")).scalar_one()
    assert at_stake / 10_000 == pytest.approx(loss, abs=0.001)
    assert loss > 0


def test_triage_again_finds_nothing_new(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    assert run(ledger).gathered == 1
    again = run(ledger)
    assert (again.anomalies, again.diagnosed, again.gathered, again.weighed) == (0, 0, 0, 0)


def test_a_new_failure_is_a_weighed_case_without_waiting_for_a_triage(ledger: Ledger) -> None:
    assert noticed(ledger) == 0
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
        shows(connection, 0, hours=4)
    assert noticed(ledger) == 1
    ((status, cause, loss),) = cases(ledger)
    assert (status, cause) == ("new", "timeout")
    assert loss > 0
    assert noticed(ledger) == 0
    assert run(ledger).gathered == 0


def test_of_very_many_new_failures_the_newest_are_noticed_first_and_in_the_end_all(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        for number in range(5):
            a_failed_push(connection, f"NEW-{number}")
    seen = []
    while noticed(ledger, most=2):
        with ledger.database.reading() as connection:
            weighed = connection.execute(text("SELECT title FROM exception_case WHERE weighed_at > 0")).scalars()
            seen.append(sorted(title.split(": ")[1] for title in weighed))
    assert seen == [["NEW-3", "NEW-4"], ["NEW-1", "NEW-2", "NEW-3", "NEW-4"], [f"NEW-{n}" for n in range(5)]]


def test_a_case_that_a_triage_has_not_come_to_yet_is_weighed_by_the_next_notice(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    diagnose(ledger.database, MODELS, NOON)
    gather_all(ledger.database, NOON)
    assert noticed(ledger) == 0, "nothing is new"
    with ledger.database.reading() as connection:
        assert connection.execute(text("SELECT weighed_at > 0 FROM exception_case")).scalar_one()


def test_what_is_told_after_a_triage_is_gathered_by_the_next(ledger: Ledger) -> None:
    run(ledger)
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    assert [run(ledger).gathered, run(ledger).gathered] == [1, 0]
    a_strange_movement(ledger, 1)
    assert [run(ledger).gathered, run(ledger).gathered] == [1, 0]


def test_figures_are_renewed_by_themselves_once_they_are_an_hour_old(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
        shows(connection, 0, hours=4)
    run(ledger)
    ((_, _, before),) = cases(ledger)
    with ledger.database.transaction() as connection:
        shows(connection, 20, hours=4.2)
    run(ledger, hours=4.5)
    assert cases(ledger)[0][2] == before
    run(ledger, hours=5.5)
    assert cases(ledger)[0][2] < before


def test_a_case_resolves_itself_when_its_failure_is_gone(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    run(ledger)
    with ledger.database.transaction() as connection:
        resolve_subject(connection, "push:shop:MUG", NOON, "pushed again, and it shows")
    assert run(ledger, hours=5).resolved == 1
    assert cases(ledger)[0][0] == "resolved"


def a_strange_movement(ledger: Ledger, entry_id: int) -> None:
    """An entry of the ledger found strange, as the detector writes it down."""
    values = {"kind": "movement", "fact_id": entry_id, "system": "wms", "sku": "MUG", "location": "LEEDS"}
    opinion = {
        "occurred_at": 0,
        "score": 9.0,
        "p_value": 0.001,
        "fault_probability": 0.3,
        "actual": -7,
        "model_version": "x",
        "scored_at": 0,
    }
    with ledger.database.transaction() as connection:
        connection.execute(insert(Anomaly).values(**values, **opinion))


def test_a_strange_movement_is_settled_with_the_failure_that_explains_it(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
    run(ledger)
    a_strange_movement(ledger, 1)
    assert run(ledger, hours=5).settled == 0
    with ledger.database.transaction() as connection:
        resolve_subject(connection, "push:shop:MUG", NOON, "pushed again, and it shows")
    assert run(ledger, hours=6).settled == 1
    assert [status for status, _, _ in cases(ledger)] == ["resolved"]


def counts(ledger: Ledger, quantity: int, hours: float) -> None:
    """The WMS reports what it has of mugs in Leeds, and that is compared."""
    moment = MONDAY + timedelta(hours=hours)
    with ledger.database.transaction() as connection:
        store_figures(connection, [Figure("wms", "MUG", "LEEDS", "on_hand", quantity, moment)], moment)
    reconcile(ledger.database, moment)


def test_a_strange_movement_is_settled_once_a_later_count_bears_it_out(ledger: Ledger) -> None:
    a_strange_movement(ledger, 1)
    assert run(ledger).settled == 0
    counts(ledger, 20, hours=5)
    assert run(ledger, hours=5).settled == 1
    assert [status for status, _, _ in cases(ledger)] == ["resolved"]


def test_a_strange_movement_that_a_later_count_contradicts_stays(ledger: Ledger) -> None:
    a_strange_movement(ledger, 1)
    counts(ledger, 27, hours=5)
    assert run(ledger, hours=5).settled == 0
    assert cases(ledger)[0][0] == "new"


def test_a_difference_costs_what_the_newest_comparison_says(ledger: Ledger) -> None:
    for quantity, hours in ((400, 4), (130, 6)):
        with ledger.database.transaction() as connection:
            shows(connection, quantity, hours)
        reconcile(ledger.database, MONDAY + timedelta(hours=hours))
        run(ledger, hours)
        with ledger.database.reading() as connection:
            told = connection.execute(text("SELECT exposure_terms FROM exception_case WHERE status = 'new'"))
            terms = msgspec.json.decode(told.scalar_one())
        assert terms["shop MUG"]["published"]["value"] == quantity


def test_what_a_person_resolved_is_not_weighed_again_when_the_case_comes_back(ledger: Ledger) -> None:
    a_strange_movement(ledger, 1)
    run(ledger)
    with ledger.database.transaction() as connection:
        resolve(connection, 1, "a real return", "ann", NOON)
    a_strange_movement(ledger, 2)
    run(ledger, hours=6)
    assert [status for status, _, _ in cases(ledger)] == ["regressed"]
    with ledger.database.reading() as connection:
        rows = connection.execute(text("SELECT fact_id FROM anomaly WHERE settled_at IS NULL"))
        assert list(rows.scalars()) == [2]


def test_a_channel_far_off_its_promise_is_an_anomaly_until_it_agrees_again(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        shows(connection, 400, hours=4)
    reconcile(ledger.database, NOON)
    assert run(ledger).anomalies == 1
    ((status, _, loss),) = cases(ledger)
    assert status == "new"
    assert loss > 0
    with ledger.database.transaction() as connection:
        shows(connection, 20, hours=6)
    reconcile(ledger.database, MONDAY + timedelta(hours=6))
    assert run(ledger, hours=6).settled == 1
    assert cases(ledger)[0][0] == "resolved"


def test_the_larger_loss_stands_first(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO sku (sku, base_uom, unit_price, unit_cost, currency, lot_controlled) "
                "VALUES ('TRAY', 'EA', 10000, 9000, 'EUR', FALSE)"
            )
        )
        bump_version(connection)
    ledger.apply([a_shipment(30, sku="MUG", location="ELSEWHERE"), a_shipment(30, sku="TRAY")], MONDAY)
    run(ledger)
    with ledger.database.reading() as connection:
        skus = list(connection.execute(text("SELECT skus FROM exception_case ORDER BY rank_value DESC")).scalars())
    assert skus == ['["MUG"]', '["TRAY"]']


def test_harm_begins_at_the_cut_off_where_that_comes_before_the_run_out(ledger: Ledger) -> None:
    with ledger.database.transaction() as connection:
        a_failed_push(connection)
        shows(connection, 40, hours=4)
        connection.execute(
            text(
                "INSERT INTO cut_off (cut_off, clock, zone, weekdays, channel) "
                "VALUES ('parcels', '14:00', 'UTC', 'mon tue wed thu fri sat sun', 'shop')"
            )
        )
    run(ledger)
    with ledger.database.reading() as connection:
        harm, terms = connection.execute(text("SELECT time_to_harm_h, exposure_terms FROM exception_case")).one()
    assert harm == pytest.approx((NOON.replace(hour=14, minute=0) - NOON) / timedelta(hours=1))
    assert msgspec.json.decode(terms)["shop MUG"]["cut_off"]["note"] == "parcels, at 14:00 UTC"
