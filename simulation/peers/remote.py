"""A simulated peer seen from outside, over HTTP: the same for one in a thread and for one in a process."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

_PATIENCE_S = 10.0

FaultTold = str | Mapping[str, Any]
"""A fault by its short name (``timeout_applied``, ``503``) or with its fields; ``simulation.peers.faults`` has them."""


@dataclass(frozen=True, slots=True)
class Received:
    """One figure that reached the peer; ``applied`` says whether the peer acted on it."""

    number: int
    at_s: float
    operation: str
    sku: str
    quantity: int | None
    key: str
    fault: str
    applied: bool


class RemotePeer:
    """The doors of ``simulation.peers.control``. Closes its connections at the end of a ``with``."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = httpx.Client(base_url=url, timeout=_PATIENCE_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the peer runs on."""
        self._http.close()

    def meets(self, *writes: FaultTold, reads: Iterable[FaultTold] = (), withheld_s: float | None = None) -> None:
        """The next writes, and reads, meet these faults one each; a time-out withholds its answer ``withheld_s``."""
        order: dict[str, Any] = {"writes": writes, "reads": list(reads)}
        if withheld_s is not None:
            order["seconds"] = withheld_s
        self._ask("POST", "/_faults", order)

    def follows_plan(self, *rules: Mapping[str, Any], seed: int = 0) -> None:
        """From now on faults come as ``rules`` say: each the fault's short name and fields beside the rule's own.

        ``{"fault": "timeout_applied", "probability": 0.05, "seconds": 2}``, ``{"fault": "outage", "on": "both",
        "from_s": 3600, "to_s": 4200}``: times are the peer's seconds from now.
        """
        self._ask("POST", "/_plan", {"seed": seed, "rules": rules})

    def plan(self) -> list[dict[str, Any]]:
        """The rules of the plan by the fault's short name, and how often each has fired."""
        rules: list[dict[str, Any]] = self._ask("GET", "/_plan")["rules"]
        return rules

    def behaves(self) -> None:
        """No more faults, whether planned or ordered."""
        self._ask("DELETE", "/_plan")
        self._ask("DELETE", "/_faults")

    def begins_again(self, shown: Mapping[str, int], seconds: float = 0.0) -> None:
        """No more faults, nothing held back, ``shown`` shown, ``seconds`` passed, and counting from now on."""
        self._ask("POST", "/_again", {"shown": dict(shown), "advance_s": seconds})

    def counters(self) -> dict[str, Any]:
        """What was received, applied, refused by limit, met by faults, and sold."""
        return self._ask("GET", "/_counters")

    def received(self, after: int = 0) -> list[Received]:
        """Every figure that reached the peer, in the order of arrival."""
        told = self._ask("GET", f"/_log?after={after}")["writes"]
        return [
            Received(**{("sku" if name == "subject" else name): value for name, value in one.items()}) for one in told
        ]

    def forgets(self) -> None:
        """Look only at the figures that come from now on."""
        self._ask("DELETE", "/_log")

    def shown(self) -> dict[str, int]:
        """Units by SKU, as buyers see them."""
        shown: dict[str, int] = self._ask("GET", "/_stock")["shown"]
        return shown

    def lists(self, shown: Mapping[str, int]) -> None:
        """List these SKUs, or set what they show, as if somebody did it on the channel itself."""
        self._ask("POST", "/_stock", {"shown": dict(shown)})

    def buy(self, sku: str, quantity: int = 1, buyer: str = "") -> str | None:
        """Order as a buyer; the order's name, or None where too little is shown."""
        answer = self._http.post("/_orders", json={"sku": sku, "quantity": quantity, "buyer": buyer})
        if answer.status_code == httpx.codes.CONFLICT:
            return None
        return str(answer.raise_for_status().json()["order"])

    def orders(self, after: int = 0) -> list[dict[str, Any]]:
        """Orders in the order of arrival, from the one after number ``after`` on."""
        orders: list[dict[str, Any]] = self._ask("GET", f"/_orders?after={after}")["orders"]
        return orders

    def sold(self) -> dict[str, int]:
        """Units by SKU that were sold."""
        sold: dict[str, int] = self.counters()["sold"]
        return sold

    def catches_up(self) -> int:
        """What was accepted and held back shows at last; how many figures there were."""
        return int(self._ask("POST", "/_settle")["applied"])

    def passes(self, seconds: float) -> None:
        """Move the peer's clock on."""
        self._ask("POST", "/_clock", {"advance_s": seconds})

    def runs_at(self, speed: float) -> None:
        """Let the peer's clock run ``speed`` times as fast as ours; 0 stops it."""
        self._ask("POST", "/_clock", {"speed": speed})

    def _ask(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body) if body is not None else self._http.request(method, path)
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise ValueError(answer.json()["error"])
        told: dict[str, Any] = answer.raise_for_status().json()
        return told
