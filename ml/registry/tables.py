"""Storage of which version of each model served from when on and which answered beside it, and who said so."""

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment, whole


class ModelRelease(SQLModel, table=True):
    """One promotion or rollback; the newest row of a model is live."""

    __tablename__ = "model_release"
    __table_args__ = (Index("model_release_newest", "name", "release_id"),)

    release_id: int | None = key()
    name: str
    version: str
    folder: str
    released_at: int = moment()
    released_by: str
    reason: str
    evaluation: str | None = None
    """Digest of the rows it was measured on before it was promoted; None for a rollback."""
    figures: str | None = None
    """What was measured there, as JSON."""


class ModelChallenger(SQLModel, table=True):
    """One word on who answers beside the live model; the newest row of a model holds, an empty folder is nobody."""

    __tablename__ = "model_challenger"
    __table_args__ = (Index("model_challenger_newest", "name", "challenger_id"),)

    challenger_id: int | None = key()
    name: str
    version: str = ""
    folder: str = ""
    after_failure: int = whole()
    """The newest failure that was decided before: it answers those that come later."""
    named_at: int = moment()
    named_by: str


class DriftLook(SQLModel, table=True):
    """One look at whether failures have moved away from those before; what was found, as JSON."""

    __tablename__ = "drift_look"
    __table_args__ = (Index("drift_look_newest", "name", "look_id"),)

    look_id: int | None = key()
    name: str
    version: str
    looked_at: int = moment()
    found: str


class Retraining(SQLModel, table=True):
    """One training that the service began by itself. An unfinished one keeps others from beginning for a while."""

    __tablename__ = "retraining"
    __table_args__ = (UniqueConstraint("name", "after", name="retraining_follows_one"),)

    retraining_id: int | None = key()
    name: str
    after: int = whole()
    """The retraining it follows, 0 for the first: of two that begin at once, one begins."""
    labels: int = whole()
    """Ripe labels there were."""
    reason: str
    begun_at: int = moment()
    ended_at: int | None = moment(None)
    version: str | None = None
    outcome: str | None = None
