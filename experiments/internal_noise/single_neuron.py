"""One leaky integrate-and-fire neuron under noise at three stages, and its free membrane under multiplicative noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from jaxsnn_noise import Network, Population, Simulation, Trials, Vary, monte_carlo, theory
from jaxsnn_noise.coding import Constant
from jaxsnn_noise.neurons import LIF, FlooredReset
from jaxsnn_noise.parameters import Range, positive
from jaxsnn_noise.statistics import FractionBelow, Mean, VoltageMoments
from jaxsnn_noise.study import option

from .conditions import (
    COUPLINGS,
    SITES,
    Condition,
    as_axis,
    factorial,
    silent_sources,
)

if TYPE_CHECKING:
    import xarray as xr

NEVER = 1e30
"""A threshold [mV] that no potential reaches."""


@dataclass(frozen=True)
class OneNeuron:
    """A neuron under a constant current that makes it fire without noise."""

    trials: int = option(500, Range(0))
    """Trials [1]."""
    steps: int = option(500, Range(1))
    """Measured steps of 1 ms [1]."""
    warmup: int = option(300, Range(0))
    """Steps before them [1]."""
    drive: float = option(2.0, Range(1.0, low_open=True))
    """Where the current would take the free membrane, R I, in thresholds [1]."""
    betas: tuple[float, ...] = option(
        (0.5, 0.8, 0.905, 0.95), Range(0.0, 1.0, low_open=True, high_open=True), least=1, rising=True
    )
    """Decays of the membrane per step, exp(-dt/tau) [1]."""
    levels: tuple[float, ...] = option((0.003, 0.01, 0.03, 0.1, 0.3, 1.0), positive, least=1, rising=True)
    """Noise intensities D [1, or squared unit of the site]."""
    ratios: tuple[float, ...] = option(
        (0.1, 0.25, 0.5, 0.75, 0.9), Range(0.0, 1.0, low_open=True, high_open=True), least=1, rising=True
    )
    """Intensities on the free membrane, as fractions of the critical one [1]."""

    def __post_init__(self) -> None:
        if self.trials == 1:
            raise ValueError("trials must be 0, which leaves the neuron out, or at least 2")


def simulation(one: OneNeuron, current_gain: float, depth: float) -> Simulation:
    """The neuron with noise at three stages, all silent.

    Args:
        one: What to simulate.
        current_gain: (1 - beta) R [mV/nA].
        depth: Level below which a potential is counted as far below threshold [mV].
    """
    tau, resistance = _constants(one.betas[0], current_gain)
    neuron = LIF(1, tau_mem=tau, resistance=resistance, reset=FlooredReset())
    return Simulation(
        Network({"cells": Population(neuron, noise=silent_sources())}),
        {"cells": Constant(one.drive / resistance)},
        duration=float(one.steps),
        dt=1.0,
        warmup=float(one.warmup),
        statistics={"output": Mean("output"), "far_below": FractionBelow(depth), "v": VoltageMoments()},
    )


def measured(
    one: OneNeuron, current_gain: float, depth: float, seed: int, progress: Callable[[int, int], None]
) -> xr.Dataset:
    """Mean output, time far below threshold, and the second moment of the free membrane, per trial.

    The current is scaled with the resistance, so that R I stays where it is when beta changes.
    """
    noisy = [Condition(), *factorial(one.levels, ("independent",)), *_clipped(one)]
    rows = [_Row(beta, condition) for beta in one.betas for condition in noisy]
    free = [_Row(beta, _free(beta, ratio), NEVER) for beta in one.betas for ratio in one.ratios]
    axis = _axis(one, current_gain, [*rows, *free])
    # all rows share their random numbers, so a chunk holds all rows of a part of the trials
    chunk = {"row": axis.size, "trial": -(-one.trials // 8)}
    sim = simulation(one, current_gain, depth)
    found = monte_carlo(sim, [axis, Trials(one.trials)], key=seed, chunk=chunk, progress=progress)
    return _labelled(one, found.squeeze("cells_neuron", drop=True), len(noisy))


@dataclass(frozen=True)
class _Row:
    """One simulated neuron: its decay, its noise, its threshold [mV]."""

    beta: float
    condition: Condition
    threshold: float = 1.0


def _clipped(one: OneNeuron) -> list[Condition]:
    return [Condition("membrane", "multiplicative", "independent", d, floor=0.0) for d in one.levels]


def _free(beta: float, ratio: float) -> Condition:
    """Multiplicative membrane noise at a fraction of the critical intensity."""
    return Condition("membrane", "multiplicative", "independent", ratio * float(theory.critical_intensity(beta)))


def _axis(one: OneNeuron, current_gain: float, rows: Sequence[_Row]) -> Vary:
    tau, resistance = zip(*(_constants(row.beta, current_gain) for row in rows), strict=True)
    values = {
        "network.cells.neuron.tau_mem": tau,
        "network.cells.neuron.resistance": resistance,
        "network.cells.neuron.v_threshold": [row.threshold for row in rows],
        "inputs.cells.values": [one.drive / r for r in resistance],
    }
    kinds = as_axis("cells", [row.condition for row in rows])
    return Vary({**kinds.values, **values}, name="row", labels=np.arange(len(rows)))


def _labelled(one: OneNeuron, found: xr.Dataset, conditions: int) -> xr.Dataset:
    import xarray as xr

    kinds = (len(SITES), len(COUPLINGS), len(one.levels), one.trials)
    betas, last = len(one.betas), 1 + int(np.prod(kinds[:3]))
    many = ("beta", "site", "coupling", "D", "trial")

    def of_noisy(name: str) -> np.ndarray:
        return found[name].values[: betas * conditions].reshape(betas, conditions, one.trials)

    def cells(name: str) -> np.ndarray:
        return of_noisy(name)[:, 1:last].reshape(betas, *kinds)

    second = (found["v_mean"].values ** 2 + found["v_variance"].values)[betas * conditions :]
    expected = np.array([[_second_moment(one, beta, ratio) for ratio in one.ratios] for beta in one.betas])
    columns = {
        "output": (many, cells("output")),
        "quiet_output": (("beta", "trial"), of_noisy("output")[:, 0]),
        "far_below": (many, cells("far_below")),
        "clipped_far_below": (("beta", "D", "trial"), of_noisy("far_below")[:, last:]),
        "second_moment": (("beta", "ratio", "trial"), second.reshape(betas, len(one.ratios), one.trials)),
        "expected_second_moment": (("beta", "ratio"), expected),
        "health_nonfinite": ((), int(found["health_cells_nonfinite"].sum())),
    }
    coords = {
        "beta": list(one.betas), "site": list(SITES), "coupling": list(COUPLINGS), "D": list(one.levels),
        "ratio": list(one.ratios),
    }  # fmt: skip
    return xr.Dataset(columns, coords, found.attrs)


def _second_moment(one: OneNeuron, beta: float, ratio: float) -> float:
    """The stationary second moment of the free membrane [mV^2]."""
    intensity = ratio * float(theory.critical_intensity(beta))
    mean, variance = theory.multiplicative_voltage_moments(beta, intensity, (1.0 - beta) * one.drive)
    return float(mean) ** 2 + float(variance)


def _constants(beta: float, current_gain: float) -> tuple[float, float]:
    """Time constant [ms] and resistance [MOhm] at a decay per step of 1 ms."""
    return float(-1.0 / np.log(beta)), current_gain / (1.0 - beta)
