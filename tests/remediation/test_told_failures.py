"""Failures that other software recorded: an action finds what they are about, or hands them to a person."""

from typing import Any

import msgspec
from sqlalchemy import text

from core_sync.cases.verbs import resolve
from core_sync.failures.record import NewFailure, record_failure
from remediation.service import approve, preview, request, runs_of, settle
from tests.core_sync.stocked import happens, intent, open_failures
from tests.remediation.cases import a_case, case_status, on_hand, work
from tests.remediation.conftest import Trade
from tests.remediation.test_five_causes import PERSON, asked, status_of


def told(trade: Trade, message: str, **evidence: Any) -> None:
    with trade.database.transaction() as connection:
        at = trade.clock()
        record_failure(connection, NewFailure(kind="told", message=message, occurred_at=at, recorded_at=at, **evidence))


def settings_of_the_shop(trade: Trade, mode: str, **attributes: object) -> None:
    kept = msgspec.json.encode({"endpoint": trade.shop.url, **attributes}).decode()
    with trade.database.transaction() as connection:
        statement = text("UPDATE channel SET mode = :mode, attributes = :kept WHERE channel = 'shop'")
        connection.execute(statement, {"mode": mode, "kept": kept})


def test_a_told_time_out_is_pushed_again_on_a_channel_that_takes_only_what_is_asked_for(trade: Trade) -> None:
    settings_of_the_shop(trade, "pilot", push_on_request=True)
    happens(trade.database, "receipt", "MUG", 12)
    told(trade, "no answer within 30 s", channel="shop", sku="MUG", operation="inventory.push")
    case_id = a_case(trade.database, trade.clock, "timeout")
    request(trade.world, case_id, PERSON, trade.clock())
    assert status_of(trade, case_id) == "succeeded"
    assert trade.shop.shown["MUG"] == 12
    assert (open_failures(trade.database), case_status(trade.database, case_id)) == ([], "resolved")


def test_a_pilot_channel_takes_nothing_on_request_unless_it_says_so(trade: Trade) -> None:
    settings_of_the_shop(trade, "pilot")
    happens(trade.database, "receipt", "MUG", 12)
    told(trade, "no answer within 30 s", channel="shop", sku="MUG", operation="inventory.push")
    case_id = a_case(trade.database, trade.clock, "timeout")
    request(trade.world, case_id, PERSON, trade.clock())
    assert status_of(trade, case_id) == "waiting"
    assert trade.shop.writes == []


def test_a_told_order_names_the_reservation_that_is_released(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG", 20)
    happens(trade.database, "reserve", "MUG", 6, reservation_id="R1", document="SO-1")
    happens(trade.database, "reserve", "MUG", 3, reservation_id="R2", document="SO-2")
    told(trade, "voided order SO-1 still holds stock", sku="MUG", system="erp")
    case_id = a_case(trade.database, trade.clock, "stale_reservation")
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock())
    assert on_hand(trade.database, "MUG") == (20, 3)
    assert case_status(trade.database, case_id) == "resolved"


def several_old_reservations(trade: Trade) -> int:
    happens(trade.database, "receipt", "MUG", 40)
    for name in ("OLD1", "OLD2"):
        happens(trade.database, "reserve", "MUG", 4, reservation_id=name, channel="shop")
    trade.clock.pass_(hours=40)
    for number in range(3):
        happens(trade.database, "reserve", "MUG", 1, at=trade.clock(), reservation_id=f"NEW{number}", channel="shop")
    trade.clock.pass_(hours=1)
    told(trade, "allocation belongs to no order", sku="MUG", system="erp")
    return a_case(trade.database, trade.clock, "stale_reservation")


def test_reservations_that_nobody_names_are_offered_and_only_the_chosen_one_is_released(trade: Trade) -> None:
    case_id = several_old_reservations(trade)
    choices = [choice.name for choice in preview(trade.database, case_id, trade.clock()).choices]
    assert choices == ["OLD1", "OLD2"]
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock(), choice="OLD2")
    assert on_hand(trade.database, "MUG") == (40, 7)
    assert case_status(trade.database, case_id) == "resolved"


def test_a_reservation_that_nobody_chose_stays(trade: Trade) -> None:
    case_id = several_old_reservations(trade)
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock())
    (run,) = runs_of(trade.database, case_id)
    assert (run.status, run.outcome) == (
        "failed",
        "nothing names the reservation that is meant: choose one when approving",
    )
    assert on_hand(trade.database, "MUG") == (40, 11)


def test_a_told_name_is_mapped_to_the_candidate_that_was_told_with_it(trade: Trade) -> None:
    told(trade, "nothing answers to MGBLU", system="erp", sku="MGBLU", mapping_candidates='["MUG-BLUE"]')
    case_id = a_case(trade.database, trade.clock, "sku_mapping", "unmapped_sku")
    run_id, _ = asked(trade, case_id)
    approve(trade.world, run_id, PERSON, trade.clock(), choice="MUG-BLUE")
    assert case_status(trade.database, case_id) == "resolved"
    happens(trade.database, "receipt", "MGBLU", 5, source="erp")
    assert on_hand(trade.database, "MUG-BLUE") == (5, 0)


def test_what_nothing_can_be_changed_about_goes_to_a_person_at_once_and_is_over_when_they_resolve_it(
    trade: Trade,
) -> None:
    told(trade, "conversion BX to EA is not defined", system="erp", sku="MUG")
    case_id = a_case(trade.database, trade.clock, "sku_mapping", "uom_mismatch")
    plan = preview(trade.database, case_id, trade.clock())
    assert [(change.what, change.target) for change in plan.changes] == [
        ("look into", "conversion BX to EA is not defined")
    ]
    _, status = asked(trade, case_id)
    (run,) = runs_of(trade.database, case_id)
    assert status == "waiting"
    assert run.outcome is not None
    assert run.outcome.startswith("handed to a person: ")
    assert (case_status(trade.database, case_id), work(trade.database)) == ("waiting", [("hand_over", "open", None)])
    assert settle(trade.world) == 0
    with trade.database.transaction() as connection:
        resolve(connection, case_id, "BX holds 12 in the ERP now", PERSON, trade.clock())
    assert settle(trade.world) == 1
    (run,) = runs_of(trade.database, case_id)
    assert (run.status, run.outcome) == ("succeeded", "the case was resolved: BX holds 12 in the ERP now")
    assert work(trade.database) == [("hand_over", "done", None)]
    assert open_failures(trade.database) == []


def test_a_retry_without_a_listing_changes_no_listing(trade: Trade) -> None:
    happens(trade.database, "receipt", "MUG", 12)
    told(trade, "receipt beyond tolerance", system="wms", sku="MUG")
    case_id = a_case(trade.database, trade.clock, "timeout")
    request(trade.world, case_id, "stocktriage", trade.clock())
    assert (status_of(trade, case_id), case_status(trade.database, case_id)) == ("waiting", "waiting")
    assert intent(trade.database, "shop", "MUG")[0] == "pending"
