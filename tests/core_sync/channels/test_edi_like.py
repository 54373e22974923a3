"""What only a trading partner does: acknowledgements, reports, and files that cannot be read."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest

from core_sync.channels.budget import Pace
from core_sync.channels.edi_like import EdiLike
from core_sync.channels.http import client
from core_sync.channels.port import Accepted, Finished, PushRequest, ReadFailed, Rejected, Working
from core_sync.channels.x12 import Address, NewGroup, write_interchange
from core_sync.channels.x12_inventory import Terms, advice_segments
from simulation.peers.clock import PeerClock
from simulation.peers.edi_like import edi_app
from simulation.peers.faults import Fault
from simulation.peers.serve import running

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
_numbers = count(1)


class Mailbox:
    """A partner, and new connectors to it."""

    def __init__(self, url: str, state: Any, clock: PeerClock) -> None:
        self.url, self.state, self.clock = url, state, clock

    def connector(self, *, receiver: str = "PARTNER", number: int | None = None) -> EdiLike:
        next_number = (lambda: next(_numbers)) if number is None else lambda: number
        hurried = Pace(lambda: time.monotonic() * 1_000, lambda seconds: time.sleep(seconds / 1_000))
        return EdiLike(client(self.url), Address("SUPPLIER", receiver), next_number, pace=hurried)


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    clock = PeerClock(speed=0)
    app = edi_app({"MUG": 5, "CUP": 7}, rate=1e6, burst=1e6, settle_s=600, clock=clock)
    with running(app) as url:
        yield Mailbox(url, app.state.peer, clock)


def to(sku: str, quantity: int) -> PushRequest:
    return PushRequest(sku, quantity, None, f"{sku}-{quantity}")


def receipt(connector: EdiLike, *requests: PushRequest) -> str:
    answers = connector.push(requests)
    [told] = {answer.receipt for answer in answers if isinstance(answer, Accepted)}
    assert told is not None
    return told


def test_many_figures_are_one_file_with_one_receipt(mailbox: Mailbox) -> None:
    receipt(mailbox.connector(), to("MUG", 1), to("CUP", 2))
    assert len(mailbox.state.inbound) == 1


def test_a_receipt_is_followed_by_a_connector_that_never_saw_the_file(mailbox: Mailbox) -> None:
    told = receipt(mailbox.connector(), to("MUG", 1))
    assert mailbox.connector().follow([told]) == {told: Working("no acknowledgement yet")}
    mailbox.clock.advance(600)
    assert mailbox.connector().follow([told]) == {told: Finished({}, Accepted(told))}


def test_the_same_figures_are_the_same_file_whoever_drops_them(mailbox: Mailbox) -> None:
    assert receipt(mailbox.connector(), to("MUG", 1)) == receipt(mailbox.connector(), to("MUG", 1))
    assert receipt(mailbox.connector(), to("MUG", 1), to("CUP", 2)) != receipt(mailbox.connector(), to("MUG", 1))


def test_an_interchange_that_is_refused_as_a_whole_says_why(mailbox: Mailbox) -> None:
    stranger = mailbox.connector(receiver="OTHER")
    told = receipt(stranger, to("MUG", 1))
    mailbox.clock.advance(600)
    progress = stranger.follow([told])[told]
    assert isinstance(progress, Finished)
    assert progress.others == Rejected("the partner refused the interchange: TA105 008", "EDI_TA1")


def test_a_number_that_was_used_before_is_mended_by_sending_again(mailbox: Mailbox) -> None:
    receipt(mailbox.connector(number=900), to("CUP", 1))
    told = receipt(mailbox.connector(number=900), to("MUG", 1))
    mailbox.clock.advance(600)
    connector = mailbox.connector(number=901)
    progress = connector.follow([told])[told]
    assert isinstance(progress, Finished)
    assert isinstance(progress.others, Rejected)
    assert (progress.others.code, progress.others.transient) == ("EDI_TA1", True)
    again = receipt(connector, to("MUG", 1))
    mailbox.clock.advance(600)
    assert connector.follow([again]) == {again: Finished({}, Accepted(again))}


def test_a_late_acknowledgement_is_waited_for(mailbox: Mailbox) -> None:
    connector = mailbox.connector()
    mailbox.state.conduct.writes.append(Fault.named("lingers"))
    told = receipt(connector, to("MUG", 1))
    mailbox.clock.advance(601)
    assert isinstance(connector.follow([told])[told], Working)
    mailbox.clock.advance(3600)
    assert isinstance(connector.follow([told])[told], Finished)


def test_a_figure_is_as_old_as_the_report_that_tells_it(mailbox: Mailbox) -> None:
    connector = mailbox.connector()
    mailbox.clock.advance(90)
    reading = connector.read(["MUG", "nothing"])
    assert (dict(reading), reading.as_of) == ({"MUG": 5}, {"MUG": datetime(2026, 3, 2, 8, 1, 30, tzinfo=UTC)})


def test_reports_of_changes_add_up_to_what_a_new_connector_reads(mailbox: Mailbox) -> None:
    connector = mailbox.connector()
    for quantity in range(30):
        connector.push([to("MUG", quantity)])
        mailbox.clock.advance(600)
        assert connector.read(["MUG", "CUP"]) == {"MUG": quantity, "CUP": 7}
    assert mailbox.connector().read(["MUG", "CUP"]) == {"MUG": 29, "CUP": 7}


def test_a_mailbox_is_listed_page_by_page() -> None:
    clock = PeerClock(speed=0)
    app = edi_app({"MUG": 5}, rate=1e6, burst=1e6, page_size=2, clock=clock)
    with running(app) as url:
        mailbox = Mailbox(url, app.state.peer, clock)
        for quantity in range(5):
            mailbox.connector().push([to("MUG", quantity)])
            app.state.peer.work()
        assert len(app.state.peer.outbound) > 5
        assert mailbox.connector().read(["MUG"]) == {"MUG": 4}


def test_a_listing_that_the_partner_drops_is_gone_with_its_next_report(mailbox: Mailbox) -> None:
    connector = mailbox.connector()
    connector.read(["CUP"])
    del mailbox.state.shown["CUP"]
    assert connector.read(["MUG", "CUP"]) == {"MUG": 5}


def test_items_and_quantities_go_by_what_is_agreed_with_the_partner(mailbox: Mailbox) -> None:
    numbers, address = count(500), Address("SUPPLIER", "PARTNER")
    connector = EdiLike(client(mailbox.url), address, lambda: next(numbers), terms=Terms("VN", "17"))
    connector.push([to("MUG", 4)])
    [dropped] = mailbox.state.inbound.values()
    assert "LIN*1*VN*MUG~" in dropped.text
    assert "QTY*17*4*EA~" in dropped.text
    assert connector.read(["MUG"]) == {}  # the partner reports by other names
    figures = advice_segments("R9", AT, [("MUG", 3)], terms=Terms("VN", "17"))
    both = [*figures[:3], ("QTY", "33", "9", "EA"), *figures[3:]]
    report = write_interchange(address, 9, AT, [NewGroup("IB", [("846", both)])])
    mailbox.state.outbound["000000000099-846-full.x12"] = report
    assert connector.read(["MUG"]) == {"MUG": 3}


def test_a_partner_that_never_reported_cannot_be_read(mailbox: Mailbox) -> None:
    mailbox.state.work = lambda: None
    with pytest.raises(ReadFailed, match="not reported"):
        mailbox.connector().read(["MUG"])


def test_a_report_that_stays_unreadable_is_told_and_then_set_aside(mailbox: Mailbox) -> None:
    connector = mailbox.connector()
    connector.read(["MUG"])
    mailbox.state.outbound["000000000099-846.x12"] = "ISA*spoilt"
    for _ in range(3):
        with pytest.raises(ReadFailed, match="000000000099-846"):
            connector.read(["MUG"])
    assert connector.read(["MUG"]) == {"MUG": 5}


def test_figures_and_names_that_no_interchange_can_hold_are_refused_unsent(mailbox: Mailbox) -> None:
    [answer] = mailbox.connector().push([to("MUG\nCUP", 1)])
    assert isinstance(answer, Rejected)
    assert (answer.code, answer.transient) == ("NOT_WRITABLE", False)
    assert mailbox.state.inbound == {}
