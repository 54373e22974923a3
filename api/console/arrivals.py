"""What came onto the list since a page of it was made: said beside the list, which stays as it is under the hand.

A frame of its own that asks anew every so often; there is no script, and no row moves before somebody asks for it.
"""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.console.view import page
from api.dependencies import TheWorld
from core_sync.cases.since import arrivals_after

router = APIRouter(include_in_schema=False)

EVERY_S = 20
"""Seconds between two looks."""

SAYS: Mapping[str, str] = {"opened": "new", "regressed": "came back", "worsened": "worse", "woken": "awake again"}

_FRAMED = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'self'"


@router.get("/arrivals")
def arrivals(world: TheWorld, after: Annotated[int, Query(ge=0, le=2**62)], back: str = "") -> Response:
    """How many came after the timeline entry ``after``, and the way to see them."""
    with world.database.reading() as connection:
        counts = arrivals_after(connection, after)
    came = [f"{counts[verb]:,} {said}" for verb, said in SAYS.items() if counts.get(verb)]
    answer = page("arrivals.html", {"came": came, "back": urlencode(parse_qsl(back)), "every_s": EVERY_S})
    answer.headers["content-security-policy"] = _FRAMED
    return answer
