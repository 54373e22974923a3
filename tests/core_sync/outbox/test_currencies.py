"""The order of pushes weighs money of several currencies in one."""

from sqlalchemy import text

from tests.core_sync.outbox.conftest import Shop


def test_a_thousand_yen_go_after_twenty_euros(shop: Shop) -> None:
    with shop.database.transaction() as connection:
        connection.execute(text("UPDATE sku SET unit_price = 10000000, currency = 'JPY' WHERE sku = 'S'"))
        connection.execute(text("UPDATE sku SET unit_price = 200000, currency = 'EUR' WHERE sku = 'T'"))
        connection.execute(text("INSERT INTO rate (currency, per_reporting_unit, as_of) VALUES ('JPY', 900000, 0)"))
        connection.execute(text("INSERT INTO rate (currency, per_reporting_unit, as_of) VALUES ('JPY', 1600000, 1)"))
    shop.stock(S=5, T=5)
    shop.push()
    assert shop.channel.writes == [("T", 5), ("S", 5)]
