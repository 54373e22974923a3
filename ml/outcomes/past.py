"""What was known of earlier cases of a group at the moment when each case began."""

from collections.abc import Sequence

import polars as pl


def known_before(
    cases: pl.DataFrame, key: str, columns: Sequence[str], outcome: str, names: tuple[str, str], at: str = "asked_at"
) -> pl.DataFrame:
    """Of each case (by its unique ``key``) the count and summed ``outcome`` of its group's cases, under ``names``.

    A group is what agrees in ``columns``, which are strings. A case counts for those whose moment ``at`` lies after its
    outcome was known (``known_at``, missing while it is not).
    """
    count, total = names
    keys = cases.select(
        key, "known_at", outcome, moment=pl.col(at), group=pl.concat_str(pl.lit(""), *columns, separator="|")
    )
    kind = pl.Float64 if cases.schema[outcome].is_float() else pl.Int64
    known = keys.filter(pl.col("known_at").is_not_null()).sort("known_at")
    running = known.select(
        "group",
        "known_at",
        pl.int_range(1, pl.len() + 1).over("group").alias(count),
        pl.col(outcome).cast(kind).cum_sum().over("group").alias(total),
    )
    found = keys.sort("moment").join_asof(
        running,
        left_on="moment",
        right_on="known_at",
        by="group",
        allow_exact_matches=False,
        check_sortedness=False,  # both sides were sorted just above; with ``by`` polars cannot see it
    )
    return found.select(key, pl.col(count, total).fill_null(0))
