"""Every expectation as it stands: how long it usually takes and may take, by what that is known, what is open of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from core_sync.clock import from_microseconds
from core_sync.errors import NotFound
from core_sync.expectations.kinds import KINDS, SENT_TO_VISIBLE, SOURCE_SPEAKS
from core_sync.expectations.knowledge import Knowledge, read_knowledge
from core_sync.expectations.limits import SetLimit
from core_sync.expectations.pace import Pace
from core_sync.expectations.silence import Speaker, read_speakers
from core_sync.expectations.visible import read_visible_paces, visible_limit


@dataclass(frozen=True, slots=True)
class ListedExpectation:
    """One expectation of a source (or a channel) and a location (empty: of any), lengths in seconds.

    ``basis`` says by what the limit is known: ``learned``, ``set`` by its owner, ``default`` of the kind, or
    ``unknown`` where too little was seen; ``off`` where somebody switched it off. ``counted`` is ``working`` time of
    the place or ``clock``. ``open`` ones have not come yet, ``breached`` ones have not come in time.
    """

    expectation: str
    source: str
    location: str
    usual_s: float | None
    limit_s: float | None
    counted: str
    observations: int
    basis: str
    owner: str | None
    reason: str | None
    open: int
    breached: int
    last_heard_at: datetime | None = None


def list_expectations(connection: Connection, at: datetime, kind: str | None = None) -> Iterator[ListedExpectation]:
    """Every expectation, or those of one kind: the kind itself, then each source and location it is known of.

    Raises:
        NotFound: there is no such kind.
    """
    if kind is not None and kind not in KINDS:
        raise NotFound("expectation called", f"{kind}; there are {', '.join(KINDS)}")
    knowledge = read_knowledge(connection)
    counts = {(row.kind, row.location): (row.open, row.breached) for row in connection.execute(text(_COUNTS))}
    for name in KINDS if kind is None else (kind,):
        if name == SOURCE_SPEAKS.kind:
            yield _of_kind(knowledge, name, (0, 0))
            for speaker in read_speakers(connection):
                yield _of_speaker(knowledge, speaker)
            continue
        if name == SENT_TO_VISIBLE.kind:
            yield _of_kind(knowledge, name, (0, 0))
            for channel, pace in sorted(read_visible_paces(connection, at).items()):
                yield _of_channel(knowledge, channel, pace)
            continue
        of_kind = [count for (counted, _), count in counts.items() if counted == name]
        yield _of_kind(knowledge, name, (sum(one for one, _ in of_kind), sum(one for _, one in of_kind)))
        for source_id, location in sorted(knowledge.pace(name).by_band):
            is_usual = knowledge.pace(name).source_of(location) == source_id
            yield _of_place(knowledge, name, source_id, location, counts.get((name, location)) if is_usual else None)


def _of_kind(knowledge: Knowledge, name: str, counts: tuple[int, int]) -> ListedExpectation:
    kind, said = KINDS[name], knowledge.limits.of(name, "", "")
    longest = kind.longest.total_seconds() if kind.longest is not None else None
    limit = said.limit_s if said is not None else longest
    basis = _basis(said) or ("default" if longest is not None else "unknown")
    return _listed(name, "", "", None, limit, 0, basis, said, counts)


def _of_place(
    knowledge: Knowledge, name: str, source_id: int, location: str, counts: tuple[int, int] | None
) -> ListedExpectation:
    source = knowledge.sources.get(source_id, "")
    said = knowledge.limits.of(name, source, location)
    limit, _ = knowledge.limit(KINDS[name], source_id, location, None)
    usual, seen = (limit.usual_s, limit.observations) if limit is not None else (None, 0)
    basis = _basis(said) or ("learned" if seen else "default")
    return _listed(
        name, source, location, usual, limit.limit_s if limit is not None else None, seen, basis, said, counts or (0, 0)
    )


def _of_speaker(knowledge: Knowledge, one: Speaker) -> ListedExpectation:
    said = knowledge.limits.of(SOURCE_SPEAKS.kind, one.source, one.location)
    rhythm = one.rhythm
    limit = said.limit_s if said is not None else (rhythm.patience_s() if rhythm is not None else None)
    basis = _basis(said) or ("learned" if rhythm is not None else "unknown")
    usual, words = (rhythm.usual_s, rhythm.words) if rhythm is not None else (None, 0)
    counts = (1, int(one.silent))
    heard = from_microseconds(one.last_heard_at)
    return _listed(SOURCE_SPEAKS.kind, one.source, one.location, usual, limit, words, basis, said, counts, heard)


def _of_channel(knowledge: Knowledge, channel: str, pace: Pace) -> ListedExpectation:
    said = knowledge.limits.of(SENT_TO_VISIBLE.kind, channel, "")
    limit = visible_limit(knowledge.limits, channel, pace)
    usual, at_most, seen = (limit.usual_s, limit.limit_s, limit.observations) if limit else (None, None, 0)
    basis = _basis(said) or ("learned" if limit is not None else "unknown")
    return _listed(SENT_TO_VISIBLE.kind, channel, "", usual, at_most, seen, basis, said, (0, 0))


def _basis(said: SetLimit | None) -> str | None:
    if said is None:
        return None
    return "set" if said.limit_s is not None else "off"


def _listed(
    name: str,
    source: str,
    location: str,
    usual_s: float | None,
    limit_s: float | None,
    observations: int,
    basis: str,
    said: SetLimit | None,
    counts: tuple[int, int],
    last_heard_at: datetime | None = None,
) -> ListedExpectation:
    return ListedExpectation(
        name,
        source,
        location,
        round(usual_s, 1) if usual_s is not None else None,
        round(limit_s, 1) if limit_s is not None else None,
        "working" if KINDS[name].in_working_time else "clock",
        observations,
        basis,
        said.owner if said is not None else None,
        said.reason if said is not None else None,
        *counts,
        last_heard_at=last_heard_at,
    )


_COUNTS = """
SELECT kind, location, COUNT(*) AS open, SUM(CASE WHEN breached THEN 1 ELSE 0 END) AS breached
FROM open_expectation GROUP BY kind, location
"""
