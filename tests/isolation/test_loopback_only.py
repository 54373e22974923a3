"""The watch over sockets sees what leaves loopback, and only that."""

import socket
import sys
from pathlib import Path

import pytest

from tests.isolation.outside import WentOutside, outside
from tests.isolation.watched import run_watched, watched

DOCUMENTATION_ADDRESS = "192.0.2.1"
"""Reserved for examples (RFC 5737): nothing answers there, should the watch ever fail."""


@pytest.mark.parametrize(
    ("event", "arguments", "seen"),
    [
        ("socket.connect", (None, (DOCUMENTATION_ADDRESS, 80)), True),
        ("socket.connect", (None, ("2001:db8::1", 80, 0, 0)), True),
        ("socket.connect", (None, ("127.0.0.1", 80)), False),
        ("socket.connect", (None, ("::1", 80, 0, 0)), False),
        ("socket.connect", (None, "/run/a-local-socket"), False),
        ("socket.bind", (None, ("0.0.0.0", 80)), True),  # open to every network the machine is in
        ("socket.bind", (None, ("", 80)), True),
        ("socket.bind", (None, ("127.0.0.1", 0)), False),
        ("socket.sendto", (None, (DOCUMENTATION_ADDRESS, 53)), True),
        ("socket.getaddrinfo", ("telemetry.example.org", 443, 0, 0, 0), True),
        ("socket.getaddrinfo", (b"telemetry.example.org", 443, 0, 0, 0), True),
        ("socket.getaddrinfo", ("localhost", 80, 0, 0, 0), False),
        ("socket.getaddrinfo", (None, 80, 0, 0, 0), False),
        ("open", ("/etc/hosts", "r", 0), False),
    ],
)
def test_only_what_leaves_loopback_is_seen(event: str, arguments: tuple[object, ...], seen: bool) -> None:
    assert (outside(event, arguments) is not None) is seen


def test_a_test_that_leaves_loopback_is_stopped_and_remembered(outside_attempts: list[str]) -> None:
    with socket.socket() as speaker, pytest.raises(WentOutside):
        speaker.connect((DOCUMENTATION_ADDRESS, 80))
    assert outside_attempts == [f"socket.connect {DOCUMENTATION_ADDRESS}"]
    outside_attempts.clear()  # meant: this test shall not fail for it


def test_a_program_that_leaves_loopback_and_hides_it_is_found_out(tmp_path: Path) -> None:
    hides = f"""
import socket, subprocess, sys
try:
    socket.create_connection(("{DOCUMENTATION_ADDRESS}", 80), timeout=0.2)
except Exception:
    pass
subprocess.run([sys.executable, "-c", "import socket; socket.socket().bind(('', 0))"], stderr=subprocess.DEVNULL)
"""
    program = run_watched([sys.executable, "-c", hides], tmp_path)
    assert program.process.returncode == 0
    assert [line.partition(" by ")[0].strip() for line in program.attempts()] == [
        f"socket.getaddrinfo {DOCUMENTATION_ADDRESS}",
        "socket.bind",
    ]


def test_a_program_that_stays_on_loopback_is_left_alone(tmp_path: Path) -> None:
    stays = """
import socket
with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as caller:
    caller.sendall(b"stock")
    print(server.accept()[0].recv(5))
"""
    program = run_watched([sys.executable, "-c", stays], tmp_path)
    assert program.said().strip() == "b'stock'"
    assert program.attempts() == []


def test_a_port_that_is_open_to_the_network_is_seen_from_without(tmp_path: Path) -> None:
    listens = """
import socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
print("listening", flush=True)
time.sleep(60)
"""
    with watched([sys.executable, "-c", listens], tmp_path) as program:
        program.wait_until(lambda: "listening" in program.said(), seconds_max=20)
        assert program.sockets_outside() == []
    open_to_all = listens.replace("127.0.0.1", "0.0.0.0")
    with watched([sys.executable, "-S", "-c", open_to_all], tmp_path) as program:  # -S: the watch inside sleeps
        program.wait_until(lambda: "listening" in program.said(), seconds_max=20)
        assert [line.split()[0] for line in program.sockets_outside()] == ["LISTEN"]
