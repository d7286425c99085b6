"""A simulation as a function: who differentiates it through surrogates or detached resets is warned, with numbers that hold."""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import firing, noise, surrogates
from jaxsnn_noise.distributions import Logistic
from jaxsnn_noise.neurons import LIF, LeakyIntegrator, ResetToValue

THRESHOLD = "network.cells.neuron.v_threshold"
SCALE, SIGMA = "network.cells.firing.scale", "network.cells.noise.membrane.amplitude.sigma"
SPREAD = 0.2 * float(np.sqrt(5.0 * (1.0 - np.exp(-0.2))))


def simulation(*, detach: bool = True, threshold: bool = True, steps: int = 20, **options: Any) -> jn.Simulation:
    neuron = LIF(1, tau_mem=10.0, reset=ResetToValue(detach=detach))
    if threshold:
        options = {"firing": jn.NoisyThreshold(0.36, distribution=Logistic())} | options
    else:
        surrogate = surrogates.GaussianError(1.0 / (np.sqrt(2.0) * SPREAD))
        membrane = {"membrane": noise.VoltageNoise(noise.Diffusion(0.2))}
        options = {"noise": membrane, "firing": jn.HardThreshold(gradient=surrogate)} | options
    network = jn.Network({"cells": jn.Population(neuron, **options)})
    count = {"count": jn.statistics.SpikeCount()}
    return jn.Simulation(network, {"cells": jn.coding.Constant(0.9)}, duration=float(steps), dt=1.0, statistics=count)


def counted(sim: jn.Simulation) -> Any:
    return lambda x: jn.as_function(sim, [THRESHOLD], ["count"], key=0)(x)[0].sum()


@pytest.mark.parametrize("differentiate", [jax.grad, jax.jacfwd, lambda f: jax.jit(jax.vmap(jax.grad(f)))])
def test_who_differentiates_through_a_detached_reset_is_warned(differentiate: Any) -> None:
    x = jnp.ones(2) if differentiate not in (jax.grad, jax.jacfwd) else jnp.float32(1)
    with pytest.warns(
        UserWarning, match=r"as_function: cells has a reset that is detached.*detach=False.*Score.*limits"
    ):
        differentiate(counted(simulation()))(x)


def test_who_differentiates_through_a_surrogate_is_warned() -> None:
    with pytest.warns(UserWarning, match=r"as_function: cells passes a surrogate through its spikes: such derivatives"):
        jax.grad(counted(simulation(threshold=False, detach=False)))(jnp.float32(1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "sim",
    [
        simulation(detach=False),
        simulation(threshold=False, firing=jn.HardThreshold(gradient=firing.Stopped())),  # says that spikes are constants
        jn.Simulation(
            jn.Network({"cells": jn.Population(LeakyIntegrator(1))}), duration=5.0, dt=1.0,
            statistics={"count": jn.statistics.Mean("v")},
        ),
    ],
    ids=["attached", "stopped", "never fires"],
)  # fmt: skip
def test_others_are_not(sim: jn.Simulation) -> None:
    path = THRESHOLD if THRESHOLD in jn.paths.leaves(sim) else "network.cells.neuron.tau_mem"
    jax.grad(lambda x: jn.as_function(sim, [path], ["count"], key=0)(x)[0].sum())(jnp.float32(1.5))


def test_nobody_is_warned_who_takes_no_derivative() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value = jax.jit(jax.vmap(counted(simulation())))(jnp.ones(2))
    alone = jn.simulate(simulation(), key=0)["count"].sum()
    np.testing.assert_array_equal(value, [alone, alone])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threshold", "detach", "ratios"),
    [(True, True, (1.9, 2.1)), (True, False, (0.99, 1.0)), (False, True, (2.6, 4.2)), (False, False, (0.7, 1.18))],
)
def test_the_table_in_the_limits(threshold: bool, detach: bool, ratios: tuple[float, float]) -> None:
    sim, (path, value) = (
        simulation(detach=detach, threshold=threshold, steps=200),
        (SCALE, 0.36) if threshold else (SIGMA, 0.2),
    )

    def count(x: Any, theta: Any, trial: Any) -> Any:
        changed = jn.paths.replace(sim, {path: x, THRESHOLD: theta})
        return jn.simulate(changed, key=0, address={"trial": trial})["count"][0]

    given = jnp.arange(4000, dtype=jnp.uint32)
    slopes = jax.jit(jax.vmap(jax.grad(count, (0, 1)), (None, None, 0)))(value, 1.0, given)
    counts = jax.jit(jax.vmap(count, (None, None, 0)))
    many = jnp.arange(50_000, dtype=jnp.uint32)

    def derivative(at: Any, step: float) -> Any:
        rise = [(counts(*at(h), many) - counts(*at(-h), many)) / (2 * h) for h in (step, 2 * step)]
        return float(((4 * rise[0] - rise[1]) / 3).mean())

    exact = derivative(lambda h: (value + h, 1.0), 0.1 * value), derivative(lambda h: (value, 1.0 + h), 0.1)
    for slope, true, ratio in zip(slopes, exact, ratios, strict=True):
        assert float(slope.mean()) / true == pytest.approx(ratio, rel=0.03)
