"""Buffer recommendations as doors show them."""

from dataclasses import replace

from api.jobs.buffers import recommend_buffers
from api.shapes import Shape
from api.wiring import World
from core_sync.errors import VerbRefused
from ml.buffers.rails import POLICY
from ml.exposure.terms import as_json


def recommendation_rows(
    world: World, sku: str | None = None, channel: str | None = None, target: float | None = None
) -> list[Shape]:
    """A recommendation for each SKU and channel, by name; ``target`` is oversells per unit asked that are accepted.

    Raises:
        NotFound: there is no such channel.
        VerbRefused: a target that is no rate.
    """
    if target is not None and not 0 < target < 1:
        raise VerbRefused("recommend", "buffers", f"a target oversell rate of {target} is not between 0 and 1")
    policy = POLICY if target is None else replace(POLICY, target_oversell_rate=target)
    with world.database.reading() as connection:
        found = recommend_buffers(connection, world.settings.reporting_currency, world.clock(), sku, channel, policy)
    return [
        {
            "sku": one.sku,
            "channel": one.channel,
            "location": one.location,
            "buffer": one.buffer,
            "current": one.current,
            "terms": as_json(one.terms),
            "target_oversell_rate": one.target_oversell_rate,
            "expected_oversell_rate": one.expected_oversell_rate,
            "expected_lost_units": one.expected_lost_units,
            "reason": one.reason,
            "valid_until": one.valid_until,
        }
        for one in found
    ]
