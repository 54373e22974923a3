"""Without a single fault a world is lawful, and its systems agree but for what is usual."""

from collections import Counter
from dataclasses import replace

import pytest

from simulation.distributor import simulate
from simulation.scenario import CLEAN, LOCATIONS
from simulation.world import World
from tests.simulation.replay import replayed


@pytest.fixture(scope="module", params=[1, 2, 3])
def clean(request: pytest.FixtureRequest) -> World:
    return simulate(replace(CLEAN, seed=request.param, days=8, skus=60))


def test_nothing_moves_that_is_not_there(clean: World) -> None:
    assert replayed(clean.tables).broken == []


def test_the_warehouse_reports_what_its_own_messages_add_up_to(clean: World) -> None:
    end = clean.scenario.end
    told = [row for row in clean.tables["events"] if row["time"] <= end]
    stock = replayed({**clean.tables, "events": told})
    differences = [
        row
        for row in clean.tables["snapshots"]
        if row["system"] == "wms"
        and row["as_of"] == end
        and row["quantity"] != stock.on_hand[str(row["sku"]), str(row["location"])]
    ]
    # Only a message on its way at the last second may be missing.
    assert len(differences) <= 2


def test_a_clean_world_has_no_faults_and_still_has_surprises(clean: World) -> None:
    assert clean.truth["faults"] == []
    assert clean.tables["failures"] == []
    kinds = Counter(row["kind"] for row in clean.truth["benign"])
    assert {"count", "large_order", "standing_offset"} <= kinds.keys()


def test_every_kind_of_movement_occurs(clean: World) -> None:
    assert {row["type"] for row in clean.tables["events"]} == {
        "inbound_announced", "receipt", "put_away", "pick", "pack", "reserve", "release_reservation",
        "order_cancelled", "ship", "return_received", "restock", "scrap", "hold", "release_hold",
        "transfer_out", "transfer_in", "adjust", "count",
    }  # fmt: skip


def test_messages_of_one_source_are_recorded_after_they_happened_and_in_their_order(clean: World) -> None:
    for source in ("erp", "wms"):
        mine = [row for row in clean.tables["events"] if row["source"] == source]
        assert all(row["time"] < row["recorded_at"] for row in mine)
        happened = [row["time"] for row in mine]
        assert happened == sorted(happened)


def test_every_position_is_reported_by_both_systems_at_every_snapshot(clean: World) -> None:
    moments = {row["as_of"] for row in clean.tables["snapshots"]}
    assert clean.scenario.end in moments
    assert len(moments) == 4 * clean.scenario.days
    for system, states in (("wms", 1), ("erp", 2)):
        rows = [row for row in clean.tables["snapshots"] if row["system"] == system]
        assert len(rows) == len(moments) * clean.scenario.skus * len(LOCATIONS) * states


def test_suppliers_have_a_past_of_which_all_has_come_and_some_came_late(clean: World) -> None:
    past = [row for row in clean.tables["deliveries"] if row["ordered_at"] < clean.scenario.start]
    assert len(past) >= 200
    assert all(row["ordered_at"] < row["received_at"] <= clean.scenario.end for row in past)
    late = sum(row["received_at"] > row["promised_at"] for row in past) / len(past)
    assert 0.05 < late < 0.35
