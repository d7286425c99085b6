"""The unbiased estimator: scores of the spike decisions, with martingales as control variates."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.coding import Constant, TimeSeries
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.firing import Stopped
from jaxsnn_noise.gradients.decisions import Decisions
from jaxsnn_noise.gradients.estimator import Estimator, means, over_trials, results_of, shifted, spread, with_slopes
from jaxsnn_noise.gradients.passing import passed
from jaxsnn_noise.gradients.result import Gradient
from jaxsnn_noise.noise import ComposedSource

FEW = 100
"""Spikes below which an estimate may be falsely certain."""


class Baseline(eqx.Module):
    """The mean of the output over the other half of the trials is taken off it: the usual variance reduction."""


class Martingale(eqx.Module):
    """The output less what its regression, over the other half of the trials, on surpluses of spikes and of noise explains.

    A surplus ``s - p``, weighted by what was known before the decision, has mean 0, and its product with the score of the
    same decision has a known one: the derivative of the expected spikes. What is explained leaves the variance.
    """


class Score(Estimator):
    r"""The derivative of the expectation, without bias, by the scores of all spike decisions.

    .. math:: \frac{d\,E f}{d\theta} = E\Big[\frac{df}{d\theta}\Big|_{\text{decisions}} + r\,\frac{dL}{d\theta} + \beta \cdot \frac{dA}{d\theta}\Big],
              \qquad r = f - b - \beta \cdot M - \gamma \cdot E

    with ``L``, ``M``, ``A`` and ``E`` of :class:`Decisions`. ``df`` at fixed decisions is that of the membrane whose noise is drawn
    anew below the threshold (``dz`` of a truncated normal). ``b``, beta and gamma are fitted to the other half of the trials, so that
    there is no bias at any number of them. All leaves come from one run in forward mode, with memory that does not grow with time.

    Take it for many leaves of one neuron or a small network, and where there must be no bias (irregularity). Its variance does not
    fall with the number of neurons as that of :class:`FiniteDifference` does, and grows as noise vanishes (as one over its square).
    ``diagnostics``: ``"r2"`` [output], the share of the variance that was explained; ``"spikes"``, seen in all trials;
    ``"simulations"``.

    Args:
        control: ``Martingale()``; ``Baseline()``; or ``None``, for comparison.

    Raises:
        InputError: a population whose decisions have no probability (without noise that decides, common noise alone, coloured noise
            alone: the reason is told); a leaf of what is drawn by another decision (rates of Poisson inputs, release
            probabilities), which has a part that is not in it.

    Warns:
        UserWarning: of fewer than 100 spikes in all trials.

    References: Williams 1992, doi:10.1007/BF00992696 (scores); Wang and Rathinam 2016, doi:10.1137/140958268 (centred scores of jump
    processes); the recycled noise and the martingales are this package's.

    Example:
        >>> type(Score().control).__name__
        'Martingale'
    """

    control: Any = Martingale()

    def __check_init__(self) -> None:
        if self.control is not None and not isinstance(self.control, (Martingale, Baseline)):
            fail("Score.control", "must be gradients.Martingale(), gradients.Baseline() or None", self.control)

    def prepare(self, sim: Simulation) -> Simulation:
        """The simulation with the same forward bits, whose spikes are constants and whose decisions are summed up."""
        stopped = passed(sim, Stopped(), detach=False)
        spiking = [k for k, part in sim.network.cells().items() if part.neuron.spiking]
        sums = {f"decisions_{name}": Decisions(population=name) for name in spiking}
        return with_statistics(stopped, {**stopped.statistics, **sums})

    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        del outputs
        if not any(part.neuron.spiking for part in sim.network.cells().values()):
            fail("Score", "needs a population that spikes; Pathwise serves without", sorted(sim.network.cells()))
        for leaf in leaves:
            if not _follows(sim, leaf):
                rule = (
                    "must be of a neuron, a firing rule, the amplitude or coupling of a composed noise, weights or kinetics, or a given current: "
                    "in others something else is decided, whose score is not in it; FiniteDifference serves"
                )
                fail("Score.leaves", rule, leaf)
        validate(self.prepare(sim))

    def estimate(
        self, sim: Simulation, outputs: tuple[str, ...], leaves: tuple[str, ...], at: np.ndarray, trials: int, root: Key,
        at_once: int,
    ) -> Gradient:  # fmt: skip
        ready = self.prepare(sim)
        summed = [name for name in ready.statistics if name.startswith("decisions_")]

        def function(shift: jax.Array, trial: jax.Array) -> dict[str, jax.Array]:
            results = results_of(shifted(ready, leaves, shift), root, trial)
            sums = [results[name] for name in summed]
            joined = {k: jnp.concatenate([getattr(x, k) for x in sums]) for k in ("surplus", "expected", "surprise")}
            likely = jnp.sum(jnp.stack([x.log_probability for x in sums]))
            spikes = jnp.sum(jnp.stack([x.spikes for x in sums]))
            return {"f": means(results, outputs), "L": likely, "spikes": spikes, **joined}

        values, slopes = over_trials(with_slopes(function, len(leaves)), trials, at_once)
        f, terms = values["f"], _controls(self.control, values)
        rest, beta = _crossed(f, terms)
        gradient = slopes["f"] + rest[:, None, :] * slopes["L"][:, :, None]  # [trial, leaf, output]
        if isinstance(self.control, Martingale):
            gradient = gradient + np.einsum("nko,nlk->nlo", beta, slopes["expected"])
        spikes = float(values["spikes"].sum())
        if spikes < FEW:
            words = f"Score: {spikes:.0f} spikes in {trials} trials: the estimate may be falsely certain; take more trials or time"
            warnings.warn(words, UserWarning, stacklevel=3)
        value, value_error = spread(f)
        mean, error = spread(gradient)
        variance = np.where(f.var(axis=0) > 0, f.var(axis=0), 1.0)
        told = {"r2": 1 - (rest**2).mean(axis=0) / variance, "spikes": spikes, "simulations": trials}
        return Gradient(outputs, leaves, value, value_error, mean.T, error.T, at, trials, told)

    @classmethod
    def example(cls) -> Self:
        return cls()


def _controls(control: Any, values: dict[str, np.ndarray]) -> np.ndarray | None:
    """What the output is regressed on, beside a constant [trial, term]: M first; ``None`` for not even that."""
    if control is None:
        return None
    if isinstance(control, Baseline):
        return np.zeros((len(values["f"]), 0))
    return np.concatenate([values["surplus"], values["surprise"]], axis=1)


def _crossed(f: np.ndarray, terms: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """The outputs less what the regression over the other half explains [trial, output], and its coefficients [trial, M, output]."""
    if terms is None:
        return f, np.zeros((len(f), 0, f.shape[1]))
    halves = np.arange(len(f)) % 2 == 0
    rest, beta = np.empty_like(f), np.empty((len(f), terms.shape[1] // 2, f.shape[1]))
    for half in (halves, ~halves):
        here, other = terms[half], terms[~half]
        size = np.sqrt((other**2).mean(axis=0))
        scale = np.where(size > 1e-12 * max(size.max(initial=0.0), 1e-30), size, np.inf)
        design = np.concatenate([np.ones((len(other), 1)), other / scale], axis=1)
        found = np.linalg.lstsq(design, f[~half], rcond=1e-9)[0]
        slopes = found[1:] / scale[:, None]
        rest[half] = f[half] - found[0] - here @ slopes
        beta[half] = slopes[: beta.shape[1]]
    return rest, beta


def _follows(sim: Simulation, leaf: str) -> bool:
    """Whether all that a leaf moves is in the scores of spikes and in paths at fixed decisions."""
    place, *rest = leaf.split(".")
    if place == "inputs":
        return isinstance(sim.inputs[rest[0]], (Constant, TimeSeries))
    if place != "network":
        return False
    part = sim.network.populations.get(rest[0], sim.network.projections.get(rest[0]))
    if not isinstance(part, Population):
        return rest[1] in ("weights", "kinetics")
    if rest[1] != "noise":
        return rest[1] in ("neuron", "firing")
    source = paths.get(sim, ".".join(["network", *rest[:3]]))
    return isinstance(source, ComposedSource) and re.match(r"amplitude|coupling", rest[3]) is not None
