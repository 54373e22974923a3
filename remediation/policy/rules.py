"""May this plan be carried out by itself? Pure."""

from dataclasses import dataclass
from enum import StrEnum

from remediation.actions.port import Plan


class Level(StrEnum):
    """How far a kind of action may go by itself; each rung allows what the one below allows."""

    OFF = "off"
    SHADOW = "shadow"
    SUGGEST = "suggest"
    APPROVE = "approve"
    AUTO = "auto"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one run may move without a person, and how many runs an hour.

    ``money`` in ten-thousandths of the reporting currency, at selling prices.
    """

    units: int
    money: int
    per_hour: int


@dataclass(frozen=True, slots=True)
class Autonomy:
    """One kind's rung and rails, who answers for them and why."""

    action: str
    level: Level
    limits: Limits
    owner: str
    reason: str


class Verdict(StrEnum):
    """What the policy says to a request."""

    FORBIDDEN = "forbidden"
    ONLY_TOLD = "only_told"
    NEEDS_APPROVAL = "needs_approval"
    ALLOWED = "allowed"


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict, and why in words."""

    verdict: Verdict
    why: str


def decide(autonomy: Autonomy, plan: Plan, runs_last_hour: int, by_policy: bool) -> Decision:
    """What ``autonomy`` says to ``plan``.

    Args:
        runs_last_hour: how many runs of this kind began within the hour before.
        by_policy: no person asked for it. On ``suggest`` only a person may ask; a person who asks still approves.
    """
    match autonomy.level:
        case Level.OFF:
            return Decision(Verdict.FORBIDDEN, f"{autonomy.action} is switched off by {autonomy.owner}")
        case Level.SHADOW:
            return Decision(Verdict.ONLY_TOLD, f"{autonomy.action} is in shadow: told, not done")
        case Level.SUGGEST if by_policy:
            return Decision(Verdict.ONLY_TOLD, f"{autonomy.action} is suggested; a person has to ask for it")
        case Level.SUGGEST | Level.APPROVE:
            return Decision(Verdict.NEEDS_APPROVAL, f"{autonomy.action} waits for approval")
        case Level.AUTO:
            beyond = _beyond(autonomy.limits, plan, runs_last_hour)
            if beyond is not None:
                return Decision(Verdict.NEEDS_APPROVAL, beyond)
            return Decision(Verdict.ALLOWED, f"{autonomy.action} may run by itself")


def _beyond(limits: Limits, plan: Plan, runs_last_hour: int) -> str | None:
    if plan.units > limits.units:
        return f"it moves {plan.units} units, more than {limits.units} need approval"
    if plan.money > limits.money:
        return f"it moves stock worth {plan.money / 10_000:,.2f}, more than {limits.money / 10_000:,.2f} needs approval"
    if runs_last_hour >= limits.per_hour:
        return f"{runs_last_hour} runs in the last hour, {limits.per_hour} are the pace it may keep by itself"
    return None
