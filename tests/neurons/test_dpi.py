"""The DPI neuron against a float64 integrator of its equations, its closed interval, and the LIF neuron that it is."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.special import wrightomega

import jaxsnn_noise as jn
from helpers.planar import run
from helpers.statistical import assert_mean, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise.engine.observed import units_of
from jaxsnn_noise.neurons import DPI, LIF
from jaxsnn_noise.neurons.dpi import wright_omega

CELL = {"i_tau": 0.0055, "i_th": 0.022, "i_spike": 1.0, "i_reset": 0.01}
TAU = float(theory.dpi_time_constant(3.0, 0.0055, kappa=0.705, temperature=300.0))
FEEDBACK = {"i_feedback": 0.01, "i_feedback_at": 0.5, "i_feedback_width": 0.1}
STEPS = np.repeat([0.1, 0.26, 0.02, 0.2], 200)  # nA, 20 ms each, in steps of 0.1 ms
CURRENTS = np.array([0.27, 0.5, 1.0, 3.0])
EXACT = theory.dpi_interval(CURRENTS, tau_mem=TAU, **CELL)


def equations(t: float, x: np.ndarray, course: np.ndarray, adapts: bool, feeds: bool) -> list[float]:
    """Of the current and the adaptation [nA/ms], written out anew."""
    i, ahp = max(x[0], 1e-12), x[1] if adapts else 0.0
    given = course[min(int(t / 0.1 + 1e-9), len(course) - 1)]
    above = 1.0 / (1.0 + np.exp(-(i - 0.5) / 0.1)) if feeds else 0.0
    positive = 0.01 * above / CELL["i_tau"] * (i + CELL["i_th"])
    steady = CELL["i_th"] / CELL["i_tau"] * (given - ahp - CELL["i_tau"])
    return [i / (TAU * (i + CELL["i_th"])) * (steady + positive - i * (1 + ahp / CELL["i_tau"])), -x[1] / 50.0]


def solved(adapts: bool = False, feeds: bool = False) -> np.ndarray:
    """[step] the current at the end of steps of 0.1 ms."""
    x, found = np.array([0.0005, 0.002]), []
    for part in range(4):
        times = np.arange(1, 201) * 0.1 + part * 20.0
        at = lambda t, y, part=part: equations(min(t, part * 20.0 + 19.99), y, STEPS, adapts, feeds)  # noqa: E731
        course = solve_ivp(at, (part * 20.0, times[-1]), x, t_eval=times, rtol=1e-9, atol=1e-12)
        found.append(course.y[0])
        x = course.y[:, -1]
    return np.concatenate(found)


def course(dt: float, **options: Any) -> np.ndarray:
    """[step] of the model, for the same input in steps of ``dt``."""
    neuron = DPI(1, **(CELL | {"i_spike": 50.0} | options))
    initial = {"v": jn.laws.Fixed(0.0005)} | ({"ahp": jn.laws.Fixed(0.002)} if "i_ahp" in options else {})
    held = STEPS[:: round(dt / 0.1), None]
    trace = run(neuron, held, dt=dt, duration=80.0, initial=initial, statistics={"t": jn.statistics.Trace(("v",))})
    return np.asarray(trace["t"].v, np.float64)[:, 0]


def test_a_course_is_that_of_the_equations_to_second_order() -> None:
    """In the logarithm, over charging, discharging by e^-4, and both regimes of I/I_th; halving the step divides the error by four."""
    exact = solved()
    assert exact.min() < CELL["i_th"] < exact.max()
    errors = [np.abs(np.log(course(dt) / exact[round(dt / 0.1) - 1 :: round(dt / 0.1)])).max() for dt in (2.0, 1.0)]
    assert errors[1] < 0.01
    assert 3.0 < errors[0] / errors[1] < 6.0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "feedback", "adaptation", "both"])
def test_feedback_and_adaptation_are_those_of_the_equations(kind: str) -> None:
    feeds, adapts = kind in ("feedback", "both"), kind in ("adaptation", "both")
    options: dict[str, Any] = (FEEDBACK if feeds else {}) | ({"i_ahp": 0.01, "tau_ahp": 50.0} if adapts else {})
    exact = solved(adapts, feeds)
    errors = [
        np.abs(np.log(course(dt, **options) / exact[round(dt / 0.1) - 1 :: round(dt / 0.1)])) for dt in (0.4, 0.1)
    ]
    assert errors[1].max() < 1e-3
    assert errors[0].max() > 5 * errors[1].max()
    if kind != "plain":  # the term is there
        assert np.abs(np.log(exact / solved())).max() > 0.05


@pytest.mark.slow
def test_it_fires_at_the_first_step_after_its_interval() -> None:
    for dt in (0.25, 0.1):
        found = run(DPI(4, **CELL), CURRENTS, dt=dt, duration=400.0, statistics={"m": jn.statistics.IntervalMean()})[
            "m"
        ]
        np.testing.assert_allclose(found, np.ceil(EXACT / dt) * dt, rtol=1e-5)


@pytest.mark.slow
def test_below_its_threshold_current_it_is_silent_and_rests_at_the_leak() -> None:
    rheobase = CELL["i_tau"] * (1.0 + CELL["i_spike"] / CELL["i_th"])
    drives = rheobase * np.array([0.99, 1.01])
    count = run(DPI(2, **CELL), drives, dt=0.5, duration=400.0, statistics={"c": jn.statistics.SpikeCount()})["c"]
    assert count[0] == 0 < count[1]
    v = course(0.5, i_spike=50.0)
    assert v[0] > 0.0005
    quiet = run(DPI(1, **CELL), 0.0, dt=1.0, duration=200.0)["t"].v
    np.testing.assert_allclose(quiet[-1], 0.0005)


def test_one_current_makes_time_constant_and_gain() -> None:
    nominal, doubled = DPI(1, **CELL), DPI(1, **(CELL | {"i_tau": 0.011}))
    lif = [one.as_lif() for one in (nominal, doubled)]
    for name in ("tau_mem", "resistance"):
        np.testing.assert_allclose(lif[1][name], 0.5 * lif[0][name], rtol=1e-6)
    np.testing.assert_allclose(lif[0]["tau_mem"], TAU, rtol=1e-5)
    np.testing.assert_allclose(lif[0]["resistance"], 4.0, rtol=1e-6)
    hot = DPI(1, **CELL, temperature=360.0).tau_mem()
    np.testing.assert_allclose(hot, 1.2 * TAU, rtol=1e-5)


@pytest.mark.slow
def test_it_is_the_lif_neuron_within_the_error_that_theory_says() -> None:
    """Far above I_th the intervals of both agree; near it they part as ``theory.dpi_linear_error`` says."""
    count = {"m": jn.statistics.IntervalMean()}
    for scale in (1.0, 0.1, 0.01):  # of I_th and I_tau: the gain stays, I_th/A falls
        cell = CELL | {"i_tau": 0.0055 * scale, "i_th": 0.022 * scale}
        cell["capacitance"] = 3.0 * scale  # and so does the time constant
        neuron = DPI(2, **cell)
        drives = np.array([0.4, 0.8])
        ours = run(neuron, drives, dt=0.02, duration=300.0, statistics=count)["m"]
        linear = run(LIF(2, **neuron.as_lif()), drives, dt=0.02, duration=300.0, statistics=count)["m"]
        given = {name: cell[name] for name in CELL}
        wanted = theory.dpi_linear_error(drives, **given)
        np.testing.assert_allclose(np.asarray(ours) / np.asarray(linear) - 1, wanted, atol=3e-3)
    assert (wanted < 2e-3).all()


@pytest.mark.slow
def test_membrane_noise_is_a_current_and_never_below_the_leak() -> None:
    """Far from both ends, ``I`` is a linear membrane: stationary variance sigma^2 tau/2."""
    cells = DPI(400, i_tau=5.5e-5, i_th=2.2e-4, capacitance=0.03, i_spike=100.0)
    noise = {"x": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    initial = {"v": jn.laws.Fixed(8.0)}
    found = run(
        cells, 2.0, dt=0.25, duration=1500.0, warmup=200.0, noise=noise, initial=initial,
        statistics={"m": jn.statistics.VoltageMoments()},
    )["m"]  # fmt: skip
    tau = float(cells.tau_mem()[0])
    within = theory.membrane_variance(0.1, tau_mem=tau) - theory.time_average_variance(0.1, 1500.0, tau_mem=tau)

    def check(factor: float) -> None:
        assert_mean(factor**2 * np.asarray(found.variance), within)

    check(1.0)
    negative_control(check)
    low = run(DPI(50, **CELL), 0.0, dt=0.5, duration=50.0, noise={"x": jn.noise.VoltageNoise(jn.noise.Diffusion(1.0))})[
        "t"
    ]
    assert np.asarray(low.v).min() >= 0.0005 * (1 - 1e-6)
    assert np.isfinite(np.asarray(low.v)).all()


@pytest.mark.slow
def test_the_omega_function_is_that_of_scipy() -> None:
    x = np.concatenate([np.linspace(-20, 20, 4001), np.logspace(1, 6, 200)]).astype(np.float32)
    np.testing.assert_allclose(wright_omega(jnp.asarray(x)), np.real(wrightomega(x.astype(np.float64))), rtol=2e-6)


def test_results_say_their_unit() -> None:
    cells = jn.Population(DPI(2, **CELL))
    statistics = {"t": jn.statistics.Trace(("v", "spikes")), "m": jn.statistics.Mean("v")}
    sim = jn.Simulation(jn.Network({"cells": cells}), duration=2.0, dt=1.0, statistics=statistics)
    found = {name: units_of(sim.network, one, 1.0) for name, one in sim.statistics.items()}
    assert {*found["m"].values(), found["t"]["v"]} == {"nA"}
    assert found["t"]["spikes"] == "1"


def with_conductance() -> Any:
    kinetics = jn.synapses.Conductance(tau_syn=5.0, reversal=0.0)
    feed = jn.synapses.Dense("port", "cells", np.ones((2, 2)), kinetics=kinetics)
    network = jn.Network({"port": jn.Port(2), "cells": jn.Population(DPI(2, **CELL))}, {"feed": feed})
    sim = jn.Simulation(network, {"port": jn.coding.PoissonSpikes(10.0)}, duration=2.0, dt=1.0)
    return jn.simulate(sim, key=0)


REFUSED: dict[str, Any] = {
    r"DPI.temperature: must lie in \[150, 600\]: absolute temperature": lambda: DPI(2, temperature=27.0),
    r"DPI.i_reset: must lie below i_spike \[nA\]": lambda: DPI(2, i_spike=1.0, i_reset=1.0),
    r"DPI.i_leak: must lie at or below i_reset \[nA\]": lambda: DPI(2, i_spike=1.0, i_reset=1e-4),
    r"DPI.i_leak: must be finite and > 0 \[nA\]": lambda: DPI(2, i_leak=0.0, i_reset=0.01),
    r"DPI.tau_ahp: must be given with i_ahp": lambda: DPI(2, i_ahp=0.1),
    r"DPI.i_feedback_width: must be given with i_feedback": lambda: DPI(2, i_feedback=0.1, i_feedback_at=0.5),
    r"is followed in steps of at most .* ms; take a smaller one; got 'dt = 5 ms'": lambda: run(
        DPI(2, **CELL, i_feedback=0.5, i_feedback_at=0.5, i_feedback_width=0.05), 0.0, dt=5.0, duration=10.0
    ),
    r"DPI: takes currents alone": with_conductance,
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(jn.InputError, match=rule):
        REFUSED[rule]()
