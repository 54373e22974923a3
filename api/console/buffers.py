"""The page of buffers: what is recommended and why, what each way to hold back reaches, what another rule would do."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.console.frontier_chart import chart_of
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.jobs.kept_replay import BUFFERS, SHARES, kept_replay
from api.recommendations import Wanted, recommendation_page
from api.shapes import Shape
from core_sync.availability.promises import channel_names
from ml.buffers.targets import read_targets

router = APIRouter(include_in_schema=False)

SHOWN = 50


@router.get("/buffers")
def buffers_page(
    request: Request,
    world: TheWorld,
    actor: Actor,
    channel: str = "",
    first: Annotated[str, Query(max_length=200)] = "",
    buffer: Annotated[int | None, Query(ge=0, le=100_000)] = None,
    share: Annotated[int, Query(ge=0, le=100)] = 100,
    penalty: Annotated[float, Query(ge=0, le=1e9)] = 10.0,
) -> Response:
    """Recommendations of one channel from SKU ``first`` on, its frontier, and with ``buffer`` what a rule would do."""
    with world.database.reading() as connection:
        channels = channel_names(connection)
        chosen = channel if channel in channels else next(iter(channels), "")
        replay = kept_replay(connection, chosen)
        target = read_targets(connection).rate(chosen)
    found = recommendation_page(world, Wanted(channel=chosen), (first, ""), SHOWN) if chosen else None
    rows = found.rows if found else []
    common = _lacked_by_all(rows)
    what_if = replay.rule(buffer, share) if replay is not None and buffer is not None else None
    told: dict[str, Any] = {
        "at": world.clock(), "actor": actor, "logged_in": by_cookie(request), "channels": channels, "channel": chosen,
        "refused_channel": channel if channel not in ("", chosen) else "", "target": target, "first": first,
        "rows": [{**one, "lacked": [note for note in lacked(one) if note not in common]} for one in rows],
        "common": common, "following": found.following[0] if found and found.following else None,
        "estimated_at": world.estimates.read_at, "buffer": 0 if buffer is None else buffer, "share": share,
        "penalty": penalty, "currency": world.settings.reporting_currency, "replay": replay, "what_if": what_if,
        "buffers": BUFFERS, "shares": SHARES, "chart": chart_of(replay, target, what_if) if replay else None,
    }  # fmt: skip
    return page("buffers.html", told)


def lacked(row: Shape) -> list[str]:
    """What a recommendation had to do without, each once."""
    notes = [term["note"] for term in row["terms"].values() if term["basis"] == "assumed" and term["note"]]
    return list(dict.fromkeys(notes))


def _lacked_by_all(rows: Sequence[Shape]) -> list[str]:
    """What all of several recommendations had to do without: said once, above the table."""
    if len(rows) < 2:
        return []
    everywhere = set.intersection(*(set(lacked(one)) for one in rows))
    return [note for note in lacked(rows[0]) if note in everywhere]
