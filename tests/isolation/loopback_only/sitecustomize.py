"""Python imports this by itself at its start when this folder is on PYTHONPATH: watch the sockets of any program.

Each attempt to leave loopback is added as a line to the file named by ``STOCKTRIAGE_TEST_OUTSIDE``. The programs that
the program starts are watched as well, since they inherit both variables.
"""

import importlib.util
import os
import sys
from pathlib import Path


def _watch(attempts: Path) -> None:
    spec = importlib.util.spec_from_file_location("_outside", Path(__file__).parents[1] / "outside.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def witness(attempt: str) -> None:
        with attempts.open("a", encoding="utf-8") as lines:
            lines.write(f"{attempt} by {sys.orig_argv!r}\n")

    module.watch(witness)


_watch(Path(os.environ["STOCKTRIAGE_TEST_OUTSIDE"]))
