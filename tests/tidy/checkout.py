"""The files of this checkout that people wrote."""

from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
ROOMS = ("core_sync", "ml", "remediation", "api")
FOLDERS = (*ROOMS, "simulation", "benchmarks", "tests", "docs", "models", "notebooks", ".ci")
TEXT = frozenset(
    {"", ".css", ".html", ".ini", ".ipynb", ".j2", ".js", ".json", ".lock", ".md", ".py", ".toml", ".txt", ".yaml"}
)


def written_files(*suffixes: str) -> Iterator[Path]:
    """Every text file of the project, or those with ``suffixes``; nothing that tools leave behind."""
    candidates = [path for path in CHECKOUT.iterdir() if path.is_file()]
    for folder in FOLDERS:
        candidates += (path for path in (CHECKOUT / folder).rglob("*") if path.is_file())
    for path in sorted(candidates):
        hidden_or_cached = {"__pycache__", ".ipynb_checkpoints"} & set(path.parts) or path.name == ".git"
        if not hidden_or_cached and path.suffix in (suffixes or TEXT):
            yield path


def name(path: Path) -> str:
    """How a file is called in a message: its path inside the checkout."""
    return path.relative_to(CHECKOUT).as_posix()
