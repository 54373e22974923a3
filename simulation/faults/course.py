"""The course of a fault: it begins, it is cured."""

from collections.abc import Callable

from simulation.running import Running
from simulation.world import Fault

SHOPS = frozenset({0, 1})
EDI = frozenset({2})
EVERYWHERE = SHOPS | EDI


def begin(running: Running, fault: Fault, mend: Callable[[], None]) -> None:
    """Let a fault be active from now on, and ``mend`` what it spoilt when people cure it."""
    fault.started_s = running.now
    if fault.sku is not None:
        running.active[fault.sku].append(fault)
        fault.touched_skus.add(fault.sku)
    elif fault.channel is None:
        running.active_wide.append(fault)
    if not fault.stays and running.now + fault.cure_after_s <= running.end:
        running.at(running.now + fault.cure_after_s, cure, running, fault, mend)


def cure(running: Running, fault: Fault, mend: Callable[[], None]) -> None:
    """People have found it and put it right."""
    if not fault.active:
        return
    mend()
    fault.ended_s = running.now
    if fault.sku is not None:
        running.active[fault.sku].remove(fault)
        running.touch(fault.sku)
    elif fault.channel is None:
        running.active_wide.remove(fault)
    for failure in running.reported[fault.fault_id]:
        failure["resolved_at"] = running.moment(running.now)


def busy_skus(running: Running) -> set[int]:
    """SKUs that a fault has already, which is enough."""
    return {sku for sku, faults in running.active.items() if faults}


def pick_sku(running: Running, channel: int | None = None, stocked: int = 0) -> int | None:
    """A SKU for a fault: the more it sells the likelier; listed on ``channel``, with ``stocked`` free units."""
    busy = busy_skus(running)
    able = [
        item
        for item in running.items
        if item.index not in busy
        and (channel is None or item.listed[channel])
        and (stocked == 0 or running.truth.free(item.index) >= stocked)
    ]
    if not able:
        return None
    weights = [item.lines_per_day for item in able]
    total = sum(weights)
    return able[int(running.fault_rng.choice(len(able), p=[weight / total for weight in weights]))].index
