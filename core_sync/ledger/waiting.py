"""Events that wait for stock: reading them again, and what may let them go."""

from core_sync.clock import to_microseconds
from core_sync.ledger.arrivals import Arrival, from_payload
from core_sync.ledger.effects import Flag
from core_sync.ledger.events import EventType
from core_sync.ledger.knowledge import Knowledge, PositionState
from core_sync.ledger.normalise import normalise
from core_sync.master_data.catalogue import Catalogue

_FREE_OTHERS = frozenset(
    {
        EventType.RECEIPT,
        EventType.RETURN_RECEIVED,
        EventType.RESTOCK,
        EventType.HOLD,
        EventType.TRANSFER_IN,
        EventType.ADJUST,
        EventType.COUNT,
    }
)
"""Types that may put units on hand or on hold, or tell what was on hand: what others wait for."""


def held_arrival(source_id: int, payload: str, content: bytes, recorded_at: int, catalogue: Catalogue) -> Arrival:
    """A held event as an arrival again, recorded anew, with the master data of today.

    ``content`` is the digest of what the source said; of a kit's component that is not the event's own.
    """
    event = from_payload(payload)
    arrival = Arrival(event, source_id, bytes(content), to_microseconds(event.occurred_at), recorded_at)
    normalise(arrival, catalogue)
    return arrival


def may_be_freed_by(arrival: Arrival, position: PositionState, knowledge: Knowledge) -> bool:
    """Whether events that wait for ``position`` may go once ``arrival`` is applied to it."""
    return (
        arrival.event.type in _FREE_OTHERS
        or arrival.flags & Flag.REVERSAL != 0
        or position.relative
        or not position.parks
        or arrival.source_id in knowledge.relative_sources
    )
