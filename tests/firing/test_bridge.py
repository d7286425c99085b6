"""The bridge rule: its probability and its times against the exact first passage of the membrane, gradients, refusals."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate

import jaxsnn_noise as jn
from helpers.passages import passage_density, transition
from helpers.statistical import assert_ks, assert_proportion, negative_control
from jaxsnn_noise import firing, noise, random
from jaxsnn_noise.signals import Crossing, Path

THRESHOLD, TAU, SIGMA, DT, N = 20.0, 10.0, 2.0, 1.0, 40_000
AT = random.tick(random.root(8), 2)
TIMES = jn.BridgeThreshold(times=True)
ENDS = [(18.5, 18.9), (19.5, 17.0), (17.0, 19.7), (18.0, 21.0), (19.6, 20.5), (16.0, 22.5)]
"""Potentials at the ends of a step."""


def std(dt: float, factor: float = 1.0) -> float:
    return float(factor * SIGMA * np.sqrt(TAU / 2 * -np.expm1(-2 * dt / TAU)))


def crossing(v0: Any, v1: Any, *, size: int = N, free: float = DT, factor: float = 1.0, **options: Any) -> Crossing:
    full = lambda x: jnp.broadcast_to(jnp.float32(x), (size,))  # noqa: E731
    path = Path(full(std(free, factor)), full(free), full(TAU))
    return Crossing(full(v1 - THRESHOLD), full(v0 - THRESHOLD), jnp.ones(size), path=path, **options)


decided = eqx.filter_jit(lambda rule, seen: rule(seen, AT, DT))


def first_passage(v0: float, v1: float, mean: float, *, dt: float = DT) -> tuple[np.ndarray, np.ndarray, float]:
    """Times, distribution function of the first passage given both ends, and its probability: float64, of the exact membrane."""
    membrane = {"mean": mean, "sigma": SIGMA, "tau": TAU}
    time, density = passage_density(v0, THRESHOLD, **membrane, until=dt, points=1500)
    r = np.linspace(0.0, np.sqrt(dt), 2001)[1:]  # of the time that is left: the density of the rest has a pole there
    s = dt - r[::-1] ** 2
    rest = transition(v1, dt - s[:-1], THRESHOLD, **membrane)
    weight = np.interp(s[:-1], time, density) * rest * 2.0 * np.sqrt(dt - s[:-1])
    total = integrate.cumulative_simpson(weight, x=-np.sqrt(dt - s[:-1]), initial=0)
    whole = total[-1] + weight[-1] * np.sqrt(dt - s[-2]) if v1 == THRESHOLD else total[-1]
    return s[:-1], total / total[-1], float(whole / transition(v1, dt, v0, **membrane))


@pytest.mark.parametrize("mean", [5.0, 20.0, 40.0])
@pytest.mark.parametrize(("v0", "v1"), ENDS[:3])
def test_the_probability_is_that_of_the_membrane_between_its_ends(v0: float, v1: float, mean: float) -> None:
    """To 2.5 % at dt/tau = 0.1, whatever the drive; theory and rule agree to rounding. Counts follow it."""
    exact = first_passage(v0, v1, mean)[2]
    seen = decided(jn.BridgeThreshold(), crossing(v0, v1, probabilities=True))
    told = float(seen.probability[0])
    form = jn.theory.bridge_crossing_probability(v0, v1, SIGMA, v_threshold=THRESHOLD, dt=DT, tau_mem=TAU)
    np.testing.assert_allclose(told, form, rtol=2e-5)
    np.testing.assert_allclose(told, exact, rtol=0.025 if mean != 20.0 else 1e-3)
    assert_proportion(int(seen.spikes.sum()), N, float(form))

    def check(factor: float) -> None:
        spikes = decided(jn.BridgeThreshold(), crossing(v0, v1, factor=factor)).spikes
        assert_proportion(int(spikes.sum()), N, float(form))

    negative_control(check)


@pytest.mark.parametrize(("v0", "v1"), ENDS)
def test_times_follow_the_first_passage_of_the_exact_membrane(v0: float, v1: float) -> None:
    time, law, _ = first_passage(v0, v1, 25.0)

    def check(factor: float) -> None:
        seen = decided(TIMES, crossing(v0, v1, factor=factor))
        assert_ks(np.asarray(seen.inside, np.float64), lambda x: np.interp(x, time, law))

    check(1.0)
    negative_control(check)
    form = jn.theory.bridge_passage_cdf(time, v0, v1, SIGMA, v_threshold=THRESHOLD, dt=DT, tau_mem=TAU)
    np.testing.assert_allclose(form, law, atol=4e-3)


def test_times_of_those_that_fire_are_no_others() -> None:
    """Whether the bridge met the threshold, and when, are drawn apart."""
    time, law, _ = first_passage(18.0, 18.9, 25.0)
    seen = decided(TIMES, crossing(18.0, 18.9))
    fired = np.asarray(seen.spikes) > 0
    assert 2000 < fired.sum() < 20_000
    assert_ks(np.asarray(seen.inside, np.float64)[fired], lambda x: np.interp(x, time, law))


def test_times_against_paths_on_a_fine_grid() -> None:
    """Independent of any formula: bridges of 4000 steps, seen on the grid, whose threshold is 0.5826 standard deviations nearer."""
    rng, steps, paths = np.random.default_rng(3), 4000, 4000
    a, v0, v1 = np.exp(-DT / steps / TAU), 18.5, 18.9
    s = SIGMA * np.sqrt(TAU / 2 * (1 - a * a))
    v, first = np.full(paths, v0), np.full(paths, np.inf)
    near = THRESHOLD - 0.5826 * s
    for k in range(1, steps):
        left = DT * (1 - (k - 1) / steps)
        gain, rest = np.exp(-(left - DT / steps) / TAU), SIGMA**2 * TAU / 2 * -np.expm1(-2 * (left - DT / steps) / TAU)
        middle = 25.0 + (v - 25.0) * a
        goal = 25.0 + (middle - 25.0) * gain  # where it ends without further noise
        weight = s * s * gain / (s * s * gain * gain + rest)
        v = (
            middle
            + weight * (v1 - goal)
            + np.sqrt(s * s * rest / (s * s * gain * gain + rest)) * rng.standard_normal(paths)
        )
        first = np.where((v >= near) & np.isinf(first), k * DT / steps, first)
    seen = decided(TIMES, crossing(v0, v1, probabilities=True))
    crossed = np.isfinite(first)
    assert_proportion(int(crossed.sum()), paths, float(seen.probability[0]))
    drawn = np.sort(np.asarray(seen.inside, np.float64))
    assert_ks(first[crossed], lambda x: np.searchsorted(drawn, x) / N)


def test_of_a_step_that_is_free_for_a_part_times_lie_in_that_part() -> None:
    seen = np.asarray(decided(TIMES, crossing(19.0, 20.4, free=0.3)).inside, np.float64)
    assert seen.min() > 0.7 * DT
    assert seen.max() <= DT
    time, law, _ = first_passage(19.0, 20.4, 25.0, dt=0.3)
    assert_ks(seen - 0.7, lambda x: np.interp(x, time, law))


def test_extremes_are_certain() -> None:
    for v0, v1, fires in [
        (-1e4, -1e4, 0),
        (10.0, 10.0, 0),
        (19.0, 20.0, 1),
        (20.0, 10.0, 1),
        (25.0, 10.0, 1),
        (10.0, 30.0, 1),
    ]:
        seen = decided(TIMES, crossing(v0, v1, size=100, probabilities=True))
        np.testing.assert_array_equal(seen.spikes, np.full(100, fires))
        assert np.isfinite(seen.probability).all()
        assert ((seen.inside > 0) & (seen.inside <= DT)).all()
    at_once = decided(TIMES, crossing(25.0, 10.0, size=100)).inside  # it is above the threshold as soon as it is free
    assert float(at_once.max()) < 1e-5


def test_without_noise_it_is_the_hard_threshold_with_a_time_on_the_line_between_the_ends() -> None:
    for v0, v1 in [(18.0, 19.0), (18.0, 21.0), (19.9, 20.0)]:
        seen = decided(TIMES, crossing(v0, v1, size=4, factor=0.0, probabilities=True))
        np.testing.assert_array_equal(seen.spikes, np.full(4, v1 >= THRESHOLD))
        np.testing.assert_array_equal(seen.log_probability, np.zeros(4))
    seen = decided(TIMES, crossing(18.0, 21.0, size=4, factor=0.0))
    np.testing.assert_allclose(seen.inside, 2 / 3, atol=0.03)


def test_the_logarithm_is_that_of_what_was_decided() -> None:
    seen = decided(jn.BridgeThreshold(), crossing(18.5, 18.9, probabilities=True))
    p, spikes = np.asarray(seen.probability, np.float64), np.asarray(seen.spikes)
    np.testing.assert_allclose(seen.log_probability, np.log(np.where(spikes > 0, p, 1 - p)), rtol=1e-5)
    far = decided(jn.BridgeThreshold(), crossing(10.0, 10.0, size=3, probabilities=True))  # p ~ exp(-48)
    np.testing.assert_array_equal(far.log_probability, 0)


@pytest.mark.slow
def test_density_is_the_derivative_of_the_probability_with_respect_to_both_ends_and_the_noise() -> None:
    def probability(before: float, margin: float, spread: float) -> float:
        return float(np.exp(-2 * before * margin * np.exp(-DT / TAU) / spread**2))

    def mean(x: Any, rule: Any) -> Any:
        path = Path(jnp.full(8, x[2]), DT, jnp.full(8, TAU))
        return rule(Crossing(jnp.full(8, x[1]), jnp.full(8, x[0]), jnp.ones(8), path=path), AT, DT).spikes.mean()

    at = jnp.array([-1.5, -1.1, std(DT)])
    slopes, h = jax.grad(mean)(at, jn.BridgeThreshold(times=True)), 1e-4
    for k, slope in enumerate(slopes):
        up, down = np.asarray(at, np.float64), np.asarray(at, np.float64)
        up[k], down[k] = up[k] + h, down[k] - h
        np.testing.assert_allclose(slope, (probability(*up) - probability(*down)) / (2 * h), rtol=1e-3)
    above = jax.grad(mean)(at.at[1].set(0.5), jn.BridgeThreshold())
    np.testing.assert_array_equal(above, 0)  # certain, and it stays so
    surrogate = jn.surrogates.SuperSpike(3.0)
    found = jax.grad(mean)(at, jn.BridgeThreshold(gradient=surrogate))
    np.testing.assert_allclose(found, [0, float(surrogate.derivative(at[1])), 0], rtol=1e-5)
    np.testing.assert_array_equal(jax.grad(mean)(at, jn.BridgeThreshold(gradient=firing.Stopped())), 0)


def test_times_have_no_derivative() -> None:
    def mean(v1: Any) -> Any:
        seen = crossing(18.0, 21.0, size=8)
        return TIMES(eqx.tree_at(lambda c: c.margin, seen, jnp.full(8, v1)), AT, DT).inside.sum()

    assert float(jax.grad(mean)(1.0)) == 0.0


# -- what is refused ---------------------------------------------------------------------------------------------

WHITE = noise.Diffusion(0.1)


def population(rule: Any = None, neuron: Any = None, stepper: Any = None, **sources: Any) -> jn.Population:
    return jn.Population(
        neuron or jn.neurons.LIF(3, refractory=2.0), noise=sources, firing=rule or TIMES, stepper=stepper
    )


REFUSED = {
    "without noise": ({}, "network.cells.firing: looks between the ends.*white Gaussian Diffusion.*no noise"),
    "coloured": (
        {"m": noise.VoltageNoise(WHITE, colour=noise.OrnsteinUhlenbeck(5.0))},
        "network.cells.firing: looks between.*m is coloured: the potential is smooth",
    ),
    "coloured current alone": (
        {"m": noise.CurrentNoise(WHITE, colour=noise.OrnsteinUhlenbeck(5.0))},
        "network.cells.firing: looks between.*m is coloured",
    ),
    "shot": (
        {"m": noise.PoissonBackground(rate_hz=5.0, charge=0.2)},
        "network.cells.firing: looks between.*m is no white Gaussian Diffusion",
    ),
    "shot beside white": (
        {"m": noise.PoissonBackground(rate_hz=5.0, charge=0.2), "w": noise.VoltageNoise(WHITE)},
        "network.cells.noise.m: is no white Gaussian Diffusion; the firing rule BridgeThreshold",
    ),
    "heavy tails": (
        {"m": noise.VoltageNoise(WHITE, distribution=noise.Laplace())},
        "network.cells.firing: looks between.*m is not Gaussian",
    ),
    "graded": (
        {"m": noise.VoltageNoise(WHITE, noise.Multiplicative())},
        "network.cells.firing: looks between.*m is graded: it scales",
    ),
    "per step": (
        {"m": noise.VoltageNoise(noise.PerStep(0.1)), "w": noise.VoltageNoise(WHITE)},
        "network.cells.noise.m: is a spread per step, which has no path inside it",
    ),
    "common": (
        {"m": noise.VoltageNoise(WHITE, correlation=noise.Common())},
        "network.cells.firing: looks between.*m is common",
    ),
    "on the threshold": (
        {"m": noise.ThresholdNoise(noise.PerStep(0.1)), "w": noise.VoltageNoise(WHITE)},
        "network.cells.noise.m: is on the threshold, fresh in each step",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("times", [False, True])
def test_what_no_bridge_joins_is_refused_with_the_reason(case: str, times: bool) -> None:
    sources, reason = REFUSED[case]
    with pytest.raises(jn.InputError, match=reason):
        jn.Network({"cells": population(jn.BridgeThreshold(times=times), **sources)})


class Curved(jn.neurons.LIF):
    """A membrane that says of no time constant that it relaxes by it."""

    def time_constant(self, drive: Any) -> Any:
        return None


def test_neurons_and_steps_that_do_not_fit_are_refused() -> None:
    white = {"m": noise.VoltageNoise(WHITE)}
    with pytest.raises(jn.InputError, match=r"firing: looks between .* needs a linear membrane; got 'Curved'"):
        jn.Network({"cells": population(neuron=Curved(3), **white)})
    with pytest.raises(jn.InputError, match="needs a neuron with partial steps; got 'AdaptiveLIF'"):
        jn.Network({"cells": population(neuron=jn.neurons.AdaptiveLIF(3), **white)})
    jn.Network({"cells": population(jn.BridgeThreshold(), jn.neurons.AdaptiveLIF(3), **white)})
    network = jn.Network({"cells": population(neuron=jn.neurons.LIF(3, tau_mem=jnp.array([20.0, 8.0, 30.0])), **white)})
    with pytest.raises(jn.InputError, match=r"network.cells.firing: needs steps of at most tau_mem/4, 2 ms here"):
        jn.Simulation(network, duration=100.0, dt=2.5)
    jn.Simulation(network, duration=100.0, dt=2.0)


def test_coloured_current_beside_white_noise_is_a_part_of_the_drive() -> None:
    sources = {
        "m": noise.VoltageNoise(WHITE),
        "slow": noise.CurrentNoise(noise.PerStep(0.1), colour=noise.OrnsteinUhlenbeck(50.0)),
    }
    network = jn.Network({"cells": population(**sources)})
    sim = jn.Simulation(network, {"cells": jn.coding.Constant(1.1)}, duration=50.0, dt=0.5)
    assert np.isfinite(jn.simulate(sim, key=0, statistics={"n": jn.statistics.SpikeCount()})["n"]).all()
