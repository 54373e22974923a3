"""From a channel's row to its connector. Nothing is contacted whose endpoint the user did not configure.

The endpoint stands in the channel's ``attributes`` (``{"endpoint": "http://127.0.0.1:8081"}``), or in
``STOCKTRIAGE_CHANNEL_<NAME>_ENDPOINT``, the door that reads settings handing it in. A token is only ever
taken from the settings, never from the table.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from sqlalchemy import Connection, text

from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.http import client
from core_sync.channels.port import Channel
from core_sync.channels.shopify_like import ShopifyLike
from core_sync.database.engine import Database


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a channel is reached, and its own names for us."""

    kind: str
    url: str
    token: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def _shopify_like(http: httpx.Client, endpoint: Endpoint) -> Channel:
    return ShopifyLike(http, str(endpoint.attributes.get("location_id", "gid://shopify/Location/1")))


def _amazon_like(http: httpx.Client, endpoint: Endpoint) -> Channel:
    attributes = endpoint.attributes
    return AmazonLike(http, str(attributes.get("seller", "SELLER")), str(attributes.get("marketplace", "MARKET")))


CONNECTORS: Mapping[str, tuple[str, Callable[[httpx.Client, Endpoint], Channel]]] = {
    "shopify": ("X-Shopify-Access-Token", _shopify_like),
    "amazon": ("x-amz-access-token", _amazon_like),
}
"""By kind of channel: the header that carries its token, and how its connector is made."""


class Connections:
    """The connectors of one database's channels, each made when first asked for."""

    def __init__(
        self,
        database: Database,
        endpoints: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        answer_s: float = 5.0,
    ) -> None:
        self._database = database
        self._endpoints = dict(endpoints or {})
        self._tokens = dict(tokens or {})
        self._answer_s = answer_s
        self._open: dict[Endpoint | str, tuple[str, Channel, httpx.Client]] = {}

    def get(self, name: str) -> Channel | None:
        """The connector of channel ``name``; None where no endpoint is configured or its kind has none."""
        with self._database.reading() as connection:
            endpoint = self._endpoint(connection, name)
        if endpoint is None or endpoint.kind not in CONNECTORS:
            return None
        known = self._open.get(name)
        if known is not None and known[0] == endpoint.url:
            return known[1]
        header, make = CONNECTORS[endpoint.kind]
        http = client(endpoint.url, {header: endpoint.token} if endpoint.token else None, self._answer_s)
        channel = make(http, endpoint)
        self._open[name] = (endpoint.url, channel, http)
        return channel

    def close(self) -> None:
        """Close every connection."""
        for _, _, http in self._open.values():
            http.close()
        self._open.clear()

    def _endpoint(self, connection: Connection, name: str) -> Endpoint | None:
        row = connection.execute(
            text("SELECT kind, attributes FROM channel WHERE channel = :channel"), {"channel": name}
        ).first()
        if row is None:
            return None
        attributes: dict[str, Any] = msgspec.json.decode(row.attributes) if row.attributes else {}
        url = self._endpoints.get(name) or attributes.get("endpoint")
        return Endpoint(row.kind.split("_")[0].split("-")[0], url, self._tokens.get(name), attributes) if url else None
