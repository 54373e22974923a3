"""Injected faults leave the traces that their kind leaves, and the truth names every one of them."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from simulation.distributor import simulate
from simulation.faults.inject import INJECT
from simulation.faults.kinds import ROOT_CAUSE
from simulation.faults.wording import templates
from simulation.scenario import CLEAN, HELD_OUT, SAMPLE, TRAINING, Constants, FaultRate
from simulation.world import World
from tests.simulation.replay import replayed


@pytest.fixture(scope="module")
def sample() -> World:
    return simulate(SAMPLE)


def faults(world: World, subclass: str) -> list[dict[str, Any]]:
    found = [row for row in world.truth["faults"] if row["subclass"] == subclass]
    assert found, f"no {subclass} in this world"
    return found


def only(kind: str, **constants: Any) -> World:
    """A small world in which nothing but one kind of fault happens."""
    rates = {kind: FaultRate(2.0, 8.0)}
    quiet = Constants(faults=rates, transient_failures_per_day=0.0, silent=0.0, evidence_hidden=0.0, **constants)
    return simulate(replace(SAMPLE, days=6, skus=60, constants=quiet))


def test_the_sample_ends_with_live_faults_of_every_root_cause(sample: World) -> None:
    live = [row for row in sample.truth["faults"] if row["open_at_end"]]
    assert len(live) >= 20
    assert {row["root_cause"] for row in live} == set(ROOT_CAUSE.values())


def test_every_kind_of_fault_can_happen_and_has_its_root_cause(sample: World) -> None:
    assert INJECT.keys() == ROOT_CAUSE.keys() == SAMPLE.constants.faults.keys()
    assert {row["subclass"]: row["root_cause"] for row in sample.truth["faults"]}.items() <= ROOT_CAUSE.items()


def test_the_truth_names_events_failures_and_snapshots_that_exist(sample: World) -> None:
    events = {row["id"] for row in sample.tables["events"]}
    failures = {row["id"] for row in sample.tables["failures"]}
    keys = {
        f"{row['system']}|{row['sku']}|{row['location']}|{row['state']}|{row['as_of']:%Y-%m-%dT%H:%MZ}"
        for row in sample.tables["snapshots"]
    }
    for fault in sample.truth["faults"]:
        assert set(str(fault["failure_ids"]).split()) <= failures
        assert set(str(fault["snapshot_keys"]).split()) <= keys
        if fault["subclass"] != "late_confirmation":  # whose messages may never come
            missing = set(str(fault["event_ids"]).split()) - events
            assert len(missing) <= 1, "only a message on its way at the end may be missing"


def test_a_figure_that_a_cured_fault_left_wrong_is_told_apart_from_what_it_spoils(sample: World) -> None:
    spoilt = {key for fault in sample.truth["faults"] for key in str(fault["snapshot_keys"]).split()}
    left = [(fault, key) for fault in sample.truth["faults"] for key in str(fault["left_keys"]).split()]
    assert left
    for fault, key in left:
        assert key not in spoilt
        assert key.rpartition("|")[2] > f"{fault['ended_at']:%Y-%m-%dT%H:%MZ}"
        assert key.rpartition("|")[0] in {one.rpartition("|")[0] for one in str(fault["snapshot_keys"]).split()}


def test_every_failure_is_either_of_a_fault_or_known_as_noise(sample: World) -> None:
    explained = {name for fault in sample.truth["faults"] for name in str(fault["failure_ids"]).split()}
    noise = {row["reference"] for row in sample.truth["benign"] if row["kind"] == "transient_failure"}
    assert {row["id"] for row in sample.tables["failures"]} == explained | noise
    assert not explained & noise


def test_some_faults_cost_money_and_the_sums_agree(sample: World) -> None:
    assert sum(row["loss_ahead"] > 0 for row in sample.truth["faults"]) >= 5
    for row in sample.truth["faults"]:
        assert row["loss_so_far"] + row["loss_ahead"] == row["loss_if_unfixed"]
        assert row["open_at_end"] or row["loss_ahead"] == Decimal(0)
        assert row["currency"] == "EUR"


def test_evidence_is_hidden_and_texts_are_empty_about_as_often_as_published(sample: World) -> None:
    rows = sample.tables["failures"]
    empty = sum(row["message"] == "" for row in rows) / len(rows)
    assert 0.04 < empty < 0.18
    hidden = sum(row["attempts"] is None for row in rows) / len(rows)
    assert 0.2 < hidden < 0.4


def test_messages_differ_and_leave_no_placeholder_unfilled(sample: World) -> None:
    texts = [str(row["message"]) for row in sample.tables["failures"] if row["message"]]
    assert len(set(texts)) > 0.5 * len(texts)
    assert not [text for text in texts if "{" in text or "}" in text]


def test_a_listing_whose_pushes_time_out_stays_as_it_was() -> None:
    world = only("timeout")
    shown = defaultdict(list)
    for row in world.tables["snapshots"]:
        shown[row["system"], row["sku"]].append((row["as_of"], row["quantity"]))
    for fault in faults(world, "timeout"):
        until: datetime = fault["ended_at"] or world.scenario.end
        during = [
            quantity
            for moment, quantity in shown[fault["channel"], fault["sku"]]
            if fault["started_at"] < moment < until
        ]
        # A listing that is not updated only ever counts down, by its own sales.
        assert during == sorted(during, reverse=True)


def test_an_unknown_code_in_the_files_is_mapped_exactly_when_somebody_cured_it() -> None:
    world = only("unmapped_sku")
    known = {row["external_sku"] for row in world.tables["aliases"]} | {row["sku"] for row in world.tables["skus"]}
    by_id = {row["id"]: row for row in world.tables["events"]}
    for fault in faults(world, "unmapped_sku"):
        names = {by_id[name]["sku"] for name in fault["event_ids"].split() if name in by_id}
        assert names <= known if fault["ended_at"] else not names & known


@pytest.mark.parametrize("kind", ["expired_hold", "cancelled_order", "leaked"])
def test_a_stale_reservation_stays_allocated_until_it_is_released(kind: str) -> None:
    world = only(kind)
    stock = replayed(world.tables)
    open_claims = {name for (_, name), units in stock.reserved.items() if units > 0}
    reservations = {row["id"]: row["reservation_id"] for row in world.tables["events"] if row["type"] == "reserve"}
    for fault in faults(world, kind):
        reservation = reservations[fault["event_ids"].split()[0]]
        assert (reservation in open_claims) == fault["open_at_end"]


@pytest.mark.parametrize(
    ("kind", "same_id", "same_content"),
    [("redelivery", True, True), ("id_conflict", True, False), ("business_key", False, True)],
)
def test_a_duplicate_repeats_id_or_business_key(kind: str, same_id: bool, same_content: bool) -> None:
    world = only(kind)
    rows = defaultdict(list)
    for row in world.tables["events"]:
        rows[row["id"]].append(row)
    for fault in faults(world, kind):
        told = [row for name in fault["event_ids"].split() for row in rows[name]]
        assert len(told) == 2, fault
        first, second = told
        assert (first["id"] == second["id"]) == same_id
        assert (first["quantity"] == second["quantity"]) == same_content
        assert first["document"] == second["document"]


def test_goods_that_left_without_confirmation_are_gone_from_the_warehouse_and_not_from_the_messages() -> None:
    world = only("late_confirmation")
    live = [fault for fault in faults(world, "late_confirmation") if fault["open_at_end"] and fault["quantity"]]
    assert live
    stock = replayed(world.tables)
    for fault in live:
        reported = next(
            row["quantity"]
            for row in reversed(world.tables["snapshots"])
            if (row["system"], row["sku"], row["location"]) == ("wms", fault["sku"], fault["location"])
        )
        assert reported < stock.on_hand[fault["sku"], fault["location"]]


def test_faults_never_change_what_buyers_wanted() -> None:
    faulty, clean = simulate(replace(SAMPLE, days=3, skus=40)), simulate(replace(CLEAN, days=3, skus=40))
    before = faulty.scenario.start.replace(hour=23)
    # Until the first fault begins both worlds are one and the same.
    assert [row for row in faulty.tables["events"] if row["time"] < before] == [
        row for row in clean.tables["events"] if row["time"] < before
    ]


def test_training_and_held_out_worlds_share_no_sentence() -> None:
    spoken = {
        scenario.seed: {
            template.text for chosen in templates(scenario.constants.wordings).values() for template in chosen
        }
        for scenario in (TRAINING, HELD_OUT)
    }
    assert not spoken[TRAINING.seed] & spoken[HELD_OUT.seed]
    assert len(spoken[TRAINING.seed]) > 60


def test_no_text_of_the_sample_is_said_by_two_root_causes() -> None:
    causes = defaultdict(set)
    for (kind, _), chosen in templates(("a", "b")).items():
        for template in chosen:
            causes[template.text].add(ROOT_CAUSE[kind])
    assert Counter(len(said_by) for said_by in causes.values()).keys() == {1}


def test_every_line_that_a_fault_cost_is_told_with_the_faults_that_spoiled_its_listing(sample: World) -> None:
    cost: dict[str, float] = {}
    for row in sample.truth["losses"]:
        first, *_ = str(row["fault_ids"]).split()
        cost[first] = cost.get(first, 0.0) + float(str(row["loss"]))
    assert len(sample.truth["losses"]) > 20
    told = {str(fault["fault_id"]) for fault in sample.truth["faults"]}
    assert {name for row in sample.truth["losses"] for name in str(row["fault_ids"]).split()} <= told
    for fault in sample.truth["faults"]:
        assert cost.get(str(fault["fault_id"]), 0.0) == pytest.approx(float(str(fault["loss_if_unfixed"])), abs=0.5)
