"""The smallest peers that speak the channels' manners over real HTTP on loopback, with faults to order."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

ITEM = "gid://shopify/InventoryItem/"


@dataclass
class Peer:
    """What the other side shows and has heard; ``faults`` are used up one a write."""

    shown: dict[str, int] = field(default_factory=dict)
    writes: list[tuple[str, int]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    bodies: list[Any] = field(default_factory=list)
    delayed: dict[str, int] = field(default_factory=dict)
    url: str = ""

    def write(self, sku: str, quantity: int, fault: str | None) -> None:
        self.writes.append((sku, quantity))
        if fault == "accepted_not_applied":
            self.delayed[sku] = quantity
        elif fault not in ("timeout", "503", "429", "400"):
            self.shown[sku] = quantity

    def catch_up(self) -> None:
        """What was accepted and not applied shows at last."""
        self.shown |= self.delayed


class _Manners(BaseHTTPRequestHandler):
    """Shopify-like, Amazon-like and a warehouse, told apart by their paths."""

    peer: Peer

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Quiet."""

    def _reply(self, status: int, body: Any, **headers: str) -> None:
        told = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(told)

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")

    def _faulty(self, fault: str | None) -> bool:
        if fault in ("timeout", "applied_no_answer"):
            time.sleep(0.6)
            self.close_connection = True
            return True
        if fault in ("503", "400", "429"):
            error = {"code": {"429": "QuotaExceeded"}.get(fault, f"E{fault}"), "message": "no"}
            self._reply(int(fault), {"errors": [error]}, Retry_After="7")
            return True
        return False

    def do_POST(self) -> None:
        body = self._body()
        self.peer.bodies.append(body)
        if self.path == "/tasks":
            self.peer.tasks[self.headers["Idempotency-Key"]] = body
            self._reply(201, {"task": f"T{len(self.peer.tasks)}"})
        elif not self.path.startswith("/admin/api"):
            self._reply(200, {})
        elif "mutation" in body["query"]:
            self._set(body["variables"]["input"]["quantities"][0])
        else:
            wanted = [part.removeprefix("sku:").strip('"') for part in body["variables"]["query"].split(" OR ")]
            nodes = [_node(self.peer, sku) for sku in wanted if sku in self.peer.shown]
            self._reply(200, {"data": {"inventoryItems": {"nodes": nodes}}})

    def _set(self, quantity: dict[str, Any]) -> None:
        sku = quantity["inventoryItemId"].removeprefix(ITEM)
        fault = self.peer.faults.pop(0) if self.peer.faults else None
        if fault == "throttled":
            self._reply(200, {"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}]})
            return
        if quantity["changeFromQuantity"] != self.peer.shown.get(sku):
            error = {"code": "CHANGE_FROM_QUANTITY_STALE", "message": "stale", "field": []}
            self._reply(200, {"data": {"inventorySetQuantities": {"userErrors": [error]}}})
            return
        self.peer.write(sku, quantity["quantity"], fault)
        if not self._faulty(fault):
            done = {"inventoryAdjustmentGroup": {"id": "gid://1"}, "userErrors": []}
            self._reply(200, {"data": {"inventorySetQuantities": done}})

    def do_PATCH(self) -> None:
        body = self._body()
        sku = unquote(urlsplit(self.path).path.rpartition("/")[2])
        fault = self.peer.faults.pop(0) if self.peer.faults else None
        if sku not in self.peer.shown:
            issue = {"code": "90220", "message": "no such listing", "severity": "ERROR"}
            self._reply(200, {"sku": sku, "status": "INVALID", "issues": [issue]})
            return
        self.peer.write(sku, body["patches"][0]["value"][0]["quantity"], fault)
        if not self._faulty(fault):
            self._reply(200, {"sku": sku, "status": "ACCEPTED", "submissionId": "s1", "issues": []})

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        if address.path == "/stock":
            sku, location = (parse_qs(address.query)[name][0] for name in ("sku", "location"))
            rows = (
                [{"sku": sku, "location": location, "on_hand": self.peer.shown[sku]}] if sku in self.peer.shown else []
            )
            self._reply(200, {"stock": rows})
            return
        sku = unquote(address.path.rpartition("/")[2])
        if sku not in self.peer.shown:
            self._reply(404, {"errors": [{"code": "NOT_FOUND", "message": "no"}]})
            return
        held = [{"fulfillmentChannelCode": "DEFAULT", "quantity": self.peer.shown[sku]}]
        self._reply(200, {"sku": sku, "fulfillmentAvailability": held})


@contextmanager
def running(peer: Peer) -> Iterator[Peer]:
    handler = type("Manners", (_Manners,), {"peer": peer})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    peer.url = f"http://127.0.0.1:{server.server_address[1]}"
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()


def _node(peer: Peer, sku: str) -> dict[str, Any]:
    quantities = [{"name": "available", "quantity": peer.shown[sku]}]
    return {"id": f"{ITEM}{sku}", "sku": sku, "inventoryLevel": {"quantities": quantities}}
