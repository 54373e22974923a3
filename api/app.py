"""The HTTP application: the API below ``/v1`` and the console."""

from fastapi import FastAPI

from api import problems
from api.console import arrivals as arrivals_pages
from api.console import buffer_targets as target_pages
from api.console import buffers as buffer_pages
from api.console import bulk as bulk_pages
from api.console import channels as channel_pages
from api.console import detection as detection_pages
from api.console import held as held_pages
from api.console import models as model_pages
from api.console import pages
from api.console import stock as stock_pages
from api.console import why as why_pages
from api.console import worklist as worklist_pages
from api.guard import Guard
from api.routes import (
    actions,
    buffers,
    bulk,
    events,
    expectations,
    feed,
    handover,
    held,
    judging,
    publishing,
    service,
    stock,
    views,
    why,
    worklist,
)
from api.wiring import World

_ABOUT = """Exception triage and anomaly detection for inventory synchronisation.

Tell events, read the worklist by expected loss, decide cases, run actions. Money is a number in the currency
beside it, times are RFC 3339 in UTC, quantities are stock-keeping units. Errors are problem details (RFC 9457).
Where tokens are configured, send `Authorization: Bearer TOKEN`."""


def create_app(world: World) -> FastAPI:
    """The application over ``world``.

    Raises:
        SettingsRefused: a configured token is not safe.
    """
    # The usual pages of documentation load scripts from elsewhere; the document itself is enough.
    app = FastAPI(
        title="stocktriage",
        version="0.1.0",
        description=_ABOUT,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.world = world
    for part in (
        events,
        feed,
        worklist,
        views,
        why,
        bulk,
        handover,
        judging,
        held,
        actions,
        buffers,
        expectations,
        stock,
        publishing,
        service,
    ):
        app.include_router(part.router, prefix="/v1")
    app.include_router(worklist_pages.router)
    app.include_router(pages.router)
    app.include_router(arrivals_pages.router)
    app.include_router(why_pages.router)
    app.include_router(bulk_pages.router)
    app.include_router(detection_pages.router)
    app.include_router(held_pages.router)
    app.include_router(model_pages.router)
    app.include_router(stock_pages.router)
    app.include_router(channel_pages.router)
    app.include_router(buffer_pages.router)
    app.include_router(target_pages.router)
    problems.register(app, pages.problem_page)
    app.add_middleware(Guard, settings=world.settings, clock=world.clock)
    return app
