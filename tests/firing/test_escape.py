"""Escape rates: probabilities, intervals of an integrating membrane on the grid, gradients."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean, assert_proportion, negative_control
from jaxsnn_noise import firing, random, theory
from jaxsnn_noise.signals import Crossing

AT = random.tick(random.root(4), 3)
N = 40_000
SIGMA, TAU = 0.1, 20.0
HAZARDS = {
    "exponential": (
        lambda a: jn.ExponentialHazard(at_threshold_hz=40.0 * a, width=0.15),
        lambda m, s: theory.exponential_hazard_hz(m, at_threshold_hz=40.0, width=0.15),
    ),
    "sigmoid": (
        lambda a: jn.SigmoidHazard(largest_hz=300.0 * a, width=0.08),
        lambda m, s: theory.sigmoid_hazard_hz(m, largest_hz=300.0, width=0.08),
    ),
    "diffusion": (
        lambda a: jn.DiffusionHazard(sigma=SIGMA, tau_mem=TAU, c1=0.72 * a, c2=a / np.sqrt(np.pi)),
        lambda m, s: theory.diffusion_hazard_hz(m, s, sigma=SIGMA, tau_mem=TAU),
    ),
}  # fmt: skip
each = pytest.mark.parametrize("name", HAZARDS)
decided = eqx.filter_jit(lambda rule, seen, dt: rule(seen, AT, dt))


def crossing(before: Any, margin: Any, size: int = N, **options: Any) -> Crossing:
    full = lambda x: jnp.broadcast_to(jnp.float32(x), (size,))  # noqa: E731
    return Crossing(full(margin), full(before), jnp.ones(size), **options)


@each
@pytest.mark.parametrize(("before", "margin", "dt"), [(-0.3, -0.25, 1.0), (-0.1, 0.02, 0.5), (-0.02, -0.06, 5.0)])
def test_the_probability_is_that_of_the_hazard_at_the_end_of_the_step(
    name: str, before: float, margin: float, dt: float
) -> None:
    make, hazard = HAZARDS[name]
    expected = float(theory.escape_probability(hazard(margin, (margin - before) / dt), dt=dt))
    seen = decided(jn.EscapeRate(make(1.0)), crossing(before, margin, probabilities=True), dt)
    np.testing.assert_allclose(seen.probability[0], expected, rtol=2e-5)
    spikes = np.asarray(seen.spikes)
    np.testing.assert_allclose(seen.log_probability, np.log(np.where(spikes > 0, expected, 1 - expected)), rtol=1e-4)

    def check(amplitude: float) -> None:
        drawn = decided(jn.EscapeRate(make(amplitude)), crossing(before, margin), dt).spikes
        assert_proportion(int(drawn.sum()), N, expected)

    check(1.0)
    if expected > 0.05:
        negative_control(check)


def simulation(
    rule: Any, *, dt: float, refractory: float | None = 2.0, size: int = 400, drive: float = 0.95
) -> jn.Simulation:
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=TAU, refractory=refractory), firing=rule)
    statistics = {"sums": jn.statistics.IntervalSums()}
    return jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(drive)}, duration=4000.0, dt=dt, warmup=100.0, statistics=statistics)  # fmt: skip


def moments(sim: jn.Simulation) -> tuple[np.ndarray, np.ndarray]:
    """Mean [ms] and mean square of the intervals of each neuron."""
    sums = jn.simulate(sim, key=3)["sums"]
    count = np.asarray(sums.count, np.float64)
    return np.asarray(sums.total) / count * sim.dt, np.asarray(sums.squares, np.float64) / count * sim.dt**2


@pytest.mark.slow
@each
@pytest.mark.parametrize(
    "dt", [1.0, pytest.param(0.1, marks=pytest.mark.slow), pytest.param(0.25, marks=pytest.mark.slow)]
)
def test_intervals_of_an_integrating_membrane_are_those_of_the_renewal_law_on_the_grid(name: str, dt: float) -> None:
    """Less what does not fit into a record of 4 s: the variance over its length of the mean."""
    make, hazard = HAZARDS[name]
    mean, cv = theory.escape_interval(0.95, hazard, dt=dt, tau_mem=TAU, v_threshold=1.0, v_reset=0.0, refractory=2.0)
    lost = (mean * cv) ** 2 / 4000.0

    def check(amplitude: float) -> None:
        first, _ = moments(simulation(jn.EscapeRate(make(amplitude)), dt=dt))
        assert_mean(first, mean - lost)

    check(1.0)
    if dt == 1.0:
        negative_control(check)
    first, second = moments(simulation(jn.EscapeRate(make(1.0)), dt=dt))
    spread = second.mean() - first.mean() ** 2
    np.testing.assert_allclose(spread, (mean * cv) ** 2, rtol=0.05)  # some 30,000 intervals


def test_a_constant_hazard_with_dead_time_has_the_cv_that_it_should() -> None:
    """``CV = 1 - rate D`` of continuous time, as ``dt`` becomes small against intervals."""
    rule = jn.EscapeRate(jn.SigmoidHazard(largest_hz=100.0, width=1e-3))
    cells = jn.Population(jn.neurons.LIF(400, tau_mem=0.01, refractory=6.0), firing=rule)
    sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(2.0)}, duration=4000.0, dt=0.25, warmup=100.0, statistics={"sums": jn.statistics.IntervalSums()})  # fmt: skip
    first, second = moments(sim)
    p = theory.escape_probability(100.0, dt=0.25)
    mean, cv = theory.grid_dead_time_interval(p, dead_time=6.0, dt=0.25)
    assert_mean(first, mean - (mean * cv) ** 2 / 4000.0)
    found = np.sqrt(second.mean() - first.mean() ** 2) / first.mean()
    np.testing.assert_allclose(found, 1.0 - 6.0 / first.mean(), atol=0.02)
    assert abs(found - 1.0) > 0.3


@each
def test_density_is_the_derivative_of_the_probability(name: str) -> None:
    make, hazard = HAZARDS[name]
    rule, dt, h = jn.EscapeRate(make(1.0)), 0.5, 1e-4
    mean = lambda x: rule(crossing(x[0], x[1], size=8), AT, dt).spikes.mean()  # noqa: E731

    def probability(before: float, margin: float) -> float:
        return float(theory.escape_probability(hazard(margin, (margin - before) / dt), dt=dt))

    slopes = jax.grad(mean)(jnp.array([-0.2, -0.11]))
    up = (
        probability(-0.2 + h, -0.11) - probability(-0.2 - h, -0.11),
        probability(-0.2, -0.11 + h) - probability(-0.2, -0.11 - h),
    )
    np.testing.assert_allclose(slopes, np.array(up) / (2 * h), rtol=2e-3)
    for gradient in (firing.Stopped(), jn.surrogates.SuperSpike(4.0)):
        rule = jn.EscapeRate(make(1.0), gradient)
        found = jax.grad(lambda x, r=rule: r(crossing(x[0], x[1], size=8), AT, dt).spikes.mean())(
            jnp.array([-0.2, -0.11])
        )
        expected = 0.0 if isinstance(gradient, firing.Stopped) else float(gradient.derivative(jnp.float32(-0.11)))
        np.testing.assert_allclose(found, [0.0, expected], rtol=1e-5)


def test_far_from_the_threshold_nothing_overflows() -> None:
    for make, _ in HAZARDS.values():
        for margin in (-1e6, 1e6):
            seen = decided(jn.EscapeRate(make(1.0)), crossing(margin, margin, size=50, probabilities=True), 1.0)
            assert np.isfinite(seen.probability).all()
            assert np.isfinite(seen.log_probability).all()
            assert float(seen.spikes.sum()) == 0 or margin > 0


def test_parameters_have_paths_and_units_and_what_is_no_hazard_is_refused() -> None:
    sim = simulation(jn.EscapeRate(HAZARDS["exponential"][0](1.0)), dt=1.0, size=3)
    said = jn.parameters.declarations(sim)
    assert said["network.cells.firing.hazard.width"].unit == "mV"
    assert said["network.cells.firing.hazard.at_threshold_hz"].unit == "Hz"
    other = jn.parameters.declarations(simulation(jn.EscapeRate(HAZARDS["diffusion"][0](1.0)), dt=1.0, size=3))
    assert other["network.cells.firing.hazard.sigma"].unit == "mV/sqrt(ms)"
    with pytest.raises(jn.InputError, match=r"ExponentialHazard.width: must be finite and > 0 \[mV\]"):
        jn.ExponentialHazard(at_threshold_hz=10.0, width=0.0)


def test_what_stands_in_for_diffusion_is_near_it_below_the_threshold() -> None:
    """Against Siegert's rate: within 5 % for sigma of 0.2 to 0.4 of the threshold, where the mean is at 0.5 to 0.9."""
    for mean, brunel in [(0.5, 0.4), (0.8, 0.2), (0.8, 0.4), (0.9, 0.2)]:
        hazard = lambda m, s, b=brunel: theory.diffusion_hazard_hz(m, s, sigma=b / TAU**0.5, tau_mem=TAU)  # noqa: E731
        neuron = {"tau_mem": TAU, "v_threshold": 1.0, "v_reset": 0.0, "refractory": 2.0}
        found = 1000.0 / theory.escape_interval(mean, hazard, dt=0.05, **neuron)[0]
        rate = theory.siegert_rate_hz(mean, brunel / TAU**0.5, **neuron)
        assert abs(found / rate - 1) < 0.05, (mean, brunel, found / rate)
