"""One small picture: lines over a logarithmic axis, as SVG that needs no library to be drawn or seen."""

from collections.abc import Mapping, Sequence
from math import log10

_WIDTH, _HEIGHT, _MARGIN = 640, 320, 60
_COLOURS = ("#1b6ca8", "#c0392b", "#2e8b57")

Points = Sequence[tuple[float, float]]


def line_plot(lines: Mapping[str, Points], title: str, across: str, up: str) -> str:
    """The SVG of ``lines`` (name: points), x on a logarithmic axis, y from 0."""
    xs = [log10(x) for points in lines.values() for x, _ in points]
    top = max(y for points in lines.values() for _, y in points) * 1.15

    def place(x: float, y: float) -> tuple[float, float]:
        span = max(xs) - min(xs) or 1
        return (
            _MARGIN + (log10(x) - min(xs)) / span * (_WIDTH - 2 * _MARGIN),
            _HEIGHT - _MARGIN - y / top * (_HEIGHT - 2 * _MARGIN),
        )

    drawn = [_text(_WIDTH / 2, 24, title, "middle", 15), _text(_WIDTH / 2, _HEIGHT - 14, across, "middle")]
    drawn.append(_text(14, _MARGIN - 16, up, "start"))
    for step in range(5):
        _, y = place(10 ** min(xs), top * step / 4)
        drawn.append(f'<line x1="{_MARGIN}" y1="{y:.1f}" x2="{_WIDTH - _MARGIN}" y2="{y:.1f}" stroke="#ddd"/>')
        drawn.append(_text(_MARGIN - 8, y + 4, f"{top * step / 4:.2g}", "end"))
    for power in range(round(min(xs)), round(max(xs)) + 1):
        x, y = place(10**power, 0)
        drawn.append(_text(x, y + 18, f"{10**power:,}", "middle"))
    for (name, points), colour in zip(lines.items(), _COLOURS, strict=False):
        placed = [place(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>' for x, y in placed]
        drawn.append(_text(placed[-1][0], placed[-1][1] - 10, name, "end", 12, colour))
    body = "\n".join(drawn)
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}">\n{_GROUND}\n{body}\n</svg>\n'


_GROUND = f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>'


def _text(x: float, y: float, said: str, anchor: str, size: int = 12, colour: str = "#333") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-family="sans-serif" '
        f'font-size="{size}" fill="{colour}">{said}</text>'
    )
