"""The movement, stream and document features told again, slowly: one row, one plain loop, no arrays.

Written from the definitions, not from the builder, and kept dull on purpose.
"""

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

LARGEST_STEP = 60
STEPS = sorted({round(1.25**power) for power in range(LARGEST_STEP)})


@dataclass(frozen=True)
class Line:
    """One movement; ``minute`` since 1970."""

    time_us: int
    sku: str
    kind: str
    effect: int
    document: str

    @property
    def minute(self) -> int:
        return self.time_us // 60_000_000

    @property
    def units(self) -> int:
        return abs(self.effect)

    @property
    def way(self) -> tuple[str, int]:
        return self.kind, (self.effect > 0) - (self.effect < 0)


def step(units: int) -> int:
    return sum(1 for lower in STEPS if lower <= units)


def chance(alike: float, of: float, pooled: float) -> float:
    return (alike + 5 * pooled) / (of + 5)


def log_steps(units: int) -> int:
    return round(math.log1p(units) * 4096)


def described(lines: list[Line]) -> list[list[float]]:
    """One list of 23 values a line."""
    residuals: list[int] = []
    rows = [own_features(lines, at, residuals) for at in range(len(lines))]
    surprise = [row[3] for row in rows]
    for at in range(len(lines)):
        rows[at] += stream_features(lines, at, surprise) + document_features(lines, at, surprise)
    return rows


def own_features(lines: list[Line], at: int, residuals: list[int]) -> list[float]:
    line, before = lines[at], lines[:at]
    places = [i for i in range(at) if lines[i].sku == line.sku]
    own = [lines[i] for i in places]
    n, everything = len(own), len(before)
    logs = [log_steps(one.units) for one in before]
    pooled_mean = (sum(logs) + 2 * 4096) / (everything + 1)
    mean = (sum(logs[i] for i in places) + 5 * pooled_mean) / (n + 5)
    size = log_steps(line.units)
    pooled_variance = (sum(r * r for r in residuals) + 4096**2) / (everything + 1)
    variance = (sum(residuals[i] ** 2 for i in places) + 5 * pooled_variance) / (n + 5)
    residuals.append(round(size - mean))
    same = sum(1 for one in own if one.units == line.units)
    pooled_same = (sum(1 for one in before if one.units == line.units) + 0.5) / (everything + 1)
    as_large = sum(1 for one in own if step(one.units) >= step(line.units))
    pooled_large = (sum(1 for one in before if step(one.units) >= step(line.units)) + 1) / (everything + 2)
    kind = sum(1 for one in own if one.way == line.way)
    pooled_kind = (sum(1 for one in before if one.way == line.way) + 1) / (everything + 2)
    idle_us = line.time_us - own[-1].time_us if own else 0
    times = [one.time_us for one in own] + [line.time_us]
    minutes_between = sum((b - a) // 60_000_000 for a, b in pairwise(times))
    a_day = (sum(one.units for one in own) + 20) / (minutes_between / 1440 + 7)
    in_hour = sum(1 for one in before if (one.time_us // 3_600_000_000 - line.time_us // 3_600_000_000) % 168 == 0)
    ratio = (size - mean) / 4096
    return [
        size / 4096,
        (size - mean) / max(math.sqrt(variance), 0.2 * 4096),
        -math.log(chance(as_large, n, pooled_large)),
        -math.log(chance(same, n, pooled_same)),
        -math.log(pooled_same),
        -math.log(chance(kind, n, pooled_kind)),
        math.log1p(line.units / a_day),
        math.log1p(min(idle_us / 86_400e6, 90)) if own else math.log1p(90),
        hours_since(own, line, line.effect),
        hours_since(own, line, -line.effect),
        -math.log((in_hour + 1) / (everything + 168)),
        math.log(max(line.units, 1) / math.gcd(max(line.units, 1), 64 * 27 * 25)),
        math.exp(-8 * min(abs(ratio - math.log(pack)) for pack in (6, 12, 24, 48))),
        math.log1p(n),
    ]


def hours_since(own: list[Line], line: Line, effect: int) -> float:
    found = [one for one in own if one.effect == effect]
    hours = (line.time_us - found[-1].time_us) / 3_600e6 if found else 90 * 24
    return math.log1p(min(hours, 90 * 24))


def stream_features(lines: list[Line], at: int, surprise: list[float]) -> list[float]:
    minute = lines[at].minute
    per_minute: dict[int, list[int]] = defaultdict(list)
    for i, line in enumerate(lines):
        if line.minute <= minute:
            per_minute[line.minute].append(i)
    here = per_minute.pop(minute)
    near = 0.0
    for earlier, members in per_minute.items():
        near += sum(surprise[i] for i in members) / len(members) ** 2 * math.exp((earlier - minute) / 15)
    near += sum(surprise[i] for i in here if i != at) / len(here) ** 2
    five = len(here) + sum(len(members) for when, members in per_minute.items() if when > minute - 5)
    thin = sum(1 for when, members in per_minute.items() if when >= minute - 10 and len(members) <= 3)
    quiet = min(minute - max(per_minute), 600) if per_minute else 600
    return [math.log1p(value) for value in (len(here), five, quiet, thin, near)]


def document_features(lines: list[Line], at: int, surprise: list[float]) -> list[float]:
    line = lines[at]
    if not line.document:
        return [math.nan] * 4
    baskets: dict[tuple[int, str], list[int]] = defaultdict(list)
    for i, one in enumerate(lines):
        if one.document and one.minute <= line.minute:
            baskets[one.minute, one.document].append(i)
    singles = {members[0]: key[0] for key, members in baskets.items() if len(members) == 1 and members[0] != at}
    decay = {i: math.exp((minute - line.minute) / 15) for i, minute in singles.items()}
    return [
        math.log1p(len(baskets[line.minute, line.document])),
        math.log1p(sum(1 for minute, _ in baskets if minute == line.minute)),
        math.log1p(sum(decay.values())),
        math.log1p(sum(surprise[i] * weight for i, weight in decay.items())),
    ]
