"""Every notebook runs from top to bottom, as a data scientist would run it."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

CHECKOUT = Path(__file__).parents[2]
NOTEBOOKS = sorted((CHECKOUT / "notebooks").glob("*.ipynb"))


@pytest.mark.proof
@pytest.mark.parametrize("notebook", [pytest.param(path, id=path.stem) for path in NOTEBOOKS])
def test_a_notebook_runs_and_is_kept_without_output(notebook: Path) -> None:
    read = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]  # nbformat carries no types
    assert all(not cell.get("outputs") for cell in read.cells)
    NotebookClient(read, timeout=300, resources={"metadata": {"path": str(CHECKOUT)}}).execute()
    assert all(cell.get("execution_count") for cell in read.cells if cell.cell_type == "code")
