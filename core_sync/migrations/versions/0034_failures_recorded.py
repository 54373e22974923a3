"""Failures of SKUs by when they were learnt of, which differences are scored beside."""

import sqlalchemy as sa
from alembic import op

revision = "core_0034"
down_revision = "core_0033"
branch_labels = None
depends_on = None

_OF_A_SKU = sa.text("sku IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "failure_recorded",
        "failure",
        ["recorded_at", "sku"],
        unique=False,
        sqlite_where=_OF_A_SKU,
        postgresql_where=_OF_A_SKU,
    )
