"""Take the model libraries away, and the rooms above the core with them: what core_sync must be right without."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder

ABSENT = frozenset({"sklearn", "skops", "mlflow", "dbos", "scipy", "ml", "remediation", "api"})


class _Absence(MetaPathFinder):
    """Answers for a package that is not there, before any finder that would find it."""

    def find_spec(self, fullname: str, *_: object) -> None:
        """Raises for what is absent; for anything else the next finder is asked."""
        if fullname.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"{fullname} is absent in this environment", name=fullname)


@contextmanager
def without_models() -> Iterator[None]:
    """Within the block, importing any of ``ABSENT`` fails, also where it was imported before."""
    absence = _Absence()
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in ABSENT}
    for name in hidden:
        del sys.modules[name]
    sys.meta_path.insert(0, absence)
    try:
        yield
    finally:
        sys.meta_path.remove(absence)
        sys.modules.update(hidden)
