"""What people may do to a case, and how it is taken back."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

import pytest

from core_sync.cases import verbs
from core_sync.cases.detail import read_case
from core_sync.cases.undo import undo
from core_sync.cases.weigh import Opinion, write_opinion
from core_sync.database.engine import Database
from core_sync.errors import NotFound, VerbRefused
from tests.core_sync.cases.worklist import MORNING, a_case, after, the_case, the_list


def does(database: Database, verb: Callable[..., Any], *told: Any, **named: Any) -> int:
    with database.transaction() as connection:
        return cast("int", verb(connection, *told, **named))


def test_acknowledging_names_who_and_when_and_what_was_so_before(database: Database) -> None:
    case = a_case(database)
    does(database, verbs.acknowledge, case, "ana", after(minutes=5), "looking")
    with database.reading() as connection:
        entry = read_case(connection, case, MORNING).timeline[-1]
    assert (entry.actor, entry.verb, entry.at, entry.note) == ("ana", "acknowledge", after(minutes=5), "looking")
    assert (entry.before["status"], entry.after["status"]) == ("new", "acknowledged")
    assert the_case(database, case).status == "acknowledged"


def test_what_the_state_does_not_allow_is_refused_with_the_state(database: Database) -> None:
    case = a_case(database)
    does(database, verbs.resolve, case, "restarted", "ana", MORNING)
    with pytest.raises(VerbRefused, match=f"cannot acknowledge case {case}: it is resolved"):
        does(database, verbs.acknowledge, case, "ana", MORNING)
    with pytest.raises(NotFound):
        does(database, verbs.acknowledge, 999, "ana", MORNING)


@pytest.mark.parametrize("verb", ["acknowledge", "assign", "snooze", "resolve", "override"])
def test_every_verb_can_be_undone(database: Database, verb: str) -> None:
    case = a_case(database)
    before = the_case(database, case)
    told = {
        "acknowledge": ("ana", after(minutes=1)),
        "assign": ("bo", "ana", after(minutes=1)),
        "snooze": (after(hours=3), "ana", after(minutes=1)),
        "resolve": ("restarted", "ana", after(minutes=1)),
        "override": ("ana", after(minutes=1), "I know better"),
    }[verb]
    named = {"root_cause": "duplicate", "rank": 990_000} if verb == "override" else {}
    entry = does(database, getattr(verbs, verb), case, *told, **named)
    assert the_case(database, case) != before
    does(database, undo, case, entry, "ana", MORNING)
    undone = the_case(database, case)
    for name in ("status", "owner", "snoozed_until", "resolved_at", "resolution", "root_cause", "override", "rank"):
        assert getattr(undone, name) == getattr(before, name)
    with pytest.raises(VerbRefused, match="undone before"):
        does(database, undo, case, entry, "ana", MORNING)


def test_undo_is_refused_when_something_later_rests_on_it(database: Database) -> None:
    case = a_case(database)
    entry = does(database, verbs.assign, case, "bo", "ana", MORNING)
    does(database, verbs.assign, case, "cy", "ana", MORNING)
    with pytest.raises(VerbRefused, match="owner changed since"):
        does(database, undo, case, entry, "ana", MORNING)
    assert the_case(database, case).owner == "cy"


def test_a_case_reopened_goes_on(database: Database) -> None:
    case = a_case(database)
    does(database, verbs.resolve, case, "restarted", "ana", MORNING)
    assert the_list(database) == []
    does(database, verbs.reopen, case, "ana", MORNING)
    assert the_list(database) == [case]


def test_a_case_is_not_reopened_beside_the_one_that_took_its_place(database: Database) -> None:
    old = a_case(database, "MUG", fingerprint="outage")
    does(database, verbs.resolve, old, "restarted", "ana", MORNING)
    new = a_case(database, "CUP", fingerprint="outage", at=after(days=20))
    with pytest.raises(VerbRefused, match=f"case {new} is open for the same trouble"):
        does(database, verbs.reopen, old, "ana", after(days=20))


def test_an_override_wins_over_the_model_until_it_expires_and_both_are_shown(database: Database) -> None:
    case, other = a_case(database, "MUG", "10"), a_case(database, "CUP", "500")
    assert the_list(database) == [other, case]
    does(
        database, verbs.override, case, "ana", MORNING, "key account", root_cause="duplicate", rank=9_000_000,
        until=after(hours=4),
    )  # fmt: skip
    assert the_list(database) == [case, other]
    opinion = Opinion(title="again", root_cause="timeout", expected_loss=Decimal(11), currency="EUR")
    does(database, write_opinion, case, opinion, after(hours=1))
    assert the_list(database) == [case, other], "a new opinion does not undo what a person said"
    shown = the_case(database, case, after(hours=1))
    assert (shown.root_cause, shown.model_root_cause) == ("duplicate", "timeout")
    assert (shown.expected_loss, shown.override_expected_loss) == (Decimal(11), Decimal(900))
    assert the_case(database, case, after(hours=5)).root_cause == "timeout"


@pytest.mark.parametrize(
    ("named", "why"),
    [
        ({"reason": " ", "root_cause": "timeout"}, "needs a reason"),
        ({"reason": "x", "root_cause": "gremlins"}, "is no root cause"),
        ({"reason": "x"}, "say a root cause"),
        ({"reason": "x", "rank": 5, "until": after(hours=-1)}, "is past"),
    ],
)
def test_an_override_that_says_nothing_or_nonsense_is_refused(
    database: Database, named: dict[str, Any], why: str
) -> None:
    case = a_case(database)
    with pytest.raises(VerbRefused, match=why):
        does(database, verbs.override, case, "ana", MORNING, **named)
    assert the_case(database, case).override is None
