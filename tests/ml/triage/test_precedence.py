"""Whoever has time gives way to who is in a hurry, and gets on all the same."""

import threading

from ml.triage.precedence import ASKED_EVERY, giving_way, hurrying

MANY = range(3 * ASKED_EVERY)


def test_who_has_time_waits_until_nobody_is_in_a_hurry() -> None:
    walked: list[int] = []
    walking = threading.Thread(target=lambda: walked.extend(giving_way(MANY)))
    with hurrying():
        walking.start()
        walking.join(0.2)
        assert walking.is_alive(), "it waits"
    walking.join(60)
    assert walked == list(MANY)


def test_who_is_in_a_hurry_waits_for_nobody_and_who_has_time_gets_on_in_the_end() -> None:
    walked: list[int] = []
    others = threading.Thread(target=lambda: walked.extend(giving_way(MANY)))
    with hurrying():
        assert list(giving_way(MANY)) == list(MANY)
        others.start()
        others.join(60)
        assert walked == list(MANY), "however long somebody is in a hurry"
