"""House rules for files: short, named for their subject, finished, and about no machine in particular."""

import ast
import re
from pathlib import Path

import pytest

from tests.tidy.checkout import CHECKOUT, name, written_files

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60  # a screen; a migration is one long list and is let off
DRAWERS = frozenset({"util", "utils", "helper", "helpers", "manager", "managers", "common", "base", "misc"})
UNFINISHED = re.compile(rf"\b(?:{'TO' + 'DO'}|{'FIX' + 'ME'})\b")
A_MACHINE = re.compile(rf"(?<![\w.])/(?:{'wo' + 'rk'}|{'ho' + 'me'}|{'ro' + 'ot'}|{'Us' + 'ers'})/[\w.]")


def test_a_file_holds_one_idea_and_stays_short() -> None:
    long = {name(path): lines for path in written_files(".py") if (lines := _line_count(path)) > FILE_LINES_MAX}
    assert long == {}


def test_a_function_fits_a_screen() -> None:
    long = {}
    for path in written_files(".py"):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long[f"{name(path)}:{node.name}"] = lines
    assert long == {}


def test_no_module_is_a_drawer_for_leftovers() -> None:
    drawers = []
    for path in written_files(".py"):
        inside = path.relative_to(CHECKOUT)
        drawers += [name(path) for part in (*inside.parts[:-1], inside.stem) if part.strip("_") in DRAWERS]
    assert drawers == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [("an unfinished thought", UNFINISHED), ("a path of somebody's machine", A_MACHINE)],
    ids=["unfinished", "machine"],
)
def test_nothing_written_contains(what: str, pattern: re.Pattern[str]) -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()[:100]}"
        for path in written_files()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], what


def test_the_patterns_find_what_they_are_for() -> None:
    assert UNFINISHED.search("# TO" + "DO: later")
    assert not UNFINISHED.search("TODOS")
    assert A_MACHINE.search("read /ho" + "me/somebody/file")
    assert not A_MACHINE.search("GET /api/work/items")


def _line_count(path: Path) -> int:
    return len(path.read_bytes().splitlines())
