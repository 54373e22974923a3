"""What people say of anomalies, the rows drawn for audits, what is expected, and how many false alarms are accepted."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from api import judging
from api.case_schemas import CaseShown
from api.courses import past_of
from api.dependencies import Actor, Limit, TheWorld, answer
from api.details import read_detail
from api.judging_schemas import (
    AcceptAlarms,
    AnomalyItem,
    AuditItem,
    DetectionShown,
    JudgeBody,
    JudgementItem,
    PastShown,
    SuppressionItem,
)
from api.schemas import REFUSED, Problem
from core_sync.cases.feed import read_feed_case

router = APIRouter(tags=["judging"])


@router.post("/cases/{case_id}/judge", response_model=CaseShown, responses=REFUSED, summary="Judge a case's anomalies")
def judge_case(case_id: int, body: JudgeBody, world: TheWorld, actor: Actor) -> Response:
    """`true`: it was a fault. `false`: it was none, for a reason. `expected`: nothing like it until then."""
    judging.judge(
        world, body.said, actor, case_id=case_id, reason=body.reason, until=body.until, within=body.within
    )  # fmt: skip
    with world.database.reading() as connection:
        return answer(read_detail(connection, case_id, world.clock()))


@router.get("/cases/{case_id}/past", response_model=PastShown, responses={404: {"model": Problem}}, summary="Its past")
def get_past(case_id: int, world: TheWorld) -> Response:
    """The last weeks of its SKU with the point marked, and cases like it with what became of them."""
    with world.database.reading() as connection:
        read_feed_case(connection, case_id, world.clock())
        return answer(past_of(connection, case_id))


@router.get("/audits", response_model=list[AuditItem], summary="Today's random audits")
def get_audits(world: TheWorld) -> Response:
    """Eight rows scored yesterday that raised no alarm, drawn at random; the same for everybody."""
    return answer(judging.audit_rows(world))


@router.post("/audits/{audit_id}/judge", response_model=list[AuditItem], responses=REFUSED, summary="Answer an audit")
def judge_audit(audit_id: int, body: JudgeBody, world: TheWorld, actor: Actor) -> Response:
    """By the same words as a case; `true` opens one."""
    judging.judge(
        world, body.said, actor, audit_id=audit_id, reason=body.reason, until=body.until, within=body.within
    )  # fmt: skip
    return answer(judging.audit_rows(world))


@router.get("/judgements", response_model=list[JudgementItem], summary="What people said, the newest first")
def get_judgements(
    world: TheWorld, case: Annotated[int | None, Query(description="Only of this case.")] = None, limit: Limit = 100
) -> Response:
    """Each with who said it, when, of how many rows, and whether it still stands."""
    return answer(judging.judgement_rows(world, case, limit))


@router.post("/judgements/{judgement_id}/undo", response_model=list[JudgementItem], responses=REFUSED, summary="Undo")
def undo(judgement_id: int, world: TheWorld, actor: Actor) -> Response:
    """Chances, anomalies and cases are as they were before, and nothing is learnt from it."""
    judging.undo(world, judgement_id, actor)
    return answer(judging.judgement_rows(world))


@router.get("/expected", response_model=list[SuppressionItem], summary="What is expected and raises no case")
def get_expected(
    world: TheWorld, ended: Annotated[bool, Query(description="What has ended, too.")] = False
) -> Response:
    """By its end; with how many anomalies each has kept off the list."""
    return answer(judging.expected_rows(world, ended))


@router.get("/anomalies", response_model=list[AnomalyItem], summary="Anomalies, the newest first")
def get_anomalies(
    world: TheWorld,
    sku: str | None = None,
    location: str | None = None,
    channel: str | None = None,
    suppressed: Annotated[bool | None, Query(description="Only what was kept off the list, or only the rest.")] = None,
    limit: Limit = 100,
) -> Response:
    """In which case each is, or by which judgement it was expected."""
    return answer(judging.anomaly_rows(world, sku, location, channel, suppressed, limit))


@router.get("/detection", response_model=list[DetectionShown], summary="How anomalies are told from ordinary rows")
def get_detection(world: TheWorld) -> Response:
    """Accepted false alarms, the model, and whether the promise about them is suspended."""
    return answer(judging.detection_rows(world))


@router.put("/detection/{kind}", response_model=list[DetectionShown], responses=REFUSED, summary="Accept false alarms")
def put_detection(kind: str, body: AcceptAlarms, world: TheWorld, actor: Actor) -> Response:
    """`accept` is a share of alarms (`10%`) or a number a day (`5`); `kind` is `delta` or `movement`."""
    judging.say_accepted(world, kind, body.accept, actor, body.reason)
    return answer(judging.detection_rows(world))
