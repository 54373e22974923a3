"""Find the kits that a component is part of."""

from alembic import op

revision = "core_0017"
down_revision = "core_0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("kit_by_component", "kit_component", ["component"], unique=False)
