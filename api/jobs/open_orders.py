"""The oldest open order of each SKU, with the chance that it comes late where a model of lateness is live."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

import polars as pl
from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds, to_microseconds
from core_sync.errors import StocktriageError
from ml.buffers.supplier import OpenOrder
from ml.registry.service_models import ServiceModels
from ml.suppliers.deliveries import with_past
from ml.suppliers.own_lines import own_lines

_LOG = logging.getLogger("stocktriage.buffers")
MODEL = "supplier_lateness"


def read_open_orders(connection: Connection, at: datetime, models: ServiceModels) -> dict[str, OpenOrder]:
    """By SKU, as known ``at`` that moment."""
    rows = connection.execute(text(_OPEN), {"at": to_microseconds(at)}).all()
    version, chances = _late_chances(connection, at, models) if rows else (None, {})
    return {
        sku: OpenOrder(
            supplier,
            (at - from_microseconds(ordered)) / timedelta(days=1),
            None if promised is None else (at - from_microseconds(promised)) / timedelta(days=1),
            chances.get(line),
            version,
        )
        for line, sku, supplier, ordered, promised in rows
    }


def _late_chances(
    connection: Connection, at: datetime, models: ServiceModels
) -> tuple[str | None, Mapping[int, float]]:
    """The live version, and by open line not past its promise the chance that it comes late; empty without a model."""
    try:
        model = models.supplier_lateness
        version = None if model is None else models.version(MODEL)
    except (ValueError, StocktriageError) as error:
        _LOG.warning("open orders are told without their chance of being late: %s", error)
        return None, {}
    if model is None:
        return None, {}
    told = with_past(own_lines(connection, at)).filter(pl.col("is_open") & (pl.col("promised_at") >= at))
    if not len(told):
        return version, {}
    return version, dict(zip(told["line"].to_list(), model.chances(told).tolist(), strict=True))


_OPEN = """
SELECT delivery_id, sku, supplier, ordered_at, promised_at FROM delivery
WHERE received_at IS NULL AND ordered_at <= :at ORDER BY ordered_at DESC
"""
