"""Timing one thing."""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter, process_time


def seconds(work: Callable[[], object]) -> float:
    """Wall time of ``work``."""
    started = perf_counter()
    work()
    return perf_counter() - started


@contextmanager
def undisturbed() -> Iterator[None]:
    """Both sides alike are spared collecting what the benchmark itself keeps in memory."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process during ``work``."""
    started = process_time()
    work()
    return process_time() - started
