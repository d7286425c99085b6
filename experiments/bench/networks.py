"""Two workloads of one network each: time steps as a neuroscientist runs them, and nothing to batch over.

``sparse`` is one network of leaky integrate-and-fire neurons, connected at random, each with white noise of its own; ``brunel``
is that of Brunel (2000), doi:10.1023/A:1008925309027, figure 8C. Both follow, per step of a neuron that is not refractory::

    v <- decay v + (1 - decay) drive + noise + sum_k w_k s_k(t - delay);  spike where v >= threshold, then v <- reset

A neuron that has fired is held for ``refractory``; what arrives meanwhile is lost. The noise is Gaussian in ``sparse``, that of
a free membrane under ``sigma`` per sqrt(ms), and in ``brunel`` the jumps of a Poisson number of spikes from outside.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np


class OfNeurons:
    """Of a problem whose results are counts of spikes of ``neurons`` in ``steps`` of ``dt`` [ms]."""

    steps: int
    dt: float

    if TYPE_CHECKING:  # a number, or a sum of them

        @property
        def neurons(self) -> int: ...

    @property
    def work(self) -> float:
        """Neuron updates in a run."""
        return float(self.neurons) * self.steps

    def rate_hz(self, counts: np.ndarray) -> float:
        """Mean rate of a run from the counts of its neurons."""
        return float(counts.sum() / self.neurons / (self.steps * self.dt) * 1e3)


@dataclasses.dataclass(frozen=True)
class Sparse(OfNeurons):
    """One network with Gaussian noise: weights of ``strength`` over the root of the in-degree, balanced in the mean.

    Args:
        neurons: Number of neurons, ``excitatory`` of which are excitatory.
        probability: That a pair is connected.
        steps: Number of steps of ``dt`` [ms], all of which count.
        drive: Mean of the free membrane [mV].
        sigma: Amplitude of the noise [mV/sqrt(ms)].
        strength: Excitatory weight times the root of the in-degree [mV]; inhibitory weights balance it.
        tau, threshold, reset, refractory, delay: Of a neuron and of its synapses [ms, mV, mV, ms, ms].
        seeds: Runs whose rates are compared, before times are measured.
    """

    neurons: int = 1000
    probability: float = 0.1
    steps: int = 10_000
    dt: float = 0.1
    drive: float = 17.0
    sigma: float = 1.1
    strength: float = 2.0
    excitatory: float = 0.8
    tau: float = 20.0
    threshold: float = 20.0
    reset: float = 10.0
    refractory: float = 2.0
    delay: float = 1.5
    seeds: int = 20

    unit = "neuron updates"
    redrawn = False
    """Whether each of the seeds has a graph of its own."""

    @property
    def decay(self) -> float:
        """Of the membrane in a step."""
        return math.exp(-self.dt / self.tau)

    @property
    def step_std(self) -> float:
        """Of the noise in a step [mV], exact for the free membrane."""
        return self.sigma * math.sqrt(-self.tau / 2 * math.expm1(-2 * self.dt / self.tau))

    def data(self, seed: int = 0) -> dict[str, np.ndarray]:
        """The weights [target, source] in mV."""
        rng = np.random.default_rng(20_242 + seed)
        connected = rng.random((self.neurons, self.neurons), np.float32) < self.probability
        many = round(self.excitatory * self.neurons)
        each = np.full(self.neurons, self.strength / math.sqrt(self.probability * self.neurons), np.float32)
        each[many:] *= -many / (self.neurons - many)
        return {"weights": connected * each}


@dataclasses.dataclass(frozen=True)
class Brunel(OfNeurons):
    """Brunel's network: every neuron has ``in_excitatory`` and ``in_inhibitory`` synapses from distinct neurons.

    Args:
        excitatory, inhibitory: Numbers of neurons.
        in_excitatory, in_inhibitory: Numbers of synapses of each neuron.
        outside, outside_hz: Synapses of each neuron from outside, and the rate of each of these [Hz].
        weight: Jump of the membrane by an excitatory spike [mV]; ``g`` times that by an inhibitory one.
        steps, warm: Steps of ``dt`` [ms] in which spikes are counted, and before.
        tau, threshold, reset, refractory, delay: Of a neuron and of its synapses [ms, mV, mV, ms, ms].
        seeds: Runs whose rates are compared, each of a graph of its own, before times are measured.
    """

    excitatory: int = 10_000
    inhibitory: int = 2_500
    in_excitatory: int = 1_000
    in_inhibitory: int = 250
    outside: int = 1_000
    outside_hz: float = 20.0
    weight: float = 0.1
    g: float = 5.0
    steps: int = 10_000
    warm: int = 2_000
    dt: float = 0.1
    tau: float = 20.0
    threshold: float = 20.0
    reset: float = 10.0
    refractory: float = 2.0
    delay: float = 1.5
    seeds: int = 5

    unit = "simulated seconds"
    redrawn = True

    @property
    def neurons(self) -> int:
        """All of them."""
        return self.excitatory + self.inhibitory

    @property
    def work(self) -> float:
        """Simulated seconds of a run."""
        return (self.warm + self.steps) * self.dt / 1e3

    @property
    def decay(self) -> float:
        """Of the membrane in a step."""
        return math.exp(-self.dt / self.tau)

    @property
    def kinds(self) -> tuple[tuple[str, int, int, int, float], ...]:
        """Name, first neuron, number, synapses of each target and weight of either kind of source."""
        return (
            ("excitatory", 0, self.excitatory, self.in_excitatory, self.weight),
            ("inhibitory", self.excitatory, self.inhibitory, self.in_inhibitory, -self.g * self.weight),
        )

    def data(self, seed: int = 0) -> dict[str, np.ndarray]:
        """The seed of the graph, which every system draws with its own means."""
        return {"graph": np.asarray(seed)}


def synapses(problem: Sparse | Brunel, data: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Source, target and weight [mV] of every synapse, in the order of sources, for systems that take them as arrays."""
    if isinstance(problem, Sparse):
        source, target = np.nonzero(data["weights"].T)
        return source.astype(np.int32), target.astype(np.int32), data["weights"][target, source]
    rng = np.random.default_rng(int(data["graph"]))
    sources, targets, weights = [], [], []
    every = np.arange(problem.neurons, dtype=np.int32)
    for _, first, size, degree, weight in problem.kinds:
        chosen = [rng.choice(size, degree, replace=False, shuffle=False).astype(np.int32) for _ in every]
        source = np.concatenate(chosen)
        order = np.argsort(source.astype(np.uint16) if size < 1 << 16 else source, kind="stable")
        sources.append(source[order] + np.int32(first))
        targets.append(np.repeat(every, degree)[order])
        weights.append(np.full(len(source), weight, np.float32))
    return np.concatenate(sources), np.concatenate(targets), np.concatenate(weights)
