"""Weak inversion and the DPI against integrators, sampled transistors, and numbers of the literature."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from helpers.statistical import assert_variance, negative_control
from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError

CELL = {"i_tau": 0.005, "i_th": 0.02, "i_spike": 1.0, "i_reset": 0.01}


def current(vgs: float, vth, voff, n, *, factor=1.0, temperature: float = 300.0):  # type: ignore[no-untyped-def]
    """The exponential of weak inversion, voltages in mV."""
    return factor * np.exp((vgs - vth - voff) / (n * 8.617333262e-2 * temperature))


@pytest.mark.parametrize("temperature", [253.0, 300.0, 358.0])
def test_the_spread_of_the_current_is_that_of_sampled_transistors(temperature: float) -> None:
    """Small spreads (100 um2), so that first order holds; 20 % off fails."""
    rng, size, area, n = np.random.default_rng(2), 200_000, 100.0, 1.36
    slopes = {"vth": 3.356, "voff": 7.0, "nfactor": 0.1, "gain": 0.005, "tox": 0.0034}
    z = {name: slope / np.sqrt(area) * rng.standard_normal(size) for name, slope in slopes.items()}
    logs = np.log(
        current(
            -100.0, z["vth"], z["voff"], n + 0.16 * z["nfactor"],
            factor=(1 + z["gain"]) / (1 + z["tox"]), temperature=temperature,
        )
    )  # fmt: skip
    spread = theory.current_spread(
        temperature, width=25.0, length=4.0, n=n, n_per_nfactor=0.16, overdrive=-100.0, **slopes
    )

    def check(factor: float) -> None:
        assert_variance(factor * logs, spread**2)

    check(1.0)
    negative_control(check)


def test_spreads_of_voltages_fall_with_temperature_and_the_root_of_the_area() -> None:
    card = {"n": 1.36, "vth": 3.356, "voff": 7.0}
    cold, hot = theory.current_spread([253.0, 358.0], width=1.0, length=1.0, **card)
    np.testing.assert_allclose(cold / hot, 358.0 / 253.0)
    large = theory.current_spread(300.0, width=2.0, length=8.0, **card)
    np.testing.assert_allclose(large, theory.current_spread(300.0, width=1.0, length=1.0, **card) / 4)


def test_the_current_over_temperature_is_the_ratio_of_two_cards() -> None:
    falling, m, n, t0 = 1.03, -1.3, 1.4, 300.0
    for t in (253.0, 301.0, 358.0):
        at = [(x / t0) ** (2 + m) * current(-120.0, -falling * (x - t0), 0.0, n, temperature=x) for x in (t, t0)]
        found = theory.current_over_temperature(t, t0, n=n, overdrive=-120.0, vth_tempco=falling, mobility_exponent=m)
        np.testing.assert_allclose(found, at[0] / at[1], rtol=1e-6)
    threshold = theory.current_over_temperature(
        301.0, 300.0, n=1 / 0.7, overdrive=-1e-9, vth_tempco=1.07, mobility_exponent=-2.0
    )
    np.testing.assert_allclose(threshold - 1, 0.029, atol=5e-4)  # 2.9 % per kelvin from the threshold alone


def test_numbers_of_the_literature() -> None:
    np.testing.assert_allclose(theory.thermal_voltage(300.0), 25.852, atol=1e-3)
    np.testing.assert_allclose(theory.thermal_noise([1.0, 3.0, 25.0], 300.0), [64.4, 37.2, 12.9], atol=0.1)
    leak = 25.0e-3 * 3e-12 / 0.705 / 20e-3 * 1e9  # Rockpool's I_tau of 20 ms [nA], U_T taken as 25 mV
    np.testing.assert_allclose(theory.dpi_time_constant(3.0, leak, kappa=0.705, temperature=290.12), 20.0, rtol=1e-4)
    added = theory.dpi_synapse(8.0, i_th=0.5, i_tau=0.005, tau_syn=10.0, pulse=0.01)
    np.testing.assert_allclose(added, 0.5 * 8.0 / 0.005 * 1e-3, rtol=1e-3)


@pytest.mark.parametrize("drive", [0.3, 0.505, 3.0])
def test_the_interval_is_that_of_an_integrator(drive: float) -> None:
    tau, steady = 20.0, CELL["i_th"] / CELL["i_tau"] * (drive - CELL["i_tau"])
    crossed = lambda t, i: i[0] - CELL["i_spike"]  # noqa: E731
    crossed.terminal = True  # type: ignore[attr-defined]
    flow = lambda t, i: i / (tau * (i + CELL["i_th"])) * (steady - i)  # noqa: E731
    found = solve_ivp(flow, (0, 500), [CELL["i_reset"]], events=crossed, rtol=1e-10, atol=1e-13)
    interval = theory.dpi_interval(drive, tau_mem=tau, refractory=2.0, **CELL)
    np.testing.assert_allclose(interval, 2.0 + found.t_events[0][0], rtol=1e-6)
    linear = tau * np.log((steady - CELL["i_reset"]) / (steady - CELL["i_spike"]))
    np.testing.assert_allclose((interval - 2.0) / linear - 1, theory.dpi_linear_error(drive, **CELL), rtol=1e-9)


def test_below_threshold_it_never_fires_and_the_error_of_the_linear_neuron_falls_with_the_gain_current() -> None:
    assert np.isinf(theory.dpi_interval(0.2, tau_mem=20.0, **CELL))
    assert np.isinf(theory.dpi_linear_error(0.2, **CELL))
    smaller = theory.dpi_linear_error(0.505, **(CELL | {"i_th": [0.02, 0.002], "i_tau": [0.005, 0.0005]}))
    np.testing.assert_allclose(smaller[1] / smaller[0], 0.1, rtol=0.02)


REFUSED = {
    r"temperature: must lie in \[150, 600\]: absolute temperature.*\[K\]; got 27": lambda: theory.thermal_voltage(27.0),
    "n: must be finite and > 1": lambda: theory.current_spread(300.0, width=1, length=1, n=0.7, vth=3.0),
    "width: must be finite and > 0": lambda: theory.current_spread(300.0, width=0, length=1, n=1.3, vth=3.0),
    r"i_spike: must lie above i_reset \[nA\]": lambda: theory.dpi_interval(
        1.0, tau_mem=20.0, **(CELL | {"i_spike": 0.01})
    ),
    r"i_th: must be finite and > 0 \[nA\]": lambda: theory.dpi_linear_error(1.0, **(CELL | {"i_th": 0.0})),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        REFUSED[rule]()
