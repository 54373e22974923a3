"""The page of buffers: what is recommended and why, what each way to hold back reaches, what another rule would do."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.jobs.buffer_replay import TARGETS, Point, WhatIf, oversell_frontier, replay_buffers
from api.recommendations import Wanted, recommendation_rows
from api.wiring import World
from core_sync.availability.promises import channel_names
from core_sync.errors import VerbRefused

router = APIRouter(include_in_schema=False)

SHOWN = 100
DAYS = 28
WIDTH, HEIGHT, MARGIN = 560, 260, 40
COLOURS = ("#1b6ca8", "#7f8c8d", "#c0392b", "#d68910", "#8e44ad")


@router.get("/buffers")
def buffers_page(
    request: Request,
    world: TheWorld,
    actor: Actor,
    channel: str = "",
    buffer: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    share: Annotated[int, Query(ge=0, le=100)] = 100,
    penalty: Annotated[float, Query(ge=0, le=1e9)] = 10.0,
) -> Response:
    """Recommendations of one channel, its frontier, and with ``buffer`` the last weeks played again."""
    with world.database.reading() as connection:
        channels = channel_names(connection)
    chosen = channel if channel in channels else next(iter(channels), "")
    rows = recommendation_rows(world, Wanted(channel=chosen)) if chosen else []
    replayed, refused = _replayed(world, chosen, buffer, share / 100) if chosen else (None, None)
    told: dict[str, Any] = {
        "at": world.clock(), "actor": actor, "logged_in": by_cookie(request), "channels": channels, "channel": chosen,
        "rows": rows[:SHOWN], "left": max(len(rows) - SHOWN, 0), "buffer": buffer, "share": share, "penalty": penalty,
        "currency": world.settings.reporting_currency, "replayed": replayed, "refused": refused, "days": DAYS // 2,
        "plot": plotted(replayed.points) if replayed else None,
    }  # fmt: skip
    return page("buffers.html", told)


@dataclass(frozen=True)
class Replayed:
    """The frontier of the last weeks, and where one was asked for what another rule would have done in them."""

    points: list[Point]
    what_if: WhatIf | None


def _replayed(world: World, channel: str, buffer: int | None, share: float) -> tuple[Replayed | None, str | None]:
    """What was replayed, or why it could not be."""
    at = world.clock()
    with world.database.reading() as connection:
        try:
            points = oversell_frontier(connection, channel, at, DAYS)
            what_if = None
            if buffer is not None:
                what_if = replay_buffers(connection, channel, [buffer], at, DAYS, share=share)[0]
        except VerbRefused as refusal:
            return None, refusal.reason
    return Replayed(points, what_if), None


@dataclass(frozen=True)
class Line:
    """One way to hold back on the plot: ``points`` as SVG has them, in ``colour``."""

    way: str
    colour: str
    points: str


@dataclass(frozen=True)
class Plot:
    """Lost against oversold, both shares of what was asked for; the axes end at ``most_oversold`` and ``most_lost``."""

    lines: list[Line]
    most_oversold: float
    most_lost: float
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = MARGIN


def plotted(points: list[Point]) -> Plot:
    """The frontier of each way, oversells to the right, lost sales upwards."""
    most_lost = max([point.lost_rate for point in points if point.lost_rate is not None], default=0.0) or 0.01
    ways = list(dict.fromkeys(point.way for point in points))
    lines = []
    for way, colour in zip(ways, COLOURS, strict=False):
        places = [
            f"{MARGIN + point.oversell_rate / TARGETS[-1] * (WIDTH - 2 * MARGIN):.1f},"
            f"{HEIGHT - MARGIN - point.lost_rate / most_lost * (HEIGHT - 2 * MARGIN):.1f}"
            for point in points
            if point.way == way and point.lost_rate is not None
        ]
        lines.append(Line(way, colour, " ".join(places)))
    return Plot(lines, TARGETS[-1], most_lost)
