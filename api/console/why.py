"""The page that says why something is on the worklist or is not."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.console.pages import by_cookie
from api.console.view import page
from api.dependencies import Actor, TheWorld
from api.why import why_not

router = APIRouter(include_in_schema=False)


@router.get("/why")
def why_page(
    request: Request, world: TheWorld, actor: Actor, sku: str = "", channel: str = "", location: str = ""
) -> Response:
    """Where the troubles of a SKU are."""
    wanted = {"sku": sku.strip(), "channel": channel.strip(), "location": location.strip()}
    found = []
    if wanted["sku"]:
        with world.database.reading() as connection:
            found = why_not(
                connection, world.clock(), wanted["sku"], wanted["channel"] or None, wanted["location"] or None
            )
    told = {"actor": actor, "logged_in": by_cookie(request), "wanted": wanted, "found": found}
    return page("why.html", told)
