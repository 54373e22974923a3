"""What a promotion was measured on; an index for what each model version decided."""

import sqlalchemy as sa
from alembic import op

revision = "ml_0002"
down_revision = "ml_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("model_release", sa.Column("evaluation", sa.Text(), nullable=True))
    op.add_column("model_release", sa.Column("figures", sa.Text(), nullable=True))
    op.create_index("diagnosis_decided", "diagnosis", ["model_version", "abstained", "root_cause"], unique=False)
    op.create_index("anomaly_decided", "anomaly", ["kind", "model_version"], unique=False)
