"""Spike times of single neurons without noise, here and in Brian2, on one grid of steps: 500 ms from a given start.

``PYTHONPATH=tests PYTHON -m helpers.parity.times adex`` prints what Brian2 gives as one line of JSON; with ``--record`` it is put into
``recorded_times.json`` beside this file. Brian2 takes Runge and Kutta's method of fourth order. A spike is seen at the end of its step in
both; the upstroke of AdEx has no more than a few steps, in which methods differ, so its steps are ten times as short.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

RECORDED = Path(__file__).with_name("recorded_times.json")

STEP = 0.01
"""A step, to which spike times agree [ms]."""


@dataclasses.dataclass(frozen=True)
class Times:
    """A neuron under a constant current.

    Args:
        equations: Of Brian2; times in ms.
        start: Of the variables that do not start at 0.
        threshold, reset: Of Brian2.
        dt, duration: [ms].
        within: How far spike times may lie apart [ms].
    """

    equations: str
    start: dict[str, float]
    threshold: str
    reset: str
    dt: float = STEP
    duration: float = 500.0
    within: float = STEP


def _adex(within: float, *, current: float, tau_w: float, a: float, b: float, reset: float) -> Times:
    """Brette and Gerstner's neuron: 281 pF, 30 nS, -70.6, -50.4 and 2 mV; nF, uS, nA, mV."""
    return Times(
        f"""
        dv/dt = (-0.03 * (cut + 70.6) + 0.06 * exp((cut + 50.4) / 2) - w + {current}) / 0.281 / ms : 1
        dw/dt = ({a} * (cut + 70.6) - w) / ({tau_w} * ms) : 1
        cut = clip(v, -1000, 20) : 1
        """,
        {"v": -70.6},
        "v >= 20",
        f"v = {reset}\nw += {b}",
        dt=STEP / 10,
        within=within,
    )


ADEX = {"current": 1.0, "tau_w": 144.0, "a": 0.004, "b": 0.0805, "reset": -70.6}
BURSTS = {**ADEX, "current": 0.8, "tau_w": 20.0, "b": 0.5, "reset": -47.4}
IZHIKEVICH = {"a": 0.02, "b": 0.2, "c": -65.0, "d": 8.0}
DRIVE = {"izhikevich": 10.0, "axon": 10.0}
GATES = """
    dm/dt = (1 / exprel((25 - v) / 10) * (1 - m) - 4 * exp(-v / 18) * m) / ms : 1
    dh/dt = (0.07 * exp(-v / 20) * (1 - h) - 1 / (exp((30 - v) / 10) + 1) * h) / ms : 1
    dn/dt = (0.1 / exprel((10 - v) / 10) * (1 - n) - 0.125 * exp(-v / 80) * n) / ms : 1
    armed : 1
"""
AXON = "120 * m**3 * h * (115 - v) + 36 * n**4 * (-12 - v) + 0.3 * (10.6 - v)"
AT_REST = {"m": 0.05293249, "h": 0.59612075, "n": 0.31767691, "armed": 1.0}
"""The gates at a potential of 0, where the axon starts; and the next crossing is a spike."""
REARM = "armed = int(v < 20) + int(v >= 20) * armed"
CASES = {
    "adex": _adex(2 * STEP, **ADEX),  # intervals of 36 ms grow by 1e-3 ms each by rounding to single precision
    "adex_bursts": _adex(STEP, **BURSTS),
    "izhikevich": Times(
        f"""
        dv/dt = (0.04 * v**2 + 5 * v + 140 - u + {DRIVE["izhikevich"]}) / ms : 1
        du/dt = {IZHIKEVICH["a"]} * ({IZHIKEVICH["b"]} * v - u) / ms : 1
        """,
        {"v": -70.0, "u": -14.0},
        "v >= 30",
        f"v = {IZHIKEVICH['c']}\nu += {IZHIKEVICH['d']}",
    ),
    "axon": Times(
        f"dv/dt = ({AXON} + {DRIVE['axon']}) / ms : 1\n{GATES}", AT_REST, "v >= 50 and armed > 0.5", "armed = 0"
    ),
}


def under(name: str, current: float) -> str:
    """The equations of a case under another current."""
    if name == "adex":
        return _adex(STEP, **{**ADEX, "current": current}).equations
    return CASES[name].equations.replace(f"+ {DRIVE[name]}", f"+ {current}")


def cell(name: str, size: int) -> tuple[Any, Any]:
    """The neurons of a case in this package, and their current of 1 in the unit of Brian2's equations [nA]."""
    import jaxsnn_noise as jn

    if name.startswith("adex"):
        given = dict(ADEX if name == "adex" else BURSTS)
        del given["current"]
        return jn.neurons.AdEx(size, v_reset=given.pop("reset"), **given), 1.0
    if name == "izhikevich":
        return jn.neurons.Izhikevich(size, **IZHIKEVICH), 1.0
    axon = jn.neurons.HodgkinHuxley(size)
    return axon, float(axon.current(1.0)[0])


def theirs(name: str) -> list[int]:
    """The steps with a spike in Brian2."""
    b2, case = importlib.import_module("brian2"), CASES[name]
    b2.start_scope()
    b2.prefs.codegen.target = "cython"
    b2.defaultclock.dt = case.dt * b2.ms
    cell = b2.NeuronGroup(1, case.equations, threshold=case.threshold, reset=case.reset, method="rk4")
    for variable, value in case.start.items():
        setattr(cell, variable, value)
    monitor, parts = b2.SpikeMonitor(cell), []
    if "armed" in case.start:
        parts.append(cell.run_regularly(REARM, when="after_groups"))
    b2.Network(cell, monitor, *parts).run(case.duration * b2.ms, namespace={})
    return [int(step) for step in np.round(np.asarray(monitor.t / b2.ms) / case.dt)]


def ours(name: str, factor: float = 1.0) -> list[int]:
    """The steps with a spike in this package; the current times a factor."""
    import jaxsnn_noise as jn

    case = CASES[name]
    start = {k: jn.laws.Fixed(v) for k, v in case.start.items() if k in ("v", "w", "u")}
    neuron, unit = cell(name, 1)
    current = unit * (DRIVE.get(name) or (ADEX if name == "adex" else BURSTS)["current"])
    stepper = None if name.startswith("adex") else jn.neurons.Heun()
    if name.startswith("adex"):
        start["w"] = jn.laws.Fixed(0.0)
    sim = jn.Simulation(
        jn.Network({"cell": jn.Population(neuron, initial=start, stepper=stepper)}),
        {"cell": jn.coding.Constant(factor * current)}, duration=case.duration, dt=case.dt,
        statistics={"raster": jn.statistics.Raster()},
    )  # fmt: skip
    raster = jn.statistics.unpack(jn.simulate(sim, key=0)["raster"], round(case.duration / case.dt))
    return [int(step) for step in np.flatnonzero(np.asarray(raster).reshape(len(np.asarray(raster)), -1)[:, 0] > 0)]


def recorded() -> dict[str, Any]:
    """What runs of Brian2 gave, by case."""
    return json.loads(RECORDED.read_text()) if RECORDED.exists() else {}


def main() -> None:
    """Simulate in Brian2, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    found = {
        "command": f"PYTHONPATH=tests python -m helpers.parity.times {options.case}",
        "versions": {name: metadata.version(name) for name in ("brian2", "numpy")}
        | {"python": platform.python_version()},
        "steps": theirs(options.case),
    }
    if options.record:
        RECORDED.write_text(json.dumps(recorded() | {options.case: found}, indent=1, sort_keys=True) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
