"""What ``doctor`` and the health route look at: is it there, does it agree, and what to do where not."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from api.wiring import World
from core_sync.errors import StocktriageError
from core_sync.master_data.loose_ends import loose_ends
from core_sync.settings import PREFIX, Settings

if TYPE_CHECKING:
    from core_sync.ledger.proof import ProofState

PROOF_MAX = timedelta(seconds=20)
"""How long ``doctor`` proves the ledger; the service's rounds go on from there."""

DISK_MIN_BYTES = 500_000_000
"""Less room than this on the disk is told: SQLite stops writing when it is full."""

_KNOWN_ELSEWHERE = {f"{PREFIX}{name}" for name in ("TRACEBACK", "SHARED_DATA", "TEST_POSTGRES", "TEST_PROFILE")}


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; ``mend`` says what to do where it is not as it should be."""

    check: str
    fine: bool
    found: str
    mend: str = ""


def examine(world: World, thorough: bool = True) -> list[Check]:
    """Look at everything; not ``thorough`` leaves out what takes longer than a moment."""
    looks: list[Callable[[World], Iterator[Check]]] = [_safe_to_serve, _database, _disk]
    if thorough:
        looks += [_replay, _waiting, _master_data, _channels, _models, _unknown_settings]
    found: list[Check] = []
    for look in looks:
        try:
            found += look(world)
        except (StocktriageError, OSError) as error:
            found.append(Check(look.__name__.strip("_").replace("_", " "), False, str(error)))
    return found


def _safe_to_serve(world: World) -> Iterator[Check]:
    world.settings.check_safe_to_serve()
    tokens = len(world.settings.tokens())
    told = f"{world.settings.host}, " + (f"{tokens} token(s)" if tokens else "no token needed on loopback")
    yield Check("safe to serve", True, told)


def _database(world: World) -> Iterator[Check]:
    with world.database.reading() as connection:
        entries = connection.execute(text("SELECT count(*) FROM ledger_entry")).scalar_one()
    yield Check("database", True, f"{world.database.shown_url}, {entries:,} ledger entries")
    with world.database.transaction() as connection:  # a database that only reads looks well until something happens
        connection.execute(text("UPDATE master_data_version SET version = version WHERE only_row = 1"))
    yield Check("database can be written", True, "yes")


def _disk(world: World) -> Iterator[Check]:
    folder = world.settings.home
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    yield Check(
        "room on the disk", free >= DISK_MIN_BYTES, f"{free / 1e9:,.1f} GB free", "make room: a full disk stops writing"
    )


def _replay(world: World) -> Iterator[Check]:
    from core_sync.ledger.proof import prove_all

    state = prove_all(world.database, world.clock(), PROOF_MAX)
    told = f"{state.open_disagreements:,} positions differ" if state.open_disagreements else "yes"
    yield Check(
        "replaying the ledger gives the positions",
        not state.open_disagreements,
        f"{told}; {proof_told(state)}",
        "keep the database as it is and report this: it must not happen; stocktriage feed shows each as a case",
    )


def proof_told(state: "ProofState") -> str:
    """How much of the proof is done, in words."""
    whole = (
        f"{state.whole_proved:,} positions proved from {state.whole_started_at:%Y-%m-%d %H:%M:%S} "
        f"to {state.whole_ended_at:%H:%M:%S} UTC"
        if state.whole_started_at and state.whole_ended_at
        else "never proved as a whole yet"
    )
    under_way = f"; {state.coverage:.0%} of the next pass done" if state.proved else ""
    return whole + under_way


def _waiting(world: World) -> Iterator[Check]:
    with world.database.reading() as connection:
        rows = connection.execute(
            text(
                "SELECT coalesce(lacks, 'stock') AS lack, count(*) FROM held_event "
                "WHERE status = 'parked' GROUP BY lacks ORDER BY lack"
            )
        ).all()
    told = ", ".join(f"{count:,} for {lacks}" for lacks, count in rows)
    lacking = [lacks for lacks, _ in rows if lacks != "stock"]
    mend = f"load the {', '.join(lacking)} they name: stocktriage load TABLE FILE" if lacking else ""
    yield Check("parked events", not lacking, told or "none", mend)


def _master_data(world: World) -> Iterator[Check]:
    with world.database.reading() as connection:
        found = loose_ends(connection)
    for one in found:
        more = f" and {one.many - len(one.names):,} more" if one.many > len(one.names) else ""
        yield Check("master data", False, f"{one.table} lack {one.lacks}: {', '.join(one.names)}{more}", one.mend)
    if not found:
        yield Check("master data", True, "what it names is there")


def _channels(world: World) -> Iterator[Check]:
    with world.database.reading() as connection:
        channels = connection.execute(text("SELECT channel, mode FROM channel ORDER BY priority, channel")).all()
    for channel, mode in channels:
        connected = world.channels.get(channel) is not None
        told = f"{mode}, {'connected' if connected else 'no endpoint'}"
        mend = f'set {PREFIX}CHANNEL_ENDPOINTS={{"{channel}": "https://…"}}, or its mode to shadow'
        yield Check(f"channel {channel}", connected or mode == "shadow", told, "" if connected else mend)


def _models(world: World) -> Iterator[Check]:
    models = world.models
    for name in sorted(models.folders):
        try:
            version = models.version(name)
        except StocktriageError as error:
            yield Check(f"model {name}", False, str(error), "stocktriage rollback " + name)
        else:
            yield Check(f"model {name}", True, version)


def _unknown_settings(world: World) -> Iterator[Check]:  # noqa: ARG001 (every look is handed the world)
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | _KNOWN_ELSEWHERE
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)
    mend = "check the spelling; 'stocktriage doctor' lists every setting" if unknown else ""
    yield Check("settings", not unknown, f"not known: {', '.join(unknown)}" if unknown else "all known", mend)
