"""What the worklist is narrowed, searched, renewed and remembered by."""

import json
import re
import unicodedata
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "core_0023"
down_revision = "core_0022"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
OPEN = sa.text("status <> 'resolved'")
TO_REVIEW = sa.text("needs_review AND status <> 'resolved'")
ENDED = sa.text("resolved_at IS NOT NULL")
OPEN_OF_CHANNEL = sa.text("resolved_at IS NULL AND sku IS NULL AND channel IS NOT NULL")
OPEN_WITH_SKU = sa.text("resolved_at IS NULL AND sku IS NOT NULL")


def upgrade() -> None:
    for column in ("weighed_at", "recurrences"):
        op.add_column("exception_case", sa.Column(column, WHOLE, nullable=False, server_default="0"))
    for column in ("snoozed_above", "snoozed_stock_below"):
        op.add_column("exception_case", sa.Column(column, WHOLE, nullable=True))
    listed_by = ("status", "root_cause", "override_root_cause", "abstained", "owner", "currency", "expected_loss")
    indexes: tuple[tuple[str, list[Any], sa.TextClause], ...] = (
        ("case_worklist", [sa.text("rank_value DESC"), sa.text("case_id DESC"), *listed_by], OPEN),
        ("case_to_review", ["case_id"], TO_REVIEW),
        ("case_to_renew", ["weighed_at"], OPEN),
        ("case_by_end", ["resolved_at"], ENDED),
    )
    for index, columns, where in indexes:
        op.create_index(index, "exception_case", columns, sqlite_where=where, postgresql_where=where)
    op.create_index("failure_open_sku", "failure", ["sku"], sqlite_where=OPEN_WITH_SKU, postgresql_where=OPEN_WITH_SKU)
    where = OPEN_OF_CHANNEL
    op.create_index("failure_open_channel", "failure", ["channel"], sqlite_where=where, postgresql_where=where)
    op.create_index("case_entry_by_verb", "case_entry", ["verb", "at"])
    _tables()
    _search_index()
    _fill()


def _tables() -> None:
    op.create_table(
        "case_scope",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["exception_case.case_id"]),
        sa.PrimaryKeyConstraint("kind", "value", "case_id"),
    )
    op.create_index("case_scope_by_case", "case_scope", ["case_id"])
    op.create_table(
        "case_words",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["exception_case.case_id"]),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_table(
        "saved_view",
        sa.Column("view_id", KEY, nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("saved_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("view_id"),
        sa.UniqueConstraint("owner", "name", name="saved_view_name"),
    )
    op.create_table(
        "attendance",
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("seen_at", WHOLE, nullable=False),
        sa.Column("left_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("person"),
    )


def _search_index() -> None:
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            "CREATE INDEX case_words_search ON case_words USING gin (array_to_tsvector(string_to_array(words, ' ')))"
        )
        return
    op.execute(
        "CREATE VIRTUAL TABLE case_search USING fts5("
        "words, content='case_words', content_rowid='case_id', detail=none, prefix='2 3 4')"
    )
    added = "INSERT INTO case_search(rowid, words) VALUES (new.case_id, new.words);"
    gone = "INSERT INTO case_search(case_search, rowid, words) VALUES ('delete', old.case_id, old.words);"
    for verb, does in (("INSERT", added), ("DELETE", gone), ("UPDATE", f"{gone} {added}")):
        op.execute(f"CREATE TRIGGER case_words_{verb.lower()} AFTER {verb} ON case_words FOR EACH ROW BEGIN {does} END")


def _fill() -> None:
    """What stands in the cases already can be narrowed by and found at once; the next weighing says more."""
    connection = op.get_bind()
    found = connection.execute(sa.text("SELECT case_id, title, skus, locations, channels FROM exception_case"))
    for case_id, title, *scopes in found.all():
        said = [title]
        for kind, values in zip(("sku", "location", "channel"), map(json.loads, scopes), strict=True):
            said += values
            for value in values:
                bound = {"kind": kind, "value": value, "case_id": case_id}
                connection.execute(sa.text("INSERT INTO case_scope VALUES (:kind, :value, :case_id)"), bound)
        plain = unicodedata.normalize("NFKD", " ".join(said)).casefold()
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
        words = {"case_id": case_id, "words": " ".join(sorted(set(re.findall(r"[^\W_]+", plain))))}
        connection.execute(sa.text("INSERT INTO case_words VALUES (:case_id, :words)"), words)
