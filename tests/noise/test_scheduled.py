"""Noise of a strength that changes: the numbers of the source alone, scaled, at every seam, in a network and in a stepper."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from helpers.statistical import assert_variance, negative_control
from jaxsnn_noise import noise, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.noise import Diffusion, PerStep, Scheduled
from jaxsnn_noise.signals import Context

TIMES, FACTORS = [2.0, 6.0], [1.0, 0.25]
SOURCES = {
    "voltage": lambda: noise.VoltageNoise(Diffusion(0.4)),
    "coloured": lambda: noise.CurrentNoise(PerStep(0.4), colour=noise.OrnsteinUhlenbeck(5.0)),
    "multiplicative": lambda: noise.ThresholdNoise(PerStep(0.2), noise.Multiplicative()),
    "release": lambda: noise.ReleaseNoise(PerStep(0.2)),
    "background": lambda: noise.PoissonBackground.example(),
}


def drawn(source: Any, steps: int, dt: float) -> np.ndarray:
    context = Context(jnp.full(3, 0.7), jnp.float32(1.0), jnp.float32(1.0), jnp.float32(1.0))
    key, memory, rows = random.root(3), source.init(random.root(3), 3, dt), []
    for t in range(steps):
        row, memory = source.draw(memory, context, random.tick(key, t), dt)
        rows.append(row)
    return np.asarray(jnp.stack(rows))


@pytest.mark.parametrize("name", slow_but(SOURCES, ["voltage", "coloured"]))
def test_it_is_the_source_times_the_factor_of_the_time(name: str) -> None:
    dt, steps = 0.5, 16
    factor = np.interp(dt * np.arange(steps), TIMES, FACTORS)
    alone, cooled = SOURCES[name](), Scheduled(SOURCES[name](), TIMES, FACTORS)
    assert cooled.seam is alone.seam
    np.testing.assert_allclose(drawn(cooled, steps, dt), factor[:, None] * drawn(alone, steps, dt), rtol=1e-5, atol=1e-7)  # fmt: skip


def course(times: Any, factors: Any, **options: Any) -> np.ndarray:
    """Potentials [time, neuron] of a membrane whose noise follows the schedule."""
    source = Scheduled(noise.VoltageNoise(Diffusion(0.4)), times, factors)
    cells = jn.Population(jn.neurons.LIF(3000, tau_mem=5.0, v_threshold=50.0), noise={"x": source}, **options)
    sim = jn.Simulation(jn.Network({"cells": cells}), {}, duration=60.0, dt=0.5, warmup=20.0)
    return np.asarray(jn.simulate(sim, key=1, statistics={"v": jn.statistics.Trace(("v",))})["v"].v)


@pytest.mark.slow
def test_the_membrane_spreads_by_the_strength_of_the_moment() -> None:
    v = course([0.0, 39.9, 40.0], [1.0, 1.0, 0.5])  # time counts from the start of the warm-up
    for at, sigma in ((39, 0.4), (-1, 0.2)):

        def check(a: float, at: int = at, sigma: float = sigma) -> None:
            assert_variance(a * v[at], sigma**2 * 5.0 / 2)

        check(1.0)
        negative_control(check)


@pytest.mark.slow
def test_in_a_stepper_the_increments_are_scaled() -> None:
    def run(source: Any) -> np.ndarray:
        cells = jn.Population(jn.neurons.QIF(200), noise={"x": source}, stepper=jn.neurons.Heun())
        sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(-0.2)}, duration=4.0, dt=0.1)
        return np.asarray(jn.simulate(sim, key=1, statistics={"v": jn.statistics.Trace(("v",))})["v"].v)

    half = Scheduled(noise.VoltageNoise(Diffusion(0.1)), [0.0], [0.5])
    np.testing.assert_allclose(run(half), run(noise.VoltageNoise(Diffusion(0.05))), rtol=1e-5, atol=1e-5)


def test_the_deciding_noise_is_scaled_too() -> None:
    source = Scheduled(noise.VoltageNoise(Diffusion(0.4)), TIMES, FACTORS)
    context = Context(jnp.zeros(3), jnp.float32(1.0), jnp.float32(1.0), jnp.float32(1.0))
    parts = source.conditional(None, context, random.tick(random.root(3), 8), 0.5)
    np.testing.assert_allclose(parts.std, 0.4 * 0.625, rtol=1e-6)
    np.testing.assert_allclose(parts.shift + parts.std * parts.z, source.draw(None, context, random.tick(random.root(3), 8), 0.5)[0], rtol=1e-6)  # fmt: skip


def test_it_can_be_swept_and_compiled() -> None:
    found = jax.vmap(lambda end: Scheduled(SOURCES["voltage"](), [0.0, 10.0], jnp.stack([1.0, end])).factor(5.0))(jnp.array([0.0, 0.5]))  # fmt: skip
    np.testing.assert_allclose(found, [0.5, 0.75])


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Scheduled(noise.SpikeDrop.example(), [0.0], [1.0]), "scales with its strength"),
        (lambda: Scheduled(noise.SpikeInsertion.example(), [0.0], [1.0]), "scales with its strength"),
        (lambda: Scheduled(SOURCES["voltage"](), [1.0, 0.0], [1.0, 0.5]), r"must rise \[ms\]"),
        (lambda: Scheduled(SOURCES["voltage"](), [0.0, 1.0], [1.0]), "as many as factors"),
        (lambda: Scheduled(SOURCES["voltage"](), [0.0], [-1.0]), ">= 0"),
    ],
)
def test_what_has_no_meaning_is_refused(build: Any, words: str) -> None:
    with pytest.raises(InputError, match=words):
        build()


def test_a_bridge_is_refused() -> None:
    with pytest.raises(InputError, match="changes in time"):
        course([0.0], [1.0], firing=jn.BridgeThreshold())
