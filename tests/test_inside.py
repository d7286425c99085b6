"""Spikes inside a step: the reset at that time, the rest of the step flowed, refractory time to a fraction of a step."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_variance
from jaxsnn_noise import noise
from jaxsnn_noise.firing import Firing
from jaxsnn_noise.neurons import LIF, Neuron
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Crossing, Decision, Drive

DRIVE = 1.7


class Exact(Firing):
    """Crossing time of a membrane under a constant drive, whose potential runs towards ``v_inf``."""

    tau: float = eqx.field(static=True)
    v_inf: float = eqx.field(static=True, default=DRIVE)
    inside: ClassVar[bool] = True

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        spikes = (crossing.margin >= 0).astype(jnp.float32)
        # backwards from the end of the step: v_inf - v grows by exp(t/tau)
        gap = self.v_inf - 1.0
        back = self.tau * jnp.log(gap / jnp.maximum(gap - crossing.margin, 1e-6))
        return Decision(spikes, inside=jnp.clip(dt - back, 1e-6, dt))

    def check(self, who: str) -> None:
        """Nothing to check."""

    @classmethod
    def example(cls) -> Exact:
        return cls(10.0)


class At(Firing):
    """Fires as soon as the margin is positive, at given times within that step."""

    times: Any
    inside: ClassVar[bool] = True

    def __call__(self, crossing: Crossing, key: Tick, dt: float) -> Decision:
        return Decision((crossing.margin >= 0).astype(jnp.float32), inside=self.times)

    def check(self, who: str) -> None:
        """Nothing to check."""

    @classmethod
    def example(cls) -> At:
        return cls(jnp.full(5, 0.3))


def driven(
    neuron: Neuron, firing: Firing, dt: float, *, duration: float, sources: Any = None, drive: Any = DRIVE
) -> jn.Simulation:
    cells = jn.Population(neuron, noise=sources, firing=firing)
    statistics = {"t": jn.statistics.Trace(("v", "spikes")), "n": jn.statistics.SpikeCount()}
    signal = {"cells": jn.coding.Constant(drive)}
    return jn.Simulation(jn.Network({"cells": cells}), signal, duration=duration, dt=dt, statistics=statistics)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
@pytest.mark.parametrize("refractory", [None, 0.0, 0.07, 2.0, 3.3])
@pytest.mark.parametrize(
    "reset", [jn.neurons.ResetToValue(), jn.neurons.ResetBySubtraction()], ids=lambda r: type(r).__name__
)
def test_the_rate_is_that_of_continuous_time_at_any_step(dt: float, refractory: float | None, reset: Any) -> None:
    neuron = LIF(3, tau_mem=10.0, v_reset=0.2, refractory=refractory, reset=reset)
    count = jn.simulate(driven(neuron, Exact(10.0), dt, duration=1000.0), key=0)["n"]
    first = 10.0 * np.log(DRIVE / (DRIVE - 1.0))
    interval = 10.0 * np.log((DRIVE - 0.2) / (DRIVE - 1.0)) + (refractory or 0.0)
    expected = (1000.0 - first) / interval + 1
    assert abs(float(count[0]) - np.floor(expected)) <= 1  # a last spike may round to either side of the end
    assert expected > 60


def test_at_the_end_of_the_step_the_rate_is_lower() -> None:
    """The negative control: what the time within the step is good for."""
    hard = jn.simulate(driven(LIF(1, tau_mem=10.0, v_reset=0.2), jn.HardThreshold(), 1.0, duration=1000.0), key=0)["n"]
    exact = jn.simulate(driven(LIF(1, tau_mem=10.0, v_reset=0.2), Exact(10.0), 1.0, duration=1000.0), key=0)["n"]
    assert float(hard[0]) < 0.97 * float(exact[0])


@pytest.mark.parametrize("refractory", [None, 0.15])
def test_the_rest_of_the_step_is_flowed_from_the_reset(refractory: float | None) -> None:
    times = jnp.array([0.05, 0.3, 0.9999])
    neuron = LIF(3, tau_mem=4.0, v_reset=-0.5, refractory=refractory)
    trace = jn.simulate(driven(neuron, At(times), 1.0, duration=2.0, drive=9.0), key=0)["t"]
    np.testing.assert_array_equal(trace.spikes[0], 1)
    free = np.maximum(1.0 - np.asarray(times, np.float64) - (refractory or 0.0), 0.0)
    if refractory:  # of the last one a part of the next step is left to hold
        free[2] = 1.0 - 0.9999 - refractory
    expected = 9.0 + (-0.5 - 9.0) * np.exp(-(free + 1.0) / 4.0)
    np.testing.assert_allclose(trace.v[1], expected, rtol=2e-5)


def test_a_held_neuron_takes_neither_drive_nor_noise_until_its_time_is_over() -> None:
    neuron = LIF(2, tau_mem=4.0, v_reset=-0.5, refractory=2.4)
    trace = jn.simulate(
        driven(neuron, At(jnp.array([0.25, 0.75])), 1.0, duration=4.0, drive=9.0, sources={"m": noise.VoltageNoise(noise.Diffusion(1e-9))}), key=0
    )["t"]  # fmt: skip
    np.testing.assert_array_equal(trace.v[1:2], -0.5)
    free = np.array([3.0 - 0.25 - 2.4, 0.0])  # of the third step
    np.testing.assert_allclose(trace.v[2], 9.0 - 9.5 * np.exp(-free / 4.0), atol=1e-5)
    free = np.array([0.0, 4.0 - 0.75 - 2.4])  # of the fourth; the first neuron fired in the third
    assert float(trace.spikes[2, 0]) in (0.0, 1.0)
    np.testing.assert_allclose(trace.v[3, 1], 9.0 - 9.5 * np.exp(-free[1] / 4.0), atol=1e-5)


@pytest.mark.parametrize("inside", [0.1, 0.6])
def test_the_rest_of_the_step_has_noise_of_its_own(inside: float) -> None:
    """After a spike the potential is that of a membrane that diffused for the rest of the step and the next one."""
    size, sigma, tau, dt = 40_000, 0.05, 4.0, 1.0
    sources = {"m": noise.VoltageNoise(noise.Diffusion(sigma))}
    neuron = LIF(size, tau_mem=tau, v_reset=-50.0)
    sim = driven(neuron, At(jnp.full(size, inside)), dt, duration=2.0, drive=9.0, sources=sources)
    trace = jn.simulate(sim, key=3)["t"]
    time = dt - inside + dt
    assert_variance(np.asarray(trace.v[1], np.float64), sigma**2 * tau / 2 * (1 - np.exp(-2 * time / tau)))
    together = np.corrcoef(np.asarray(trace.v[0]), np.asarray(trace.v[1]))[0, 1]
    assert abs(together) < 4.5 / np.sqrt(size)  # what came before the spike is forgotten, its normals too


@pytest.mark.slow
@pytest.mark.parametrize("refractory", [None, 0.8])
def test_white_noise_on_the_current_is_that_of_the_part_of_a_step(refractory: float | None) -> None:
    """Held over the rest after a spike, or over what refractory time leaves of the next step: as strong as it is short."""
    size, sigma, tau, dt, inside = 40_000, 0.5, 4.0, 1.0, 0.6
    sources = {"c": noise.CurrentNoise(noise.Diffusion(sigma))}
    neuron = LIF(size, tau_mem=tau, v_reset=-50.0, refractory=refractory)
    trace = jn.simulate(driven(neuron, At(jnp.full(size, inside)), dt, duration=2.0, drive=9.0, sources=sources), key=3)["t"]  # fmt: skip
    moved = lambda t: sigma**2 / t * (1 - np.exp(-t / tau)) ** 2  # noqa: E731
    expected = moved(inside) if refractory else moved(dt - inside) * np.exp(-2 * dt / tau) + moved(dt)
    assert_variance(np.asarray(trace.v[1], np.float64), expected)
    together = np.corrcoef(np.asarray(trace.v[0]), np.asarray(trace.v[1]))[0, 1]
    assert abs(together) < 4.5 / np.sqrt(size)  # what led to the spike is forgotten


class Coarse(LIF):
    """A model without partial steps."""

    partial_steps: ClassVar[bool] = False


def test_what_cannot_be_flowed_in_part_is_refused() -> None:
    with pytest.raises(
        jn.InputError, match=r"network.cells.firing: tells spike times inside a step, which needs a neuron with partial"
    ):
        jn.Network({"cells": jn.Population(Coarse(2), firing=Exact(10.0))})
    for source in (
        noise.VoltageNoise(noise.PerStep(0.1)),
        noise.VoltageNoise(noise.Diffusion(0.1), colour=noise.OrnsteinUhlenbeck(5.0)),
    ):
        with pytest.raises(jn.InputError, match=r"network.cells.noise.m: must be a white Diffusion"):
            jn.Network({"cells": jn.Population(LIF(2), noise={"m": source}, firing=Exact(10.0))})


@pytest.mark.parametrize(
    ("refractory", "dt", "steps"),
    [(1000.0, 0.1, 10_000), (100.0, 0.01, 10_000), (2.0, 0.1, 20), (0.3, 1.0, 1), (2.3, 1.0, 2), (2.7, 1.0, 3)],
)
def test_refractory_time_is_counted_in_whole_steps(refractory: float, dt: float, steps: int) -> None:
    """Counted down in milliseconds, rounding would add a step in the first case and tens in the second."""
    neuron = LIF(1, tau_mem=0.01 * dt, refractory=refractory)
    cells = jn.Population(neuron, noise={})
    signal = {"cells": jn.coding.Constant(2.0)}
    duration = (2 * steps + 3) * dt
    statistics = {"mean": jn.statistics.IntervalMean()}
    sim = jn.Simulation(jn.Network({"cells": cells}), signal, duration=duration, dt=dt, statistics=statistics)
    interval = float(jn.simulate(sim, key=0)["mean"][0])
    assert round(interval / dt) == steps + 1  # it fires in the first free step


def test_a_drive_adds_up_and_is_affine_in_the_potential() -> None:
    a, b = Drive(jnp.array([1.0, 2.0])), Drive(jnp.array([3.0, 4.0]), jnp.array([0.1, 0.2]))
    assert (a + a).conductance is None
    for total in (a + b, b + a):
        np.testing.assert_allclose(total.at(jnp.array([10.0, -10.0])), [4.0 - 1.0, 6.0 + 2.0])
