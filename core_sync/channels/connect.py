"""From a channel's row to its connector. Nothing is contacted whose endpoint the user did not configure.

The endpoint stands in the channel's ``attributes`` (``{"endpoint": "http://127.0.0.1:8081"}``), or in
``STOCKTRIAGE_CHANNEL_ENDPOINTS`` (JSON, URL by channel), which wins; the door that reads settings hands it in. A token
is only ever taken from the settings, never from the table. The other attributes are the channel's names for us:

- ``shopify``: ``location_id``.
- ``amazon``: ``seller``, ``marketplace``; with ``"submission": "feed"`` feeds instead of patches, put to
  ``document_hosts``; with ``fulfillment_location`` stock is told by location.
- ``edi``: ``sender`` and ``receiver``, each a name or ``QUALIFIER:NAME``; ``item_qualifier`` (LIN02, else ``SK``) and
  ``quantity_code`` (QTY01, else ``33``), as agreed with the partner.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import msgspec
from sqlalchemy import Connection, text

from core_sync.channels.amazon_inventories import AmazonInventories
from core_sync.channels.amazon_like import AmazonLike
from core_sync.channels.budget import OUR_PACE, Pace
from core_sync.channels.control_numbers import next_control_number
from core_sync.channels.edi_like import EdiLike
from core_sync.channels.http import client
from core_sync.channels.port import Channel
from core_sync.channels.shopify_like import ShopifyLike
from core_sync.channels.x12 import Address
from core_sync.channels.x12_inventory import AVAILABLE, Terms
from core_sync.database.engine import Database


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a channel is reached, and its own names for us."""

    kind: str
    url: str
    token: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Access:
    """What a connector is made of: ``http`` speaks to the endpoint with the token, ``bare`` without."""

    endpoint: Endpoint
    http: httpx.Client
    bare: httpx.Client
    next_number: Callable[[], int]
    pace: Pace

    def named(self, attribute: str, default: str) -> str:
        """The channel's own name for something."""
        return str(self.endpoint.attributes.get(attribute, default))


def _shopify_like(access: Access) -> Channel:
    return ShopifyLike(access.http, access.named("location_id", "gid://shopify/Location/1"), access.pace)


def _amazon_like(access: Access) -> Channel:
    location = access.endpoint.attributes.get("fulfillment_location")
    if location:
        return AmazonInventories(access.http, str(location), access.pace)
    hosts = [str(host) for host in access.endpoint.attributes.get("document_hosts", ())]
    seller, marketplace = access.named("seller", "SELLER"), access.named("marketplace", "MARKET")
    as_feeds = access.named("submission", "patch") == "feed"
    return AmazonLike(
        access.http, seller, marketplace, access.bare, document_hosts=hosts, as_feeds=as_feeds, pace=access.pace
    )


def _edi_like(access: Access) -> Channel:
    sender, receiver = access.named("sender", "SUPPLIER"), access.named("receiver", "PARTNER")
    address = Address(_name(sender), _name(receiver), _qualifier(sender), _qualifier(receiver))
    terms = Terms(access.named("item_qualifier", "SK"), access.named("quantity_code", AVAILABLE))
    return EdiLike(access.http, address, access.next_number, terms=terms, pace=access.pace)


def _name(told: str) -> str:
    return told.rpartition(":")[2]


def _qualifier(told: str) -> str:
    return told.rpartition(":")[0] or "ZZ"


CONNECTORS: Mapping[str, tuple[str, Callable[[Access], Channel]]] = {
    "shopify": ("X-Shopify-Access-Token", _shopify_like),
    "amazon": ("x-amz-access-token", _amazon_like),
    "edi": ("X-Mailbox-Token", _edi_like),
}
"""By kind of channel: the header that carries its token, and how its connector is made."""


@dataclass(frozen=True, slots=True)
class _Open:
    endpoint: Endpoint
    channel: Channel
    clients: tuple[httpx.Client, ...]


class Connections:
    """The connectors of one database's channels, each made when first asked for.

    ``answer_s`` is how long an answer is waited for; ``pace`` is whose time the channels' budgets go by.
    """

    def __init__(
        self,
        database: Database,
        endpoints: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        answer_s: float = 5.0,
        pace: Pace = OUR_PACE,
    ) -> None:
        self._database = database
        self._endpoints = dict(endpoints or {})
        self._tokens = dict(tokens or {})
        self._answer_s = answer_s
        self._pace = pace
        self._open: dict[str, _Open] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Channel | None:
        """The connector of channel ``name``; None where no endpoint is configured or its kind has none."""
        with self._database.reading() as connection:
            endpoint = self._endpoint(connection, name)
        if endpoint is None or endpoint.kind not in CONNECTORS:
            return None
        with self._lock:
            known = self._open.get(name)
            if known is None or known.endpoint != endpoint:
                # whoever still speaks through the old one may finish; its connections end when nobody holds them
                known = self._open[name] = self._connect(name, endpoint)
            return known.channel

    def close(self) -> None:
        """Close every connection."""
        with self._lock:
            for known in self._open.values():
                for http in known.clients:
                    http.close()
            self._open.clear()

    def _connect(self, name: str, endpoint: Endpoint) -> _Open:
        header, make = CONNECTORS[endpoint.kind]
        http = client(endpoint.url, {header: endpoint.token} if endpoint.token else None, self._answer_s)
        bare = client(endpoint.url, None, self._answer_s)
        access = Access(endpoint, http, bare, lambda: next_control_number(self._database, name), self._pace)
        return _Open(endpoint, make(access), (http, bare))

    def _endpoint(self, connection: Connection, name: str) -> Endpoint | None:
        row = connection.execute(
            text("SELECT kind, attributes FROM channel WHERE channel = :channel"), {"channel": name}
        ).first()
        if row is None:
            return None
        attributes: dict[str, Any] = msgspec.json.decode(row.attributes) if row.attributes else {}
        url = self._endpoints.get(name) or attributes.get("endpoint")
        return Endpoint(row.kind.split("_")[0].split("-")[0], url, self._tokens.get(name), attributes) if url else None
