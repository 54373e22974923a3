"""Interchanges come back as they were written, others take them for X12, and partners' own are read as they are."""

import io
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyx12.errors import X12Error
from pyx12.x12file import X12Reader

from core_sync.channels.x12 import (
    Address,
    Interchange,
    NewGroup,
    NotWritable,
    NotX12,
    read_interchanges,
    write_interchange,
)
from core_sync.channels.x12_inventory import advice_segments, read_advice
from tests.contract.samples import sample, samples

AT = datetime(2026, 3, 2, 8, 30, 15, tzinfo=UTC)
ADDRESS = Address("SUPPLIER", "PARTNER")
SKUS = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=30)
FIGURES = st.lists(st.tuples(SKUS, st.integers(0, 10**15 - 1)), max_size=20)


def written(*figures: tuple[str, int], number: int = 41) -> str:
    group = NewGroup("IB", [("846", advice_segments("R1", AT, figures))])
    return write_interchange(ADDRESS, number, AT, [group])


def problems(interchange: Interchange) -> list[str]:
    groups = [problem for group in interchange.groups for problem in group.problems]
    sets = [problem for group in interchange.groups for one in group.transactions for problem in one.problems]
    return [*interchange.problems, *groups, *sets]


@given(FIGURES, st.integers(1, 999_999_999))
def test_what_is_written_is_read_again(figures: list[tuple[str, int]], number: int) -> None:
    [interchange] = read_interchanges(written(*figures, number=number))
    advice = read_advice(interchange.groups[0].transactions[0])
    assert problems(interchange) == []
    assert (interchange.sender, interchange.receiver, int(interchange.control_number)) == (
        "SUPPLIER",
        "PARTNER",
        number,
    )
    assert [(line.item["SK"], line.quantities["33"]) for line in advice.lines] == figures
    assert (advice.purpose, advice.reference, advice.at) == ("00", "R1", AT)


@given(st.lists(st.tuples(st.text("ABC-.*>~|0", min_size=1, max_size=8), st.integers(0, 999)), max_size=8))
def test_a_strict_reader_of_others_finds_nothing_wrong(figures: list[tuple[str, int]]) -> None:
    reader = X12Reader(io.StringIO(written(*figures)))
    errors = [error for _ in reader for error in reader.pop_errors()]
    reader.cleanup()
    assert errors + reader.pop_errors() == []


def test_delimiters_are_such_as_the_data_does_not_hold() -> None:
    text = written(("A*B", 1), ("C>D", 2), ("E~F", 3))
    assert (text[3], text[104], text[105]) == ("|", ":", "'")
    with pytest.raises(NotWritable, match="every delimiter"):
        written(("*|^\x1d", 1))


@pytest.mark.parametrize("sku", ["A\nB", "A\r"])
def test_a_line_break_cannot_be_written(sku: str) -> None:
    with pytest.raises(NotWritable, match="line break"):
        written((sku, 1))


def test_a_name_longer_than_its_place_and_a_number_out_of_range_cannot_be_written() -> None:
    with pytest.raises(NotWritable, match="15 long"):
        write_interchange(Address("A NAME OF MORE THAN FIFTEEN", "B"), 1, AT, [])
    for number in (0, 1_000_000_000):
        with pytest.raises(NotWritable, match="control number"):
            write_interchange(ADDRESS, number, AT, [])


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("SE*6*", "SE*9*", "SE01 counts '9', there are 6"),
        ("GE*1*", "GE*2*", "GE01 counts '2', there are 1"),
        ("IEA*1*000000041", "IEA*1*000000042", "IEA02 is '000000042', the header says '000000041'"),
        ("SE*6*0001~", "", "not closed"),
    ],
)
def test_an_envelope_that_disagrees_with_itself_is_read_and_told(old: str, new: str, told: str) -> None:
    [interchange] = read_interchanges(written(("A", 1)).replace(old, new))
    assert any(told in problem for problem in problems(interchange))


@given(st.text(max_size=200) | st.text("ISAGEST*~\n 0", max_size=300).map(lambda text: "ISA" + text))
def test_anything_else_is_refused_and_nothing_breaks(text: str) -> None:
    with suppress(NotX12):
        assert all(isinstance(one, Interchange) for one in read_interchanges(text))


@given(st.integers(0, 400), st.text(max_size=3))
def test_an_interchange_with_a_hole_is_read_or_refused(at: int, instead: str) -> None:
    text = written(("A", 1), ("B", 2))
    with suppress(NotX12):
        read = read_interchanges(text[:at] + instead + text[at + 1 :])
        assert all(isinstance(one, Interchange) for one in read)


@pytest.mark.parametrize("end", ["~", "~\n", "~\r\n", "\n", "\r\n"])
def test_segments_end_as_the_partner_likes(end: str) -> None:
    text = written(("A", 1), ("B", 2)).replace("~\n", end)
    [interchange] = read_interchanges("\ufeff  " + text)
    assert problems(interchange) == []
    assert len(interchange.groups[0].transactions[0].segments) == 6


def test_what_a_strict_reader_of_others_finds_nothing_wrong_with_is_read_alike() -> None:
    sample("x12", "staedi-apache2/simple997.edi")
    alike = 0
    for name in samples("x12"):
        text = sample("x12", name)
        theirs = strictly_read(text)
        if theirs is not None:
            alike += 1
            read = [
                one
                for interchange in read_interchanges(text)
                for group in interchange.groups
                for one in group.transactions
            ]
            assert [segment for one in read for segment in one.segments] == theirs, name
    assert alike > 10


def strictly_read(text: str) -> list[tuple[str, ...]] | None:
    """The segments within transaction sets, as another reader reads them; None where it has anything to say."""
    try:
        reader = X12Reader(io.StringIO(text))
        read = [(segment.get_seg_id(), segment.format().rstrip(reader.seg_term)) for segment in reader]
        reader.cleanup()
    except X12Error:
        return None
    envelope = ("ISA", "IEA", "GS", "GE", "ST", "SE", "TA1")
    errors = reader.pop_errors()
    return None if errors else [tuple(told.split(reader.ele_term)) for tag, told in read if tag not in envelope]


def test_a_real_inventory_advice_is_read() -> None:
    text = sample("x12", "x12parser-cddl/ORD__846_Example1.txt")
    [interchange] = read_interchanges(text)
    [line] = read_advice(interchange.groups[0].transactions[0]).lines
    assert problems(interchange) == []
    assert (line.item["BP"], line.position) == ("46L5055", 7)
    assert line.quantities == {"34": 5250, "QH": 100, "QB": 50, "87": 75}
    assert set(line.units.values()) == {"EA"}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("ediengine-mit/ControlNumbersMismatch.edi", "SE02"),
        ("ediengine-mit/WrongGroupsAndTranCount.edi", "GE01"),
        ("stupidedi-bsd3/003010_PO850_fail_1.edi", "SE01"),
    ],
)
def test_real_envelopes_that_are_wrong_are_told_to_be(name: str, told: str) -> None:
    read = read_interchanges(sample("x12", name))
    assert any(told in problem for interchange in read for problem in problems(interchange))


def test_what_is_no_x12_is_refused() -> None:
    with pytest.raises(NotX12):
        read_interchanges(sample("x12", "ediengine-mit/NonEdi.edi"))
    assert len(read_interchanges(sample("x12", "ediengine-mit/MultipleInterchangesAndGroups.edi"))) == 2
