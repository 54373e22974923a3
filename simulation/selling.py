"""Publishing to channels, selling on them, and what it costs when what they show is wrong.

The loss of a fault is counted sale by sale. Beside what a listing shows, the world keeps what the same
listing would show at that moment on the same stock had no fault ever touched it (the clean shadow). A line that the
shadow would have offered and the listing refuses, though the goods are there, is a lost sale; a line that
the listing takes and the shadow would have refused, though the goods are not there, is an oversale:

    lost     = units × margin × (1 − recapture)
    oversold = units × (margin + penalty of the channel)

Both are laid at the door of the fault that spoils the listing; the earliest, where there are several. Each such line is
also told by itself with every fault that spoiled its listing: cure all of them in time, and the shadow sells it.
"""

from core_sync.availability.rules import WHOLE_SHARE, ChannelTerms, promised_quantity
from simulation.demand import HOUR_S, Line
from simulation.faults.reports import report
from simulation.running import Running
from simulation.scenario import CHANNELS, DIRECT
from simulation.warehouse import place
from simulation.world import Fault, Loss

EDI = CHANNELS.index("edi")


def publish(running: Running, channel: int) -> None:
    """One publish of a channel: every listing whose promise may have changed."""
    listings, period = running.listings, running.constants.publish_period_s[channel]
    running.at(running.now + period, publish, running, channel)
    if running.now < listings.paused_until[channel]:
        return
    whole = listings.channel_blocked[channel]
    kept: set[int] = set()
    for sku in sorted(listings.dirty[channel]):
        if not running.items[sku].listed[channel]:
            continue
        listings.clean[channel][sku] = promise(running, sku, channel, clean=True)
        target = promise(running, sku, channel, clean=False)
        fault = listings.blocked[channel].get(sku) or whole
        if fault is None:
            listings.shown[channel][sku] = target
            continue
        kept.add(sku)
        if target != listings.shown[channel][sku]:
            fault.touched_skus.add(sku)
            fault.quantity = max(fault.quantity, abs(target - listings.shown[channel][sku]))
            report(running, fault, sku=sku, channel=channel, quantity=target)
    listings.dirty[channel] = kept


def promise(running: Running, sku: int, channel: int, *, clean: bool) -> int:
    """What the channel's feed promises: shops are fed by the hub, the EDI account by the ERP."""
    constants, truth = running.constants, running.truth
    terms = ChannelTerms(round(constants.share[channel] * WHOLE_SHARE), constants.buffer[channel])
    if channel == EDI:
        posted = running.erp.clean if clean else running.erp.on_hand
        available = sum(posted[sku]) - sum(truth.allocated[sku]) - sum(truth.hold[sku])
    else:
        available = truth.free(sku) if clean else running.told.free(sku) + running.double[sku]
    return promised_quantity(available, terms)


def post_erp(running: Running) -> None:
    """One posting run of the ERP; now and then one is skipped."""
    running.at(running.now + running.constants.erp_posting_s, post_erp, running)
    if running.floor_rng.random() < running.constants.erp_late:
        return
    for sku in running.erp.post():
        running.listings.dirty[EDI].add(sku)


def maintain(running: Running, channel: int, length_s: int) -> None:
    """A declared maintenance window: nothing is published, and nobody wonders."""
    running.listings.paused_until[channel] = running.now + length_s
    running.surprise("maintenance", channel=CHANNELS[channel], ended=running.moment(running.now + length_s))


def buy(running: Running, line: Line) -> None:
    """One order line arrives; of what nobody finds none is served."""
    if line.sku in running.unfindable:
        return
    document = f"SO-{running.number('order', 100_000)}"
    if line.channel == DIRECT:
        place(running, line.sku, line.quantity, DIRECT, document)
        return
    listings, sku, channel, quantity = running.listings, line.sku, line.channel, line.quantity
    shadow_offers = quantity <= listings.clean[channel][sku]
    offers = quantity <= listings.shown[channel][sku]
    enough = quantity <= running.truth.free(sku)
    if offers:
        listings.shown[channel][sku] -= quantity
        for dirty in listings.dirty:
            dirty.add(sku)
        more = {"account": "RETAILER-01"} if channel == EDI else {}
        delivered = enough and place(running, sku, quantity, channel, document, **more)
        if not delivered and not shadow_offers:
            _blame(running, sku, channel, quantity, oversold=True)
    elif shadow_offers and enough:
        _blame(running, sku, channel, quantity, oversold=False)
    if shadow_offers:
        listings.clean[channel][sku] -= quantity


def _blame(running: Running, sku: int, channel: int, quantity: int, *, oversold: bool) -> None:
    spoiling = culprits(running, sku, channel)
    if spoiling:
        charge(running, spoiling, sku, channel, quantity, oversold=oversold)


def culprits(running: Running, sku: int, channel: int) -> list[Fault]:
    """The active faults that spoil this listing, the earliest first."""
    suspects = [fault for fault in running.active.get(sku, ()) if channel in fault.hits]
    whole = running.listings.channel_blocked[channel]
    suspects += [one for one in (whole, running.listings.blocked[channel].get(sku)) if one is not None]
    suspects += [fault for fault in running.wide_at(sku) if channel in fault.hits]
    once = {id(fault): fault for fault in suspects}
    return sorted(once.values(), key=lambda fault: fault.started_s or 0)


def charge(running: Running, spoiling: list[Fault], sku: int, channel: int, quantity: int, *, oversold: bool) -> None:
    """Add the loss of one line to the first of the faults that spoil its listing, and note it."""
    fault, margin, constants = spoiling[0], running.items[sku].margin, running.constants
    if oversold:
        fault.oversold_units += quantity
        loss = quantity * (margin + constants.oversell_penalty[channel])
    else:
        fault.lost_units += quantity
        loss = quantity * margin * (1 - constants.recapture)
    if running.now <= running.end:
        fault.loss_so_far += loss
    else:
        fault.loss_ahead += loss
    kind = "oversold" if oversold else "lost"
    running.losses.append(
        Loss(running.now, sku, channel, kind, quantity, loss, tuple(one.fault_id for one in spoiling))
    )


def plan_maintenance(running: Running) -> None:
    """Spread the declared windows over the weeks, at night."""
    weeks = running.scenario.days / 7
    rng = running.floor_rng
    for _ in range(int(rng.poisson(running.constants.maintenance_windows_per_week * weeks))):
        day, hour = int(rng.integers(running.scenario.days)), int(rng.integers(1, 5))
        moment = day * 86_400 + (hour - running.scenario.start.hour) % 24 * HOUR_S
        running.at(moment, maintain, running, int(rng.integers(2)), int(rng.integers(1, 4)) * HOUR_S)
