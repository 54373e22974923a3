"""A plan that finds nothing to change is not run: it becomes a person's work, and says what to look at."""

from collections.abc import Iterable

from remediation.actions.investigate import Investigate
from remediation.actions.port import Change, Order, Plan, Verification, Verified
from remediation.case_view import CaseView
from remediation.world import World

LOOK = "look into"


def nothing_to_change(action: str, case: CaseView, why: str, look_at: Iterable[str] = ()) -> Plan:
    """The plan of ``action`` where it can change nothing, because of ``why``; ``look_at`` is where a person begins."""
    places = list(look_at) + [_seen(signal.message, signal.sku) for signal in case.failures]
    places = places or [f"{sku}: figures differ and no system reported a failure" for sku in case.skus]
    return Plan(
        action=action,
        case_id=case.case_id,
        summary=f"nothing to change, {why}; a person looks into it",
        changes=tuple(Change(LOOK, place) for place in dict.fromkeys(places)),
        reversible=True,
        failures=tuple(signal.failure_id for signal in case.failures),
        hand_over=why,
    )


class HandOver(Investigate):
    """Carries out any plan with ``hand_over``: one item of work; over when the person resolves the case."""

    kind = "hand_over"

    def verify(self, world: World, order: Order) -> Verification:
        """Whoever looked into it resolved the case, or the failures are gone."""
        verification = super().verify(world, order)
        if verification.verdict is Verified.NOT_YET:
            return Verification(Verified.NOT_YET, f"handed to a person: {order.plan.hand_over}")
        return verification


def _seen(message: str, sku: str | None) -> str:
    return message or f"{sku or 'unknown SKU'}: its failure was told without a message"
