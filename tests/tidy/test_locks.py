"""The locks: every package pinned and hashed, for every platform, from whichever index a machine uses."""

import tomllib
from itertools import pairwise

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.checkout import CHECKOUT

LOCKS = ["requirements-uv.lock", "requirements.lock", "requirements-test.lock", "requirements-bench.lock"]


@pytest.mark.parametrize("lock", LOCKS)
def test_every_package_is_pinned_and_hashed_and_no_host_is_named(lock: str) -> None:
    entries = _entries(lock)
    assert entries
    for entry in entries:
        requirement, *hashes = entry.split(" --hash=")
        assert len(Requirement(requirement).specifier) == 1
        assert "==" in requirement
        assert hashes, f"{requirement} has no hash"
        assert all(told.startswith("sha256:") for told in hashes)
    told = (CHECKOUT / lock).read_text()
    assert "://" not in told


@pytest.mark.parametrize(("smaller", "larger"), list(pairwise(LOCKS[1:])))
def test_a_larger_lock_only_adds(smaller: str, larger: str) -> None:
    """What is tested and measured is what runs."""
    pinned = _pins(larger)
    assert {package: versions for package, versions in _pins(smaller).items() if not versions <= pinned[package]} == {}


@pytest.mark.parametrize(
    ("lock", "extras"), [(LOCKS[1], []), (LOCKS[2], ["test"]), (LOCKS[3], ["test", "bench"])], ids=LOCKS[1:]
)
def test_a_lock_answers_the_project_as_it_stands(lock: str, extras: list[str]) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    asked = project["dependencies"] + [line for extra in extras for line in project["optional-dependencies"][extra]]
    pinned = _pins(lock)
    for requirement in map(Requirement, asked):
        versions = pinned.get(canonicalize_name(requirement.name))
        assert versions, f"{requirement} is not in {lock}: make lock"
        assert all(requirement.specifier.contains(version) for version in versions), f"{requirement}: make lock"


def _entries(lock: str) -> list[str]:
    joined = (CHECKOUT / lock).read_text().replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.strip()]


def _pins(lock: str) -> dict[str, set[str]]:
    """The versions of each package; more than one where platforms differ."""
    pins: dict[str, set[str]] = {}
    for entry in _entries(lock):
        requirement = Requirement(entry.partition(" --hash=")[0])
        version = next(iter(requirement.specifier)).version
        pins.setdefault(canonicalize_name(requirement.name), set()).add(version)
    return pins
