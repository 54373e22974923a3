"""The page of the worklist: the list, what it can be narrowed by, saved views, and what happened since."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import text
from starlette.background import BackgroundTask

from api.console.asked import NARROWED_BY, asked_filter, asked_order, from_list, kept
from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.guard import SECURITY_HEADERS
from api.shapes import case_shape, view_shape
from api.wiring import World
from core_sync.cases.attendance import caught_up, last_left, visit
from core_sync.cases.bulk import PastBulk, past_bulks
from core_sync.cases.deeds import DEEDS
from core_sync.cases.feed import read_feed
from core_sync.cases.order import Order
from core_sync.cases.rules import ON_THE_LIST, ROOT_CAUSES, Status
from core_sync.cases.since import newest_entry, read_since
from core_sync.cases.totals import Facets, read_coverage, read_facets
from core_sync.cases.views import View, forget_view, read_views, save_view
from core_sync.errors import CursorRefused, DatabaseUnavailable

router = APIRouter(include_in_schema=False)

_WITH_ARRIVALS = f"{SECURITY_HEADERS['content-security-policy']}; frame-src 'self'"
"""The list holds one frame of our own, which tells what came since."""

PAGE = 25
STEPS_SHOWN = (10, 50)
"""After how many cases the page says how much they cover."""
FACET_SHOWN = 6
"""Values of a facet that the page shows, those with the most cases."""
BULKS_SHOWN = 5
"""Deeds done to many cases that can be taken back from the page, the newest first."""
STATUS_FILTERS = ("", "all", *Status)


@router.get("/")
def feed_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """The worklist."""
    said = request.query_params
    wanted = {name: said.get(name, "").strip() for name in NARROWED_BY}
    shown, cursor, at = asked_filter(wanted), said.get("cursor", ""), world.clock()
    order = asked_order(wanted)
    with world.database.reading() as connection:
        left = last_left(connection, actor, at)
        try:
            found = read_feed(connection, at, shown, cursor or None, PAGE, order)
        except CursorRefused:
            return RedirectResponse(f"/?{urlencode(kept(wanted))}", 303)
        facets, covered = read_facets(connection, shown), read_coverage(connection, shown, STEPS_SHOWN)
        views = read_views(connection, actor)
        channels = list(connection.execute(text("SELECT channel FROM channel ORDER BY priority, channel")).scalars())
        then = read_since(connection, left) if left is not None and not cursor else None
        lately = past_bulks(connection)[:BULKS_SHOWN]
        newest = newest_entry(connection)
        known = bool(connection.execute(text("SELECT EXISTS (SELECT 1 FROM exception_case)")).scalar_one())
    more = urlencode({**kept(wanted), "cursor": found.next_cursor}) if found.next_cursor else None
    here = kept({**wanted, "cursor": cursor})
    told = {
        "at": at, "actor": actor, "cases": [case_shape(one) for one in found.cases], "totals": facets.totals,
        "facets": _facets(facets, wanted), "orders": tuple(Order), "views": [_view_link(one, wanted) for one in views],
        "covered": covered, "more": more, "then": then if then is not None and not then.is_quiet else None,
        "wanted": wanted, "filtered": bool(kept(wanted)), "statuses": STATUS_FILTERS, "root_causes": ROOT_CAUSES,
        "channels": channels, "any_case": known, "first": not cursor, "logged_in": by_cookie(request),
        "here": urlencode(here), "from_list": from_list(here),
        "done": _just_done(lately, said.get("done", "")), "lately": lately, "verbs": tuple(DEEDS),
        "newest": newest, "wanted_here": urlencode(kept(wanted)), "handed": urlencode(_for_the_api(wanted)),
    }  # fmt: skip
    answer = page("feed.html", told)
    answer.headers["content-security-policy"] = _WITH_ARRIVALS
    answer.background = BackgroundTask(_note_visit, world, actor, at)  # reading the list waits for nobody who writes
    return answer


def _note_visit(world: World, actor: str, at: datetime) -> None:
    with suppress(DatabaseUnavailable):  # a list that can be read is worth more than a note of who read it
        visit(world.database, actor, at)


def _for_the_api(wanted: Mapping[str, str]) -> list[tuple[str, str]]:
    """What the page shows, as the API is asked for it."""
    shown = asked_filter(wanted)
    asked = [
        (name, value) for name, value in kept(dict(wanted)).items() if name not in ("status", "order", "abstained")
    ]
    if shown.statuses != ON_THE_LIST:
        asked += [("status", str(status)) for status in shown.statuses or Status]
    return asked if shown.abstained is None else [*asked, ("abstained", str(shown.abstained).lower())]


def _facets(facets: Facets, wanted: Mapping[str, str]) -> list[dict[str, Any]]:
    """What the list can be narrowed by next, each value with its count and where it leads."""
    told: list[dict[str, Any]] = []
    for facet, counts in facets.counts.items():
        named = {value: count for value, count in counts.items() if value not in ("(none)", "no")}
        if not named or wanted.get(facet):
            continue
        values = [
            {"value": value, "count": count, "leads": urlencode(kept({**wanted, facet: value}))}
            for value, count in list(named.items())[:FACET_SHOWN]
        ]
        told.append({"facet": facet, "values": values, "more": len(named) - len(values)})
    return told


def _view_link(view: View, wanted: Mapping[str, str]) -> dict[str, Any]:
    """A saved view as the query of the page that shows it."""
    fitting = {**view_shape(view)["fitting"], "order": "" if view.order is Order.LOSS else str(view.order)}
    status = "all" if not view.shown.statuses else ",".join(fitting.pop("status"))
    query = kept({name: str(value or "") for name, value in fitting.items() if name not in ("status", "abstained")})
    abstained = {True: "yes", False: "no", None: ""}[view.shown.abstained]
    query |= kept({"status": status, "abstained": abstained})
    return {
        "name": view.name,
        "shared": view.owner is None,
        "leads": urlencode(query),
        "here": query == kept(dict(wanted)),
    }


def _just_done(past: Sequence[PastBulk], said: str) -> PastBulk | None:
    """What was done to many cases a page ago, as long as it can be taken back."""
    return next((one for one in past if str(one.bulk) == said and one.undone_at is None), None)


@router.post("/seen")
def seen(world: TheWorld, actor: Actor) -> Response:
    """What happened is known; only what comes later is news."""
    with world.database.transaction() as connection:
        caught_up(connection, actor, world.clock())
    return RedirectResponse("/", 303)


@router.post("/views")
def keep_view(
    world: TheWorld,
    actor: Actor,
    name: Annotated[str, Form()] = "",
    shared: Annotated[str, Form()] = "",
    here: Annotated[str, Form()] = "",
    forget: Annotated[str, Form()] = "",
) -> Response:
    """Keep what the list shows now under a name, or forget a view."""
    query = dict(parse_qsl(here))
    wanted = {field: query.get(field, "") for field in NARROWED_BY}
    with world.database.transaction() as connection:
        if forget:
            forget_view(connection, actor, forget)
        else:
            owner = None if shared == "yes" else actor
            save_view(connection, owner, name, asked_filter(wanted), asked_order(wanted), world.clock())
    return RedirectResponse(f"/?{urlencode(kept(wanted))}", 303)
