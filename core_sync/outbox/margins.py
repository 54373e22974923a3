"""What a unit of each SKU earns, as the order of pushes goes by it."""

from collections.abc import Collection

from core_sync.database.bulk import Bulk

# Ten-thousandths of the reporting currency, as penalties are; a currency without a rate is taken for that one.
_MARGINS = """
SELECT s.sku, (coalesce(s.unit_price, 0) - coalesce(s.unit_cost, 0)) * 10000 / coalesce(
    (SELECT r.per_reporting_unit FROM rate r WHERE r.currency = s.currency AND r.per_reporting_unit > 0
     ORDER BY r.as_of DESC LIMIT 1), 10000) AS margin
FROM {keys} CROSS JOIN sku s WHERE s.sku = k.k0
"""


def margins_of(bulk: Bulk, skus: Collection[str]) -> dict[str, int]:
    """Unit margin of each of ``skus`` that is known, in ten-thousandths of the reporting currency."""
    return dict(bulk.rows(_MARGINS, ("text",), list(skus)))
