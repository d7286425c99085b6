"""Decisions to fire: their probability, what stands in for their derivative, and what the membrane keeps of the noise."""

from __future__ import annotations

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import log_ndtr, ndtr, ndtri

import jaxsnn_noise as jn
from helpers.numpy_network import normals
from helpers.statistical import assert_mean
from jaxsnn_noise import noise
from jaxsnn_noise.engine.deciding import given_decision
from jaxsnn_noise.statistics import About, Frame, Statistic

SIGMA = "network.cells.noise.membrane.amplitude.sigma"
READ = ("v", "spikes", "threshold", "probability", "log_probability", "surprise")


def single(
    sources: dict[str, Any], *, gradient: Any = None, firing: Any = None, size: int = 50, **options: Any
) -> jn.Simulation:
    rule = firing or (jn.HardThreshold() if gradient is None else jn.HardThreshold(gradient))
    of_neuron = {name: options.pop(name) for name in ("refractory", "reset") if name in options}
    neuron = jn.neurons.LIF(size, tau_mem=10.0, **of_neuron)
    network = jn.Network({"cells": jn.Population(neuron, noise=sources, firing=rule)})
    given = {"duration": 60.0, "dt": 0.5, "statistics": {"t": jn.statistics.Trace(READ)}}
    return jn.Simulation(network, {"cells": jn.coding.Constant(0.95)}, **(given | options))


def voltage(sigma: float = 0.2, **policies: Any) -> dict[str, Any]:
    return {"membrane": noise.VoltageNoise(noise.Diffusion(sigma), **policies)}


# -- probabilities ---------------------------------------------------------------------------------------------

KINDS = {
    "voltage": voltage(),
    "shared voltage": voltage(correlation=noise.SharedFraction(0.4)),
    "scaled voltage": {"m": noise.VoltageNoise(noise.PerStep(0.1), noise.Multiplicative())},
    "threshold": {"t": noise.ThresholdNoise(noise.PerStep(0.15)), **voltage()},
    "current": {"c": noise.CurrentNoise(noise.Diffusion(1.0)), "s": noise.CurrentNoise(noise.PerStep(0.1), colour=noise.OrnsteinUhlenbeck(5.0))},
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_spikes_come_with_the_frequency_of_their_probability(kind: str) -> None:
    """A martingale: spikes minus probabilities have mean 0 given the past, and the variance p (1 - p)."""
    trace = jn.simulate(single(KINDS[kind], size=400, refractory=1.0), key=2)["t"]
    p, spikes = (np.asarray(x, np.float64) for x in (trace.probability, trace.spikes))
    assert ((p >= 0) & (p <= 1)).all()
    assert 0.01 < spikes.mean() < 0.5
    assert p.std() > 0.02
    for weight in (np.ones_like(p), p - p.mean(), (p > np.median(p)) * 1.0):
        gained = (spikes - p) * weight
        # Steps of one neuron are uncorrelated given the past, so the variances add.
        spread = np.sqrt((p * (1 - p) * weight**2).sum())
        assert abs(gained.sum()) < 4.5 * spread
    expected = np.where(spikes > 0, np.log(np.where(p > 0, p, 1)), np.log1p(-p))
    certain = p > 1 - 1e-4  # where 1 - p has lost its digits
    np.testing.assert_allclose(trace.log_probability[~certain], expected[~certain], atol=2e-3)


def test_held_neurons_have_no_probability() -> None:
    trace = jn.simulate(single(voltage(), refractory=2.0), key=2)["t"]
    after = np.roll(np.asarray(trace.spikes), 1, axis=0)[1:] > 0
    assert after.sum() > 20
    for values in (trace.probability, trace.log_probability, trace.surprise):
        np.testing.assert_array_equal(np.asarray(values)[1:][after], 0)


def test_the_surprise_is_the_normal_minus_its_mean_without_a_spike() -> None:
    trace = jn.simulate(single(voltage(0.3), size=2000), key=2)["t"]
    quiet = np.asarray(trace.spikes) == 0
    surprise = np.asarray(trace.surprise, np.float64)
    assert (surprise[~quiet] == 0).all()
    flat = surprise.mean(axis=1)  # over neurons, which are independent
    assert_mean(flat, 0.0)
    a = ndtri(1 - np.asarray(trace.probability, np.float64))[quiet]
    near = np.abs(a) < 3
    mean = -np.exp(-0.5 * a**2 - 0.5 * np.log(2 * np.pi) - log_ndtr(a))
    z = surprise[quiet] + mean
    assert (z[near] <= a[near] + 1e-3).all()  # no spike: below the border, always


def test_a_rule_that_draws_has_the_probability_of_its_own_noise() -> None:
    sim = single(voltage(), firing=jn.NoisyThreshold(0.3, noise.Logistic()))
    trace = jn.simulate(sim, key=2)["t"]
    margin = np.asarray(trace.v, np.float64) - np.asarray(trace.threshold)
    expected = 1 / (1 + np.exp(-margin / (0.3 * np.sqrt(3) / np.pi)))
    np.testing.assert_allclose(trace.probability, expected, atol=1e-6)
    np.testing.assert_array_equal(trace.surprise, 0)


def test_without_noise_a_decision_is_certain() -> None:
    trace = jn.simulate(single(voltage(0.0)), key=2)["t"]
    np.testing.assert_array_equal(trace.probability, trace.spikes)
    np.testing.assert_array_equal(trace.log_probability, 0)


UNDECIDED = {
    "nothing": ({}, "there is no noise on the threshold, the membrane or the current"),
    "coloured": (voltage(colour=noise.OrnsteinUhlenbeck(3.0)), "membrane is coloured"),
    "common": (voltage(correlation=noise.Common()), "membrane is common"),
    "not Gaussian": (voltage(distribution=noise.Uniform()), "membrane is not Gaussian"),
    "background": ({"b": noise.PoissonBackground(rate_hz=5.0, charge=0.2)}, "b has no private white Gaussian part"),
}


@pytest.mark.parametrize("case", UNDECIDED)
def test_what_needs_deciding_noise_is_refused_without_it_with_the_reason(case: str) -> None:
    sources, reason = UNDECIDED[case]
    with pytest.raises(
        jn.InputError, match=f"statistics.t: reads log_probability, which needs noise that decides.*{reason}"
    ):
        single(sources)
    with pytest.raises(jn.InputError, match=f"network.cells.firing: needs noise that decides.*{reason}"):
        single(sources, gradient=jn.Density(), statistics={})


# -- gradients -------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    "gradient", [jn.Density(), jn.Stopped(), jn.surrogates.SuperSpike(3.0)], ids=lambda g: type(g).__name__
)
@pytest.mark.parametrize("rule", ["hard", "noisy"])
def test_the_policy_of_the_gradient_moves_no_forward_bit(rule: str, gradient: Any) -> None:
    make = (lambda g: jn.HardThreshold(g)) if rule == "hard" else (lambda g: jn.NoisyThreshold(0.1, gradient=g))
    statistics = {"t": jn.statistics.Trace(("v", "spikes"))}
    plain = jn.simulate(single(voltage(), firing=jn.HardThreshold() if rule == "hard" else jn.NoisyThreshold(0.1), statistics=statistics), key=2)["t"]  # fmt: skip
    other = jn.simulate(single(voltage(), firing=make(gradient), statistics=statistics), key=2, backend=jn.Scan())["t"]
    assert float(plain.spikes.sum()) > 50
    np.testing.assert_array_equal(plain.spikes, other.spikes)
    np.testing.assert_allclose(plain.v, other.v, rtol=0, atol=2e-7)


@pytest.mark.slow
def test_the_density_is_the_slope_of_the_probability() -> None:
    sim = single(voltage(), gradient=jn.Density(), duration=0.5, size=200)

    def read(mean: Any, sigma: Any, name: str) -> Any:
        changed = jn.paths.replace(
            sim, {"inputs.cells.values": mean, SIGMA: sigma, "network.cells.neuron.v_threshold": 0.1}
        )
        return getattr(jn.simulate(changed, key=4)["t"], name).sum()

    for argument in (0, 1):
        through_spikes = jax.grad(read, argument)(0.95, 0.2, "spikes")
        through_probability = jax.grad(read, argument)(0.95, 0.2, "probability")
        assert abs(float(through_probability)) > 1
        np.testing.assert_allclose(through_spikes, through_probability, rtol=1e-4)


def truncated(h: float, std: float, threshold: float, u: float, spiked: bool) -> float:
    """The potential with a normal below (above) the border, at a fixed place ``u`` of its distribution."""
    a = (threshold - h) / std
    z = -ndtri(u * ndtr(-a)) if spiked else ndtri(u * ndtr(a))
    return float(h + std * z)


@pytest.mark.parametrize("spiked", [False, True])
@pytest.mark.parametrize("place", [0.02, 0.4, 0.97])
@pytest.mark.parametrize("h", [-0.3, 0.8, 1.1])
def test_the_membrane_moves_with_the_truncated_normal(h: float, place: float, spiked: bool) -> None:
    std, threshold, eps = 0.25, 1.0, 1e-5
    v = truncated(h, std, threshold, place, spiked)
    z = (v - h) / std
    point = [jnp.float32(x) for x in (h, std, threshold)]

    def moved(h: Any, std: Any, threshold: Any) -> Any:
        noisy = h + std * jnp.float32(z)
        return given_decision(noisy, std, threshold, jnp.float32(z), jnp.float32(spiked))

    np.testing.assert_allclose(moved(*point), v, rtol=1e-5)
    for i, slope in enumerate(jax.grad(moved, (0, 1, 2))(*point)):
        ends = [truncated(*[x + (s * eps if i == j else 0) for j, x in enumerate((h, std, threshold))], place, spiked) for s in (1, -1)]  # fmt: skip
        np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * eps), rtol=2e-3, atol=2e-3)


class Likelihood(Statistic):
    """The summed logarithm of the probability of all decisions, those of the warm-up too."""

    population: str | None = eqx.field(static=True, default=None)
    from_start: ClassVar[bool] = True

    @property
    def reads(self) -> tuple[str, ...]:
        return ("log_probability",)

    def init(self, about: About) -> Any:
        return jnp.zeros(about.size), jnp.zeros((), jnp.int32)

    def update(self, acc: Any, frame: Frame, about: About) -> Any:
        return acc[0] + frame.variable("log_probability"), jnp.maximum(acc[1], frame.index + 1)

    def merge(self, a: Any, b: Any, about: About) -> Any:
        return a[0] + b[0], jnp.maximum(a[1], b[1])

    def finalize(self, acc: Any, about: About) -> Any:
        return jnp.where(acc[1] == about.steps, acc[0], jnp.nan)

    @property
    def unit(self) -> dict[str, str]:
        return {"": "1"}

    units = unit

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        return {"": ("neuron",)}

    @classmethod
    def example(cls) -> Likelihood:
        return cls()


def test_statistics_from_the_start_see_the_warm_up() -> None:
    whole = single(voltage(), duration=30.0, statistics={"l": Likelihood(), "n": jn.statistics.SpikeCount()})
    warm = single(
        voltage(), duration=10.0, warmup=20.0, statistics={"l": Likelihood(), "n": jn.statistics.SpikeCount()}
    )
    a, b = jn.simulate(whole, key=3), jn.simulate(warm, key=3)
    np.testing.assert_allclose(a["l"], b["l"], rtol=1e-5)
    assert float(a["l"].sum()) < -10
    assert float(b["n"].sum()) < float(a["n"].sum())  # the others do not


EXACT = {SIGMA: 27.033, "inputs.cells.values": 13.662, "network.cells.neuron.v_threshold": -17.703}
"""Derivatives of the expected number of spikes in 200 steps from rest: renewal of the first-passage density on 220 nodes."""


@pytest.mark.slow
def test_the_score_with_what_the_membrane_keeps_is_unbiased() -> None:
    """The exact identity ``d E f = E[d f at fixed decisions + f d log P]``; one neuron, tau = 10 steps, against exact values."""
    statistics = {"n": jn.statistics.SpikeCount(), "l": Likelihood(), "v": jn.statistics.Mean("v")}
    trials = 40_000
    sim = single(voltage(), gradient=jn.Stopped(), size=trials, duration=200.0, dt=1.0, statistics=statistics)
    sim = jn.paths.replace(sim, {"inputs.cells.values": 0.9})
    counts = np.asarray(jn.simulate(sim, key=11)["n"], np.float64)

    def log_likelihood(path: str) -> Any:
        shape = jn.paths.get(sim, path).shape
        function = lambda x: jn.simulate(jn.paths.replace(sim, {path: x}), key=11)["l"]  # noqa: E731
        point = jn.paths.get(sim, path)
        return np.asarray(jax.jvp(function, (point,), (jnp.ones(shape),))[1], np.float64)

    for path, exact in EXACT.items():
        score = log_likelihood(path)
        assert abs(score.mean()) < 4.5 * score.std() / np.sqrt(trials)
        gradient = (counts - counts.mean()) * score * trials / (trials - 1)
        error = gradient.std() / np.sqrt(trials)
        assert error < 0.03 * abs(exact)
        assert abs(gradient.mean() - exact) < 4.5 * error, path


def test_the_probability_is_that_of_the_noise_that_decides_at_each_seam_and_of_the_first_of_several() -> None:
    """Given everything but its own normal: the clean threshold, the membrane without it, and how far a current moves it."""
    steps, size, sigma, dt, tau, resistance = 40, 5, 0.3, 0.5, 4.0, 1.7
    level, input_, membrane = (
        source(noise.PerStep(sigma)) for source in (noise.ThresholdNoise, noise.CurrentNoise, noise.VoltageNoise)
    )
    sources = {
        "threshold": {"x": level},
        "current": {"x": input_},
        "voltage": {"a": input_, "x": membrane},
        "all": {"a": input_, "b": membrane, "x": level},
    }
    neuron = jn.neurons.LIF(size, tau_mem=tau, resistance=resistance)
    network = jn.Network({k: jn.Population(neuron, noise=given) for k, given in sources.items()})
    shown = ("v", "spikes", "threshold", "probability")
    traces = {k: jn.statistics.Trace(shown, population=k) for k in sources}
    drive = {k: jn.coding.Constant(0.5) for k in sources}
    sim = jn.Simulation(network, drive, duration=steps * dt, dt=dt, statistics=traces)
    results = jn.simulate(sim, key=3)
    spread = {"threshold": sigma, "all": sigma, "voltage": sigma}
    spread["current"] = sigma * resistance * (1 - np.exp(-dt / tau))
    for name in sources:
        z, found = normals(3, f"noise.{name}.x", steps, size), results[name]
        sign = -1.0 if name in ("threshold", "all") else 1.0
        margin = np.asarray(found.v, np.float64) - np.asarray(found.threshold)
        expected = margin - sign * spread[name] * z
        np.testing.assert_allclose(found.probability, ndtr(expected / spread[name]), atol=2e-4)
        assert np.asarray(found.probability).max() > 0.2
