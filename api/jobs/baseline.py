"""Train every model and lay it into ``models/``: how the shipped baseline is made (``make models``)."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from api.jobs.training import train
from core_sync.clock import now
from ml.registry.manifest import MODEL_NAMES
from ml.registry.service_models import SHIPPED

SEED = 1


def main() -> None:
    """Replace the shipped baseline."""
    with TemporaryDirectory() as scratch:
        for name in MODEL_NAMES:
            trained = train(name, Path(scratch) / name, SEED, now(), lambda line: print(line, flush=True))
            target = SHIPPED / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(trained.folder, target)
            print(name, trained.manifest.version, dict(trained.manifest.metrics))


if __name__ == "__main__":
    main()
