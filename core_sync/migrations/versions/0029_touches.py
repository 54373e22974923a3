"""Cases are counted by channel and location from one index, and found by lexemes that are kept."""

import sqlalchemy as sa
from alembic import op

revision = "core_0029"
down_revision = "core_0028"
branch_labels = None
depends_on = None

TOUCHES = "CASE WHEN length(channels) + length(locations) <= 400 THEN '[' || channels || ',' || locations || ']' END"
COUNTED_BY = [
    "currency", "status", "root_cause", "override_root_cause", "owner", "abstained", "expected_loss", "touches",
    "case_id",
]  # fmt: skip


def upgrade() -> None:
    stored = op.get_bind().dialect.name != "sqlite"  # SQLite can add only such as are computed when they are read
    op.execute(
        f"ALTER TABLE exception_case ADD COLUMN touches TEXT GENERATED ALWAYS AS ({TOUCHES}) "
        f"{'STORED' if stored else 'VIRTUAL'}"
    )
    op.drop_index("case_facets", "exception_case")
    where = sa.text("status <> 'resolved'")
    op.create_index("case_facets", "exception_case", COUNTED_BY, sqlite_where=where, postgresql_where=where)
    op.drop_index("case_scope_open", "case_scope")
    if stored:
        op.drop_index("case_words_search", "case_words")
        op.execute(
            "ALTER TABLE case_words ADD COLUMN lexemes tsvector "
            "GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED"
        )
        op.execute("CREATE INDEX case_words_search ON case_words USING gin (lexemes)")
