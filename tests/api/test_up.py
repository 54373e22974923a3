"""The whole service in one process: it says where it is, answers, and stops when told."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest


def started(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "api.cli.main", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "STOCKTRIAGE_HOME": str(tmp_path), **environment},
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.proof)])
def test_up_prints_its_address_answers_there_and_stops(tmp_path: Path, stop: signal.Signals) -> None:
    service = started(tmp_path, "up", "--no-sample", "--port", "0")
    assert service.stdout is not None
    try:
        first = service.stdout.readline()
        found = re.match(r"stocktriage is at (http://127\.0\.0\.1:\d+) ", first)
        assert found is not None, first
        assert "nothing needs attention" in service.stdout.readline()
        assert httpx.get(f"{found.group(1)}/v1/health").json()["fine"]
        assert "Nothing has been told yet" in httpx.get(found.group(1)).text
    finally:
        service.send_signal(stop)
        _, errors = service.communicate(timeout=30)
    assert service.returncode == 0, errors
    assert {"stock.db", "stock.runs.db"} <= {path.name for path in tmp_path.iterdir()}


def test_anything_but_loopback_without_a_token_does_not_start(tmp_path: Path) -> None:
    service = started(tmp_path, "up", "--host", "0.0.0.0", "--port", "0")
    out, errors = service.communicate(timeout=30)
    assert (service.returncode, out) == (2, "")
    assert "STOCKTRIAGE_API_TOKENS" in errors
    assert len(errors.splitlines()) == 1


def test_a_port_that_is_taken_is_said_so(tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        service = started(tmp_path, "serve", "--port", str(taken.getsockname()[1]))
        _, errors = service.communicate(timeout=30)
    assert service.returncode == 2
    assert "cannot be had" in errors
