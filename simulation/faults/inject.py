"""Which fault is injected how."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from simulation.demand import DAY_S
from simulation.faults.channel import block_channel, block_listing, throttle
from simulation.faults.course import EDI, SHOPS, begin, pick_sku
from simulation.faults.duplicates import repeat
from simulation.faults.mapping import misplace, mistake_pack, rename, unknown_unit
from simulation.faults.posting import refuse_posting, stop_posting_run, withhold_confirmations
from simulation.faults.reports import failure_row, report
from simulation.faults.reservations import cancel_without_release, hold_past_expiry, leak
from simulation.faults.unforeseen import (
    apply_half_a_kit,
    mistake_the_measure,
    scan_the_wrong_goods,
    set_the_clock_back,
    stop_one_queue,
)
from simulation.faults.untold import fall_silent, hide, leave_undecided, lose_transfer
from simulation.running import Running
from simulation.scenario import CHANNELS
from simulation.world import Fault, Loss


def run_short(running: Running, fault: Fault) -> None:
    """A promised order cannot be served; unless somebody finds the goods, all of it is oversold."""
    rng = running.fault_rng
    channel = int(rng.integers(len(CHANNELS)))
    sku = pick_sku(running, channel=channel)
    if sku is None:
        return
    quantity = int(rng.integers(2, 10))
    fault.sku, fault.channel, fault.quantity, fault.system = sku, channel, quantity, "erp"
    fault.hits = EDI if channel == max(EDI) else frozenset(SHOPS & {channel})
    begin(running, fault, lambda: None)
    margin, penalty = running.items[sku].margin, running.constants.oversell_penalty[channel]
    if fault.stays or running.now + fault.cure_after_s > running.end:
        fault.oversold_units = quantity
        loss = quantity * (margin + penalty)
        fault.loss_ahead += loss
        running.losses.append(Loss(running.end, sku, channel, "oversold", quantity, loss, (fault.fault_id,)))
    document = f"SO-{running.number('order', 100_000)}"
    report(running, fault, sku=sku, channel=channel, quantity=quantity, document=document, location=0)


INJECT: Mapping[str, Callable[[Running, Fault], None]] = MappingProxyType(
    {
        "timeout": block_listing,
        "rate_limit": throttle,
        "outage": block_channel,
        "unmapped_sku": rename,
        "ambiguous_sku": block_listing,
        "uom_mismatch": unknown_unit,
        "pack_size": mistake_pack,
        "location_mapping": misplace,
        "expired_hold": hold_past_expiry,
        "cancelled_order": cancel_without_release,
        "leaked": leak,
        "redelivery": repeat,
        "id_conflict": repeat,
        "business_key": repeat,
        "late_confirmation": withhold_confirmations,
        "backlog": stop_posting_run,
        "period_closed": refuse_posting,
        "accepted_not_applied": block_listing,
        "auth": block_channel,
        "validation": block_listing,
        "out_of_stock": run_short,
        "negative_stock": refuse_posting,
        "edi_reject": block_listing,
        "code_fault": block_listing,
    }
)
"""How each kind of fault comes into the world."""

INJECT_UNTOLD: Mapping[str, Callable[[Running, Fault], None]] = MappingProxyType(
    {
        "silent_source": fall_silent,
        "stuck_return": leave_undecided,
        "lost_transfer": lose_transfer,
        "phantom_stock": hide,
    }
)
"""How the kinds come that are known only by what is missing."""


INJECT_UNFORESEEN: Mapping[str, Callable[[Running, Fault], None]] = MappingProxyType(
    {
        "cross_dock_scan": scan_the_wrong_goods,
        "half_applied_kit": apply_half_a_kit,
        "measure_mix_up": mistake_the_measure,
        "clock_skew": set_the_clock_back,
        "partial_outage": stop_one_queue,
    }
)
"""How the kinds come that no feature was made for."""


def plan_faults(running: Running, schedule: list[Fault]) -> None:
    """Let every planned fault come at its time."""
    for fault in schedule:
        inject = {**INJECT, **INJECT_UNTOLD, **INJECT_UNFORESEEN}
        running.at(fault.planned_s, inject[fault.subclass], running, fault)


def plan_transient_failures(running: Running) -> None:
    """Failed tries that the next try heals, spread over the days."""
    expected = running.constants.transient_failures_per_day * running.scenario.days * len(running.items) / 100
    rng = running.fault_rng
    for _ in range(int(rng.poisson(expected))):
        running.at(int(rng.integers(3600, running.scenario.days * DAY_S - 1800)), _fail_once, running)


def _fail_once(running: Running) -> None:
    rng = running.fault_rng
    channel = int(rng.integers(2))
    listed = [item.index for item in running.items if item.listed[channel]]
    if not listed:
        return
    sku = listed[int(rng.integers(len(listed)))]
    kind = ("timeout", "timeout", "rate_limit", "outage")[int(rng.integers(4))]
    shown = running.listings.shown[channel][sku]
    row = failure_row(running, kind, CHANNELS[channel], sku, {"channel": channel, "quantity": shown})
    row["attempts"] = 1
    row["resolved_at"] = running.moment(running.now + int(rng.integers(300, 1500)))
    running.surprise("transient_failure", sku, channel=CHANNELS[channel], reference=str(row["id"]))
