"""What holds for a channel as a whole, in one row that all its dispatchers share: breaker, pause, request budget.

Whoever reads it to change it holds the row until the transaction ends; on SQLite the one writer has the whole file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from core_sync.channels.port import ChannelLimits
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.outbox import breaker as breakers
from core_sync.outbox.breaker import CLOSED, Breaker, Permit
from core_sync.outbox.budget import Budget, listings_affordable, next_token_at, spend
from core_sync.outbox.rules import FORBIDDEN_MAX, Heard


@dataclass(frozen=True, slots=True)
class Control:
    """One channel's standing.

    ``trouble`` is what the last answer said that a working channel would not give; ``forbidden`` counts listings in a
    row that were forbidden, of which ``forbidden_sku`` was the last.
    """

    channel: str
    breaker: Breaker = CLOSED
    budget: Budget = field(default_factory=Budget)
    paused_until: datetime | None = None
    answered_at: datetime | None = None
    trouble: str | None = None
    forbidden: int = 0
    forbidden_sku: str | None = None

    def listings_allowed(self, limits: ChannelLimits, at: datetime) -> int:
        """How many listings may be pushed at ``at``: none, one probe, or what the budget carries."""
        if self.paused_until is not None and self.paused_until > at:
            return 0
        allowed = breakers.permit(self.breaker, at)
        if allowed is Permit.NOTHING:
            return 0
        affordable = listings_affordable(self.budget, limits, at)
        return min(1, affordable) if allowed is Permit.ONE_PROBE else affordable

    def taken(self, limits: ChannelLimits, listings: int, at: datetime) -> "Control":
        """The standing once ``listings`` were leased."""
        if listings == 0:
            return self
        probing = breakers.probing(self.breaker, at) if self.breaker.is_open else self.breaker
        return replace(self, breaker=probing, budget=spend(self.budget, limits, listings, at))

    def heard(
        self, told: Heard, sku: str, at: datetime, jitter: float, trouble: str | None, pause_s: float | None
    ) -> "Control":
        """The standing after an answer about ``sku``: ``pause_s`` is how long to wait, ``trouble`` what it said."""
        forbidden = self.forbidden + (sku != self.forbidden_sku) if told is Heard.FORBIDDEN else self.forbidden
        if told is Heard.FORBIDDEN and forbidden >= FORBIDDEN_MAX:
            told = Heard.LOCKED_OUT
        paused = max(at, self.paused_until or at)
        if told is not Heard.ANSWERED and pause_s:
            paused = max(paused, at + timedelta(seconds=pause_s))
        well = told in (Heard.ANSWERED, Heard.BUSY)
        return replace(
            self,
            breaker=breakers.observe(self.breaker, told, at, jitter),
            paused_until=paused if paused > at else None,
            answered_at=at if well else self.answered_at,
            trouble=None if well else trouble,
            forbidden=0 if told is Heard.ANSWERED else forbidden,
            forbidden_sku=None if told is Heard.ANSWERED else sku if forbidden > self.forbidden else self.forbidden_sku,
        )

    def again_at(self, limits: ChannelLimits, at: datetime) -> datetime:
        """When the channel may be pushed to next, as far as it alone decides."""
        return max(self.paused_until or at, self.breaker.open_until or at, next_token_at(self.budget, limits, at), at)


def read_control(connection: Connection, channel: str) -> Control:
    """The standing of ``channel`` as it is now."""
    return _read(connection, channel, "")


def locked_control(connection: Connection, channel: str) -> Control:
    """The standing of ``channel``, held until the transaction ends."""
    connection.execute(text(_MAKE), {"channel": channel})
    return _read(connection, channel, "" if connection.dialect.name == "sqlite" else "FOR UPDATE")


def read_controls(connection: Connection) -> dict[str, Control]:
    """The standing of every channel that was ever pushed to."""
    rows: Sequence[Any] = connection.execute(text(_ROWS.format(where="", locking=""))).all()
    return {row.channel: _control(row) for row in rows}


def write_control(connection: Connection, control: Control) -> None:
    """Keep ``control``; the caller holds its row."""
    connection.execute(
        text(_WRITE),
        {
            "channel": control.channel,
            "troubles": control.breaker.troubles,
            "trouble_since": _moment(control.breaker.since),
            "open_until": _moment(control.breaker.open_until),
            "probes": control.breaker.probes,
            "paused_until": _moment(control.paused_until),
            "tokens": control.budget.tokens,
            "tokens_at": _moment(control.budget.at),
            "answered_at": _moment(control.answered_at),
            "trouble": control.trouble,
            "forbidden": control.forbidden,
            "forbidden_sku": control.forbidden_sku,
        },
    )


_ROWS = """
SELECT channel, troubles, trouble_since, open_until, probes, paused_until, tokens, tokens_at, answered_at, trouble,
       forbidden, forbidden_sku
FROM channel_control {where} {locking}
"""

_MAKE = """
INSERT INTO channel_control (channel, troubles, probes, tokens) VALUES (:channel, 0, 0, 0.0)
ON CONFLICT (channel) DO NOTHING
"""

_WRITE = """
UPDATE channel_control SET troubles = :troubles, trouble_since = :trouble_since, open_until = :open_until,
    probes = :probes, paused_until = :paused_until, tokens = :tokens, tokens_at = :tokens_at,
    answered_at = :answered_at, trouble = :trouble, forbidden = :forbidden, forbidden_sku = :forbidden_sku
WHERE channel = :channel
"""


def _read(connection: Connection, channel: str, locking: str) -> Control:
    statement = text(_ROWS.format(where="WHERE channel = :channel", locking=locking))
    row = connection.execute(statement, {"channel": channel}).first()
    return _control(row) if row is not None else Control(channel)


def _control(row: Any) -> Control:
    return Control(
        row.channel,
        Breaker(row.troubles, _at(row.trouble_since), _at(row.open_until), row.probes),
        Budget(row.tokens, _at(row.tokens_at)),
        _at(row.paused_until),
        _at(row.answered_at),
        row.trouble,
        row.forbidden,
        row.forbidden_sku,
    )


def _at(moment: int | None) -> datetime | None:
    return None if moment is None else from_microseconds(moment)


def _moment(at: datetime | None) -> int | None:
    return None if at is None else to_microseconds(at)
