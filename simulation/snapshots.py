"""What each system reports at a common moment."""

from simulation.demand import DAY_S, HOUR_S
from simulation.running import Running
from simulation.scenario import CHANNELS, LOCATIONS
from simulation.world import Fault


def plan_snapshots(running: Running) -> None:
    """A snapshot at each snapshot hour; the last one at the very end."""
    first = running.scenario.start.hour
    for day in range(running.scenario.days + 1):
        for hour in running.constants.snapshot_hours:
            moment = day * DAY_S + ((hour - first) % 24) * HOUR_S
            if 0 < moment <= running.end:
                running.at(moment, take_snapshot, running)


def take_snapshot(running: Running) -> None:
    """ERP on hand and allocated, WMS on hand, and what each listing shows."""
    as_of, rows = running.moment(running.now), running.snapshots
    stamp = as_of.strftime("%Y-%m-%dT%H:%MZ")
    truth, told, erp = running.truth, running.told, running.erp
    for item in running.items:
        sku = item.index
        for location, name in enumerate(LOCATIONS):
            on_hand = truth.on_hand[sku][location]
            for system, state, quantity in (
                ("wms", "on_hand", _told_by(running, "wms", sku, location, stamp)),
                ("erp", "on_hand", _told_by(running, "erp", sku, location, stamp)),
                ("erp", "allocated", truth.allocated[sku][location]),
            ):
                rows.append(
                    {
                        "system": system, "sku": item.sku, "location": name, "state": state,
                        "quantity": quantity, "as_of": as_of,
                    }
                )  # fmt: skip
            if running.active[sku] or running.active_wide or running.spoilt[sku]:
                wrong = [
                    ("wms", "on_hand", told.on_hand[sku][location] != on_hand),
                    ("erp", "on_hand", erp.on_hand[sku][location] != erp.clean[sku][location]),
                    ("erp", "allocated", told.allocated[sku][location] != truth.allocated[sku][location]),
                ]
                for system, state, differs in wrong:
                    spoiling = _spoiling(running, sku, location, f"{system}|{state}") if differs else []
                    key = f"{system}|{item.sku}|{name}|{state}|{stamp}"
                    _touch(running, sku, (f"{system}|{state}", location), key, differs, spoiling)
        for channel, name in enumerate(CHANNELS):
            if not item.listed[channel]:
                continue
            shown = running.listings.shown[channel][sku]
            rows.append(
                {
                    "system": name, "sku": item.sku, "location": "", "state": "available",
                    "quantity": shown, "as_of": as_of,
                }
            )  # fmt: skip
            differs = shown != running.listings.clean[channel][sku]
            spoiling = _spoiling_listing(running, sku, channel) if differs else []
            _touch(running, sku, ("listing", channel), f"{name}|{item.sku}||available|{stamp}", differs, spoiling)


def _told_by(running: Running, system: str, sku: int, location: int, stamp: str) -> int:
    """What a system says it has on hand: what it had at an earlier hour, where its clock is behind."""
    now = running.on_hand_by(system, sku, location)
    fault = running.clock_behind.get((system, location))
    if fault is None or (told := running.remembered.pop((system, sku, location), now)) == now:
        return now
    _note(fault, sku, f"{system}|{running.items[sku].sku}|{LOCATIONS[location]}|on_hand|{stamp}")
    return told


def _touch(running: Running, sku: int, figure: tuple[str, int], key: str, differs: bool, spoiling: list[Fault]) -> None:
    """Note a figure with each fault that makes it differ from what it would be, or with the one that left it so."""
    for fault in spoiling:
        _note(fault, sku, key)
    if spoiling:
        running.spoilt[sku][figure] = spoiling[-1]
    elif not differs:
        running.spoilt[sku].pop(figure, None)
    elif figure in running.spoilt[sku]:
        running.spoilt[sku][figure].left_keys.append(key)


def _spoiling(running: Running, sku: int, location: int, book: str) -> list[Fault]:
    """The active faults that spoil a figure of a book at a location."""
    posted = book == "erp|on_hand"
    wide = [fault for fault in running.wide_at(sku) if (posted or fault.partial) and fault.location == location]
    return [
        fault for fault in (*running.active[sku], *wide) if fault.location in (None, location) and fault.channel is None
    ]


def _spoiling_listing(running: Running, sku: int, channel: int) -> list[Fault]:
    """The active faults that spoil what a channel shows."""
    listings = running.listings
    whole, own = listings.channel_blocked[channel], listings.blocked[channel].get(sku)
    spoiling = {id(fault): fault for fault in (*running.active[sku], whole, own, *running.wide_at(sku)) if fault}
    return [fault for fault in spoiling.values() if channel in fault.hits]


def _note(fault: Fault, sku: int, key: str) -> None:
    fault.snapshot_keys.append(key)
    fault.touched_skus.add(sku)
