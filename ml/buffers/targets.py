"""How many oversells are accepted, of what, and by whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, text

from core_sync.availability.promises import channel_names
from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import NotFound, VerbRefused
from core_sync.master_data.known import check_known
from ml.buffers.rails import POLICY
from ml.buffers.tables import BufferTarget


@dataclass(frozen=True, slots=True)
class Target:
    """``oversell_rate`` oversells per unit asked are accepted of ``sku`` on ``channel``; "" is any.

    With ``kept`` what is recommended for the channel is applied by itself, in the ``owner``'s name.
    """

    channel: str
    sku: str
    oversell_rate: float
    kept: bool
    owner: str
    reason: str
    set_at: datetime


@dataclass(frozen=True)
class Targets:
    """Those in force, by channel and SKU."""

    by_place: Mapping[tuple[str, str], Target]

    def rate(self, channel: str, sku: str = "") -> float:
        """What holds of ``sku`` on ``channel``: its own, else the SKU's anywhere, the channel's, that of all."""
        for place in ((channel, sku), ("", sku), (channel, ""), ("", "")):
            if place in self.by_place:
                return self.by_place[place].oversell_rate
        return POLICY.target_oversell_rate

    def keeper(self, channel: str) -> str | None:
        """In whose name recommended buffers of ``channel`` are applied by themselves; None: they are not."""
        one = self.by_place.get((self.place(channel), ""))
        return one.owner if one is not None and one.kept else None

    def place(self, channel: str) -> str:
        """Where what holds of ``channel`` as a whole was said: of itself, or "" where of every channel."""
        return channel if (channel, "") in self.by_place else ""


def read_targets(connection: Connection) -> Targets:
    """The newest of every channel and SKU."""
    rows = connection.execute(text(_NEWEST)).all()
    found = (
        Target(
            row.channel,
            row.sku,
            row.oversell_rate,
            bool(row.kept),
            row.owner,
            row.reason,
            from_microseconds(row.set_at),
        )
        for row in rows
    )
    return Targets({(one.channel, one.sku): one for one in found})


def set_target(
    connection: Connection,
    rate: float,
    owner: str,
    reason: str,
    at: datetime,
    channel: str = "",
    sku: str = "",
    *,
    kept: bool = False,
) -> None:
    """Accept ``rate`` oversells per unit asked from ``at`` on.

    Raises:
        NotFound: there is no such channel or SKU.
        VerbRefused: a rate that is none, no reason, or a SKU's that would be kept by itself.
    """
    if not 0 < rate < 1:
        raise VerbRefused("set", "a target", f"an oversell rate of {rate} is not between 0 and 1")
    if not reason.strip():
        raise VerbRefused("set", "a target", "it needs a reason")
    if kept and sku:
        raise VerbRefused("set", f"a target for {sku}", "buffers are kept by themselves for whole channels only")
    if channel and channel not in channel_names(connection):
        raise NotFound("channel", channel)
    if sku:
        check_known(connection, [sku])
    told = {
        "channel": channel, "sku": sku, "oversell_rate": rate, "kept": kept, "owner": owner, "reason": reason,
        "set_at": to_microseconds(at),
    }  # fmt: skip
    connection.execute(insert(BufferTarget), [told])


_NEWEST = """
SELECT channel, sku, oversell_rate, kept, owner, reason, set_at FROM buffer_target t
WHERE target_id = (SELECT MAX(n.target_id) FROM buffer_target n WHERE n.channel = t.channel AND n.sku = t.sku)
ORDER BY channel, sku
"""
