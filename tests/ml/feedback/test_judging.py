"""What people say of anomalies and audited rows takes effect at once, is learnt from, and can be taken back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.ledger.ledger import Ledger
from core_sync.snapshots.reconcile import reconcile
from core_sync.snapshots.store import Figure, store_figures
from ml.anomaly.thresholds import DAILY_AUDITS
from ml.feedback.audits import read_audits
from ml.feedback.expected import read_suppressions
from ml.feedback.judge import judge_audit, judge_case
from ml.feedback.labels import read_labels
from ml.feedback.rules import Expected, FalseAlarm, Fault
from ml.feedback.take_back import take_back
from ml.registry.service_models import shipped_models
from ml.triage.run import triage
from tests.builders import MONDAY, a_receipt

MODELS = shipped_models()
FEATURES = MODELS.delta_detector.specification.features
NOON = MONDAY + timedelta(hours=4)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Twenty mugs, of which the shop shows four hundred: one anomaly in one case."""
    database = Database(database_url)
    with database.transaction() as connection:
        connection.execute(
            text("INSERT INTO channel (channel, kind, priority, mode) VALUES ('shop', 'shopify', 1, 'live')")
        )
    Ledger(database).apply([a_receipt(20, hours=-24)], MONDAY)
    shown(database, 400, 4)
    yield database
    database.close()


def shown(database: Database, quantity: int, hours: float) -> None:
    """The shop shows so many, and all that is new is triaged."""
    at = MONDAY + timedelta(hours=hours)
    with database.transaction() as connection:
        store_figures(connection, [Figure("shop", "MUG", "", "available", quantity, at)], at)
    reconcile(database, at)
    triage(database, MODELS, lambda *_: ("look", "approve"), "EUR", at)


def a_quiet_morning(database: Database) -> None:
    """The shop is off by a mug now and then, and nobody minds."""
    for number in range(24):
        at = NOON + timedelta(minutes=5 * number)
        with database.transaction() as connection:
            store_figures(connection, [Figure("shop", "MUG", "", "available", 20 + number % 2, at)], at)
    shown(database, 21, 7)


def statuses(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT status FROM exception_case ORDER BY case_id")).scalars())


def chances(database: Database) -> list[float]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT fault_probability FROM exception_case ORDER BY case_id")).scalars())


def anomaly_chances(database: Database) -> list[float]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT fault_probability FROM anomaly ORDER BY anomaly_id")).scalars())


def newest_case(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT MAX(case_id) FROM exception_case")).scalar_one())


def alarms(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(text("SELECT COUNT(*) FROM anomaly")).scalar_one())


def labelled(database: Database) -> list[bool]:
    with database.reading() as connection:
        return [bool(one) for one in read_labels(connection, "delta", FEATURES).faulty]


def test_true_makes_the_case_certain_at_once_and_is_a_label(database: Database) -> None:
    (before,) = chances(database)
    with database.transaction() as connection:
        judgement = judge_case(connection, 1, Fault(), "ann", NOON)
    assert (chances(database), statuses(database), labelled(database)) == ([1.0], ["new"], [True])
    with database.transaction() as connection:
        take_back(connection, judgement, "ann", NOON)
    shown(database, 400, 4.1)
    assert before < 1
    assert chances(database)[0] < 1
    assert labelled(database) == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_who_called_it_a_fault_the_one_left_keeps_it_certain_and_none_leaves_its_chance(
    database: Database, order: tuple[int, int]
) -> None:
    before = anomaly_chances(database)
    told = []
    for actor in ("ann", "ben"):
        with database.transaction() as connection:
            told.append(judge_case(connection, 1, Fault(), actor, NOON))
    first, second = (told[place] for place in order)
    with database.transaction() as connection:
        take_back(connection, first, "ann", NOON)
    assert anomaly_chances(database) == [1.0]
    with database.transaction() as connection:
        take_back(connection, second, "ann", NOON)
    assert anomaly_chances(database) == before


def test_a_false_alarm_is_not_raised_again_by_the_same_difference_and_is_by_another(database: Database) -> None:
    a_quiet_morning(database)
    shown(database, 400, 8)
    raised = alarms(database)
    with database.transaction() as connection:
        judgement = judge_case(connection, newest_case(database), FalseAlarm("a delivery"), "ann", NOON)
    shown(database, 400, 8.1)
    assert alarms(database) == raised
    with database.transaction() as connection:
        take_back(connection, judgement, "ann", NOON)
    shown(database, 400, 8.2)
    assert alarms(database) == raised + 1
    with database.transaction() as connection:
        judge_case(connection, newest_case(database), FalseAlarm("a delivery"), "ann", NOON)
    shown(database, 900, 8.3)
    assert alarms(database) == raised + 2


def test_false_closes_the_case_with_its_reason_and_undo_opens_it_again(database: Database) -> None:
    with database.transaction() as connection:
        judgement = judge_case(connection, 1, FalseAlarm("the shop counts a promotion twice"), "ann", NOON)
    assert (statuses(database), labelled(database)) == (["resolved"], [False])
    with database.reading() as connection:
        told = connection.execute(text("SELECT actor, note FROM case_entry WHERE verb = 'judge'")).all()
    assert [tuple(row) for row in told] == [("ann", "a false alarm: the shop counts a promotion twice")]
    with database.transaction() as connection:
        take_back(connection, judgement, "ben", NOON + timedelta(minutes=1))
    assert (statuses(database), labelled(database)) == (["acknowledged"], [])
    with database.transaction() as connection, pytest.raises(VerbRefused, match="ben took it back before"):
        take_back(connection, judgement, "ann", NOON)


def test_what_is_expected_raises_no_case_until_it_ends_and_is_counted(database: Database) -> None:
    until = NOON + timedelta(hours=3)
    with database.transaction() as connection:
        judge_case(connection, 1, Expected("promotion", until), "ann", NOON)
    assert statuses(database) == ["resolved"]
    shown(database, 900, 5)
    assert statuses(database) == ["resolved"]
    with database.reading() as connection:
        (kept_off,) = read_suppressions(connection, NOON + timedelta(hours=1))
    assert (kept_off.sku, kept_off.channel, kept_off.said_by, kept_off.suppressed) == ("MUG", "shop", "ann", 2)
    assert labelled(database) == []
    shown(database, 2_000, 8)
    assert statuses(database) == ["regressed"]
    with database.reading() as connection:
        assert read_suppressions(connection, until) == []


def test_what_is_expected_of_another_channel_does_not_keep_this_one_quiet(database: Database) -> None:
    with database.transaction() as connection:
        judgement = judge_case(connection, 1, Expected("promotion", NOON + timedelta(days=7)), "ann", NOON)
        connection.execute(text("UPDATE judgement SET channel = 'other' WHERE judgement_id = :it"), {"it": judgement})
    shown(database, 900, 5)
    assert statuses(database) == ["regressed"]


def test_an_expectation_taken_back_brings_to_the_list_what_it_kept_off(database: Database) -> None:
    with database.transaction() as connection:
        judgement = judge_case(connection, 1, Expected("promotion", NOON + timedelta(days=7)), "ann", NOON)
    shown(database, 900, 5)
    with database.transaction() as connection:
        take_back(connection, judgement, "ann", NOON + timedelta(hours=1))
    assert statuses(database) == ["acknowledged"]
    shown(database, 901, 6)
    with database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM case_signal")).scalar_one() >= 2
        assert connection.execute(text("SELECT COUNT(*) FROM anomaly WHERE suppressed_by > 0")).scalar_one() == 0


def test_what_another_expectation_covers_too_stays_off_the_list_when_one_is_taken_back(database: Database) -> None:
    Ledger(database).apply([a_receipt(20, hours=-24, sku="CUP", event_id="cups")], MONDAY)
    tomorrow = NOON + timedelta(days=1)
    with database.transaction() as connection:
        of_the_mug = judge_case(connection, 1, Expected("a photo shoot", tomorrow, ("sku",)), "ann", NOON)
        store_figures(connection, [Figure("shop", "CUP", "", "available", 400, NOON)], NOON)
    shown(database, 400, 5)
    with database.transaction() as connection:
        of_the_shop = judge_case(
            connection, 2, Expected("moving house", tomorrow, ("channel",)), "ben", NOON + timedelta(hours=2)
        )
        take_back(connection, of_the_mug, "ann", NOON + timedelta(hours=3))
    assert statuses(database) == ["resolved", "resolved"]
    with database.transaction() as connection:
        take_back(connection, of_the_shop, "ben", NOON + timedelta(hours=4))
    shown(database, 400, 9)
    assert "resolved" not in statuses(database)


def test_an_expectation_has_a_scope_and_an_end_ahead(database: Database) -> None:
    with database.transaction() as connection:
        with pytest.raises(VerbRefused, match="is past"):
            judge_case(connection, 1, Expected("", NOON), "ann", NOON)
        with pytest.raises(VerbRefused, match="name the SKU, location or channel"):
            judge_case(connection, 1, Expected("", NOON + timedelta(days=1), ("kind",)), "ann", NOON)


def test_rows_without_an_alarm_are_drawn_for_the_next_day_alike_for_everybody(database: Database) -> None:
    a_quiet_morning(database)
    tomorrow = NOON + timedelta(days=1)
    with database.reading() as connection:
        assert read_audits(connection, NOON) == []
        drawn = read_audits(connection, tomorrow)
        assert read_audits(connection, tomorrow) == drawn
        alarms = set(connection.execute(text("SELECT kind, fact_id FROM anomaly")).all())
        facts = set(connection.execute(text("SELECT kind, fact_id FROM audit")).all())
    assert 0 < len(drawn) <= DAILY_AUDITS
    assert len(facts) == len(drawn)
    assert not facts & alarms


def test_an_audit_that_finds_a_fault_opens_a_case_and_teaches(database: Database) -> None:
    a_quiet_morning(database)
    tomorrow = NOON + timedelta(days=1)
    with database.transaction() as connection:
        first, second, *_ = read_audits(connection, tomorrow)
        judgement = judge_audit(connection, first.audit, Fault("nobody posted the goods issue"), "ann", tomorrow)
        judge_audit(connection, second.audit, FalseAlarm("as it should be"), "ann", tomorrow)
        with pytest.raises(VerbRefused, match="judged before"):
            judge_audit(connection, first.audit, Fault(), "ben", tomorrow)
    assert sorted(labelled(database)) == [False, True]
    assert statuses(database)[-1] in ("new", "regressed")
    with database.transaction() as connection:
        said = {one.audit: one.said for one in read_audits(connection, tomorrow)}
        assert (said[first.audit], said[second.audit]) == ("true", "false")
        take_back(connection, judgement, "ann", tomorrow)
    assert labelled(database) == [False]


def test_an_audited_row_that_became_an_alarm_is_judged_with_its_case(database: Database) -> None:
    a_quiet_morning(database)
    tomorrow = NOON + timedelta(days=1)
    with database.transaction() as connection:
        first, *_ = read_audits(connection, tomorrow)
        kind, fact = connection.execute(
            text("SELECT kind, fact_id FROM audit WHERE audit_id = :audit"), {"audit": first.audit}
        ).one()
        connection.execute(
            text("UPDATE anomaly SET kind = :kind, fact_id = :fact WHERE anomaly_id = 1"), {"kind": kind, "fact": fact}
        )
        with pytest.raises(VerbRefused, match=r"an alarm by now .* judge its case"):
            judge_audit(connection, first.audit, Fault(), "ann", tomorrow)
    assert labelled(database) == []


def test_of_two_people_who_answer_one_audit_at_once_one_is_refused(database: Database) -> None:
    a_quiet_morning(database)
    tomorrow = NOON + timedelta(days=1)
    with database.reading() as connection:
        first, *_ = read_audits(connection, tomorrow)
    both_begun = Barrier(2, timeout=30)

    def answer(actor: str) -> str:
        both_begun.wait()
        try:
            with database.transaction() as connection:
                judge_audit(connection, first.audit, Fault(), actor, tomorrow)
        except VerbRefused:
            return "refused"
        return "judged"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(answer, ("ann", "ben"))) == ["judged", "refused"]
    assert labelled(database) == [True]
