"""What an unknown name most likely means stands beside it, so that its money is found with that of the SKU."""

import sqlalchemy as sa
from alembic import op

revision = "core_0036"
down_revision = "core_0035"
branch_labels = None
depends_on = None

MEANT = sa.text("resolved_at IS NULL AND meant_sku IS NOT NULL")


def upgrade() -> None:
    op.add_column("failure", sa.Column("meant_sku", sa.Text()))
    first = (
        "json_extract(mapping_candidates, '$[0].sku')"
        if op.get_bind().dialect.name == "sqlite"
        else "CAST(mapping_candidates AS json) -> 0 ->> 'sku'"
    )
    op.execute(
        f"UPDATE failure SET meant_sku = {first} WHERE resolved_at IS NULL AND error_code = 'unmapped_sku' "
        "AND mapping_candidates LIKE '[{\"sku\"%'"
    )
    op.create_index("failure_meant_sku", "failure", ["meant_sku"], sqlite_where=MEANT, postgresql_where=MEANT)
