"""Devices that hold weights: moments of what the engine makes of them, one trajectory a device, reads by the seam of NoisyDense."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_mean, assert_variance, negative_control
from jaxsnn_noise import hardware, paths, random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import PhaseChange, ResistiveMemory

PATH = "network.feed.weights"
LEVELS = np.array([1.0, 0.5, 0.1, -0.3])
MANY = 5000
FULL = 2.0


def network(projection: Any = jn.synapses.NoisyDense, weights: Any = None, **options: Any) -> jn.Network:
    w = np.repeat(FULL * LEVELS[:, None], MANY, axis=1) if weights is None else weights
    size = w.shape
    return jn.Network(
        {"a": jn.Port(size[1]), "b": jn.Population(jn.neurons.LIF(size[0]))},
        {"feed": projection("a", "b", w, **options)},
    )


@eqx.filter_jit
def made(imperfection, network, key):
    return imperfection.apply(network, key).projections["feed"]


def shares(imperfection, key=0, **options):
    """The weights over the full scale, [level, device]."""
    return np.asarray(made(imperfection, network(**options), random.root(key)).weights) / FULL


def pair_moments(age, reads):
    """Mean and variance of ``g_+ - g_-`` by theory, for each level."""
    del reads
    mean, variance = zip(*(theory.pcm_moments(g, age) for g in (np.abs(LEVELS), np.zeros(4))), strict=True)
    return np.sign(LEVELS) * (mean[0] - mean[1]), variance[0] + variance[1]


@pytest.mark.slow
@pytest.mark.parametrize("age", [0.0, 3600.0, 1e7])
def test_programmed_and_drifted_conductances_have_the_moments_of_theory(age):
    w = shares(PhaseChange(PATH, age, reads=False), projection=jn.synapses.Dense)
    mean, variance = pair_moments(age, reads=False)

    def check(amplitude):
        assert_mean(amplitude * w.T, mean)
        assert_variance(amplitude * w.T, variance, kurtosis=None)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_without_noise_and_drift_a_chip_holds_what_was_written():
    off = PhaseChange(PATH, 1e6, programming=0.0, drift=0.0, reads=False)
    w = np.random.default_rng(0).normal(size=(6, 7)).astype(np.float32)
    w[2, 3] = 0.0
    found = np.asarray(made(off, network(jn.synapses.Dense, w), random.root(0)).weights)
    np.testing.assert_allclose(found, w, rtol=3e-7)
    assert found[2, 3] == 0
    half = np.asarray(
        made(
            PhaseChange(PATH, 0.0, programming=0.0, drift=0.0, reads=False, full_scale=0.5),
            network(jn.synapses.Dense, w),
            random.root(0),
        ).weights
    )
    np.testing.assert_allclose(half, np.clip(w, -0.5, 0.5), rtol=3e-7)


@pytest.mark.slow
def test_a_device_drifts_along_one_power_law():
    """The same exponent at every age: the logarithm of each conductance is a straight line in the logarithm of time."""
    sim = PhaseChange(PATH, 0.0, reads=False)
    w = {
        age: shares(paths.replace(sim, {"age": age}), projection=jn.synapses.Dense)[0]
        for age in (0.0, 180.0, 1980.0, 1e6)
    }
    log = {age: np.log(values) for age, values in w.items()}
    slopes = [(log[180.0] - log[0.0]) / np.log(10.0), (log[1980.0] - log[0.0]) / np.log(100.0)]
    # the other device of a pair is near 0, and drifts too: within a hundredth
    np.testing.assert_allclose(slopes[0], slopes[1], atol=3e-3)
    assert np.std(slopes[0]) > 5e-3
    assert np.all(w[1e6] < w[1980.0])


@pytest.mark.slow
def test_the_exponents_are_those_of_the_fit_and_never_below_zero():
    fault = PhaseChange(PATH, 0.0)
    target = jnp.asarray(np.repeat(np.abs(LEVELS)[:, None], 20_000, axis=1), jnp.float32)
    nu = np.asarray(fault.exponents(target, random.root(1)))
    mu, s = theory.pcm_drift_exponent(np.abs(LEVELS))
    mean, variance = theory.rectified_moments(mu, s)

    def check(amplitude):
        assert_mean(amplitude * nu.T, mean)
        assert_variance(amplitude * nu.T, variance, kurtosis=None)

    check(1.0)
    negative_control(check)
    assert nu.min() >= 0
    programmed = np.asarray(fault.programmed(target, random.root(1)))
    assert programmed.min() >= 0
    assert abs(np.corrcoef(nu[0], programmed[0])[0, 1]) < 0.05  # scores of their own


@pytest.mark.slow
def test_reads_have_the_moments_of_each_device_at_each_use():
    """One synapse a target: the current of a spike is the read of one pair. Its mean and variance, over steps, for each device."""
    size, steps = 40, 4000
    w = FULL * np.diag(np.tile([1.0, 0.3, -0.01, 0.004], size // 4))  # of small ones much is cut off below 0
    chip = PhaseChange(PATH, 86_400.0)
    net = network(weights=w)
    sim = jn.Simulation(
        net, {"a": jn.coding.SpikeTrain(np.ones((steps, size), np.float32))}, duration=float(steps), dt=1.0,
        imperfections={"pcm": chip}, statistics={"i": jn.statistics.Trace("current", population="b")},
    )  # fmt: skip
    seen = np.asarray(jn.simulate(sim, key=3)["i"]["current"])
    key = random.stream(random.root(3), "imperfections.pcm")
    target = np.stack([np.maximum(w, 0), np.maximum(-w, 0)]) / FULL
    programmed = np.asarray(chip.programmed(jnp.asarray(target, jnp.float32), key), float)
    nu = np.asarray(chip.exponents(jnp.asarray(target, jnp.float32), key), float)
    now = programmed * (1 + 86_400 / 20.0) ** -nu
    mean, variance = theory.rectified_moments(now, theory.pcm_read_std(programmed, now, 86_400.0))
    diagonal = np.arange(size)
    mean, variance = FULL * (mean[0] - mean[1])[diagonal, diagonal], FULL**2 * variance.sum(0)[diagonal, diagonal]
    there = variance > 0  # both devices of some pairs are at 0
    assert not seen[:, ~there].any()
    assert there.sum() > 30

    def check(amplitude):
        assert_variance(amplitude * seen[:, there], variance[there])
        assert_mean(amplitude * seen[:, there], mean[there])

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_a_spread_of_ones_own_is_kept_in_quadrature_and_no_synapse_stays_none():
    w = np.random.default_rng(1).normal(size=(5, 6)).astype(np.float32)
    w[0, 0] = 0
    alone, with_own = (
        made(PhaseChange(PATH, 3600.0), network(weights=w, additive=a), random.root(2)) for a in (0.0, 0.3)
    )
    np.testing.assert_allclose(np.square(with_own.additive), np.square(alone.additive) + 0.09, rtol=1e-5)
    assert alone.weights[0, 0] == 0
    assert alone.additive[0, 0] == 0
    everywhere = made(PhaseChange(PATH, 3600.0, everywhere=True), network(weights=w), random.root(2))
    assert everywhere.weights[0, 0] != 0
    assert everywhere.additive[0, 0] > 0
    silent = made(PhaseChange(PATH, 3600.0, read=0.0), network(weights=w), random.root(2))
    bare = made(PhaseChange(PATH, 3600.0, reads=False), network(weights=w), random.root(2))
    np.testing.assert_array_equal(silent.weights, bare.weights)
    assert not np.any(silent.additive)


@pytest.mark.slow
@pytest.mark.parametrize("age", [1.0, 3000.0, 86_400.0, 150_000.0])
def test_resistive_devices_spread_as_measured(age):
    w = shares(ResistiveMemory(PATH, age), projection=jn.synapses.Dense)
    moments = [theory.rectified_moments(g, theory.reram_std(g, age)) for g in (np.abs(LEVELS), np.zeros(4))]
    mean, variance = np.sign(LEVELS) * (moments[0][0] - moments[1][0]), moments[0][1] + moments[1][1]

    def check(amplitude):
        assert_mean(amplitude * w.T, mean)
        assert_variance(amplitude * w.T, variance, kurtosis=None)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_a_resistive_device_keeps_its_score_at_every_age():
    sim = ResistiveMemory(PATH, 1.0)
    early, late = (
        shares(paths.replace(sim, {"age": age}), projection=jn.synapses.Dense)[:2] for age in (1.0, 172_800.0)
    )
    for level in (0, 1):
        ratio = float(theory.reram_std(LEVELS[level], 172_800.0) / theory.reram_std(LEVELS[level], 1.0))
        slope = np.polyfit(early[level] - LEVELS[level], late[level] - LEVELS[level], 1)[0]
        np.testing.assert_allclose(slope, ratio, rtol=0.03)
        assert np.corrcoef(early[level], late[level])[0, 1] > 0.95


@pytest.mark.slow
def test_ages_are_swept_in_one_program_and_chips_differ():
    sim = jn.Simulation(
        network(weights=np.random.default_rng(1).normal(size=(3, 30)), sums=jn.synapses.NativeSums()),
        {"a": jn.coding.PoissonSpikes(200.0)}, duration=20.0, dt=1.0, imperfections={"pcm": PhaseChange(PATH, 0.0)},
        statistics={"v": jn.statistics.Mean("v")},
    )  # fmt: skip
    ages = jn.Sweep("imperfections.pcm.age", [0.0, 3600.0, 1e7])
    found = jn.monte_carlo(sim, [ages, jn.Devices(4)], key=1, progress=False)["v"]
    assert found.sizes["device"] == 4
    assert np.all(found.std("device") > 0)
    one = jn.chip(jn.Grid(sim, [ages, jn.Devices(4)], key=1), sel={"age": 3600.0, "device": 2})
    again = jn.chip(jn.Grid(sim, [ages, jn.Devices(4)], key=1), sel={"age": 1e7, "device": 2})
    w, v = (np.asarray(x.projections["feed"].weights).ravel() for x in (one, again))
    assert np.corrcoef(w, v)[0, 1] > 0.98


@pytest.mark.slow
def test_gradients_through_devices_are_finite():
    w = jnp.asarray(np.random.default_rng(0).normal(size=(4, 5)), jnp.float32)
    net = network(weights=np.asarray(w))

    def total(w, age):
        chip = paths.replace(PhaseChange(PATH, 0.0), {"age": age})
        feed = chip.apply(paths.replace(net, {"feed.weights": w}), random.root(0)).projections["feed"]
        return jnp.sum(feed.weights) + jnp.sum(feed.additive)

    slopes = jax.grad(total, argnums=(0, 1))(w, 3600.0)
    assert np.isfinite(slopes[0]).all()
    assert np.isfinite(slopes[1])
    assert np.any(slopes[0] != 0)


@pytest.mark.parametrize(
    ("make", "options", "message"),
    [
        (lambda: PhaseChange(PATH, -1.0), {}, r"^PhaseChange.age: must be finite and >= 0 \[s\]"),
        (lambda: PhaseChange(PATH, 1.0, programming=-1.0), {}, r"^PhaseChange.programming: must be finite and >= 0"),
        (lambda: PhaseChange(PATH, 1.0, reads=1), {}, r"^PhaseChange.reads: must be True or False"),
        (lambda: PhaseChange(PATH, 1.0), {"projection": jn.synapses.Dense}, r"^x.reads: must be False, or the weights those of synapses.NoisyDense"),
        (lambda: PhaseChange(PATH, 1.0, coefficients=0.3), {}, r"^x.coefficients: must be a list"),
        (lambda: PhaseChange("network.feed", 1.0), {}, r"^x.path: must lead to a parameter"),
        (lambda: ResistiveMemory(PATH, 0.0), {}, r"^ResistiveMemory.age: must lie in \[1, 172800\] \[s\]"),
        (lambda: PhaseChange(PATH, 1.0, reads=False), {"projection": jn.synapses.Dense, "weights": np.ones((2, 2)), "kinetics": jn.synapses.Conductance(5.0, 60.0)}, r"^x.path: must lead to weights of both signs"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(make, options, message):
    with pytest.raises(InputError, match=message):
        make().check("x", network(**({"weights": np.ones((2, 2))} | options)))


def test_a_spread_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"additive: must be one number, or one per synapse: the shape \(2, 3\)"):
        network(weights=np.ones((2, 3)), additive=np.ones((3, 2)))


def test_both_are_of_the_stage_that_ages():
    assert PhaseChange.stage is ResistiveMemory.stage is hardware.Stage.AGED
