"""Circuits in weak inversion: what size, temperature, dies, supply and age do to the parameters that currents make."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_correlation, assert_mean, assert_variance, negative_control
from jaxsnn_noise import datasets, random, theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import (
    MOSFET,
    CurrentMode,
    FixedVoltage,
    ProportionalToTemperature,
    ThresholdAgeing,
    VarianceSplit,
    dpi_currents,
    dpi_leaves,
)

SIZE = 3000
NETWORK = jn.Network({"cells": jn.Population(jn.neurons.LIF(SIZE))})
SKY = datasets.load("processes")["sky130"].transistor("nfet_01v8", corner="mismatch")
CARD = {"n": 1.36, "vth": 3.356, "voff": 7.0, "tox": 0.003443}
CELLS = "network.cells.neuron."
FULL = MOSFET(
    vth=5.0,
    n=1.4,
    vth_tempco=1.1,
    mobility_exponent=-1.4,
    global_vth=15.0,
    global_vth_common=5.0,
    supply_sensitivity=0.3,
)


@eqx.filter_jit
def chip(circuit: CurrentMode, key: Any) -> Any:
    return circuit.apply(NETWORK, key)


def circuit(**options: Any) -> CurrentMode:
    given: dict[str, Any] = {"leaves": dpi_leaves("cells"), "transistor": SKY, "width": 2.0, "length": 2.0}
    given |= {"per": "neuron"} | options
    return CurrentMode(given.pop("leaves"), given.pop("transistor"), **given)


def logs(**options: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logarithms of the factors of time constant, gain and threshold."""
    made = chip(circuit(**options), random.root(5)).populations["cells"].neuron
    values = made.tau_mem / 20.0, made.resistance, made.v_threshold
    return tuple(np.log(np.asarray(x, np.float64)) for x in values)  # type: ignore[return-value]


def spread(temperature: float = 300.0, width: float = 2.0, length: float = 2.0) -> float:
    return float(theory.current_spread(temperature, width=width, length=length, **CARD))


def test_one_current_moves_time_constant_and_gain() -> None:
    """``tau ~ 1/I_tau``, ``R ~ I_th/I_tau``, ``theta ~ I_spike``: spreads s, sqrt(2) s, s, and tau and R correlated by 1/sqrt(2)."""
    tau, gain, threshold = logs()
    s = spread()

    def check(factor: float) -> None:
        assert_variance(factor * tau, s**2)
        assert_variance(factor * gain, 2 * s**2)
        assert_variance(factor * threshold, s**2)

    check(1.0)
    negative_control(check)

    def correlated(factor: float) -> None:
        assert_correlation(tau, gain, factor * np.sqrt(0.5))

    correlated(1.0)
    negative_control(correlated)
    assert_correlation(tau, threshold, 0.0)
    assert_mean(tau, 0.0)  # the nominal current is the median


@pytest.mark.slow
def test_small_and_cold_transistors_match_worse_and_chips_keep_their_scores() -> None:
    tau = logs()[0]
    for options in ({"width": 0.5, "length": 1.0}, {"temperature": 250.0}, {"width": 8.0, "temperature": 380.0}):
        other = logs(**options)[0]
        t = float(options.get("temperature", 300.0))
        wanted = spread(t, *(options.get(k, 2.0) for k in ("width", "length"))) / spread()  # type: ignore[arg-type]
        np.testing.assert_allclose(other - np.log(t / 300.0), tau * wanted, rtol=1e-3, atol=1e-5)


@pytest.mark.slow
def test_a_size_per_current_is_that_of_its_current() -> None:
    sizes = {"tau": 2.0, "th": 8.0, "spike": 2.0}
    made = chip(circuit(width=sizes), random.root(5)).populations["cells"].neuron
    gain = np.log(np.asarray(made.resistance, np.float64))
    assert_variance(gain, spread() ** 2 + spread(width=8.0) ** 2)
    np.testing.assert_allclose(np.log(np.asarray(made.tau_mem, np.float64) / 20.0), logs()[0], atol=1e-6)


def ratio(bias: Any, temperature: float) -> float:
    """Median factor of the time constant without mismatch."""
    still = circuit(
        leaves={CELLS + "tau_mem": {"tau": -1.0, "temperature": 1.0}},
        transistor=MOSFET(vth=0.0, n=1.4, vth_tempco=1.1, mobility_exponent=-1.4),
        bias=bias,
        temperature=temperature,
        overdrive=-120.0,
    )
    return float(chip(still, random.root(5)).populations["cells"].neuron.tau_mem[0]) / 20.0


@pytest.mark.slow
def test_time_constants_over_temperature_by_bias() -> None:
    """``C U_T/(kappa I)``: proportional to T with a fixed current, constant with PTAT, falling steeply at a fixed gate voltage."""
    for t in (280.0, 350.0):
        current = theory.current_over_temperature(
            t, 300.0, n=1.4, overdrive=-120.0, vth_tempco=1.1, mobility_exponent=-1.4
        )
        wanted = [t / 300.0, 1.0, t / 300.0 / float(current)]
        found = [ratio(bias, t) for bias in (None, ProportionalToTemperature(), FixedVoltage())]
        np.testing.assert_allclose(found, wanted, rtol=2e-5)
        assert abs(np.log(wanted[2])) > 0.5


@pytest.mark.slow
def test_dies_supply_and_age_shift_all_currents_alike() -> None:
    at_gate: dict[str, Any] = {"transistor": FULL, "bias": FixedVoltage()}
    slope = 1.4 * float(theory.thermal_voltage(300.0))
    plain = logs(**at_gate)
    for options, shift in (
        ({"supply_change": 0.2}, 0.3 * 0.2),
        ({"ageing": ThresholdAgeing(shift_at=10.0, exponent=0.2, at=100.0, age=3200.0)}, -20.0 / slope),
    ):
        made = logs(**at_gate, **options)
        np.testing.assert_allclose(made[2] - plain[2], shift, atol=1e-5)
        np.testing.assert_allclose(made[0] - plain[0], -shift, atol=1e-5)
        np.testing.assert_allclose(made[1], plain[1], atol=1e-5)  # a ratio of two currents
    few = jn.Network({"cells": jn.Population(jn.neurons.LIF(2))})
    dies = circuit(**at_gate, die_to_die=True)
    keys = jax.vmap(lambda i: random.member(random.root(1), device=i))(jnp.arange(SIZE))
    made = jax.jit(jax.vmap(lambda k: dies.apply(few, k).populations["cells"].neuron.v_threshold))(keys)
    z = np.log(np.asarray(made, np.float64))
    local, shared = theory.current_spread(300.0, width=2.0, length=2.0, n=1.4, vth=5.0) ** 2, (15**2 + 5**2) / slope**2
    assert_variance(z[:, 0], local + shared)
    assert_correlation(z[:, 0], z[:, 1], shared / (local + shared))


@pytest.mark.slow
def test_synapses_have_currents_of_their_own_and_dies_their_share() -> None:
    weights = jn.synapses.Dense("cells", "cells", np.full((30, 30), 0.1))
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(30))}, {"loop": weights})
    path = {"network.loop.weights": {"weight": 1.0}}

    def weights_of(per: Any, key: int) -> np.ndarray:
        made = circuit(leaves=path, per=per).apply(network, random.root(key))
        return np.log(np.asarray(made.projections["loop"].weights, np.float64) / 0.1)

    assert_variance(weights_of("synapse", 1).ravel(), spread() ** 2)
    split = weights_of(VarianceSplit(die=0.5, synapse=0.5), 1)
    assert_variance(split.ravel(), 0.5 * spread() ** 2)  # the common half has no variance within a die
    neuron = weights_of("neuron", 1)
    assert np.ptp(neuron, axis=1).max() < 1e-6 < np.ptp(neuron)


@pytest.mark.slow
def test_gradients_with_respect_to_size_and_temperature_are_those_of_the_same_chips() -> None:
    few = jn.Network({"cells": jn.Population(jn.neurons.LIF(20))})

    @jax.jit
    def summed(width: jax.Array, temperature: jax.Array) -> jax.Array:
        made = circuit(width=width, temperature=temperature).apply(few, random.root(2)).populations["cells"].neuron
        total: jax.Array = (made.tau_mem / 20.0).sum() + made.resistance.sum()
        return total

    at = jnp.float32(2.0), jnp.float32(300.0)
    slopes = jax.grad(summed, argnums=(0, 1))(*at)
    for k, h in enumerate((0.05, 3.0)):
        up, down = (summed(*(x + (j == k) * sign * h for j, x in enumerate(at))) for sign in (1, -1))
        np.testing.assert_allclose(slopes[k], (float(up) - float(down)) / (2 * h), rtol=0.02)


@pytest.mark.slow
def test_currents_of_the_dpi_neuron_are_the_parameters_of_the_lif_neuron_that_it_is() -> None:
    """The same chips, whether the circuit acts on the currents or on what they make."""
    cells = jn.neurons.DPI(200, i_spike=1.0, i_reset=0.01)
    ours = jn.Network({"cells": jn.Population(cells)})
    linear = jn.Network({"cells": jn.Population(jn.neurons.LIF(200, **cells.as_lif()))})
    options: dict[str, Any] = {"temperature": 330.0, "bias": ProportionalToTemperature()}
    made = circuit(leaves=dpi_currents("cells"), **options).apply(ours, random.root(4)).populations["cells"].neuron
    other = circuit(**options).apply(linear, random.root(4)).populations["cells"].neuron
    found = made.as_lif()
    for name in ("tau_mem", "resistance", "v_threshold"):
        np.testing.assert_allclose(found[name], getattr(other, name), rtol=1e-5)
    assert np.std(np.log(np.asarray(found["tau_mem"]))) > 0.05
    np.testing.assert_allclose(made.temperature, 330.0, rtol=1e-6)


def in_a_simulation(**options: Any) -> Any:
    network = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
    return jn.Simulation(network, duration=2.0, dt=1.0, imperfections={"x": circuit(**options)})


@pytest.mark.slow
def test_a_million_draws_stay_positive_and_within_the_farthest_score() -> None:
    """The smallest transistors, 0.04 um2: spreads above 100 %, and still no time constant is 0, negative or infinite."""
    many = jn.Network({"cells": jn.Population(jn.neurons.LIF(1_000_000))})
    small = circuit(leaves={CELLS + "tau_mem": {"tau": -1.0}}, width=0.2, length=0.2)
    tau = np.asarray(small.apply(many, random.root(9)).populations["cells"].neuron.tau_mem, np.float64) / 20.0
    assert np.isfinite(tau).all()
    assert (tau > 0).all()
    s = spread(width=0.2, length=0.2)
    assert s > 1
    assert np.abs(np.log(tau)).max() <= s * random.LARGEST_NORMAL * (1 + 1e-5)
    assert_variance(np.log(tau), s**2)


def swept(leaf: str, values: list[float]) -> None:
    jn.Sweep(f"imperfections.x.{leaf}", values).check(in_a_simulation())


def test_a_report_says_process_transistor_and_corner() -> None:
    report = jn.report(in_a_simulation())
    assert "by sky130 nfet_01v8, corner mismatch; FixedCurrent, fabricated" in report
    assert "imperfections.x.temperature = 300 [K]" in report
    assert "corner mismatch" not in jn.report(in_a_simulation(transistor=FULL))


OLD = ThresholdAgeing(shift_at=1.0, exponent=0.2, at=1.0)
REFUSED: dict[str, Any] = {
    r"CurrentMode.temperature: must lie in \[150, 600\]: absolute temperature, 300 K are 27 degrees Celsius": lambda: (
        circuit(temperature=27.0)
    ),
    r"CurrentMode.overdrive: must be finite and < 0 \[mV\]": lambda: circuit(overdrive=50.0),
    r"CurrentMode.supply_change: must lie in \[0, 0\]: the table of sky130 has no supply_sensitivity \[V\]; got": lambda: (
        circuit(supply_change=0.1)
    ),
    r"CurrentMode.die_to_die: needs global_vth in the table of sky130": lambda: circuit(die_to_die=True),
    r"CurrentMode.die_to_die: needs bias=FixedVoltage\(\): in a mirror both": lambda: circuit(
        transistor=FULL, die_to_die=True
    ),
    r"CurrentMode.ageing: needs bias=FixedVoltage\(\)": lambda: circuit(transistor=FULL, ageing=OLD),
    r"CurrentMode.bias: needs vth_tempco of the transistor: the table of ihp_sg13g2": lambda: circuit(
        transistor=datasets.load("processes")["ihp_sg13g2"].transistor("lv_nmos"), bias=FixedVoltage()
    ),
    r"CurrentMode.width: must be finite and > 0 \[um\]": lambda: circuit(width=0.0),
    r"CurrentMode.length: must be finite and > 0.15 \[um\]": lambda: circuit(
        transistor=datasets.load("processes")["gf180mcu"].transistor("nfet_03v3"), length=0.1
    ),
    r"supply_change.*the table of sky130 has no supply_sensitivity": lambda: swept("supply_change", [0.0, 0.1]),
    r"temperature.*must lie in \[150, 600\]: absolute temperature.*27": lambda: swept("temperature", [300.0, 27.0]),
    r"width.*must be finite and > 0": lambda: swept("width", [1.0, -1.0]),
    r"CurrentMode.width: unknown name; got 'tao'. Did you mean 'tau'": lambda: circuit(width={"tao": 1.0}),
    r"CurrentMode.width: must have a number for each current": lambda: circuit(width={"tau": 1.0}),
    r"CurrentMode.leaves: must have a current": lambda: circuit(leaves={CELLS + "tau_mem": {"temperature": 1.0}}),
    r"CurrentMode.leaves\['x'\]\['tau'\]: must be finite": lambda: circuit(leaves={"x": {"tau": np.nan}}),
    r"got 'tau_men'. Did you mean 'tau_mem'": lambda: in_a_simulation(leaves={CELLS + "tau_men": {"tau": -1.0}}),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        REFUSED[rule]()
