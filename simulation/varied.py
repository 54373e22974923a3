"""Training worlds whose constants are drawn, so that a detector learns no house by heart.

A constant is drawn within published bounds: rates of faults and times to cure them around the training world's,
standing errors from one to forty times its own, how late books post and messages come, how much is sold and where. The
seed gives a world's constants and what happens in it.
"""

from dataclasses import replace

import numpy as np

from simulation.scenario import TRAINING, FaultRate, Scenario

SEEDS = range(201, 209)


def varied(seed: int) -> Scenario:
    """The training world with constants drawn by ``seed``, which is the world's own too."""
    rng, usual = np.random.default_rng(seed), TRAINING.constants
    faults = {
        kind: FaultRate(rate.per_day * _about_one(rng, 0.7), rate.cured_after_h * _about_one(rng, 0.4))
        for kind, rate in usual.faults.items()
    }
    least_lag_s = float(rng.uniform(5, 40))
    split = tuple(float(share) for share in rng.dirichlet([9, 7, 2, 4]))
    constants = replace(
        usual,
        faults=faults,
        fault_multiplier=float(rng.uniform(0.5, 1.5)),
        evidence_hidden=float(rng.uniform(0.2, 0.5)),
        silent=float(rng.uniform(0.1, 0.4)),
        publish_period_s=(int(rng.uniform(600, 1500)), int(rng.uniform(1500, 4500)), int(rng.uniform(9000, 24_000))),
        erp_posting_s=int(rng.uniform(1500, 4500)),
        erp_late=float(rng.uniform(0.03, 0.35)),
        source_lag_s=(int(least_lag_s), int(least_lag_s * rng.uniform(8, 22))),
        demand_multiplier=float(rng.uniform(0.8, 2.0)),
        dispersion=float(rng.uniform(2, 5)),
        zipf=float(rng.uniform(0.7, 1.1)),
        channel_split=(split[0], split[1], split[2], split[3]),
        standing_offset=float(rng.uniform(0.1, 0.9)),
        standing_offset_times=int(np.exp(rng.uniform(0, np.log(40)))),
    )
    return replace(TRAINING, seed=seed, constants=constants)


def _about_one(rng: np.random.Generator, spread: float) -> float:
    """A factor whose logarithm is normal around nothing."""
    return float(np.exp(rng.normal(0, spread)))


VARIED = tuple(varied(seed) for seed in SEEDS)
"""What a detector of differences is taught by beside ``simulation.scenario.TRAINING_MIX``."""
