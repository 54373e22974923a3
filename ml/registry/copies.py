"""The service's own copies of models: whole or not there, whoever else copies meanwhile."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from ml.registry.manifest import Manifest, ModelRefused, read_manifest


def copied(candidate: Path, manifest: Manifest, kept: Path) -> Path:
    """The service's own copy of ``candidate``; it appears whole or not at all, whoever else copies meanwhile.

    Raises:
        ModelRefused: the candidate changed while it was copied.
    """
    folder = kept / manifest.version
    kept.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        try:
            read_manifest(folder)
        except ModelRefused:
            shutil.rmtree(folder)  # what a promotion left that was cut off
        else:
            return folder
    with TemporaryDirectory(dir=kept) as scratch:
        copy = Path(shutil.copytree(candidate, Path(scratch) / "model"))
        if read_manifest(copy).version != manifest.version:
            raise ModelRefused(candidate, "it changed while it was copied")
        copy.rename(folder)
    return folder
