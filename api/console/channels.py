"""The page of channels: how each stands, and what was given up on it."""

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from core_sync.outbox.dead_letters import Selection, dead_letters, replay
from core_sync.outbox.rules import DeadLetter
from core_sync.outbox.standing import channel_standings

router = APIRouter(include_in_schema=False)

LETTERS = 50
"""Dead letters shown."""


@router.get("/channels")
def channels_page(request: Request, world: TheWorld, actor: Actor) -> Response:
    """Mode, breaker, backlog, freshness and dead letters of every channel."""
    at = world.clock()
    with world.database.reading() as connection:
        channels = channel_standings(connection, at)
        letters = list(dead_letters(connection, limit=LETTERS))
    told = {"at": at, "actor": actor, "channels": channels, "letters": letters, "logged_in": by_cookie(request)}
    return page("channels.html", told)


@router.post("/channels/{channel}/requeue")
def requeue(channel: str, world: TheWorld, why: DeadLetter = Form()) -> Response:  # noqa: B008 (how FastAPI names a field)
    """Push again what was given up of one class."""
    with world.database.transaction() as connection:
        replay(connection, Selection(channel, why))
    return RedirectResponse("/channels", 303)
