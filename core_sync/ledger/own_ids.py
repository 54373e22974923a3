"""Ids of the entries that we write ourselves: what they take back or draw, and of whom.

Sources and ids are others' words and may hold a colon, so a source's is written otherwise: no two events of theirs give
one id of ours.
"""


def reversal_id(source: str, event_id: str) -> str:
    """The id of the entry that takes back the event ``event_id`` of ``source``."""
    return f"reversal:{_without_colons(source)}:{event_id}"


def draw_id(source: str, event_id: str, number: int) -> str:
    """The id of our entry for the ``number``-th reservation (from 1) that the event draws on beyond its own."""
    drawn = "drawn" if number == 1 else f"drawn {number}"
    return f"{drawn}:{_without_colons(source)}:{event_id}"


def sql_reversal_id(source: str, event_id: str) -> str:
    """SQL: ``reversal_id`` of two expressions."""
    return f"'reversal:' || replace(replace({source}, '~', '~0'), ':', '~1') || ':' || {event_id}"


def _without_colons(source: str) -> str:
    return source.replace("~", "~0").replace(":", "~1")
