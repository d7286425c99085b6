"""One step of plain gradient descent at rate 1 shows the gradient: it is what the leaf lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.small_task import fit, points
from jaxsnn_noise.training import losses, transforms

DESCENT = optax.sgd(1.0)
WEIGHTS, TAU, RATE = "network.p.weights", "network.out.neuron.tau_mem", "network.p.kinetics.tau_syn"


def readout_only(key: Any) -> jn.Simulation:
    """Port, synapses and membrane: smooth in every parameter."""
    weights = jn.random.normals(jn.random.root(key), (3, 6))
    network = jn.Network(
        {"in": jn.Port(6), "out": jn.Population(jn.neurons.LeakyIntegrator(3, tau_mem=5.0))},
        {
            "p": jn.synapses.Dense(
                "in", "out", weights, kinetics=jn.synapses.Exponential(3.0), sums=jn.synapses.NativeSums()
            )
        },
    )
    return jn.Simulation(network, {"in": jn.coding.Constant(0.0)}, duration=6.0, dt=1.0)


TRANSFORMS = {WEIGHTS: transforms.Unbounded(), TAU: transforms.Positive(), RATE: transforms.Between(1.0, 9.0)}


def free_of(leaves: Mapping[str, Any], path: str) -> np.ndarray:
    return np.asarray(TRANSFORMS[path].free(leaves[path]), np.float64)


def slope(fitted: Any, data: Any, path: str, direction: np.ndarray, size: float) -> float:
    """Slope of the loss at the start along a direction of the free values of one leaf, by central differences."""
    start = {p: jn.paths.get(readout_only(0), p) for p in TRANSFORMS}
    losses = []
    for sign in (1.0, -1.0):
        free = free_of(start, path) + sign * size * direction
        leaves = start | {path: TRANSFORMS[path].constrain(jnp.asarray(free, jnp.float32))}
        moved = replace(fitted, leaves={p: leaf[None] for p, leaf in leaves.items()})
        losses.append(moved.evaluate(data, key=0).loss.item())
    return (losses[0] - losses[1]) / (2 * size)


@pytest.fixture(scope="module")
def descended() -> Any:
    loss = losses.CrossEntropy(readout=jn.statistics.Last("v"), scale=2.0, smoothing=0.1)
    settings = {"trainable": tuple(TRANSFORMS), "transforms": TRANSFORMS, "loss": loss, "optimiser": DESCENT}
    return fit(readout_only(0), points(24), epochs=1, batch_size=24, **settings)


@pytest.mark.slow
@pytest.mark.parametrize("path", TRANSFORMS)
def test_the_step_is_the_gradient_of_the_loss(descended: Any, path: str) -> None:
    data, before = points(24), {path: jn.paths.get(readout_only(0), path)}
    step = free_of({path: descended.leaves[path][0]}, path) - free_of(before, path)
    direction = np.random.default_rng(0).normal(size=step.shape)
    expected = slope(descended, data, path, direction, 0.02)
    assert abs(expected) > 1e-3
    # float32 losses of order one, differences over 0.04: rounding 3e-6, curvature 1e-4
    np.testing.assert_allclose(-np.sum(step * direction), expected, rtol=2e-3, atol=2e-5)
    for factor in (0.8, 1.2):  # the same comparison sees a gradient that is off by a fifth
        assert abs(-factor * np.sum(step * direction) - expected) > 2e-3 * abs(expected) + 2e-5


class Readout(losses.Loss):
    """The mean of the last potential, which is linear in the spikes."""

    def reads(self, network: jn.Network) -> Any:
        return jn.statistics.Last("v", population="out")

    def __call__(self, readings: Any, targets: Any) -> Any:
        return jnp.mean(readings)

    def check(self, network: jn.Network, who: str, targets: Any) -> None:
        """Takes any targets."""

    @classmethod
    def example(cls) -> Readout:
        return cls()


def test_through_a_noisy_threshold_the_step_is_the_gradient_of_the_expectation() -> None:
    """One hidden neuron, one chance to fire: ``E[v] = R (1 - a) u F(margin / scale)``, so the slope for w is known."""
    w, u, x, scale, decay = 14.0, 2.0, np.float32(1.3), 0.4, np.exp(-1.0 / 20.0)
    network = jn.Network(
        {
            "in": jn.Port(1),
            "hidden": jn.Population(jn.neurons.LIF(1), firing=jn.NoisyThreshold(scale)),
            "out": jn.Population(jn.neurons.LeakyIntegrator(1)),
        },
        {
            "p": jn.synapses.Dense("in", "hidden", [[w]], sums=jn.synapses.NativeSums()),
            "q": jn.synapses.Dense("hidden", "out", [[u]], sums=jn.synapses.NativeSums()),
        },
    )
    sim = jn.Simulation(network, {"in": jn.coding.Constant(0.0)}, duration=2.0, dt=1.0)
    data = np.full((4, 1), x), np.zeros(4, int)
    fitted = fit(sim, data, trainable="network.p.weights", loss=Readout(), optimiser=DESCENT, epochs=1, batch_size=4)
    step = float(fitted.leaves["network.p.weights"][0, 0, 0]) - w
    margin = (1 - decay) * w * x - 1.0
    slope = (1 - decay) * u * stats.norm.pdf(margin / scale) / scale * (1 - decay) * x
    # what fires in the second step arrives after the end; the potential of the readout is linear in the first spike
    np.testing.assert_allclose(-step, slope, rtol=1e-3)


@pytest.mark.slow
def test_a_regulariser_adds_its_gradient() -> None:
    """Rates below the band are pushed up: through nothing else does a silent network learn."""
    network = jn.networks.feedforward([6, 8, 3], key=0, gain=0.5)
    silent = jn.Simulation(network, {"input": jn.coding.Constant(0.0)}, duration=6.0, dt=1.0)
    path, x = "network.input_to_hidden.weights", np.abs(points(24)[0])
    steps = []
    for factor in (0.0, 5.0):
        loss = losses.CrossEntropy() + factor * losses.RateRegulariser("hidden", low_hz=100.0)
        fitted = fit(silent, (x, points(24)[1]), loss=loss, epochs=1, trainable=path)
        steps.append(np.asarray(fitted.leaves[path][0] - jn.paths.get(silent, path)))
    assert np.abs(steps[0]).max() < 0.01 * np.abs(steps[1]).max()
    assert (steps[1] > 0).all()  # every input is positive: more drive is more spikes
