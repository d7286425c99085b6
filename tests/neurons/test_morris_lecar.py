"""Morris-Lecar: rest, Hopf points, intervals in three regimes, the slow start of class 1."""

from __future__ import annotations

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxsnn_noise as jn
from helpers.planar import growth, interval, resting, run
from jaxsnn_noise.neurons import MORRIS_LECAR_REGIMES, MorrisLecar
from jaxsnn_noise.signals import Drive

ML = {"c": 20.0, "g_ca": 4.4, "g_k": 8.0, "g_leak": 2.0, "v1": -1.2, "v2": 18.0, "v3": 2.0, "v4": 30.0, "phi": 0.04}


def morris(x: np.ndarray, current: float, **changes: float) -> list[float]:
    p = ML | changes
    m, n = (0.5 * (1 + np.tanh((x[0] - p[h]) / p[w])) for h, w in (("v1", "v2"), ("v3", "v4")))
    ionic = p["g_ca"] * m * (x[0] - 120) + p["g_k"] * x[1] * (x[0] + 84) + p["g_leak"] * (x[0] + 60)
    return [(current - ionic) / p["c"], p["phi"] * np.cosh((x[0] - p["v3"]) / (2 * p["v4"])) * (n - x[1])]


def open_fraction(v: float, half: float = 2.0, width: float = 30.0) -> float:
    return float(0.5 * (1 + np.tanh((v - half) / width)))


def test_morris_lecar_rests_where_both_equations_stand_still() -> None:
    for name, pattern in MORRIS_LECAR_REGIMES.items():
        neuron = MorrisLecar(1, **pattern.parameters)
        state = neuron.rest()
        moved = neuron.drift(state, Drive(jnp.zeros(1)))
        np.testing.assert_allclose([moved.v[0], moved.n[0]], 0.0, atol=1e-5, err_msg=name)
        p = pattern.parameters
        slave = functools.partial(open_fraction, half=p["v3"], width=p["v4"])
        exact = resting(functools.partial(morris, **p), 0.0, -70.0, -45.0, slave)
        np.testing.assert_allclose([state.v[0], state.n[0]], exact, atol=1e-4)


def test_morris_lecar_has_the_published_hopf_points() -> None:
    """93.86 and 212.02 uA/cm2 by eigenvalues; small deviations of the simulation die below and grow above the first."""
    fixed = functools.partial(resting, morris, low=-60.0, high=40.0, slave=open_fraction)
    stability = lambda i: growth(morris, fixed(i), i)  # noqa: E731
    np.testing.assert_allclose([brentq(stability, 85, 100), brentq(stability, 190, 230)], [93.86, 212.02], atol=0.02)
    currents = np.array([91.0, 97.0])
    points = np.stack([fixed(i) for i in currents], axis=1)
    initial = {"v": jn.laws.Fixed(points[0] + 0.3), "n": jn.laws.Fixed(points[1])}
    trace = run(MorrisLecar(2), currents, dt=0.1, duration=900.0, initial=initial)["t"]
    v = np.asarray(trace.v) - points[0]
    early, late = (np.ptp(v[part], axis=0) for part in (slice(0, 2000), slice(-2000, None)))
    assert late[0] < 0.5 * early[0]
    assert late[1] > 2.0 * early[1]


@pytest.mark.slow
@pytest.mark.parametrize("name", MORRIS_LECAR_REGIMES)
def test_morris_lecar_fires_at_the_intervals_of_its_equations(name: str) -> None:
    """At nearly the largest step, and at 0.05 ms, to 1 % and 0.3 %; to 1.5 % by the homoclinic orbit, where they diverge."""
    pattern = MORRIS_LECAR_REGIMES[name]
    flow = functools.partial(morris, **pattern.parameters)
    start = {"v": jn.laws.Fixed(10.0), "n": jn.laws.Fixed(0.1)}
    exact = interval(flow, pattern.current, [10.0, 0.1], 0.0, 1500.0)
    neuron = MorrisLecar(1, **pattern.parameters)
    assert 0.25 < float(neuron.largest_step()[0]) < 0.29
    for dt, accuracy in ((0.05, 3e-3), (0.25, 0.015 if name == "homoclinic" else 0.01)):
        options = {"statistics": {"m": jn.statistics.IntervalMean()}, "initial": start}
        found = run(neuron, [pattern.current], dt=dt, duration=900.0, warmup=600.0, **options)["m"]
        np.testing.assert_allclose(found, exact, rtol=accuracy)


@pytest.mark.slow
def test_morris_lecar_of_class_1_begins_slowly() -> None:
    """The saddle-node lies at 39.96; just above, intervals grow with the inverse root of the distance."""
    pattern = MORRIS_LECAR_REGIMES["saddle-node on a circle"]
    currents = np.array([39.0, 40.06, 40.36, 42.0])
    count = {"c": jn.statistics.SpikeCount(), "m": jn.statistics.IntervalMean()}
    found = run(MorrisLecar(4, **pattern.parameters), currents, dt=0.25, duration=4000.0, statistics=count)
    assert int(found["c"][0]) <= 1
    gaps = np.asarray(found["m"])[1:]
    assert (np.diff(gaps) < 0).all()
    assert gaps[0] > 1.5 * gaps[1] > 2.0 * gaps[2]
    exact = [
        interval(functools.partial(morris, **pattern.parameters), i, [10.0, 0.1], 0.0, 4000.0) for i in currents[2:]
    ]
    np.testing.assert_allclose(gaps[1:], exact, rtol=0.01)


REFUSED: dict[str, Any] = {
    r"MorrisLecar.e_k: must lie below e_leak \[mV\]": lambda: MorrisLecar(2, e_k=0.0),
    "MorrisLecar.v_rearm: must lie below v_spike": lambda: MorrisLecar(2, v_spike=-20.0),
    "followed in steps of at most 0.278 ms.*dt = 0.5 ms": lambda: run(MorrisLecar(2), 0.0, dt=0.5, duration=5.0),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()
