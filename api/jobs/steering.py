"""Holding accepted oversell rates: each channel's weight follows what came true, and kept channels are applied."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from api.jobs.applied_buffers import Outcome, apply_recommendations, ending_soon, held_by_people
from api.jobs.buffers import expected_weight, recommend_buffers
from core_sync.availability.oversells import NOTHING, claimed_units
from core_sync.availability.promises import channel_names
from ml.buffers.steering import EVERY, Step, first_step, is_due, keep_step, step, steps_in_force
from ml.buffers.targets import Targets, read_targets

if TYPE_CHECKING:
    from api.wiring import World


@dataclass(frozen=True, slots=True)
class Steered:
    """``steps`` of control, ``applied`` buffers, and those of kept channels ``left_to_people``."""

    steps: int
    applied: int
    left_to_people: int


def steer(world: "World") -> Steered:
    """Take the steps that are due and apply what is kept, but for what people hold there."""
    at = world.clock()
    with world.database.reading() as connection:
        targets = read_targets(connection)
        due = [one for name in channel_names(connection) if (one := _due(world, connection, name, targets, at))]
    if due:
        with world.database.transaction() as connection:
            for one in due:
                keep_step(connection, one)
    with world.database.reading() as connection:
        kept = {name: owner for name in channel_names(connection) if (owner := targets.keeper(name)) is not None}
        left = sum(channel in kept for channel, _ in held_by_people(connection, at))
    return Steered(len(due), sum(_applied(world, channel, owner, at) for channel, owner in kept.items()), left)


def _due(world: "World", connection: Connection, channel: str, targets: Targets, at: datetime) -> Step | None:
    """The step of ``channel`` that is due; None where none is."""
    last, target = steps_in_force(connection).get(channel), targets.rate(channel)
    if last is None:
        currency = world.settings.reporting_currency
        weight = expected_weight(connection, world.estimates, currency, at, channel, target, world.buffer_policy)
        return None if weight is None else first_step(channel, at, target, weight)
    if at - last.at < EVERY:
        return None
    claimed = claimed_units(connection, last.at, at).get(channel, NOTHING)
    return step(last, claimed, target, at) if is_due(last, claimed, at) else None


def _applied(world: "World", channel: str, owner: str, at: datetime) -> int:
    """Apply what is recommended for ``channel`` where it is new or about to end; how many buffers that were."""
    currency = world.settings.reporting_currency
    with world.database.reading() as connection:
        found = recommend_buffers(
            connection, world.estimates, currency, at, channel=channel, policy=world.buffer_policy
        )
        ending, held = ending_soon(connection, at), held_by_people(connection, at)
    new = [
        one
        for one in found
        if (one.channel, one.sku) not in held and (one.buffer != one.current or (one.channel, one.sku) in ending)
    ]
    if not new:
        return 0
    with world.database.transaction() as connection:
        done = apply_recommendations(connection, new, owner, world.clock, by_itself=True)
    return sum(one.outcome is Outcome.APPLIED for one in done)
