"""What the service does by itself, in rounds: each role is one function that does what is due and returns.

Rounds may be cut off anywhere and run in any number of processes: leases, locks and unique keys below
see to it that nothing is done twice.
"""

import logging
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import text

from core_sync.errors import StocktriageError, VerbRefused

if TYPE_CHECKING:
    from api.wiring import World

_LOG = logging.getLogger("stocktriage.rounds")

Told = dict[str, int]


@dataclass(frozen=True, slots=True)
class Role:
    """One kind of work: what it does, how a round is done, and the seconds between two rounds.

    A role that must answer sooner than a round later has its own way to ``keep`` going. One that others wait for begins
    ``at_once``, not a round later.
    """

    does: str
    round: Callable[["World"], Told]
    every_s: float
    keep: Callable[["World", threading.Event], None] | None = None
    at_once: bool = False


def triage_round(world: "World") -> Told:
    """Compare new snapshots, triage all that is new, alert."""
    from api.jobs.triage import triage
    from core_sync.snapshots.reconcile import reconcile
    from remediation.notify import alert_new_cases

    compared = reconcile(world.database, world.clock())
    told = asdict(triage(world))
    alerts = alert_new_cases(world.database, world.alerts, world.clock())
    return {"differing": compared.differing, **told, "alerts": alerts}


def notice_round(world: "World") -> Told:
    """Put failures that are new into cases, between two triages."""
    from api.jobs.triage import notice

    return {"gathered": notice(world)}


def score_round(world: "World") -> Told:
    """Score the movements that have arrived."""
    from api.jobs.scoring import score_arrivals

    return {"anomalies": score_arrivals(world)}


def keep_scoring(world: "World", stop: threading.Event) -> None:
    """Score movements when they arrive."""
    from api.jobs import scoring

    scoring.keep_scoring(world, stop)


def publish_round(world: "World") -> Told:
    """Push what is due to channels, read back what they show, and compare those in shadow."""
    from core_sync.availability.promises import channel_names
    from core_sync.outbox.dispatch import push_due
    from core_sync.outbox.read_back import confirm_visible
    from core_sync.outbox.shadow import compare_channel

    with world.database.reading() as connection:
        names = channel_names(connection)
    shadowed = sum(compare_channel(world.database, world.channels, name, world.clock()) for name in names)
    pushed = push_due(world.database, world.channels, world.clock())
    read = confirm_visible(world.database, world.channels, world.clock())
    return {
        "accepted": len(pushed.accepted),
        "later": len(pushed.retried_later),
        "failed": len(pushed.failed),
        "visible": len(read.visible),
        "overdue": len(read.overdue),
        "shadowed": shadowed,
    }


def keep_publishing(world: "World", stop: threading.Event) -> None:
    """Publish in lanes that commits wake."""
    from api.jobs import publishing

    publishing.keep_publishing(world, stop)


def remedy_round(world: "World") -> Told:
    """Ask for the actions that may run by themselves, and look again at those whose effect had not shown."""
    from remediation import service

    asked = 0
    with world.database.reading() as connection:
        cases = list(connection.execute(text(_MAY_RUN)).scalars())
    for case_id in cases:
        try:
            service.request(world.remediation, case_id, service.POLICY_ACTOR, world.clock())
            asked += 1
        except VerbRefused as error:  # switched off or resolved meanwhile
            _LOG.info("%s", error)
    return {"asked": asked, "ended": service.settle(world.remediation)}


def prove_round(world: "World") -> Told:
    """Go on proving that replaying the ledger gives the positions; what differs becomes a failure."""
    from core_sync.ledger.proof import prove

    done = prove(world.database, world.clock())
    return {"differing": done.differing}


def expect_round(world: "World") -> Told:
    """Learn what follows what, and tell what has not come in time."""
    from core_sync.expectations.round import expect

    done = expect(world.database, world.clock())
    return {"breached": done.breached, "silent": done.silent}


def sweep_round(world: "World") -> Told:
    """Look at the listings that were longest not looked at, and let go of what was pushed long ago."""
    from core_sync.outbox.retention import let_go
    from core_sync.snapshots.sweep import sweep

    done = sweep(world.database, world.channels, world.clock())
    gone = let_go(world.database, world.clock(), timedelta(days=world.settings.push_history_days))
    return {"unread": done.unread, "old_attempts": gone.attempts, "old_shadow_updates": gone.shadow_updates}


def learn_round(world: "World") -> Told:
    """Take down what people and outcomes said of root causes."""
    from ml.labels.take import take_labels

    taken = take_labels(world.database, world.clock())
    return {"added": taken.added, "withdrawn": taken.withdrawn}


def challenge_round(world: "World") -> Told:
    """Let the challenger answer what the live model decided."""
    from api.challenge import answer

    return {"answered": answer(world)}


def watch_round(world: "World") -> Told:
    """Look once a day whether failures have moved away from those before."""
    from api.jobs.model_drift import look_when_due

    found = look_when_due(world)
    return {"moved": 0 if found is None else len(found.warnings)}


def retrain_round(world: "World") -> Told:
    """Train the root-cause model anew where that is due."""
    from api.jobs.retraining import retrain_when_due

    return {"trained": int(retrain_when_due(world) is not None)}


def steer_round(world: "World") -> Told:
    """Let what an oversell counts follow what came true; put buffers in force where they are kept."""
    from api.jobs.steering import steer

    done = steer(world)
    return {"steps": done.steps, "applied": done.applied, "left_to_people": done.left_to_people}


def replay_round(world: "World") -> Told:
    """Play the last weeks again with other buffers, where there is more to play."""
    from api.jobs.kept_replay import replay_when_due

    return {"replayed": replay_when_due(world)}


_MAY_RUN = """
SELECT c.case_id FROM exception_case c
WHERE c.status IN ('new', 'acknowledged', 'regressed') AND c.autonomy = 'auto' AND NOT c.abstained
  AND c.recommended_action IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM action_run r WHERE r.case_id = c.case_id AND r.requested_at >= c.opened_at)
ORDER BY c.rank_value DESC LIMIT 50
"""

ROLES: Mapping[str, Role] = {
    "triage": Role("compare, score, classify, group, rank, alert", triage_round, 15.0),
    "notice": Role("put new failures into cases at once, between two triages", notice_round, 1.0),
    "score": Role("score movements when they arrive", score_round, 1.0, keep_scoring),
    "publish": Role("push to channels and read back", publish_round, 5.0, keep_publishing),
    "prove": Role("prove, a part at a time, that replaying the ledger gives the positions", prove_round, 20.0),
    "expect": Role("learn what follows what, tell what has not come in time", expect_round, 30.0),
    "sweep": Role("look at every listing once a day, the longest unseen first", sweep_round, 60.0),
    "learn": Role("take down what people and outcomes said of root causes", learn_round, 300.0),
    "challenge": Role("let a challenger answer beside the live root-cause model", challenge_round, 15.0),
    "watch": Role("look once a day whether failures have moved away from those before", watch_round, 900.0),
    "retrain": Role("train the root-cause model anew, on schedule or after enough labels", retrain_round, 900.0),
    "steer": Role("hold accepted oversell rates, apply buffers that are kept", steer_round, 600.0, at_once=True),
    "replay": Role("play the last weeks again with other buffers, once a day", replay_round, 60.0, at_once=True),
    "remedy": Role("run what may run by itself, verify what ran", remedy_round, 10.0),
}
"""Every role that a process can take."""


SWITCHED_AFTER_S = 0.0005
"""For so long a thread that computes keeps the interpreter from the others (Python's own figure is 5 ms).

Who asks the database waits for it after each answer: a new failure, 8 s while a large case is weighed.
"""


def keep_round(world: "World", role: str, stop: threading.Event) -> None:
    """Do the work of ``role`` until ``stop`` is set; a round that fails is told and tried again later."""
    sys.setswitchinterval(SWITCHED_AFTER_S)
    one = ROLES[role]
    if one.keep is not None:
        one.keep(world, stop)
        return
    wait_s = 0.0 if one.at_once else one.every_s
    while not stop.wait(wait_s):
        wait_s = one.every_s
        try:
            told = one.round(world)
        except StocktriageError as error:
            _LOG.warning("%s: %s", role, error)
        except Exception:
            _LOG.exception("%s: the round failed; the next one tries again", role)
        else:
            if any(told.values()):
                _LOG.info("%s: %s", role, told)
