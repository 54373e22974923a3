"""The page of buffers: what is recommended and why, what each way to hold back reaches, what another rule would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
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
    first: str = "",
) -> Response:
    """Recommendations of one channel from SKU ``first`` on, its frontier, and what another rule would have done.

    The rule is named by the address: ``buffer`` units, ``share`` in per cent, and the ``penalty`` of an oversold unit.
    """
    said = {name: told for name, told in request.query_params.items() if told}
    rule = {name: _number(said.get(name), field) for name, field in _RULE.items()}
    buffer, share = int(rule["buffer"]), int(rule["share"])
    with world.database.reading() as connection:
        channels = channel_names(connection)
        chosen = channel if channel in channels else next(iter(channels), "")
        replay = kept_replay(connection, chosen)
        target = read_targets(connection).rate(chosen)
    found = recommendation_page(world, Wanted(channel=chosen), (first, ""), SHOWN) if chosen else None
    rows = found.rows if found else []
    common = _lacked_by_all(rows)
    what_if = replay.rule(buffer, share) if replay is not None and "buffer" in said else None
    told: dict[str, Any] = {
        "at": world.clock(), "actor": actor, "logged_in": by_cookie(request), "channels": channels, "channel": chosen,
        "refused_channel": channel if channel not in ("", chosen) else "", "target": target, "first": first,
        "rows": [{**one, "lacked": [note for note in one["lacked"] if note not in common]} for one in rows],
        "common": common, "following": found.following[0] if found and found.following else None,
        "estimated_at": world.estimates.read_at, "buffer": buffer, "share": share,
        "odd": [one.refusal(said[name]) for name, one in _RULE.items() if one.read(said.get(name, "0")) is None],
        "penalty": rule["penalty"], "currency": world.settings.reporting_currency, "replay": replay, "what_if": what_if,
        "buffers": BUFFERS, "shares": SHARES, "chart": chart_of(replay, target, what_if) if replay else None,
    }  # fmt: skip
    return page("buffers.html", told)


@dataclass(frozen=True)
class Field:
    """A number that the address may name: what it is, the most of it, and what is taken where none is named."""

    what: str
    most: float
    usual: float

    def read(self, said: str) -> float | None:
        """The number; None where ``said`` is none from 0 to ``most``."""
        try:
            found = float(said)
        except ValueError:
            return None
        return found if 0 <= found <= self.most else None

    def refusal(self, said: str) -> str:
        """What is wrong with ``said``."""
        return f"{self.what} is a number from 0 to {self.most:,.0f}, not {said[:40]!r}"


_RULE = {
    "buffer": Field("What is held back", 100_000.0, 0.0),
    "share": Field("The share of stock in per cent", 100.0, 100.0),
    "penalty": Field("The cost of an oversold unit", 1e9, 10.0),
}


def _number(said: str | None, field: Field) -> float:
    found = field.read(said) if said else None
    return field.usual if found is None else found


def _lacked_by_all(rows: Sequence[Shape]) -> list[str]:
    """What all of several recommendations had to do without: said once, above the table."""
    if len(rows) < 2:
        return []
    everywhere = set.intersection(*(set(one["lacked"]) for one in rows))
    return [note for note in rows[0]["lacked"] if note in everywhere]
