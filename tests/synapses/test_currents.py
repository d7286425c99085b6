"""Currents that rise: the course of a spike in closed form, Campbell's theorem, gradients, bad input."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses import Alpha, DoubleExponential


@functools.partial(jax.jit, static_argnums=2)
def _course(kinetics: Any, arrivals: Any, dt: Any) -> Any:
    seen = Seen(None, jnp.zeros(1))

    def step(state: Any, arrived: Any) -> Any:
        drive, state = kinetics.step(state, arrived, seen, dt)
        return state, drive.current[0]

    return jax.lax.scan(step, kinetics.init(1), arrivals)[1]


def course(kinetics: Any, dt: float, steps: int, weight: float = 1.0) -> np.ndarray:
    """The current of each step after one spike in the first one."""
    return np.asarray(_course(kinetics, jnp.zeros((4096, 1)).at[0, 0].set(weight), dt), np.float64)[:steps]


def mean_alpha(tau: float, dt: float, steps: int) -> np.ndarray:
    """The mean over each step of ``t/tau exp(1 - t/tau)``."""
    t = dt * np.arange(steps + 1, dtype=np.longdouble) / tau
    integral = -(1 + t) * np.exp(1 - t) * tau
    return np.diff(integral).astype(float) / dt


def mean_double(slow: float, fast: float, dt: float, steps: int) -> np.ndarray:
    """The mean over each step of the difference of two exponentials with peak 1."""
    t = dt * np.arange(steps + 1, dtype=np.longdouble)
    ratio = np.longdouble(fast) / slow
    peak = ratio ** (fast / (np.longdouble(slow) - fast)) * (1 - ratio)
    return np.diff(fast * np.exp(-t / fast) - slow * np.exp(-t / slow)).astype(float) / dt / float(peak)


@pytest.mark.parametrize(("tau", "dt"), [(5.0, 0.1), (5.0, 0.25), (5.0, 1.0), (100.0, 0.1), (2.0, 10.0), (0.5, 10.0)])
def test_an_alpha_current_is_exact_and_its_charge_too(tau: float, dt: float) -> None:
    steps = min(4096, int(40 * tau / dt) + 20)
    found = course(Alpha(tau), dt, steps, 0.7)
    np.testing.assert_allclose(found, 0.7 * mean_alpha(tau, dt, steps), atol=2e-6)
    if steps * dt > 25 * tau:
        assert found.sum() * dt == pytest.approx(float(jn.theory.alpha_charge(0.7, tau_syn=tau)), rel=5e-6)


def test_the_peak_of_an_alpha_current_is_the_weight_after_its_time_constant() -> None:
    found = course(Alpha(2.0), 0.01, 1000, 0.7)
    assert found.max() == pytest.approx(0.7, rel=1e-5)
    assert found.argmax() * 0.01 == pytest.approx(2.0, abs=0.011)
    assert found[0] == pytest.approx(0.7 * np.e * 0.0025, rel=5e-3)  # it rises from the step of the spike on


@pytest.mark.parametrize("ratio", [0.02, 0.5, 0.99, 0.99999])
@pytest.mark.parametrize(
    ("tau", "dt"),
    [(5.0, 1.0), (2.0, 10.0), *(pytest.param(*x, marks=pytest.mark.slow) for x in ((5.0, 0.1), (100.0, 0.25)))],
)
def test_a_difference_of_exponentials_is_exact_for_time_constants_however_near(
    tau: float, dt: float, ratio: float
) -> None:
    fast, steps = float(np.float32(ratio * tau)), min(4096, int(25 * tau / dt) + 20)
    found = course(DoubleExponential(tau, fast), dt, steps, -1.0)
    np.testing.assert_allclose(found, -mean_double(tau, fast, dt, steps), atol=4e-6)
    assert found.min() >= -1.0 - 1e-6
    charge = float(jn.theory.double_exponential_charge(-1.0, tau_syn=tau, tau_rise=fast))
    if steps * dt > 20 * tau:
        assert found.sum() * dt == pytest.approx(charge, rel=1e-5)


def test_near_time_constants_are_an_alpha_current() -> None:
    near = course(DoubleExponential(4.0, 4.0 * (1 - 1e-6)), 0.1, 800)
    np.testing.assert_allclose(near, course(Alpha(4.0), 0.1, 800), atol=5e-5)


# Campbell's theorem

KINDS = {
    "alpha": (Alpha(4.0), lambda w: jn.theory.alpha_charge(w, tau_syn=4.0), [4.0, 4.0]),
    "double": (
        DoubleExponential(6.0, 1.5),
        lambda w: jn.theory.double_exponential_charge(w, tau_syn=6.0, tau_rise=1.5),
        [6.0, 1.5],
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dt", [pytest.param(0.1, marks=pytest.mark.slow), 0.25, 1.0])
def test_sums_over_the_kernel_are_campbells_theorem_to_second_order_in_the_step(kind: str, dt: float) -> None:
    """What Poisson counts of each step would give: without noise, so that dt alone is seen."""
    kinetics, charge, stages = KINDS[kind]
    kernel = course(kinetics, dt, 4000 if dt < 0.5 else 400, 0.3)
    for order in (1, 2, 3):
        theory = jn.theory.campbell_cumulant(900.0, charge(0.3), tau_stages=stages, order=order)
        assert 0.9 * dt * np.sum(kernel**order) == pytest.approx(
            float(theory), rel=2e-5 + 0.25 * (order - 1) * (dt / 4) ** 2
        )
    lag = round(5.0 / dt)
    theory = jn.theory.campbell_autocovariance(lag * dt, 900.0, charge(0.3), tau_stages=stages)
    assert 0.9 * dt * np.sum(kernel[lag:] * kernel[: len(kernel) - lag]) == pytest.approx(
        float(theory), rel=0.03 * dt + 1e-3
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["alpha", pytest.param("double", marks=pytest.mark.slow)])
def test_poisson_counts_give_current_and_membrane_the_moments_of_theory(kind: str) -> None:
    kinetics, charge, stages = KINDS[kind]
    dt, every = 0.5, 80.0
    feed = jn.synapses.Sparse.from_dense("port", "cells", 0.3 * np.eye(300), kinetics=kinetics)
    cells = jn.Population(jn.neurons.LeakyIntegrator(300, tau_mem=15.0, resistance=2.0))
    network = jn.Network({"port": jn.Port(300), "cells": cells}, {"feed": feed})
    course = {"t": jn.statistics.Trace(("current", "v"), every=round(every / dt))}
    settings = {"duration": 8 * every, "dt": dt, "warmup": 120.0, "statistics": course}
    sim = jn.Simulation(network, {"port": jn.coding.PoissonCounts(300.0, largest=6)}, **settings)
    found = jn.simulate(sim, key=3)["t"]
    for x, tau, r in ((found.current, stages, 1.0), (found.v, [*stages, 15.0], 2.0)):
        x = np.asarray(x, float).ravel()
        mean, variance = (
            jn.theory.campbell_cumulant(300.0, charge(0.3), tau_stages=tau, resistance=r, order=m) for m in (1, 2)
        )
        assert_mean(x, mean)
        assert_variance(x, variance, kurtosis=None)
        negative_control(lambda a, x=x, variance=variance: assert_variance(a * x, variance, kurtosis=None))


@pytest.mark.parametrize("kinetics", [Alpha(5.0), DoubleExponential(5.0, 1.0)], ids=lambda k: type(k).__name__)
@pytest.mark.slow
def test_gradients_are_those_of_finite_differences(kinetics: Any) -> None:
    arrivals = jnp.zeros((4096, 1)).at[jnp.array([0, 3, 30]), 0].set(1.0)
    leaves, tree = jax.tree.flatten(kinetics)

    def last(*values: Any) -> Any:
        return _course(jax.tree.unflatten(tree, values), arrivals, 0.25)[40]

    slopes = jax.grad(last, argnums=tuple(range(len(leaves))))(*leaves)
    for i, slope in enumerate(slopes):
        up, down = (last(*(x + s * 0.02 * (k == i) for k, x in enumerate(leaves))) for s in (1, -1))
        assert float(slope) == pytest.approx(float(up - down) / 0.04, rel=5e-3, abs=1e-4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Alpha(0.0), r"Alpha.tau_syn: must be finite and > 0 \[ms\]"),
        (lambda: DoubleExponential(5.0, 5.0), r"DoubleExponential.tau_rise: must lie below tau_syn = 5 \(equal ones are an Alpha\)"),
        (lambda: DoubleExponential(5.0, -1.0), r"DoubleExponential.tau_rise: must be finite and > 0 \[ms\]"),
        (lambda: Alpha([1.0, 2.0]), r"Alpha.tau_syn: must be one number"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        make()
