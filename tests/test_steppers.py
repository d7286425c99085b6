"""Steppers: orders of convergence, the Stratonovich limit, and what does not go together."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean
from jaxsnn_noise import noise
from jaxsnn_noise.neurons import Heun, Neuron
from jaxsnn_noise.signals import Drive

SIGMA = 0.4
HEUN = Heun()


class State(eqx.Module):
    v: Any


class Logistic(Neuron):
    """``dv/dt = v (1 - v)/tau + I``: nonlinear, with a known solution without drive."""

    spiking: ClassVar[bool] = False
    size: int = eqx.field(static=True)
    tau: float = eqx.field(static=True, default=10.0)
    growth: float = eqx.field(static=True, default=1.0)

    def check(self, who: str) -> None:
        """Nothing to check."""

    def rest(self) -> State:
        return State(jnp.full(self.size, 0.2))

    def integrate(self, state: Any, drive: Drive, key: Any, dt: Any) -> Any:
        return State(state.v + dt * self.drift(state, drive).v)

    def drift(self, state: Any, drive: Drive) -> Any:
        return State(self.growth * state.v * (1 - state.v) / self.tau + drive.at(state.v))

    def threshold(self, state: Any) -> Any:
        return jnp.zeros_like(state.v)

    def after_spikes(self, state: Any, spikes: Any, dt: float) -> Any:
        return state

    @classmethod
    def example(cls) -> Self:
        return cls(5)


def last(
    neuron: Neuron, dt: float, *, duration: float = 16.0, sources: Any = None, stepper: Any = HEUN, **options: Any
) -> np.ndarray:
    cells = jn.Population(neuron, noise=sources, stepper=stepper)
    sim = jn.Simulation(
        jn.Network({"cells": cells}), duration=duration, dt=dt, statistics={"v": jn.statistics.Last("v")}
    )
    return np.asarray(jn.simulate(sim, key=1, **options)["v"], np.float64)


def diffusion(**policies: Any) -> dict[str, Any]:
    coupling = noise.Multiplicative(noise.Stratonovich())
    return {"m": noise.VoltageNoise(noise.Diffusion(SIGMA), **({"coupling": coupling} | policies))}


@pytest.mark.slow
def test_without_noise_it_is_of_second_order_and_euler_of_first() -> None:
    exact = 1 / (1 + 4 * np.exp(-1.6))
    errors = {
        name: [abs(last(Logistic(1), dt, stepper=stepper)[0] - exact) for dt in (4.0, 2.0, 1.0)]
        for name, stepper in (("heun", Heun()), ("euler", None))
    }
    for name, factor in (("heun", 4.0), ("euler", 2.0)):
        a, b, c = errors[name]
        assert a / b == pytest.approx(factor, rel=0.35)
        assert b / c == pytest.approx(factor, rel=0.25)
    assert errors["heun"][2] < 0.1 * errors["euler"][2]


@pytest.mark.slow
def test_a_multiplicative_diffusion_is_that_of_stratonovich_path_by_path() -> None:
    """``dv = sigma v o dW`` is ``v exp(sigma W)``: the strong error falls with dt, the mean grows as sigma^2/2."""
    size, errors = 4000, []
    for dt in (0.5, 0.25, 0.125):
        v = last(Logistic(size, growth=0.0), dt, duration=2.0, sources=diffusion())
        steps = round(2.0 / dt)
        key = jn.random.stream(jn.random.root(1), "noise.cells.m")
        paths = sum(
            np.asarray(jn.random.normal(jn.random.tick(key, k), jn.random.entities(size))) for k in range(steps)
        )
        exact = 0.2 * np.exp(SIGMA * np.sqrt(dt) * paths)
        errors.append(np.sqrt(np.mean((v - exact) ** 2)))
        if dt == 0.125:
            assert_mean(v, 0.2 * np.exp(SIGMA**2 * 2.0 / 2))
    assert errors[0] / errors[1] == pytest.approx(2.0, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(2.0, rel=0.3)


def test_additive_noise_and_noise_on_the_current_go_through_as_well() -> None:
    size, duration, dt = 20_000, 8.0, 0.25
    sources = {"m": noise.VoltageNoise(noise.Diffusion(0.1)), "c": noise.CurrentNoise(noise.Diffusion(0.05))}
    v = last(Logistic(size, growth=0.0), dt, duration=duration, sources=sources)
    assert_mean((v - 0.2) ** 2, (0.1**2 + 0.05**2) * duration)


def test_a_run_in_pieces_and_batches_keep_its_spikes() -> None:
    cells = jn.Population(Logistic(10), noise=diffusion(), stepper=Heun())
    statistics = {"v": jn.statistics.Trace(("v",))}
    sim = jn.Simulation(jn.Network({"cells": cells}), duration=9.0, dt=0.25, statistics=statistics)
    whole = jn.simulate(sim, key=2)["v"].v
    state, first = jn.advance(sim, jn.start(sim, key=2), 4.25)
    _, second = jn.advance(sim, state, 4.75)
    np.testing.assert_allclose(np.concatenate([first["v"].v, second["v"].v]), whole, rtol=1e-6)


REFUSED = {
    "a neuron with an exact flow": (lambda: jn.Population(jn.neurons.LIF(2), stepper=Heun()), "network.cells.stepper: needs a neuron with a drift"),
    "noise per step": (lambda: jn.Population(Logistic(2), noise={"m": noise.VoltageNoise(noise.PerStep(0.1))}, stepper=Heun()), "network.cells.noise.m: must be a white Diffusion"),
    "coloured noise": (lambda: jn.Population(Logistic(2), noise=diffusion(coupling=noise.Additive(), colour=noise.OrnsteinUhlenbeck(2.0)), stepper=Heun()), "network.cells.noise.m: must be a white Diffusion"),
    "Ito": (lambda: jn.Population(Logistic(2), noise=diffusion(coupling=noise.Multiplicative()), stepper=Heun()), "additive or in the sense of Stratonovich"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(jn.InputError, match=message):
        jn.Network({"cells": build()})
