"""Scorers that stay warm: what was learned of every item, and the detector, are kept between two looks.

Without them each look would read a history of 200,000 facts again. With them a movement is scored when it arrives, by
what has arrived before. A scorer starts anew where the model changed, where people have judged something since, or
where differences come that lie before those it has seen.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from sqlalchemy import Connection

from ml.anomaly.detector import Detector
from ml.anomaly.fault_probability import FaultCurve
from ml.anomaly.reasons import Reason
from ml.anomaly.rolling import RollingScorer, Scored
from ml.anomaly.thresholds import Policy
from ml.anomaly.verdicts import Verdicts, heeded
from ml.features.deltas import DeltaFeatures, Deltas
from ml.features.feature import FeatureSet
from ml.features.movements import MovementFeatures
from ml.feedback.labels import last_said, ordinary, read_labels
from ml.feedback.standing import read_verdicts
from ml.registry.service_models import ServiceModels
from ml.triage.frames import HISTORY_ROWS, as_movements, deltas_since, movements_since
from ml.triage.hard_rules import shown_from_nothing
from ml.triage.neighbours import Said, read_said

BATCH_ROWS = 5_000

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Ints = NDArray[np.int64]
Parts = list[tuple[pl.DataFrame, NDArray[np.float32], Ints | None]]
"""Batches of facts with their features, and with their moments where those of one moment arrive together."""
Describe = Callable[[pl.DataFrame], Parts]

ID_COLUMN = {"delta": "delta_id", "movement": "entry_id"}


@dataclass(frozen=True)
class Judged:
    """The new facts of one kind (n rows of ``facts``) with their features and what is thought of each.

    ``chance`` (n,) is that of a fault; ``reasons`` are of every row, strange or not.
    """

    kind: str
    facts: pl.DataFrame
    features: FeatureSet
    matrix: NDArray[np.float32]
    score: Floats
    p_value: Floats
    flagged: Flags
    reasons: list[tuple[Reason, ...]]
    chance: Floats
    beside_fault: Flags
    """Which rows (n,) are likely faults because people said so of a movement beside them."""
    by_rule: Flags
    """Which rows (n,) are strange whatever the detector thinks (``ml.triage.hard_rules``)."""

    def rows(self, wanted: Flags) -> "Judged":
        """The ``wanted`` (n,) rows alone."""
        if wanted.all():
            return self
        return Judged(
            kind=self.kind,
            facts=self.facts[np.flatnonzero(wanted)] if wanted.any() else self.facts.clear(),
            features=self.features,
            matrix=self.matrix[wanted],
            score=self.score[wanted],
            p_value=self.p_value[wanted],
            flagged=self.flagged[wanted],
            reasons=[self.reasons[place] for place in np.flatnonzero(wanted).tolist()],
            chance=self.chance[wanted],
            beside_fault=self.beside_fault[wanted],
            by_rule=self.by_rule[wanted],
        )

    @property
    def ids(self) -> Ints:
        """The facts' numbers (n,)."""
        return self.facts[ID_COLUMN[self.kind]].to_numpy()

    @property
    def moments(self) -> Ints:
        """When each was so (n,), microseconds since 1970 UTC."""
        moments = self.facts["as_of"].dt.epoch("us") if self.kind == "delta" else self.facts["occurred_at"]
        return moments.to_numpy()


@dataclass
class Stream:
    """One kind's scorer with all that it has taken in, up to the fact numbered ``through``."""

    made_from: tuple[object, ...]
    scorer: RollingScorer
    describe: Describe
    curve: FaultCurve
    """The chance of a fault by the detector's score, until judgements have taught a better one."""
    said: Said
    """What people said of movements."""
    verdicts: Verdicts
    """What they said of differences, as far as it still holds."""
    through: int
    latest_us: int = 0


class WarmScorers:
    """The scorers of one process; one look at a time."""

    def __init__(self) -> None:
        self._streams: dict[str, Stream] = {}
        self.alone = threading.Lock()

    def judge(
        self, connection: Connection, kind: str, models: ServiceModels, done: int, newest: int, policy: Policy
    ) -> tuple[Judged, Judged]:
        """What is thought of the facts of ``kind`` numbered above ``done`` up to ``newest``.

        And of those up to ``done`` that are likely faults since people said so of a movement beside them.

        The scorer has taken them in when this returns; ``forget`` it where they are not written down.
        """
        stream = self._stream(connection, kind, models, done)
        facts = _read(connection, kind, stream.through, newest)
        if kind == "delta" and facts.height and stream.latest_us > facts["as_of"].dt.epoch("us").min():  # type: ignore[operator]  # polars says any literal
            self.forget(kind)
            stream = self._stream(connection, kind, models, done)
            facts = _read(connection, kind, stream.through, newest)
        stream.scorer.follow(policy)
        return self._taken_in(stream, connection, kind, facts, done, newest)

    def forget(self, kind: str) -> None:
        """Start anew with the next look."""
        self._streams.pop(kind, None)

    def _stream(self, connection: Connection, kind: str, models: ServiceModels, done: int) -> Stream:
        made_from = (models.folders[f"{kind}_detector"], last_said(connection))
        known = self._streams.get(kind)
        if known is not None and known.made_from == made_from and done - HISTORY_ROWS <= known.through <= done:
            return known
        detector = models.delta_detector if kind == "delta" else models.movement_detector
        curve = models.delta_fault_curve if kind == "delta" else models.movement_fault_curve
        scorer = RollingScorer(detector.specification, detector)
        labels = read_labels(connection, kind, detector.specification.features)
        if labels.told:
            scorer.teach(labels.matrix, labels.faulty)
        describe = _deltas() if kind == "delta" else _movements(detector)
        said, verdicts = read_said(connection), read_verdicts(connection)
        self._streams[kind] = Stream(made_from, scorer, describe, curve, said, verdicts, max(0, done - HISTORY_ROWS))
        return self._streams[kind]

    def _taken_in(
        self, stream: Stream, connection: Connection, kind: str, facts: pl.DataFrame, done: int, newest: int
    ) -> tuple[Judged, Judged]:
        if kind == "movement" and facts.height:
            known_at = np.maximum(facts["occurred_at"].to_numpy(), stream.latest_us)
            facts = facts.hstack([pl.Series("known_at", known_at)])
        usual = ordinary(connection, kind, facts)
        parts: list[tuple[NDArray[np.float32], Scored]] = []
        at = 0
        for part, matrix, moments in stream.describe(facts):
            scored = stream.scorer.advance(matrix, moments, usual[at : at + part.height])
            parts.append((matrix, scored))
            at += part.height
        stream.through = newest
        if facts.height:
            times = facts["as_of"].dt.epoch("us") if kind == "delta" else facts["known_at"]
            stream.latest_us = int(times.max())  # type: ignore[arg-type]  # polars says any literal
        every = _joined(kind, facts, stream.scorer.specification.features, parts, stream.curve)
        if kind == "movement":
            every = _with_neighbours(every, stream.said)
        else:
            told = stream.verdicts.tell(facts, every.matrix)
            every = replace(every, flagged=heeded(every.flagged, every.chance, told))
        new = every.ids > done
        return every.rows(new), every.rows(~new & every.beside_fault)


def _joined(
    kind: str,
    facts: pl.DataFrame,
    features: FeatureSet,
    parts: list[tuple[NDArray[np.float32], Scored]],
    otherwise: FaultCurve,
) -> Judged:
    """What is thought of all ``facts`` together, from the batches they came in."""
    nothing, no_flag = np.empty((0, len(features.features)), dtype=np.float32), np.empty(0, dtype=bool)
    scores = [scored for _, scored in parts]
    return Judged(
        kind=kind,
        facts=facts,
        features=features,
        matrix=np.concatenate([nothing, *(matrix for matrix, _ in parts)]),
        score=np.concatenate([np.empty(0), *(scored.score for scored in scores)]),
        p_value=np.concatenate([np.empty(0), *(scored.p_value for scored in scores)]),
        flagged=np.concatenate([no_flag, *(scored.anomalous for scored in scores)]),
        reasons=[reason for scored in scores for reason in scored.reasons],
        chance=np.concatenate([np.empty(0), *(_chance(scored, otherwise) for scored in scores)]),
        beside_fault=np.zeros(facts.height, dtype=bool),
        by_rule=shown_from_nothing(facts) if kind == "delta" else np.zeros(facts.height, dtype=bool),
    )


def _with_neighbours(judged: Judged, said: Said) -> Judged:
    if not said.rows.height or not judged.facts.height:
        return judged
    chance, beside_fault = said.tells(judged.facts, judged.chance)
    return replace(judged, chance=chance, beside_fault=beside_fault)


def _chance(scored: Scored, otherwise: FaultCurve) -> Floats:
    return (scored.curve or otherwise).probability(np.nan_to_num(scored.score))


def _read(connection: Connection, kind: str, after: int, newest: int) -> pl.DataFrame:
    read = deltas_since if kind == "delta" else movements_since
    return read(connection, after, newest)


def _deltas() -> Describe:
    builder = DeltaFeatures()

    def describe(facts: pl.DataFrame) -> Parts:
        found: Parts = []
        at = 0
        for batch in Deltas.from_frame(facts).batches(BATCH_ROWS):
            found.append((facts.slice(at, len(batch)), builder.advance(batch), batch.time_us))
            at += len(batch)
        return found

    return describe


def _movements(detector: Detector) -> Describe:
    builder = MovementFeatures()

    def describe(facts: pl.DataFrame) -> Parts:
        found: Parts = []
        at = 0
        if not facts.height:
            return found
        for batch in as_movements(facts, "known_at").batches(BATCH_ROWS):
            matrix = builder.advance(batch).matrix(detector.specification.features)
            found.append((facts.slice(at, len(batch)), matrix, None))
            at += len(batch)
        return found

    return describe
