"""The list can be walked by when cases were opened and by when their harm begins."""

import sqlalchemy as sa
from alembic import op

revision = "core_0028"
down_revision = "core_0027"
branch_labels = None
depends_on = None

NEVER = 2**62


def upgrade() -> None:
    op.add_column("exception_case", sa.Column("harm_at", sa.BigInteger(), nullable=False, server_default=str(NEVER)))
    op.execute(
        "UPDATE exception_case SET harm_at = weighed_at + CAST(time_to_harm_h * 3600000000 AS BIGINT) "
        "WHERE time_to_harm_h < 100000000"
    )
    where = sa.text("status <> 'resolved'")
    for name, key in (("case_by_opening", "opened_at"), ("case_by_harm", "harm_at")):
        op.create_index(name, "exception_case", [key, "case_id"], sqlite_where=where, postgresql_where=where)
