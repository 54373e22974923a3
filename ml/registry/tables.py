"""Storage of promotions: which version of each model served from when on, and who said so."""

from sqlalchemy import Index
from sqlmodel import SQLModel

from core_sync.database.columns import key, moment


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
