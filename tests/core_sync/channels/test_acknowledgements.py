"""A 997 and a TA1 say of each group, set and segment what the partner's translator said."""

import pytest

from core_sync.channels.x12 import Interchange, read_interchanges
from core_sync.channels.x12_acknowledgement import (
    GroupAcknowledgement,
    SegmentError,
    SetAcknowledgement,
    group_acknowledgements,
    interchange_acknowledgements,
)
from tests.contract.samples import sample

ENVELOPE = (
    "ISA*00*          *00*          *ZZ*PARTNER        *ZZ*SUPPLIER       *260302*0800*U*00401*000000001*0*P*>~\n"
    "GS*FA*PARTNER*SUPPLIER*20260302*0800*1*X*004010~\n{}GE*1*1~\nIEA*1*000000001~\n"
)


def read(text: str) -> Interchange:
    [interchange] = read_interchanges(text if text.lstrip("\ufeff").startswith("ISA") else ENVELOPE.format(text))
    return interchange


def told(text: str) -> list[GroupAcknowledgement]:
    return list(group_acknowledgements(read(text)))


def test_a_line_that_is_wrong_is_told_with_its_place_and_why() -> None:
    [group] = told(
        "ST*997*0001~AK1*IB*41~AK2*846*0001~AK3*LIN*5**8~AK4*3*234*7*CUP~AK3*QTY*8**8~AK4*2>1*380*6~"
        "AK5*E*5~AK9*E*1*1*1~SE*9*0001~"
    )
    errors = (SegmentError("LIN", 5, ("8",), ("03:7",)), SegmentError("QTY", 8, ("8",), ("00:6",)))
    assert group == GroupAcknowledgement("IB", "41", "E", (), (SetAcknowledgement("846", "0001", "E", ("5",), errors),))


def test_a_group_without_its_end_says_nothing() -> None:
    assert told("ST*997*0001~AK1*IB*41~AK2*846*0001~AK5*A~SE*5*0001~") == []


def test_the_acknowledgements_of_several_groups_come_each_by_itself() -> None:
    groups = told(sample("x12", "x12-types-mit-apache2/test_997_2.edi"))
    assert [(group.functional_id, group.control_number, group.status) for group in groups] == [
        ("PO", "2", "R"),
        ("SH", "3", "A"),
    ]
    assert [(one.control_number, one.status, one.codes) for one in groups[0].sets] == [
        ("103465910", "A", ()),
        ("103465911", "R", ("4",)),
    ]
    assert groups[0].codes == ("5",)


@pytest.mark.parametrize(
    ("name", "status", "sets"),
    [
        ("staedi-apache2/simple997.edi", "R", [("837", "R", [("NM1", 8)])]),
        ("staedi-apache2/extraDelimiter997.edi", "R", [("837", "R", [("NM1", 0)])]),
        ("staedi-apache2/invalid997_min.edi", "R", []),
        ("stupidedi-bsd3/004010_FA997_pass_1.edi", "A", [("824", "A", [])]),
        ("x12-types-mit-apache2/test_997_0.edi", "R", [("850", "R", [("REF", 3), ("REF", 4)])]),
        ("x12-types-mit-apache2/test_997_1.edi", "R", [("850", "A", []), ("850", "R", [])]),
    ],
)
def test_real_ones_are_read(name: str, status: str, sets: list[tuple[str, str, list[tuple[str, int]]]]) -> None:
    [group] = told(sample("x12", name))
    read_sets = [(one.set_id, one.status, [(error.tag, error.position) for error in one.errors]) for one in group.sets]
    assert (group.status, read_sets) == (status, sets)


def test_an_empty_997_says_nothing() -> None:
    assert told(sample("x12", "staedi-apache2/empty997.edi")) == []


def test_a_real_ta1_is_read() -> None:
    text = sample("x12", "x12parser-cddl/Acknowledgments_TechnicalAcknowledgment_Sample1.txt")
    read_ones = [(one.control_number, one.status) for one in interchange_acknowledgements(read(text))]
    assert read_ones == [("0659", "A"), ("0660", "A")]
