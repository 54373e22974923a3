"""Notice every attempt of this process to speak with anything beyond the loopback interface.

Python reports what its sockets are about to do (``sys.addaudithook``). The attempt is stopped with ``WentOutside`` and
told to a witness, because code that retries or logs may well swallow the error. This module knows nothing of tests, so
that ``loopback_only/sitecustomize.py`` can load it into any program.

Sockets that a library opens without Python (libpq, for one) are not reported; ``watched.Watched.sockets_outside`` looks
at those from without.
"""

import ipaddress
import socket
import sys
from collections.abc import Callable
from typing import Any

_SPEAKING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_ASKING = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"})


class WentOutside(RuntimeError):
    """A socket was about to leave this machine, or to be opened to others."""


def watch(witness: Callable[[str], None]) -> Callable[[], None]:
    """Stop attempts from now on and tell each to ``witness``; returns what ends the watch.

    An audit hook stays for the life of the process; after the watch it lets everything pass.
    """
    watching = True

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event.startswith("socket."):
            attempt = outside(event, arguments)
            if attempt is not None:
                witness(attempt)
                raise WentOutside(attempt)

    def end() -> None:
        nonlocal watching
        watching = False

    sys.addaudithook(hook)
    return end


def outside(event: str, arguments: tuple[Any, ...]) -> str | None:
    """What a socket event would do beyond loopback, in words; None when it stays inside."""
    if event in _ASKING:
        host = arguments[0]
    elif event in _SPEAKING:
        address = arguments[1] if len(arguments) > 1 else None
        if not isinstance(address, tuple) or not address:  # a local socket's path, or a peer fixed by connect()
            return None
        host = address[0]
    else:
        return None
    if isinstance(host, bytes | bytearray):
        host = bytes(host).decode(errors="replace")
    if event in _ASKING and host in (None, ""):
        return None
    return None if _is_loopback(str(host)) else f"{event} {host}"


def _is_loopback(host: str) -> bool:
    """Names of this machine count as loopback to ask for; the address they stand for is judged when it is used."""
    if host in {"localhost", socket.gethostname()}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
