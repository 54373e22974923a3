"""Purchase order lines as they are told again: what a load says of a line takes the place of what was open of it.

A supplier's file names a line while it is open, names it with another promise when that moves, and names it with its
receipt when it came. Were each kept beside the other, an order that came long ago would be waited for ever after.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, text

from core_sync.availability.promises import as_json, wanted_skus
from core_sync.database.upsert import insert_new
from core_sync.master_data.tables import Delivery

_LINE = ("supplier", "sku", "ordered_at", "ordered_quantity")
"""What stays as it was when a line is told again."""


def tell_lines(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write ``rows`` (columns of ``delivery``); returns how many of them say something new.

    Several rows of one line in one load are its parts: none of them ends another.
    """
    told = {row["content"] for row in rows}
    named = {tuple(row[column] for column in _LINE) for row in rows}
    statement = text(_OPEN.format(wanted=wanted_skus(connection)))
    known = connection.execute(statement, {"skus": as_json(sorted({row["sku"] for row in rows}))})
    over = [
        {"number": number} for number, content, *line in known if tuple(line) in named and bytes(content) not in told
    ]
    if over:
        connection.execute(text("DELETE FROM delivery WHERE delivery_id = :number"), over)
    return insert_new(connection, Delivery, [dict(row) for row in rows], ("content",))


_OPEN = f"""
SELECT d.delivery_id, d.content, {", ".join(f"d.{column}" for column in _LINE)}
FROM ({{wanted}}) w JOIN delivery d ON d.sku = w.sku WHERE d.received_at IS NULL
"""
