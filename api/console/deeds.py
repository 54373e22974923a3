"""What the forms of the case page do: fields in, one verb, nothing out."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sqlalchemy import Connection

from api import judging
from api.console.judging import judged
from api.wiring import World
from core_sync.cases import grouping, undo, verbs
from core_sync.money import to_ten_thousandths
from remediation import service

SPANS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1), "7d": timedelta(days=7)}
"""For how long the page offers to snooze or to override."""

_AMOUNT = re.compile(r"(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
"""As the pages write amounts: where a comma stands for the decimal point, guessing would be wrong a hundredfold."""


class FormRefused(ValueError):
    """A field holds what it cannot hold; the message says which and why."""


@dataclass(frozen=True)
class Said:
    """What a form said, by whom and when."""

    case_id: int
    actor: str
    at: datetime
    fields: Mapping[str, Sequence[str]]

    def text(self, field: str) -> str:
        """The text in a field; empty where there is none."""
        return (self.fields.get(field) or [""])[0].strip()

    def number(self, field: str) -> int:
        """The whole number in a field."""
        return _number(self.text(field), field)

    def numbers(self, field: str) -> list[int]:
        """Every whole number that was ticked."""
        return [_number(value, field) for value in self.fields.get(field) or []]

    def money(self, field: str) -> int | None:
        """The amount in a field, in ten-thousandths; None where it is empty."""
        said = self.text(field)
        if not said:
            return None
        if not _AMOUNT.fullmatch(said):
            raise FormRefused(f"{field.replace('_', ' ')}: {said} is no amount; write it like 1,234.50 or 1234.5")
        amount = Decimal(said.replace(",", ""))
        if amount > 10**12:
            raise FormRefused(f"{field.replace('_', ' ')}: {said} is more money than can be kept")
        return to_ten_thousandths(amount)

    def until(self, field: str) -> datetime | None:
        """The moment that one of ``SPANS`` leads to; None where none was chosen."""
        said = self.text(field)
        if said and said not in SPANS:
            raise FormRefused(f"{field}: choose one of the spans offered")
        return self.at + SPANS[said] if said else None


def _number(said: str, field: str) -> int:
    if not said.isdigit() or len(said) > 18:
        raise FormRefused(f"{field}: {said or 'nothing'} is no number")
    return int(said)


def _verb(verb: Callable[[Connection, Said], object]) -> Callable[[World, Said], None]:
    def doing(world: World, said: Said) -> None:
        with world.database.transaction() as connection:
            verb(connection, said)

    return doing


def _snooze(connection: Connection, said: Said) -> None:
    stock_below = said.number("stock_below") if said.text("stock_below") else None
    verbs.snooze(
        connection, said.case_id, said.until("until"), said.actor, said.at, said.text("note") or None,
        said.money("above"), stock_below,
    )  # fmt: skip


def _override(connection: Connection, said: Said) -> None:
    verbs.override(
        connection, said.case_id, said.actor, said.at, said.text("reason"), said.text("root_cause") or None,
        said.money("expected_loss"), said.until("until"),
    )  # fmt: skip


def _assign(connection: Connection, said: Said) -> None:
    verbs.assign(connection, said.case_id, said.text("owner") or None, said.actor, said.at)


def _act(world: World, said: Said) -> None:
    choice, action = said.text("choice") or None, said.text("action") or None
    service.request(world.remediation, said.case_id, said.actor, said.at, action, choice)


def _approve(world: World, said: Said) -> None:
    service.approve(world.remediation, said.number("run"), said.actor, said.at, said.text("choice") or None)


def _reject(world: World, said: Said) -> None:
    reason = said.text("reason")
    if not reason:
        raise FormRefused("reject: say why")
    service.reject(world.database, said.number("run"), said.actor, reason, said.at)


def _take_back(world: World, said: Said) -> None:
    service.undo(world.remediation, said.number("run"), said.actor, said.at)


DEEDS: Mapping[str, Callable[[World, Said], None]] = {
    "acknowledge": _verb(lambda c, s: verbs.acknowledge(c, s.case_id, s.actor, s.at, s.text("note") or None)),
    "begin": _verb(lambda c, s: verbs.begin(c, s.case_id, s.actor, s.at, s.text("note") or None)),
    "wait": _verb(lambda c, s: verbs.wait(c, s.case_id, s.actor, s.at, s.text("note") or None)),
    "assign": _verb(_assign),
    "note": _verb(lambda c, s: verbs.note(c, s.case_id, s.text("note"), s.actor, s.at)),
    "override": _verb(_override),
    "snooze": _verb(_snooze),
    "merge": _verb(lambda c, s: grouping.merge(c, s.case_id, s.number("into"), s.actor, s.at)),
    "split": _verb(lambda c, s: grouping.split(c, s.case_id, s.numbers("signal"), s.actor, s.at)),
    "resolve": _verb(lambda c, s: verbs.resolve(c, s.case_id, s.text("resolution"), s.actor, s.at)),
    "reopen": _verb(lambda c, s: verbs.reopen(c, s.case_id, s.actor, s.at)),
    "undo": _verb(lambda c, s: undo.undo(c, s.case_id, s.number("entry"), s.actor, s.at)),
    "judge": lambda world, said: judged(world, said.actor, said.fields, case_id=said.case_id),
    "unjudge": lambda world, said: judging.undo(world, said.number("judgement"), said.actor),
    "act": _act,
    "approve": _approve,
    "reject": _reject,
    "take-back": _take_back,
}
"""Every form of the case page by the last part of its address."""
