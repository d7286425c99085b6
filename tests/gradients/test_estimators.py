"""Estimators of gradients against exact derivatives of expected spike counts, and what they refuse."""

from __future__ import annotations

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from jaxsnn_noise import gradients, theory
from jaxsnn_noise.distributions import Logistic
from jaxsnn_noise.engine import deciding
from jaxsnn_noise.gradients import (
    Baseline,
    FiniteDifference,
    NoiseDensity,
    Pathwise,
    Score,
    SurrogateGradient,
    programs,
)
from jaxsnn_noise.gradients.passing import passed
from jaxsnn_noise.gradients.samples import Over

KINDS = ("threshold", "membrane")
AT = {"threshold": (0.36, 0.9, 10.0, 1.0), "membrane": (0.2, 0.9, 10.0, 1.0)}
Z = 4.0
"""Standard errors: with some 60 comparisons a false alarm has a probability of 0.4 %."""


def neuron(kind: str, statistics: dict[str, Any] | None = None, dt: float = 1.0, **options: Any) -> jn.Simulation:
    noise, drive, tau_mem, threshold = AT[kind]
    cells = jn.neurons.LIF(1, tau_mem=tau_mem, v_threshold=threshold)
    if kind == "threshold":
        population = jn.Population(cells, firing=jn.NoisyThreshold(noise, distribution=Logistic()))
    else:
        population = jn.Population(cells, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(noise))})
    options = {"duration": 100.0, "dt": dt, "statistics": statistics or {"n": jn.statistics.SpikeCount()}} | options
    return jn.Simulation(jn.Network({"c": population}), {"c": jn.coding.Constant(drive)}, **options)


def leaves(kind: str) -> list[str]:
    noise = {"threshold": "network.c.firing.scale", "membrane": "network.c.noise.m.amplitude.sigma"}[kind]
    return [noise, "inputs.c.values", "network.c.neuron.tau_mem", "network.c.neuron.v_threshold"]


@functools.cache
def exact(kind: str, dt: float = 1.0) -> tuple[float, np.ndarray]:
    noise, mean, tau_mem, v_threshold = AT[kind]
    given: dict[str, Any] = {"mean": mean, "tau_mem": tau_mem, "v_threshold": v_threshold, "v_reset": 0.0}
    window: dict[str, Any] = {"duration": 100.0, "dt": dt}
    if kind == "threshold":
        found = theory.threshold_noise_renewal(noise, **given, **window, logistic=True)
    else:
        found = theory.membrane_noise_renewal(noise, **given, **window)
    first = {"threshold": "threshold_std", "membrane": "sigma"}[kind]
    return found.count, np.array([found.slopes[k].count for k in (first, "mean", "tau_mem", "v_threshold")])


def z_of(found: gradients.Gradient, slopes: np.ndarray) -> np.ndarray:
    return (found.gradient[0] - slopes) / found.error[0]


@pytest.mark.parametrize("kind", slow_but(KINDS, ["threshold"]))
def test_scores_are_unbiased_and_of_little_variance(kind: str) -> None:
    value, slopes = exact(kind)
    found = Score()(neuron(kind), ["n"], leaves(kind), trials=3000, key=1)
    assert abs(found.value[0] - value) < Z * found.value_error[0]
    assert (np.abs(z_of(found, slopes)) < Z).all(), (found.gradient, slopes)
    assert (found.error[0] < 0.03 * np.abs(slopes)).all()  # else nothing would be told
    assert found.diagnostics["r2"][0] > 0.9


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dt", [0.25, 1.0])
def test_scores_are_unbiased_at_other_steps_and_with_other_controls(kind: str, dt: float) -> None:
    _, slopes = exact(kind, dt)
    martingale = Score()(neuron(kind, dt=dt), ["n"], leaves(kind), trials=6000, key=2)
    baseline = Score(Baseline())(neuron(kind, dt=dt), ["n"], leaves(kind), trials=20_000, key=3)
    for found in (martingale, baseline):
        assert (np.abs(z_of(found, slopes)) < Z).all(), (found.gradient, slopes)
    ratio = (baseline.error**2 * baseline.trials) / (martingale.error**2 * martingale.trials)
    assert ratio[0, :2].min() > 10  # variance per trial


@pytest.mark.parametrize("kind", slow_but(KINDS, ["threshold"]))
def test_differences_are_nearly_unbiased(kind: str) -> None:
    _, slopes = exact(kind)
    found = FiniteDifference()(neuron(kind), ["n"], leaves(kind), trials=6000, key=4)
    assert (np.abs(z_of(found, slopes)) < Z).all(), (found.gradient, slopes)
    assert (found.error[0] < 0.04 * np.abs(slopes)).all()
    assert found.diagnostics["simulations"] == 6000 * 17


@pytest.mark.slow
def test_the_density_of_the_noise_is_nearly_right_for_a_threshold_and_not_for_a_membrane() -> None:
    _, slopes = exact("threshold")
    found = NoiseDensity()(neuron("threshold"), ["n"], leaves("threshold"), trials=2000, key=5)
    assert (np.abs(found.gradient[0] / slopes - 1) < 0.05).all()
    _, slopes = exact("membrane")
    found = NoiseDensity()(neuron("membrane"), ["n"], leaves("membrane"), trials=2000, key=5)
    bias, error = found.gradient[0] / slopes - 1, found.error[0] / np.abs(slopes)
    assert (bias[:2] > 0.05).all()
    assert (bias > 3 * error).all()


@pytest.mark.slow
def test_a_detached_reset_is_far_from_the_derivative() -> None:
    """The control: what the raw gradient gives where resets are detached."""
    _, slopes = exact("threshold")
    sim = passed(neuron("threshold"), jn.firing.Density(), detach=True)
    _, found = programs.slopes_of(
        sim, tuple(leaves("threshold")), lambda results, what, sim: results["n"].mean(), None, Over(),
        jn.random.root(0), jnp.arange(500, dtype=jnp.uint32),
    )  # fmt: skip
    found = np.asarray(found).mean(axis=0)
    assert found[0] / slopes[0] > 1.5


@pytest.mark.slow
def test_without_what_the_decision_leaves_of_the_noise_it_is_biased(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    """The control of the recycled noise: the membrane differentiated as if nothing had been decided."""
    kept = deciding.given_decision
    monkeypatch.setattr("jaxsnn_noise.engine.cell.given_decision", lambda v, *rest: v)
    jax.clear_caches()
    request.addfinalizer(jax.clear_caches)
    assert kept is deciding.given_decision
    _, slopes = exact("membrane")
    found = Score()(neuron("membrane"), ["n"], leaves("membrane"), trials=6000, key=1)
    assert abs(z_of(found, slopes)[0]) > 10


@pytest.mark.slow
def test_decisions_of_the_warm_up_count() -> None:
    sim = neuron("threshold", duration=10.0, warmup=8.0)
    reference = FiniteDifference()(sim, ["n"], leaves("threshold")[:2], trials=100_000, key=6)
    found = Score()(sim, ["n"], leaves("threshold")[:2], trials=20_000, key=7)
    assert (np.abs(found.gradient - reference.gradient) < Z * np.hypot(found.error, reference.error)).all()


def network(firing: Any, noise: dict[str, Any] | None = None) -> jn.Simulation:
    weights = jn.synapses.random_weights(shape=(20, 20), probability=0.5, std=0.06, key=1)
    cells = jn.Population(jn.neurons.LIF(20, tau_mem=10.0, refractory=2.0), firing=firing, noise=noise or {})
    wire = jn.synapses.Dense("c", "c", weights)
    return jn.Simulation(
        jn.Network({"c": cells}, {"w": wire}), {"c": jn.coding.Constant(0.9)}, duration=60.0, dt=1.0, warmup=10.0,
        statistics={"rate": jn.statistics.Rate(), "v": jn.statistics.Mean("v")},
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_recurrent_network_agrees_with_differences(kind: str) -> None:
    """Also in its mean potential, which was off by 18 errors while statistics saw it as if nothing had been decided."""
    if kind == "threshold":
        sim = network(jn.NoisyThreshold(0.36, distribution=Logistic()))
    else:
        sim = network(jn.HardThreshold(), {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))})
    paths = [*leaves(kind), "network.w.weights"]
    found = Score()(sim, ["rate", "v"], paths, trials=20_000, key=10)
    by_difference = FiniteDifference()(sim, ["rate", "v"], paths[:4], trials=20_000, key=11)
    gap = found.gradient[:, :4] - by_difference.gradient
    assert (np.abs(gap) < Z * np.hypot(found.error[:, :4], by_difference.error)).all(), (found, by_difference)
    assert found.diagnostics["r2"][0] > 0.5


@pytest.mark.slow
def test_no_forward_bit_moves() -> None:
    """Spikes and potentials of a recurrent network, of runs alone."""
    sim = network(jn.HardThreshold(), {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))})
    watched = {"raster": jn.statistics.Raster(population="c"), "trace": jn.statistics.Trace(("v",), population="c")}
    sim = eqx.tree_at(lambda s: s.statistics, sim, {**sim.statistics, **watched})
    seen = [jn.simulate(one, key=3) for one in (sim, Score().prepare(sim), NoiseDensity().prepare(sim))]
    assert np.asarray(seen[0]["raster"]).any()
    for other in seen[1:]:
        np.testing.assert_array_equal(seen[0]["raster"], other["raster"])
        np.testing.assert_array_equal(seen[0]["trace"]["v"], other["trace"]["v"])
    trials = jn.monte_carlo(sim, [jn.Trials(4)], key=3, progress=False)["rate"].mean("c_neuron").values
    found = FiniteDifference(order=2)(sim, ["rate"], ["inputs.c.values"], trials=4, key=3)
    np.testing.assert_allclose(found.value[0], trials.mean(), rtol=1e-6)


def test_smooth_runs_have_their_exact_derivative() -> None:
    cells = jn.Population(
        jn.neurons.LeakyIntegrator(3, tau_mem=10.0), noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.3))}
    )
    moments = {"v": jn.statistics.Last("v")}
    sim = jn.Simulation(
        jn.Network({"c": cells}), {"c": jn.coding.Constant(0.5)}, duration=20.0, dt=0.5, statistics=moments
    )
    found = Pathwise()(sim, ["v"], ["inputs.c.values", "network.c.neuron.tau_mem"], trials=200, key=1)
    settled = 1 - np.exp(-2.0)
    np.testing.assert_allclose(found.gradient[0, 0], settled, rtol=1e-5)
    assert abs(found.gradient[0, 1] + 0.5 * 2.0 * np.exp(-2.0) / 10.0) < Z * found.error[0, 1]
    elastic = found.elasticity()
    np.testing.assert_allclose(elastic[0, 0], settled * 0.5 / found.value[0], rtol=1e-5)
    data = found.dataset()
    assert data.gradient.sel(output="v", leaf="inputs.c.values") == found.gradient[0, 0]
    with pytest.raises(jn.InputError, match="Score: needs a population that spikes"):
        Score()(sim, ["v"], ["inputs.c.values"], trials=10, key=0)


def poisson() -> jn.Simulation:
    cells = jn.Population(jn.neurons.LIF(2), firing=jn.NoisyThreshold(0.3))
    wire = jn.synapses.Dense("p", "c", np.full((2, 2), 0.5))
    parts = jn.Network({"c": cells, "p": jn.Port(2)}, {"w": wire})
    return jn.Simulation(
        parts, {"p": jn.coding.PoissonSpikes(50.0)}, duration=20.0, dt=1.0, statistics={"n": jn.statistics.SpikeCount()}
    )


def below(spiking: bool = True) -> jn.Simulation:
    """Its time below a level jumps where the potential moves smoothly."""
    neuron = jn.neurons.LIF(1, tau_mem=10.0) if spiking else jn.neurons.LeakyIntegrator(1, tau_mem=10.0)
    noise = {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2))}
    return jn.Simulation(
        jn.Network({"c": jn.Population(neuron, noise=noise)}), {"c": jn.coding.Constant(0.5)}, duration=50.0, dt=0.5,
        statistics={"low": jn.statistics.FractionBelow(0.3)},
    )  # fmt: skip


COMMON = {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.2), correlation=jn.noise.Common())}


@pytest.mark.parametrize(
    ("estimator", "sim", "outputs", "paths", "message"),
    [
        (Score(), lambda: neuron("threshold"), ["x"], leaves("threshold"), r"Score\.outputs: unknown name; got 'x'"),
        (Score(), lambda: neuron("threshold"), ["health_c"], leaves("threshold"), "result is one array"),
        (Score(), lambda: neuron("threshold"), ["n"], ["network.c.neuron.tau"], "tau_mem"),
        (Score(), poisson, ["n"], ["inputs.p.values"], "whose score is not in it; FiniteDifference serves"),
        (Score(), lambda: network(jn.HardThreshold()), ["rate"], ["inputs.c.values"], "needs noise that decides"),
        (Score(), lambda: network(jn.HardThreshold(), COMMON), ["rate"], ["inputs.c.values"], "needs noise that decides"),
        (Score(), lambda: network(jn.NoisyThreshold(0.0)), ["rate"], ["inputs.c.values"], "of size 0 it leaves nothing to chance"),
        (Score(), lambda: network(jn.HardThreshold(), {"m": jn.noise.VoltageNoise(jn.noise.Diffusion(0.0))}), ["rate"], ["inputs.c.values"], "of size 0 it leaves"),
        (NoiseDensity(), lambda: network(jn.HardThreshold()), ["rate"], ["inputs.c.values"], "noise"),
        (Score(), lambda: network(jn.HardThreshold(), COMMON), ["rate"], ["network.c.neuron.refractory"], "whole steps"),
        (Pathwise(), lambda: neuron("threshold"), ["n"], leaves("threshold"), "do not spike"),
        (Score(), below, ["low"], ["inputs.c.values"], "jumps in what is smooth at fixed decisions"),
        (NoiseDensity(), below, ["low"], ["inputs.c.values"], "lets no derivative pass: FiniteDifference serves"),
        (Pathwise(), lambda: below(False), ["low"], ["inputs.c.values"], "lets no derivative pass: FiniteDifference serves"),
        (FiniteDifference(), lambda: network(jn.NoisyThreshold(0.3)), ["rate"], ["network.c.neuron.v_rest"], "must not be 0"),
        (FiniteDifference(0.45), lambda: network(jn.NoisyThreshold(0.3)), ["rate"], ["dt"], "no such name"),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(estimator: Any, sim: Any, outputs: Any, paths: Any, message: str) -> None:
    with pytest.raises(jn.InputError, match=message):
        estimator(sim(), outputs, paths, trials=10, key=0)


@pytest.mark.slow
def test_differences_take_what_jumps() -> None:
    # an integrator at rest under white noise lies below a level by the normal law: d low / d current = -density
    found = FiniteDifference()(below(False), ["low"], ["inputs.c.values"], trials=4000, key=3)
    t = np.arange(1, 101) * 0.5  # steps
    spread = 0.2 * np.sqrt(5.0 * (1.0 - np.exp(-2.0 * t / 10.0)))
    settled = 1.0 - np.exp(-t / 10.0)
    z = (0.3 - 0.5 * settled) / spread
    exact = float(np.mean(-settled / spread * np.exp(-0.5 * z**2) / np.sqrt(2.0 * np.pi)))
    assert found.error[0, 0] < 0.05 * abs(exact)
    assert abs(found.gradient[0, 0] - exact) < Z * found.error[0, 0]


def test_arguments_are_looked_at() -> None:
    with pytest.raises(jn.InputError, match=r"FiniteDifference\.step: must lie between 0 and 0\.5"):
        FiniteDifference(0.7)
    with pytest.raises(jn.InputError, match=r"FiniteDifference\.order"):
        FiniteDifference(order=3)
    with pytest.raises(jn.InputError, match=r"Score\.control: must be gradients\.Martingale"):
        Score("baseline")  # type: ignore[arg-type]
    with pytest.raises(jn.InputError, match=r"SurrogateGradient\.surrogate: must be a surrogate"):
        SurrogateGradient(3.0)  # type: ignore[arg-type]
    with pytest.raises(jn.InputError, match="trials"):
        Score()(neuron("threshold"), ["n"], leaves("threshold"), trials=1, key=0)


def test_few_spikes_are_told() -> None:
    quiet = jn.paths.replace(neuron("threshold"), {"network.c.neuron.v_threshold": 4.0})
    with pytest.warns(UserWarning, match="may be falsely certain"):
        Score()(quiet, ["n"], ["inputs.c.values"], trials=20, key=0)
