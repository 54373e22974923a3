"""Figures put into their place on a page of the docs, between two comments."""

from collections.abc import Iterable
from pathlib import Path

from benchmarks.rig.figures import Figure, short

PAGE = "performance.md"
_END = "<!-- end -->"


def put(folder: Path, command: str, text: str) -> None:
    """Put ``text`` on the page in ``folder``, where it names ``command``; what stood there goes.

    Raises:
        ValueError: the page has no place for it.
    """
    page = folder / PAGE
    begin = f"<!-- written by {command} -->"
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    if not found:
        raise ValueError(f"{page} has no line {begin}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{_END}{rest.partition(_END)[2]}", encoding="utf-8")


def as_table(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| measure | value | beside | ratio |", "|---|---|---|---|"]
    for one in figures:
        beside = "" if one.against is None else f"{one.against} {short(one.against_value)}"
        ratio = "" if one.ratio is None else short(one.ratio)
        lines.append(f"| {one.measure} | {short(one.value)} {one.unit} | {beside} | {ratio} |")
    return "\n".join(lines)
