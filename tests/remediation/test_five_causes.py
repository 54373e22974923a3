"""For each root cause: a fault is injected, becomes a failure and a case, and ends in a verified resolution."""

from datetime import timedelta

import pytest

from core_sync.availability.reservations import tell_stale
from core_sync.channels.connect import Connections
from core_sync.errors import VerbRefused
from core_sync.failures.record import NewFailure, record_failure
from core_sync.outbox.dispatch import Dispatcher, push_due
from core_sync.outbox.read_back import confirm_visible
from core_sync.snapshots.sweep import sweep
from remediation.case_view import view_case
from remediation.service import approve, preview, recommend, reject, request, runs_of, settle, undo
from tests.core_sync.stocked import happens, intent, open_failures
from tests.remediation.cases import a_case, case_status, on_hand, timeline, work
from tests.remediation.conftest import Trade

PERSON = "kim"


def pushed(trade: Trade, through: Connections | None = None) -> None:
    channels = through or trade.world.channels
    push_due(trade.database, channels, trade.clock(), dispatcher=Dispatcher(jitter=lambda: 1.0))
    confirm_visible(trade.database, trade.world.channels, trade.clock())


def asked(trade: Trade, case_id: int) -> tuple[int, str]:
    run_id = request(trade.world, case_id, PERSON, trade.clock())
    return run_id, status_of(trade, case_id)


def status_of(trade: Trade, case_id: int) -> str:
    return runs_of(trade.database, case_id)[0].status


def test_timeout_is_retried_by_itself_until_the_shop_shows_the_figure(trade: Trade) -> None:
    trade.shop.goes_wrong("timeout")
    happens(trade.database, "receipt", "MUG", 12)
    pushed(trade, trade.impatient)
    case_id = a_case(trade.database, trade.clock, "timeout")
    assert [failure[1] for failure in open_failures(trade.database)] == ["READ_TIMEOUT"]

    run_id = request(trade.world, case_id, "stocktriage", trade.clock())

    (run,) = runs_of(trade.database, case_id)
    assert (run.run_id, run.action, run.status) == (run_id, "retry_push", "succeeded")
    assert trade.shop.shown["MUG"] == 12
    assert open_failures(trade.database) == []
    assert case_status(trade.database, case_id) == "resolved"
    assert ("stocktriage", "resolve") in timeline(trade.database, case_id)


def test_a_retry_that_is_refused_again_leaves_the_case_open(trade: Trade) -> None:
    trade.shop.goes_wrong("timeout", "400")
    happens(trade.database, "receipt", "MUG", 12)
    pushed(trade, trade.impatient)
    case_id = a_case(trade.database, trade.clock, "timeout")
    request(trade.world, case_id, "stocktriage", trade.clock())
    assert status_of(trade, case_id) == "failed"
    assert case_status(trade.database, case_id) == "in_progress"
    assert len(open_failures(trade.database)) == 1


def test_a_retry_that_is_not_shown_yet_waits_and_is_settled_later(trade: Trade) -> None:
    trade.shop.goes_wrong("timeout", "accepted_not_applied")
    happens(trade.database, "receipt", "MUG", 12)
    pushed(trade, trade.impatient)
    case_id = a_case(trade.database, trade.clock, "timeout")
    request(trade.world, case_id, "stocktriage", trade.clock())
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("waiting", "waiting")
    assert settle(trade.world) == 0
    trade.shop.catches_up()
    assert settle(trade.world) == 1
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("succeeded", "resolved")


def test_sku_mapping_replays_the_parked_events_once_a_person_accepts_a_candidate(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG-BLU", 7, source="erp")
    happens(trade.database, "ship", "MUG-BLU", 2, source="erp")
    case_id = a_case(trade.database, trade.clock, "sku_mapping", "unmapped_sku")
    plan = preview(trade.database, case_id, trade.clock())
    assert plan.choices[0].name == "MUG-BLUE"
    likenesses = [choice.likeness for choice in plan.choices]
    assert likenesses == sorted(likenesses, key=lambda likeness: -(likeness or 0))

    run_id, status = asked(trade, case_id)
    assert (status, on_hand(trade.database, "MUG-BLUE")) == ("awaiting_approval", (0, 0))
    approve(trade.world, run_id, PERSON, trade.clock(), choice="MUG-BLUE")

    assert status_of(trade, case_id) == "succeeded"
    assert on_hand(trade.database, "MUG-BLUE") == (5, 0)
    assert case_status(trade.database, case_id) == "resolved"
    happens(trade.database, "receipt", "MUG-BLU", 1, source="erp", event_id="next")
    assert on_hand(trade.database, "MUG-BLUE") == (6, 0)


def test_a_mapping_that_was_wrong_is_taken_back_with_what_it_replayed(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG-BLU", 7, source="erp")
    case_id = a_case(trade.database, trade.clock, "sku_mapping", "unmapped_sku")
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock(), choice="PLATE")
    assert on_hand(trade.database, "PLATE") == (7, 0)
    undo(trade.world, run_id, PERSON, trade.clock.pass_(hours=1))
    assert on_hand(trade.database, "PLATE") == (0, 0)
    assert status_of(trade, case_id) == "undone"
    happens(trade.database, "receipt", "MUG-BLU", 1, at=trade.clock.pass_(hours=1), source="erp", event_id="next")
    assert on_hand(trade.database, "PLATE") == (0, 0)


def test_stale_reservation_is_released_by_an_entry_of_our_own(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG", 20)
    happens(trade.database, "reserve", "MUG", 6, reservation_id="O1", expires_at=trade.clock() + timedelta(hours=1))
    happens(trade.database, "reserve", "MUG", 3, reservation_id="O2")
    trade.clock.pass_(hours=5)
    with trade.database.transaction() as connection:
        tell_stale(connection, trade.clock())
    case_id = a_case(trade.database, trade.clock, "stale_reservation", "expired_hold")

    run_id, status = asked(trade, case_id)
    assert (status, on_hand(trade.database, "MUG")) == ("awaiting_approval", (20, 9))
    approve(trade.world, run_id, PERSON, trade.clock())

    assert on_hand(trade.database, "MUG") == (20, 3)
    assert intent(trade.database, "shop", "MUG")[1] == 17
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("succeeded", "resolved")
    undo(trade.world, run_id, PERSON, trade.clock())
    assert on_hand(trade.database, "MUG") == (20, 9)


def twice_told(trade: Trade) -> int:
    happens(trade.database, "receipt", "MUG", 20)
    for event_id in ("first", "second"):
        happens(trade.database, "ship", "MUG", 4, document="D1", line="1", event_id=event_id)
    return a_case(trade.database, trade.clock, "duplicate", "business_key")


def test_a_duplicate_that_a_person_confirms_stays_without_effect(trade: Trade) -> None:
    case_id = twice_told(trade)
    run_id, status = asked(trade, case_id)
    assert (status, on_hand(trade.database, "MUG")) == ("awaiting_approval", (16, 0))
    approve(trade.world, run_id, PERSON, trade.clock())
    assert on_hand(trade.database, "MUG") == (16, 0)
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("succeeded", "resolved")


def test_a_repeat_that_is_a_movement_of_its_own_is_applied_after_all_and_can_be_taken_back(trade: Trade) -> None:
    case_id = twice_told(trade)
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock(), choice="apply")
    assert on_hand(trade.database, "MUG") == (12, 0)
    assert case_status(trade.database, case_id) == "resolved"
    undo(trade.world, run_id, PERSON, trade.clock())
    assert on_hand(trade.database, "MUG") == (16, 0)


def test_an_id_that_came_back_with_other_content_may_be_reversed(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG", 20, event_id="r1")
    happens(trade.database, "receipt", "MUG", 2, event_id="r1")
    case_id = a_case(trade.database, trade.clock, "duplicate", "id_conflict")
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock(), choice="reverse")
    assert on_hand(trade.database, "MUG") == (0, 0)
    assert case_status(trade.database, case_id) == "resolved"


def test_posting_delay_asks_the_warehouse_and_holds_the_promise_until_the_market_shows_it(trade: Trade) -> None:
    trade.market.goes_wrong("accepted_not_applied")
    happens(trade.database, "receipt", "MUG", 9)
    pushed(trade)
    trade.clock.pass_(hours=1)
    pushed(trade)
    case_id = a_case(trade.database, trade.clock, "posting_delay", "accepted_not_applied")

    run_id, status = asked(trade, case_id)
    assert status == "awaiting_approval"
    approve(trade.world, run_id, PERSON, trade.clock())
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("waiting", "waiting")
    assert intent(trade.database, "market", "MUG")[0] == "held"
    happens(trade.database, "receipt", "MUG", 1, at=trade.clock())
    trade.market.forgets_writes()
    pushed(trade)
    assert trade.market.writes == []
    assert settle(trade.world) == 0

    trade.market.catches_up()
    assert settle(trade.world) == 1
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("succeeded", "resolved")
    pushed(trade)
    assert trade.market.shown["MUG"] == 10
    assert work(trade.database) == [("escalate_to_warehouse", "done", None)]


def test_a_late_posting_in_the_warehouse_is_asked_about_once_and_settled_when_figures_agree(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG", 9)
    pushed(trade)
    trade.wms.holds("MUG", "WH", 4)
    with trade.database.transaction() as connection:
        late = NewFailure(
            kind="expectation",
            message="picked and not shipped for six hours",
            occurred_at=trade.clock(),
            recorded_at=trade.clock(),
            sku="MUG",
            location="WH",
            subject="expected:ship:MUG",
        )
        record_failure(connection, late)
    case_id = a_case(trade.database, trade.clock, "posting_delay", "late_confirmation")
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock())
    assert [(task["sku"], task["location"]) for task in trade.wms.tasks] == [("MUG", "WH")]
    assert trade.wms.state.conduct.log[0].key == f"run-{run_id}-MUG-WH"
    assert work(trade.database) == [("escalate_to_warehouse", "open", "T1")]
    assert {intent(trade.database, channel, "MUG")[0] for channel in ("shop", "market")} == {"held"}
    trade.wms.holds("MUG", "WH", 9)
    assert settle(trade.world) == 1
    assert case_status(trade.database, case_id) == "resolved"
    assert {intent(trade.database, channel, "MUG")[0] for channel in ("shop", "market")} == {"visible"}


def test_whatever_else_is_put_on_a_persons_list(trade: Trade) -> None:
    del trade.shop.shown["MUG"]
    happens(trade.database, "receipt", "MUG", 9)
    pushed(trade)
    case_id = a_case(trade.database, trade.clock, "other")
    with trade.database.reading() as connection:
        assert recommend(view_case(connection, case_id)) == "investigate"
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock())
    assert work(trade.database) == [("investigate", "open", None)]
    assert settle(trade.world) == 0
    trade.shop.shown["MUG"] = 0
    happens(trade.database, "receipt", "MUG", 1)
    sweep(trade.database, trade.world.channels, trade.clock(), 10)
    pushed(trade)
    assert settle(trade.world) == 1
    assert case_status(trade.database, case_id) == "resolved"


def test_a_preview_changes_nothing(trade: Trade) -> None:
    case_id = twice_told(trade)
    plan = preview(trade.database, case_id, trade.clock())
    assert [change.target for change in plan.changes] == ["second of wms, like first"]
    assert (plan.units, plan.money, plan.reversible) == (4, 4 * 120_000, True)
    assert runs_of(trade.database, case_id) == []
    assert case_status(trade.database, case_id) == "new"


def test_a_rejected_run_does_nothing_and_says_why(trade: Trade) -> None:
    case_id = twice_told(trade)
    run_id, _ = asked(trade, case_id)
    reject(trade.database, run_id, PERSON, "the carrier will tell us", trade.clock())
    (run,) = runs_of(trade.database, case_id)
    assert (run.status, run.outcome) == ("rejected", "the carrier will tell us")
    assert case_status(trade.database, case_id) == "new"
    with pytest.raises(VerbRefused):
        approve(trade.world, run_id, PERSON, trade.clock())
