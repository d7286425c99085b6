"""Neurons that should be silent, a budget against their noise, and the exact optimum by theory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import optimize
from scipy.interpolate import CubicHermiteSpline

import jaxsnn_noise as jn
from jaxsnn_noise import gradients, theory
from jaxsnn_noise.parameters import parameter, positive

if TYPE_CHECKING:
    from . import Config

DT = 1.0
"""Time step [ms]."""
NAMES = ("a", "b", "c", "d")
"""Neurons of a system."""
START = 0.15
"""Diffusion of every membrane before the budget is divided [mV/sqrt(ms)]."""
GRID = START * np.geomspace(0.35, 4.0, 12)
"""Where theory is evaluated; between, cubics through values and slopes [mV/sqrt(ms)]."""
LEAVES = tuple(f"network.{name}.noise.m.amplitude.sigma" for name in NAMES)


class FalseSpikes(gradients.Quantity):
    """The expected charge of the spikes of neurons that should be silent, by the weight of each."""

    linear = True
    weights: Any = parameter("1", positive, shape=None)

    @property
    def name(self) -> str:
        return "false_spikes"

    def units(self, sim: jn.Simulation) -> str:
        return "1"

    def statistics(self, sim: jn.Simulation) -> dict[str, Any]:
        return {name: sim.statistics[name] for name in NAMES}

    def moments(self, results: Any, sim: jn.Simulation) -> Any:
        return sum(results[name] * weight for name, weight in zip(NAMES, self.weights, strict=True))

    @classmethod
    def example(cls) -> FalseSpikes:
        return cls(np.ones(len(NAMES)))


@dataclass(frozen=True, eq=False)
class System:
    """Neurons below their threshold of 1 mV: drives [mV], time constants [ms], weights of their spikes, prices of their precision."""

    mean: np.ndarray
    tau_mem: np.ndarray
    weight: np.ndarray
    price: np.ndarray

    def sigmas(self, share: np.ndarray) -> np.ndarray:
        """Noise of each neuron from its share of what all cost at the start."""
        return START * np.sqrt(self.price / (self.price.sum() * np.asarray(share)))

    @property
    def equal(self) -> np.ndarray:
        """The shares of equal noise."""
        return np.asarray(self.price / self.price.sum())

    def counts(self, config: Config) -> list[CubicHermiteSpline]:
        """Expected spikes of each neuron against the logarithm of its noise, without sampling error."""
        found = []
        for mean, tau_mem in zip(self.mean, self.tau_mem, strict=True):
            given: dict[str, Any] = {"mean": mean, "tau_mem": tau_mem, "v_threshold": 1.0, "v_reset": 0.0, "dt": DT}
            told = [theory.membrane_noise_renewal(s, **given, duration=config.duration * DT) for s in GRID]
            slopes = [float(one.slopes["sigma"].count) for one in told]
            found.append(CubicHermiteSpline(np.log(GRID), [float(one.count) for one in told], GRID * slopes))
        return found


def drawn(config: Config) -> list[System]:
    """Systems drawn at random."""
    rng, size = np.random.default_rng([config.seed, 12]), len(NAMES)
    return [
        System(rng.uniform(0.4, 0.9, size), rng.uniform(5.0, 15.0, size), *np.exp(rng.uniform(-1.4, 1.4, (2, size))))
        for _ in range(config.systems)
    ]


def simulation(system: System, config: Config) -> jn.Simulation:
    """The neurons side by side, each with white noise on its membrane."""
    reset = jn.neurons.ResetToValue(detach=False)
    parts = {
        name: jn.Population(
            jn.neurons.LIF(1, tau_mem=tau_mem, v_threshold=1.0, reset=reset),
            noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(START))},
        )
        for name, tau_mem in zip(NAMES, system.tau_mem, strict=True)
    }
    inputs = {name: jn.coding.Constant(mean) for name, mean in zip(NAMES, system.mean, strict=True)}
    counts = {name: jn.statistics.SpikeCount(population=name) for name in NAMES}
    return jn.Simulation(jn.Network(parts), inputs, duration=config.duration * DT, dt=DT, statistics=counts)


def exact(system: System, counts: list[CubicHermiteSpline], share: np.ndarray) -> float:
    """The output of a division of the budget, by theory."""
    at = np.clip(np.log(system.sigmas(share)), np.log(GRID[0]), np.log(GRID[-1]))
    return float(sum(w * count(x) for w, count, x in zip(system.weight, counts, at, strict=True)))


def optimum(system: System, counts: list[CubicHermiteSpline]) -> np.ndarray:
    """The shares of the least output, by SciPy on the theory, from several starts."""

    def shares(z: np.ndarray) -> np.ndarray:
        w = np.exp(z - z.max())
        return np.asarray(w / w.sum())

    starts = [np.log(system.equal), *np.random.default_rng(0).normal(size=(7, len(NAMES)))]
    options = {"maxiter": 4000, "xatol": 1e-5, "fatol": 1e-9}
    found = [
        optimize.minimize(lambda z: exact(system, counts, shares(z)), z, method="Nelder-Mead", options=options)
        for z in starts
    ]
    return shares(min(found, key=lambda one: float(one.fun)).x)
