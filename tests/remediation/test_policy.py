"""How far an action may go by itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from core_sync.errors import NotFound, VerbRefused
from remediation.actions.catalog import ACTIONS, ANSWERS, action
from remediation.actions.port import Plan
from remediation.by_policy import act_by_policy
from remediation.policy.autonomy import autonomy_of, ladder, set_autonomy
from remediation.policy.rules import Autonomy, Level, Limits, Verdict, decide
from remediation.service import approve, request, runs_of
from tests.core_sync.stocked import happens
from tests.remediation.cases import a_case, case_status, on_hand
from tests.remediation.conftest import Trade
from tests.remediation.test_five_causes import pushed

LIMITS = Limits(units=100, money=1_000_000, per_hour=10)


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The ladder reads a few rows; one kind of database is enough."""
    return sqlite_url


def a_plan(units: int = 0, money: int = 0) -> Plan:
    return Plan(action="retry_push", case_id=1, summary="", changes=(), reversible=False, units=units, money=money)


def on(level: Level) -> Autonomy:
    return Autonomy("retry_push", level, LIMITS, "kim", "trusted")


@pytest.mark.parametrize(
    ("level", "by_policy", "verdict"),
    [
        (Level.OFF, False, Verdict.FORBIDDEN),
        (Level.SHADOW, False, Verdict.ONLY_TOLD),
        (Level.SUGGEST, True, Verdict.ONLY_TOLD),
        (Level.SUGGEST, False, Verdict.NEEDS_APPROVAL),
        (Level.APPROVE, True, Verdict.NEEDS_APPROVAL),
        (Level.AUTO, True, Verdict.ALLOWED),
    ],
)
def test_each_rung_of_the_ladder(level: Level, by_policy: bool, verdict: Verdict) -> None:
    assert decide(on(level), a_plan(), 0, by_policy).verdict is verdict


@given(st.integers(0, 200), st.integers(0, 2_000_000), st.integers(0, 20))
def test_nothing_beyond_a_rail_runs_by_itself(units: int, money: int, paced: int) -> None:
    beyond = units > LIMITS.units or money > LIMITS.money or paced >= LIMITS.per_hour
    verdict = decide(on(Level.AUTO), a_plan(units, money), paced, by_policy=True).verdict
    assert (verdict is Verdict.NEEDS_APPROVAL) == beyond


def test_every_root_cause_has_an_action_and_retrying_a_push_alone_runs_by_itself(trade: Trade) -> None:
    assert {action(kind).kind for kind in ANSWERS.values()} == set(ACTIONS)
    with trade.database.reading() as connection:
        by_itself = [rung.action for rung in ladder(connection) if rung.level is Level.AUTO]
    assert by_itself == ["retry_push"]


def test_the_newest_rule_of_a_kind_holds(trade: Trade) -> None:
    with trade.database.transaction() as connection:
        for level in (Level.SHADOW, Level.SUGGEST):
            set_autonomy(connection, on(level), trade.clock())
        assert autonomy_of(connection, "retry_push").level is Level.SUGGEST
        with pytest.raises(NotFound):
            set_autonomy(connection, Autonomy("sell_the_shop", Level.AUTO, LIMITS, "kim", ""), trade.clock())


def a_failed_push(trade: Trade) -> int:
    trade.shop.goes_wrong("503")
    happens(trade.database, "receipt", "MUG", 12)
    pushed(trade)
    return a_case(trade.database, trade.clock, "timeout")


def test_what_is_switched_off_is_refused(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    with trade.database.transaction() as connection:
        set_autonomy(connection, on(Level.OFF), trade.clock())
    with pytest.raises(VerbRefused):
        request(trade.world, case_id, "kim", trade.clock())
    assert runs_of(trade.database, case_id) == []


def test_in_shadow_the_plan_is_told_and_nothing_is_written_to_the_shop(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    trade.shop.forgets_writes()
    with trade.database.transaction() as connection:
        set_autonomy(connection, on(Level.SHADOW), trade.clock())
    run_id = request(trade.world, case_id, "kim", trade.clock())
    (run,) = runs_of(trade.database, case_id)
    assert (run.status, run.plan.changes[0].quantity) == ("proposed", 12)
    assert trade.shop.writes == []
    with pytest.raises(VerbRefused):
        approve(trade.world, run_id, "kim", trade.clock())


def test_the_pace_by_itself_is_kept(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    with trade.database.transaction() as connection:
        slow = Autonomy("retry_push", Level.AUTO, Limits(100, 1_000_000, 0), "kim", "one at a time")
        set_autonomy(connection, slow, trade.clock())
    request(trade.world, case_id, "stocktriage", trade.clock())
    (run,) = runs_of(trade.database, case_id)
    assert run.status == "awaiting_approval"
    assert run.why is not None
    assert "pace" in run.why


def test_asking_twice_gives_the_same_run(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG-BLU", 7, source="erp")
    case_id = a_case(trade.database, trade.clock, "sku_mapping")
    first = request(trade.world, case_id, "kim", trade.clock())
    assert request(trade.world, case_id, "lee", trade.clock()) == first


def test_a_run_is_approved_once_only(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG-BLU", 7, source="erp")
    case_id = a_case(trade.database, trade.clock, "sku_mapping")
    run_id = request(trade.world, case_id, "kim", trade.clock())
    approve(trade.world, run_id, "kim", trade.clock())
    with pytest.raises(VerbRefused):
        approve(trade.world, run_id, "lee", trade.clock())
    assert on_hand(trade.database, "MUG-BLUE") == (7, 0)


def test_a_resolved_case_is_not_acted_on(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    request(trade.world, case_id, "stocktriage", trade.clock())
    with pytest.raises(VerbRefused):
        request(trade.world, case_id, "kim", trade.clock())


def test_a_channel_turned_to_shadow_meanwhile_is_not_written_to(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    trade.shop.forgets_writes()
    with trade.database.transaction() as connection:
        connection.execute(text("UPDATE channel SET mode = 'shadow'"))
    request(trade.world, case_id, "stocktriage", trade.clock())
    (run,) = runs_of(trade.database, case_id)
    assert (run.status, run.outcome) == ("failed", "shop is in mode shadow")
    assert trade.shop.writes == []


def decided(trade: Trade, case_id: int) -> None:
    with trade.database.transaction() as connection:
        connection.execute(
            text("UPDATE exception_case SET abstained = false WHERE case_id = :case_id"), {"case_id": case_id}
        )


def test_a_case_whose_cause_is_decided_and_whose_action_may_run_is_acted_on_by_itself(trade: Trade) -> None:
    case_id = a_failed_push(trade)
    assert act_by_policy(trade.world, trade.clock()) == []
    decided(trade, case_id)
    assert len(act_by_policy(trade.world, trade.clock())) == 1
    assert case_status(trade.database, case_id) == "resolved"


def test_what_needs_approval_is_left_to_people(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG-BLU", 7, source="erp")
    case_id = a_case(trade.database, trade.clock, "sku_mapping")
    decided(trade, case_id)
    assert act_by_policy(trade.world, trade.clock()) == []
    assert runs_of(trade.database, case_id) == []


def test_what_keeps_failing_rests_between_tries_and_is_then_left_to_people(trade: Trade) -> None:
    trade.shop.goes_wrong(*["400"] * 10)
    case_id = a_failed_push(trade)
    decided(trade, case_id)
    tries = [len(act_by_policy(trade.world, trade.clock.pass_(minutes=minutes))) for minutes in (0, 1, 6, 6, 6, 6)]
    assert tries == [1, 0, 1, 1, 0, 0]
    assert case_status(trade.database, case_id) == "in_progress"
