"""Simulated peers behind the sample distributor, so that what is done about a case really reaches somebody.

They listen on loopback while ``up`` runs, and hold what is known last of each listing and position. Their addresses
stand in the attributes of the channels and locations that carry the sample's mark; where the settings name an
address there is no peer. The sample's channels are pushed to on request only, so that the demonstration does not mend
itself.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from starlette.applications import Starlette

    from api.wiring import World

MARK = "simulated"
"""The attribute of channels and locations that the sample wrote."""

_WHILE_UP = ("endpoint", "push_on_request")

_MARKED = {
    "channel": "SELECT channel AS name, kind, attributes FROM channel WHERE attributes IS NOT NULL ORDER BY priority",
    "location": "SELECT location AS name, kind, attributes FROM location WHERE attributes IS NOT NULL",
}

_SHOWN = """
SELECT i.sku, coalesce(CASE WHEN i.visible_at > s.as_of THEN i.shown_quantity END, s.quantity, i.quantity) AS quantity
FROM channel c JOIN push_intent i ON i.channel = c.channel
LEFT JOIN snapshot s ON s.snapshot_id = (
    SELECT n.snapshot_id FROM snapshot n
    WHERE n.system = coalesce(c.system, c.channel) AND n.sku = i.sku AND n.location = '' AND n.state = 'available'
    ORDER BY n.as_of DESC LIMIT 1)
WHERE c.channel = :channel
"""
"""A peer lists all that is pushed to its channel: of what no snapshot tells, what should be shown."""

_HELD = """
SELECT s.system, s.sku, s.location, s.quantity FROM snapshot s
WHERE s.system IN ('erp', 'wms') AND s.state = 'on_hand' AND s.location <> ''
  AND s.as_of = (SELECT max(n.as_of) FROM snapshot n WHERE n.system = s.system)
"""

_LEDGER = "SELECT sku, location, sum(on_hand) FROM position GROUP BY sku, location"


def mark_simulated(connection: Connection) -> None:
    """Say of every channel and location that nothing real is behind it."""
    for table in ("channel", "location"):
        rows = connection.execute(text(f"SELECT {table} AS name, attributes FROM {table}")).all()
        for name, attributes in rows:
            _keep(connection, table, name, _read(attributes) | {MARK: True})


@contextmanager
def simulated_peers(world: "World") -> Iterator[int]:
    """Peers of whatever carries the sample's mark, for as long as the block lasts; gives how many listen."""
    from simulation.peers.serve import running

    with world.database.reading() as connection:
        channels = _marked(connection, "channel", world.settings.channel_endpoints)
        locations = _marked(connection, "location", world.settings.warehouse_endpoints)
        apps = {name: app for name, kind in channels.items() if (app := _channel_peer(connection, name, kind))}
        warehouse = _warehouse_peer(connection) if locations else None
    with ExitStack() as stack:
        urls = {name: stack.enter_context(running(app)) for name, app in apps.items()}
        places: dict[str, str] = {}
        if warehouse is not None:
            places = dict.fromkeys(locations, stack.enter_context(running(warehouse)))
        _connect(world, urls, places)
        try:
            yield len(urls) + bool(places)
        finally:
            _disconnect(world, urls, places)


def _channel_peer(connection: Connection, channel: str, kind: str) -> "Starlette | None":
    from simulation.peers.amazon_like import amazon_app
    from simulation.peers.amazon_market import QUOTAS, Quota
    from simulation.peers.edi_like import edi_app
    from simulation.peers.shopify_like import shopify_app

    rows = connection.execute(text(_SHOWN), {"channel": channel})
    shown = {row.sku: int(row.quantity) for row in rows}
    match kind:
        case "shopify":
            return shopify_app(shown)
        case "amazon":
            return amazon_app(shown, quotas=dict.fromkeys(QUOTAS, Quota(rate=50, burst=200)))
        case "edi":
            return edi_app(shown, rate=50, burst=200)
        case _:
            return None


def _warehouse_peer(connection: Connection) -> "Starlette":
    """One office for every place: it holds the figure that differs from the ledger, where one does.

    What the ERP lacks of the ledger's figure was forgotten, and is posted when somebody asks. Where the warehouse
    itself counts differently, the ledger lacks something that no question posts.
    """
    from simulation.peers.erp_wms import erp_wms_app

    ledger = {(sku, place): int(units) for sku, place, units in connection.execute(text(_LEDGER))}
    told: dict[str, dict[tuple[str, str], int]] = {"erp": {}, "wms": {}}
    for system, sku, place, quantity in connection.execute(text(_HELD)):
        told[system][sku, place] = quantity
    held, forgotten = dict(ledger), {}
    for place, ours in ledger.items():
        counted, booked = told["wms"].get(place, ours), told["erp"].get(place, ours)
        if counted != ours:
            held[place] = counted
        elif booked != ours:
            held[place], forgotten[place] = booked, ours - booked
    return erp_wms_app(held, forgotten=forgotten)


def _connect(world: "World", channels: Mapping[str, str], locations: Mapping[str, str]) -> None:
    with world.database.transaction() as connection:
        for name, url in channels.items():
            reached = {"endpoint": url, "push_on_request": True}
            _keep(connection, "channel", name, _of(connection, "channel", name) | reached)
            _set_mode(connection, name, "shadow", "pilot")
        for name, url in locations.items():
            _keep(connection, "location", name, _of(connection, "location", name) | {"endpoint": url})


def _disconnect(world: "World", channels: Mapping[str, str], locations: Mapping[str, str]) -> None:
    with world.database.transaction() as connection:
        for table, names in (("channel", channels), ("location", locations)):
            for name in names:
                attributes = _of(connection, table, name)
                _keep(connection, table, name, {key: attributes[key] for key in attributes if key not in _WHILE_UP})
        for name in channels:
            _set_mode(connection, name, "pilot", "shadow")


def _marked(connection: Connection, table: str, configured: Mapping[str, str]) -> dict[str, str]:
    """Kind by name of what carries the mark and has no address in the settings."""
    rows = connection.execute(text(_MARKED[table]))
    marked = {name: kind for name, kind, attributes in rows if _read(attributes).get(MARK) is True}
    return {name: kind for name, kind in marked.items() if name not in configured}


def _of(connection: Connection, table: str, name: str) -> dict[str, Any]:
    found = connection.execute(text(f"SELECT attributes FROM {table} WHERE {table} = :name"), {"name": name})
    return _read(found.scalar_one_or_none())


def _read(attributes: str | None) -> dict[str, Any]:
    return msgspec.json.decode(attributes, type=dict[str, Any]) if attributes else {}


def _keep(connection: Connection, table: str, name: str, attributes: Mapping[str, Any]) -> None:
    bound = {"name": name, "attributes": msgspec.json.encode(attributes).decode()}
    connection.execute(text(f"UPDATE {table} SET attributes = :attributes WHERE {table} = :name"), bound)


def _set_mode(connection: Connection, channel: str, before: str, after: str) -> None:
    """Change the mode unless somebody chose another one meanwhile."""
    connection.execute(
        text("UPDATE channel SET mode = :after WHERE channel = :channel AND mode = :before"),
        {"channel": channel, "before": before, "after": after},
    )
