"""The worklist, one case, and what may be done to it."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Connection
from starlette.responses import Response

from api.case_schemas import CaseShown, FacetsShown, FeedPage
from api.dependencies import Actor, Cursor, Limit, TheWorld, answer
from api.details import read_detail
from api.schemas import REFUSED, Assign, Merge, Note, Noted, OverrideBody, Problem, Resolve, Snooze, Split, Undo
from api.shapes import facets_shape, page_shape
from api.wiring import World
from core_sync.cases import grouping, undo, verbs
from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.order import Order
from core_sync.cases.rules import ON_THE_LIST, Status
from core_sync.cases.totals import read_coverage, read_facets, read_totals
from core_sync.cases.views import find_view
from core_sync.money import to_ten_thousandths

router = APIRouter(tags=["cases"])


def asked(
    status: Annotated[
        list[Status] | None, Query(description="Only these; without it, everything not resolved and not snoozed.")
    ] = None,
    root_cause: str | None = None,
    sku: str | None = None,
    location: str | None = None,
    channel: str | None = None,
    owner: str | None = None,
    abstained: Annotated[bool | None, Query(description="Only what a person must decide (or all but that).")] = None,
    search: Annotated[
        str | None, Query(description="Words, each as the beginning of one that the case or its signals say.")
    ] = None,
) -> Filter:
    """What a request narrows the list to."""
    return Filter(
        statuses=status or ON_THE_LIST, root_cause=root_cause, sku=sku, location=location, channel=channel,
        owner=owner, abstained=abstained, search=search,
    )  # fmt: skip


Asked = Annotated[Filter, Depends(asked)]


@router.get(
    "/feed",
    response_model=FeedPage,
    responses={400: {"model": Problem}, 404: {"model": Problem}},
    summary="The ranked worklist",
)
def get_feed(
    world: TheWorld,
    actor: Actor,
    shown: Asked,
    cursor: Cursor = None,
    limit: Limit = 50,
    order: Annotated[Order, Query(description="What stands first.")] = Order.LOSS,
    view: Annotated[str | None, Query(description="A saved view: its filter and order instead of any other.")] = None,
) -> Response:
    """Cases by expected loss, the largest first. Pages stay put while cases come and go."""
    with world.database.reading() as connection:
        if view is not None:
            kept = find_view(connection, actor, view)
            shown, order = kept.shown, kept.order
        page = read_feed(connection, world.clock(), shown, cursor, limit, order)
        return answer(page_shape(page, read_totals(connection, shown)))


@router.get("/feed/facets", response_model=FacetsShown, summary="What is on the worklist, in sum")
def get_facets(world: TheWorld, shown: Asked) -> Response:
    """How many cases have each status, cause, owner, channel and location, and how much the first of them cover."""
    with world.database.reading() as connection:
        return answer(facets_shape(read_facets(connection, shown), read_coverage(connection, shown)))


@router.get("/cases/{case_id}", response_model=CaseShown, responses={404: {"model": Problem}}, summary="One case")
def get_case(case_id: int, world: TheWorld) -> Response:
    """Evidence, exposure terms, reasons, timeline and actions of one case."""
    with world.database.reading() as connection:
        return answer(read_detail(connection, case_id, world.clock()))


@router.post("/cases/{case_id}/acknowledge", response_model=CaseShown, responses=REFUSED, summary="Acknowledge")
def acknowledge(case_id: int, body: Noted, world: TheWorld, actor: Actor) -> Response:
    """Somebody has seen it."""
    return _done(world, case_id, lambda c: verbs.acknowledge(c, case_id, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/begin", response_model=CaseShown, responses=REFUSED, summary="Begin")
def begin(case_id: int, body: Noted, world: TheWorld, actor: Actor) -> Response:
    """Something is being done about it."""
    return _done(world, case_id, lambda c: verbs.begin(c, case_id, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/wait", response_model=CaseShown, responses=REFUSED, summary="Wait for somebody else")
def wait(case_id: int, body: Noted, world: TheWorld, actor: Actor) -> Response:
    """What could be done is done; somebody else has to move."""
    return _done(world, case_id, lambda c: verbs.wait(c, case_id, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/assign", response_model=CaseShown, responses=REFUSED, summary="Assign")
def assign(case_id: int, body: Assign, world: TheWorld, actor: Actor) -> Response:
    """It is somebody's, or nobody's."""
    return _done(world, case_id, lambda c: verbs.assign(c, case_id, body.owner, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/note", response_model=CaseShown, responses=REFUSED, summary="Note")
def note(case_id: int, body: Note, world: TheWorld, actor: Actor) -> Response:
    """Write something down in the timeline."""
    return _done(world, case_id, lambda c: verbs.note(c, case_id, body.note, actor, world.clock()))


@router.post("/cases/{case_id}/override", response_model=CaseShown, responses=REFUSED, summary="Override")
def override(case_id: int, body: OverrideBody, world: TheWorld, actor: Actor) -> Response:
    """A person knows better than the model, for a reason; both figures are shown."""
    rank = to_ten_thousandths(body.expected_loss) if body.expected_loss is not None else None
    at = world.clock()
    return _done(
        world,
        case_id,
        lambda c: verbs.override(c, case_id, actor, at, body.reason, body.root_cause, rank, body.until),
    )


@router.post("/cases/{case_id}/snooze", response_model=CaseShown, responses=REFUSED, summary="Snooze")
def snooze(case_id: int, body: Snooze, world: TheWorld, actor: Actor) -> Response:
    """Leave it off the list until a moment, too much at stake or too little stock; it wakes by itself and says why."""
    above = to_ten_thousandths(body.exposure_above) if body.exposure_above is not None else None
    at = world.clock()
    return _done(
        world,
        case_id,
        lambda c: verbs.snooze(c, case_id, body.until, actor, at, body.note, above, body.stock_below),
    )


@router.post("/cases/{case_id}/merge", response_model=CaseShown, responses=REFUSED, summary="Merge into another")
def merge(case_id: int, body: Merge, world: TheWorld, actor: Actor) -> Response:
    """Put all its signals into another case; what comes with its fingerprint goes there too."""
    return _done(world, case_id, lambda c: grouping.merge(c, case_id, body.into, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/split", response_model=CaseShown, responses=REFUSED, summary="Split")
def split(case_id: int, body: Split, world: TheWorld, actor: Actor) -> Response:
    """Take signals out into a new case."""
    return _done(world, case_id, lambda c: grouping.split(c, case_id, body.signals, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/resolve", response_model=CaseShown, responses=REFUSED, summary="Resolve")
def resolve(case_id: int, body: Resolve, world: TheWorld, actor: Actor) -> Response:
    """It is over, and this is how it ended."""
    return _done(world, case_id, lambda c: verbs.resolve(c, case_id, body.resolution, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/reopen", response_model=CaseShown, responses=REFUSED, summary="Reopen")
def reopen(case_id: int, body: Noted, world: TheWorld, actor: Actor) -> Response:
    """It is not over after all."""
    return _done(world, case_id, lambda c: verbs.reopen(c, case_id, actor, world.clock(), body.note))


@router.post("/cases/{case_id}/undo", response_model=CaseShown, responses=REFUSED, summary="Undo a timeline entry")
def undo_entry(case_id: int, body: Undo, world: TheWorld, actor: Actor) -> Response:
    """Take back what a person did, as long as nothing later rests on it."""
    return _done(world, case_id, lambda c: undo.undo(c, case_id, body.entry, actor, world.clock()))


def _done(world: World, case_id: int, verb: Callable[[Connection], object]) -> Response:
    with world.database.transaction() as connection:
        verb(connection)
        return answer(read_detail(connection, case_id, world.clock()))
