"""How fast changed positions become promises of five channels, beside a per-SKU ORM loop in the same run."""

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from sqlalchemy import text

from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import DISK
from benchmarks.rig.promise_peer import promise_each
from core_sync.database.bulk import Bulk
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.ledger.tables import Position
from core_sync.outbox.intend import refresh_intents

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)
CHANNELS = 5
BATCH = 10_000
"""Positions that change in one transaction, as a batch of the ledger has them."""
ORM_SKUS = 500
"""The loop is asked for few SKUs: its rate is steady, and it is much the slower."""
OWN_RULE_EVERY = 10
"""One SKU in ten has a buffer of its own on the first channel."""

_POSITION = ("sku", "location", "lot", "on_hand", "allocated", "quality_hold", "in_transit", "relative")


def promise_figures(positions: int, pairs: int) -> Iterator[Figure]:
    """Positions a second whose promises were worked out and written, and the time of all of them."""
    with TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK) as folder:
        database = Database(f"sqlite:///{Path(folder) / 'stock.db'}")
        skus = _fill(database, positions)
        measured = [_pair(database, skus, number) for number in range(pairs)]
        database.close()
    ours, theirs = (median(side) for side in zip(*measured, strict=True))
    ratio = median(a / b for a, b in measured)
    yield Figure("promises recomputed", ours, "positions/s", "per-SKU ORM loop", theirs, ratio)
    yield Figure(f"{positions:,} positions, {CHANNELS} channels", positions / ours, "s")


def _pair(database: Database, skus: Sequence[str], number: int) -> tuple[float, float]:
    """Both sides after a change of every position, in turns which goes first."""
    few = random.Random(number).sample(skus, min(ORM_SKUS, len(skus)))  # noqa: S311 - a sample, no secret
    sides: dict[str, tuple[Sequence[str], Callable[[], object]]] = {
        "ours": (skus, lambda: _ours(database, skus)),
        "orm": (few, lambda: promise_each(database, few, AT)),
    }
    rates: dict[str, float] = {}
    for side in sorted(sides, reverse=number % 2 == 0):
        with database.transaction() as connection:
            connection.execute(text("UPDATE position SET on_hand = on_hand + 1 + :n"), {"n": number})
        asked, work = sides[side]
        with undisturbed():
            rates[side] = len(asked) / seconds(work)
    _agree(database, skus)
    return rates["ours"], rates["orm"]


def _ours(database: Database, skus: Sequence[str]) -> None:
    for start in range(0, len(skus), BATCH):
        with database.transaction() as connection:
            refresh_intents(connection, skus[start : start + BATCH], AT)


def _agree(database: Database, skus: Sequence[str]) -> None:
    """Fail unless both sides come to the same: what ours worked out, the loop would not change."""
    _ours(database, skus)
    changed = promise_each(database, skus[:: max(1, len(skus) // 100)], AT)
    assert not changed, f"the loop comes to {changed} other promises"


def _fill(database: Database, positions: int) -> list[str]:
    upgrade(database)
    skus = [f"SKU-{number:07d}" for number in range(positions)]
    with database.transaction() as connection:
        for place in range(CHANNELS):
            told = {"c": f"channel-{place}", "p": place, "share": 10_000 - 1_000 * place, "b": place}
            connection.execute(text(_CHANNEL), told)
            connection.execute(text(_RULE), {**told, "sku": ""})
        connection.execute(
            text(_RULE), [{"c": "channel-0", "sku": sku, "share": 10_000, "b": 3} for sku in skus[::OWN_RULE_EVERY]]
        )
        rows = [(sku, "WH", "", 50 + number % 97, number % 5, 0, 0, False) for number, sku in enumerate(skus)]
        Bulk(connection).insert(Position, _POSITION, rows)
    _ours(database, skus)
    return skus


_CHANNEL = "INSERT INTO channel (channel, kind, priority, mode) VALUES (:c, 'x', :p, 'live')"

_RULE = """
INSERT INTO channel_rule (channel, sku, share_ten_thousandths, buffer, valid_from) VALUES (:c, :sku, :share, :b, 0)
"""
