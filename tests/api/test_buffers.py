"""Buffers recommended from the books."""

from datetime import timedelta

from sqlalchemy import text

from api.jobs.buffer_estimates import read_estimates
from api.jobs.buffers import listings_of
from api.wiring import World
from core_sync.clock import to_microseconds
from ml.registry.service_models import shipped_models

INSERT = text(
    "INSERT INTO delivery (supplier, sku, ordered_at, received_at, ordered_quantity, received_quantity, content) "
    "VALUES (:supplier, 'MUG', :ordered, :received, :wanted, :came, :content)"
)


def test_receipts_that_cannot_be_true_are_left_out_and_said_so(stocked: World) -> None:
    now = stocked.clock()
    days = [(9, 5, 4, 4), (9, 6, 4, 4), (5, 9, 4, 4), (9, 5, 0, 4), (9, 5, 4, None), (2, None, 4, None)]
    with stocked.database.transaction() as connection:
        for place, (ordered, received, wanted, came) in enumerate(days):
            row = {
                "supplier": "POTTERY",
                "ordered": to_microseconds(now - timedelta(days=ordered)),
                "received": None if received is None else to_microseconds(now - timedelta(days=received)),
                "wanted": wanted,
                "came": came,
                "content": bytes([place]),
            }
            connection.execute(INSERT, row)
    with stocked.database.reading() as connection:
        (listing,) = listings_of(connection, read_estimates(connection, now, shipped_models()), {"MUG": 20}, "EUR", now)
    assert "2 deliveries of the supplier" in listing.supply.note
    assert listing.supply.note.endswith("3 left out: received before ordered, or without a quantity")
