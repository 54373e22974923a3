"""Judging what was found strange, as doors show and do it."""

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

from api.shapes import Shape
from api.wiring import World
from core_sync.errors import VerbRefused
from ml.feedback.accepted import accept, read_all
from ml.feedback.audits import read_audits
from ml.feedback.expected import read_suppressions
from ml.feedback.judge import judge_audit, judge_case
from ml.feedback.listing import read_anomalies, read_judgements
from ml.feedback.rules import opinion_of
from ml.feedback.take_back import take_back


def judge(
    world: World,
    said: str,
    actor: str,
    *,
    case_id: int | None = None,
    audit_id: int | None = None,
    reason: str = "",
    until: datetime | None = None,
    within: Collection[str] | None = None,
) -> int:
    """Say ``true``, ``false`` or ``expected`` of a case's anomalies or of one audit; returns the judgement's number.

    Raises:
        NotFound: there is no such case or audit.
        VerbRefused: what that word needs is missing, or nothing is left to judge.
    """
    at = world.clock()
    opinion = opinion_of(said, reason, until, within, f"case {case_id}" if case_id is not None else f"audit {audit_id}")
    with world.database.transaction() as connection:
        if case_id is not None:
            return judge_case(connection, case_id, opinion, actor, at)
        assert audit_id is not None  # a door names one of both
        return judge_audit(connection, audit_id, opinion, actor, at)


def undo(world: World, judgement_id: int, actor: str) -> None:
    """Take a judgement back. Raises ``NotFound``, or ``VerbRefused`` where it was taken back before."""
    with world.database.transaction() as connection:
        take_back(connection, judgement_id, actor, world.clock())


def audit_rows(world: World) -> list[Shape]:
    """Today's audits."""
    with world.database.reading() as connection:
        return [asdict(one) for one in read_audits(connection, world.clock())]


def judgement_rows(world: World, case_id: int | None = None, limit: int = 100) -> list[Shape]:
    """The newest judgements."""
    with world.database.reading() as connection:
        return [asdict(one) for one in read_judgements(connection, case_id, limit)]


def expected_rows(world: World, ended: bool = False) -> list[Shape]:
    """What is expected now, or ever was."""
    with world.database.reading() as connection:
        return [asdict(one) for one in read_suppressions(connection, world.clock(), ended)]


def anomaly_rows(
    world: World, sku: str | None, location: str | None, channel: str | None, suppressed: bool | None, limit: int
) -> list[Shape]:
    """The newest anomalies."""
    with world.database.reading() as connection:
        return [asdict(one) for one in read_anomalies(connection, sku, location, channel, suppressed, limit)]


def detection_rows(world: World) -> list[Shape]:
    """How each kind of fact is judged, by which model, and whether what is promised holds."""
    with world.database.reading() as connection:
        found = read_all(connection, world.clock())
    models = world.models
    return [{**asdict(one), "model_version": models.version(f"{one.kind}_detector")} for one in found]


def say_accepted(world: World, kind: str, said: str, actor: str, reason: str) -> None:
    """Set how many false alarms are accepted: ``10%`` of alarms, or ``5`` a day.

    Raises:
        NotFound: there is no such kind.
        VerbRefused: it is neither, out of bounds, or no reason is given.
    """
    share, a_day = _accepted(kind, said)
    with world.database.transaction() as connection:
        accept(connection, kind, share, a_day, actor, reason, world.clock())


def _accepted(kind: str, said: str) -> tuple[float | None, float | None]:
    try:
        number = float(said.strip().removesuffix("%"))
    except ValueError as error:
        why = f"{said!r} is no number; write 10% (of alarms) or 5 (a day)"
        raise VerbRefused("set", f"{kind} alarms", why) from error
    return (number / 100, None) if said.strip().endswith("%") else (None, number)
