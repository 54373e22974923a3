"""What runs in which process: everything in one, HTTP alone, or one role alone."""

import logging
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from api.wiring import World, build_world
from core_sync.errors import SettingsRefused
from core_sync.settings import PREFIX, Settings

_LOG = logging.getLogger("stocktriage.serving")

Say = Callable[[str], None]

TOP = 10
"""Cases that ``up`` prints."""


def run_everything(settings: Settings, say: Say) -> None:
    """Migrate, fill an empty database with the sample, triage, serve and do every role's rounds, until stopped.

    Raises:
        SettingsRefused: others could reach the service without a token, or the address cannot be had.
    """
    from api.jobs.rounds import ROLES
    from api.jobs.sample import fill_with_sample, is_empty
    from api.jobs.sample_peers import simulated_peers
    from api.jobs.triage import triage

    settings.check_safe_to_serve()
    _log_plainly()
    with _listening(settings) as listening, _durable_world(settings) as world:
        if settings.sample and is_empty(world):
            started = time.perf_counter()
            fill_with_sample(world)
            say(f"filled with the sample distributor in {time.perf_counter() - started:.1f} s (simulated data)")
        triage(world)
        with simulated_peers(world):
            stop = threading.Event()
            rounds = [_round_thread(world, role, stop) for role in ROLES]
            try:
                _serve(world, listening, lambda: _greet(world, _address(settings, listening), say))
            finally:
                stop.set()
                for thread in rounds:
                    thread.join(timeout=30)


def run_http(settings: Settings, say: Say) -> None:
    """Serve the API and the console until stopped.

    Raises:
        SettingsRefused: as ``run_everything``.
    """
    settings.check_safe_to_serve()
    _log_plainly()
    with _listening(settings) as listening, _plain_world(settings) as world:
        _serve(world, listening, lambda: say(f"listening on {_address(settings, listening)}"))


def run_worker(settings: Settings, role: str, once: bool) -> dict[str, int] | None:
    """Do the rounds of one role until stopped; with ``once`` a single one, and tell what it did."""
    from api.jobs.rounds import ROLES, keep_round

    _log_plainly()
    with _durable_world(settings) if role == "remedy" else _plain_world(settings) as world:
        if once:
            return ROLES[role].round(world)
        stop = threading.Event()
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, lambda *_: stop.set())
        keep_round(world, role, stop)
    return None


@contextmanager
def _plain_world(settings: Settings) -> Iterator[World]:
    world = build_world(settings)
    try:
        yield world
    finally:
        world.close()


@contextmanager
def _durable_world(settings: Settings) -> Iterator[World]:
    """A world whose actions go on where a crash cut them off."""
    from remediation.runs.durable import DurableRunner

    runner: DurableRunner = DurableRunner(settings.runs_url)
    world = build_world(settings, runner=runner)
    try:
        runner.launch(world.remediation)
        yield world
    finally:
        runner.close()
        world.close()


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket to listen on, taken before anything long begins."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
        except OSError as error:
            where = f"{settings.host} port {settings.port}"
            raise SettingsRefused(f"{PREFIX}PORT", f"{where} cannot be had ({error.strerror}); use another") from error
        yield listening


def _serve(world: World, listening: socket.socket, when_ready: Callable[[], None]) -> None:
    import uvicorn

    from api.app import create_app

    app = create_app(world)
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    greeting = threading.Thread(target=_when_started, args=(server, when_ready), daemon=True)
    greeting.start()
    # uvicorn ends well and then passes on the signal that stopped it, which would end us before we ended well too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stop = threading.Event()
    warming = threading.Thread(target=_keep_estimates, args=(world, stop), name="warm-estimates", daemon=True)
    warming.start()
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listening])
    stop.set()
    warming.join(timeout=30)


WARMED_EVERY_S = 900.0
"""Well before estimates are too old to answer with; more often would read four weeks while nobody asks."""
RETRIED_AFTER_S = 60.0


def _keep_estimates(world: World, stop: threading.Event) -> None:
    """Let nobody who looks at buffers wait until the last weeks are read."""
    from core_sync.availability.promises import channel_names

    wait_s = 0.0
    while not stop.wait(wait_s):
        wait_s = WARMED_EVERY_S
        try:
            with world.database.reading() as connection:
                world.estimates.of(connection, channel_names(connection), world.clock())
        except Exception:
            wait_s = RETRIED_AFTER_S
            _LOG.exception("the estimates of demand could not be read; who asks for buffers waits for them")


def _when_started(server: "object", then: Callable[[], None]) -> None:
    while not getattr(server, "started", False):
        if getattr(server, "should_exit", False):
            return
        time.sleep(0.02)
    then()


def _greet(world: World, address: str, say: Say) -> None:
    from api.cli.feed import COLUMNS
    from api.cli.session import print_table
    from api.shapes import case_shape
    from core_sync.cases.feed import read_feed
    from core_sync.cases.totals import read_totals

    with world.database.reading() as connection:
        page, totals = read_feed(connection, world.clock(), limit=TOP), read_totals(connection)
    say(f"stocktriage is at {address} (API below {address}/v1, stop with Ctrl-C)")
    if not page.cases:
        say("the list is empty: nothing needs attention")
        return
    losses = " + ".join(f"{amount:,.2f} {currency}" for currency, amount in totals.expected_loss.items())
    say(f"{totals.cases:,} cases need attention; expected loss {losses or 'not known'}; the first {len(page.cases)}:")
    print_table([case_shape(case) for case in page.cases], COLUMNS)


def _address(settings: Settings, listening: socket.socket) -> str:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{host}:{listening.getsockname()[1]}"


def _round_thread(world: World, role: str, stop: threading.Event) -> threading.Thread:
    from api.jobs.rounds import keep_round

    thread = threading.Thread(target=keep_round, args=(world, role, stop), name=f"rounds-{role}", daemon=True)
    thread.start()
    return thread


def _log_plainly() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    logging.getLogger("stocktriage").setLevel(logging.INFO)
