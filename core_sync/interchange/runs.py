"""Rows taken together, so that what they hold can be read column by column."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from core_sync.interchange.errors import FileUnreadable
from core_sync.interchange.refusals import RefusedRow
from core_sync.interchange.rows import RawRecord

RUN_ROWS = 1_000
"""Rows read together: enough that a call a column is nothing, few enough that memory stays flat."""

Found = TypeVar("Found")


def in_runs(found: Iterable[RawRecord | RefusedRow]) -> Iterator[list[RawRecord | RefusedRow]]:
    """``found`` in order, many at a time.

    Raises:
        FileUnreadable: the rest cannot be read; what came before has been given.
    """
    run: list[RawRecord | RefusedRow] = []
    try:
        for each in found:
            run.append(each)
            if len(run) == RUN_ROWS:
                yield run
                run = []
    except FileUnreadable:
        yield run
        raise
    yield run


def by_header(
    run: Sequence[RawRecord | RefusedRow],
    read: Callable[[tuple[str, ...], Sequence[RawRecord]], Sequence[Found | RefusedRow]],
) -> list[Found | RefusedRow]:
    """What ``read`` makes of the records of each header, in the order of ``run``; refused rows stay where they are."""
    records = [each for each in run if isinstance(each, RawRecord)]
    if len(records) == len(run) > 0 and all(each.header is records[0].header for each in records):
        return list(read(records[0].header, records))
    made: dict[int, Found | RefusedRow] = {}
    alike: dict[tuple[str, ...], tuple[list[int], list[RawRecord]]] = {}
    for place, each in enumerate(run):
        if isinstance(each, RefusedRow):
            made[place] = each
            continue
        places, records = alike.setdefault(each.header, ([], []))
        places.append(place)
        records.append(each)
    for header, (places, records) in alike.items():
        made.update(zip(places, read(header, records), strict=True))
    return [made[place] for place in range(len(run))]
