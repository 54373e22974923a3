"""Whether the service holds an accepted oversell rate after demand doubles, in a closed loop through its own doors.

    python -m benchmarks.buffers_after_shift [--seeds N] [--first-seed N] [--weeks N] [--items N] [--workers N]
                                             [--plot FILE] [--json]

The simulated shop of ``benchmarks.buffers_in_force``: after the days of learning one oversold unit in a hundred is
accepted, and the service keeps the buffers for it. In week ``SHIFT`` all demand doubles, at once and untold. What was
ordered and was not there is read from the ledger by the role ``steer``, which moves what an oversell counts once a
week by a fifth at most; recommended buffers follow, and what the shop shows follows them. Told: weeks until the rate
over four weeks stays within a quarter of the accepted one, the rate of the weeks then, and how often it swings from a
quarter above to a quarter below or back (once where it comes back too far, an oscillation again and again). The rate
is of units ordered, as it is accepted and steered: what the shop turned away is in no book. The last rate of all units
asked is told beside.
"""

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.buffers_in_force import LEARN_DAYS, Size, learned, traded
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.trading_days import Sold
from ml.exposure.distribution import Floats

TARGET = 0.01
SHIFT = 6
"""Weeks after the days of learning when demand doubles: first control settles on the old one."""
OVER = 4
"""Weeks of one rate."""
WITHIN = 0.25


def size_of(items: int, weeks: int) -> Size:
    """So many SKUs, and weeks after those of learning."""
    return Size(items, 7 * weeks, LEARN_DAYS + 7 * SHIFT)


def courses(size: Size, seeds: Sequence[int], workers: int) -> list[Sold]:
    """Every seed traded."""
    with TemporaryDirectory() as told, ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(learned, Path(told), size), seeds))
        return list(pool.map(partial(traded, Path(told), size), [(seed, TARGET) for seed in seeds]))


def rates(sold: Sequence[Sold], of: str = "ordered") -> Floats:
    """Oversold ``of`` the units ordered (or asked) over the ``OVER`` weeks up to each week's end (weeks,), of all
    seeds together."""
    oversold, every = (
        np.sum([getattr(one, name)[LEARN_DAYS:].sum(axis=1) for one in sold], axis=0) for name in ("oversold", of)
    )
    weekly = [units[: len(units) // 7 * 7].reshape(-1, 7).sum(axis=1).astype(np.float64) for units in (oversold, every)]
    span = np.ones(OVER)
    found: Floats = np.convolve(weekly[0], span)[: len(weekly[0])] / np.convolve(weekly[1], span)[: len(weekly[1])]
    return found


def settled_after(rate: Floats) -> int | None:
    """Weeks after the shift from which on the ``rate`` (weeks,) stays within a quarter of the accepted; None: never."""
    off = np.abs(rate[SHIFT:] - TARGET) > WITHIN * TARGET
    weeks = len(off) - int(np.argmax(off[::-1])) if off.any() else 0
    return None if weeks == len(off) else weeks


def crossings(rate: Floats) -> int:
    """How often the ``rate`` (weeks,) goes through the accepted one after the shift."""
    above = rate[SHIFT:] > TARGET
    return int((above[1:] != above[:-1]).sum())


def swings(rate: Floats) -> int:
    """How often the ``rate`` (weeks,) after the shift goes from a quarter above the accepted one to one below, or back.

    Chance alone makes it cross the accepted one itself: a mean over four weeks without any error of control does so in
    arccos(3/4) / π = 0.23 of the weeks.
    """
    sides = [1 if one > TARGET else -1 for one in rate[SHIFT:] if abs(one - TARGET) > WITHIN * TARGET]
    return sum(now != before for before, now in pairwise(sides))


def figures(sold: Sequence[Sold]) -> Iterator[Figure]:
    """Of all seeds together."""
    rate = rates(sold)
    weeks = settled_after(rate)
    left = len(rate) - SHIFT
    yield Figure("weeks until the rate stays within a quarter", float(left if weeks is None else weeks), "weeks",
                 "weeks looked at", float(left), (left if weeks is None else weeks) / left)  # fmt: skip
    highest = float(rate[SHIFT:].max())
    yield Figure("highest rate over four weeks after the shift", highest, "share", "accepted", TARGET, highest / TARGET)
    last = float(rate[-1])
    yield Figure("rate over the last four weeks", last, "share", "accepted", TARGET, last / TARGET)
    of_asked = float(rates(sold, "asked")[-1])
    yield Figure("the same of units asked, turned away too", of_asked, "share", "accepted", TARGET, of_asked / TARGET)
    yield Figure("times it swings from a quarter above to a quarter below, or back", float(swings(rate)), "times")
    yield Figure("times it crosses the accepted rate", float(crossings(rate)), "times")


def plot(sold: Sequence[Sold], file: Path) -> None:
    """The rate over four weeks by week, as SVG: thin each seed, thick all of them together."""
    width, height = 640, 260
    every = [rates([one]) for one in sold]
    together = rates(sold)
    most = max(float(one.max()) for one in [*every, together, np.array([1.5 * TARGET])])

    def line(rate: Floats, style: str) -> str:
        points = " ".join(
            f"{30 + week * (width - 40) / len(together):.1f},{height - 30 - one / most * (height - 60):.1f}"
            for week, one in enumerate(rate, 1)
        )
        return f'<polyline fill="none" points="{points}" {style}/>'

    level = np.ones(len(together)) * TARGET
    told = f"oversold of ordered over four weeks, 0 to {most:.1%}; dashed {TARGET:.0%} and a quarter around it"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="12">',
        *(line(level * (1 + off), 'stroke="#999" stroke-dasharray="4 4"') for off in (-WITHIN, 0.0, WITHIN)),
        *(line(one, 'stroke="#1b6ca8" stroke-opacity="0.3"') for one in every),
        line(together, 'stroke="#1b6ca8" stroke-width="2"'),
        f'<text x="30" y="16">{told}</text>',
        f'<text x="30" y="{height - 8}">weeks 1 to {len(together)}; demand doubles after week {SHIFT}</text></svg>',
    ]
    file.write_text("\n".join(parts) + "\n")


def main() -> None:
    """Print the figures, and draw them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--weeks", type=int, default=20, help="after those of learning")
    parser.add_argument("--items", type=int, default=24, help="SKUs")
    parser.add_argument("--workers", type=int, default=2, help="runs side by side")
    parser.add_argument("--plot", type=Path, help="write the course to this SVG file")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    sold = courses(size_of(said.items, said.weeks), range(said.first_seed, said.first_seed + said.seeds), said.workers)
    if said.plot:
        plot(sold, said.plot)
    show(figures(sold), said.json)


if __name__ == "__main__":
    main()
