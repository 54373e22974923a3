"""The channels that stock is promised to, read once for a whole batch.

Which locations serve a channel stands in its attribute ``locations`` (a list, or names parted by ``;``); without it
all do.
"""

from typing import Any

import msgspec
from sqlalchemy import Connection

from core_sync.availability.rules import SellingChannel

_CHANNELS = "SELECT channel, priority, oversell_penalty, account, attributes FROM channel ORDER BY priority, channel"


def selling_channels(connection: Connection) -> tuple[SellingChannel, ...]:
    """Every channel, the one with the first priority first.

    Every batch of the ledger asks this, also where there are no channels at all: hence the driver's own cursor.
    """
    driver = connection.connection.dbapi_connection
    assert driver is not None
    cursor = driver.cursor()
    try:
        cursor.execute(_CHANNELS)
        return tuple(
            SellingChannel(channel, priority, penalty, account, _locations(attributes))
            for channel, priority, penalty, account, attributes in cursor.fetchall()
        )
    finally:
        cursor.close()


def _locations(attributes: str | None) -> frozenset[str] | None:
    told: Any = msgspec.json.decode(attributes).get("locations") if attributes else None
    names = told.split(";") if isinstance(told, str) else told
    named = frozenset(name.strip() for name in names or () if isinstance(name, str) and name.strip())
    return named or None
