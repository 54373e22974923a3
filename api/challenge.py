"""What doors do with challengers: let a candidate answer beside the live model, and end that."""

from api.candidates import candidate_folder, service_folder, tell_mlflow
from api.wiring import World
from ml.registry import tracking
from ml.registry.challenger import CHALLENGED, end_challenge, name_challenger


def challenge(world: World, version: str | None, actor: str) -> str:
    """Let the candidate ``version``, or the one trained last, answer beside the live root-cause model; its version.

    Raises:
        NotFound: there is no such candidate.
        ModelRefused: it is not what its manifest says, or cannot be loaded.
        VerbRefused: it is the live version.
    """
    candidate = candidate_folder(world, CHALLENGED, version)
    version = name_challenger(world.database, candidate, service_folder(world), actor, world.clock()).version
    tell_mlflow(world, CHALLENGED, version, tracking.name_challenger)
    return version


def end(world: World, actor: str) -> None:
    """From now on nobody answers beside the live model.

    Raises:
        VerbRefused: nobody does.
    """
    end_challenge(world.database, actor, world.clock())


def answer(world: World) -> int:
    """Let the challenger answer what was decided since; how many failures that were.

    Raises:
        ModelRefused: its files were changed.
    """
    from ml.triage.diagnose import answer_beside

    found = world.challenger
    return 0 if found is None else answer_beside(world.database, *found, world.clock())
