"""Whether a target oversell rate is held after demand doubles.

    python -m benchmarks.buffer_control [--seeds N] [--plot FILE.svg] [--json]

Simulated weeks: listings with scarce stock, a channel and others that draw on it in bursts. Each week every listing is
recommended for with the weight of that week, and its windows are played out; what was oversold of what was asked moves
the weight (``ml.buffers.weight.next_weight``). Rates are estimated from the weeks before, forgetting by half in two. In
week ``SHIFT`` all demand doubles, the estimates not knowing. Told: weeks until the rate over four weeks is within a
quarter of the target for good, how far it swings then, and the same without control.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.rig.figures import Figure, show
from ml.buffers.bulk import Listings, wanted
from ml.buffers.weight import next_weight
from ml.exposure.distribution import Floats

TARGET = 0.005
WEEKS, SHIFT, SMOOTHED = 104, 52, 4
LISTINGS, WINDOWS_A_WEEK, STEPS = 250, 24, 6
WINDOW_H = 7.0
KEPT = 0.5 ** (1 / 2)
WITHIN = 0.25


@dataclass(frozen=True)
class Course:
    """By week: units oversold and asked for, and the weight."""

    oversold: Floats
    asked: Floats
    weight: Floats

    def rate(self) -> Floats:
        """Oversell rate over the last ``SMOOTHED`` weeks, at each week's end."""
        span = np.ones(SMOOTHED)
        found: Floats = np.convolve(self.oversold, span)[:WEEKS] / np.convolve(self.asked, span)[:WEEKS]
        return found


def listings(chance: np.random.Generator) -> Listings:
    """Listings whose stock lasts the channel and the others about one window."""
    own, others = chance.lognormal(2.0, 0.6, LISTINGS), chance.lognormal(2.5, 0.6, LISTINGS)
    one, none = np.ones(LISTINGS), np.zeros(LISTINGS)
    return Listings(
        others_rate=others, others_dispersion=3 * one, others_lot=one, big_rate=none, big_units=none,
        big_dispersion=one, own_rate=own, own_dispersion=3 * one, own_lot=one, window_h=WINDOW_H * one,
        late_share=none, late_times=one, shared=none, lost_cost=one, oversell_cost=2 * one, weight=one,
        available=none, current=none,
    )  # fmt: skip


def course(seed: int, *, controlled: bool) -> Course:
    """One run of all weeks."""
    chance = np.random.default_rng(seed)
    truth = listings(chance)
    known, weight = truth, 8.0
    rows: list[tuple[float, float, float]] = []
    for week in range(WEEKS):
        if week == SHIFT:
            truth = replace(truth, own_rate=2 * truth.own_rate, others_rate=2 * truth.others_rate)
        oversold, asked = _week(truth, known, weight, chance)
        rows.append((oversold, asked, weight))
        if controlled:
            weight = next_weight(weight, oversold / asked, TARGET)
        known = replace(
            known,
            own_rate=KEPT * known.own_rate + (1 - KEPT) * truth.own_rate,
            others_rate=KEPT * known.others_rate + (1 - KEPT) * truth.others_rate,
        )
    return Course(*(np.array(column) for column in zip(*rows, strict=True)))


def _week(truth: Listings, known: Listings, weight: float, chance: np.random.Generator) -> tuple[float, float]:
    """Units oversold and asked for in the windows of a week, every window a row."""
    rows = np.tile(np.arange(LISTINGS), WINDOWS_A_WEEK)
    truth, known = truth.only(rows), known.only(rows)
    need = (known.own_rate + known.others_rate) * WINDOW_H / 24
    left = np.floor(need * chance.uniform(0.8, 4.0, len(rows)))
    weighed = replace(known, weight=np.full(len(rows), weight), available=left)
    shown = np.maximum(left - wanted(weighed), 0)
    own = _asked(truth.own_rate, truth.own_dispersion, chance)
    others = _asked(truth.others_rate, truth.others_dispersion, chance)
    oversold = 0.0
    for step in range(STEPS):
        left -= np.minimum(left, others[step])
        sold = np.minimum(shown, own[step])
        shown -= sold
        filled = np.minimum(left, sold)
        left -= filled
        oversold += float((sold - filled).sum())
    return oversold, float(own.sum())


def _asked(rate: Floats, dispersion: Floats, chance: np.random.Generator) -> Floats:
    """Units by step of each window (steps, n): Poisson at a day's gamma distributed rate."""
    day = chance.gamma(rate / (dispersion - 1)) * (dispersion - 1)
    found: Floats = chance.poisson(day * WINDOW_H / 24 / STEPS, (STEPS, len(rate))).astype(np.float64)
    return found


def settled_after(rate: Floats) -> int | None:
    """Weeks after the shift from which on the ``rate`` stays within a quarter of the target; None: never."""
    off = np.abs(rate[SHIFT:] - TARGET) > WITHIN * TARGET
    weeks = len(off) - int(np.argmax(off[::-1])) if off.any() else 0
    return None if weeks == len(off) else weeks


def figures(courses: list[tuple[Course, Course]]) -> Iterator[Figure]:
    """Of runs with and without control."""
    last = slice(WEEKS - 26, WEEKS)
    settled = [settled_after(controlled.rate()) for controlled, _ in courses]
    told = [float(WEEKS - SHIFT if weeks is None else weeks) for weeks in settled]
    yield Figure("weeks until the rate stays within a quarter of the target, median", float(np.median(told)), "weeks")
    yield Figure("the same, slowest seed", max(told), "weeks")
    for name, part in (("last half year", last), ("half year before the shift", slice(SHIFT - 26, SHIFT))):
        with_control, without = (
            float(np.mean([run[place].oversold[part].sum() / run[place].asked[part].sum() for run in courses]))
            for place in (0, 1)
        )
        yield Figure(f"oversell rate, {name}", with_control, "share", "target", TARGET, with_control / TARGET)
        yield Figure(f"oversell rate, {name}, uncontrolled", without, "share", "target", TARGET, without / TARGET)
    swing = [float(run.rate()[last].std() / TARGET) for run, _ in courses]
    calm = [float(run.rate()[last].std() / TARGET) for _, run in courses]
    yield Figure("swing of the rate, sd over target, last half year", float(np.mean(swing)), "share",
                 "a weight that stands still", float(np.mean(calm)), float(np.mean(swing) / np.mean(calm)))  # fmt: skip


def plot(runs: list[tuple[Course, Course]], file: Path) -> None:
    """Four-week oversell rates by week, as SVG: thin each seed, thick their mean."""
    width, height, most = 720, 280, 0.02

    def line(rates: Floats, style: str) -> str:
        points = " ".join(
            f"{40 + week * (width - 50) / WEEKS:.1f},{height - 30 - min(rate, most) / most * (height - 50):.1f}"
            for week, rate in enumerate(rates)
        )
        return f'<polyline fill="none" points="{points}" {style}/>'

    level = np.ones(WEEKS) * TARGET
    told = (
        f"oversell rate over four weeks, 0 to {most:.0%}: blue controlled, red not; dashed {TARGET:.1%} ± a quarter; "
        f"demand doubles in week {SHIFT}"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">',
        line(level * (1 + WITHIN), 'stroke="#999" stroke-dasharray="4 4"'),
        line(level * (1 - WITHIN), 'stroke="#999" stroke-dasharray="4 4"'),
        *(line(run.rate(), 'stroke="#1b6ca8" stroke-opacity="0.25"') for run, _ in runs),
        line(np.mean([run.rate() for _, run in runs], axis=0), 'stroke="#c0392b" stroke-width="2"'),
        line(np.mean([run.rate() for run, _ in runs], axis=0), 'stroke="#1b6ca8" stroke-width="2"'),
        f'<text x="40" y="14">{told}</text>',
        f'<text x="40" y="{height - 8}">week 0</text>',
        f'<text x="{width - 60}" y="{height - 8}">week {WEEKS}</text></svg>',
    ]
    file.write_text("\n".join(parts) + "\n")


def main() -> None:
    """Print the figures, and draw them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--plot", type=Path, help="write the courses to this SVG file")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    courses = [(course(seed, controlled=True), course(seed, controlled=False)) for seed in range(said.seeds)]
    if said.plot:
        plot(courses, said.plot)
    show(figures(courses), said.json)


if __name__ == "__main__":
    main()
