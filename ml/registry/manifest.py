"""What travels with a model: its files by hash, the data it was made from, its figures.

A model folder holds the artefacts and ``manifest.json``. Nothing is loaded whose hash differs: a
changed artefact is another model, and nobody has measured that one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import msgspec

from core_sync.errors import StocktriageError

MANIFEST = "manifest.json"
ARTEFACT_BYTES_MAX = 5_000_000
"""Largest artefact that is shipped."""

SHIPPED_NAMES = ("root_cause", "delta_detector", "movement_detector")
"""Models of which a baseline is shipped."""
OWN_NAMES = ("supplier_lateness", "fulfilment_latency")
"""Models that are learned from one's own facts alone: there is none before the first is promoted."""
MODEL_NAMES = (*SHIPPED_NAMES, *OWN_NAMES)
"""Every model the service uses."""


class ModelRefused(StocktriageError):
    """The model in ``folder`` is not the one its manifest describes, or cannot be used."""

    def __init__(self, folder: Path, reason: str) -> None:
        super().__init__(f"the model in {folder.name} is refused: {reason}")
        self.folder = folder
        self.reason = reason


@dataclass(frozen=True)
class Manifest:
    """A model's identity: ``version`` is the first 12 hex digits of the hash over all its files."""

    name: str
    version: str
    trained_at: datetime
    data: str
    seed: int
    metrics: Mapping[str, float]
    files: Mapping[str, str]
    made_with: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, float] = field(default_factory=dict)
    """What its recipe said, where it has one."""
    data_digest: str = ""
    """Of the failures or rows it was trained on, where it is known."""


def write_manifest(
    folder: Path,
    name: str,
    trained_at: datetime,
    data: str,
    seed: int,
    metrics: Mapping[str, float],
    parameters: Mapping[str, float] | None = None,
    data_digest: str = "",
) -> Manifest:
    """Describe the artefacts that lie in ``folder``; every file there but the manifest and the card belongs to it.

    Raises:
        ModelRefused: an artefact is larger than what is shipped.
    """
    files = {path.name: _digest(path) for path in sorted(folder.iterdir()) if _is_artefact(path)}
    for path_name in files:
        if (folder / path_name).stat().st_size > ARTEFACT_BYTES_MAX:
            raise ModelRefused(folder, f"{path_name} is larger than {ARTEFACT_BYTES_MAX:,} bytes")
    version = _version_of(files)
    manifest = Manifest(
        name, version, trained_at, data, seed, dict(metrics), files, _versions(), dict(parameters or {}), data_digest
    )
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(asdict(manifest)), indent=2) + b"\n")
    return manifest


def read_manifest(folder: Path) -> Manifest:
    """The manifest of the model in ``folder``, once every file was found to be the one it names.

    Raises:
        ModelRefused: there is no manifest, a file is missing or changed, there is one too many, or the version is
            not that of the files.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise ModelRefused(folder, f"it has no {MANIFEST}")
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise ModelRefused(folder, f"its {MANIFEST} cannot be read: {error}") from error
    there = {path.name for path in folder.iterdir() if _is_artefact(path)}
    for name in sorted(there ^ manifest.files.keys()):
        raise ModelRefused(folder, f"{name} is {'not in the manifest' if name in there else 'missing'}")
    for name, digest in manifest.files.items():
        if _digest(folder / name) != digest:
            raise ModelRefused(folder, f"{name} has another hash than the manifest says")
    if manifest.version != _version_of(manifest.files):
        raise ModelRefused(folder, "its version is not that of its files")
    return manifest


def _version_of(files: Mapping[str, str]) -> str:
    return sha256("".join(f"{name}{files[name]}" for name in sorted(files)).encode()).hexdigest()[:12]


def _is_artefact(path: Path) -> bool:
    return path.is_file() and path.name != MANIFEST and path.suffix != ".md"


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {package: version(package) for package in ("numpy", "scikit-learn", "scipy", "skops")}
