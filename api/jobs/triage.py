"""Triage with the live models, the configured currency and the actions that answer each cause."""

from typing import TYPE_CHECKING

from core_sync.availability.reservations import tell_stale
from core_sync.expectations.round import expect
from core_sync.kpis.baseline import freeze_baselines
from core_sync.ledger.transits import tell_overdue_transits
from core_sync.orders.state import read_orders
from remediation.service import recommendation

if TYPE_CHECKING:
    from api.wiring import World
    from ml.triage.run import TriageSummary


def notice(world: "World") -> int:
    """Put failures that are new into weighed cases; returns how many cases took one in.

    The model is read before there is anything for it to do: the first failure of a day is not to wait for it.

    Raises:
        ModelRefused: a model is not the one its manifest describes.
    """
    from ml.triage.run import notice as run

    models = world.models
    assert models.root_cause
    return run(world.database, models, recommendation, world.settings.reporting_currency, world.clock())


def triage(world: "World") -> "TriageSummary":
    """Find what is stale, overdue or missing; score, diagnose, group, weigh and rank all that is new.

    Raises:
        ModelRefused: a model is not the one its manifest describes.
    """
    from ml.triage.run import triage as run

    with world.database.transaction() as connection:
        read_orders(connection)
        tell_stale(connection, world.clock())
        tell_overdue_transits(connection, world.clock())
    expect(world.database, world.clock())
    freeze_baselines(world.database, world.clock())
    currency = world.settings.reporting_currency
    return run(world.database, world.models, recommendation, currency, world.clock(), warm=world.scorers)
