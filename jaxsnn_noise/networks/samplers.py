r"""Networks that sample a Boltzmann distribution by their spikes.

The target is :math:`p(z) \propto \exp(\frac12 z^\top W z + b^\top z)` with symmetric couplings of zero diagonal
(``theory.boltzmann_probabilities``); a neuron is on, ``z_k = 1``, for ``duration`` after each of its spikes
(``statistics.StateCounts``). The population is called ``units``, the projection ``couplings``.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import (
    concrete,
    count,
    fail,
    flag,
    is_a,
    number,
    positive,
    real_numbers,
    steps_of,
    symmetric_couplings,
)
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.coding import Constant
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.running import simulate
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.firing import SamplingRule
from jaxsnn_noise.neurons import LIF
from jaxsnn_noise.noise import CurrentNoise, Diffusion, OrnsteinUhlenbeck
from jaxsnn_noise.parameters import Ranged, parameter, real
from jaxsnn_noise.parameters import positive as above_zero
from jaxsnn_noise.statistics import Rate
from jaxsnn_noise.synapses import Dense, Exponential, Rectangular

_FORGETS = 50.0
"""A membrane of this part of a step has nothing left of the step before: exp(-50)."""


def abstract_sampler(weights: Any, biases: Any, *, duration: float = 20.0, dt: float = 1.0) -> Network:
    r"""The sampling network of abstract neurons: ``u_k = b_k + sum_j W_kj z_j``, firing by ``SamplingRule``.

    Made of parts: a LIF that forgets within a step and rests at the bias (1 mV stands for 1), ``firing.SamplingRule`` and
    ``synapses.Rectangular``. All units are updated at once, from the states of the step before; the divergence of what is sampled
    from the target falls as ``(dt/duration)^2`` (``theory.neural_sampling`` has it exactly; about 2e-4 nat at 20 steps for three units with
    standard normal weights). Sweep biases by ``network.units.neuron.v_rest``, weights by ``network.couplings.weights``.

    Args:
        weights: couplings [unit, unit] [1], symmetric with a zero diagonal.
        biases: [unit] [1].
        duration: how long a spike stands for ``z = 1`` [ms], a multiple of dt.
        dt: time step in which the network will run [ms]; at another one it is refused.

    Raises:
        InputError: couplings that are not symmetric, or have a diagonal (the pair is named); shapes that do not fit; times.

    References: Buesing, Bill, Nessler & Maass 2011, doi:10.1371/journal.pcbi.1002211.

    Example:
        >>> network = abstract_sampler([[0.0, 1.0], [1.0, 0.0]], [0.0, -1.0])
        >>> network.populations["units"].neuron.size
        2
    """
    w, b = _couplings("abstract_sampler", weights, biases)
    duration, dt = _times("abstract_sampler", duration, dt)
    neuron = LIF(
        len(b), tau_mem=dt / _FORGETS, v_rest=b, v_threshold=0.0, v_reset=-1.0, resistance=1.0, refractory=duration - dt
    )
    units = Population(neuron, firing=SamplingRule(duration))
    return Network({"units": units}, {"couplings": Rectangular("units", "units", w, duration=duration)})


class Activation(Ranged):
    r"""The activation function of a noisy neuron, ``P(z = 1) = 1/(1 + exp(-(mean - midpoint)/width))``.

    Args:
        midpoint: mean free potential at which it is on half of the time [mV].
        width: what raises the odds by e [mV], > 0.
        error: largest difference of the measured probabilities from the function [1]; NaN if not measured.
    """

    midpoint: Leaf = parameter("mV", real)
    width: Leaf = parameter("mV", above_zero)
    error: float = eqx.field(static=True, default=float("nan"))


def lif_population(
    size: int,
    *,
    duration: float = 10.0,
    dt: float = 0.1,
    tau_mem: float = 1.0,
    tau_noise: float = 10.0,
    std: float = 1.0,
    v_rest: Any = 0.0,
) -> Population:
    r"""LIF neurons in the high-conductance state: fast membranes under slow Gaussian noise, which sample by their spikes.

    The noise is an Ornstein-Uhlenbeck current, as of many weak background synapses of ``tau_noise``; the free membrane spreads by
    ``std`` about its mean, :math:`std^2 = \frac{\sigma^2}{2 (\tau_{noise} + \tau_{mem})}` with ``Diffusion(sigma)`` (``R = 1``). The
    threshold is at 0 mV and the reset 0.1 mV below it; after a spike a neuron is held for ``duration - dt``.

    Args:
        size: number of neurons.
        duration: how long a spike stands for ``z = 1`` [ms], a multiple of dt.
        dt: time step [ms].
        tau_mem: effective membrane time constant [ms], well below the other times.
        tau_noise: correlation time of the noise [ms].
        std: standard deviation of the free membrane [mV].
        v_rest: mean of the free potential without input [mV], one number or one per neuron.

    Raises:
        InputError: numbers out of range.

    References: Petrovici, Bill, Bytschok, Schemmel & Meier 2016, doi:10.1103/PhysRevE.94.042312 (arXiv:1610.07161).

    Example:
        >>> lif_population(3).neuron.size
        3
    """
    count("lif_population.size", size)
    duration, dt = _times("lif_population", duration, dt)
    tau_mem, tau_noise = (
        _positive(f"lif_population.{name}", value, "ms")
        for name, value in (("tau_mem", tau_mem), ("tau_noise", tau_noise))
    )
    std = _positive("lif_population.std", std, "mV")
    sigma = std * (2.0 * (tau_noise + tau_mem)) ** 0.5
    noise = {"background": CurrentNoise(Diffusion(sigma), colour=OrnsteinUhlenbeck(tau_noise))}
    neuron = LIF(
        size, tau_mem=tau_mem, v_rest=v_rest, v_threshold=0.0, v_reset=-0.1, resistance=1.0, refractory=duration - dt
    )
    return Population(neuron, noise=noise)


def measured_activation(
    population: Population, *, duration: float, key: Any, dt: float = 0.1, time: float = 20_000.0, reach: float = 4.0
) -> Activation:
    """The activation function of a neuron, measured: on-times at means from far below to far above, and the logistic fit to them.

    Its neurons, which must be alike but for ``v_rest``, are driven by constant currents to means about the threshold, ``reach`` mV to
    both sides; the share of time on is ``rate duration``. Fitted by maximum likelihood (least squares of the logit, weighted).

    Args:
        population: LIF neurons with noise, at least 5 of them: one mean each.
        duration: how long a spike stands for ``z = 1`` [ms].
        key: seed of the measurement.
        dt: time step [ms].
        time: measured time [ms].
        reach: how far means lie from the threshold [mV].

    Raises:
        InputError: fewer than 5 neurons, or no activation between 0.02 and 0.98 at three means at least.
    """
    is_a("measured_activation.population", population, Population, "networks.lif_population(41)")
    neuron: Any = population.neuron
    is_a("measured_activation.population.neuron", neuron, LIF, "neurons.LIF(41)")
    count("measured_activation: neurons", neuron.size, least=5)
    duration, dt = _times("measured_activation", duration, dt)
    time, reach = (
        _positive("measured_activation.time", time, "ms"),
        _positive("measured_activation.reach", reach, "mV"),
    )
    threshold = np.asarray(neuron.threshold(neuron.rest()), np.float64)
    means = threshold + np.linspace(-reach, reach, neuron.size)
    current = (means - np.asarray(neuron.v_rest)) / np.asarray(neuron.resistance)
    sim = Simulation(
        Network({"units": population}),
        {"units": Constant(current)},
        duration=time,
        dt=dt,
        warmup=100.0,
    )
    rate = np.asarray(simulate(sim, key=key, statistics={"rate": Rate()})["rate"], np.float64)
    return _fitted(means, rate * duration / 1000.0)


def _fitted(means: np.ndarray, on: np.ndarray) -> Activation:
    """The logistic function through shares of time, by Newton's steps on their likelihood."""
    inner = (on > 0.02) & (on < 0.98)
    if inner.sum() < 3:
        rule = "needs at least three means with a share of time on between 0.02 and 0.98; change reach, or the noise"
        fail("measured_activation", rule, on.round(3))
    design = np.stack([np.ones_like(means), means - means[inner].mean()], axis=1)
    logit = np.log(on[inner] / (1 - on[inner]))
    found = np.linalg.lstsq(design[inner], logit, rcond=None)[0]
    for _ in range(50):
        p = 1 / (1 + np.exp(-design @ found))
        found = found + np.linalg.solve((design.T * (p * (1 - p))) @ design, design.T @ (on - p))
    error = float(np.abs(on - 1 / (1 + np.exp(-design @ found))).max())
    midpoint = means[inner].mean() - found[0] / found[1]
    return Activation(midpoint, 1.0 / found[1], error)


def lif_sampler(
    weights: Any,
    biases: Any,
    activation: Activation,
    *,
    duration: float = 10.0,
    dt: float = 0.1,
    rectangular: bool = False,
    **membrane: Any,
) -> Network:
    r"""A network of ``lif_population`` that samples a Boltzmann distribution, weights translated by the measured activation.

    A bias rests the membrane at :math:`midpoint + width\,b_k`. A coupling ``W`` has to move the mean by ``width W`` while its
    source is on; an exponential synapse with ``tau_syn = duration`` gets the weight at which its postsynaptic potential has that mean
    over ``duration``:

    .. math:: w = \frac{width\,W\,T (\tau_s - \tau_m)}{R\,\tau_s \left[\tau_s (1 - e^{-T/\tau_s}) - \tau_m (1 - e^{-T/\tau_m})\right]}, \qquad
              T = \tau_s = duration.

    Its shape, its tail, which acts on after the source is off, and the sum of the potentials of spikes in a row are why such networks
    do not become exact however long they sample; ``rectangular=True`` has none of them.

    Args:
        weights: couplings [unit, unit] [1], symmetric with a zero diagonal.
        biases: [unit] [1].
        activation: of neurons with the same membrane, noise and duration, from :func:`measured_activation`.
        duration: how long a spike stands for ``z = 1`` [ms], a multiple of dt.
        dt: time step in which the network will run [ms].
        rectangular: whether currents last, unchanged, for ``duration`` (``synapses.Rectangular``).
        **membrane: ``tau_mem``, ``tau_noise`` and ``std`` of :func:`lif_population`.

    Raises:
        InputError: as :func:`abstract_sampler`.

    References: Petrovici, Bill, Bytschok, Schemmel & Meier 2016, doi:10.1103/PhysRevE.94.042312 (arXiv:1610.07161).

    Example:
        >>> network = lif_sampler([[0.0, 1.0], [1.0, 0.0]], [0.0, -1.0], Activation(1.0, 0.5))
        >>> network.populations["units"].neuron.v_rest.tolist()
        [1.0, 0.5]
    """
    w, b = _couplings("lif_sampler", weights, biases)
    is_a("lif_sampler.activation", activation, Activation, "networks.measured_activation(...)")
    flag("lif_sampler.rectangular", rectangular)
    duration, dt = _times("lif_sampler", duration, dt)
    if "v_rest" in membrane:
        fail("lif_sampler.v_rest", "follows from the biases", membrane["v_rest"])
    rest = activation.midpoint + activation.width * b
    units = lif_population(len(b), duration=duration, dt=dt, v_rest=rest, **membrane)
    moved = activation.width * w
    if rectangular:
        return Network({"units": units}, {"couplings": Rectangular("units", "units", moved, duration=duration)})
    scale = _weight_of_mean(duration, float(membrane.get("tau_mem", 1.0)))  # checked with the population
    synapse = Dense("units", "units", moved * scale, kinetics=Exponential(duration))
    return Network({"units": units}, {"couplings": synapse})


def _weight_of_mean(duration: float, tau_mem: float) -> float:
    """The weight [nA] whose potential has the mean 1 mV over ``duration`` = ``tau_syn``, of a membrane with R = 1."""
    if abs(duration - tau_mem) < 1e-3 * duration:
        fail("lif_sampler.tau_mem", "must not be the duration [ms]", tau_mem)
    area = duration * -np.expm1(-1.0) + tau_mem * np.expm1(-duration / tau_mem)
    return float((duration - tau_mem) / area)


def _couplings(who: str, weights: Any, biases: Any) -> tuple[Values, Values]:
    for name, value in (("weights", weights), ("biases", biases)):
        real_numbers(f"{who}.{name}", value)
    w, b = jnp.asarray(weights, jnp.float32), jnp.asarray(biases, jnp.float32)
    if b.ndim != 1 or w.shape != 2 * b.shape:
        fail(f"{who}.weights", "must be [unit, unit], as many as biases [unit]", (w.shape, b.shape))
    if (known := concrete(weights)) is not None:
        symmetric_couplings(f"{who}.weights", np.asarray(known, np.float64))
    return w, b


def _times(who: str, duration: Any, dt: Any) -> tuple[float, float]:
    duration, dt = _positive(f"{who}.duration", duration, "ms"), _positive(f"{who}.dt", dt, "ms")
    if steps_of(f"{who}.duration", duration, dt) < 1:
        fail(f"{who}.duration", f"must be a multiple of dt = {dt:g} ms [ms]", duration)
    return duration, dt


def _positive(who: str, value: Any, unit: str) -> float:
    found = number(who, value)
    positive(who, found, unit)
    return found
