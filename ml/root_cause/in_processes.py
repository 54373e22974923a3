"""Batches of failures classified on several cores: the same answers in the same order."""

import gc
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain, islice
from multiprocessing import get_context
from typing import Any

from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.evidence import evidence_from
from ml.root_cause.told import as_columns

Rows = Sequence[Mapping[str, Any]]
Columns = list[dict[str, object]]

_FORKS = sys.platform == "linux"
"""Elsewhere a process would have to import and read everything anew, which takes longer than most files do."""


def classified_batches(classifier: RootCauseClassifier, batches: Iterable[Rows], processes: int) -> Iterator[Columns]:
    """For each batch of failures what is thought of each row, as the columns of ``told.COLUMNS``.

    Processes are started when there is more than one batch. They share the model's memory with this one; a few batches
    a process are in memory at a time.
    """
    begun = iter(batches)
    first = list(islice(begun, 2))
    if len(first) < 2 or processes < 2 or not _FORKS:
        yield from (_classified(classifier, batch) for batch in chain(first, begun))
        return
    with ProcessPoolExecutor(processes, get_context("fork"), _take, (classifier,)) as pool:
        ahead: deque[Future[Columns]] = deque()
        for batch in chain(first, begun):
            ahead.append(pool.submit(_classified_here, batch))
            if len(ahead) > 2 * processes:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _classified(classifier: RootCauseClassifier, batch: Rows) -> Columns:
    with _uncollected():
        return [as_columns(diagnosis) for diagnosis in classifier.classify([evidence_from(row) for row in batch])]


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without looking for cycles of objects, of which a classification makes none; it costs a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


_here: list[RootCauseClassifier] = []
"""The model of a process that was started for batches; forked, so it was never copied."""


def _take(classifier: RootCauseClassifier) -> None:
    _here.append(classifier)


def _classified_here(batch: Rows) -> Columns:
    return _classified(_here[0], batch)
