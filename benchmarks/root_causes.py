"""What the root-cause classifier is worth on wording it never saw, part by part, and how quick it is.

    python -m benchmarks.root_causes [--json] [--rows N] [--quick]

Two grounds, both with truth and neither trained on. *Phrases held out*: text and evidence of each failure, in a world
with other constants, fields hidden at random. *Other distributors*: the simulation's failures, whose message templates
our generator does not know. On the same rows stand the rule table alone, text alone, structure alone and all fused.
Then calibration, conformal sets before and after 500 labels, what 200 overrides teach of a new vendor (trains twice;
left out with ``--quick``), speed and memory. All of it is about generated worlds: it ranks, and predicts no customer.
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from api.jobs.simulated_facts import labelled_failures
from benchmarks.rig.clocks import seconds, undisturbed
from benchmarks.rig.figures import Figure, show
from benchmarks.rig.new_vendor import Told, messages
from ml.registry.evaluation_sets import frozen_failures
from ml.registry.resampling import f1_of_causes
from ml.registry.service_models import shipped_models
from ml.root_cause.causes import CAUSES, RootCause, root_cause_of
from ml.root_cause.certainty import automated_share, expected_calibration_error
from ml.root_cause.classifier import RootCauseClassifier
from ml.root_cause.conformal import calibrate
from ml.root_cause.evidence import FailureEvidence, evidence_from
from ml.root_cause.evidence_matrix import evidence_matrix
from ml.root_cause.files import BATCH_ROWS
from ml.root_cause.fusion import Situation, softmax
from ml.root_cause.in_processes import classified_batches
from ml.root_cause.normalise import normalised
from ml.root_cause.recipe import Recipe
from ml.root_cause.signs import rule_table
from ml.root_cause.structured import cause_probabilities
from ml.root_cause.train import train_root_cause
from ml.training.evidence import ELSEWHERE, evidence_for
from ml.training.failures import drawn_leaves
from ml.training.wording.writer import Written, write, write_many
from simulation.distributor import simulate
from simulation.scenario import HELD_OUT

SEED = 404
LABELS = 500
SMALLER = Recipe(texts=12_000, evidence_rows=4_000, held_out=1_500)
"""The two trainings of the new vendor are compared with each other, so a quarter of the shipped size does."""
MISS = 0.05
"""Chance of a miss that the sets measured are built for; the shipped model abstains by a smaller one."""
OVERRIDES = 200
DISTRIBUTORS = 3
MACRO_SAME, MACRO_UNSEEN, ECE_MAX = 0.85, 0.75, 0.05
COVERAGE_MIN, SIZE_MAX = 0.93, 1.5
BATCH_MIN = 5_000
BATCHES = 4
PEER = "HistGradientBoosting.predict_proba on one thread"
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Ground:
    """Failures with their true causes (n,), positions in ``CAUSES``."""

    name: str
    evidences: Sequence[FailureEvidence]
    truth: Positions


def phrases(rows: int, held_out: bool) -> Ground:
    """Failures with text and evidence, of phrases that were or were not trained on."""
    rng = np.random.default_rng(SEED)
    leaves = drawn_leaves(rows, rng)
    made = [
        evidence_from({**evidence_for(leaf, rng, ELSEWHERE), "message": write(leaf, rng, held_out=held_out)})
        for leaf in leaves
    ]
    truth = np.array([CAUSES.index(root_cause_of(leaf)) for leaf in leaves], dtype=np.intp)
    return Ground("phrases held out" if held_out else "phrases trained on", made, truth)


def another_distributor() -> Ground:
    """The failures of ``DISTRIBUTORS`` simulated distributors that say anything at all."""
    worlds = (simulate(replace(HELD_OUT, seed=SEED + number)) for number in range(DISTRIBUTORS))
    rows = [row for world in worlds for row in labelled_failures(world) if row["message"]]
    rows = [rows[at] for at in np.random.default_rng(SEED).permutation(len(rows))]
    truth = np.array([CAUSES.index(RootCause(str(row["root_cause"]))) for row in rows], dtype=np.intp)
    return Ground("other distributors", [evidence_from(row) for row in rows], truth)


def parts(model: RootCauseClassifier, ground: Ground) -> Iterator[Figure]:
    """Macro-F1 of each part on the same rows, beside all fused."""
    of_part = {
        "text alone": [FailureEvidence(message=one.message, system=one.system) for one in ground.evidences],
        "structure alone": [replace(one, message="", error_code=None) for one in ground.evidences],
    }
    fused = macro(model, ground.evidences, ground.truth)
    rules = np.array([CAUSES.index(rule_table(one, model.codes)) for one in ground.evidences], dtype=np.intp)
    yield Figure(f"macro-F1, {ground.name}: fused", fused, "", "asked", MACRO_UNSEEN, fused / MACRO_UNSEEN)
    for name, value in (
        ("rule table alone", float(f1_of_causes(rules, ground.truth).mean())),
        *((name, macro(model, evidences, ground.truth)) for name, evidences in of_part.items()),
    ):
        yield Figure(f"macro-F1, {ground.name}: {name}", value, "", "fused", fused, value / fused)


def macro(model: RootCauseClassifier, evidences: Sequence[FailureEvidence], truth: Positions) -> float:
    """Macro-F1 of what ``model`` says."""
    return float(f1_of_causes(said(model, evidences), truth).mean())


def said(model: RootCauseClassifier, evidences: Sequence[FailureEvidence]) -> Positions:
    """Positions of the causes told."""
    return np.array([CAUSES.index(one.root_cause) for one in model.classify(evidences)], dtype=np.intp)


def calibration(model: RootCauseClassifier, ground: Ground) -> Iterator[Figure]:
    """Whether a probability is worth its name, and how much could be left to it."""
    told = model.classify(ground.evidences)
    error = expected_calibration_error(told, ground.truth)
    yield Figure(f"ECE, {ground.name}", error, "", "asked at most", ECE_MAX, error / ECE_MAX)
    share = automated_share(told, ground.truth)
    yield Figure(
        f"automatable at 99 % right, {ground.name}", share, "of cases", "asked (with hindsight)", 0.5, share / 0.5
    )
    sure = np.array([not one.abstained for one in told])
    right = float((said(model, ground.evidences) == ground.truth)[sure].mean())
    yield Figure(f"right when not abstained, {ground.name}", right, "", "coverage", float(sure.mean()))
    yield from sets(model, ground)


def sets(model: RootCauseClassifier, ground: Ground) -> Iterator[Figure]:
    """Coverage and size of the conformal sets as shipped, and with ``LABELS`` failures of the ground learnt from."""
    scores, situations = model.scores(ground.evidences)
    probabilities = softmax(scores, np.array([model.temperatures[Situation(s)] for s in situations]))
    known = np.arange(len(ground.truth)) < LABELS
    again = calibrate(probabilities[known], ground.truth[known], situations[known], MISS)
    for how, rule in (("as shipped", replace(model.calibration, alpha=MISS)), (f"after {LABELS} labels", again)):
        inside = rule.sets(probabilities[~known], situations[~known])
        covered = float(inside[np.arange(len(inside)), ground.truth[~known]].mean())
        size = float(inside.sum(axis=1).mean())
        yield Figure(
            f"95 % sets cover, {ground.name}, {how}", covered, "", "asked", COVERAGE_MIN, covered / COVERAGE_MIN
        )
        yield Figure(f"size of sets, {ground.name}, {how}", size, "causes", "asked at most", SIZE_MAX, size / SIZE_MAX)


def overrides() -> Iterator[Figure]:
    """Accuracy on a new vendor before and after ``OVERRIDES`` of its failures were labelled, and elsewhere."""
    labelled = messages(OVERRIDES, SEED)
    unseen = [one for one in messages(1_500, SEED + 1) if one.message not in {told.message for told in labelled}]
    frozen = frozen_failures()
    rows = [{"message": one.message, "root_cause": one.root_cause.value} for one in labelled]
    before = train_root_cause([], SEED, SMALLER).classifier
    after = train_root_cause([], SEED, SMALLER, rows).classifier
    x, y = (accuracy(model, unseen) for model in (before, after))
    yield Figure(f"accuracy on a new vendor after {OVERRIDES} overrides", y, "", "before", x, y / x)
    kept = [macro(model, frozen.evidences, frozen.truth) for model in (after, before)]
    yield Figure("macro-F1 elsewhere after the overrides", kept[0], "", "before", kept[1], kept[0] / kept[1])


def accuracy(model: RootCauseClassifier, told: Sequence[Told]) -> float:
    """Share of ``told`` whose cause ``model`` names."""
    found = model.classify([FailureEvidence(message=one.message) for one in told])
    return float(np.mean([one.root_cause is truth.root_cause for one, truth in zip(found, told, strict=True)]))


def speed(model: RootCauseClassifier, ground: Ground) -> Iterator[Figure]:
    """One classification beside one call of the shipped trees, and batches of texts that were never met before."""
    sample = [[one] for one in ground.evidences[:200]]
    matrices = [evidence_matrix(one) for one in sample]
    with undisturbed():
        taken = [
            (seconds(partial(model.classify, one)), seconds(partial(cause_probabilities, model.structure, row)))
            for one, row in zip(sample, matrices, strict=True)
        ]
        ours, theirs = np.median(np.array(taken), axis=0) * 1e3
    yield Figure("one classification p50", ours, "ms", PEER, theirs, ours / theirs)
    batches = fresh_batches()
    half = len(batches) // 2
    for processes, name, some in ((1, "one process", batches[:half]), (2, "two processes", batches[half:])):
        rate, of_processor = rates_in(model, some, processes)
        yield Figure(f"batch of unseen texts, {name}", rate, "failures/s", "asked", BATCH_MIN, rate / BATCH_MIN)
        yield Figure(f"batch of unseen texts, {name}, of processor time", of_processor, "failures/s")


def fresh_batches() -> list[list[dict[str, object]]]:
    """Batches of failures with text and evidence, no two worded alike: nothing of them is remembered."""
    rng = np.random.default_rng(SEED + 7)
    count = 2 * BATCHES * BATCH_ROWS
    written: dict[str, Written] = {}
    for one in write_many(count * 5 // 4, SEED + 7):
        written.setdefault(normalised(one.message), one)
    rows: list[dict[str, object]] = [
        {**evidence_for(one.leaf, rng, ELSEWHERE), "message": one.message} for one in list(written.values())[:count]
    ]
    return [rows[at : at + BATCH_ROWS] for at in range(0, len(rows), BATCH_ROWS)]


def rates_in(
    model: RootCauseClassifier, batches: Sequence[list[dict[str, object]]], processes: int
) -> tuple[float, float]:
    """Failures a second when ``classify`` shares a large file between ``processes``, their start included.

    By the clock, and a second of processor time of all processes together.
    """
    with undisturbed():
        started, before = perf_counter(), sum(os.times()[:4])
        told = sum(len(batch) for batch in classified_batches(model, batches, processes))
        return told / (perf_counter() - started), told / (sum(os.times()[:4]) - before)


_SERVING = """
import psutil, sys
own = psutil.Process()
before = own.memory_info().rss
from ml.registry.service_models import shipped_models
from ml.root_cause.evidence import FailureEvidence
models = shipped_models()
models.root_cause.classify([FailureEvidence(message="timed out", http_status=504)])
models.load("delta_detector")
models.load("movement_detector")
print(own.memory_info().rss / 2**20, before / 2**20, "mlflow" in sys.modules)
"""


def memory() -> Iterator[Figure]:
    """Resident memory of a process that has loaded every model as the service does, and whether MLflow came along."""
    told = subprocess.run([sys.executable, "-c", _SERVING], capture_output=True, text=True, check=True)
    resident, bare, mlflow = told.stdout.split()
    yield Figure(
        "resident memory with all models",
        float(resident),
        "MB",
        "bare Python",
        float(bare),
        float(resident) / float(bare),
    )
    yield Figure("MLflow imported by the service", float(mlflow == "True"), "", "asked", 0.0)


def figures(rows: int, quick: bool) -> Iterator[Figure]:
    """Every figure, the quick ones first."""
    model = shipped_models().root_cause
    held_out = phrases(rows, held_out=True)
    same = macro(model, (trained := phrases(rows, held_out=False)).evidences, trained.truth)
    yield Figure("macro-F1, phrases trained on: fused", same, "", "asked", MACRO_SAME, same / MACRO_SAME)
    for ground in (held_out, another_distributor()):
        yield from parts(model, ground)
        yield from calibration(model, ground)
    yield from speed(model, held_out)
    yield from memory()
    if not quick:
        yield from overrides()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=4_000)
    parser.add_argument("--quick", action="store_true", help="without the two trainings of the new vendor")
    told = parser.parse_args()
    show(figures(told.rows, told.quick), told.json)


if __name__ == "__main__":
    main()
