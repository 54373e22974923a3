"""Faults that no feature was made for leave the traces of their kind, are reported by nobody, and are never taught."""

from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from simulation.distributor import simulate
from simulation.faults.inject import INJECT_UNFORESEEN
from simulation.faults.kinds import UNFORESEEN
from simulation.scenario import SAMPLE, TRAINING_AGAIN, TRAINING_MIX, UNFORESEEN_WORLD, Constants, FaultRate
from simulation.world import World


def only(kind: str) -> World:
    rates = {kind: FaultRate(3.0, 14.0)}
    quiet = Constants(faults=rates, transient_failures_per_day=0.0, open_at_end=0, kits_per_day=4.0)
    return simulate(replace(SAMPLE, days=6, skus=60, constants=quiet))


def traced(world: World) -> list[dict[str, Any]]:
    found = [fault for fault in world.truth["faults"] if fault["snapshot_keys"]]
    assert found
    return found


def until(fault: dict[str, Any], world: World) -> datetime:
    ended = fault["ended_at"]
    return ended if isinstance(ended, datetime) else world.scenario.end


def test_no_training_world_has_such_a_fault_and_their_own_world_has_all() -> None:
    assert INJECT_UNFORESEEN.keys() == UNFORESEEN.keys() <= UNFORESEEN_WORLD.constants.faults.keys()
    for scenario in (*TRAINING_AGAIN, *TRAINING_MIX):
        assert not UNFORESEEN.keys() & scenario.constants.faults.keys()


@pytest.mark.parametrize("kind", sorted(UNFORESEEN))
def test_nobody_reports_them(kind: str) -> None:
    world = only(kind)
    assert traced(world)
    assert world.tables["failures"] == []


def test_goods_of_a_wrong_scan_are_booked_as_others_until_both_are_counted() -> None:
    world = only("cross_dock_scan")
    events = {row["id"]: row for row in world.tables["events"]}
    for fault in traced(world):
        booked, *counts = [events[name] for name in fault["event_ids"].split() if name in events]
        assert booked["sku"] != fault["sku"]
        assert {row["type"] for row in counts} <= {"count"}
        assert len(counts) == (2 if fault["ended_at"] else 0)


def test_of_a_half_applied_kit_one_line_is_missing_until_it_is_cured() -> None:
    world = only("half_applied_kit")
    events = {row["id"]: row for row in world.tables["events"]}
    whole = [row["document"] for row in events.values() if str(row.get("document")).startswith("KIT-")]
    assert max(whole.count(document) for document in whole) == 3
    for fault in traced(world):
        told = [row for row in events.values() if row.get("document") == fault["documents"]]
        early = [row for row in told if row["recorded_at"] < until(fault, world)]
        assert len(early) == 2
        assert len(told) == (3 if fault["ended_at"] else 2)


def test_a_mistaken_measure_spoils_the_figures_of_the_erp_and_its_channel_alone() -> None:
    world = only("measure_mix_up")
    for fault in traced(world):
        assert {key.split("|")[0] for key in fault["snapshot_keys"].split()} <= {"erp", "edi"}


def test_a_clock_that_is_behind_tells_what_was_so_hours_before() -> None:
    world = only("clock_skew")
    for fault in traced(world):
        systems = {key.split("|")[0] for key in fault["snapshot_keys"].split()}
        assert systems == {fault["system"]}


def test_a_queue_that_stands_still_tells_nothing_of_its_skus_while_the_others_go_on() -> None:
    world = only("partial_outage")
    for fault in traced(world):
        stuck = set(fault["event_ids"].split())
        told = [
            row
            for row in world.tables["events"]
            if row["source"] == "wms"
            and row["location"] == fault["location"]
            and fault["started_at"] < row["recorded_at"] < until(fault, world)
        ]
        assert told
        assert not stuck & {row["id"] for row in told}
