"""Quantal release: binomial laws given the spike times, steady states, CV, exact sums; what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import jaxsnn_noise as jn
from helpers.statistical import Deviation, assert_mean, assert_proportion, assert_variance, negative_control
from jaxsnn_noise import noise, random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.counting import binomial
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses import Quantal
from jaxsnn_noise.synapses.quantal import MOST_SITES

SLOW = pytest.mark.slow
TARGETS = 4000
DEPRESSING = {"use": 0.5, "tau_rec": 800.0, "tau_fac": 0.0}
FACILITATING = {"use": 0.05, "tau_rec": 100.0, "tau_fac": 1000.0}


def quanta(times, dt, sites, parameters, targets=TARGETS):
    """Quanta [spike, target] of one source that fires at these times [ms]: every target is a synapse of its own."""
    projection = Quantal("a", "b", np.ones((targets, 1)), sites=sites, **parameters)
    prepared, key = projection.prepared(), random.stream(random.root(2), "projections.test")
    fired = np.round(np.asarray(times) / dt).astype(int)
    train = np.zeros((fired[-1] + 1 + (fired[-1] + 1) % 2, 1), np.float32)
    train[fired] = 1.0

    def block(state, part):
        number, released, arrived = part[0], part[1], []
        for lane in (0, 1):
            tick = random.Tick(key, number, lane)
            a, state = projection.transmit(prepared, state, released[lane], Seen(None, jnp.zeros(targets)), tick, dt)
            arrived.append(a)
        return state, jnp.stack(arrived)

    def run(train):
        blocks = train.reshape(-1, 2, 1)
        return jax.lax.scan(
            block, projection.init(prepared, key, dt), (jnp.arange(len(blocks), dtype=jnp.uint32), blocks)
        )[1]

    arrived = np.asarray(jax.jit(run)(jnp.asarray(train)), np.float64).reshape(len(train), targets)
    assert not arrived[train[:, 0] == 0].any()
    return arrived[fired]


def recursion(times, use, tau_rec, tau_fac):
    """Use and full share at each spike, in double precision: given the times, sites are independent and this is exact."""
    u, x, found, before = 0.0, 1.0, [], None
    for t in times:
        if before is not None:
            h = t - before
            x = 1 - (1 - x) * np.exp(-h / tau_rec)
            u = u * (1 - use) * (np.exp(-h / tau_fac) if tau_fac else 0.0)
        else:
            u = 0.0
        u, before = use + u, t
        found.append((u, x))
        x = x * (1 - u)
    return np.array(found).T


IRREGULAR = np.array([5.0, 12.0, 15.0, 60.0, 62.0, 180.0, 183.0, 186.0])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dt", "parameters"),
    [(1.0, FACILITATING), pytest.param(0.25, DEPRESSING, marks=SLOW), pytest.param(0.1, FACILITATING, marks=SLOW)],
)
def test_quanta_of_each_spike_are_binomial_with_the_probability_of_the_recursion(dt, parameters):
    sites = 4
    k = quanta(IRREGULAR, dt, sites, parameters)
    u, x = recursion(IRREGULAR, **parameters)
    assert_mean(k.T, sites * u * x)
    negative_control(lambda a: assert_mean(a * k.T, sites * u * x))
    mean, variance = theory.quantal_release_moments(u, x, sites=sites)
    np.testing.assert_allclose(mean, sites * u * x)
    assert_variance(k.T, variance, kurtosis=None)
    for spike in (0, 2, 7):
        for n in range(sites + 1):
            wanted = stats.binom.pmf(n, sites, u[spike] * x[spike])
            assert_proportion(int((k[spike] == n).sum()), TARGETS, wanted)
    # a site that has released may release again only if it has refilled in between
    h = np.diff(IRREGULAR)
    refilled = -np.expm1(-h / parameters["tau_rec"])
    p = u * x
    covariance = sites * (p[:-1] * refilled * u[1:] - p[:-1] * p[1:])
    products = (k[:-1] - sites * p[:-1, None]) * (k[1:] - sites * p[1:, None])
    assert_mean(products.T, covariance)


RATES = [(10.0, DEPRESSING), (20.0, FACILITATING)]
MORE = [
    (5.0, DEPRESSING),
    (20.0, DEPRESSING),
    (50.0, DEPRESSING),
    (5.0, FACILITATING),
    (10.0, FACILITATING),
    (50.0, FACILITATING),
]


@pytest.mark.slow
@pytest.mark.parametrize(("rate", "parameters"), [*RATES, *(pytest.param(*case, marks=SLOW) for case in MORE)])
def test_a_regular_train_comes_to_the_steady_state_and_its_cv(rate, parameters):
    sites, spikes = 5, int(6 * max(parameters["tau_rec"], parameters["tau_fac"]) * rate / 1000) + 5
    k = quanta(1000 / rate * np.arange(1, spikes + 1), 1.0, sites, parameters, 3000)
    u, x = theory.release_steady_state(rate, **parameters)
    last = k[-1]
    assert_mean(last, sites * u * x)
    cv = theory.quantal_release_cv(u, x, sites=sites)
    assert_variance(last, (cv * sites * u * x) ** 2, kurtosis=None)
    negative_control(lambda a: assert_variance(a * last, (cv * sites * u * x) ** 2, kurtosis=None))
    first = k[0]
    assert_mean(first, sites * parameters["use"])
    assert_variance(
        first,
        (theory.quantal_release_cv(parameters["use"], sites=sites) * sites * parameters["use"]) ** 2,
        kurtosis=None,
    )


def network(sources=200, targets=20, rate=20.0, noisy=None, **options):
    weights = np.random.default_rng(0).uniform(0.3, 0.6, (targets, sources))
    feed = Quantal("port", "cells", weights, sites=4, noise=noisy, **({"use": 0.5, "tau_rec": 100.0} | options))
    parts = {"port": jn.Port(sources), "cells": jn.Population(jn.neurons.LIF(targets, tau_mem=5.0))}
    return jn.Simulation(
        jn.Network(parts, {"feed": feed}),
        {"port": jn.coding.PoissonSpikes(rate)},
        duration=60.0,
        dt=0.5,
        statistics={"x": jn.statistics.Trace(("current", "spikes"))},
    )


@SLOW
def test_poisson_trains_find_the_resources_of_theory():
    sim = jn.paths.replace(network(sources=400, targets=1), {"network.feed.weights": np.full((1, 400), 1.0)})
    sim = jn.Simulation(
        sim.network, sim.inputs, duration=6000.0, warmup=600.0, dt=0.5, statistics={"i": jn.statistics.Mean("current")}
    )
    current = np.array([float(np.squeeze(jn.simulate(sim, key=key)["i"])) for key in range(8)])
    per_spike = current / (400 * 20.0 * 0.5 / 1000)
    x = theory.poisson_depression(20.0, use=0.5, tau_rec=100.0)
    assert_mean(per_spike, 4 * 0.5 * x)
    with pytest.raises(Deviation):
        assert_mean(1.2 * per_spike, 4 * 0.5 * x)


@SLOW
def test_a_run_has_the_same_bits_alone_in_a_batch_and_by_components():
    sim = network()
    one, whole = (jn.simulate(sim, key=0, backend=jn.Scan(schedule=s)) for s in (jn.ByStep(), jn.ByComponent()))
    many = jn.monte_carlo(sim, [jn.Trials(3)], key=0, progress=False, chunk=3)
    alone = jn.simulate(sim, key=0, address={"trial": 1})
    assert np.asarray(one["x"]["spikes"]).sum() > 0
    np.testing.assert_array_equal(alone["x"]["current"], many["x_current"].values[1])
    np.testing.assert_array_equal(one["x"]["current"], whole["x"]["current"])


@SLOW
def test_a_release_that_fails_releases_nothing():
    silent = jn.simulate(network(noisy={"fail": noise.BernoulliRelease(1.0)}), key=0)
    assert not np.asarray(silent["x"]["current"]).any()


@pytest.mark.slow
def test_a_graded_release_is_not_a_number():
    graded = jn.simulate(network(noisy={"graded": noise.ReleaseNoise(noise.PerStep(0.1))}), key=0)
    assert graded["health_cells"].nonfinite == 20


quantile = jax.jit(binomial)


@pytest.mark.parametrize("p", [0.02, 0.4, 0.77, 1.0])
@pytest.mark.parametrize("n", [0, 1, 7, MOST_SITES])
def test_the_quantile_is_that_of_scipy(n, p):
    u = np.linspace(1e-4, 1 - 1e-4, 2001).astype(np.float32)
    got = np.asarray(quantile(u, np.full(u.shape, n, np.float32), np.full(u.shape, p, np.float32)))
    wanted = stats.binom.ppf(u.astype(np.float64), n, float(np.float32(p)))
    if p > 0.5:  # of the other outcome: the same law, read from the other end
        wanted = n - stats.binom.ppf(1 - u.astype(np.float64), n, 1 - float(np.float32(p)))
    edge = np.abs(stats.binom.cdf(wanted, n, p) - u) < 1e-5
    edge |= np.abs(stats.binom.cdf(wanted - 1, n, p) - u) < 1e-5
    np.testing.assert_array_equal(got[~edge], wanted[~edge])
    assert edge.mean() < 0.1 or p == 1.0 or n == 0


@pytest.mark.slow
def test_gradients_are_those_of_the_mean():
    """With respect to the use: of many synapses the mean, against a difference of the recursion."""
    times = [2.0, 7.0, 30.0]

    def mean(use):
        projection = Quantal("a", "b", jnp.ones((8000, 1)), sites=3, use=use, tau_rec=50.0, tau_fac=20.0)
        state, total = projection.init(projection.prepared(), random.root(0), 1.0), 0.0
        for t in range(31):
            spike, tick = jnp.full(1, float(t in times)), random.tick(random.root(1), t)
            arrived, state = projection.transmit(
                projection.prepared(), state, spike, Seen(None, jnp.zeros(8000)), tick, 1.0
            )
            total = total + arrived.mean()
        return total

    def exact(use):
        u, x = recursion(times, use, 50.0, 20.0)
        return 3 * np.sum(u * x)

    slope = float(jax.jit(jax.grad(mean))(jnp.float32(0.4)))
    assert slope == pytest.approx((exact(0.401) - exact(0.399)) / 0.002, rel=0.05)


def quantal(**options):
    return lambda: Quantal("a", "b", np.ones((2, 3)), **({"sites": 3, "use": 0.5, "tau_rec": 100.0} | options))


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (quantal(use=0.0), r"Quantal.use: must lie in \(0, 1\]"),
        (quantal(use=1.1), r"Quantal.use: must lie in \(0, 1\]"),
        (quantal(sites=0), r"Quantal.sites: must be a whole number >= 1"),
        (quantal(sites=65), r"Quantal.sites: must be at most 64"),
        (quantal(tau_rec=0.0), r"Quantal.tau_rec: must be finite and > 0 \[ms\]"),
        (quantal(tau_fac=-1.0), r"Quantal.tau_fac: must be finite and >= 0 \[ms\]"),
    ],
)
def test_parameters_out_of_range_are_refused(make, told):
    with pytest.raises(InputError, match=told):
        make()


def test_a_source_that_gives_counts_is_refused():
    sim = network()
    counts = np.zeros((120, 200))
    with pytest.raises(InputError, match=r"Quantal.source: must give spikes, 0 or 1 in a step, and no counts"):
        jn.simulate(
            jn.Simulation(sim.network, {"port": jn.coding.SpikeTrain(counts, largest=3)}, duration=60.0, dt=0.5), key=0
        )
