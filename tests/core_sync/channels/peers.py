"""The simulated peers as tests see them: over real HTTP for our code, by their state for the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette

from simulation.peers.amazon_like import amazon_app
from simulation.peers.amazon_market import QUOTAS, Quota
from simulation.peers.erp_wms import erp_wms_app
from simulation.peers.faults import Fault
from simulation.peers.serve import running
from simulation.peers.shopify_like import shopify_app

WITHHELD_S, IMPATIENT_S = 1.0, 0.3
"""How long a timed-out answer is withheld, and how long those wait who are to miss it."""


@dataclass
class Peer:
    """One simulated peer that is up."""

    url: str
    state: Any

    @property
    def shown(self) -> dict[str, int]:
        """Units by SKU, as it shows them."""
        shown: dict[str, int] = self.state.shown
        return shown

    @property
    def writes(self) -> list[tuple[str, int | None]]:
        """SKU and quantity of each write that arrived."""
        return [(write.subject, write.quantity) for write in self.state.conduct.log]

    @property
    def tasks(self) -> list[dict[str, Any]]:
        """What people there were asked."""
        return list(self.state.tasks.values())

    def goes_wrong(self, *faults: str) -> None:
        """The next writes meet these faults, one each."""
        self.state.conduct.writes.extend(Fault.named(fault) for fault in faults)

    def forgets_writes(self) -> None:
        """Look only at what comes from now on."""
        self.state.conduct.log.clear()

    def catches_up(self) -> None:
        """What was accepted and not applied shows at last."""
        self.state.settle()

    def holds(self, sku: str, location: str, quantity: int) -> None:
        """The warehouse system says so."""
        self.state.on_hand[sku, location] = quantity


@contextmanager
def _up(app: Starlette) -> Iterator[Peer]:
    app.state.peer.conduct.seconds = WITHHELD_S
    with running(app) as url:
        yield Peer(url, app.state.peer)


@contextmanager
def a_shop(**shown: int) -> Iterator[Peer]:
    """A Shopify-like shop that lists ``shown``."""
    with _up(shopify_app(shown)) as peer:
        yield peer


@contextmanager
def a_market(**shown: int) -> Iterator[Peer]:
    """An Amazon-like marketplace that lists ``shown``."""
    with _up(amazon_app(shown, quotas=dict.fromkeys(QUOTAS, Quota(100, 100)))) as peer:
        yield peer


@contextmanager
def a_warehouse() -> Iterator[Peer]:
    """A warehouse system that holds nothing yet."""
    with _up(erp_wms_app({})) as peer:
        yield peer
