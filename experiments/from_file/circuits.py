"""The circuits of a layered network, and the cases of them that are measured: as built, larger, one parameter at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import jaxsnn_noise as jn
from jaxsnn_noise._checks import fail
from jaxsnn_noise.hardware import MOSFET, CurrentMode, Process
from jaxsnn_noise.interop import LayeredNetwork

DESIGN = 300.0
"""Temperature of the nominal values [K]."""
EXACT = 1e18
"""Width and length of a transistor without mismatch [um]: its spread is below the last bit."""
NOMINAL, BUILT = "nominal", "as built"
_CURRENTS = {"tau": "I_tau (time constant, gain)", "th": "I_th (gain)", "spike": "I_spike (threshold)"}


def transistor_of(text: str) -> MOSFET:
    """A transistor from ``TABLE[:TRANSISTOR[:CORNER]]``; the table is a ``.toml`` or ``.csv`` file, or an embedded process.

    Raises:
        InputError: no such table, transistor or corner, or a choice that has to be made.
    """
    table, *chosen = text.split(":")
    if len(chosen) > 2:
        fail("process", "must be TABLE[:TRANSISTOR[:CORNER]]", text)
    if table.endswith((".toml", ".csv")):
        process: Process = jn.hardware.read_process(table)
    else:
        embedded = jn.datasets.load("processes")
        if table not in embedded:
            fail("process", "must be a .toml or .csv file, or the name of an embedded process", table, known=embedded)
        process = embedded[table]
    if not chosen and len(process.transistors) > 1:
        fail("process", f"must choose a transistor, {table}:NAME", text, known=process.transistors)
    name = chosen[0] if chosen else process.transistors[0]
    return process.transistor(name, corner=chosen[1] if len(chosen) > 1 else None)


def circuits(
    net: LayeredNetwork, made_of: MOSFET, *, width: float, length: float, temperature: float
) -> dict[str, CurrentMode]:
    """A DPI membrane for each neuron, a transistor for each synapse (biases are synapses)."""
    size: dict[str, Any] = {"width": width, "length": length, "temperature": temperature}
    found: dict[str, CurrentMode] = {}
    for name in net.network().projections:
        leaves = {f"network.{name}.weights": {"weight": 1.0}}
        found[name] = CurrentMode(leaves, made_of, per="synapse", **size)
    for k, name in enumerate(net.populations):
        dpi = jn.hardware.dpi_leaves(name)
        if k >= len(net.threshold):
            del dpi[f"network.{name}.neuron.v_threshold"]
        currents = sorted({c for one in dpi.values() for c in one} - {"temperature"})
        each: dict[str, Any] = {"width": dict.fromkeys(currents, width), "length": dict.fromkeys(currents, length)}
        found[name] = CurrentMode(dpi, made_of, per="neuron", **(size | each))
    return found


def transistors(net: LayeredNetwork) -> int:
    """How many transistors set a current of their own."""
    synapses = sum(w.size for w in net.weights) + sum(b.size for b in net.biases if b is not None)
    return synapses + sum(len(w) * (3 if k < len(net.threshold) else 2) for k, w in enumerate(net.weights))


@dataclass(frozen=True)
class Case:
    """What is built how: which currents deviate, at which size and temperature.

    Attributes:
        name: What it is called.
        kind: ``nominal``, ``as built``, ``area`` or ``alone``.
        area: Of each transistor, times that as built [1].
        temperature: [K].
        only: The circuit and current that alone deviate; all where empty.
    """

    name: str
    kind: str
    area: float
    temperature: float
    only: tuple[str, str] | tuple[()] = ()


def cases(found: dict[str, CurrentMode], areas: Sequence[float], temperature: float) -> list[Case]:
    """Nominal, as built, larger transistors, and each parameter by itself."""
    built = Case(BUILT, BUILT, 1.0, temperature)
    larger = [replace(built, name=f"area x{a:g}", kind="area", area=float(a)) for a in areas]
    alone = [
        Case(_label(circuit, current), "alone", 1.0, DESIGN, (circuit, current))
        for circuit, one in found.items()
        for current in one.currents
    ]
    if temperature != DESIGN:
        alone.append(Case(f"temperature {temperature:g} K", "alone", 1.0, temperature, ("", "")))
    return [Case(NOMINAL, NOMINAL, 1.0, DESIGN, ("", "")), built, *larger, *alone]


def _label(circuit: str, current: str) -> str:
    if "_to_" in circuit:
        source, target = circuit.split("_to_")
        return f"bias of {target}" if source == "bias" else f"weights {source} to {target}"
    return f"{circuit} {_CURRENTS[current]}"


def axis(found: dict[str, CurrentMode], chosen: Sequence[Case], *, width: float, length: float) -> jn.Vary:
    """The axis over cases: widths grow with the area, lengths stay."""
    values: dict[str, Any] = {}
    for name, one in found.items():
        on = np.array([[not c.only or c.only == (name, current) for current in one.currents] for c in chosen])
        factor = np.array([c.area for c in chosen])[:, None]
        sizes = {"width": np.where(on, width * factor, EXACT), "length": np.where(on, length, EXACT)}
        for leaf, table in sizes.items():
            values[f"imperfections.{name}.{leaf}"] = (table if one.width.ndim else table[:, 0]).astype(np.float32)
        values[f"imperfections.{name}.temperature"] = np.array([c.temperature for c in chosen], np.float32)
    return jn.Vary(values, name="case", labels=[c.name for c in chosen])
