"""Faults come when the plan says so, as often as it says, and the same with the same seed."""

from collections.abc import Iterator

import pytest

from simulation.peers.clock import PeerClock
from simulation.peers.edi_like import edi_app
from simulation.peers.faults import Fault, FaultKind, FaultPlan, FaultRule
from simulation.peers.remote import RemotePeer
from simulation.peers.serve import running
from simulation.peers.shelf import Shelf, oversold


def met(plan: FaultPlan, *at_s: float, on: str = "writes", sku: str = "MUG") -> list[str]:
    faults = [plan.meet("writes" if on == "writes" else "reads", moment, [sku])[1] for moment in at_s]
    return [fault.name if fault else "" for fault in faults]


def rule(name: str, **more: object) -> FaultRule:
    return FaultRule(Fault.named(name), **more)  # type: ignore[arg-type]  # the test's own words


def test_a_rule_holds_between_its_two_moments() -> None:
    plan = FaultPlan((rule("outage", on="both", from_s=60, to_s=120),), since_s=1000)
    assert met(plan, 1000, 1060, 1119, 1120) == ["", "outage", "outage", ""]


def test_a_rule_comes_so_many_times_for_the_sku_and_the_kind_of_request_it_names() -> None:
    plan = FaultPlan((rule("500", times=2, sku="MUG"),))
    assert met(plan, 0, on="reads") + met(plan, 0, sku="CUP") == ["", ""]
    assert met(plan, 0, 1, 2) == ["500", "500", ""]


def test_latency_goes_with_the_fault_after_it_and_the_first_fault_wins() -> None:
    slow = FaultRule(Fault(FaultKind.LATENCY, seconds=0.5))
    plan = FaultPlan((slow, slow, rule("503"), rule("cut")))
    latency_s, fault = plan.meet("writes", 0, [])
    assert (latency_s, fault and fault.name) == (1.0, "503")


def test_a_seed_gives_the_same_course_and_another_one_another() -> None:
    rules = (rule("timeout", probability=0.3), rule("429", probability=0.3))
    courses = [met(FaultPlan(rules, seed), *range(200)) for seed in (1, 1, 2)]
    assert courses[0] == courses[1] != courses[2]
    assert 0.2 < courses[0].count("timeout") / 200 < 0.4


def test_a_rule_more_changes_nothing_about_the_others() -> None:
    alone = met(FaultPlan((rule("timeout", probability=0.3),), 7), *range(100))
    both = met(FaultPlan((rule("timeout", probability=0.3), rule("cut", probability=0.5)), 7), *range(100))
    assert [name == "timeout" for name in alone] == [name == "timeout" for name in both]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("timeout_applied", Fault(FaultKind.TIMEOUT, applied=True)),
        ("accepted_not_applied", Fault(FaultKind.ACCEPTED_NOT_APPLIED)),
        ("500_applied", Fault(FaultKind.STATUS, applied=True, status=500)),
        ("429", Fault(FaultKind.STATUS, status=429, retry_after_s=2.0)),
        ("429_without_retry_after", Fault(FaultKind.STATUS, status=429)),
    ],
)
def test_a_fault_is_known_by_its_short_name(name: str, told: Fault) -> None:
    assert Fault.named(name) == told
    assert Fault.named(told.name).kind == told.kind


@pytest.fixture
def peer() -> Iterator[RemotePeer]:
    with running(edi_app({"MUG": 5}, clock=PeerClock(speed=0))) as url, RemotePeer(url) as peer:
        yield peer


@pytest.mark.parametrize(
    "told",
    [{"fault": "earthquake"}, {"fault": "500", "when": 3}, {"fault": "500", "probability": 2}, {"probability": 1}],
)
def test_a_rule_that_makes_no_sense_is_refused_and_the_plan_stays(peer: RemotePeer, told: dict[str, object]) -> None:
    peer.follows_plan({"fault": "503", "on": "reads"})
    with pytest.raises(ValueError, match=r"fault|probability|earthquake"):
        peer.follows_plan(told)
    with pytest.raises(ValueError, match="earthquake"):
        peer.meets("timeout", "earthquake")
    assert peer.plan() == [{"fault": "503", "on": "reads", "fired": 0}]
    assert peer.counters()["faults"] == {}


def test_time_passes_for_a_peer_as_it_is_told(peer: RemotePeer) -> None:
    peer.passes(90)
    assert peer.counters()["at_s"] == 90
    with pytest.raises(ValueError, match="never goes back"):
        peer.passes(-1)
    peer.runs_at(1000)
    assert peer.counters()["at_s"] > 90


def test_buyers_buy_what_is_shown_and_no_more(peer: RemotePeer) -> None:
    assert [peer.buy("MUG", 2, "ann"), peer.buy("MUG", 4), peer.buy("MUG", 3), peer.buy("CUP")] == [
        "O1",
        None,
        "O2",
        None,
    ]
    counted = peer.counters()
    assert (counted["orders"], counted["sold"], counted["turned_away"]) == (2, {"MUG": 5}, 2)
    assert [order["sku"] for order in peer.orders(after=1)] == ["MUG"]
    assert peer.shown() == {"MUG": 0}


def test_what_several_channels_sold_beyond_the_stock_is_oversold() -> None:
    assert oversold([{"MUG": 2, "CUP": 1}, {"MUG": 3}], {"MUG": 4, "CUP": 1}) == {"MUG": 1}


def test_a_stale_read_tells_what_was_shown_then() -> None:
    clock = PeerClock(speed=0)
    shelf = Shelf({"MUG": 5}, clock)
    for quantity in (4, 3):
        clock.advance(10)
        shelf.set("MUG", quantity)
    clock.advance(5)
    ages = [None, 1, 7, 20]
    told = [shelf.told("MUG", Fault(FaultKind.STALE_READ, seconds=age)) for age in ages]
    assert told == [4, 3, 4, 5]
    assert shelf.told("MUG", None) == 3
