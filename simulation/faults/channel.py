"""Faults on the way to a channel: what it shows stays as it was."""

from simulation.faults.course import begin, pick_sku
from simulation.running import Running
from simulation.scenario import CHANNELS
from simulation.world import Fault

_SHOPIFY, _AMAZON, _EDI = range(3)
_ON = {
    "timeout": (_SHOPIFY, _AMAZON),
    "ambiguous_sku": (_SHOPIFY, _AMAZON),
    "accepted_not_applied": (_AMAZON, _AMAZON, _SHOPIFY),
    "validation": (_SHOPIFY, _AMAZON),
    "code_fault": (_SHOPIFY, _AMAZON),
    "edi_reject": (_EDI,),
    "rate_limit": (_SHOPIFY, _AMAZON),
    "outage": (_SHOPIFY, _AMAZON, _EDI),
    "auth": (_SHOPIFY, _AMAZON, _EDI),
}
_STAYS_ON = {"rate_limit": _SHOPIFY, "outage": _AMAZON, "auth": _EDI}
"""Where the faults that stay hit a whole channel: each its own."""

_THROTTLED_SHARE = 0.15


def _channel(running: Running, fault: Fault) -> int:
    if fault.stays and fault.subclass in _STAYS_ON:
        return _STAYS_ON[fault.subclass]
    choices = _ON[fault.subclass]
    return choices[int(running.fault_rng.integers(len(choices)))]


def block_listing(running: Running, fault: Fault) -> None:
    """Updates of one listing do not get through, or are not applied."""
    channel = _channel(running, fault)
    sku = pick_sku(running, channel=channel)
    blocked = running.listings.blocked[channel]
    if sku is None or sku in blocked:
        return
    fault.sku, fault.channel, fault.system = sku, channel, CHANNELS[channel]
    fault.hits = frozenset({channel})
    blocked[sku] = fault
    begin(running, fault, lambda: _unblock(running, channel, sku))


def _unblock(running: Running, channel: int, sku: int) -> None:
    running.listings.blocked[channel].pop(sku, None)
    running.listings.dirty[channel].add(sku)


def throttle(running: Running, fault: Fault) -> None:
    """Some listings of a channel are dropped from every publish because calls come too fast."""
    channel = _channel(running, fault)
    listings = running.listings
    if running.listings.channel_blocked[channel] is not None:
        return
    fault.channel, fault.system, fault.hits = channel, CHANNELS[channel], frozenset({channel})
    dropped = [
        item.index
        for item in running.items
        if item.listed[channel]
        and item.index not in listings.blocked[channel]
        and running.fault_rng.random() < _THROTTLED_SHARE
    ]
    for sku in dropped:
        listings.blocked[channel][sku] = fault

    def mend() -> None:
        for sku in dropped:
            _unblock(running, channel, sku)

    begin(running, fault, mend)


def block_channel(running: Running, fault: Fault) -> None:
    """Nothing reaches the channel."""
    channel = _channel(running, fault)
    if running.listings.channel_blocked[channel] is not None:
        return
    fault.channel, fault.system, fault.hits = channel, CHANNELS[channel], frozenset({channel})
    running.listings.channel_blocked[channel] = fault

    def mend() -> None:
        running.listings.channel_blocked[channel] = None

    begin(running, fault, mend)
