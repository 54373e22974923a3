"""The model of fulfilment latency from one's own picks: trained, promoted, heeded by recommendations, watched."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient

from api.wiring import World
from core_sync.ledger.events import Event, EventType
from core_sync.ledger.ledger import Ledger
from tests.api.conftest import Run
from tests.core_sync.stocked import a_location

HOUR = timedelta(hours=1)
ORDERS = 700


@pytest.fixture
def picked(stocked: World) -> World:
    """Three weeks of orders: LEEDS picks within two hours, YORK takes thrice as long; at night both six times that."""
    a_location(stocked.database, "YORK")
    chance, now = np.random.default_rng(0), stocked.clock()
    begin = now - 21 * 24 * HOUR
    events = [event("receipt", f"r{place}", begin - HOUR, place, 5 * ORDERS) for place in ("LEEDS", "YORK")]
    for number, after in enumerate(np.sort(chance.uniform(0, 20 * 24, ORDERS))):
        place = str(chance.choice(["LEEDS", "YORK"]))
        placed = begin + float(after) * HOUR
        mean = (1.0 if place == "LEEDS" else 3.0) * (6.0 if placed.hour < 8 else 1.0)
        picked_at = placed + float(chance.gamma(8, mean / 8)) * HOUR
        events += [
            event("reserve", f"o{number}", placed, place, 1, f"SO-{number}"),
            event("pick", f"p{number}", picked_at, place, 1, f"SO-{number}"),
            event("ship", f"s{number}", picked_at + HOUR, place, 1, f"SO-{number}"),
        ]
    Ledger(stocked.database).apply(sorted(events, key=lambda one: one.occurred_at), now)
    return stocked


def event(kind: str, key: str, at: datetime, place: str, units: int, order: str = "") -> Event:
    return Event(
        event_id=key, source="wms", type=EventType(kind), occurred_at=at, sku="MUG", location=place, quantity=units,
        document=order, line="1" if order else "", reservation_id=order, channel="shop" if order else "",
    )  # fmt: skip


def test_a_trained_model_is_promoted_by_the_gate_and_tells_the_fulfilment_latency_of_a_buffer(
    picked: World, client: TestClient, stocktriage: Run
) -> None:
    before = latency(client)
    assert "90th percentile" in before["note"]

    trained = stocktriage("train", "fulfilment_latency")
    assert trained.code == 0, trained.err
    assert "not kept in MLflow" not in trained.err
    assert "it may be promoted" in trained.out, trained.out
    assert stocktriage("promote", "fulfilment_latency").code == 0
    listed = stocktriage("models").out
    assert "within what it told of" in listed
    assert "train it anew" not in listed

    del picked.estimates  # five minutes pass
    told = latency(client)
    assert f"model of fulfilment {picked.models.version('fulfilment_latency')}" in told["note"]
    assert "LEEDS" in told["note"]
    assert "YORK" in told["note"]
    assert told["value"] < before["value"], "it is eight in the morning: nobody waits for the night any more"

    assert stocktriage("rollback", "fulfilment_latency").code == 0
    del picked.estimates  # five minutes pass
    assert latency(client) == before


def test_too_few_orders_are_refused_with_what_is_needed(stocked: World, stocktriage: Run) -> None:
    told = stocktriage("train", "fulfilment_latency")
    assert told.code != 0
    assert "of no order it is known when it was picked or shipped" in told.err


def latency(client: TestClient) -> dict[str, Any]:
    (found,) = client.get("/v1/buffers", params={"sku": "MUG", "channel": "shop"}).json()["items"]
    told = found["terms"]["fulfilment_latency"]
    assert isinstance(told, dict)
    return told
