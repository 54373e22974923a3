"""Actions on cases: preview, ask, approve, reject, take back; and the autonomy ladder."""

from fastapi import APIRouter
from starlette.responses import Response

from api.autonomy import ladder_rows, set_level
from api.case_schemas import PlanShown, RunShown
from api.dependencies import Actor, TheWorld, answer
from api.details import plan_shape, run_shape, runs_of
from api.schemas import REFUSED, Act, Approve, Reject, SetAutonomy
from api.wiring import World
from remediation import service
from remediation.runs.store import read_run

router = APIRouter(tags=["actions"])


@router.post(
    "/cases/{case_id}/act",
    response_model=PlanShown | RunShown,
    responses=REFUSED,
    summary="Run the recommended action",
)
def act(case_id: int, body: Act, world: TheWorld, actor: Actor) -> Response:
    """With `dry_run`, the plan. Else the run: it waits for approval, or runs by itself where it may."""
    at = world.clock()
    if body.dry_run:
        return answer(plan_shape(service.preview(world.database, case_id, at, body.action)))
    return _run(world, service.request(world.remediation, case_id, actor, at, body.action, body.choice))


@router.get("/cases/{case_id}/runs", response_model=list[RunShown], summary="Every run of a case's actions")
def get_runs(case_id: int, world: TheWorld) -> Response:
    """The newest first."""
    with world.database.reading() as connection:
        return answer(runs_of(connection, case_id))


@router.post("/runs/{run_id}/approve", response_model=RunShown, responses=REFUSED, summary="Approve a run")
def approve(run_id: int, body: Approve, world: TheWorld, actor: Actor) -> Response:
    """Let it go, with one of the plan's choices where there are several."""
    service.approve(world.remediation, run_id, actor, world.clock(), body.choice)
    return _run(world, run_id)


@router.post("/runs/{run_id}/reject", response_model=RunShown, responses=REFUSED, summary="Reject a run")
def reject(run_id: int, body: Reject, world: TheWorld, actor: Actor) -> Response:
    """It shall not be."""
    service.reject(world.database, run_id, actor, body.reason, world.clock())
    return _run(world, run_id)


@router.post("/runs/{run_id}/undo", response_model=RunShown, responses=REFUSED, summary="Take a run back")
def undo(run_id: int, world: TheWorld, actor: Actor) -> Response:
    """Take back what it did."""
    service.undo(world.remediation, run_id, actor, world.clock())
    return _run(world, run_id)


@router.get("/autonomy", summary="How far each kind of action may go by itself")
def get_autonomy(world: TheWorld) -> Response:
    """Level, limits, who answers for them and why."""
    return answer(ladder_rows(world))


@router.put("/autonomy/{action}", responses=REFUSED, summary="Set how far an action may go by itself")
def put_autonomy(action: str, body: SetAutonomy, world: TheWorld, actor: Actor) -> Response:
    """Limits that are not told stay as they are."""
    set_level(world, action, body.level, actor, body.reason, body.max_units, body.max_money, body.per_hour)
    return answer([row for row in ladder_rows(world) if row["action"] == action])


def _run(world: World, run_id: int) -> Response:
    with world.database.reading() as connection:
        return answer(run_shape(read_run(connection, run_id)))
