"""The warehouse systems that the user configured, by location."""

from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
from sqlalchemy import text

from core_sync.channels.http import client
from core_sync.channels.warehouse import JsonWarehouse, Warehouse
from core_sync.database.engine import Database


class ConfiguredWarehouses:
    """Endpoints from the settings, else from the location's ``attributes`` (``{"endpoint": "http://…"}``)."""

    def __init__(self, database: Database, endpoints: Mapping[str, str] | None = None) -> None:
        self._database = database
        self._endpoints = dict(endpoints or {})
        self._clients: dict[str, httpx.Client] = {}

    def of(self, location: str) -> Warehouse | None:
        """The system that runs ``location``; None where no endpoint is configured."""
        endpoint = self._endpoints.get(location) or self._told_by_location(location)
        if endpoint is None:
            return None
        if endpoint not in self._clients:
            self._clients[endpoint] = client(endpoint)
        return JsonWarehouse(self._clients[endpoint])

    def close(self) -> None:
        """Close every connection."""
        for http in self._clients.values():
            http.close()
        self._clients.clear()

    def _told_by_location(self, location: str) -> str | None:
        with self._database.reading() as connection:
            told = connection.execute(
                text("SELECT attributes FROM location WHERE location = :location"), {"location": location}
            ).scalar_one_or_none()
        attributes: dict[str, Any] = msgspec.json.decode(told) if told else {}
        return attributes.get("endpoint")
