"""Storage of accepted oversell rates, of how an oversell's weight followed the realised ones, and of weeks replayed."""

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from core_sync.database.columns import key, moment, whole


class BufferTarget(SQLModel, table=True):
    """Oversells per unit asked that somebody accepts, of a channel, a SKU, both or all ("" means any). Versions.

    With ``kept`` the service applies what is recommended for the channel by itself, in the owner's name.
    """

    __tablename__ = "buffer_target"
    __table_args__ = (
        CheckConstraint("oversell_rate > 0 AND oversell_rate < 1", name="target_is_a_rate"),
        Index("buffer_target_newest", "channel", "sku", "target_id"),
    )

    target_id: int | None = key()
    channel: str = ""
    sku: str = ""
    oversell_rate: float
    kept: bool = False
    owner: str
    reason: str
    set_at: int = moment()


class BufferStep(SQLModel, table=True):
    """What an oversell counts on a channel from ``at`` on, after what came true from ``since`` to then."""

    __tablename__ = "buffer_step"
    __table_args__ = (
        UniqueConstraint("channel", "since", name="buffer_step_follows_one"),
        Index("buffer_step_newest", "channel", "step_id"),
    )

    step_id: int | None = key()
    channel: str
    since: int | None = moment(None)
    at: int = moment()
    asked: int = whole()
    oversold: int = whole()
    target: float
    weight: float = Field(gt=0)


class BufferReplay(SQLModel, table=True):
    """What every way to hold back would have done on a channel in the last weeks, as of when it was worked out.

    ``until`` is the end of the last day played, ``newest_entry`` the last entry of the ledger that was there then, and
    ``told`` what came of it, as JSON (``api.jobs.kept_replay``).
    """

    __tablename__ = "buffer_replay"

    channel: str = Field(primary_key=True)
    played_at: int = moment()
    until: int = moment()
    newest_entry: int = whole()
    told: str
