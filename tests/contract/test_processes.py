"""Channels as processes of their own, with everything going wrong now and then: every figure arrives, none twice.

What drives the pushes is the least that can be done with the port: push what is not shown, look, and push again.
"""

import random
from collections import Counter
from collections.abc import Mapping

import pytest

from core_sync.channels.port import Accepted, Channel, PushRequest, ReadFailed, Rejected, Unknown
from simulation.peers.fleet import Fleet
from simulation.peers.kinds import KINDS
from simulation.peers.remote import RemotePeer
from tests.contract.simulated import EDI, PATCHES, SHOPIFY, SPEED
from tests.proof import counted, keep_result

CONNECT = {"shopify": SHOPIFY.connect, "amazon": PATCHES.connect, "edi": EDI.connect}
LISTINGS, CHANGES = counted(100, 12), counted(5, 2)
ROUNDS_MAX = 400
ANSWER_S = 0.5
HOUR_S = 3600.0

PLAN: list[Mapping[str, object]] = [
    {"fault": "latency", "on": "both", "probability": 0.2, "seconds": 0.005},
    {"fault": "timeout", "probability": 0.01, "seconds": 0.8},
    {"fault": "timeout_applied", "probability": 0.01, "seconds": 0.8},
    {"fault": "cut", "on": "both", "probability": 0.03},
    {"fault": "cut_applied", "probability": 0.03},
    {"fault": "400", "probability": 0.01},
    {"fault": "409", "probability": 0.02},
    {"fault": "429", "on": "both", "probability": 0.03, "retry_after_s": 2},
    {"fault": "429_without_retry_after", "on": "both", "probability": 0.02},
    {"fault": "throttled", "on": "both", "probability": 0.02},
    {"fault": "500", "on": "both", "probability": 0.02},
    {"fault": "500_applied", "probability": 0.03},
    {"fault": "503", "on": "both", "probability": 0.02},
    {"fault": "garbage", "on": "both", "probability": 0.02},
    {"fault": "garbage_applied", "probability": 0.02},
    {"fault": "accepted_not_applied", "probability": 0.03},
    {"fault": "stale_read", "on": "reads", "probability": 0.05},
    {"fault": "lingers", "probability": 0.02, "seconds": 20},
    {"fault": "lost", "probability": 0.02},
    {"fault": "outage", "on": "both", "from_s": 10, "to_s": 40},
]
"""One request in three meets something; for half a minute of the peer's clock nothing goes at all."""


class Driver:
    """Brings the figures of one channel about, and counts the answers."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.answers: Counter[str] = Counter()
        self.tries: Counter[str] = Counter()

    def bring_about(self, wanted: Mapping[str, int]) -> None:
        """Push and look until the channel shows what is wanted."""
        skus = list(wanted)
        for _ in range(ROUNDS_MAX):
            shown = self.look(skus)
            lacking = [sku for sku in skus if shown is not None and shown.get(sku) != wanted[sku]]
            if shown is not None and not lacking:
                return
            for sku in lacking:
                self.push(PushRequest(sku, wanted[sku], (shown or {}).get(sku), self.key(sku, wanted[sku])))
        pytest.fail(f"not brought about: {self.answers}")

    def key(self, sku: str, quantity: int) -> str:
        """A new name for each try: the channel may have lost what it accepted under the old one."""
        self.tries[sku] += 1
        return f"{sku}-{quantity}-{self.tries[sku]}"

    def look(self, skus: list[str]) -> Mapping[str, int] | None:
        try:
            return self.channel.read(skus)
        except ReadFailed as error:
            self.answers[f"read failed: {error.code}"] += 1
            return None

    def push(self, request: PushRequest) -> None:
        [answer] = self.channel.push([request])
        match answer:
            case Accepted():
                self.answers["accepted"] += 1
            case Rejected(code=code):
                self.answers[f"rejected: {code}"] += 1
            case Unknown(code=code):
                self.answers[f"unknown: {code}"] += 1


@pytest.mark.proof
@pytest.mark.parametrize("kind", KINDS)
def test_every_figure_arrives_at_a_channel_that_goes_wrong_now_and_then(kind: str) -> None:
    chance = random.Random(7)
    skus = [f"SKU-{number}" for number in range(LISTINGS)]
    with Fleet.start([kind], listings=dict.fromkeys(skus, 0), speed=SPEED) as fleet:
        peer: RemotePeer = fleet[kind]
        peer.follows_plan(*PLAN, seed=7)
        driver = Driver(CONNECT[kind](peer.url, ANSWER_S))
        for _ in range(CHANGES):
            wanted = {sku: chance.randrange(50) for sku in skus}
            driver.bring_about(wanted)
        peer.behaves()
        peer.passes(HOUR_S)  # whatever lingers has come by now, and may be what was wanted once
        driver.bring_about(wanted)
        assert peer.shown() == wanted
        counted_there = peer.counters()
    assert counted_there["applied_twice"] == 0
    assert counted_there["refused_by_limit"] == 0
    keep_result(
        f"channel_{kind}",
        "tests/contract/test_processes.py",
        {
            "figures to bring about": LISTINGS * CHANGES,
            "figures received": counted_there["figures_received"],
            "figures applied": counted_there["figures_applied"],
            "applied twice": counted_there["applied_twice"],
            "refused by the channel's own limit": counted_there["refused_by_limit"],
            "faults met": counted_there["faults"],
            "answers": dict(driver.answers),
        },
    )
