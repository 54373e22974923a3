"""The closed list of root causes and subclasses, what each means and what an operator does."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class RootCause(StrEnum):
    """Why an update failed; ``other`` is a full class of its own, not a bin for doubt."""

    TIMEOUT = "timeout"
    SKU_MAPPING = "sku_mapping"
    STALE_RESERVATION = "stale_reservation"
    DUPLICATE = "duplicate"
    POSTING_DELAY = "posting_delay"
    OTHER = "other"


class Subclass(StrEnum):
    """A finer cause below exactly one root cause (``PARENT``)."""

    RATE_LIMIT = "rate_limit"
    OUTAGE = "outage"
    UNMAPPED_SKU = "unmapped_sku"
    AMBIGUOUS_SKU = "ambiguous_sku"
    UOM_MISMATCH = "uom_mismatch"
    PACK_SIZE = "pack_size"
    LOCATION_MAPPING = "location_mapping"
    EXPIRED_HOLD = "expired_hold"
    CANCELLED_ORDER = "cancelled_order"
    LEAKED = "leaked"
    REDELIVERY = "redelivery"
    ID_CONFLICT = "id_conflict"
    BUSINESS_KEY = "business_key"
    LATE_CONFIRMATION = "late_confirmation"
    BACKLOG = "backlog"
    PERIOD_CLOSED = "period_closed"
    ACCEPTED_NOT_APPLIED = "accepted_not_applied"
    AUTH = "auth"
    VALIDATION = "validation"
    OUT_OF_STOCK = "out_of_stock"
    NEGATIVE_STOCK = "negative_stock"
    EDI_REJECT = "edi_reject"
    CODE_FAULT = "code_fault"


CAUSES: tuple[RootCause, ...] = tuple(RootCause)
"""The order of every probability vector and matrix in this package."""

_BELOW: Mapping[RootCause, tuple[Subclass, ...]] = {
    RootCause.TIMEOUT: (Subclass.RATE_LIMIT, Subclass.OUTAGE),
    RootCause.SKU_MAPPING: (
        Subclass.UNMAPPED_SKU,
        Subclass.AMBIGUOUS_SKU,
        Subclass.UOM_MISMATCH,
        Subclass.PACK_SIZE,
        Subclass.LOCATION_MAPPING,
    ),
    RootCause.STALE_RESERVATION: (Subclass.EXPIRED_HOLD, Subclass.CANCELLED_ORDER, Subclass.LEAKED),
    RootCause.DUPLICATE: (Subclass.REDELIVERY, Subclass.ID_CONFLICT, Subclass.BUSINESS_KEY),
    RootCause.POSTING_DELAY: (
        Subclass.LATE_CONFIRMATION,
        Subclass.BACKLOG,
        Subclass.PERIOD_CLOSED,
        Subclass.ACCEPTED_NOT_APPLIED,
    ),
    RootCause.OTHER: (
        Subclass.AUTH,
        Subclass.VALIDATION,
        Subclass.OUT_OF_STOCK,
        Subclass.NEGATIVE_STOCK,
        Subclass.EDI_REJECT,
        Subclass.CODE_FAULT,
    ),
}
PARENT: Mapping[Subclass, RootCause] = {sub: cause for cause, subs in _BELOW.items() for sub in subs}

LEAVES: tuple[str, ...] = (RootCause.TIMEOUT.value, *(sub.value for sub in PARENT))
"""What the text model tells apart: every subclass, and the plain timeout that has none."""


@dataclass(frozen=True)
class Guidance:
    """What a cause means, in one sentence, and what an operator does about it."""

    meaning: str
    operator_does: str


GUIDANCE: Mapping[RootCause | Subclass, Guidance] = {
    RootCause.TIMEOUT: Guidance(
        "The other side did not answer in time, could not be reached, or was busy; the update itself may be sound.",
        "Read back what the other side holds; if it was not applied, let the push be tried again.",
    ),
    RootCause.SKU_MAPPING: Guidance(
        "A product, unit, pack or place in the message does not translate to exactly one of ours.",
        "Correct the cross-reference; events that waited for it are replayed.",
    ),
    RootCause.STALE_RESERVATION: Guidance(
        "Stock is still held for an order or a cart that no longer needs it.",
        "Check the order's state, then release the hold by a compensating entry.",
    ),
    RootCause.DUPLICATE: Guidance(
        "The same thing was told, or is being created, a second time.",
        "Confirm that it is the same; if the effect was applied twice, reverse one of the two.",
    ),
    RootCause.POSTING_DELAY: Guidance(
        "The movement happened or was accepted, but the books do not show it yet.",
        "Ask the warehouse or the ERP to confirm or post; hold the promise until they do.",
    ),
    RootCause.OTHER: Guidance(
        "The message is refused for a reason of its own: rights, content, shortage, or a fault in code.",
        "Read the message and mend its own cause; trying again as it is will fail again.",
    ),
    Subclass.RATE_LIMIT: Guidance(
        "More calls were made than the other side allows.", "Slow the lane down and let back-off drain it."
    ),
    Subclass.OUTAGE: Guidance(
        "The other side is down or in maintenance.", "Wait for it to return; pushes catch up by themselves."
    ),
    Subclass.UNMAPPED_SKU: Guidance(
        "The product is not known under this code.", "Add the alias or create the product."
    ),
    Subclass.AMBIGUOUS_SKU: Guidance(
        "More than one product answers to this code.", "Choose the right one and end the other alias."
    ),
    Subclass.UOM_MISMATCH: Guidance(
        "The unit of measure is unknown or does not convert to whole stock units.", "Add or correct the conversion."
    ),
    Subclass.PACK_SIZE: Guidance(
        "A pack or case quantity does not agree with the pack factor kept.", "Check the pack factor with the supplier."
    ),
    Subclass.LOCATION_MAPPING: Guidance(
        "The warehouse, store or bin is unknown or not linked.", "Add the place to the location map."
    ),
    Subclass.EXPIRED_HOLD: Guidance("A hold outlived its time.", "Release it."),
    Subclass.CANCELLED_ORDER: Guidance(
        "A cancelled order still holds stock.", "Confirm the cancellation and release what is held."
    ),
    Subclass.LEAKED: Guidance(
        "Stock is held with no live order behind it, or the hold blocks other work.",
        "Find the hold's owner; without one, release it.",
    ),
    Subclass.REDELIVERY: Guidance("A message or step was done before.", "Nothing, once its effect is confirmed."),
    Subclass.ID_CONFLICT: Guidance(
        "An identifier that must be unique is already taken.", "Find out which of the two records is right."
    ),
    Subclass.BUSINESS_KEY: Guidance(
        "Another identifier, but the same document, line, product and quantity.", "Decide whether it is a repeat."
    ),
    Subclass.LATE_CONFIRMATION: Guidance(
        "A step still waits for its confirmation.", "Ask for the confirmation of the step named."
    ),
    Subclass.BACKLOG: Guidance("Work waits in a queue or for a scheduled run.", "Look at the queue and its worker."),
    Subclass.PERIOD_CLOSED: Guidance(
        "The date falls outside the open posting period.", "Reopen the period or post to an open date."
    ),
    Subclass.ACCEPTED_NOT_APPLIED: Guidance(
        "The other side took the update but does not show it.", "Read back again; if still absent, publish anew."
    ),
    Subclass.AUTH: Guidance(
        "Rights, sign-in or a certificate are lacking.", "Renew the credential or grant the right."
    ),
    Subclass.VALIDATION: Guidance(
        "The content breaks a rule of the other side, or the step does not fit the record's state.",
        "Correct the content named in the message.",
    ),
    Subclass.OUT_OF_STOCK: Guidance("There is not enough stock.", "Replenish, substitute or tell the customer."),
    Subclass.NEGATIVE_STOCK: Guidance(
        "The movement would take stock below zero.", "Count the position; look for a missing receipt."
    ),
    Subclass.EDI_REJECT: Guidance(
        "A partner's system refused the document's form.", "Correct the segment named and send it again."
    ),
    Subclass.CODE_FAULT: Guidance("A program failed on its own.", "Hand the trace to whoever maintains it."),
}


def root_cause_of(leaf: str) -> RootCause:
    """The root cause above a leaf of ``LEAVES``.

    Raises:
        ValueError: ``leaf`` names neither a root cause nor a subclass.
    """
    if leaf in RootCause.__members__.values():
        return RootCause(leaf)
    return PARENT[Subclass(leaf)]


def subclass_of(leaf: str) -> Subclass | None:
    """The subclass that ``leaf`` names; none for a plain root cause."""
    return None if leaf in RootCause.__members__.values() else Subclass(leaf)
