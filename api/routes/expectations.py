"""Expectations: what must follow what, how long that may take, and who says so."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import Actor, TheWorld, answer
from api.expectations import expectation_rows, say
from api.schemas import REFUSED, ExpectationShown, Problem, SetExpectation

router = APIRouter(tags=["expectations"])


@router.get(
    "/expectations",
    response_model=list[ExpectationShown],
    responses={404: {"model": Problem}},
    summary="What must follow what, and within which time",
)
def get_expectations(
    world: TheWorld, expectation: Annotated[str | None, Query(description="Only this kind.")] = None
) -> Response:
    """Each kind with its default, then what is learned or set for each source and location."""
    return answer(expectation_rows(world, expectation))


@router.put("/expectations/{kind}", responses=REFUSED, summary="Set how long something may take")
def put_expectation(kind: str, body: SetExpectation, world: TheWorld, actor: Actor) -> Response:
    """`limit` is a length (`90m`, `4h`, `2d`), `off`, or `learned`: what is learned decides again."""
    say(world, kind, body.limit, actor, body.reason, body.source, body.location)
    return answer(expectation_rows(world, kind))
