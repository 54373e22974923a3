"""The core is tested as it must work alone: without the model libraries and the rooms above it."""

from collections.abc import Iterator

import pytest

from tests.isolation.without_models import without_models


@pytest.fixture(autouse=True)
def _the_core_alone() -> Iterator[None]:
    with without_models():
        yield
