"""Conductances: against closed forms, an independent loop, and finite differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.pace import slow_but
from helpers.statistical import Deviation, assert_mean, assert_variance, negative_control
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.coding import Constant, PoissonSpikes, SpikeTrain
from jaxsnn_noise.neurons import LIF, LeakyIntegrator
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.statistics import Mean, Raster, Trace, unpack
from jaxsnn_noise.synapses import Conductance, Dense

F = np.float32


def course(kinetics, dt, steps, *, weight=1.0, potential=0.0):
    """Conductance and current [step] after one spike in the first step, in float64."""
    seen = Seen(None, jnp.full(1, potential, jnp.float32))

    def step(state, arrivals):
        drive, state = kinetics.step(state, arrivals, seen, dt)
        return state, (drive.conductance[0], drive.at(seen.target_potential)[0])

    arrivals = jnp.zeros((steps, 1)).at[0, 0].set(weight)
    found = jax.jit(lambda x: jax.lax.scan(step, kinetics.init(1), x)[1])(arrivals)
    return tuple(np.asarray(x, np.float64) for x in found)


def mean_decay(tau, dt, steps):
    """The mean over each step of exp(-t/tau)."""
    return tau / dt * -np.expm1(-dt / tau) * np.exp(-dt / tau * np.arange(steps))


def dual(tau_syn, tau_rise, dt, steps):
    """The mean over each step of the difference of two exponentials with peak 1, and the integral of all."""
    ratio = tau_rise / tau_syn
    peak = ratio ** (tau_rise / (tau_syn - tau_rise)) * (1 - ratio)
    mean = (mean_decay(tau_syn, dt, steps) - mean_decay(tau_rise, dt, steps)) / peak
    return mean, (tau_syn - tau_rise) / peak


# what one spike does


@pytest.mark.parametrize("dt", [0.1, 0.25, 2.0])
def test_a_single_exponential_is_the_mean_of_the_decay_and_drives_towards_its_reversal(dt):
    g, current = course(Conductance(5.0, -80.0), dt, 60, weight=0.3, potential=-65.0)
    np.testing.assert_allclose(g, 0.3 * mean_decay(5.0, dt, 60), rtol=2e-6)
    np.testing.assert_allclose(current, g * (-80.0 + 65.0), rtol=1e-5)


@pytest.mark.parametrize("ratio", [0.02, 0.1, 0.5, 0.9, 0.999, 0.99999])
@pytest.mark.parametrize(("tau", "dt"), [(5.0, 0.1), (5.0, 0.25), (5.0, 2.0), (100.0, 0.1), (2.0, 5.0), (2.0, 10.0)])
def test_a_dual_exponential_is_right_for_time_constants_however_near(tau, dt, ratio):
    rise, steps = float(F(ratio * tau)), int(25 * tau / dt)
    g, _ = course(Conductance(tau, 0.0, rise), dt, steps)
    mean, integral = dual(tau, rise, dt, steps)
    np.testing.assert_allclose(g, mean, atol=3e-6)
    assert g.sum() * dt == pytest.approx(integral, rel=5e-6)
    assert (g >= 0).all()


def test_the_peak_of_either_is_the_weight():
    for kinetics, first in ((Conductance(5.0, 0.0), 0), (Conductance(5.0, 0.0, 1.0), 201)):
        g, _ = course(kinetics, 0.01, 1000, weight=0.7)
        assert g.max() == pytest.approx(0.7, rel=1.1e-3 if first == 0 else 1e-5)
        assert g.argmax() == pytest.approx(first, abs=1)  # 1.25 ln 5 ms


def test_the_slow_rise_tends_to_the_alpha_function():
    g, _ = course(Conductance(4.0, 0.0, 4.0 * (1 - 1e-6)), 0.05, 1000)
    t = 0.05 * (np.arange(1000) + 0.5)
    np.testing.assert_allclose(g, t / 4 * np.exp(1 - t / 4), atol=5e-5)


@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0, 10.0])
def test_the_integral_of_a_spike_does_not_depend_on_the_step(dt):
    g, _ = course(Conductance(5.0, 0.0), dt, int(200 / dt), weight=0.3)
    assert g.sum() * dt == pytest.approx(1.5, rel=3e-6)


# a recurrent network, spike for spike


WIRES = (
    ("exc", "exc", 0.0, None, 1.5),
    ("exc", "inh", 0.0, 0.5, None),
    ("inh", "exc", -80.0, 1.0, 1.0),
    ("inh", "inh", -80.0, None, 0.5),
    ("port", "exc", 0.0, None, None),
    ("port", "inh", 0.0, 0.4, 0.5),
)
"""Source, target, reversal, tau_rise, delay."""
TAU_SYN = {0.0: 3.0, -80.0: 8.0}


def wiring(sizes):
    """A sparse random matrix of weights [uS] for every wire."""
    rng = np.random.default_rng(5)
    found = {}
    for source, target, reversal, _, _ in WIRES:
        shape = (sizes[target], sizes[source])
        scale = (0.05 if source == "port" else 0.02 if reversal == 0 else 0.05) / max(1, 0.3 * sizes[source]) * 4
        present = rng.random(shape) < (0.3 if max(shape) > 1 else 1.0)
        found[f"{source}_{target}"] = (present * rng.gamma(4.0, scale / 4, shape)).astype(F)
    return found


def network(sizes, weights):
    cell = {
        "tau_mem": 20.0,
        "v_rest": -70.0,
        "v_reset": -60.0,
        "v_threshold": -50.0,
        "resistance": 100.0,
        "refractory": 2.0,
    }
    parts = {k: jn.Population(LIF(sizes[k], **cell)) for k in ("exc", "inh")}
    wires = {
        f"{s}_{t}": Dense(s, t, weights[f"{s}_{t}"], kinetics=Conductance(TAU_SYN[e], e, rise), delay=delay)
        for s, t, e, rise, delay in WIRES
    }
    return jn.Network({**parts, "port": jn.Port(sizes["port"])}, wires)


def plain_loop(sizes, weights, train, dt):
    """The same network as a loop: one array per exponential, in float64."""
    cells = ("exc", "inh")
    v = {k: np.full(sizes[k], -70.0) for k in cells}
    held = {k: np.zeros(sizes[k], int) for k in cells}
    past = {k: [] for k in (*cells, "port")}
    slow, fast = ({f"{s}_{t}": np.zeros(sizes[t]) for s, t, *_ in WIRES} for _ in range(2))
    for now in train.astype(float):
        past["port"].append(now)
        g, toward = ({k: np.zeros(sizes[k]) for k in cells} for _ in range(2))
        for source, target, reversal, rise, delay in WIRES:
            name, tau = f"{source}_{target}", TAU_SYN[reversal]
            steps = round(delay / dt) if delay else (0 if source == "port" else 1)
            at = len(past["port"]) - 1 - steps
            sent = past[source][at] if at >= 0 else np.zeros(sizes[source])
            arrived, peak = weights[name].astype(float) @ sent, 1.0
            if rise:
                peak = (rise / tau) ** (rise / (tau - rise)) * (1 - rise / tau)
            slow[name] += arrived / peak
            fast[name] += arrived / peak if rise else 0.0
            mean = slow[name] * tau / dt * (1 - np.exp(-dt / tau))
            slow[name] *= np.exp(-dt / tau)
            if rise:
                mean = mean - fast[name] * rise / dt * (1 - np.exp(-dt / rise))
                fast[name] *= np.exp(-dt / rise)
            g[target] += mean
            toward[target] += mean * reversal
        for k in cells:
            leak = 1 + 100.0 * g[k]
            end = (-70.0 + 100.0 * toward[k]) / leak
            flown = end + (v[k] - end) * np.exp(-dt * leak / 20.0)
            v[k] = np.where(held[k] > 0, v[k], flown)
            spikes = (held[k] == 0) & (v[k] >= -50.0)
            held[k] = np.where(spikes, round(2.0 / dt), np.maximum(held[k] - 1, 0))
            v[k][spikes] = -60.0
            past[k].append(spikes.astype(float))
    return {k: np.array(past[k]) > 0 for k in cells}


MANY = {"exc": 30, "inh": 10, "port": 20}
ONE = {"exc": 1, "inh": 1, "port": 1}


@pytest.mark.parametrize(
    ("sizes", "dt"),
    [
        pytest.param(MANY, 0.1, marks=pytest.mark.slow),
        (MANY, 0.25),
        (ONE, 0.1),
        pytest.param(ONE, 0.25, marks=pytest.mark.slow),
    ],
    ids=["many-0.1", "many-0.25", "one-0.1", "one-0.25"],
)
def test_a_recurrent_network_is_the_plain_loop_spike_for_spike(sizes, dt):
    steps = int(200 / dt)
    train = np.random.default_rng(1).random((steps, sizes["port"])) < 0.05 * dt
    weights = wiring(sizes)
    rasters = {k: Raster(population=k) for k in ("exc", "inh")}
    sim = jn.Simulation(network(sizes, weights), {"port": SpikeTrain(train)}, duration=200.0, dt=dt, statistics=rasters)
    wanted = plain_loop(sizes, weights, train, dt)
    for schedule in (jn.ByStep(), jn.ByComponent())[: 2 if dt == 0.25 else 1]:
        found = jn.simulate(sim, key=0, backend=jn.Scan(schedule=schedule))
        for k in ("exc", "inh"):
            spikes = unpack(found[k], steps)
            assert spikes.sum() >= sizes[k]
            np.testing.assert_array_equal(spikes, wanted[k])


@pytest.mark.slow
def test_the_size_of_chunks_and_the_schedule_change_no_spike():
    sizes = {"exc": 30, "inh": 10, "port": 20}
    statistics = {"raster": Raster(population="exc")}
    inputs = {"port": PoissonSpikes(40.0)}
    sim = jn.Simulation(network(sizes, wiring(sizes)), inputs, duration=100.0, dt=0.25, statistics=statistics)
    rasters = [
        jn.monte_carlo(
            sim, [jn.Trials(5)], key=3, chunk=chunk, backend=jn.Scan(schedule=schedule), progress=False
        ).raster
        for schedule, chunk in ((jn.ByStep(), 1), (jn.ByStep(), 2), (jn.ByComponent(), None))
    ]
    assert np.unpackbits(rasters[0].values).sum() > 100
    for other in rasters[1:]:
        np.testing.assert_array_equal(other.values, rasters[0].values)


# moments


@pytest.mark.slow
def test_poisson_conductances_give_the_mean_and_the_variance_of_theory():
    # 100 channels of at most one spike a step: 0.8 and 0.2 % of variance less than of a Poisson process
    dt, trials, kinds = 0.1, 150, {"exc": (8.0, 2e-4, 3.0, 0.0), "inh": (2.0, 8e-4, 8.0, -80.0)}
    cells = jn.Population(LeakyIntegrator(1, tau_mem=20.0, v_rest=-65.0, resistance=10.0))
    parts = {"cells": cells, **{k: jn.Port(100) for k in kinds}}
    wires = {
        f"from_{k}": Dense(k, "cells", np.full((1, 100), w), kinetics=Conductance(tau, e))
        for k, (_, w, tau, e) in kinds.items()
    }
    inputs = {k: PoissonSpikes(-np.log1p(-rate * dt / 100) * 1e3 / dt) for k, (rate, *_) in kinds.items()}
    trace = {"v": Trace(("v",), every=400)}
    sim = jn.Simulation(jn.Network(parts, wires), inputs, duration=800.0, dt=dt, warmup=160.0, statistics=trace)
    v = jn.monte_carlo(sim, [jn.Trials(trials)], key=2, progress=False)
    (name,) = [k for k in v.data_vars if k.startswith("v")]
    v = v[name].values.ravel().astype(float)
    rate, weight, tau, reversal = np.array(list(kinds.values())).T
    mean, variance = jn.theory.conductance_shot_noise_moments(
        1000 * rate, weight, tau_syn=tau, reversal=reversal, tau_mem=20.0, v_rest=-65.0, resistance=10.0
    )
    assert len(v) == 3000
    # samples 40 ms apart are correlated by at most 0.2: the membrane by exp(-40/17), a little more with its synapses
    size = len(v) * (1 - 0.2) / (1 + 0.2)
    assert_mean(v, mean, effective_size=size)

    def check(amplitude):
        assert_variance(amplitude * v, variance, effective_size=len(v) * (1 - 0.2**2) / (1 + 0.2**2))

    check(1.0)
    negative_control(check)


@pytest.mark.parametrize("dt", slow_but([0.1, 1.0, 5.0], [1.0]))
def test_membrane_noise_in_a_high_conductance_state_has_the_effective_time_constant(dt):
    # A port that holds 1 in every step keeps the conductance at w tau_syn/dt: 0.2 uS, 1 + R g = 3.
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.5))}
    cells = jn.Population(LIF(20_000, tau_mem=20.0, resistance=10.0, v_threshold=100.0), noise=noise)
    wires = {"open": Dense("port", "cells", np.full((20_000, 1), 0.2 * dt / 5.0), kinetics=Conductance(5.0, 30.0))}
    sim = jn.Simulation(
        jn.Network({"cells": cells, "port": jn.Port(1)}, wires),
        {"port": Constant(1.0)},
        duration=dt,
        dt=dt,
        warmup=150.0,
        statistics={"v": Trace(("v",))},
    )
    v = np.asarray(jn.simulate(sim, key=4)["v"].v[0], float)
    tau = jn.theory.effective_time_constant(0.2, tau_mem=20.0, resistance=10.0)
    variance = jn.theory.membrane_variance(0.5, tau_mem=tau)
    assert_mean(v, 20.0)  # R g E/(1 + R g)

    def check(amplitude):
        assert_variance(amplitude * v, variance)

    check(1.0)
    negative_control(check)
    with pytest.raises(Deviation):
        assert_variance(v, jn.theory.membrane_variance(0.5, tau_mem=20.0))


# gradients


@pytest.mark.slow
@pytest.mark.parametrize("rise", [None, 1.0])
def test_gradients_are_those_of_finite_differences(rise):
    train = np.random.default_rng(2).random((200, 3)) < 0.1
    cells = jn.Population(LeakyIntegrator(2, tau_mem=20.0, v_rest=-65.0, resistance=10.0))
    weights = np.array([[0.02, 0.01, 0.03], [0.0, 0.05, 0.01]])
    wires = {"feed": Dense("port", "cells", weights, kinetics=Conductance(5.0, 0.0, rise))}
    network = jn.Network({"cells": cells, "port": jn.Port(3)}, wires)
    means = {"v": Mean("v")}
    sim = jn.Simulation(network, {"port": SpikeTrain(train)}, duration=50.0, dt=0.25, statistics=means)
    names = ["tau_syn", "reversal"] + (["tau_rise"] if rise else [])
    leaves = [f"network.feed.kinetics.{k}" for k in names] + ["network.feed.weights"]
    at = [5.0, 0.0] + ([1.0] if rise else []) + [weights]

    function = jax.jit(lambda *values: jn.as_function(sim, leaves, ["v"], key=0)(*values)[0][1])
    values = [jnp.asarray(x, jnp.float32) for x in at]
    slopes = jax.grad(function, argnums=tuple(range(len(at))))(*values)
    for k, width in enumerate([0.1, 1.0, 0.05][: len(names)]):
        up, down = (function(*[x + s * width if i == k else x for i, x in enumerate(values)]) for s in (1, -1))
        assert float(slopes[k]) == pytest.approx(float(up - down) / (2 * width), rel=5e-3)
    bump = jnp.zeros((2, 3)).at[1, 1].set(5e-3)
    up, down = (function(*values[:-1], values[-1] + s * bump) for s in (1, -1))
    assert float(slopes[-1][1, 1]) == pytest.approx(float(up - down) / 1e-2, rel=5e-3)
    assert all(np.isfinite(s).all() for s in slopes)
    assert (np.asarray(slopes[-1][0]) == 0).all()


# bad input


def fed(weights=1.0, threshold=-50.0, **options):
    cells = LIF(1, v_threshold=threshold, v_reset=threshold - 10, v_rest=threshold - 20)
    wires = {
        "feed": Dense(
            "port", "cells", [[weights]], kinetics=Conductance(**({"tau_syn": 5.0, "reversal": 0.0} | options))
        )
    }
    return jn.Network({"cells": jn.Population(cells), "port": jn.Port(1)}, wires)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_syn": 0.0}, r"Conductance.tau_syn: must be finite and > 0 \[ms\]"),
        ({"reversal": np.nan}, r"Conductance.reversal: must be finite \[mV\]"),
        ({"tau_rise": -1.0}, r"Conductance.tau_rise: must be finite and > 0 \[ms\]"),
        ({"tau_rise": 5.0}, r"Conductance.tau_rise: must lie below tau_syn = 5 \[ms\]; got 5.0"),
        ({"tau_rise": 6.0}, r"must lie below tau_syn"),
        (
            {"weights": -0.1},
            r"Dense.weights: must be finite and >= 0: inhibition is a low reversal potential \[uS\]; got",
        ),
        ({"reversal": -0.08}, r"network.feed.kinetics.reversal: must be in mV, as .* its target, -50 mV; .*got -0.08"),
        ({"reversal": 0.05}, r"must be in mV"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(InputError, match=message):
        fed(**options)


@pytest.mark.parametrize("options", [{}, {"reversal": -80.0}, {"reversal": 0.5, "threshold": 1.0}, {"tau_rise": 4.99}])
def test_what_makes_sense_passes(options):
    fed(**options)


def test_a_conductance_cannot_pass_a_map_of_currents():
    cells = jn.Population(LIF(1), prefilter=jn.coding.Relu())
    wires = {"feed": Dense("port", "cells", [[1.0]], kinetics=Conductance(5.0, 2.0))}
    with pytest.raises(InputError, match="a conductance cannot enter cells"):
        jn.Network({"cells": cells, "port": jn.Port(1)}, wires)
