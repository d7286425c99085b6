"""The polynomial neuron: LIF where the polynomial is 0, its step against double precision, its noise, and what keeps it stable."""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from test_golden import GOLDEN, fingerprint

import jaxsnn_noise as jn
from helpers import golden_nets
from helpers.pace import slow_but
from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import random, theory
from jaxsnn_noise.neurons import LIF, Polynomial, PolynomialLIF
from jaxsnn_noise.signals import Drive

FIELDS = ("tau_mem", "v_threshold", "v_reset", "v_rest", "resistance", "refractory", "reset")


def bent(part, polynomial=None):
    """The same with every LIF neuron a polynomial one."""

    def other(node):
        if type(node) is not LIF:
            return node
        given = {} if polynomial is None else {"polynomial": polynomial}
        return PolynomialLIF(node.size, **{name: getattr(node, name) for name in FIELDS}, **given)

    return jax.tree.map(other, part, is_leaf=lambda node: type(node) is LIF)


@pytest.mark.parametrize("name", slow_but(sorted(GOLDEN), ["voltage_diffusion_coloured_shared", "delays"]))
def test_at_zero_every_spike_is_that_of_lif_on_the_golden_simulations(name):
    case = golden_nets.CASES[name]()
    assert fingerprint(golden_nets.rasters(case._replace(sim=bent(case.sim)))) == GOLDEN[name]


@pytest.mark.parametrize("dt", [0.1, 1.0])
def test_at_zero_voltages_are_those_of_lif(dt):
    neuron = LIF(7, tau_mem=np.linspace(5.0, 40.0, 7), v_rest=-65.0, v_threshold=-50.0, refractory=2.0)
    drive = Drive(jnp.linspace(-3.0, 12.0, 7), jnp.linspace(0.0, 0.3, 7))
    states = [eqx.tree_at(lambda s: s.v, one.rest(), jnp.linspace(-80.0, -51.0, 7)) for one in (neuron, bent(neuron))]
    tick = random.tick(random.root(0), 0)
    a, b = (
        np.asarray(eqx.filter_jit(one.integrate)(s, drive, tick, dt).v)
        for one, s in zip((neuron, bent(neuron)), states, strict=True)
    )
    np.testing.assert_array_max_ulp(a, b, maxulp=2)


@pytest.mark.parametrize("per", ["layer", "neuron"])
def test_a_step_is_the_exact_flow_with_the_polynomial_held(per):
    c = np.array([0.3, -0.2, 0.1]) if per == "layer" else np.array([[0.3, 0.1], [-0.2, 0.2], [0.1, -0.4]])
    neuron = PolynomialLIF(
        2, tau_mem=12.0, v_rest=-65.0, v_threshold=-50.0, resistance=3.0, polynomial=Polynomial(c, bound=None)
    )
    v, currents, dt, state = np.array([-60.0, -30.0]), np.array([1.0, 4.0]), 0.25, neuron.rest()
    state = eqx.tree_at(lambda s: s.v, state, jnp.asarray(v, jnp.float32))
    for _ in range(40):
        state = neuron.integrate(state, Drive(jnp.asarray(currents, jnp.float32)), random.tick(random.root(0), 0), dt)
        x = np.clip((v + 65.0) / 15.0, -1.0, 1.0)
        towards = -65.0 + 3.0 * currents + 15.0 * sum(c[k] * x ** (k + 1) for k in range(3))
        v = towards + (v - towards) * np.exp(-dt / 12.0)
    np.testing.assert_allclose(state.v, v, rtol=2e-6)


def test_its_slope_is_that_of_its_value():
    for c in ([0.5], [0.1, -0.3, 0.05], [2.0, 3.0, -1.0, 0.5]):
        for bound in (0.9, None):
            curve = Polynomial(c, bound=bound)
            x = jnp.asarray(np.linspace(-3.0, 3.0, 62), jnp.float32)
            np.testing.assert_allclose(curve.slope(x), jax.vmap(jax.grad(curve))(x), rtol=1e-4, atol=1e-4)


def spread(c, m, sigma, dt, size=2000):
    """Mean variance of the potential under a drive, below threshold, of each neuron; and the variance of one step's noise."""
    neuron = PolynomialLIF(size, tau_mem=20.0, v_threshold=1.0, polynomial=Polynomial(c, bound=None))
    network = jn.Network({"c": jn.Population(neuron, noise={"m": jn.noise.VoltageNoise(jn.noise.Diffusion(sigma))})})
    sim = jn.Simulation(
        network,
        {"c": jn.coding.Constant(m)},
        duration=400.0,
        dt=dt,
        warmup=300.0,
        statistics={"v": jn.statistics.VoltageMoments()},
    )
    found = jn.simulate(sim, key=3)["v"]
    beta = np.exp(-dt / 20.0)
    return np.asarray(found.mean), np.asarray(found.variance), sigma**2 * 10.0 * (1 - beta**2), beta


@pytest.mark.parametrize(
    ("c", "dt"), slow_but([((0.6,), 1.0), ((0.1, 0.5, -0.3), 0.25), ((-0.8,), 1.0)], [((0.6,), 1.0)])
)
def test_small_noise_gathers_what_the_slope_of_a_step_says(c, dt):
    mean, variance, step, beta = spread(c, 0.35, 0.004, dt)
    x, slope = (float(part) for part in theory.polynomial_fixed_point(0.35, coefficients=c))
    assert mean.mean() == pytest.approx(x, abs=1e-3)
    # of a record of 400 ms: less the variance of its mean, by the time constant of the fixed point
    expected = step * theory.map_noise_gain(beta + (1 - beta) * slope)
    tau = -dt / np.log(beta + (1 - beta) * slope)
    expected *= 1.0 - 2.0 * tau / 400.0 * (1.0 - tau / 400.0)
    check = lambda factor: assert_mean(variance, factor * expected)  # noqa: E731
    check(1.0)
    negative_control(check)


def test_whatever_is_learned_a_step_contracts_and_nothing_runs_away():
    numbers = np.random.default_rng(0)
    for degree in (1, 2, 3, 5):
        curve = Polynomial(numbers.normal(0.0, 30.0, (degree, 6)))
        neuron = PolynomialLIF(6, polynomial=curve)
        v = jnp.asarray(np.tile(np.linspace(-5.0, 5.0, 400)[:, None], 6), jnp.float32)
        assert np.abs(jax.vmap(curve.slope)(v)).max() <= 0.9 + 1e-6
        for dt in (0.1, 5.0, 1000.0):
            assert np.abs(jax.vmap(neuron.map_slope, (0, None))(v, dt)).max() < 1.0
        state = eqx.tree_at(lambda s: s.v, neuron.rest(), jnp.full(6, 1e6))
        for _ in range(20):
            state = neuron.integrate(state, Drive(jnp.full(6, -1.0)), random.tick(random.root(0), 0), 20.0)
        assert np.abs(state.v).max() < 10.0


@pytest.mark.parametrize("start", [0.0, 4.0])
def test_coefficients_have_a_gradient_at_zero_and_at_the_bound(start):
    def potential(c):
        neuron = PolynomialLIF(3, polynomial=Polynomial(c))
        state = eqx.tree_at(lambda s: s.v, neuron.rest(), jnp.array([0.2, 0.5, -0.4]))
        return neuron.integrate(state, Drive(jnp.full(3, 0.5)), random.tick(random.root(0), 0), 1.0).v.sum()

    slope = jax.grad(potential)(jnp.array([start, 0.1 * start]))
    assert np.isfinite(slope).all()
    assert np.abs(slope).min() > 1e-6


def test_training_moves_it():
    cells = jn.Population(PolynomialLIF(4, refractory=None))
    sim = jn.Simulation(
        jn.Network({"c": cells}),
        {"c": jn.coding.Constant(0.9)},
        duration=20.0,
        dt=1.0,
        statistics={"v": jn.statistics.Mean("v")},
    )
    path = "network.c.neuron.polynomial.coefficients"
    slope = jax.grad(lambda c: jn.simulate(jn.paths.replace(sim, {path: c}), key=0)["v"].sum())(jn.paths.get(sim, path))
    assert slope.shape == (3,)
    assert (slope > 0).all()  # below threshold any power of x lifts the membrane


UNSTABLE = Polynomial([[0.1, 0.2], [0.1, 0.9]], bound=None)
REFUSED = {
    r"Polynomial\.coefficients: must be of degree >= 1": lambda: Polynomial(np.zeros((0,))),
    r"Polynomial\.coefficients: must be \[degree\] or \[degree, neuron\]": lambda: Polynomial(0.3),
    r"Polynomial\.reach: must be finite and > 0": lambda: Polynomial([0.1], reach=0.0),
    r"Polynomial\.bound: must lie between 0 and 1": lambda: Polynomial([0.1], bound=1.0),
    r"Polynomial\.zero: degree": lambda: Polynomial.zero(0),
    r"PolynomialLIF\.polynomial\.coefficients: must be \[degree\] or \[degree, 3\]": lambda: PolynomialLIF(3, polynomial=Polynomial.zero(2, size=4)),
    r"PolynomialLIF\.v_threshold: must lie above v_rest": lambda: PolynomialLIF(2, v_rest=2.0, v_reset=0.0),
    r"polynomial: is unstable.*give it a bound; got '?.*in neuron 1": lambda: jn.simulate(
        jn.Simulation(
            jn.Network({"c": jn.Population(PolynomialLIF(2, polynomial=UNSTABLE))}), {"c": jn.coding.Constant(0.5)}, duration=10.0, dt=1.0,
            statistics={"rate": jn.statistics.Rate()},
        ),
        key=0,
    ),
    r"map_slope: must lie between -1 and 1": lambda: theory.map_noise_gain(1.0),
    r"coefficients: must keep the slope of P below 1": lambda: theory.polynomial_fixed_point(0.1, coefficients=[1.2]),
}  # fmt: skip


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule):
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()


def test_the_fixed_point_is_one():
    for c, m in (([0.3, -0.2], 0.4), ([0.5], -3.0), ([0.1, 0.1, -0.5], 1.5)):
        x, slope = theory.polynomial_fixed_point(m, coefficients=c)
        inside = np.clip(x, -1.0, 1.0)
        assert x == pytest.approx(m + sum(k * inside ** (n + 1) for n, k in enumerate(c)), abs=1e-12)
        assert slope == pytest.approx(0.0 if abs(x) > 1 else sum((n + 1) * k * x**n for n, k in enumerate(c)))
