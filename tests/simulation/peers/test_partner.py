"""A simulated trading partner acknowledges what it is sent, takes it or does not, and reports what it shows."""

from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from core_sync.channels.x12 import Address, Interchange, NewGroup, read_interchanges, write_interchange
from core_sync.channels.x12_acknowledgement import group_acknowledgements, interchange_acknowledgements
from core_sync.channels.x12_inventory import advice_segments, read_advice
from simulation.peers.clock import PeerClock
from simulation.peers.edi_like import edi_app
from simulation.peers.serve import running

AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def clock() -> PeerClock:
    return PeerClock(speed=0)


@pytest.fixture
def partner(clock: PeerClock) -> Iterator[httpx.Client]:
    app = edi_app({"B": 5, "C": 1}, settle_s=600, report_every_s=3600, clock=clock)
    with running(app) as url, httpx.Client(base_url=url) as http:
        yield http


def written(number: int, *figures: tuple[str, int], to: str = "PARTNER") -> str:
    group = NewGroup("IB", [("846", advice_segments(str(number), AT, figures))])
    return write_interchange(Address("SUPPLIER", to), number, AT, [group])


def drop(partner: httpx.Client, name: str, text: str) -> int:
    answer = partner.put(f"/mailbox/inbound/{name}", content=text.encode(), headers={"if-none-match": "*"})
    return answer.status_code


def replies(partner: httpx.Client, kind: str) -> list[Interchange]:
    names = partner.get("/mailbox/outbound").json()["files"]
    return [
        read_interchanges(partner.get(f"/mailbox/outbound/{name}").text)[0]
        for name in names
        if name.split("-")[1].removesuffix(".x12") == kind
    ]


def statuses(partner: httpx.Client) -> list[tuple[str, str]]:
    return [
        (told.control_number, told.status)
        for reply in replies(partner, "997")
        for told in group_acknowledgements(reply)
    ]


def test_a_file_is_worked_on_when_its_time_has_come(partner: httpx.Client, clock: PeerClock) -> None:
    assert drop(partner, "a", written(41, ("B", 9))) == 201
    clock.advance(599)
    assert statuses(partner) == []
    clock.advance(1)
    assert statuses(partner) == [("41", "A")]
    assert partner.get("/_stock").json()["shown"] == {"B": 9, "C": 1}


def test_a_name_is_taken_once(partner: httpx.Client) -> None:
    assert [drop(partner, "a", written(number, ("B", 9))) for number in (41, 42)] == [201, 412]
    assert partner.get("/_counters").json()["repeats"] == 1
    assert "41" in partner.get("/mailbox/inbound/a").text


def test_a_line_that_is_not_taken_is_named_by_the_place_of_its_segment(partner: httpx.Client, clock: PeerClock) -> None:
    drop(partner, "a", written(41, ("B", 9), ("nothing", 1)))
    clock.advance(600)
    [reply] = replies(partner, "997")
    [told] = group_acknowledgements(reply)
    [error] = told.sets[0].errors
    assert (told.status, told.sets[0].status) == ("E", "E")
    assert (error.tag, error.position, error.elements) == ("LIN", 5, ("03:7",))
    assert partner.get("/_stock").json()["shown"]["B"] == 9


@pytest.mark.parametrize(
    ("second", "code"),
    [
        (written(41, ("B", 7)), "025"),
        (written(42, ("B", 7), to="OTHER"), "008"),
        (written(42, ("B", 7)).replace("IEA*1*000000042", "IEA*1*000000043"), "001"),
        (written(42, ("B", 7)).replace("IEA*1*", "IEA*2*"), "021"),
    ],
    ids=["a number used before", "another receiver", "another number in the trailer", "a wrong count"],
)
def test_an_interchange_that_is_wrong_as_a_whole_is_refused(
    partner: httpx.Client, clock: PeerClock, second: str, code: str
) -> None:
    drop(partner, "a", written(41, ("B", 9)))
    drop(partner, "b", second)
    clock.advance(600)
    told = [one for reply in replies(partner, "TA1") for one in interchange_acknowledgements(reply)]
    assert [(one.status, one.code) for one in told] == [("R", code)]
    assert partner.get("/_stock").json()["shown"]["B"] == 9


def test_a_set_whose_count_is_wrong_is_rejected(partner: httpx.Client, clock: PeerClock) -> None:
    drop(partner, "a", written(41, ("B", 9)).replace("SE*6*", "SE*7*"))
    clock.advance(600)
    assert statuses(partner) == [("41", "R")]
    assert partner.get("/_stock").json()["shown"]["B"] == 5


def test_what_changed_is_reported_once_it_is_time_to(partner: httpx.Client, clock: PeerClock) -> None:
    def reported() -> list[tuple[str, dict[str, int]]]:
        advices = [read_advice(reply.groups[0].transactions[0]) for reply in replies(partner, "846")]
        return [(one.purpose, {line.item["SK"]: line.quantities["33"] for line in one.lines}) for one in advices]

    assert reported() == [("00", {"B": 5, "C": 1})]
    partner.post("/_orders", json={"sku": "B", "quantity": 2})
    clock.advance(3599)
    assert len(reported()) == 1
    clock.advance(1)
    assert reported()[1] == ("04", {"B": 3})


def test_a_mailbox_that_is_asked_too_often_says_so(partner: httpx.Client) -> None:
    codes = [partner.get("/mailbox/outbound").status_code for _ in range(21)]
    assert codes.count(429) == 1
