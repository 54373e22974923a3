"""Train models and lay them into ``models/``: how the shipped baseline is made.

    python -m api.jobs.baseline [MODEL ...]

Without names every model. The same code and seed make the same model again; the root-cause one to the byte, so that it
has the same version. A detector's forest file also holds when and where in memory it was written.
"""

import argparse
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from api.jobs.training import train
from core_sync.clock import now
from ml.registry.manifest import SHIPPED_NAMES
from ml.registry.service_models import SHIPPED

SEED = 1


def main() -> None:
    """Replace the shipped baseline."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *SHIPPED_NAMES], help="which; all if left out")
    with TemporaryDirectory() as scratch:
        for name in parser.parse_args().models or SHIPPED_NAMES:
            trained = train(name, Path(scratch) / name, SEED, now(), lambda line: print(line, flush=True))
            target = SHIPPED / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(trained.folder, target)
            print(name, trained.manifest.version, dict(trained.manifest.metrics))


if __name__ == "__main__":
    main()
