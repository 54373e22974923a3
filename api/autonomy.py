"""What doors do with the autonomy ladder."""

from api.shapes import Shape
from api.wiring import World
from core_sync.errors import VerbRefused
from core_sync.money import from_ten_thousandths
from remediation.policy.autonomy import autonomy_of, ladder, set_autonomy
from remediation.policy.rules import Autonomy, Level, Limits


def ladder_rows(world: World) -> list[Shape]:
    """Every kind of action with its rung and rails."""
    with world.database.reading() as connection:
        return [
            {
                "action": one.action,
                "level": one.level.value,
                "max_units": one.limits.units,
                "max_money": from_ten_thousandths(one.limits.money),
                "currency": world.settings.reporting_currency,
                "per_hour": one.limits.per_hour,
                "owner": one.owner,
                "reason": one.reason,
            }
            for one in ladder(connection)
        ]


def set_level(
    world: World,
    action: str,
    level: str,
    owner: str,
    reason: str,
    max_units: int | None = None,
    max_money: int | None = None,
    per_hour: int | None = None,
) -> None:
    """From now on ``action`` stands on ``level``; rails that are not told stay as they are.

    Raises:
        NotFound: there is no such kind of action.
        VerbRefused: there is no such level.
    """
    if level not in set(Level):
        raise VerbRefused("set autonomy of", action, f"{level} is no level; there are {', '.join(Level)}")
    with world.database.transaction() as connection:
        now = autonomy_of(connection, action)
        limits = Limits(
            now.limits.units if max_units is None else max_units,
            now.limits.money if max_money is None else max_money * 10_000,
            now.limits.per_hour if per_hour is None else per_hour,
        )
        set_autonomy(connection, Autonomy(action, Level(level), limits, owner, reason), world.clock())
