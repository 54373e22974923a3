"""Column shapes that every table of ours shares.

SQLModel maps ``int`` to a 32-bit column on PostgreSQL; quantities, money and times need 64 bits.
"""

from typing import Any

from sqlalchemy import BigInteger, Integer
from sqlmodel import Field

Whole = BigInteger().with_variant(Integer, "sqlite")
"""64 bits on both databases; SQLite only makes INTEGER keys from its row number."""


def key() -> Any:
    """A number of our own that names a row."""
    return Field(default=None, primary_key=True, sa_type=Whole)


def whole(default: int | None = ..., **options: Any) -> Any:  # type: ignore[assignment]  # ... means required
    """A 64-bit whole number: a quantity, ten-thousandths of money, or microseconds since 1970."""
    return Field(default=default, sa_type=BigInteger, **options)


def moment(default: int | None = ..., **options: Any) -> Any:  # type: ignore[assignment]  # ... means required
    """Microseconds since 1970, UTC."""
    return Field(default=default, sa_type=BigInteger, **options)
