"""Alembic, one history a room: each room owns the tables it writes, and its own version table.

A room's folder holds ``versions/``; the environment below is shared. Histories are independent, so
core_sync's database is complete without the rooms above it.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from core_sync.database.engine import Database

ENVIRONMENT = Path(__file__).parent / "alembic"
CORE_SYNC = Path(__file__).parent.parent / "migrations"


def upgrade(database: Database, *rooms: Path, revision: str = "head") -> None:
    """Bring the tables of core_sync, then of ``rooms`` (their ``migrations`` folders), to ``revision``."""
    for folder in (CORE_SYNC, *rooms):
        with database.transaction() as connection:
            config = configuration(folder)
            config.attributes["connection"] = connection
            command.upgrade(config, revision)


def head(folder: Path) -> str | None:
    """The newest revision of a room's history."""
    return ScriptDirectory.from_config(configuration(folder)).get_current_head()


def version_table(folder: Path) -> str:
    """The name of the table that keeps a room's revision."""
    return f"alembic_version_{folder.parent.name}"


def configuration(folder: Path) -> Config:
    """Alembic's configuration for the history in ``folder``."""
    config = Config()
    config.set_main_option("script_location", str(ENVIRONMENT))
    config.set_main_option("version_locations", str(folder / "versions"))
    config.set_main_option("path_separator", "os")
    config.set_main_option("version_table", version_table(folder))
    return config
