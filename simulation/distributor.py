"""A whole distributor for a few weeks, drawn from one seed."""

from decimal import Decimal

import numpy as np

from simulation.catalogue import make_items, make_suppliers, master_data
from simulation.demand import HOUR_S, draw_demand
from simulation.faults.inject import plan_faults, plan_transient_failures
from simulation.faults.kinds import WITHOUT_A_TRACE
from simulation.faults.schedule import draw_schedule
from simulation.past_deliveries import past_deliveries
from simulation.running import Running
from simulation.scenario import CHANNELS, LOCATIONS, REPORTING_CURRENCY, Scenario
from simulation.selling import buy, plan_maintenance, post_erp, publish
from simulation.snapshots import plan_snapshots
from simulation.warehouse import daily_floor, open_stock, replenish
from simulation.world import Benign, Fault, Rows, World


def simulate(scenario: Scenario) -> World:
    """Everything that happened in ``scenario``, as its systems told it, and the truth behind it.

    What buyers want is drawn apart from everything else, so worlds of one seed with and without faults meet
    the same demand. The world runs on beyond its end for ``horizon_h`` hours, unseen, to find out what the
    faults open at the end will cost if nobody acts.
    """
    seeds = np.random.SeedSequence(scenario.seed).spawn(6)
    catalogue_rng, demand_rng, floor_rng, schedule_rng, fault_rng, past_rng = (
        np.random.default_rng(seed) for seed in seeds
    )
    suppliers = make_suppliers(catalogue_rng)
    items = make_items(scenario, catalogue_rng, len(suppliers))
    demand = draw_demand(scenario, items, demand_rng)
    schedule = draw_schedule(scenario, schedule_rng)
    running = Running(scenario, items, floor_rng, fault_rng)
    running.benign += demand.promotions

    open_stock(running)
    plan_snapshots(running)
    for channel in range(len(CHANNELS)):
        running.at(0, publish, running, channel)
    running.at(running.constants.erp_posting_s, post_erp, running)
    running.at(0, daily_floor, running)
    running.at((30 - scenario.start.hour) % 24 * HOUR_S, replenish, running, suppliers)
    plan_maintenance(running)
    plan_faults(running, schedule)
    plan_transient_failures(running)
    for line in demand.lines:
        running.at(line.at, buy, running, line)
    running.run()

    tables = master_data(scenario, items, suppliers)
    tables["aliases"] += running.late_aliases
    tables["uom"] += running.late_units
    tables["events"] = sorted(running.events, key=lambda row: (row["recorded_at"], row["id"]))
    tables["snapshots"] = running.snapshots
    tables["failures"] = sorted(running.failures, key=lambda row: (row["occurred_at"], row["id"]))
    tables["deliveries"] = past_deliveries(running, suppliers, past_rng) + running.deliveries
    for item in items:
        if item.erp_offset != (0, 0):
            running.benign.append(
                Benign("standing_offset", scenario.start, sku=item.sku, quantity=sum(item.erp_offset))
            )
    truth = {
        "faults": _faults(running, schedule), "losses": _losses(running), "benign": _benign(running),
        "promises": running.promises,
    }  # fmt: skip
    return World(scenario, tables, truth)


def _faults(running: Running, schedule: list[Fault]) -> Rows:
    """The faults that left a trace, that cost an order line, or of which none is the trace, with what they cost."""
    costly = {fault_id for loss in running.losses for fault_id in loss.fault_ids}
    return [
        _fault_row(running, fault)
        for fault in schedule
        if fault.started_s is not None
        and fault.started_s <= running.end
        and (
            fault.event_ids
            or fault.failure_ids
            or fault.snapshot_keys
            or fault.fault_id in costly
            or fault.subclass in WITHOUT_A_TRACE
        )
    ]


def _fault_row(running: Running, fault: Fault) -> dict[str, object]:
    items, started_s, ended_s = running.items, fault.started_s, fault.ended_s
    assert started_s is not None
    return {
        "fault_id": fault.fault_id,
        "root_cause": fault.root_cause,
        "subclass": fault.subclass,
        "started_at": running.moment(started_s),
        "ended_at": running.moment(ended_s) if ended_s is not None else None,
        "missing_at": running.moment(fault.missing_s) if fault.missing_s is not None else None,
        "documents": " ".join(sorted(fault.documents)),
        "open_at_end": ended_s is None,
        "sku": items[fault.sku].sku if fault.sku is not None else "",
        "location": LOCATIONS[fault.location] if fault.location is not None else "",
        "channel": CHANNELS[fault.channel] if fault.channel is not None else "",
        "system": fault.system,
        "quantity": fault.quantity,
        "lost_units": fault.lost_units,
        "oversold_units": fault.oversold_units,
        "loss_so_far": _money(fault.loss_so_far),
        "loss_ahead": _money(fault.loss_ahead),
        "loss_if_unfixed": _money(fault.loss_so_far) + _money(fault.loss_ahead),
        "currency": REPORTING_CURRENCY,
        "skus": " ".join(items[sku].sku for sku in sorted(fault.touched_skus)),
        "event_ids": " ".join(fault.event_ids),
        "failure_ids": " ".join(fault.failure_ids),
        "snapshot_keys": " ".join(fault.snapshot_keys),
        "left_keys": " ".join(fault.left_keys),
    }


def _losses(running: Running) -> Rows:
    return [
        {
            "at": running.moment(loss.at_s),
            "sku": running.items[loss.sku].sku,
            "channel": CHANNELS[loss.channel],
            "kind": loss.kind,
            "units": loss.units,
            "loss": _money(loss.amount),
            "currency": REPORTING_CURRENCY,
            "fault_ids": " ".join(loss.fault_ids),
        }
        for loss in sorted(running.losses, key=lambda loss: loss.at_s)
    ]


def _money(amount: float) -> Decimal:
    return Decimal(str(round(amount, 2)))


def _benign(running: Running) -> Rows:
    return [
        {
            "kind": surprise.kind,
            "started_at": surprise.started,
            "ended_at": surprise.ended,
            "sku": surprise.sku,
            "location": surprise.location,
            "channel": surprise.channel,
            "quantity": surprise.quantity,
            "reference": surprise.reference,
        }
        for surprise in running.benign
    ]
