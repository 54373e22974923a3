"""Sales withheld against oversells, one line a way to hold back, as SVG."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ml.buffers.frontier import Frontier

WIDTH, HEIGHT, MARGIN = 640, 320, 44
LAST = 0.02
RATES = np.linspace(0.001, LAST, 77)
COLOURS = ("#c0392b", "#1b6ca8", "#7f8c8d", "#d68910", "#8e44ad", "#27ae60")


def plot_frontiers(runs: Sequence[Sequence[Frontier]], title: str, file: Path) -> None:
    """Draw the mean over ``runs`` of each way's frontier; every run has the ways in one order.

    A way is drawn from the rate on that it reaches in all runs.
    """
    means = []
    for way in range(len(runs[0])):
        lost = [[run[way].lost_at(float(rate)) for rate in RATES] for run in runs]
        means.append(np.array(lost, dtype=np.float64).mean(axis=0))
    most = float(np.nanmax(means))

    def x(rate: float) -> float:
        return MARGIN + rate / LAST * (WIDTH - 2 * MARGIN)

    def y(lost: float) -> float:
        return HEIGHT - MARGIN - lost / most * (HEIGHT - 2 * MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">',
        f'<text x="{MARGIN}" y="16">{title}</text>',
        f'<line x1="{MARGIN}" y1="{y(0)}" x2="{WIDTH - MARGIN}" y2="{y(0)}" stroke="#999"/>',
        f'<line x1="{MARGIN}" y1="{MARGIN}" x2="{MARGIN}" y2="{y(0)}" stroke="#999"/>',
        f'<text x="{MARGIN}" y="{HEIGHT - 14}">oversold, 0 to {LAST:.0%} of what was asked for</text>',
        f'<text x="{MARGIN}" y="{MARGIN - 10}">withheld, 0 to {most:.0%}</text>',
    ]
    for place, (mean, one, colour) in enumerate(zip(means, runs[0], COLOURS, strict=False)):
        pairs = zip(RATES, mean, strict=True)
        points = " ".join(f"{x(rate):.1f},{y(lost):.1f}" for rate, lost in pairs if np.isfinite(lost))
        parts.append(f'<polyline fill="none" stroke="{colour}" stroke-width="2" points="{points}"/>')
        parts.append(f'<text x="{WIDTH - 300}" y="{MARGIN + 15 * place}" fill="{colour}">{one.way}</text>')
    file.write_text("\n".join([*parts, "</svg>"]) + "\n")
