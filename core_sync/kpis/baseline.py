"""The figures that later ones are compared with: frozen when a channel is first connected, and never changed.

At the first connection the figures of the week before are frozen, as far as loaded history gives them. What could
not be measured then is frozen a week later, over that first week. Figures of no channel go with the first of all
connections.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.database.engine import Database
from core_sync.kpis.figures import Kpi, read_kpis

SPAN = timedelta(days=7)
"""Figures are of a week: any week has its weekend."""

LOOKED_AGAIN_AFTER = timedelta(days=1)

EVERYWHERE = ""
"""Instead of a channel: the first connection of all."""

Key = tuple[str, str, str]
"""Figure, channel and location, each of the last two empty where it is of none."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """A frozen figure, and the span that it is of."""

    value: float
    unit: str
    since: datetime
    until: datetime


def freeze_baselines(database: Database, at: datetime) -> int:
    """Note channels that are connected by now, and freeze what is due; returns how many figures were frozen."""
    with database.reading() as connection:
        connected = {row.channel: row for row in connection.execute(text("SELECT * FROM first_connection"))}
        fresh = [name for name in connection.execute(text(_CONNECTED)).scalars() if name not in connected]
        due = [row for row in connected.values() if _is_due(row.connected_at, row.looked_at, at)]
        spans = dict.fromkeys((*fresh, *([] if connected or not fresh else [EVERYWHERE])), (at - SPAN, at))
        for row in due:
            began = from_microseconds(row.connected_at)
            spans[row.channel] = (began, began + SPAN)
        if not spans:
            return 0
        known = set(read_baselines(connection))
        figures = {span: read_kpis(connection, *span) for span in set(spans.values())}
    frozen = [
        _row(figure, at)
        for channel, span in spans.items()
        for figure in figures[span]
        if (figure.channel or EVERYWHERE) == channel and key_of(figure) not in known
    ]
    with database.transaction() as connection:
        moment = to_microseconds(at)
        marks = [{"channel": name, "connected": moment, "at": moment} for name in spans if name not in connected]
        marks += [{"channel": row.channel, "connected": row.connected_at, "at": moment} for row in due]
        connection.execute(text(_MARK), marks)
        if frozen:
            connection.execute(text(_FREEZE), frozen)
    return len(frozen)


def read_baselines(connection: Connection) -> Mapping[Key, Baseline]:
    """Every frozen figure."""
    rows = connection.execute(text("SELECT kpi, channel, location, value, unit, since, until FROM kpi_baseline"))
    return {
        (kpi, channel, location): Baseline(value, unit, from_microseconds(since), from_microseconds(until))
        for kpi, channel, location, value, unit, since, until in rows
    }


def key_of(figure: Kpi) -> Key:
    """What a figure is of, whenever it is from."""
    return figure.kpi, figure.channel or "", figure.location or ""


def beside_baselines(figures: Iterable[Kpi], baselines: Mapping[Key, Baseline]) -> list[dict[str, Any]]:
    """Figures in the columns of the interchange format, each beside its baseline and by how much it is another."""
    rows = []
    for figure in figures:
        frozen = baselines.get(key_of(figure))
        rows.append(
            figure.as_row()
            | {
                "baseline": frozen.value if frozen is not None else None,
                "change": round(figure.value - frozen.value, 4) if frozen is not None else None,
                "baseline_from": frozen.since if frozen is not None else None,
                "baseline_to": frozen.until if frozen is not None else None,
            }
        )
    return rows


def _is_due(connected_at: int, looked_at: int, at: datetime) -> bool:
    """Whether the first week is over and nobody has looked today."""
    week_over = from_microseconds(connected_at) + SPAN
    return week_over <= at and from_microseconds(looked_at) < max(week_over, at - LOOKED_AGAIN_AFTER)


def _row(figure: Kpi, at: datetime) -> dict[str, Any]:
    kpi, channel, location = key_of(figure)
    return {
        "kpi": kpi, "channel": channel, "location": location, "value": figure.value, "unit": figure.unit,
        "since": to_microseconds(figure.since), "until": to_microseconds(figure.until), "at": to_microseconds(at),
    }  # fmt: skip


_CONNECTED = """
SELECT c.channel FROM channel c
WHERE EXISTS (SELECT 1 FROM reconciliation r WHERE r.system = c.channel OR r.system = c.system)
   OR EXISTS (SELECT 1 FROM channel_control o WHERE o.channel = c.channel AND o.answered_at IS NOT NULL)
ORDER BY c.channel
"""

_MARK = """
INSERT INTO first_connection (channel, connected_at, looked_at) VALUES (:channel, :connected, :at)
ON CONFLICT (channel) DO UPDATE SET looked_at = excluded.looked_at
"""

_FREEZE = """
INSERT INTO kpi_baseline (kpi, channel, location, value, unit, since, until, frozen_at)
VALUES (:kpi, :channel, :location, :value, :unit, :since, :until, :at)
ON CONFLICT (kpi, channel, location) DO NOTHING
"""
