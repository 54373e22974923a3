"""Whether anything was ever told of a SKU."""

from collections.abc import Collection

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.errors import NotFound


def check_known(connection: Connection, skus: Collection[str]) -> None:
    """Every one of ``skus`` is in the master data, there perhaps as a kit, or has a position.

    Raises:
        NotFound: one is nowhere.
    """
    unknown = connection.execute(text(_UNKNOWN.format(wanted=wanted_skus(connection))), {"skus": as_json(skus)}).first()
    if unknown is not None:
        raise NotFound("SKU", unknown.sku)


_UNKNOWN = """
SELECT w.sku FROM ({wanted}) w
WHERE NOT EXISTS (SELECT 1 FROM sku s WHERE s.sku = w.sku)
  AND NOT EXISTS (SELECT 1 FROM position p WHERE p.sku = w.sku)
  AND NOT EXISTS (SELECT 1 FROM kit_component c WHERE c.kit = w.sku)
ORDER BY 1 LIMIT 1
"""
