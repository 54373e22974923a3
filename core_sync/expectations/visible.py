"""How long a channel may take to show what it accepted: set by people, else learned, else what the channel declares."""

import math
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core_sync.expectations.kinds import SENT_TO_VISIBLE
from core_sync.expectations.limits import SetLimits, read_limits
from core_sync.expectations.pace import Limit, Pace, shrunk
from core_sync.kpis.daily import ACCEPTED_TO_VISIBLE, lengths

SOONEST_S = 5.0
"""Nothing is overdue sooner, however quick a channel usually is."""

LEARNED_FROM = timedelta(days=28)


def visible_within_s(connection: Connection, channel: str, declared_s: float, at: datetime) -> float:
    """Seconds that ``channel`` may take; without end where nobody expects it."""
    said = read_limits(connection).of(SENT_TO_VISIBLE.kind, channel, "")
    if said is not None:
        return math.inf if said.limit_s is None else said.limit_s
    known = read_visible_paces(connection, at).get(channel, Pace({}))
    return max(SOONEST_S, shrunk([known], declared_s).limit_s)


def read_visible_paces(connection: Connection, at: datetime) -> dict[str, Pace]:
    """What was observed of each channel in the last weeks."""
    return {
        channel: pace for (channel, _), pace in lengths(connection, ACCEPTED_TO_VISIBLE, at - LEARNED_FROM, at).items()
    }


def visible_limit(limits: SetLimits, channel: str, pace: Pace) -> Limit | None:
    """What is known of a channel without asking it; None where that is too little."""
    learned = shrunk([pace], 0.0)
    said = limits.of(SENT_TO_VISIBLE.kind, channel, "")
    if said is not None and said.limit_s is not None:
        return Limit(learned.usual_s, said.limit_s, learned.observations)
    return learned if learned.observations else None
