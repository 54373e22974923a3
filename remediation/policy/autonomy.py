"""The autonomy ladder as it stands: the newest rule of each kind, else the default."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import Connection, text

from core_sync.clock import to_microseconds
from remediation.actions.catalog import ACTIONS, action
from remediation.actions.retry_push import RetryPush
from remediation.policy.rules import Autonomy, Level, Limits

_CAREFUL = Limits(units=1_000, money=10_000 * 10_000, per_hour=60)
_OWNER = "default"


def _default(kind: str) -> Autonomy:
    if kind == RetryPush.kind:
        return Autonomy(kind, Level.AUTO, _CAREFUL, _OWNER, "pushing today's promise again is safe to repeat")
    return Autonomy(kind, Level.APPROVE, _CAREFUL, _OWNER, "a person answers for it until it has proved itself")


DEFAULTS: Mapping[str, Autonomy] = {kind: _default(kind) for kind in ACTIONS}
"""By kind of action: what holds until somebody says otherwise."""


def autonomy_of(connection: Connection, kind: str) -> Autonomy:
    """The rung and rails of one kind of action."""
    row = connection.execute(
        text(
            "SELECT level, max_units, max_money, per_hour, owner, reason FROM autonomy_rule "
            "WHERE action = :action ORDER BY rule_id DESC LIMIT 1"
        ),
        {"action": kind},
    ).first()
    if row is None:
        return DEFAULTS[action(kind).kind]
    limits = Limits(row.max_units, row.max_money, row.per_hour)
    return Autonomy(kind, Level(row.level), limits, row.owner, row.reason)


def ladder(connection: Connection) -> list[Autonomy]:
    """Every kind of action with its rung."""
    return [autonomy_of(connection, kind) for kind in ACTIONS]


def set_autonomy(connection: Connection, autonomy: Autonomy, at: datetime) -> None:
    """From now on ``autonomy`` holds for its kind.

    Raises:
        NotFound: there is no such kind of action.
    """
    connection.execute(
        text(
            "INSERT INTO autonomy_rule (action, level, max_units, max_money, per_hour, owner, reason, set_at) "
            "VALUES (:action, :level, :units, :money, :per_hour, :owner, :reason, :at)"
        ),
        {
            "action": action(autonomy.action).kind,
            "level": autonomy.level.value,
            "units": autonomy.limits.units,
            "money": autonomy.limits.money,
            "per_hour": autonomy.limits.per_hour,
            "owner": autonomy.owner,
            "reason": autonomy.reason,
            "at": to_microseconds(at),
        },
    )


def runs_last_hour(connection: Connection, kind: str, at: datetime) -> int:
    """How many runs of ``kind`` began within the hour before ``at``."""
    counted = connection.execute(
        text("SELECT count(*) FROM action_run WHERE action = :action AND started_at > :since"),
        {"action": kind, "since": to_microseconds(at - timedelta(hours=1))},
    ).scalar_one()
    return int(counted)
