"""JSON over HTTP, committed and answered, against the same batches handed to the ledger in this process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from statistics import median

import httpx

from benchmarks.rig.bare import rows_after
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure
from benchmarks.rig.grounds import Ground, proven
from benchmarks.rig.movements import START
from benchmarks.rig.service import served
from core_sync.database.engine import Database
from core_sync.interchange.cloud_events import enveloped
from core_sync.interchange.events import event_fields
from core_sync.interchange.texts import json_text
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger

REQUEST = 1_000
_OURS_ALONE = ("recorded_at", "actor", "attributes")
"""What the service fills in by its own clock and login, and an envelope's subject."""


def http_figures(ground: Ground, events: Sequence[Event], pairs: int) -> Iterator[Figure]:
    """Events a second through ``POST /v1/events`` in requests of a thousand, CloudEvents and flat by turns."""
    batches = [events[begin : begin + REQUEST] for begin in range(0, min(len(events), 20 * REQUEST), REQUEST)]
    bodies = [_body(batch, number % 2 == 0) for number, batch in enumerate(batches)]
    rates = [_run_pair(ground, batches, bodies, pair) for pair in range(pairs)]
    over_http, in_process = zip(*rates, strict=True)
    ratio = median(one / other for one, other in rates)
    measure = f"{ground.name} http batch {REQUEST}"
    yield Figure(measure, median(over_http), "events/s", "Ledger.apply in process", median(in_process), ratio)


def _run_pair(
    ground: Ground, batches: Sequence[Sequence[Event]], bodies: Sequence[bytes], pair: int
) -> tuple[float, float]:
    """Events a second over HTTP and in this process; the first request, which reads master data, is not counted."""
    spent = [0.0, 0.0]
    with ExitStack() as stack:
        theirs, ours = (stack.enter_context(ground.copy()) for _ in range(2))
        _, before = rows_after(ours, 0)
        ledger = stack.enter_context(closing(Ledger(ours)))
        address = stack.enter_context(served(theirs.url))
        client = stack.enter_context(httpx.Client(base_url=address, timeout=60))
        with undisturbed():
            for number, (batch, body) in enumerate(zip(batches, bodies, strict=True)):
                sides: tuple[Callable[[], object], ...] = (
                    partial(_post, client, body),
                    partial(ledger.apply, batch, START),
                )
                for turn in range(2):
                    side = (turn + number + pair) % 2
                    took = seconds(sides[side])
                    spent[side] += took if number else 0.0
        proven(ours)
        assert _told(ours, before) == _told(theirs, before), "the sides do not hold the same rows"
    counted = sum(len(batch) for batch in batches[1:])
    return counted / spent[0], counted / spent[1]


def _post(client: httpx.Client, body: bytes) -> None:
    answer = client.post("/v1/events", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 207), answer.text


def _body(batch: Sequence[Event], as_cloud_events: bool) -> bytes:
    shown = [event_fields(event) for event in batch]
    if as_cloud_events:
        said = [enveloped(fields) for fields in shown]
    else:
        said = [{name: value for name, value in fields.items() if value not in (None, "")} for fields in shown]
    return json_text(said).encode()


def _told(database: Database, before: int) -> list[tuple[object, ...]]:
    return rows_after(database, before, without=_OURS_ALONE)[0]
