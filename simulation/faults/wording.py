"""What systems say when something fails: templates by kind of fault and system, kept as TOML beside."""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).parent.parent / "wording"


class Template(NamedTuple):
    """One way of saying it; ``status`` is None where no HTTP answer came."""

    status: int | None
    code: str
    operation: str
    text: str


@cache
def templates(wordings: tuple[str, ...]) -> Mapping[tuple[str, str], tuple[Template, ...]]:
    """Templates of the chosen sets, by kind of fault and system.

    Raises:
        ValueError: a kind and system has no template in the chosen sets.
    """
    chosen: dict[tuple[str, str], tuple[Template, ...]] = {}
    for file in sorted(_FOLDER.glob("*.toml")):
        for kind, systems in tomllib.loads(file.read_text(encoding="utf-8")).items():
            for system, rows in systems.items():
                fit = tuple(Template(status or None, *rest) for of, status, *rest in rows if of in wordings)
                if not fit:
                    raise ValueError(f"no wording of {wordings} for {kind} on {system}")
                chosen[kind, system] = fit
    return chosen
