"""A model is loaded only if every file is the one its manifest names."""

import shutil
from pathlib import Path

import pytest

from core_sync.clock import now
from ml.registry.manifest import ARTEFACT_BYTES_MAX, SHIPPED_NAMES, ModelRefused, read_manifest, write_manifest
from ml.registry.service_models import SHIPPED, ServiceModels


@pytest.fixture
def candidate(tmp_path: Path) -> Path:
    """The shipped detector of deltas with another sidecar, so another version of it."""
    folder = tmp_path / "candidate"
    shutil.copytree(SHIPPED / "delta_detector", folder)
    (folder / "note.json").write_text("{}")
    shipped = read_manifest(SHIPPED / "delta_detector")
    write_manifest(folder, "delta_detector", now(), "the same again", 1, shipped.metrics)
    return folder


@pytest.mark.parametrize("name", SHIPPED_NAMES)
def test_every_shipped_model_is_what_its_manifest_says_and_small(name: str) -> None:
    manifest = read_manifest(SHIPPED / name)
    assert manifest.name == name
    assert manifest.metrics
    assert (SHIPPED / name / "CARD.md").is_file()
    assert all((SHIPPED / name / file).stat().st_size <= ARTEFACT_BYTES_MAX for file in manifest.files)


def test_a_tampered_artefact_is_refused(candidate: Path) -> None:
    with (candidate / "forest.skops").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelRefused, match=r"forest\.skops has another hash"):
        read_manifest(candidate)


def test_a_tampered_model_refuses_no_other(candidate: Path) -> None:
    (candidate / "forest.skops").write_bytes(b"")
    models = ServiceModels({"root_cause": SHIPPED / "root_cause", "delta_detector": candidate})
    assert models.version("root_cause") == read_manifest(SHIPPED / "root_cause").version
    with pytest.raises(ModelRefused, match=r"forest\.skops has another hash"):
        models.version("delta_detector")


def test_a_file_too_many_or_too_few_is_refused(candidate: Path) -> None:
    (candidate / "extra.pkl").write_bytes(b"")
    with pytest.raises(ModelRefused, match=r"extra\.pkl is not in the manifest"):
        read_manifest(candidate)
    (candidate / "extra.pkl").unlink()
    (candidate / "forest.skops").unlink()
    with pytest.raises(ModelRefused, match=r"forest\.skops is missing"):
        read_manifest(candidate)


def test_a_version_that_is_not_that_of_the_files_is_refused(candidate: Path) -> None:
    manifest = candidate / "manifest.json"
    manifest.write_text(manifest.read_text().replace(read_manifest(candidate).version, "../../elsewhere"))
    with pytest.raises(ModelRefused, match="version is not that of its files"):
        read_manifest(candidate)
