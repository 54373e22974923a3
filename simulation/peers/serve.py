"""Run a peer on a port of its own, on loopback: in a thread for as long as a block lasts, or as a process."""

import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import uvicorn

_START_S = 10.0


@contextmanager
def running(app: Any) -> Iterator[str]:
    """Serve the ASGI application ``app`` on 127.0.0.1 at a free port; gives its base URL.

    Raises:
        TimeoutError: it did not start in time.
    """
    listening = _listening(0)
    server = uvicorn.Server(_config(app))
    thread = Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True, name="simulated-peer")
    thread.start()
    try:
        _wait_until_started(server, thread)
        yield _url(listening)
    finally:
        server.should_exit = True
        thread.join(timeout=5)
        listening.close()


def serve(app: Any, port: int) -> None:
    """Serve ``app`` in this process until it is told to end; the first line printed is its base URL."""
    listening = _listening(port)
    listening.listen(1024)  # whoever reads the line may connect at once
    sys.stdout.write(_url(listening) + "\n")
    sys.stdout.flush()
    uvicorn.Server(_config(app)).run(sockets=[listening])


def _config(app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", timeout_graceful_shutdown=1, ws="none"
    )


def _listening(port: int) -> socket.socket:
    # asyncio switches off Nagle's delay only where the protocol is named; else each answer takes 40 ms longer.
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    return listening


def _url(listening: socket.socket) -> str:
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


def _wait_until_started(server: uvicorn.Server, thread: Thread) -> None:
    waited_until = time.monotonic() + _START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > waited_until:
            raise TimeoutError("the simulated peer did not start")
        time.sleep(0.01)
