"""What open cases expect to lose orders pushes within their class."""

from decimal import Decimal

from sqlalchemy import text

from core_sync.outbox.backlog import backlog
from core_sync.outbox.listing import Listing
from core_sync.outbox.stakes import tell_stakes
from tests.core_sync.outbox.conftest import Shop


def tell(shop: Shop, **losses: int) -> int:
    """Open cases are weighed: so much money is expected to be lost on each SKU's listing."""
    with shop.database.transaction() as connection:
        told = {Listing("shop", sku): Decimal(loss) for sku, loss in losses.items()}
        return tell_stakes(connection, list(losses), told)


def a_case_on(shop: Shop, sku: str, status: str) -> None:
    with shop.database.transaction() as connection:
        connection.execute(
            text(
                "INSERT INTO exception_case (fingerprint, status, title, root_cause, abstained, fault_probability, "
                "exposure_terms, weighed_at, recurrences, rank_value, reasons, skus, locations, channels, signals, "
                "autonomy, opened_at, updated_at, model_versions, needs_review) "
                "VALUES (:sku, 'new', '', 'other', true, 1, '{}', 0, 0, 0, '[]', '[]', '[]', '[]', 1, "
                "'suggest', 0, 0, '{}', false)"
            ),
            {"sku": sku},
        )
        connection.execute(
            text("INSERT INTO case_scope (kind, value, case_id) SELECT 'sku', :sku, max(case_id) FROM exception_case"),
            {"sku": sku},
        )
        connection.execute(text("UPDATE exception_case SET status = :status"), {"status": status})


def order(shop: Shop) -> list[str]:
    with shop.database.reading() as connection:
        return [listing.sku for listing in backlog(connection, "shop", 10)]


def test_within_a_class_the_listing_that_open_cases_expect_to_lose_most_on_goes_first(shop: Shop) -> None:
    shop.stock(S=5, T=9, U=7)
    assert order(shop) == ["T", "U", "S"]
    assert tell(shop, S=900, U=1_000_000) == 2
    assert order(shop) == ["U", "S", "T"]
    assert tell(shop, S=900, U=1_000_000) == 0


def test_a_zero_goes_before_an_increase_whatever_is_at_stake(shop: Shop) -> None:
    shop.stock(S=5, T=9)
    shop.settled()
    shop.stock(S=0, T=20)
    tell(shop, T=10**9)
    assert order(shop) == ["S", "T"]


def test_a_stake_outlives_the_value_while_a_case_is_open_and_not_longer(shop: Shop) -> None:
    shop.stock(S=5, T=9)
    tell(shop, S=1_000_000)
    a_case_on(shop, "S", "acknowledged")
    shop.stock(S=6, T=10)
    assert order(shop) == ["S", "T"]
    with shop.database.transaction() as connection:
        connection.execute(text("UPDATE exception_case SET status = 'resolved'"))
    shop.stock(S=5, T=9)
    assert order(shop) == ["T", "S"]


def test_a_listing_that_is_not_named_any_more_goes_by_its_units_again(shop: Shop) -> None:
    shop.stock(S=5, T=9)
    tell(shop, S=1_000_000)
    with shop.database.transaction() as connection:
        tell_stakes(connection, ["S"], {})
    assert order(shop) == ["T", "S"]
