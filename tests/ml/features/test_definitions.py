"""What is said of each feature holds together."""

from ml.features.definitions import DELTA_SET, DOCUMENT_SET, FEATURE_SETS
from ml.features.feature import Feature, FeatureSet, Stored


def test_every_feature_has_one_name_and_says_what_it_is() -> None:
    for features in FEATURE_SETS.values():
        assert len(set(features.names)) == len(features.names)
        assert all(f.unit and f.grain and f.window and f.null_means and f.description for f in features.features)


def test_movements_and_deltas_share_no_feature() -> None:
    assert not set(DELTA_SET.names) & set(DOCUMENT_SET.names)


def test_a_digest_changes_with_the_meaning_of_any_feature() -> None:
    one = Feature("size", "units", "movement", "none", "never", "Units moved.", Stored.LOG)
    other = Feature("size", "units", "movement", "none", "never", "Units moved, doubled.", Stored.LOG)
    assert FeatureSet("s", (one,)).digest != FeatureSet("s", (other,)).digest


def test_a_stored_value_is_told_in_its_own_unit() -> None:
    size, rarity = DOCUMENT_SET.features[0], DOCUMENT_SET.features[3]
    assert size.told(5.5) == "244 units"
    assert rarity.told(6.9078) == "0.1 % of the item's movements have this quantity"
