"""The gate before the service: challenger, live model and plain rules measured side by side on the same rows.

Nothing is taken from a manifest. A challenger passes when it is better than the live model by more than chance, better
than rules alone by more than chance, when no root cause gets worse by more than ``CLASS_LOSS_MAX``, and when it answers
about as quickly.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ml.registry.evaluation_sets import FailureSet, RowSet
from ml.registry.resampling import Gain, average_precision, f1_of_causes, gain_in_average_precision, gain_in_macro_f1
from ml.root_cause.causes import CAUSES
from ml.root_cause.signs import rule_table

if TYPE_CHECKING:
    from ml.anomaly.detector import Detector
    from ml.root_cause.classifier import RootCauseClassifier

CLASS_LOSS_MAX = 0.05
"""No root cause may lose more F1 than this, whatever the mean says."""
CLASS_ROWS = 40
"""Failures of a cause below which its F1 says too little to refuse a model for it."""
LATENCY_RATIO_MAX = 1.5
"""A challenger may take so many times as long over one answer."""
EQUAL = 0.01
"""Where a model as good as the live one is enough, it may measure so much less."""
PLAIN_RULE = {"delta_detector": "residual_z", "movement_detector": "size_tail"}
"""The one feature that a person would sort by instead of asking the detector."""

_TIMED = 30


@dataclass(frozen=True)
class Comparison:
    """What was measured on one set of rows."""

    title: str
    digest: str
    rows: int
    measure: str
    challenger: float
    champion: float | None
    """None where no live model can be read: then rules alone have to be beaten."""
    rules: float
    over_champion: Gain | None
    over_rules: Gain
    by_class: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """F1 of challenger and champion by root cause, of causes with enough failures."""


@dataclass(frozen=True)
class Verdict:
    """The gate's answer: ``refused`` says why the challenger may not serve; None lets it pass."""

    comparisons: Sequence[Comparison]
    latency_ratio: float | None
    refused: str | None


def judge_classifier(
    challenger: "RootCauseClassifier",
    champion: "RootCauseClassifier | None",
    sets: Sequence[FailureSet],
    equal_is_enough: bool = False,
) -> Verdict:
    """Whether ``challenger`` may take the place of ``champion``; the first of ``sets`` must also beat the rules."""
    compared = [_compare_classifiers(challenger, champion, one) for one in sets]
    sample = sets[0].evidences[:_TIMED]
    ratio = None
    if champion is not None:
        ratio = _latency_ratio(
            lambda at: challenger.classify([sample[at]]), lambda at: champion.classify([sample[at]]), len(sample)
        )
    return Verdict(compared, ratio, refusal(compared, ratio, equal_is_enough))


def judge_detector(
    name: str, challenger: "Detector", champion: "Detector | None", rows: RowSet, equal_is_enough: bool = False
) -> Verdict:
    """Whether the detector ``challenger`` may take the place of ``champion``."""
    ours, theirs = challenger.score(rows.matrix), None if champion is None else champion.score(rows.matrix)
    plain = np.nan_to_num(np.abs(rows.matrix[:, rows.features.index(PLAIN_RULE[name])])).astype(float)
    compared = Comparison(
        rows.title,
        rows.digest,
        len(rows.faulty),
        "average_precision",
        _ranked(rows, ours),
        None if theirs is None else _ranked(rows, theirs),
        _ranked(rows, plain),
        None if theirs is None else gain_in_average_precision(ours, theirs, rows.faulty, rows.days),
        gain_in_average_precision(ours, plain, rows.faulty, rows.days),
    )
    ratio = None
    if champion is not None:
        ratio = _latency_ratio(
            lambda at: challenger.score(rows.matrix[at : at + 1]), lambda at: champion.score(rows.matrix[at : at + 1])
        )
    return Verdict([compared], ratio, refusal([compared], ratio, equal_is_enough))


def _compare_classifiers(
    challenger: "RootCauseClassifier", champion: "RootCauseClassifier | None", known: FailureSet
) -> Comparison:
    ours = _said(challenger, known)
    theirs = None if champion is None else _said(champion, known)
    rules = np.array([CAUSES.index(rule_table(one, challenger.codes)) for one in known.evidences], dtype=np.intp)
    own, plain = f1_of_causes(ours, known.truth), f1_of_causes(rules, known.truth)
    before = None if theirs is None else f1_of_causes(theirs, known.truth)
    enough = np.bincount(known.truth, minlength=len(CAUSES)) >= CLASS_ROWS
    return Comparison(
        known.title,
        known.digest,
        len(known.truth),
        "macro_f1",
        float(own.mean()),
        None if before is None else float(before.mean()),
        float(plain.mean()),
        None if theirs is None else gain_in_macro_f1(ours, theirs, known.truth),
        gain_in_macro_f1(ours, rules, known.truth),
        {}
        if before is None
        else {CAUSES[at].value: (float(own[at]), float(before[at])) for at in np.flatnonzero(enough)},
    )


def refusal(compared: Sequence[Comparison], latency_ratio: float | None, equal_is_enough: bool) -> str | None:
    """Why a challenger with these figures may not serve; None if it may."""
    first = compared[0]
    if not first.over_rules.beyond_noise:
        return f"{first.measure} is {first.challenger:.3f}, rules alone have {first.rules:.3f} on {first.title}"
    for one in compared:
        over = one.over_champion
        # Sets of the user's own are small: there only what is more than chance counts as worse.
        if over is not None and (over.high < 0 or (one is first and over.value < -EQUAL)):
            return f"{_beside(one)}: it is worse"
        for cause, (ours, theirs) in one.by_class.items():
            if ours < theirs - CLASS_LOSS_MAX:
                return f"F1 of {cause} falls from {theirs:.3f} to {ours:.3f} on {one.title}"
    gains = [one.over_champion for one in compared if one.over_champion is not None]
    if gains and not equal_is_enough and not any(gain.beyond_noise for gain in gains):
        return f"{_beside(first)}: not better by more than chance"
    if latency_ratio is not None and latency_ratio > LATENCY_RATIO_MAX:
        return f"one answer takes {latency_ratio:.1f} times as long as the live version's"
    return None


def _beside(one: Comparison) -> str:
    return (
        f"{one.measure} is {one.challenger:.3f}, the live version has {one.champion:.3f} on {one.title}, "
        f"difference {one.over_champion}"
    )


def _said(classifier: "RootCauseClassifier", known: FailureSet) -> NDArray[np.intp]:
    told = classifier.classify(known.evidences)
    return np.array([CAUSES.index(one.root_cause) for one in told], dtype=np.intp)


def _ranked(rows: RowSet, score: NDArray[np.float64]) -> float:
    return float(average_precision(score, rows.faulty, np.ones((1, len(score))))[0])


def _latency_ratio(ours: Callable[[int], object], theirs: Callable[[int], object], count: int = _TIMED) -> float:
    """Median time of ``ours`` over that of ``theirs``, each taken in turn: processor time of this thread, so that
    what else the machine does is not taken for slowness of either."""
    taken: tuple[list[float], list[float]] = ([], [])
    for at in range(count):
        for answer, times in zip((ours, theirs), taken, strict=True):
            started = time.thread_time()
            answer(at)
            times.append(time.thread_time() - started)
    return float(np.median(taken[0]) / np.median(taken[1]))
