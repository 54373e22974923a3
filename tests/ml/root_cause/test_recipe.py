"""A recipe is the shipped one but for what is changed, and a change that cannot be is refused by name."""

import pytest

from core_sync.errors import VerbRefused
from ml.root_cause.recipe import Recipe, recipe_with


def test_what_is_not_changed_is_as_shipped() -> None:
    changed = recipe_with({"texts": "9000", "text_strength": "2.5"})
    assert (changed.texts, changed.text_strength) == (9_000, 2.5)
    assert changed.trees == Recipe().trees
    assert recipe_with({}) == Recipe()


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("depth", "3", "no such parameter; there are worlds, texts"),
        ("trees", "many", "not a whole number"),
        ("texts", "2.5", "not a whole number"),
        ("alpha", "-0.1", "above 0"),
        ("alpha", "nan", "above 0"),
    ],
)
def test_a_change_that_cannot_be_is_refused(name: str, value: str, reason: str) -> None:
    with pytest.raises(VerbRefused, match=reason):
        recipe_with({name: value})
