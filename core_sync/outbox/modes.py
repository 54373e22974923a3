"""How far a channel is trusted with: shadow (never written to), pilot (some SKUs), live."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import Connection, text

from core_sync.errors import NotFound, VerbRefused
from core_sync.master_data.load import bump_version
from core_sync.outbox.wake import ring


class Mode(StrEnum):
    """What may be pushed to a channel."""

    SHADOW = "shadow"
    PILOT = "pilot"
    LIVE = "live"


def set_mode(connection: Connection, channel: str, mode: Mode, pilot_skus: Sequence[str] | None = None) -> Mode:
    """Put ``channel`` into ``mode``; a pilot's SKUs stay as they are unless they are given. Returns the mode before.

    Raises:
        NotFound: there is no such channel.
        VerbRefused: a pilot without SKUs.
    """
    found = text("SELECT mode, attributes FROM channel WHERE channel = :channel")
    row = connection.execute(found, {"channel": channel}).first()
    if row is None:
        raise NotFound("channel", channel)
    attributes: dict[str, Any] = msgspec.json.decode(row.attributes) if row.attributes else {}
    if pilot_skus is not None:
        attributes["pilot_skus"] = list(pilot_skus)
    if mode is Mode.PILOT and not attributes.get("pilot_skus"):
        raise VerbRefused("put into pilot", f"channel {channel}", "name the SKUs that may be pushed")
    connection.execute(
        text("UPDATE channel SET mode = :mode, attributes = :attributes WHERE channel = :channel"),
        {"channel": channel, "mode": mode.value, "attributes": msgspec.json.encode(attributes).decode()},
    )
    bump_version(connection)
    ring(connection)
    return Mode(row.mode)
