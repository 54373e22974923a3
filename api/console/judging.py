"""The form with the three words, on the case page and beside each audit."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from api import judging
from api.wiring import World
from core_sync.errors import VerbRefused

EXPECTED_FOR = {one: timedelta(days=int(one[:-1])) for one in ("1d", "7d", "30d", "90d")}
"""For how long the pages offer to expect something."""

Fields = Mapping[str, Sequence[str]]


def judged(
    world: World, actor: str, fields: Fields, *, case_id: int | None = None, audit_id: int | None = None
) -> None:
    """Do what the form said of a case or of an audit.

    Raises:
        NotFound: there is no such case or audit.
        VerbRefused: what the word needs is missing, or the span is none that was offered.
    """
    said, span = text_of(fields, "said"), text_of(fields, "until")
    if said == "expected" and span not in EXPECTED_FOR:
        raise VerbRefused("expect", "it", "choose one of the spans offered")
    until = world.clock() + EXPECTED_FOR[span] if said == "expected" else None
    within = list(fields.get("within") or ()) or None
    reason = text_of(fields, "reason")
    judging.judge(world, said, actor, case_id=case_id, audit_id=audit_id, reason=reason, until=until, within=within)


def text_of(fields: Fields, name: str) -> str:
    """The text in a field; empty where there is none."""
    return (fields.get(name) or [""])[0].strip()
