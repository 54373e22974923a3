"""How fast exposures are priced, and how close the closed forms come to counting.

    python -m benchmarks.exposure [--rows N] [--cases N] [--draws N] [--seed N] [--json]

Speed: one million faults, half of them Poisson and half negative binomial, a third on channels that charge for order
lines that are short and lose by cancelling too many, in one thread, against a loop that asks
``scipy.stats`` for each row in turn (measured on a sample of the same rows in the same run).
Closeness: the money of random faults against the mean over random demands (median and 95th percentile of the
relative error, over faults worth more than a hundredth of a unit of money), and the part of it that is the noise
of the draws themselves.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from scipy import stats

from ml.exposure.bulk import Charges, Stakes, exposures
from ml.exposure.distribution import Demand, Floats

ASKED_SECONDS = 3.0
ASKED_ERROR = 0.015
ASKED_RATIO = 100.0
SAMPLE = 1_000
CHARGING = 1 / 3
WORTH_COMPARING = 0.01


@dataclass(frozen=True)
class Figure:
    """One printed line."""

    measure: str
    value: float
    unit: str
    against: str
    against_value: float
    ratio: float


def faults(rows: int, seed: int) -> Stakes:
    """Random faults: mean demands of a hundredth to thousands of units, stock of the same order, half bursty."""
    chance = np.random.default_rng(seed)
    mean = np.exp(chance.normal(1.5, 1.5, rows))
    dispersion = np.where(chance.random(rows) < 0.5, 1.0, chance.uniform(1.05, 12.0, rows))
    stock = np.floor(chance.gamma(1.0, 1.5, (2, rows)) * mean)
    return Stakes(
        published=stock[0],
        available=stock[1],
        demand=Demand.of(mean, dispersion),
        unit_margin=np.exp(chance.normal(1.5, 1.0, rows)),
        oversell_penalty=chance.choice([0.0, 5.0, 20.0], rows),
        recapture=chance.uniform(0.0, 0.5, rows),
        worth=chance.choice([1.0, 0.92, 0.12], rows),
        charges=_charges(rows, np.random.default_rng([seed, 1])),
    )


def _charges(rows: int, chance: np.random.Generator) -> Charges:
    """Nothing on two channels of three; on the third each line has a price, and the tenth or so passes a limit."""
    some = chance.random(rows) < CHARGING
    return Charges(
        units_a_line=np.ones(rows),
        a_line=some * chance.choice([0.0, 12.5, 35.0], rows),
        a_unit=some * chance.choice([0.0, 0.3], rows),
        retention=some * chance.choice([0.0, 8.0], rows),
        barrier_lines=np.where(some, np.floor(chance.exponential(10.0, rows)) + 1, np.inf),
        barrier=some * chance.choice([0.0, 900.0], rows),
    )


def row_by_row(stakes: Stakes, rows: int) -> Floats:
    """The same amounts from ``scipy.stats``, one fault at a time."""
    found = np.zeros(rows)
    for row in range(rows):
        mean, dispersion = float(stakes.demand.mean[row]), float(stakes.demand.dispersion[row])
        shown, there = float(stakes.published[row]), float(stakes.available[row])
        few, many = min(shown, there), max(shown, there)
        if few == many:
            continue
        units = _excess(few, mean, dispersion) - _excess(many, mean, dispersion)
        if shown < there:
            found[row] = units * (1 - stakes.recapture[row]) * stakes.unit_margin[row] * stakes.worth[row]
            continue
        found[row] = units * (stakes.unit_margin[row] + stakes.oversell_penalty[row]) * stakes.worth[row]
        found[row] += units * _of_each_line(stakes, row)
        reach = there + _known(stakes).barrier_lines[row]
        if _known(stakes).barrier[row] > 0 and reach <= shown:
            found[row] += _known(stakes).barrier[row] * _at_least(reach, mean, dispersion)
    return found


def _known(stakes: Stakes) -> Charges:
    assert stakes.charges is not None  # faults() says what each is charged
    return stakes.charges


def _of_each_line(stakes: Stakes, row: int) -> float:
    """What an order line short costs beside its margin and penalty; a line asks for one unit."""
    charges = _known(stakes)
    return float(charges.a_line[row] + charges.a_unit[row] + charges.retention[row])


def _at_least(units: float, mean: float, dispersion: float) -> float:
    if dispersion > 1:
        return float(stats.nbinom.sf(units - 1, mean / (dispersion - 1), 1 / dispersion))
    return float(stats.poisson.sf(units - 1, mean))


def _excess(units: float, mean: float, dispersion: float) -> float:
    if dispersion > 1:
        r, p = mean / (dispersion - 1), 1 / dispersion
        return float(mean * stats.nbinom.sf(units - 1, r + 1, p) - units * stats.nbinom.sf(units, r, p))
    return float(mean * stats.poisson.sf(units - 1, mean) - units * stats.poisson.sf(units, mean))


def counted(stakes: Stakes, draws: int, seed: int) -> tuple[Floats, Floats]:
    """Amounts (n,) as means over ``draws`` random demands each, and their standard errors."""
    chance = np.random.default_rng(seed)
    amounts, errors = np.zeros(len(stakes.demand)), np.zeros(len(stakes.demand))
    for row in range(len(stakes.demand)):
        mean, dispersion = stakes.demand.mean[row], stakes.demand.dispersion[row]
        rate = chance.gamma(mean / (dispersion - 1), dispersion - 1, draws) if dispersion > 1 else mean
        asked = chance.poisson(rate, draws)
        shown, there = stakes.published[row], stakes.available[row]
        oversold = np.maximum(np.minimum(asked, shown) - there, 0)
        lost = np.maximum(np.minimum(asked, there) - shown, 0)
        money = oversold * (stakes.unit_margin[row] + stakes.oversell_penalty[row])
        money = (money + lost * (1 - stakes.recapture[row]) * stakes.unit_margin[row]) * stakes.worth[row]
        money = money + oversold * _of_each_line(stakes, row)
        money = money + (oversold >= _known(stakes).barrier_lines[row]) * _known(stakes).barrier[row]
        amounts[row], errors[row] = money.mean(), money.std() / np.sqrt(draws)
    return amounts, errors


def speed(rows: int, seed: int) -> Iterator[Figure]:
    """Seconds of processor time for all rows, and how many times slower the loop is."""
    stakes = faults(rows, seed)
    started = time.process_time()
    priced = exposures(stakes)
    ours = time.process_time() - started
    sample = min(SAMPLE, rows)
    started = time.process_time()
    apart = np.abs(row_by_row(stakes, sample) - priced.amount[:sample]).max()
    loop = (time.process_time() - started) / sample * rows
    per_second = rows / ours
    against = "scipy.stats row by row"
    yield Figure("exposures", per_second, "rows/s", against, rows / loop, loop / ours)
    yield Figure("exposures ratio to the loop", loop / ours, "times", "asked", ASKED_RATIO, loop / ours / ASKED_RATIO)
    per_million = ours / rows * 1e6
    yield Figure("seconds per million exposures", per_million, "s", "asked", ASKED_SECONDS, per_million / ASKED_SECONDS)
    yield Figure("largest difference from the loop", float(apart), "money", against, 0.0, 0.0)


def closeness(cases: int, draws: int, seed: int) -> Iterator[Figure]:
    """Relative error of the closed forms against counting."""
    stakes = faults(cases, seed + 1)
    exact = exposures(stakes).amount
    amounts, errors = counted(stakes, draws, seed)
    kept = amounts > WORTH_COMPARING
    relative = np.abs(exact - amounts)[kept] / amounts[kept]
    noise = errors[kept] / amounts[kept]
    p95 = float(np.quantile(relative, 0.95))
    yield Figure("p95 relative error", p95, "share", "asked", ASKED_ERROR, p95 / ASKED_ERROR)
    expected = float(np.quantile(np.abs(np.random.default_rng(seed).normal(0, noise)), 0.95))
    yield Figure("p95 relative error beside noise", p95, "share", "noise of the draws", expected, p95 / expected)
    middle = float(np.median(relative))
    yield Figure("median relative error", middle, "share", "asked at p95", ASKED_ERROR, middle / ASKED_ERROR)
    beyond = float((np.abs(exact - amounts)[kept] > 3 * errors[kept]).mean())
    yield Figure("cases beyond 3 standard errors", beyond, "share", "bell curve", 0.0027, beyond / 0.0027)


def main() -> None:
    """Print every figure, one a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--draws", type=int, default=400_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one object a line")
    told = parser.parse_args()
    for part in (speed(told.rows, told.seed), closeness(told.cases, told.draws, told.seed)):
        for figure in part:
            if told.json:
                print(json.dumps(asdict(figure)), flush=True)
            else:
                print(f"{figure.measure:36s} {figure.value:14.6g} {figure.unit:8s}", end="")
                print(f" ({figure.against} {figure.against_value:.6g}, ratio {figure.ratio:.3g})", flush=True)


if __name__ == "__main__":
    main()
