"""Events without stock effect, what is decided about them, and taking entries back."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Actor, Cursor, Limit, TheWorld, answer
from api.problems import RequestRefused
from api.schemas import REFUSED, Problem
from api.shapes import entry_shape, verdict_shape
from api.stock_schemas import Decide, EntryExplained, HeldItem, HeldPage, VerdictShown
from api.wiring import World
from core_sync.ledger import decisions
from core_sync.ledger.entries import entry_by_number, entry_of
from core_sync.ledger.held import STATUSES, HeldFilter, count_held, read_held, read_held_event
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.verdicts import Verdict

router = APIRouter(tags=["held events"])

Statuses = Annotated[
    list[str] | None,
    Query(description="Only these; without it, all that are undecided.", json_schema_extra={"enum": list(STATUSES)}),
]


@router.get(
    "/held",
    response_model=HeldPage,
    responses={400: {"model": Problem}, 422: {"model": Problem}},
    summary="Held events",
)
def get_held(
    world: TheWorld,
    status: Statuses = None,
    source: str | None = None,
    sku: Annotated[str | None, Query(description="Our SKU, or the source's name for it.")] = None,
    location: str | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response:
    """Parked, refused, suspected to repeat another, or contradicting it: the longest held first, each with why."""
    unknown = sorted(set(status or ()) - set(STATUSES))
    if unknown:
        raise RequestRefused(422, "invalid-request", f"{unknown[0]} is no status; there are {', '.join(STATUSES)}")
    shown = HeldFilter(statuses=status or (), source=source, sku=sku, location=location)
    with world.database.reading() as connection:
        page = read_held(connection, shown, cursor, limit)
        waiting = count_held(connection)
    return answer({"items": page.items, "next_cursor": page.next_cursor, "waiting": waiting})


@router.get("/held/{held_id}", response_model=HeldItem, responses={404: {"model": Problem}}, summary="One held event")
def get_one(held_id: int, world: TheWorld) -> Response:
    """Why it is held, and its twin beside it."""
    with world.database.reading() as connection:
        return answer(read_held_event(connection, held_id))


@router.post("/held/{held_id}/confirm", response_model=VerdictShown, responses=REFUSED, summary="Confirm a duplicate")
def confirm(held_id: int, body: Decide, world: TheWorld, actor: Actor) -> Response:
    """It repeats the other, or tells it wrongly: it stays without effect, and is known when it comes again."""
    return _decided(world, lambda ledger: decisions.confirm_duplicate(
        ledger, held_id, actor, world.clock(), body.note, body.dry_run))  # fmt: skip


@router.post("/held/{held_id}/apply", response_model=VerdictShown, responses=REFUSED, summary="Apply after all")
def apply(held_id: int, body: Decide, world: TheWorld, actor: Actor) -> Response:
    """It is a movement of its own. One that contradicts another takes its place; the other is taken back."""
    return _decided(world, lambda ledger: decisions.apply_after_all(
        ledger, held_id, actor, world.clock(), body.note, body.dry_run))  # fmt: skip


@router.post("/held/{held_id}/refuse", response_model=VerdictShown, responses=REFUSED, summary="Refuse for good")
def refuse(held_id: int, body: Decide, world: TheWorld, actor: Actor) -> Response:
    """It shall never apply, however often it comes again, until it is applied after all."""
    return _decided(world, lambda ledger: decisions.refuse(
        ledger, held_id, actor, world.clock(), body.note, body.dry_run))  # fmt: skip


@router.get("/entries", response_model=EntryExplained, responses={404: {"model": Problem}}, summary="One ledger entry")
def get_entry(source: str, event_id: str, world: TheWorld) -> Response:
    """By the source's own name for it; the answer tells the ledger's number for it."""
    with world.database.reading() as connection:
        return answer(entry_shape(entry_of(connection, source, event_id)))


@router.post("/entries/{entry}/reverse", response_model=VerdictShown, responses=REFUSED, summary="Take an entry back")
def reverse(entry: int, body: Decide, world: TheWorld, actor: Actor) -> Response:
    """Undo what an accepted event did, by an entry with the opposite effect, once."""
    with world.database.reading() as connection:
        told = entry_by_number(connection, entry)
    return _decided(world, lambda ledger: decisions.reverse(
        ledger, told.source, told.event_id, actor, world.clock(), body.note, body.dry_run))  # fmt: skip


def _decided(world: World, verb: Callable[[Ledger], Verdict]) -> Response:
    with world.ledger() as ledger:
        return answer(verdict_shape(verb(ledger)))
