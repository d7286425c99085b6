"""The quadratic and the exponential neuron: rest, spike shape, intervals with and without noise, against double precision."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import lambertw

import jaxsnn_noise as jn
from helpers import one_dimension
from helpers.pace import slow_but
from jaxsnn_noise import noise, random
from jaxsnn_noise.neurons import EIF, QIF
from jaxsnn_noise.signals import Drive

CURRENTS = np.array([4.0, 5.0, 8.0, 20.0])
TICK = random.tick(random.root(0), 0)


def slope(name: str, drive: float) -> one_dimension.Slope:
    """Of the default parameters, written from the papers, with the drive R I [mV]."""
    if name == "QIF":
        return lambda v: ((v + 65.0) * (v + 50.0) / 15.0 + drive) / 10.0
    return lambda v: (-(v + 65.0) + 3.48 * np.exp((v + 59.9) / 3.48) + drive) / 10.0


ENDS = {"QIF": (-80.0, 20.0), "EIF": (-68.0, -30.0)}
DEAD = {"QIF": 0.0, "EIF": 1.7}
MADE: dict[str, Any] = {"QIF": QIF, "EIF": functools.partial(EIF, resistance=1.0, refractory=1.7)}
names = pytest.mark.parametrize("name", ["QIF", "EIF"])


def simulation(
    name: str, drives: Any, *, dt: float, duration: float, sigma: float = 0.0, size: int = 1, **options: Any
) -> Any:
    drives = np.atleast_1d(drives)
    sources = {"m": noise.VoltageNoise(noise.Diffusion(sigma))} if sigma else None
    cells = jn.Population(MADE[name](size * len(drives)), noise=sources, **options)
    signal = jn.coding.Constant(np.repeat(drives, size))
    return jn.Simulation(jn.Network({"cells": cells}), {"cells": signal}, duration=duration, dt=dt, warmup=60.0)


@names
@pytest.mark.parametrize("dt", slow_but([0.05, 0.1, 0.25, 1.0], [0.1]))
def test_intervals_without_noise_are_those_of_the_equation(name: str, dt: float) -> None:
    """To the step in which the spike is seen, and half a step more by Heun's rule, which sees an upstroke late."""
    sim = simulation(name, CURRENTS, dt=dt, duration=1500.0)
    found = np.asarray(jn.simulate(sim, key=0, statistics={"mean": jn.statistics.IntervalMean()})["mean"], float)
    exact = np.array([one_dimension.interval(slope(name, drive), *ENDS[name]) for drive in CURRENTS]) + DEAD[name]
    held = np.round(DEAD[name] / dt + 1e-9) * dt - DEAD[name]
    error = found - exact - held
    late = 0.0 if name == "QIF" else 0.5 * dt
    assert (error > -1e-4 * exact).all(), error
    assert (error < dt + late + 1e-4 * exact).all(), error
    if name == "QIF":
        settings = {"tau_mem": 10.0, "v_rest": -65.0, "v_critical": -50.0, "v_peak": 20.0, "v_reset": -80.0}
        np.testing.assert_allclose(jn.theory.quadratic_interval(CURRENTS, **settings), exact, rtol=1e-8)


def test_the_closed_form_holds_below_the_rheobase_and_at_it() -> None:
    form = functools.partial(
        jn.theory.quadratic_interval, tau_mem=10.0, v_rest=-65.0, v_critical=-50.0, v_peak=20.0, refractory=2.0
    )
    for drive, reset in ((1.0, -45.0), (3.75, -50.0), (3.76, -80.0), (-2.0, -40.0)):
        exact = one_dimension.interval(slope("QIF", drive), reset, 20.0) + 2.0
        np.testing.assert_allclose(form(drive, v_reset=reset), exact, rtol=1e-7)
    np.testing.assert_array_equal(form([3.75, 3.0, 0.0], v_reset=-80.0), np.inf)
    # the rate of class 1: a root of the distance from the rheobase
    far = form(3.75 + np.array([1e-4, 4e-4]), v_reset=-80.0) - 2.0
    np.testing.assert_allclose(far[0] / far[1], 2.0, rtol=0.02)


@pytest.mark.parametrize("drive", [-30.0, 0.0, 3.75, 12.0, 900.0])
@pytest.mark.parametrize("conductance", [0.0, 0.3])
def test_a_step_of_the_quadratic_neuron_is_exact(drive: float, conductance: float) -> None:
    starts = np.array([-90.0, -65.0, -57.0, -49.0, -20.0, 19.0])
    neuron = QIF(len(starts))
    full = jnp.full(len(starts), drive), jnp.full(len(starts), conductance)
    for dt in (0.1, 1.0, 7.0):
        state = neuron.integrate(type(neuron.rest())(jnp.asarray(starts, jnp.float32), None), Drive(*full), TICK, dt)
        flow = lambda t, v: slope("QIF", drive)(v) - conductance * v / 10.0  # noqa: E731
        cut = lambda t, v: v[0] - 20.0  # noqa: E731
        cut.terminal = True  # type: ignore[attr-defined]
        ends = [solve_ivp(flow, (0.0, dt), [v], rtol=1e-9, atol=1e-9, events=cut).y[0, -1] for v in starts]
        np.testing.assert_allclose(state.v, ends, atol=3e-4, rtol=2e-5)


@names
def test_it_rests_where_its_equation_says(name: str) -> None:
    neuron = MADE[name](2)
    rest = np.asarray(neuron.rest().v, float)
    exact = -65.0 if name == "QIF" else -65.0 - 3.48 * float(lambertw(-np.exp(-5.1 / 3.48)).real)
    np.testing.assert_allclose(rest, exact, atol=1e-4)
    moved = neuron.drift(neuron.rest(), Drive(jnp.zeros(2))).v
    np.testing.assert_allclose(moved, 0.0, atol=1e-5)
    # without a resting potential it starts where the leak vanishes
    np.testing.assert_array_equal(EIF(1, v_rest=-60.0).rest().v, [-60.0])


@names
def test_the_spike_rises_to_its_peak_and_no_higher_and_falls_to_the_reset(name: str) -> None:
    sim = simulation(name, [8.0], dt=0.05, duration=100.0)
    trace = jn.simulate(sim, key=0, statistics={"t": jn.statistics.Trace(("v", "spikes"))})["t"]
    v, spikes = np.asarray(trace.v)[:, 0], np.asarray(trace.spikes)[:, 0] > 0
    reset, peak = ENDS[name]
    assert spikes.sum() >= 2
    np.testing.assert_array_equal(v[spikes], np.float32(peak))
    assert (v[~spikes] < peak).all()
    after = v[1:][spikes[:-1]]
    assert (after < reset + 2.0).all()
    assert (after >= reset).all()
    at = np.flatnonzero(spikes)[1]
    rising = v[at - 100 : at]
    assert (np.diff(rising) > 0).all()  # 5 ms of upstroke
    exact = slope(name, 8.0)(0.5 * (rising[1:] + rising[:-1]))
    slow = exact < 8.0
    np.testing.assert_allclose((np.diff(rising) / 0.05)[slow], exact[slow], rtol=0.01)


CASES = [("QIF", 3.0, 2.0), ("QIF", 5.0, 1.0), ("EIF", 2.0, 1.0), ("EIF", 4.0, 0.7)]


@pytest.mark.slow
@pytest.mark.parametrize("stepper", [None, jn.neurons.Heun()], ids=["added", "inside"])
@pytest.mark.parametrize(("name", "drive", "sigma"), slow_but(CASES, [CASES[3]]))
def test_intervals_under_white_noise_are_those_of_fokker_and_planck(
    name: str, drive: float, sigma: float, stepper: Any
) -> None:
    """To 1 % of the mean and .01 of the CV, of which 0.3 % and .003 are chance; noise off by a fifth is seen."""
    dt, size = 0.1, 150 if (name, drive) == ("EIF", 4.0) else 500
    sim = simulation(name, [drive], dt=dt, duration=8000.0, sigma=sigma, size=size, stepper=stepper)
    sums = jn.simulate(sim, key=1, statistics={"all": jn.statistics.IntervalSums()})["all"]
    count, total = (np.asarray(x, float).sum() for x in (sums.count, sums.total))
    squares = float(np.sum(np.asarray(sums.squares, float) + 2.0**32 * np.asarray(sums.squares_high, float)))
    seen, cv_seen = dt * total / count, np.sqrt(squares / count - (total / count) ** 2) / (total / count)
    reset, peak = ENDS[name]
    moments = functools.partial(one_dimension.noisy_interval, slope(name, drive), reset=reset, peak=peak, bottom=-110.0)
    held = np.round(DEAD[name] / dt) * dt + 0.5 * dt

    def holds(factor: float) -> bool:
        mean, cv = moments(factor * sigma)
        return abs(seen / (mean + held) - 1.0) < 0.01 and abs(cv_seen - cv * mean / (mean + held)) < 0.01

    assert count > 20_000
    assert holds(1.0), (seen, cv_seen, moments(sigma))
    assert not holds(0.8)
    assert not holds(1.2)


@names
def test_what_does_not_fit_is_refused(name: str) -> None:
    cls = {"QIF": QIF, "EIF": EIF}[name]
    with pytest.raises(jn.InputError, match=rf"{name}.v_reset: must lie below v_peak \[mV\]"):
        cls(2, v_reset=50.0)
    low = "v_critical" if name == "QIF" else "v_onset"
    with pytest.raises(jn.InputError, match=rf"{name}.{low}: must lie below v_peak \[mV\]"):
        cls(2, v_peak=-60.0, v_reset=-90.0)
    if name == "EIF":
        with pytest.raises(jn.InputError, match=r"EIF.v_rest: must lie below v_onset, on one scale with it"):
            EIF(2, v_rest=0.0)
        with pytest.raises(jn.InputError, match=r"EIF.v_peak: must lie at most 80 slope_factor above v_onset \[mV\]"):
            EIF(2, slope_factor=0.2)
        with pytest.raises(
            jn.InputError, match=r"network.cells.neuron: is followed in steps of at most 1 ms.*dt = 1.5 ms"
        ):
            jn.simulate(simulation("EIF", [4.0], dt=1.5, duration=15.0), key=0)
        halved = jn.paths.replace(
            simulation("EIF", [4.0], dt=1.0, duration=10.0), {"network.cells.neuron.tau_mem": 5.0}
        )
        with pytest.raises(jn.InputError, match=r"at most 0.5 ms.*dt = 1 ms"):
            jn.simulate(halved, key=0)
