"""The models the service uses: the promoted version where there is one, else the shipped baseline.

Loading checks every hash against the manifest; the parts of scikit-learn are read by skops with an
allow-list of ours. MLflow is not imported here; scikit-learn and skops are when a model is loaded, so that a process
that asks none of them starts without them.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Connection, text

from core_sync.database.engine import Database
from core_sync.errors import StocktriageError
from ml.registry.manifest import MODEL_NAMES, SHIPPED_NAMES, Manifest, ModelRefused, read_manifest
from ml.root_cause.codes.table import codes_with

if TYPE_CHECKING:
    from ml.anomaly.detector import Detector
    from ml.anomaly.fault_probability import FaultCurve
    from ml.fulfilment.latency import Latency
    from ml.root_cause.classifier import RootCauseClassifier
    from ml.suppliers.lateness import Lateness

SHIPPED = Path(__file__).resolve().parents[2] / "models"
"""The baseline that comes with the project."""


class CheckedFiles(NamedTuple):
    """A folder and the version that its files were found to be: the same of both is loaded once a process."""

    folder: Path
    version: str


@dataclass(frozen=True)
class ServiceModels:
    """Where each model lies; each is loaded when it is first asked for, once."""

    folders: dict[str, Path]
    code_files: tuple[Path, ...] = field(default=(), kw_only=True)
    """The user's tables of codes, which extend and correct the shipped one."""

    _manifests: dict[str, Manifest] = field(default_factory=dict, init=False, repr=False, compare=False)

    def manifest(self, name: str) -> Manifest:
        """The manifest of the model ``name``, its hashes checked when it was first asked for.

        Raises:
            ModelRefused: it is not the model that its manifest describes; the others are none the worse for it.
        """
        if name not in self._manifests:
            self._manifests[name] = read_manifest(self.folders[name])
        return self._manifests[name]

    @cached_property
    def root_cause(self) -> "RootCauseClassifier":
        """The root-cause classifier.

        Raises:
            ModelRefused: it is not the model its manifest describes.
            SettingsRefused: one of the user's tables of codes cannot be read.
        """
        loaded = _classifier(self._checked("root_cause"))
        return replace(loaded, codes=codes_with(self.code_files))

    @cached_property
    def delta_detector(self) -> "Detector":
        """The detector of strange deltas."""
        return _detector(self._checked("delta_detector"))

    @cached_property
    def movement_detector(self) -> "Detector":
        """The detector of strange movements."""
        return _detector(self._checked("movement_detector"))

    def detector(self, name: str) -> "Detector":
        """The detector ``name``."""
        return self.delta_detector if name == "delta_detector" else self.movement_detector

    @cached_property
    def delta_fault_curve(self) -> "FaultCurve":
        """The chance of a fault by the delta detector's score."""
        return _fault_curve(self._checked("delta_detector"))

    @cached_property
    def movement_fault_curve(self) -> "FaultCurve":
        """The chance of a fault by the movement detector's score."""
        return _fault_curve(self._checked("movement_detector"))

    @cached_property
    def supplier_lateness(self) -> "Lateness | None":
        """The chance that a delivery comes late; None before one was promoted."""
        name = "supplier_lateness"
        if name not in self.folders:
            return None
        from ml.suppliers.storage import load

        return load(self._checked(name).folder)

    @cached_property
    def fulfilment_latency(self) -> "Latency | None":
        """Within which hours orders leave the shelf; None before one was promoted."""
        name = "fulfilment_latency"
        if name not in self.folders:
            return None
        from ml.fulfilment.storage import load

        return load(self._checked(name).folder)

    def version(self, name: str) -> str:
        """The version of the model ``name``."""
        return self.manifest(name).version

    def load(self, name: str) -> None:
        """Load the model ``name`` and all that comes with it.

        Raises:
            ModelRefused: it cannot be used by this version of the code, or is another model.
        """
        curves = {"delta_detector": ("delta_fault_curve",), "movement_detector": ("movement_fault_curve",)}
        try:
            for part in (name, *curves.get(name, ())):
                getattr(self, part)
        except (ValueError, OSError, StocktriageError) as error:
            raise ModelRefused(self.folders[name], str(error)) from error

    def _checked(self, name: str) -> CheckedFiles:
        """The files of ``name``, their hashes checked now: they may have changed since the manifests were read."""
        now = read_manifest(self.folders[name])
        if now.name != name:
            raise ModelRefused(self.folders[name], f"it is no {name}")
        if now.version != self.version(name):
            raise ModelRefused(self.folders[name], f"it was version {self.version(name)} a while ago")
        return CheckedFiles(self.folders[name], now.version)


@lru_cache(maxsize=4)
def _detector(checked: CheckedFiles) -> "Detector":
    from ml.anomaly.storage import load

    return load(checked.folder)


def _fault_curve(checked: CheckedFiles) -> "FaultCurve":
    from ml.anomaly.fault_probability import load_curve

    return load_curve(checked.folder)


@lru_cache(maxsize=4)
def _classifier(checked: CheckedFiles) -> "RootCauseClassifier":
    from ml.root_cause.persist import load

    return load(checked.folder)


def live_models(database: Database, code_files: tuple[Path, ...] = ()) -> ServiceModels:
    """The models that are live now, with the user's tables of codes."""
    with database.reading() as connection:
        folders = {name: live_folder(connection, name) for name in MODEL_NAMES}
    there = {name: folder for name, folder in folders.items() if name in SHIPPED_NAMES or folder != SHIPPED / name}
    return ServiceModels(there, code_files=code_files)


def shipped_models() -> ServiceModels:
    """The baseline, whatever was promoted."""
    return ServiceModels({name: SHIPPED / name for name in SHIPPED_NAMES})


def live_folder(connection: Connection, name: str) -> Path:
    """Where the live version of the model ``name`` lies; of one that was never promoted, where a baseline would."""
    folder = connection.execute(
        text("SELECT folder FROM model_release WHERE name = :name ORDER BY release_id DESC LIMIT 1"), {"name": name}
    ).scalar_one_or_none()
    return Path(folder) if folder else SHIPPED / name
