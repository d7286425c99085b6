"""FitzHugh-Nagumo: rest, Hopf points, crossings, intervals, noise on the recovery and coherence resonance."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import brentq

import jaxsnn_noise as jn
from helpers.planar import growth, interval, resting, run
from helpers.statistical import assert_mean, assert_variance
from jaxsnn_noise import noise
from jaxsnn_noise.engine.deciding import deciding_source
from jaxsnn_noise.neurons import FitzHughNagumo, Heun
from jaxsnn_noise.signals import Drive


def fitzhugh(x: np.ndarray, current: float, a: float = 0.7, b: float = 0.8, slow: float = 12.5) -> list[float]:
    return [x[0] - x[0] ** 3 / 3 - x[1] + current, (x[0] + a - b * x[1]) / slow]


def test_fitzhugh_nagumo_rests_where_both_equations_stand_still() -> None:
    neuron = FitzHughNagumo(4, a=[0.7, 1.05, -0.9, 0.4], b=[0.8, 0.0, 0.5, 0.99])
    state = neuron.rest()
    moved = neuron.drift(state, Drive(jnp.zeros(4)))
    np.testing.assert_allclose(moved.v, 0.0, atol=1e-6)
    np.testing.assert_allclose(moved.w, 0.0, atol=1e-6)
    np.testing.assert_allclose(state.v[:2], [-1.19941, -1.05], atol=1e-5)


@pytest.mark.slow
def test_fitzhugh_nagumo_oscillates_between_its_hopf_points() -> None:
    """By the eigenvalues of an independent flow at 0.331 and 1.419; the simulation is silent outside and fires inside."""
    slave = lambda v: (v + 0.7) / 0.8  # noqa: E731

    def stability(current: float) -> float:
        return growth(fitzhugh, resting(fitzhugh, current, -3.0, 3.0, slave), current)

    points = brentq(stability, 0.2, 0.6), brentq(stability, 1.2, 1.6)
    np.testing.assert_allclose(points, [0.3313, 1.4187], atol=2e-4)
    currents = np.array([0.25, 0.36, 0.8, 1.39, 1.5])
    found = run(
        FitzHughNagumo(5), currents, dt=0.1, duration=2000.0, statistics={"m": jn.statistics.BinnedCounts(500.0)}
    )
    late = np.asarray(found["m"])[-1]
    assert (late[[0, 4]] == 0).all()
    assert (late[1:4] >= 10).all()


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.02, 0.1])
def test_fitzhugh_nagumo_fires_at_the_intervals_of_its_equations(dt: float) -> None:
    currents = np.array([0.5, 0.8, 1.2])
    found = run(
        FitzHughNagumo(3), currents, dt=dt, duration=800.0, warmup=200.0, statistics={"m": jn.statistics.IntervalMean()}
    )
    exact = [interval(fitzhugh, i, [-1.2, -0.62], 1.0, 600.0) for i in currents]
    np.testing.assert_allclose(found["m"], exact, rtol=0.003 if dt == 0.1 else 5e-4)


def test_a_crossing_is_one_spike_and_needs_the_potential_to_come_down() -> None:
    trace = run(FitzHughNagumo(1), [0.8], dt=0.1, duration=200.0)["t"]
    v, spikes, threshold = (np.asarray(x)[:, 0] for x in (trace.v, trace.spikes, trace.threshold))
    at = np.flatnonzero(spikes)
    crossings = np.flatnonzero((v[1:] >= 1.0) & (v[:-1] < 1.0)) + 1
    np.testing.assert_array_equal(at, crossings)
    assert len(at) >= 4
    for k in at:
        down = k + np.flatnonzero(v[k:] < 0.0)[0] if (v[k:] < 0.0).any() else len(v) - 1
        assert (threshold[k + 1 : down] > 100).all()
    assert v.max() > 1.7  # nothing is cut or reset
    assert np.abs(np.diff(v)).max() < 0.2


PIKOVSKY_KURTHS = {"a": 1.05, "b": 0.0, "tau_mem": 0.01, "tau_w": 1.0, "noise_on_recovery": True}


def recovery_noise(strength: float) -> dict[str, Any]:
    return {"m": noise.VoltageNoise(noise.Diffusion(strength))}


@pytest.mark.slow
@pytest.mark.parametrize("stepper", [None, Heun()], ids=["added", "inside"])
def test_noise_on_the_recovery_kicks_it_and_nothing_else(stepper: Any) -> None:
    """Far from the fold, where the fast variable follows, ``w`` diffuses with ``sigma^2 t`` in the first steps."""
    neuron = FitzHughNagumo(2000, **PIKOVSKY_KURTHS)
    last = {"w": jn.statistics.Last("state.w"), "v": jn.statistics.Last("v")}
    found = run(neuron, 0.0, dt=1e-3, duration=1e-3, statistics=last, noise=recovery_noise(0.3), stepper=stepper)
    w = np.asarray(found["w"], np.float64)
    assert_mean(w, float(neuron.rest().w[0]))
    assert_variance(w, 0.3**2 * 1e-3)
    spread = np.ptp(np.asarray(found["v"]))
    assert spread == 0 if stepper is None else spread < 5e-3


def test_noise_that_does_not_move_the_potential_decides_no_spike() -> None:
    for flag in (False, True):
        neuron = FitzHughNagumo(3, noise_on_recovery=flag)
        cells = jn.Population(neuron, noise=recovery_noise(0.1))
        assert deciding_source(cells) == (None if flag else "m")
    with pytest.raises(jn.InputError, match="noise on the membrane of FitzHughNagumo kicks another variable here"):
        jn.Network(
            {"cells": jn.Population(neuron, noise=recovery_noise(0.1), firing=jn.HardThreshold(gradient=jn.Density()))}
        )


# strength of the noise: CV of 40,000 to 90,000 intervals of a NumPy loop in double precision: Euler and Maruyama, dt 5e-4
COHERENCE = {0.02: 0.490, 0.03: 0.2955, 0.05: 0.205, 0.07: 0.192, 0.08: 0.191, 0.1: 0.197, 0.2: 0.243, 0.5: 0.385}


@pytest.mark.slow
def test_coherence_resonance_of_pikovsky_and_kurths() -> None:
    """The CV of some 15,000 intervals for each strength to 3 %, of which 0.6 % are chance; the minimum lies inside."""
    found = {}
    for strength in COHERENCE:
        neuron, statistics = FitzHughNagumo(250, **PIKOVSKY_KURTHS), {"s": jn.statistics.IntervalSums()}
        options = {"noise": recovery_noise(strength), "stepper": Heun()}
        sums = run(neuron, 0.0, dt=5e-4, duration=250.0, statistics=statistics, **options)["s"]
        count, total = (np.asarray(x, float).sum() for x in (sums.count, sums.total))
        squares = np.sum(np.asarray(sums.squares, float) + 2.0**32 * np.asarray(sums.squares_high, float))
        found[strength] = (np.sqrt(squares / count - (total / count) ** 2) / (total / count), 5e-4 * total / count)
    cv = np.array([found[s][0] for s in COHERENCE])
    np.testing.assert_allclose(cv, list(COHERENCE.values()), rtol=0.03)
    assert 0.06 <= list(COHERENCE)[int(np.argmin(cv))] <= 0.1
    np.testing.assert_allclose(found[0.07][1], 3.98, rtol=0.01)


REFUSED: dict[str, Any] = {
    "FitzHughNagumo.v_rearm: must lie below v_spike": lambda: FitzHughNagumo(2, v_rearm=2.0),
    "FitzHughNagumo.b: must be finite and >= 0": lambda: FitzHughNagumo(2, b=-1.0),
    "FitzHughNagumo.noise_on_recovery": lambda: FitzHughNagumo(2, noise_on_recovery=1),
    "followed in steps of at most 0.1 ms.*dt = 0.5 ms": lambda: run(FitzHughNagumo(2), 0.0, dt=0.5, duration=5.0),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()
