"""Snapshots, deltas, failures, push intents and cases."""

import sqlalchemy as sa
from alembic import op

revision = "core_0003"
down_revision = "core_0002"
branch_labels = None
depends_on = None

WHOLE = sa.BigInteger()
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "snapshot",
        sa.Column("snapshot_id", KEY, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("snapshot_id"),
        sa.UniqueConstraint("system", "as_of", "sku", "location", "state", name="snapshot_key"),
    )
    op.create_index("snapshot_order", "snapshot", ["system", "as_of"], unique=False)
    op.create_table(
        "reconciliation",
        sa.Column("reconciliation_id", KEY, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.Column("compared", WHOLE, nullable=False),
        sa.Column("differing", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.PrimaryKeyConstraint("reconciliation_id"),
        sa.UniqueConstraint("system", "as_of", name="reconciliation_key"),
    )
    op.create_table(
        "delta",
        sa.Column("delta_id", KEY, nullable=False),
        sa.Column("reconciliation_id", WHOLE, nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("as_of", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expected", WHOLE, nullable=False),
        sa.Column("reported", WHOLE, nullable=False),
        sa.Column("in_flight", WHOLE, nullable=False),
        sa.Column("erp", WHOLE, nullable=True),
        sa.Column("wms", WHOLE, nullable=True),
        sa.Column("channel_qty", WHOLE, nullable=True),
        sa.Column("published_age_s", sa.Float(), nullable=True),
        sa.Column("event_lag_s", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["reconciliation_id"],
            ["reconciliation.reconciliation_id"],
        ),
        sa.PrimaryKeyConstraint("delta_id"),
    )
    op.create_index("delta_subject", "delta", ["sku", "location", "channel", "as_of"], unique=False)
    op.create_table(
        "failure",
        sa.Column("failure_id", KEY, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("occurred_at", WHOLE, nullable=False),
        sa.Column("recorded_at", WHOLE, nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=True),
        sa.Column("location", sa.Text(), nullable=True),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.Column("event_lag_s", sa.Float(), nullable=True),
        sa.Column("reservation_age_s", sa.Float(), nullable=True),
        sa.Column("duplicate_of", sa.Text(), nullable=True),
        sa.Column("mapping_candidates", sa.Text(), nullable=True),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("quantity", WHOLE, nullable=True),
        sa.Column("evidence", sa.Text(), nullable=True),
        sa.Column("resolved_at", WHOLE, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("failure_id"),
        sa.UniqueConstraint("id"),
    )
    op.create_index(
        "failure_open_subject",
        "failure",
        ["subject"],
        unique=True,
        sqlite_where=sa.text("resolved_at IS NULL AND subject IS NOT NULL"),
        postgresql_where=sa.text("resolved_at IS NULL AND subject IS NOT NULL"),
    )
    op.create_index("failure_order", "failure", ["occurred_at"], unique=False)
    op.create_table(
        "push_intent",
        sa.Column("intent_id", KEY, nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("shown_quantity", WHOLE, nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", WHOLE, nullable=True),
        sa.Column("leased_until", WHOLE, nullable=True),
        sa.Column("intended_at", WHOLE, nullable=False),
        sa.Column("sent_at", WHOLE, nullable=True),
        sa.Column("accepted_at", WHOLE, nullable=True),
        sa.Column("visible_at", WHOLE, nullable=True),
        sa.Column("hold_reason", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'accepted', 'visible', 'failed', 'held')", name="push_state_known"
        ),
        sa.PrimaryKeyConstraint("intent_id"),
        sa.UniqueConstraint("channel", "sku", name="push_intent_listing"),
    )
    op.create_index("push_intent_waiting", "push_intent", ["state", "channel"], unique=False)
    op.create_table(
        "push_attempt",
        sa.Column("attempt_id", KEY, nullable=False),
        sa.Column("intent_id", WHOLE, nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("quantity", WHOLE, nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("http_status", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("latency_ms", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["intent_id"],
            ["push_intent.intent_id"],
        ),
        sa.PrimaryKeyConstraint("attempt_id"),
    )
    op.create_index("push_attempt_by_intent", "push_attempt", ["intent_id", "attempt_id"], unique=False)
    op.create_table(
        "exception_case",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("root_cause", sa.Text(), nullable=False),
        sa.Column("subclass", sa.Text(), nullable=True),
        sa.Column("probability", sa.Float(), nullable=True),
        sa.Column("abstained", sa.Boolean(), nullable=False),
        sa.Column("fault_probability", sa.Float(), nullable=False),
        sa.Column("anomaly_p_value", sa.Float(), nullable=True),
        sa.Column("exposure", WHOLE, nullable=True),
        sa.Column("expected_loss", WHOLE, nullable=True),
        sa.Column("currency", sa.Text(), nullable=True),
        sa.Column("exposure_terms", sa.Text(), nullable=False),
        sa.Column("time_to_harm_h", sa.Float(), nullable=True),
        sa.Column("rank_value", sa.Float(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("skus", sa.Text(), nullable=False),
        sa.Column("locations", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("signals", WHOLE, nullable=False),
        sa.Column("recommended_action", sa.Text(), nullable=True),
        sa.Column("autonomy", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("override_root_cause", sa.Text(), nullable=True),
        sa.Column("override_rank", WHOLE, nullable=True),
        sa.Column("override_reason", sa.Text(), nullable=True),
        sa.Column("override_until", WHOLE, nullable=True),
        sa.Column("snoozed_until", WHOLE, nullable=True),
        sa.Column("opened_at", WHOLE, nullable=False),
        sa.Column("updated_at", WHOLE, nullable=False),
        sa.Column("resolved_at", WHOLE, nullable=True),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.Column("merged_into", WHOLE, nullable=True),
        sa.Column("model_versions", sa.Text(), nullable=False),
        sa.Column("needs_review", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'acknowledged', 'in_progress', 'waiting', 'snoozed', 'resolved', 'regressed')",
            name="case_status_known",
        ),
        sa.ForeignKeyConstraint(["merged_into"], ["exception_case.case_id"]),
        sa.PrimaryKeyConstraint("case_id"),
    )
    op.create_index("case_fingerprint", "exception_case", ["fingerprint"], unique=False)
    op.create_index(
        "case_fingerprint_open",
        "exception_case",
        ["fingerprint"],
        unique=True,
        sqlite_where=sa.text("status <> 'resolved'"),
        postgresql_where=sa.text("status <> 'resolved'"),
    )
    op.create_index("case_feed", "exception_case", [sa.text("rank_value DESC"), sa.text("case_id DESC")])
    op.create_index(
        "case_feed_by_status", "exception_case", ["status", sa.text("rank_value DESC"), sa.text("case_id DESC")]
    )
    op.create_table(
        "case_signal",
        sa.Column("case_signal_id", KEY, nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("signal_id", WHOLE, nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("added_at", WHOLE, nullable=False),
        sa.CheckConstraint("kind IN ('failure', 'anomaly')", name="signal_kind_known"),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["exception_case.case_id"],
        ),
        sa.PrimaryKeyConstraint("case_signal_id"),
        sa.UniqueConstraint("kind", "signal_id", name="signal_in_one_case"),
    )
    op.create_index("case_signal_by_case", "case_signal", ["case_id"], unique=False)
    op.create_table(
        "case_entry",
        sa.Column("entry_id", KEY, nullable=False),
        sa.Column("case_id", WHOLE, nullable=False),
        sa.Column("at", WHOLE, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"],
            ["exception_case.case_id"],
        ),
        sa.PrimaryKeyConstraint("entry_id"),
    )
    op.create_index("case_entry_by_case", "case_entry", ["case_id", "entry_id"], unique=False)
