"""Izhikevich's neuron: against double precision, the published cell types and features by numbers, its rest, its steps."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import jaxsnn_noise as jn
from jaxsnn_noise.neurons import IZHIKEVICH_2003, IZHIKEVICH_2004, Heun, Izhikevich
from jaxsnn_noise.signals import Drive


def pulses(*starts: float, length: float, size: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda t: size * np.any([(t > s) & (t < s + length) for s in starts], axis=0)


# the start of v [mV], and the current over time [ms], as in the author's program; u starts at b v
PROTOCOLS: dict[str, tuple[float, Callable[[np.ndarray], Any]]] = {
    "tonic spiking": (-70.0, lambda t: np.where(t > 10, 14.0, 0.0)),
    "phasic spiking": (-64.0, lambda t: np.where(t > 20, 0.5, 0.0)),
    "tonic bursting": (-70.0, lambda t: np.where(t > 22, 15.0, 0.0)),
    "phasic bursting": (-64.0, lambda t: np.where(t > 20, 0.6, 0.0)),
    "mixed mode": (-70.0, lambda t: np.where(t > 16, 10.0, 0.0)),
    "spike frequency adaptation": (-70.0, lambda t: np.where(t > 8.5, 30.0, 0.0)),
    "class 1 excitable": (-60.0, lambda t: np.where(t > 30, 0.075 * (t - 30), 0.0)),
    "class 2 excitable": (-64.0, lambda t: np.where(t > 30, -0.5 + 0.015 * (t - 30), -0.5)),
    "spike latency": (-70.0, pulses(10.0, length=3.0, size=7.04)),
    "subthreshold oscillations": (-62.0, pulses(20.0, length=5.0, size=2.0)),
    "resonator": (-62.0, pulses(40.0, 60.0, 280.0, 320.0, length=4.0, size=0.65)),
    "integrator": (-60.0, pulses(9.1, 14.1, 70.0, 80.0, length=2.0, size=9.0)),
    "rebound spike": (-64.0, pulses(20.0, length=5.0, size=-15.0)),
    "rebound burst": (-64.0, pulses(20.0, length=5.0, size=-15.0)),
    "threshold variability": (-64.0, lambda t: pulses(10.0, 80.0, length=5.0, size=1.0)(t) + pulses(70.0, length=5.0, size=-6.0)(t)),
    "bistability": (-61.0, lambda t: 0.24 + pulses(37.5, length=5.0, size=1.0)(t)),
    "depolarizing after-potential": (-70.0, pulses(9.0, length=2.0, size=20.0)),
    "inhibition-induced spiking": (-63.8, lambda t: np.where((t < 50) | (t > 250), 80.0, 75.0)),
    "inhibition-induced bursting": (-63.8, lambda t: np.where((t < 50) | (t > 250), 80.0, 75.0)),
}  # fmt: skip
NAMES = list(PROTOCOLS)
DURATION = 350.0


@functools.cache
def currents(dt: float) -> np.ndarray:
    """[step, feature]."""
    t = np.arange(round(DURATION / dt)) * dt
    return np.stack([np.broadcast_to(signal(t), t.shape) for _, signal in PROTOCOLS.values()], axis=1)


def of(table: dict[str, Any], key: str, default: float = np.nan) -> np.ndarray:
    return np.array([pattern.parameters.get(key, default) for pattern in table.values()])


def neurons(table: dict[str, Any]) -> Izhikevich:
    chosen = {key: of(table, key) for key in "abcd"}
    return Izhikevich(len(table), **chosen, linear=of(table, "linear", 5.0), constant=of(table, "constant", 140.0))


@functools.cache
def run(dt: float, stepper: Any = None) -> Any:
    """The trace of all features at once."""
    v = np.array([start for start, _ in PROTOCOLS.values()])
    initial = {"v": jn.laws.Fixed(v), "u": jn.laws.Fixed(of(IZHIKEVICH_2004, "b") * v)}
    cells = jn.Population(neurons(IZHIKEVICH_2004), initial=initial, stepper=stepper)
    signal = jn.coding.TimeSeries(currents(dt))
    sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": signal}, duration=DURATION, dt=dt)
    return jn.simulate(sim, key=0, statistics={"t": jn.statistics.Trace(("v", "spikes", "state.u"))})["t"]


def slopes(v: np.ndarray, u: np.ndarray, current: Any) -> np.ndarray:
    return 0.04 * v**2 + of(IZHIKEVICH_2004, "linear", 5.0) * v + of(IZHIKEVICH_2004, "constant", 140.0) - u + current


def test_all_features_have_a_protocol_whose_largest_current_the_table_tells() -> None:
    assert list(IZHIKEVICH_2004) == NAMES
    largest = np.abs(currents(0.05)[: round(300 / 0.05)]).max(axis=0)
    told = np.array([abs(pattern.current) for pattern in IZHIKEVICH_2004.values()])
    steps = [k for k, name in enumerate(NAMES) if "inhibition" not in name and name != "threshold variability"]
    np.testing.assert_allclose(told[steps], largest[steps], rtol=2e-3)


@pytest.mark.slow
@pytest.mark.parametrize("dt", [0.1, 0.25, 1.0])
def test_it_takes_the_half_steps_that_it_says(dt: float) -> None:
    """Spikes and courses against a loop in double precision, while rounding is small."""
    a, b, c, d = (of(IZHIKEVICH_2004, key) for key in "abcd")
    v = np.array([start for start, _ in PROTOCOLS.values()])
    u, seen, fired = b * v, [], []
    for current in currents(dt):
        for _ in range(2):
            v = np.minimum(v + 0.5 * dt * slopes(v, u, current), 30.0)
        u = u + dt * a * (b * v - u)
        seen.append(v)
        fired.append(v >= 30.0)
        v, u = np.where(fired[-1], c, v), u + d * fired[-1]
    trace = run(dt)
    spikes = np.asarray(trace.spikes) > 0
    together = np.cumsum(np.abs(spikes.astype(int) - np.array(fired)), axis=0) == 0
    assert together.all(axis=0).mean() > 0.7
    early = round(60.0 / dt)
    assert together[:early].mean() > 0.98
    np.testing.assert_allclose(
        np.where(together, trace.v, 0.0)[:early], np.where(together, seen, 0.0)[:early], atol=0.3
    )


def times(name: str, dt: float = 0.1, stepper: Any = None) -> np.ndarray:
    return np.flatnonzero(np.asarray(run(dt, stepper).spikes)[:, NAMES.index(name)]) * dt


def test_each_feature_is_there() -> None:
    gaps = {name: np.diff(times(name)) for name in NAMES}
    assert np.ptp(gaps["tonic spiking"][2:]) < 0.5
    assert len(times("phasic spiking")) == 1
    bursts = gaps["tonic bursting"]
    assert (bursts > 30).sum() >= 5
    assert (bursts < 6).sum() > 4 * (bursts > 30).sum()
    assert 4 <= len(times("phasic bursting")) <= 8
    assert times("phasic bursting")[-1] < 70
    mixed = gaps["mixed mode"]
    assert (mixed[:2] < 5).all()
    assert (mixed[2:] > 30).all()
    adapting = gaps["spike frequency adaptation"]
    assert (np.diff(adapting[:5]) > 0).all()
    assert adapting[-1] > 10 * adapting[0]
    # class 1 begins slowly, class 2 at once at its rate
    rates = {name: 1000.0 / gaps[name] for name in ("class 1 excitable", "class 2 excitable")}
    assert rates["class 1 excitable"][-1] > 2.4 * rates["class 1 excitable"][0]
    assert rates["class 2 excitable"][0] > 2 * rates["class 1 excitable"][0]
    assert len(times("spike latency")) == 1
    assert times("spike latency")[0] > 13 + 4  # after the pulse is over
    v = np.asarray(run(0.1).v)[:, NAMES.index("subthreshold oscillations")]
    late = v[600:]  # after spike and undershoot
    turning = np.flatnonzero(np.diff(np.sign(np.diff(late))) != 0)
    assert len(times("subthreshold oscillations")) == 1
    assert len(turning) >= 5
    np.testing.assert_array_less(320.0, times("resonator"))  # the pair 40 ms apart, not that 20 ms apart
    assert len(times("resonator")) == 1
    assert times("integrator") == pytest.approx([20.0], abs=3.0)  # the pair 5 ms apart, not that 10 ms apart
    assert len(times("rebound spike")) == 1
    assert times("rebound spike")[0] > 25
    assert len(times("rebound burst")) > 5
    assert (gaps["rebound burst"] < 10).all()
    assert times("threshold variability") == pytest.approx([92.3], abs=2.0)  # the same pulse, after inhibition alone
    assert times("bistability")[0] > 37.5
    assert np.ptp(gaps["bistability"][1:]) < 1.0
    assert times("bistability")[-1] > 300
    name = "depolarizing after-potential"
    after = np.asarray(run(0.1).v)[round(times(name)[0] / 0.1) + 1 :, NAMES.index(name)]
    assert len(times(name)) == 1
    assert after[:100].max() > -60.0 + 2.0
    assert abs(after[-1] + 70.0) < 0.1
    for kind in ("spiking", "bursting"):
        found = times(f"inhibition-induced {kind}")
        assert (found > 50).all()
        assert found.max() < 275
        short = (np.diff(found) < 5).sum()
        assert short > 15 if kind == "bursting" else short == 0


@pytest.mark.slow
def test_cell_types_fire_at_the_rates_of_their_equations() -> None:
    """By Heun's rule at 0.02 ms to 1 %, against an adaptive Runge-Kutta rule; half steps of 1 ms are as far off as is said."""
    names = ["regular spiking", "intrinsically bursting", "fast spiking", "low-threshold spiking"]
    table = {name: IZHIKEVICH_2003[name] for name in names}
    current = np.array([pattern.current for pattern in table.values()])
    last = []
    for dt, stepper in ((0.02, Heun()), (1.0, None), (0.1, None)):
        network = jn.Network({"cells": jn.Population(neurons(table), stepper=stepper)})
        sim = jn.Simulation(network, {"cells": jn.coding.Constant(current)}, duration=300.0, dt=dt, warmup=200.0)
        last.append(np.asarray(jn.simulate(sim, key=0, statistics={"m": jn.statistics.IntervalMean()})["m"], float))
    exact = []
    for pattern in table.values():
        a, b, c, d = (pattern.parameters[key] for key in "abcd")
        flow = lambda t, x, a=a, b=b, i=pattern.current: [  # noqa: E731
            0.04 * x[0] ** 2 + 5 * x[0] + 140 - x[1] + i,
            a * (b * x[0] - x[1]),
        ]
        peak = lambda t, x: x[0] - 30.0  # noqa: E731
        peak.terminal = True  # type: ignore[attr-defined]
        now, state, found = 0.0, np.array([-70.0, -14.0]), []
        while now < 500.0:
            part = solve_ivp(flow, (now, 500.0), state, events=peak, rtol=1e-7, atol=1e-7)
            now, state = float(part.t[-1]), np.array([c, part.y[1, -1] + d])
            found += [now]
        exact.append(np.diff(found[:-1])[-3:].mean())
    np.testing.assert_allclose(last[0], exact, rtol=0.01)
    off = np.array(last[1:]) / np.array(exact) - 1.0
    np.testing.assert_allclose(off[:, [0, 2]], [[0.08, 0.58], [0.006, 0.06]], rtol=0.35)


def test_it_rests_at_the_lower_root() -> None:
    neuron = Izhikevich(3, b=[0.2, 0.25, 2.0], linear=[5.0, 5.0, 5.0])
    state = neuron.rest()
    np.testing.assert_allclose(state.v[:2], [-70.0, -64.4130], atol=1e-3)
    np.testing.assert_allclose(neuron.drift(state, Drive(jnp.zeros(3))).v[:2], 0.0, atol=1e-3)
    np.testing.assert_allclose(state.v[2], -37.5)  # no root: between
    np.testing.assert_allclose(state.u, np.array([0.2, 0.25, 2.0]) * np.asarray(state.v), rtol=1e-6)


def test_a_step_beyond_the_published_one_is_refused() -> None:
    with pytest.raises(jn.InputError, match=r"network.cells.neuron: is followed in steps of at most 1 ms.*dt = 2 ms"):
        jn.Simulation(jn.Network({"cells": jn.Population(Izhikevich(2))}), duration=10.0, dt=2.0)
    with pytest.raises(jn.InputError, match=r"Izhikevich.c: must lie below v_peak \[mV\]"):
        Izhikevich(2, c=40.0)
