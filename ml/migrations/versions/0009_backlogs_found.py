"""An index of what waits in a posting backlog: each weighing asks for it, however many diagnoses there are."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0009"
down_revision = "ml_0008"
branch_labels = None
depends_on = None

BACKLOG = sa.text("subclass = 'backlog'")


def upgrade() -> None:
    op.create_index("diagnosis_backlog", "diagnosis", ["failure_id"], sqlite_where=BACKLOG, postgresql_where=BACKLOG)
