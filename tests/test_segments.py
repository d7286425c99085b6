"""Backpropagation through time in segments: the gradients of the plain scan, in memory that grows as the root of the steps."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from jaxsnn_noise.engine.loop import scan_in_segments, segment_length

WEIGHTS = "network.recurrent.weights"
SIGMA = "network.cells.noise.membrane.amplitude.sigma"


def network(size: int, steps: int, dt: float = 1.0) -> jn.Simulation:
    """A recurrent network with noise, refractory neurons and reset."""
    weights = jn.synapses.random_weights(shape=(size, size), probability=0.1, std=0.05, key=1)
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=20.0, refractory=2.0), noise=noise)
    recurrent = jn.synapses.Dense(source="cells", target="cells", weights=weights)
    return jn.Simulation(
        jn.Network({"cells": cells}, projections={"recurrent": recurrent}),
        inputs={"cells": jn.coding.Constant(1.1)},
        duration=steps * dt, dt=dt, statistics={"rate": jn.statistics.Rate(), "v": jn.statistics.Mean("v")},
    )  # fmt: skip


def compiled(sim: jn.Simulation, batch: int, *, checkpoint: bool, path: str = WEIGHTS) -> Any:
    """The mean over a batch of trials, and its gradient with respect to a leaf, compiled."""
    backend = jn.Scan(checkpoint=checkpoint)

    def loss(leaf: Any) -> Any:
        changed = jn.paths.replace(sim, {path: leaf})
        run = lambda k: jn.simulate(changed, key=jax.random.key(0), address={"trial": k}, backend=backend)  # noqa: E731
        found = jax.vmap(run)(jnp.arange(batch, dtype=jnp.uint32))
        return jnp.mean(found["rate"]) + jnp.mean(found["v"])

    return jax.jit(jax.value_and_grad(loss)).lower(jn.paths.get(sim, path)).compile()


def megabytes(sim: jn.Simulation, batch: int, *, checkpoint: bool) -> float:
    return float(compiled(sim, batch, checkpoint=checkpoint).memory_analysis().temp_size_in_bytes) / 1e6


@pytest.mark.parametrize(
    ("steps", "path"), slow_but([(1, SIGMA), (7, SIGMA), (80, WEIGHTS), (214, WEIGHTS)], [(7, SIGMA)])
)
def test_values_and_gradients_are_those_of_the_plain_scan(steps: int, path: str) -> None:
    """Of one segment, of many, and of ones with a rest: 214 steps are 107 blocks, a prime number."""
    sim = network(12, steps, 0.25)
    leaf = jn.paths.get(sim, path)
    (value, gradient), (same, again) = (compiled(sim, 3, checkpoint=one, path=path)(leaf) for one in (False, True))
    assert value == same
    np.testing.assert_allclose(again, gradient, rtol=1e-4, atol=1e-6 * np.abs(gradient).max())
    assert np.abs(gradient).max() > 0


@pytest.mark.parametrize("n", [1, 2, 3, 36, 53, 100])
def test_a_scan_in_segments_is_the_scan(n: int) -> None:
    def body(carry: Any, x: Any) -> tuple[Any, Any]:
        carry = 0.9 * carry + x["a"]
        return carry, {"out": jnp.sin(carry)}

    xs = {"a": jnp.linspace(0.0, 1.0, n)}
    for function in (
        lambda scan, s, x: scan(body, s, x),
        lambda scan, s, x: jax.grad(lambda y: scan(body, y, x)[1]["out"].sum())(s),
    ):
        one, other = (
            jax.jit(functools.partial(function, scan))(jnp.float32(0.3), xs)
            for scan in (jax.lax.scan, scan_in_segments)
        )
        jax.tree.map(functools.partial(np.testing.assert_allclose, rtol=1e-6), one, other)


def test_segments_are_about_the_root_and_leave_nothing_over_where_that_can_be() -> None:
    for n in range(1, 2000):
        length = segment_length(n)
        assert 0.5 * n**0.5 - 1 <= length <= 2 * n**0.5
        root = int(n**0.5)
        if any(n % k == 0 for k in range(max(1, root // 2), 2 * root + 1)):
            assert n % length == 0
    assert [segment_length(n) for n in (1, 36, 5000, 53)] == [1, 6, 50, 7]


@pytest.mark.slow
def test_memory_grows_as_the_root_of_the_steps() -> None:
    """Four times the steps take twice the memory, and not four times."""
    few, many = (megabytes(network(40, steps), 4, checkpoint=True) for steps in (800, 3200))
    assert 1.5 < many / few < 2.6
    assert megabytes(network(40, 3200), 4, checkpoint=False) > 8 * many


@pytest.mark.slow
def test_ten_thousand_steps_of_a_thousand_neurons_and_a_batch_of_64_take_less_than_a_gigabyte() -> None:
    sim = network(1000, 10_000)
    assert megabytes(sim, 64, checkpoint=True) < 1000.0
    assert megabytes(sim, 64, checkpoint=False) > 8000.0
