"""Failures of unknown names that name no candidates yet are found by index."""

import sqlalchemy as sa
from alembic import op

revision = "core_0015"
down_revision = "core_0014"
branch_labels = None
depends_on = None

ASKING = sa.text("error_code = 'unmapped_sku' AND mapping_candidates IS NULL AND resolved_at IS NULL")


def upgrade() -> None:
    op.create_index("failure_asking_candidates", "failure", ["sku"], sqlite_where=ASKING, postgresql_where=ASKING)
