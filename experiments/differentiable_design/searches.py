"""Ways to divide a budget, all with the same number of runs: by gradients, and without any."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize

import jaxsnn_noise as jn
from jaxsnn_noise import gradients, random, surrogates
from jaxsnn_noise.gradients.programs import over_trials, placed, values_of
from jaxsnn_noise.gradients.quantities import moments, reading
from jaxsnn_noise.gradients.samples import Over

BY_GRADIENT: dict[str, Callable[[], gradients.Estimator]] = {
    "FiniteDifference": gradients.FiniteDifference,
    "Score": gradients.Score,
    "NoiseDensity": gradients.NoiseDensity,
    "raw gradient": lambda: gradients.SurrogateGradient(surrogates.SuperSpike(10.0), through_reset=False),
}
"""By name. The last is what ``jax.grad`` gives through hard thresholds with detached resets."""
WITHOUT = ("Nelder-Mead", "random search")
METHODS = (*BY_GRADIENT, *WITHOUT)


@dataclass(frozen=True)
class Problem:
    """A simulation, an output that is to be small, and leaves with prices, which cost ``price / leaf^2``.

    Attributes:
        sim: All leaves as before the budget is divided.
        output: What is to be small.
        leaves: Paths.
        prices: Of a leaf of size 1.
        trials: Of one evaluation, of each sample.
        steps: Of a search by gradients.
        key: Root key.
        samples: The data set, if there is one.
    """

    sim: jn.Simulation
    output: gradients.Quantity
    leaves: tuple[str, ...]
    prices: np.ndarray
    trials: int
    steps: int
    key: int
    samples: Any = None

    @property
    def start(self) -> np.ndarray:
        """The sizes of the leaves before."""
        return np.array([float(np.mean(jn.paths.get(self.sim, leaf))) for leaf in self.leaves])

    @property
    def total(self) -> float:
        """What they cost."""
        return float((self.prices / self.start**2).sum())

    @property
    def evaluations(self) -> int:
        """Of the output, in one step of central differences of fourth order: what every method has for each step."""
        return 1 + 4 * len(self.leaves)

    def values(self, share: np.ndarray) -> np.ndarray:
        """The leaves of a division of the budget."""
        return np.asarray(np.sqrt(self.prices / (self.total * np.asarray(share))))

    def shares(self, values: np.ndarray) -> np.ndarray:
        """The division of the budget that leaves are."""
        share = self.prices / np.asarray(values, float) ** 2
        return np.asarray(share / share.sum())


def found(method: str, problem: Problem) -> np.ndarray:
    """Shares after 0, 1, ... steps' worth of runs [step, leaf]; the last are the answer."""
    return _by_gradient(method, problem) if method in BY_GRADIENT else _by_search(method, problem)


def _by_gradient(method: str, problem: Problem) -> np.ndarray:
    """A tangent counts as a run, so estimators of one run have more trials than differences."""
    differences = method == "FiniteDifference"
    trials = (
        problem.trials * (1 if differences else problem.evaluations) // (1 if differences else 1 + len(problem.leaves))
    )
    budget = gradients.Budget(dict(zip(problem.leaves, problem.prices.tolist(), strict=True)))
    design = gradients.spend(
        problem.sim, problem.output, budget, steps=problem.steps, trials=trials, key=problem.key,
        estimator=BY_GRADIENT[method](), samples=problem.samples, verify=max(problem.trials, 2), at_once=200,
    )  # fmt: skip
    last = problem.shares(design.verified["value"].sel(design="spent").values)
    return np.concatenate([design.path["share"].values, last[None]])


def _by_search(method: str, problem: Problem) -> np.ndarray:
    """The best of all evaluations so far, which share their random numbers."""
    tried: list[tuple[float, np.ndarray]] = []
    limit = problem.steps * problem.evaluations

    def of(share: np.ndarray) -> float:
        if len(tried) < limit:
            tried.append((measured(problem, share), share))
            return tried[-1][0]
        return np.inf

    if method == "random search":
        rng = np.random.default_rng([problem.key, 5])
        for share in [problem.shares(problem.start), *rng.dirichlet(np.ones(len(problem.leaves)), limit - 1)]:
            of(share)
    else:
        origin = np.log(problem.shares(problem.start))
        simplex = np.concatenate([np.zeros((1, len(origin) - 1)), 0.7 * np.eye(len(origin) - 1)])

        def shares(z: np.ndarray) -> np.ndarray:
            share = np.exp(origin + np.append(z, -z.sum()))
            return np.asarray(share / share.sum())

        options = {"maxfev": limit, "initial_simplex": simplex, "xatol": 1e-4, "fatol": 0.0}
        optimize.minimize(lambda z: of(shares(z)), simplex[0], method="Nelder-Mead", options=options)
    best, kept = (np.inf, tried[0][1]), [tried[0][1]]
    for k in range(limit):
        best = min(best, tried[k] if k < len(tried) else best, key=lambda one: one[0])
        if (k + 1) % problem.evaluations == 0:
            kept.append(best[1])
    return np.stack(kept)


def measured(problem: Problem, share: np.ndarray) -> float:
    """The output of a division of the budget: the mean of the runs of one evaluation, the same random numbers for all."""
    wanted = (problem.output,)
    sim = reading(placed(problem.sim, problem.leaves, problem.values(share)), wanted)
    over = Over(samples=problem.samples, trials=1 if problem.samples is None else problem.trials)
    key = random.stream(random.root(problem.key), "search")
    program = functools.partial(values_of, sim, moments, wanted, over, key)
    return float(over_trials(program, problem.trials * over.size, 200).mean())
