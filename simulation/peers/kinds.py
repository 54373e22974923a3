"""The simulated channels by kind, as a process or a test asks for them. Each is imported when it is made."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.peers.clock import PeerClock

if TYPE_CHECKING:
    from starlette.applications import Starlette

_UNLIMITED = 1e9


@dataclass(frozen=True, slots=True)
class Manner:
    """How a peer shall be: ``generous`` lifts its limits, ``settle_s`` is how long it queues what it accepts."""

    generous: bool = False
    settle_s: float = 0.0


def _shopify(shown: Mapping[str, int], clock: PeerClock, manner: Manner) -> "Starlette":
    from simulation.peers.shopify_like import shopify_app

    rate = _UNLIMITED if manner.generous else 1000.0
    return shopify_app(shown, rate=rate, burst=2 * rate, clock=clock)


def _amazon(shown: Mapping[str, int], clock: PeerClock, manner: Manner) -> "Starlette":
    from simulation.peers.amazon_like import amazon_app
    from simulation.peers.amazon_market import QUOTAS, Quota

    quotas = dict.fromkeys(QUOTAS, Quota(_UNLIMITED, _UNLIMITED)) if manner.generous else {}
    return amazon_app(shown, quotas=quotas, settle_s=manner.settle_s, feed_s=manner.settle_s, clock=clock)


def _edi(shown: Mapping[str, int], clock: PeerClock, manner: Manner) -> "Starlette":
    from simulation.peers.edi_like import edi_app

    rate = _UNLIMITED if manner.generous else 10.0
    return edi_app(shown, rate=rate, burst=2 * rate, settle_s=manner.settle_s, clock=clock)


KINDS: "Mapping[str, Callable[[Mapping[str, int], PeerClock, Manner], Starlette]]" = {
    "shopify": _shopify,
    "amazon": _amazon,
    "edi": _edi,
}
"""How each kind of channel is made: from what it lists, its clock and its manner."""
