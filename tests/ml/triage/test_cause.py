"""A case that no failure was told of: its cause is guessed by which figures differ, and never acted on."""

import pytest

from ml.registry.service_models import shipped_models
from ml.triage.cause import cause_of
from ml.triage.told import Signals

MODELS = shipped_models()


def differing(state: str, channel: str = "", lag_s: float | None = None, held_s: float | None = None) -> Signals:
    row = {"state": state, "channel": channel, "event_lag_s": lag_s, "reservation_age_s": held_s}
    return Signals(failures=(), anomalies=[row])


@pytest.mark.parametrize(
    ("signals", "cause"),
    [
        (differing("on_hand", lag_s=6 * 3600.0), "posting_delay"),
        (differing("allocated", held_s=10 * 86_400.0), "stale_reservation"),
        (differing("on_hand", held_s=10 * 86_400.0), "posting_delay"),
    ],
    ids=["books that lag", "units held for long", "an old reservation beside stock on hand"],
)
def test_what_differs_suggests_the_cause(signals: Signals, cause: str) -> None:
    told = cause_of(signals, MODELS)
    assert told["root_cause"] == cause
    assert told["abstained"]
    assert 0 < told["probability"] <= 1


def test_what_a_channel_shows_is_seldom_blamed_on_the_rest() -> None:
    assert cause_of(differing("available", channel="shop"), MODELS)["root_cause"] in {
        "duplicate",
        "timeout",
        "posting_delay",
    }
