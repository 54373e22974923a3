"""One ledger and the oracle beside it, living through the same history and compared after each step.

Two ``Ledger`` objects work on the one database, as two processes would. The oracle is told each event by itself, the
ledger whole batches: so however a batch is split, each event meets the same end.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text

from core_sync.database.engine import Database
from core_sync.errors import VerbRefused
from core_sync.ledger.decisions import apply_after_all, confirm_duplicate, refuse, retry_lacking, reverse
from core_sync.ledger.events import Event
from core_sync.ledger.ledger import Ledger
from core_sync.ledger.outcome import BatchOutcome
from core_sync.ledger.verdicts import held_by_event
from core_sync.master_data.load import add_alias, bump_version
from tests.builders import MONDAY
from tests.core_sync.ledger.books import Name
from tests.core_sync.ledger.laws import assert_as_told, assert_lawful, telling_id
from tests.core_sync.ledger.oracle import Oracle

AT = MONDAY + timedelta(days=9)
LATE_MASTER_DATA = (
    "sku UFO",
    "alias",
    "location MARS",
    "pack",
    "half pack",
    "BATH lenient",
    "YORK strict",
    "shop opens",
)


class Life:
    """Mugs and trays at Leeds and Bath (strict) and York (lenient); what the depot had at first is unknown."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.ledgers = (Ledger(database), Ledger(database))
        self.ever_lenient = {"YORK"}
        self.oracle = Oracle(
            telling_id,
            lenient={"YORK"},
            unknown_opening={"depot"},
            skus={"MUG", "TRAY"},
            locations={"LEEDS", "BATH", "YORK"},
        )
        self._load(
            "INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('MUG', 'EA', FALSE), ('TRAY', 'EA', FALSE)",
            "INSERT INTO location (location, stock_control) "
            "VALUES ('LEEDS', 'strict'), ('BATH', 'strict'), ('YORK', 'lenient')",
            "INSERT INTO source (name, opening, winner, tolerance) VALUES ('depot', 'unknown', '', 0)",
        )

    def tell(self, *batch: Event, writer: int = 0) -> None:
        """Told to the ledger as a whole and to the oracle one by one, the batch has the same outcome."""
        before, accepted = self.oracle.tellings.copy(), self._accepted()
        for event in batch:
            self.oracle.hear(event)
        outcome = self.ledgers[writer].apply(batch, AT)
        new = self.oracle.tellings - before
        assert (outcome.duplicates, outcome.conflicts, outcome.repeated) == (
            new["duplicate"],
            new["conflict"],
            new["repeated"],
        )
        assert outcome.accepted == self._accepted() - accepted
        _assert_each_has_one_end(batch, outcome)
        self.check()

    def learn(self, what: str, writer: int = 0) -> None:
        """One of ``LATE_MASTER_DATA`` is loaded."""
        _LEARNT[what](self)
        accepted = self._accepted()
        self.oracle.retry_lacking()
        outcome = retry_lacking(self.ledgers[writer], AT)
        assert outcome.accepted == self._accepted() - accepted
        self.check()

    def decide(self, verb: str, name: Name, writer: int = 0) -> None:
        """A person says ``apply after all``, ``confirm`` or ``refuse`` of a held event."""
        with self.database.reading() as connection:
            held = held_by_event(connection, *name).held_id
        match verb:
            case "apply after all":
                may, act = self.oracle.apply_after_all(name), apply_after_all
            case "confirm":
                may, act = self.oracle.dismiss(name, "suspected_duplicate", "conflict"), confirm_duplicate
            case "refuse":
                may, act = self.oracle.dismiss(name, "suspected_duplicate", "conflict", "parked", "refused"), refuse
        self._allowed(may, lambda: act(self.ledgers[writer], held, "ops", AT))

    def take_back(self, name: Name, writer: int = 0) -> None:
        """A person takes an accepted event back, where that may be."""
        may = self.oracle.take_back(name)
        self._allowed(may, lambda: reverse(self.ledgers[writer], *name, "ops", AT))

    def refuses_to_take_back(self, name: Name, why: str) -> None:
        """A person may not take the entry back."""
        with pytest.raises(VerbRefused, match=why):
            reverse(self.ledgers[0], *name, "ops", AT)
        self.check()

    def check(self) -> None:
        """The whole ledger is lawful, and what the oracle says."""
        with self.database.reading() as connection:
            assert_lawful(connection, self.ever_lenient)
            assert_as_told(connection, self.oracle)

    def _allowed(self, may: bool, act: Callable[[], object]) -> None:
        try:
            act()
        except VerbRefused as refusal:
            said = str(refusal)
        else:
            said = ""
        assert may == (said == ""), said or "must be refused"
        self.check()

    def _accepted(self) -> int:
        return sum(end == "accepted" for end in self.oracle.ends.values())

    def _load(self, *statements: str) -> None:
        with self.database.transaction() as connection:
            for statement in statements:
                connection.execute(text(statement))
            bump_version(connection)

    def _learn_sku(self) -> None:
        self.oracle.skus.add("UFO")
        self._load("INSERT INTO sku (sku, base_uom, lot_controlled) VALUES ('UFO', 'EA', FALSE)")

    def _learn_alias(self) -> None:
        with self.database.transaction() as connection:
            for source in ("wms", "shop"):
                self.oracle.aliases[source, "MUG-BLUE"] = "MUG"
                add_alias(connection, source, "MUG-BLUE", "MUG", "ops")

    def _learn_location(self) -> None:
        self.oracle.locations.add("MARS")
        self._load("INSERT INTO location (location, stock_control) VALUES ('MARS', 'strict')")

    def _learn_pack(self, uom: str, factor: Fraction) -> None:
        for sku in ("MUG", "TRAY"):
            self.oracle.packs[sku, uom] = factor
            self._load(
                "INSERT INTO unit_of_measure (sku, uom, numerator, denominator) "
                f"VALUES ('{sku}', '{uom}', {factor.numerator}, {factor.denominator})"
            )

    def _learn_control(self, location: str, control: str) -> None:
        if control == "lenient":
            self.oracle.lenient.add(location)
            self.ever_lenient.add(location)
        else:
            self.oracle.lenient.remove(location)
        self._load(f"UPDATE location SET stock_control = '{control}' WHERE location = '{location}'")

    def _learn_opening(self) -> None:
        self.oracle.unknown_opening.add("shop")
        self._load(
            "INSERT INTO source (name, opening, winner, tolerance) VALUES ('shop', 'unknown', '', 0) "
            "ON CONFLICT (name) DO UPDATE SET opening = 'unknown'"
        )


_LEARNT: dict[str, Callable[[Life], None]] = {
    "sku UFO": Life._learn_sku,
    "alias": Life._learn_alias,
    "location MARS": Life._learn_location,
    "pack": lambda life: life._learn_pack("CS", Fraction(6)),
    "half pack": lambda life: life._learn_pack("HALF", Fraction(1, 2)),
    "BATH lenient": lambda life: life._learn_control("BATH", "lenient"),
    "YORK strict": lambda life: life._learn_control("YORK", "strict"),
    "shop opens": Life._learn_opening,
}


def _assert_each_has_one_end(batch: Sequence[Event], outcome: BatchOutcome) -> None:
    """Each event handed in was accepted, known, contradicting or held; what was freed had been handed in before."""
    handled = outcome.accepted - outcome.freed + outcome.duplicates + outcome.conflicts
    held_now = outcome.parked + outcome.refused + outcome.suspected_duplicates
    assert handled + held_now <= len(batch) <= handled + held_now + outcome.freed
