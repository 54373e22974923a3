"""The service itself: is it well, which models are live."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.exc import DBAPIError
from starlette.responses import Response

from api.checks import examine
from api.dependencies import TheWorld, answer
from api.models import label_rows, model_rows
from api.schemas import Health
from api.shapes import Shape
from api.watching import drift_kept, retraining_rows
from api.wiring import World
from core_sync.errors import StocktriageError
from core_sync.ledger.proof import read_proof

router = APIRouter(tags=["service"])


@router.get("/health", response_model=Health, responses={503: {"model": Health}}, summary="Is it well?")
def get_health(world: TheWorld) -> Response:
    """Really reads and writes the database; 503 where something is wrong."""
    checks = examine(world, thorough=False)
    fine = all(one.fine for one in checks)
    # Who is not known may ask this, so addresses and names stay out of it.
    told = [{"check": one.check, "fine": one.fine, "found": "", "mend": ""} for one in checks]
    return answer({"fine": fine, "checks": told, "proof": _proof(world)}, 200 if fine else 503)


def _proof(world: World) -> Shape | None:
    """How the proof of the ledger stands; what differs is a case, and no reason to stop serving."""
    try:
        with world.database.reading() as connection:
            state = read_proof(connection)
    except (StocktriageError, DBAPIError):
        return None
    return {
        "open_disagreements": state.open_disagreements,
        "last_ended_at": state.whole_ended_at,
        "last_proved": state.whole_proved,
        "positions": state.positions,
        "coverage": state.coverage,
    }


@router.get("/models", summary="Models")
def get_models(world: TheWorld) -> Response:
    """Which version of each model was live, since when, what it reaches and what it decided."""
    return answer(model_rows(world))


@router.get("/labels", summary="Labels")
def get_labels(world: TheWorld, most: Annotated[int, Query(ge=1, le=1_000)] = 100) -> Response:
    """What people and outcomes said of root causes, the newest first, each with where it is from."""
    return answer(label_rows(world, most))


@router.get("/models/drift", summary="Drift")
def get_drift(world: TheWorld) -> Response:
    """What the service found when it last looked whether failures have moved away from those before; null before."""
    return answer(drift_kept(world))


@router.get("/models/retrainings", summary="Retrainings")
def get_retrainings(world: TheWorld) -> Response:
    """The trainings that the service began by itself, the newest first, and what came of each."""
    return answer(retraining_rows(world))
