"""Do 95 % intervals hold the truth in 95 % of repeated studies? Tables over whole boxes of designs, with their errors.

Proportions: chips whose success probabilities follow a beta law (the model of the interval) or a logit-normal one (not
the model), and the interval of Korn & Graubard (1998) beside it. An interval and its one-sided limits are asked by their
statistic at the truth, which is the same question and needs no search for ends. Means: clusters that are normal and
skewed. PSTH: spike counts of one bin.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .tables import grid


@dataclasses.dataclass(frozen=True)
class Sizes:
    """What is measured."""

    replicates: int = 10_000
    chips: tuple[int, ...] = (5, 10, 20, 50)
    trials: tuple[int, ...] = (20, 100, 500)
    p: tuple[float, ...] = (0.003, 0.01, 0.03, 0.1, 0.3, 0.5)
    icc: tuple[float, ...] = (0.0, 0.01, 0.03, 0.1, 0.3)
    clusters: tuple[int, ...] = (3, 5, 10, 20, 50)
    members: tuple[int, ...] = (10, 20, 50, 200)


FULL = Sizes()
TINY = Sizes(200, (5,), (20,), (0.1,), (0.0, 0.1), (5,), (20,))


@dataclasses.dataclass(frozen=True)
class Design:
    """Chips with trials each, and what their success probabilities follow.

    Args:
        p: Their mean.
        icc: The intraclass correlation, ``Var / (p (1 - p))``.
        chips: Chips.
        trials: Trials of each.
        law: "beta" or "logit-normal".
    """

    p: float
    icc: float
    chips: int
    trials: int
    law: str = "beta"

    def draw(self, rng: np.random.Generator, replicates: int) -> np.ndarray:
        """Successes [replicate, chip]."""
        return rng.binomial(self.trials, self._chances(rng, (replicates, self.chips)))

    def chips_with_an_event(self, successes: np.ndarray) -> float:
        """The expected number, of the outcome that is rarer."""
        return float(np.mean(np.sum(successes > 0, axis=1)))

    def _chances(self, rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        if self.icc == 0:
            return np.full(shape, self.p)
        if self.law == "beta":
            theta = 1.0 / self.icc - 1.0
            return rng.beta(self.p * theta, (1.0 - self.p) * theta, size=shape)
        middle, spread = self.logit_normal()
        return 1.0 / (1.0 + np.exp(-middle - spread * rng.normal(size=shape)))

    def logit_normal(self) -> tuple[float, float]:
        """Mean and standard deviation of the log odds that give ``p`` and ``icc``, by quadrature."""
        from scipy import optimize, special

        z = np.linspace(-9.0, 9.0, 4001)
        weight = np.exp(-0.5 * z**2) / np.exp(-0.5 * z**2).sum()

        def middle(spread: float) -> float:
            return float(optimize.brentq(lambda m: weight @ special.expit(m + spread * z) - self.p, -200.0, 200.0))

        def excess(spread: float) -> float:
            square = weight @ special.expit(middle(spread) + spread * z) ** 2
            return float(square - self.p**2 - self.icc * self.p * (1.0 - self.p))

        spread = float(optimize.brentq(excess, 1e-3, 30.0))
        return middle(spread), spread


def measure(say: Callable[[str], None], sizes: Sizes = FULL, seed: int = 0) -> dict[str, Any]:
    """All tables: one entry per design."""
    rng = np.random.default_rng(seed)
    found: dict[str, Any] = {"replicates": sizes.replicates, "proportions": [], "means": [], "psth": []}
    for law, chips, trials in itertools.product(("beta", "logit-normal"), sizes.chips, sizes.trials):
        say(f"coverage: proportions, {law} chips, {chips} x {trials}")
        for icc, p in itertools.product(sizes.icc, sizes.p):
            if law == "beta" or icc > 0:
                found["proportions"].append(of_proportion(Design(p, icc, chips, trials, law), rng, sizes.replicates))
    say("coverage: means and PSTH")
    for name, clusters in itertools.product(LAWS, sizes.clusters):
        found["means"].append(of_mean(name, clusters, rng, sizes.replicates))
    found["means"] += [of_crossed(devices, rng, sizes.replicates) for devices in sizes.clusters[:3]]
    for name, members, mean in itertools.product(COUNTS, sizes.members, (0.01, 0.05, 0.2, 0.9)):
        found["psth"].append(of_psth(name, members, mean, rng, sizes.replicates))
    return found


def of_proportion(design: Design, rng: np.random.Generator, replicates: int) -> dict[str, Any]:
    """Coverage of the 95 % interval, misses of both one-sided 95 % limits, and coverage of Korn and Graubard's."""
    from scipy import special

    from jaxsnn_noise.reduce.betabinomial import Clusters

    k = design.draw(rng, replicates).astype(np.float64)
    patterns, back = np.unique(np.sort(k, axis=1), axis=0, return_inverse=True)
    mean, df = patterns.mean(axis=1) / design.trials, design.chips - 1.0
    variance = (patterns / design.trials).var(axis=1, ddof=1) / design.chips
    whole = np.ones(len(patterns))
    attempts = np.full(patterns.shape, float(design.trials))
    t = Clusters(patterns, attempts, mean, variance, df * whole, whole).t(design.p)[back.reshape(-1)]
    one, two = special.stdtrit(df, 0.95), special.stdtrit(df, 0.975)
    low, high = korn_graubard(mean, variance, design.chips, design.trials)
    held = ((low <= design.p) & (design.p <= high))[back.reshape(-1)]
    return dataclasses.asdict(design) | {
        "with_event": design.chips_with_an_event(k),
        "covers": float(np.mean(np.abs(t) <= two)),
        "above": float(np.mean(t < -one)),
        "below": float(np.mean(t > one)),
        "korn_graubard": float(np.mean(held)),
    }


def korn_graubard(mean: np.ndarray, variance: np.ndarray, chips: int, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """The interval of Clopper and Pearson (95 %) of an effective number of members (Korn & Graubard 1998)."""
    from scipy import special

    n = chips * trials
    adjust = (special.stdtrit(n - 1.0, 0.975) / special.stdtrit(chips - 1.0, 0.975)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(variance > 0, mean * (1 - mean) / variance, n)
    effective = np.minimum(effective * adjust, n)
    x = mean * effective
    low = np.where(x > 0, special.betaincinv(np.maximum(x, 1e-9), effective - x + 1, 0.025), 0.0)
    high = np.where(x < effective, special.betaincinv(x + 1, np.maximum(effective - x, 1e-9), 0.975), 1.0)
    return low, high


LAWS: dict[str, Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]] = {
    "normal": lambda rng, shape: rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape) - 1.0,
    "log-normal, cv 0.5": lambda rng, shape: np.expm1(
        np.sqrt(np.log(1.25)) * rng.normal(size=shape) - np.log(1.25) / 2
    ),
    "log-normal, cv 1": lambda rng, shape: np.expm1(np.sqrt(np.log(2.0)) * rng.normal(size=shape) - np.log(2.0) / 2),
    "loss in 1 of 20 clusters": lambda rng, shape: (rng.random(shape) < 0.05) * rng.exponential(size=shape) - 0.05,
}
"""Cluster means of mean 0."""

COUNTS: dict[str, Callable[[np.random.Generator, float, tuple[int, ...]], np.ndarray]] = {
    "Poisson": lambda rng, mean, shape: rng.poisson(mean, shape),
    "0 or 1": lambda rng, mean, shape: rng.binomial(1, mean, shape),
    "Fano factor 2": lambda rng, mean, shape: rng.negative_binomial(mean, 0.5, shape),
}


def of_mean(law: str, clusters: int, rng: np.random.Generator, replicates: int) -> dict[str, Any]:
    """Coverage of the t-interval of independent clusters."""
    import xarray as xr

    from jaxsnn_noise.reduce import mean_and_error

    found = mean_and_error(xr.DataArray(LAWS[law](rng, (replicates, clusters)), dims=("replicate", "device")), "device")
    return {"law": law, "clusters": clusters} | _held(found, 0.0)


def of_crossed(devices: int, rng: np.random.Generator, replicates: int, samples: int = 100) -> dict[str, Any]:
    """Coverage where few devices are crossed with many samples, normal effects of equal error."""
    import xarray as xr

    from jaxsnn_noise.reduce import mean_and_error

    effects = np.sqrt(devices / samples) * rng.normal(size=(replicates, devices, 1)) + rng.normal(
        size=(replicates, 1, samples)
    )
    y = xr.DataArray(effects + rng.normal(size=(replicates, devices, samples)), dims=("replicate", "device", "sample"))
    return {"law": f"normal, crossed with {samples} samples", "clusters": devices} | _held(
        mean_and_error(y, ("device", "sample")), 0.0
    )


def of_psth(law: str, members: int, mean: float, rng: np.random.Generator, replicates: int) -> dict[str, Any]:
    """Coverage of the interval of one bin."""
    import xarray as xr

    from jaxsnn_noise.reduce import psth

    counts = COUNTS[law](rng, mean, (members, replicates))
    found = psth(xr.DataArray(counts, dims=("trial", "bin")), bin_ms=1000.0)
    return {"law": law, "trials": members, "mean": mean} | _held(found, mean)


def _held(found: Any, truth: float) -> dict[str, float]:
    low, high = found["low"].to_numpy(), found["high"].to_numpy()
    return {"covers": float(np.mean((low <= truth) & (truth <= high)))}


def table(found: dict[str, Any]) -> str:
    """The tables as text, each with the standard error of its figures."""
    error = 100.0 * np.sqrt(0.05 * 0.95 / found["replicates"])
    parts = [f"Coverage of 95 % intervals [%], {found['replicates']} studies each; standard error {error:.2f} at 95."]
    for law in ("beta", "logit-normal"):
        rows = [x for x in found["proportions"] if x["law"] == law]
        if rows:
            parts += [f"Proportions, {law} chips: lowest and highest of all p", _box(rows)]
    rare = [
        x for x in found["proportions"] if x["p"] == min(y["p"] for y in found["proportions"]) and x["law"] == "beta"
    ]
    parts += ["Korn and Graubard's interval at the smallest p, and ours", _rare(rare)]
    parts += ["Means", _wide(found["means"], "law", "clusters"), "PSTH, one bin", _psth(found["psth"])]
    return "\n\n".join(parts)


def _box(rows: Sequence[dict[str, Any]]) -> str:
    body = []
    for chips, icc in itertools.product(*(sorted({x[k] for x in rows}) for k in ("chips", "icc"))):
        here = [x for x in rows if (x["chips"], x["icc"]) == (chips, icc)]
        told = [x for x in here if x["chips"] >= 20 and x["with_event"] >= 10]
        most = f"{100 * max(x['covers'] for x in told):.1f}" if told else ""
        least = min(here, key=lambda x: x["covers"])
        worst = max(max(x["above"], x["below"]) for x in here)
        where = f"p {least['p']:g}, {least['trials']} trials"
        body.append(
            [str(chips), f"{icc:g}", f"{100 * least['covers']:.1f}", where, f"{100 * max(x['covers'] for x in here):.1f}",
             most, f"{100 * worst:.1f}"]
        )  # fmt: skip
    header = ["chips", "icc", "least", "at", "most", "most, 10 chips with an event", "one-sided limit misses, worst"]
    return grid(header, body)


def _rare(rows: Sequence[dict[str, Any]]) -> str:
    body = [
        [str(x["chips"]), str(x["trials"]), f"{x['icc']:g}", f"{x['with_event']:.1f}", f"{100 * x['korn_graubard']:.1f}",
         f"{100 * x['covers']:.1f}"] for x in rows
    ]  # fmt: skip
    return grid(["chips", "trials", "icc", "chips with an event", "Korn-Graubard", "ours"], body)


def _wide(rows: Sequence[dict[str, Any]], down: str, across: str) -> str:
    columns = sorted({x[across] for x in rows})
    body = []
    for name in dict.fromkeys(x[down] for x in rows):
        have = {x[across]: f"{100 * x['covers']:.1f}" for x in rows if x[down] == name}
        body.append([str(name), *(have.get(c, "") for c in columns)])
    return grid([down, *(f"{c} {across}" for c in columns)], body)


def _psth(rows: Sequence[dict[str, Any]]) -> str:
    named = [x | {"law": f"{x['law']}, {x['mean']:g} spikes a bin"} for x in rows]
    return _wide(named, "law", "trials")
