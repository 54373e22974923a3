"""Whether what the live models learned from one's own facts still comes true, kept between looks."""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection

from api.shapes import Shape
from core_sync.errors import StocktriageError
from ml.fulfilment.drift import latency_drift
from ml.fulfilment.orders import with_past as orders_with_past
from ml.fulfilment.own_orders import own_orders
from ml.outcomes.drift import NOTHING_SEEN, CalibrationDrift
from ml.registry.service_models import ServiceModels
from ml.suppliers.deliveries import with_past
from ml.suppliers.drift import lateness_drift
from ml.suppliers.own_lines import own_lines

KEPT = timedelta(hours=1)
"""What rests on weeks changes little within this."""


@dataclass
class OwnDrift:
    """Of the live ``models`` that learn from one's own facts alone, by the folder they lie in; for any thread."""

    models: Callable[[], ServiceModels]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _kept: dict[str, tuple[str, datetime, Shape]] = field(default_factory=dict)

    def of(self, connection: Connection, name: str, at: datetime) -> Shape | None:
        """How the live version of ``name`` stands ``at`` a moment; None of one that learns from other data."""
        models = self.models()
        if name not in WATCHED or name not in models.folders:
            return None
        with self._lock:
            folder = str(models.folders[name])
            before, looked, told = self._kept.get(name, ("", at, {}))
            if before != folder or not timedelta(0) <= at - looked < KEPT:
                told = _look(connection, models, name, at)
                self._kept[name] = folder, at, told
            return told


def _look(connection: Connection, models: ServiceModels, name: str, at: datetime) -> Shape:
    try:
        found, said = WATCHED[name](connection, models, at)
    except (ValueError, StocktriageError) as error:
        found, said = NOTHING_SEEN, str(error)
    return {**asdict(found), "much": found.much, "in_words": said}


def _of_deliveries(connection: Connection, models: ServiceModels, at: datetime) -> tuple[CalibrationDrift, str]:
    model = models.supplier_lateness
    found = NOTHING_SEEN if model is None else lateness_drift(model, with_past(own_lines(connection, at)))
    return found, found.in_words("late", "deliveries")


def _of_orders(connection: Connection, models: ServiceModels, at: datetime) -> tuple[CalibrationDrift, str]:
    model = models.fulfilment_latency
    found = NOTHING_SEEN if model is None else latency_drift(model, orders_with_past(own_orders(connection, at)), at)
    return found, found.in_words("within what it told", "orders")


WATCHED = {"supplier_lateness": _of_deliveries, "fulfilment_latency": _of_orders}
