"""How fast the worklist answers where very much is open, and how soon a new signal stands on it.

    python -m benchmarks.feed [--cases 100000] [--signals 1000000] [--only sqlite|postgresql] [--json]

A database on disk is filled with open cases over ten times as many signals, one of them an outage of 100,000.
What is timed is what the API does for one request, from the question to the bytes of the answer: the first page, a page
of every facet with the counts of all, searches for words that few and that many cases have, pages further down, and a
verb with the case that it answers with. Then the service's own rounds take in new failures while the outage is weighed
over and over, and the time until a reader finds the weighed case on the list is taken. Every question is asked three
times and the quickest counts; the 95th percentile over all questions of a kind stands beside what is asked for.
"""

import argparse
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from statistics import quantiles
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, make_url, text

from api.details import read_detail
from api.jobs.rounds import keep_round
from api.shapes import page_shape, to_json
from api.wiring import ROOMS, World
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.grounds import DISK, settle
from benchmarks.rig.worklist import CAUSES, CHANNELS, LOCATIONS, OWNERS, fill
from core_sync.cases import undo, verbs
from core_sync.cases.feed import read_feed
from core_sync.cases.narrow import Filter
from core_sync.cases.totals import read_facets, read_totals
from core_sync.clock import now, to_microseconds
from core_sync.database.engine import Database
from core_sync.database.migrate import upgrade
from core_sync.failures.record import NewFailure, record_failure
from core_sync.settings import Settings
from ml.triage.weigh import weigh_cases
from remediation.service import recommendation
from tests.databases import fresh_database, postgresql_server

ASKED_MS = {"sqlite": 300.0, "postgresql": 150.0}
ASKED_VERB_MS, ASKED_VISIBLE_S = 100.0, 5.0
TIMES = 40
WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Effort:
    """How many next pages are read, cases worked on with four verbs each, and new failures waited for."""

    pages: int = 60
    cases: int = 100
    new: int = 40


def main() -> None:
    """Measure both databases, and print each figure beside what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000, help="open cases")
    parser.add_argument("--signals", type=int, default=1_000_000, help="signals in them")
    parser.add_argument("--only", choices=tuple(ASKED_MS), help="one database")
    parser.add_argument("--json", action="store_true", help="one object a line")
    said = parser.parse_args()
    for name in [said.only] if said.only else list(ASKED_MS):
        with filled(name, said.cases, said.signals) as database:
            show(figures(name, database, said.cases), said.json)


def figures(name: str, database: Database, cases: int, effort: Effort = Effort()) -> Iterator[Figure]:
    """The measures of one filled database."""
    asked = ASKED_MS[name]
    yield Figure(f"{name} database", _bytes_of(database) / 1e9, "GB")
    yield _p95(f"{name} first page", [_asked(partial(_page, database)) for _ in range(TIMES)], asked)
    yield _p95(f"{name} facet", [_asked(partial(_facets, database, one)) for one in _facet_filters(cases)], asked)
    yield _p95(f"{name} search", [_asked(partial(_page, database, one)) for one in _searches(cases)], asked)
    yield _p95(f"{name} next page", list(_next_pages(database, effort.pages)), asked)
    yield _p95(f"{name} verb", list(_verbs(database, cases, effort.cases)), ASKED_VERB_MS)
    seconds = list(_until_visible(database, effort.new))
    slowest = max(seconds)
    yield Figure(f"{name} new signal to visible case, slowest of {effort.new}", slowest, "s", "asked at most",
                 ASKED_VISIBLE_S, slowest / ASKED_VISIBLE_S)  # fmt: skip
    yield Figure(f"{name} memory of the process at most", getrusage(RUSAGE_SELF).ru_maxrss / 1e6, "GB")


def _bytes_of(database: Database) -> int:
    if database.is_sqlite:
        return Path(make_url(database.url).database or "").stat().st_size
    with database.reading() as connection:
        return int(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one())


@contextmanager
def filled(name: str, cases: int, signals: int) -> Iterator[Database]:
    """A database of its own kind, ``name``, on disk, with so many open cases over so many signals."""
    with ExitStack() as stack:
        if name == "sqlite":
            folder = stack.enter_context(TemporaryDirectory(prefix="stocktriage-bench-", dir=DISK))
            url = f"sqlite:///{Path(folder)}/feed.db"
        else:
            url = stack.enter_context(fresh_database(stack.enter_context(postgresql_server())))
        database = stack.enter_context(closing(Database(url)))
        upgrade(database, *ROOMS[1:])
        fill(database, cases, signals, to_microseconds(now()))
        if database.is_sqlite:
            with database.transaction() as connection:
                connection.execute(text("ANALYZE"))
        settle(database)
        os.sync()  # what filling left to be written out must not fall into what is measured
        yield database


def _page(database: Database, shown: Filter | None = None, cursor: str | None = None) -> str | None:
    """What ``GET /feed`` does; returns the next cursor."""
    with database.reading() as connection:
        page = read_feed(connection, now(), shown, cursor)
        to_json(page_shape(page, read_totals(connection, shown)))
    return page.next_cursor


def _facets(database: Database, shown: Filter) -> None:
    _page(database, shown)
    with database.reading() as connection:
        to_json(read_facets(connection, shown))


def _facet_filters(cases: int) -> list[Filter]:
    """One for each value of each facet, some SKUs, and two facets together."""
    found = [Filter()]
    found += [Filter(root_cause=cause) for cause in CAUSES]
    found += [Filter(channel=f"channel-{n}") for n in range(CHANNELS)]
    found += [Filter(location=f"LOC-{n}") for n in range(LOCATIONS)]
    found += [Filter(owner=f"owner-{n}") for n in range(0, OWNERS, 4)]
    found += [Filter(sku=f"SKU-{n * 37 % (cases // 2)}") for n in range(10)]
    found += [Filter(abstained=True), Filter(abstained=False)]
    return found + [Filter(root_cause=cause, channel=f"channel-{n}") for n, cause in enumerate(CAUSES)]


def _searches(cases: int) -> list[Filter]:
    """Words of one case, of a thousandth, of a sixth and of all; beginnings of words; several at once."""
    said = [f"f{n * 997 % cases + 1}" for n in range(10)] + [f"order{n * 7}" for n in range(10)]
    said += [*CAUSES, "timed out", "upstream", "time", "order1", "ord"]
    said += [f"timeout order{n * 13}" for n in range(10)] + ["nothing has this", "sku 504 mapping"]
    return [Filter(search=one) for one in said]


def _next_pages(database: Database, pages: int) -> Iterator[float]:
    cursor = _page(database)
    for _ in range(pages):
        started = time.perf_counter()
        cursor = _page(database, None, cursor)
        yield 1000 * (time.perf_counter() - started)


def _verbs(database: Database, cases: int, worked: int) -> Iterator[float]:
    """Verbs on cases here and there, among them the outage with very many signals."""
    for turn in range(worked):
        case_id = 1 if turn == 0 else 1 + (turn * 6151) % cases
        for verb in _each_verb(case_id, turn, first_half=turn < worked // 2):
            yield _timed(partial(_done, database, case_id, verb))


def _each_verb(case_id: int, turn: int, *, first_half: bool) -> list[Callable[[Connection], object]]:
    at, who = now(), f"person-{turn % 3}"
    return [
        lambda c: (verbs.begin if first_half else verbs.wait)(c, case_id, who, at),
        lambda c: verbs.assign(c, case_id, who, who, at),
        lambda c: verbs.note(c, case_id, "the carrier says tomorrow", who, at),
        lambda c: undo.undo(c, case_id, verbs.snooze(c, case_id, at + timedelta(hours=4), who, at), who, at),
    ]


def _done(database: Database, case_id: int, verb: Callable[[Connection], object]) -> None:
    """What the API does for a verb."""
    with database.transaction() as connection:
        verb(connection)
        to_json(read_detail(connection, case_id, now()))


def _until_visible(database: Database, new: int) -> Iterator[float]:
    """Seconds from a failure's commit until its weighed case is found on the list, while the service's rounds run.

    Beside them, in the same process, the outage is weighed over and over. The service has been up for a while: a first
    failure, while modules and models are read, is not counted.
    """
    world, stop = World(Settings(database_url=database.url), database), threading.Event()
    rounds = [threading.Thread(target=keep_round, args=(world, role, stop)) for role in ("triage", "notice")]
    rounds.append(threading.Thread(target=_weigh_the_outage, args=(world, stop)))
    for one in rounds:
        one.start()
    try:
        _seen_after(database, "FIRST")
        for number in range(new):
            time.sleep(0.37 * (number % 5))
            yield _seen_after(database, f"NEW-{number}")
    finally:
        stop.set()
        for one in rounds:
            one.join()


def _weigh_the_outage(world: World, stop: threading.Event) -> None:
    currency = world.settings.reporting_currency
    while not stop.is_set():
        weigh_cases(world.database, world.models, recommendation, currency, now(), [1])


def _seen_after(database: Database, sku: str) -> float:
    at = now()
    with database.transaction() as connection:
        record_failure(connection, NewFailure(
            kind="push", subject=f"push:channel-1:{sku}", message="upstream request timed out after 30 s",
            occurred_at=at, recorded_at=at, system="channel-1", channel="channel-1", operation="push_inventory",
            sku=sku, http_status=504,
        ))  # fmt: skip
    started = time.perf_counter()
    while time.perf_counter() - started < WAIT_S:
        with database.reading() as connection:
            page = read_feed(connection, now(), Filter(sku=sku))
        if page.cases and page.cases[0].weighed_at is not None:
            return time.perf_counter() - started
        time.sleep(0.02)
    raise TimeoutError(f"the failure of {sku} is no case after {WAIT_S:.0f} s")


def _asked(act: Callable[[], object]) -> float:
    """The quickest of three times: what else the machine does meanwhile is not the question's cost."""
    return min(_timed(act) for _ in range(3))


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return 1000 * (time.perf_counter() - started)


def _p95(name: str, milliseconds: Sequence[float], asked: float) -> Figure:
    value = quantiles(milliseconds, n=20, method="inclusive")[-1]
    return Figure(f"{name} p95", value, "ms", "asked at most", asked, value / asked)


if __name__ == "__main__":
    main()
