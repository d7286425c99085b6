"""The squid axon without noise: its course against double precision, rates against currents, spikes, and what is refused."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers import squid_axon
from jaxsnn_noise import laws, random
from jaxsnn_noise.neurons import EulerMaruyama, ExponentialEuler, Heun, HodgkinHuxley, channels
from jaxsnn_noise.neurons.channels.rates import linear_exponential, rates
from jaxsnn_noise.signals import Drive

DENSITIES = np.array([6.25, 6.3, 7.0, 10.0, 20.0])
RATES_HZ = np.array([0.0, 52.3, 58.3, 68.3, 86.4])
"""Firing rates from rest by Runge and Kutta in steps of 0.01 ms; at 6.25 uA/cm2 it comes to rest."""


def rates_hz(dt: float, duration: float, **options: Any) -> np.ndarray:
    """Rates by the mean interval; 0 of what comes to rest."""
    axon = HodgkinHuxley(len(DENSITIES), area=np.linspace(10.0, 2000.0, len(DENSITIES)))
    cells = jn.Population(axon, **options)
    inputs = {"cells": jn.coding.Constant(axon.current(DENSITIES))}
    sim = jn.Simulation(jn.Network({"cells": cells}), inputs, duration=duration, dt=dt, warmup=500.0)
    found = jn.simulate(sim, key=0, statistics={"mean": jn.statistics.IntervalMean()})["mean"]
    return np.nan_to_num(1000.0 / np.asarray(found, np.float64))


def test_rates_from_rest_are_those_of_the_paper_to_one_per_cent() -> None:
    np.testing.assert_allclose(rates_hz(0.05, 1000.0), RATES_HZ, rtol=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.01, 0.025])
def test_rates_from_rest_in_smaller_steps(dt: float) -> None:
    np.testing.assert_allclose(rates_hz(dt, 3000.0), RATES_HZ, rtol=0.002)


@pytest.mark.slow
@pytest.mark.parametrize("stepper", [Heun(), EulerMaruyama(), ExponentialEuler()], ids=["heun", "euler", "exponential"])
def test_steppers_move_it_too(stepper: Any) -> None:
    """From 7 uA/cm2 on, since first-order errors move the onset of firing."""
    np.testing.assert_allclose(rates_hz(0.01, 1500.0, stepper=stepper)[2:], RATES_HZ[2:], rtol=0.01)


def ours(densities: np.ndarray, conductances: np.ndarray, dt: float) -> np.ndarray:
    axon = HodgkinHuxley(2, area=500.0)
    to_na = 500.0 * 1e-5

    def step(state: Any, seen: Any) -> Any:
        number, current, conductance = seen
        drive = Drive(jnp.full(2, current), jnp.full(2, conductance))
        state = axon.integrate(state, drive, random.Tick(random.root(0), number, 0), dt)
        return state, state.v[0]

    numbers = jnp.arange(len(densities), dtype=jnp.uint32)
    seen = (numbers, jnp.asarray(densities * to_na, jnp.float32), jnp.asarray(conductances * to_na, jnp.float32))
    return np.asarray(jax.jit(lambda seen: jax.lax.scan(step, axon.rest(), seen)[1])(seen), np.float64)


@pytest.mark.slow
def test_its_course_is_that_of_double_precision_and_of_second_order() -> None:
    """Two spikes under a current that is stepped, and a shunting conductance in between."""
    fine = 0.0125
    times = np.arange(40 * 80) / 80
    densities, conductances = np.where(times < 25.0, 12.0, -5.0), np.where((times >= 15.0) & (times < 20.0), 0.3, 0.0)
    exact = squid_axon.course(densities, conductances, fine)
    errors = []
    for every in (4, 2, 1):
        found = ours(densities[::every], conductances[::every], every * fine)
        errors.append(np.sqrt(np.mean((found - exact[every - 1 :: every]) ** 2)))
    assert exact.max() > 90.0
    assert errors[2] < 0.1
    assert errors[0] / errors[1] == pytest.approx(4.0, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.3)


def test_rates_are_whole_at_their_removable_singularities() -> None:
    v = jnp.array([25.0, 10.0, 24.999, 25.01, -90.0, 130.0, 3000.0, -3000.0])
    expected = jn.theory.gate_rates(np.asarray(v[:6]))
    found = np.moveaxis(np.asarray(rates(v)), -1, 0)
    np.testing.assert_allclose(found[:6], expected, rtol=2e-6)
    assert np.isfinite(found).all()
    slope = jax.vmap(jax.grad(linear_exponential))(jnp.array([0.0, 1e-4, 2e-3, -0.5, 100.0]))
    assert float(slope[0]) == -0.5
    assert np.isfinite(slope).all()


def test_a_spike_is_an_upward_crossing_and_nothing_is_reset() -> None:
    axon = HodgkinHuxley(1)
    sim = jn.Simulation(
        jn.Network({"cells": jn.Population(axon)}),
        {"cells": jn.coding.Constant(axon.current(10.0))},
        duration=60.0,
        dt=0.05,
    )
    found = jn.simulate(sim, key=0, statistics={"course": jn.statistics.Trace(("v", "spikes", "state.armed"))})[
        "course"
    ]
    v, spikes = np.asarray(found.v)[:, 0], np.asarray(found.spikes)[:, 0]
    crossings = np.flatnonzero((v[1:] >= 50.0) & (v[:-1] < 50.0)) + 1
    assert len(crossings) == 4
    np.testing.assert_array_equal(np.flatnonzero(spikes), crossings)
    assert np.abs(np.diff(v)).max() < 15.0  # no jump
    armed = np.asarray(found["state.armed"])[:, 0]
    assert not armed[(v > 51.0)][1:].all()


def test_between_the_hopf_points_the_rest_is_left_and_outside_it_is_kept() -> None:
    """A deviation of 0.3 mV from the resting state, which theory finds by itself, grows or shrinks as its eigenvalues say."""
    densities = np.array([9.0, 12.0, 150.0, 160.0])
    axon = HodgkinHuxley(4)
    rest = jn.theory.hodgkin_huxley_rest(densities)
    m, h, n = (laws.Fixed(x) for x in squid_axon.steady(rest).T)
    initial = {"v": laws.Fixed(rest + 0.3), "channels.m": m, "channels.h": h, "channels.n": n}
    cells = jn.Population(axon, initial=initial)
    inputs = {"cells": jn.coding.Constant(axon.current(densities))}
    sim = jn.Simulation(jn.Network({"cells": cells}), inputs, duration=150.0, dt=0.05)
    v = np.asarray(jn.simulate(sim, key=0, statistics={"v": jn.statistics.Trace(("v",))})["v"].v, np.float64)
    late = np.abs(v[-600:] - rest).max(axis=0) / np.abs(v[:600] - rest).max(axis=0)
    assert (late > 1.0).tolist() == (jn.theory.hodgkin_huxley_growth(densities) > 0).tolist()


def simulation(dt: float = 0.05, initial: Any = None, stepper: Any = None, **options: Any) -> jn.Simulation:
    cells = jn.Population(HodgkinHuxley(2, **options), initial=initial, stepper=stepper)
    return jn.Simulation(jn.Network({"cells": cells}), duration=10.0, dt=dt)


REFUSED = {
    "another sign convention": (lambda: HodgkinHuxley(2, e_na=50.0), r"HodgkinHuxley.e_na: must lie in \[60, 200\]: potentials are counted from rest, where e_na is 115"),
    "a potassium reversal that is absolute": (lambda: HodgkinHuxley(2, e_k=-77.0), r"HodgkinHuxley.e_k: must lie in \[-40, 10\]: potentials are counted from rest"),
    "a leak reversal that is absolute": (lambda: HodgkinHuxley(2, e_leak=-54.4), r"HodgkinHuxley.e_leak: must lie in"),
    "depolarisation counted downwards": (lambda: HodgkinHuxley(2, e_na=-115.0), r"HodgkinHuxley.e_na"),
    "a level that is never left": (lambda: HodgkinHuxley(2, v_rearm=50.0), r"HodgkinHuxley.v_rearm: must lie below v_spike \[mV\]"),
    "less than a channel": (lambda: HodgkinHuxley(2, area=[1.0, 0.05], channels=channels.Markov()), r"HodgkinHuxley.density_k: times area = 0.9 must be at least one channel"),
    "a gate above one": (lambda: simulation(initial={"channels.m": laws.Fixed(1.2)}), r"network.cells.initial.channels.m: must lie in \[0, 1\] \[1\], and so must all that its law may draw"),
    "a gate that may be below zero": (lambda: simulation(initial={"channels.n": laws.GaussianAround(0.3, 0.1)}), r"network.cells.initial.channels.n: must lie in \[0, 1\]"),
    "an unknown gate": (lambda: simulation(initial={"channels.g": laws.Fixed(0.2)}), r"network.cells.initial: unknown name; got 'channels.g'"),
    "a step too large": (lambda: simulation(dt=0.2), r"network.cells.neuron.channels: Deterministic takes steps dt of at most 0.1 ms; got 0.2"),
    "a step too large for a Langevin equation": (lambda: simulation(dt=0.05, channels=channels.TransitionLangevin()), r"TransitionLangevin takes steps dt of at most 0.02 ms; got 0.05"),
    "a step too large for Euler": (lambda: simulation(dt=0.1, stepper=EulerMaruyama()), r"network.cells.stepper: EulerMaruyama follows HodgkinHuxley in steps dt of at most 0.046 ms"),
    "channel noise beside a stepper": (lambda: simulation(dt=0.01, stepper=Heun(), channels=channels.Markov()), r"network.cells.stepper: moves ordinary equations, and the channels have noise of their own"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_go_together_is_refused(case: str) -> None:
    build, message = REFUSED[case]
    with pytest.raises(jn.InputError, match=message):
        build()
