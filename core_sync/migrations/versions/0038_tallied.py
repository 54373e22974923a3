"""What is on the list is counted as it changes; new cases and the newest signals of one are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "core_0038"
down_revision = "core_0037"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OF = ("currency", "status", "root_cause", "override_root_cause", "owner", "abstained", "touches")
CHANGE = (*(column for column in OF if column != "touches"), "channels", "locations", "expected_loss")
TO_REVIEW = sa.text("needs_review AND status <> 'resolved'")
WIDE = sa.text("touches IS NULL")


def upgrade() -> None:
    op.create_table(
        "case_tally",
        sa.Column("tally_id", WHOLE, primary_key=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("root_cause", sa.String(), nullable=False),
        sa.Column("override_root_cause", sa.String(), nullable=True),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("touches", sa.String(), nullable=True),
        sa.Column("cases", sa.BigInteger(), nullable=False),
        sa.Column("priced", sa.BigInteger(), nullable=False),
        sa.Column("loss", sa.BigInteger(), nullable=False),
        sa.Column("folded", sa.Boolean(), nullable=False),
    )
    op.execute(
        f"INSERT INTO case_tally ({', '.join(OF)}, cases, priced, loss, folded) SELECT {', '.join(OF)}, COUNT(*), "
        f"COUNT(expected_loss), COALESCE(SUM(expected_loss), 0), TRUE FROM exception_case GROUP BY {', '.join(OF)}"
    )
    if op.get_bind().dialect.name == "sqlite":
        _follow_on_sqlite()
    else:
        _follow_on_postgresql()
    op.drop_index("case_to_review", "exception_case")
    op.create_index(
        "case_to_review", "exception_case", ["weighed_at", "case_id"], sqlite_where=TO_REVIEW,
        postgresql_where=TO_REVIEW,
    )  # fmt: skip
    op.create_index("case_wide", "exception_case", ["case_id"], sqlite_where=WIDE, postgresql_where=WIDE)
    op.drop_index("case_signal_by_case", "case_signal")
    op.create_index("case_signal_by_case", "case_signal", ["case_id", "kind", "case_signal_id"])


def _counts(row: str, by: int) -> str:
    """What a case that is ``row`` adds to the counts, or with -1 takes from them."""
    priced = f"CASE WHEN {row}.expected_loss IS NULL THEN 0 ELSE {by} END"
    return (
        f"INSERT INTO case_tally ({', '.join(OF)}, cases, priced, loss, folded) VALUES "
        f"({', '.join(f'{row}.{column}' for column in OF)}, {by}, {priced}, {by} * COALESCE({row}.expected_loss, 0), "
        "FALSE)"
    )


def _follow_on_sqlite() -> None:
    changed = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in CHANGE)
    for name, when, does in (
        ("opened", "INSERT ON exception_case", [_counts("NEW", 1)]),
        ("gone", "DELETE ON exception_case", [_counts("OLD", -1)]),
        (
            "changed",
            f"UPDATE OF {', '.join(CHANGE)} ON exception_case WHEN {changed}",
            [_counts("OLD", -1), _counts("NEW", 1)],
        ),
    ):
        op.execute(f"CREATE TRIGGER case_tally_{name} AFTER {when} BEGIN {'; '.join(does)}; END")


def _follow_on_postgresql() -> None:
    changed = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in CHANGE)
    op.execute(
        "CREATE FUNCTION case_tally_follows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN {_counts('OLD', -1)}; END IF; "
        f"IF TG_OP <> 'DELETE' THEN {_counts('NEW', 1)}; END IF; "
        "RETURN NULL; END $$"
    )
    for name, when, only in (
        ("opened", "INSERT OR DELETE", ""),
        ("changed", f"UPDATE OF {', '.join(CHANGE)}", f"WHEN ({changed})"),
    ):
        op.execute(
            f"CREATE TRIGGER case_tally_{name} AFTER {when} ON exception_case FOR EACH ROW {only} "
            "EXECUTE FUNCTION case_tally_follows()"
        )
