"""Strong and weak orders of the steppers on three equations, within 0.15 of theory; what substeps do, and the largest steps."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers import equations
from jaxsnn_noise.neurons import EulerMaruyama, ExponentialEuler, Heun, Stepper

STEPPERS = {
    "euler": EulerMaruyama(),
    "heun": Heun(),
    "exponential": ExponentialEuler(),
    "three substeps": ExponentialEuler(3),
}
STRONG = {
    "euler": {"ou": 1.0, "gbm": 0.5, "double_well": 1.0},
    "heun": {"ou": 1.0, "gbm": 1.0, "double_well": 1.0},
    "exponential": {"ou": 1.0, "gbm": 0.5, "double_well": 1.0},
    "three substeps": {"ou": 1.0, "gbm": 0.5, "double_well": 1.0},
}
WEAK = {  # an Ornstein-Uhlenbeck process has its law in exponential steps: no error, no order
    "euler": {"ou": 1.0, "gbm": 1.0, "double_well": 1.0},
    "heun": {"ou": 2.0, "gbm": 1.0, "double_well": 2.0},
    "exponential": {"gbm": 1.0, "double_well": 1.0},
    "three substeps": {"gbm": 1.0, "double_well": 1.0},
}


def strong_errors(stepper: Stepper, steps: tuple[int, ...], paths: int) -> dict[str, list[float]]:
    fine = equations.increments(paths, seed=1)
    exact = equations.solution(fine, ito=stepper.ito)
    found = [equations.moved(stepper, fine, n) for n in steps]
    return {e: [float(np.sqrt(np.mean((v[e] - exact[e]) ** 2))) for v in found] for e in exact}


@pytest.mark.parametrize("name", STEPPERS)
def test_the_strong_order_is_that_of_theory_on_few_paths(name: str) -> None:
    steps = (16, 64)
    for equation, errors in strong_errors(STEPPERS[name], steps, 1000).items():
        assert equations.order(steps, errors) == pytest.approx(STRONG[name][equation], abs=0.15), equation


@pytest.mark.slow
@pytest.mark.parametrize("name", STEPPERS)
def test_the_strong_order_is_that_of_theory(name: str) -> None:
    steps = (16, 32, 64, 128)
    for equation, errors in strong_errors(STEPPERS[name], steps, 10_000).items():
        assert equations.order(steps, errors) == pytest.approx(STRONG[name][equation], abs=0.15), equation


@pytest.mark.slow
@pytest.mark.parametrize("name", ["euler", "heun"])  # minutes each
def test_the_weak_order_is_that_of_theory(name: str) -> None:
    """Of the mean square at the end, over pairs of paths: a difference of 40 batches, each with the same increments."""
    stepper, batches = STEPPERS[name], 40
    steps = (8, 16, 32) if name == "heun" else (16, 32, 64)  # errors of second order sink into chance sooner
    gaps = []
    for seed in range(batches):
        fine = equations.increments(10_000, seed=100 + seed)
        exact = equations.solution(fine, ito=stepper.ito)
        found = [equations.moved(stepper, fine, n) for n in steps]
        gaps.append([[np.mean(v[e] ** 2 - exact[e] ** 2) for e in equations.EQUATIONS] for v in found])
    mean, error = np.mean(gaps, axis=0), np.std(gaps, axis=0, ddof=1) / np.sqrt(batches)
    for k, equation in enumerate(equations.EQUATIONS):
        if equation in WEAK[name]:
            assert (np.abs(mean[:, k]) > 5 * error[:, k]).all(), equation  # what is fitted is no chance
            assert equations.order(steps, np.abs(mean[:, k])) == pytest.approx(WEAK[name][equation], abs=0.15), equation
        else:
            assert (np.abs(mean[:, k]) < 4.9 * error[:, k] + 1e-5).all(), equation


@pytest.mark.parametrize("dt", [0.1, 1.0, 5.0])
def test_in_exponential_steps_an_ornstein_uhlenbeck_process_has_its_variance_at_any_step(dt: float) -> None:
    k, v = 0.4, equations.State(jnp.ones(3))
    moved = ExponentialEuler().step(
        v, lambda s: equations.State(-k * s.v), lambda s: jnp.full(3, np.sqrt(dt), jnp.float32), lambda s, x: equations.State(s.v + x), dt
    )  # fmt: skip
    expected = np.exp(-k * dt) + np.sqrt(-np.expm1(-2 * k * dt) / (2 * k))
    np.testing.assert_allclose(moved.v, expected, rtol=1e-5)


@pytest.mark.parametrize("stepper", [EulerMaruyama(), Heun()], ids=["euler", "heun"])
def test_the_largest_step_is_where_what_relaxes_begins_to_grow(stepper: Stepper) -> None:
    class Decays(jn.neurons.LeakyIntegrator):
        """The leaky membrane with a drift."""

        def drift(self, state, drive):
            return type(state)((self.resistance * drive.at(state.v) - state.v) / self.tau_mem)

    neuron = Decays(3, tau_mem=[4.0, 0.5, 2.0])
    assert jn.neurons.largest_step(stepper, neuron) == pytest.approx(1.0, rel=0.01)
    assert jn.neurons.largest_step(ExponentialEuler(), neuron, most=50.0) == 50.0

    def simulation(dt: float, stepper: Stepper) -> jn.Simulation:
        return jn.Simulation(jn.Network({"cells": jn.Population(neuron, stepper=stepper)}), duration=12.0, dt=dt)

    simulation(0.8, stepper)
    simulation(2.0, ExponentialEuler())
    with pytest.raises(
        jn.InputError,
        match=rf"network.cells.stepper: {type(stepper).__name__} follows Decays in steps dt of at most 1 ms",
    ):
        simulation(1.2, stepper)


def test_substeps_are_a_whole_number() -> None:
    with pytest.raises(jn.InputError, match=r"ExponentialEuler.substeps: must be a whole number >= 1; got 0"):
        ExponentialEuler(0)
