"""Which action answers which cause."""

from collections.abc import Mapping

from core_sync.errors import NotFound
from remediation.actions.decide_duplicate import DecideDuplicate
from remediation.actions.escalate_to_warehouse import EscalateToWarehouse
from remediation.actions.hand_over import HandOver
from remediation.actions.investigate import Investigate
from remediation.actions.map_sku import MapSku
from remediation.actions.port import Action, Plan
from remediation.actions.release_reservation import ReleaseReservation
from remediation.actions.retry_push import RetryPush

ANSWERS: Mapping[str, str] = {
    "timeout": RetryPush.kind,
    "sku_mapping": MapSku.kind,
    "stale_reservation": ReleaseReservation.kind,
    "duplicate": DecideDuplicate.kind,
    "posting_delay": EscalateToWarehouse.kind,
    "other": Investigate.kind,
}
"""Root cause to action kind."""

ACTIONS: Mapping[str, Action] = {
    action.kind: action
    for action in (
        RetryPush(),
        MapSku(),
        ReleaseReservation(),
        DecideDuplicate(),
        EscalateToWarehouse(),
        Investigate(),
    )
}


def recommend(root_cause: str) -> str:
    """The action kind that removes ``root_cause``."""
    return ANSWERS.get(root_cause, Investigate.kind)


def action(kind: str) -> Action:
    """The action of that kind.

    Raises:
        NotFound: there is no such kind.
    """
    if kind not in ACTIONS:
        raise NotFound("action", kind)
    return ACTIONS[kind]


def carrier(plan: Plan) -> Action:
    """Who carries ``plan`` out: its action, or where that finds nothing to change, the hand-over to a person."""
    return HandOver() if plan.hand_over else action(plan.action)
