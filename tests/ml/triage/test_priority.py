"""Who bears what was sold beyond one stock, and what passes a cancel rate together."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from ml.exposure.barriers import CancelRate
from ml.exposure.penalties import Penalties
from ml.exposure.rates import Rates
from ml.exposure.situation import ChannelDemand, Situation, UnitPrices
from ml.exposure.terms import Basis, Term
from ml.exposure.value import Exposure, exposures_of, part_of
from ml.triage.attribution import Claim
from ml.triage.cancel_rates import passed_together
from ml.triage.priority import by_priority
from ml.triage.stakes import Stake

PENALTIES = {"grocer": 20, "shop": 0, "amazon": 12}
RATE = CancelRate(0.025, 7, 200, 3, Term(900.0, "EUR", Basis.GIVEN))


def claimed(channel: str, sku: str = "MUG", pool: int | None = 6, shown: int = 10, there: int = 4) -> Claim:
    return Claim(("failure", 1), "trouble", "other", Stake(sku, channel, shown, there, 1.0, "", pool))


def priced(claims: list[Claim], share: float, rate: float = 12.0) -> list[Exposure]:
    demand = ChannelDemand(Term(rate, "units/day", Basis.GIVEN), Term(1.0, "variance/mean", Basis.GIVEN))
    situations = [
        Situation(
            claim.stake.published, claim.stake.available, demand, Term(24.0, "h", Basis.GIVEN),
            UnitPrices(Decimal(20), Decimal(12), "EUR", Decimal(PENALTIES.get(claim.stake.channel, 0))),
            Penalties(cancel_rate=RATE),
        )
        for claim in claims
    ]  # fmt: skip
    return [part_of(one, share) for one in exposures_of(situations, Rates("EUR", {}))]


def oversold(exposures: list[Exposure]) -> list[float]:
    return [one.terms["oversold_units"].value or 0.0 for one in exposures]


def test_the_channel_with_the_last_priority_goes_short_first() -> None:
    claims = [claimed("grocer"), claimed("shop"), claimed("amazon")]
    before = priced(claims, 1 / 3)
    after = by_priority(claims, before, {"grocer": 1, "shop": 2, "amazon": 3})
    units = oversold(after)
    assert sum(units) == pytest.approx(sum(oversold(before)))
    assert units[2] == pytest.approx(4.0)  # all that it asks for in a day
    assert units[1] == pytest.approx(sum(units) - 4.0)
    assert units[0] == 0
    assert after[0].amount == 0
    assert [one.terms["priority"].note.removeprefix("of 3 channels that sold this stock ") for one in after] == [
        "it is served first", "it is served before 1 of them", "it is served last: its orders go short first"
    ]  # fmt: skip
    cost = sum(float(one.amount or 0) - (one.terms["cancel_rate_amount"].value or 0) for one in after)
    assert cost == pytest.approx(units[1] * 8 + units[2] * (8 + 12), abs=1e-3)


def test_channels_of_one_priority_and_listings_of_their_own_bear_what_they_did() -> None:
    claims = [claimed("shop"), claimed("amazon")]
    before = priced(claims, 0.5)
    assert by_priority(claims, before, {"shop": 1, "amazon": 1}) == before
    own = [replace(claim, stake=replace(claim.stake, pool=None)) for claim in claims]
    assert by_priority(own, before, {"shop": 1, "amazon": 2}) == before


def test_sales_lost_because_too_little_is_shown_are_no_matter_of_priority() -> None:
    claims = [claimed(channel, shown=4, there=10) for channel in ("shop", "amazon")]
    before = priced(claims, 0.5)
    assert by_priority(claims, before, {"shop": 1, "amazon": 2}) == before


def test_what_one_fault_does_to_many_listings_of_a_channel_passes_its_cancel_rate_once() -> None:
    claims = [claimed("amazon", f"SKU-{n}", pool=None, shown=2, there=0) for n in range(40)]
    before = priced(claims, 1.0, rate=0.1)
    after = passed_together(claims, before, {"amazon": RATE})
    costs = [one.terms["cancel_rate_amount"].value or 0.0 for one in after]
    chance = np.random.default_rng(5)
    short = np.minimum(chance.poisson(0.1, (100_000, 40)), 2).sum(axis=1)
    assert sum(costs) == pytest.approx(900 * float((short >= 3).mean()), rel=0.015)
    assert sum(float(one.amount or 0) for one in after) - sum(float(one.amount or 0) for one in before) == (
        pytest.approx(sum(costs) - sum(one.terms["cancel_rate_amount"].value or 0.0 for one in before), abs=0.01)
    )


def test_a_fault_of_one_listing_passes_it_by_itself() -> None:
    claims = [claimed("amazon", pool=None)]
    before = priced(claims, 1.0)
    assert passed_together(claims, before, {"amazon": RATE}) == before
