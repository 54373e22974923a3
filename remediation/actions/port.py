"""What an action promises: say what it will do, see that it still may, do it, prove it, take it back.

``run`` may be called twice for one run (a crash may lie between its effect and our note of it), so each
action leaves the second call without effect. ``verify`` changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

import msgspec
from sqlalchemy import Connection

from remediation.case_view import CaseView
from remediation.world import World

Told = Mapping[str, Any]
"""What a step says came of it; kept as JSON."""


class Verified(StrEnum):
    """What looking afterwards showed."""

    AGREES = "agrees"
    NOT_YET = "not_yet"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verification:
    """The verdict and, in words, what was seen."""

    verdict: Verified
    seen: str


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that the action will do, and to what; ``quantity`` in whole units where stock moves."""

    what: str
    target: str
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One way to carry the action out, for the approver to pick; ``likeness`` 0 to 1 where they are ranked."""

    name: str
    says: str
    likeness: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What would happen, before anything does.

    Args:
        units, money: how much stock the plan moves and what it sells for (ten-thousandths): for the guard rails.
        choices: what the approver may pick from; the first one is taken where nobody picks.
        failures: the failures that are gone once the plan is verified.
        hand_over: why nothing can be changed, where that is so; then a person looks into ``changes``.
        arguments: what the action needs to carry itself out later; kept as JSON.
    """

    action: str
    case_id: int
    summary: str
    changes: tuple[Change, ...]
    reversible: bool
    units: int = 0
    money: int = 0
    choices: tuple[Choice, ...] = ()
    failures: tuple[int, ...] = ()
    arguments: Mapping[str, Any] = field(default_factory=dict)
    hand_over: str | None = None

    def to_json(self) -> str:
        """The plan, to be kept."""
        return msgspec.json.encode(self).decode()

    @staticmethod
    def from_json(told: str) -> "Plan":
        """The plan that ``to_json`` kept."""
        return msgspec.json.decode(told, type=Plan)


@dataclass(frozen=True, slots=True)
class Order:
    """A plan under way: its run, who answers for it, and what the approver picked."""

    run_id: int
    plan: Plan
    actor: str
    choice: str | None

    @property
    def picked(self) -> str | None:
        """The choice to carry out: the approver's, else the plan's first."""
        return self.choice or (self.plan.choices[0].name if self.plan.choices else None)


class Action(Protocol):
    """One kind of action."""

    kind: str

    def plan(self, connection: Connection, case: CaseView, at: datetime) -> Plan:
        """What this action would do about ``case`` at ``at``; reads only."""
        ...

    def refusal(self, world: World, order: Order) -> str | None:
        """Why the plan may not be carried out as things stand now; None where it may."""
        ...

    def run(self, world: World, order: Order) -> Told:
        """Do it. Called again for the same run it changes nothing more."""
        ...

    def verify(self, world: World, order: Order) -> Verification:
        """Whether the cause is gone."""
        ...

    def finish(self, world: World, order: Order) -> None:
        """After it agreed: clear away what was only for the time between."""
        ...

    def undo(self, world: World, order: Order) -> Told:
        """Take back what ``run`` did.

        Raises:
            VerbRefused: it cannot be taken back.
        """
        ...
