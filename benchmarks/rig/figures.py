"""Figures as every benchmark prints them: one a line, beside what they are compared with."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure; ``ratio`` says how it stands to ``against_value``."""

    measure: str
    value: float
    unit: str
    against: str | None = None
    against_value: float | None = None
    ratio: float | None = None


def show(figures: Iterable[Figure], as_json: bool) -> list[Figure]:
    """Print each figure as soon as it is there; returns them all."""
    shown: list[Figure] = []
    for figure in figures:
        shown.append(figure)
        if as_json:
            print(json.dumps(asdict(figure)), flush=True)
            continue
        beside = ""
        if figure.against is not None:
            beside = f"{figure.against} {short(figure.against_value)}, ratio {short(figure.ratio)}"
        print(f"{figure.measure:46} {short(figure.value):>12} {figure.unit:10} {beside}".rstrip(), flush=True)
    return shown


def short(value: float | None) -> str:
    """``value`` as a person reads it."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
