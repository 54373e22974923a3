"""Work done in processes of their own, forked: what is imported need not be imported again."""

from collections.abc import Callable
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from typing import TypeVar

T = TypeVar("T")


def at_once(*works: Callable[[], T]) -> list[T]:
    """Each of ``works`` in a process of its own, all at the same time; what they return, in order.

    Nothing here may have a SQLite database open that one of them opens: it would take our locks for its own.
    """
    context = get_context("fork")
    pipes = [context.Pipe(duplex=False) for _ in works]
    processes = [
        context.Process(target=_report, args=(told, work), daemon=True)
        for (_, told), work in zip(pipes, works, strict=True)
    ]
    for process, (_, told) in zip(processes, pipes, strict=True):
        process.start()
        told.close()  # so that a process that dies is heard: its pipe ends
    results = [heard.recv() for heard, _ in pipes]
    for process in processes:
        process.join()
    return results


def apart(work: Callable[[], T]) -> T:
    """What ``work`` returns in a process of its own, whose limits and rights it may change."""
    return at_once(work)[0]


def _report(told: Pipe, work: Callable[[], object]) -> None:
    told.send(work())
