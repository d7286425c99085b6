"""What is in a simulation, for people and for the attributes of results."""

from __future__ import annotations

import dataclasses
import hashlib
import math
from typing import Any

import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete
from jaxsnn_noise.engine.entering import goes_to
from jaxsnn_noise.engine.observed import place_of
from jaxsnn_noise.engine.simulation import Simulation, is_simulation
from jaxsnn_noise.hardware.imperfection import in_order
from jaxsnn_noise.parameters import declarations
from jaxsnn_noise.saving import name_of


def report(sim: Simulation) -> str:
    """A text of everything in a simulation, with units: time, parts, every leaf with its value, what is random."""
    is_simulation("report.sim", sim)
    lines = [
        f"Simulation: {sim.duration:g} ms in steps of {sim.dt:g} ms after {sim.warmup:g} ms of warm-up",
    ]
    for name, part in sim.network.populations.items():
        kind = type(part).__name__ if not hasattr(part, "neuron") else type(part.neuron).__name__
        lines.append(f"  {name}: {kind}, {part.size} {'channels' if kind == 'Port' else 'neurons'}")
        for source, noise in getattr(part, "noise", {}).items():
            lines.append(f"    noise {source}: {_composition(noise)}")
    for name, p in sim.network.projections.items():
        lines.append(
            f"  {name}: {type(p).__name__} {p.source} -> {p.target}, {type(p.kinetics).__name__}, {_delay(p.delay)}"
        )
    for name, signal in sim.inputs.items():
        lines.append(f"  input {name}: {type(signal).__name__} to {goes_to(name, signal)}")
    for name in in_order(sim.imperfections):
        imperfection = sim.imperfections[name]
        lines.append(f"  imperfection {name}: {imperfection.summary()}, {imperfection.stage.name.lower()}")
    lines.append(
        "  statistics: " + ", ".join(f"{k} ({type(s).__name__} of {place_of(s)})" for k, s in sim.statistics.items())
    )
    lines.append("  leaves:")
    said = declarations(sim)
    for path, leaf in paths.leaves(sim).items():
        unit = said[path].unit if path in said else None
        lines.append(f"    {path} = {_value(leaf)}" + (f" [{unit}]" if unit else ""))
    return "\n".join(lines)


def settings(sim: Simulation) -> dict[str, Any]:
    """The configuration as plain data, for attributes of results.

    Returns:
        ``fixed``: times [ms] and frozen streams. ``parts``: from paths to the class of each part and its fixed fields.
        ``leaves``: from paths to their numbers: one number, a list of a few, ``{"value", "shape"}`` where all are the same,
        and of larger arrays ``{"shape", "dtype", "least", "largest", "blake2b"}``, the last a hash of their bytes.
    """
    fixed = {
        "duration_ms": sim.duration,
        "dt_ms": sim.dt,
        "warmup_ms": sim.warmup,
        "frozen": {stream: list(axes) for stream, axes in sim.frozen},
    }
    kinds = {path: {"kind": type(node).__name__} | _fixed(node) for path, node in paths.nodes(sim) if path}
    return {
        "fixed": fixed,
        "parts": kinds,
        "leaves": {path: _numbers(leaf) for path, leaf in paths.leaves(sim).items()},
    }


FEW = 16
"""Entries of an array that are told one by one."""


def _numbers(leaf: Any) -> Any:
    array = concrete(leaf)
    if array is None:
        return "traced"
    alike = bool(array.size) and bool((array == array.flat[0]).all())
    if array.size <= 1 or (array.size <= FEW and not alike):
        return _plain(array)
    shape = list(array.shape)
    if alike:
        return {"value": _plain(array.reshape(-1)[0]), "shape": shape}
    finite = array[np.isfinite(array)]
    ends = {"least": _plain(finite.min()), "largest": _plain(finite.max())} if finite.size else {}
    digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
    return {"shape": shape, "dtype": str(array.dtype), **ends, "blake2b": digest}


def _plain(array: Any) -> Any:
    """Numbers of Python, of single precision in the fewest digits that mean the same; those that are not finite as texts."""
    if np.ndim(array):
        return [_plain(entry) for entry in array]
    if np.asarray(array).dtype.kind != "f":
        return array.item()
    return float(str(array.astype(array.dtype)[()])) if np.isfinite(array) else str(array)


def _fixed(node: Any) -> dict[str, Any]:
    """The fields of a part that are a part of its structure, as plain data."""
    names = [f.name for f in dataclasses.fields(node) if f.metadata.get("static", False)]
    return {name: _static(getattr(node, name)) for name in names}


def _static(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value if not isinstance(value, float) or math.isfinite(value) else str(value)
    if isinstance(value, (tuple, list, frozenset)):
        return [_static(one) for one in (sorted(value) if isinstance(value, frozenset) else value)]
    return name_of(value if isinstance(value, type) or hasattr(value, "__qualname__") else type(value))


def _composition(source: Any) -> str:
    parts = [type(source).__name__]
    for field in ("amplitude", "coupling", "colour", "correlation", "distribution"):
        if hasattr(source, field):
            parts.append(type(getattr(source, field)).__name__)
    return ", ".join(parts) + f" at the {source.seam.name.lower()} seam [{source.seam.units}]"


def _delay(delay: float | None) -> str:
    return "shortest delay" if delay is None else f"delay {delay:g} ms"


def _value(leaf: Any) -> Any:
    array = concrete(leaf)
    if array is None:
        return "traced"
    if array.size and (array == array.flat[0]).all():
        shape = f" ({'x'.join(map(str, array.shape))})" if array.ndim else ""
        return f"{array.flat[0]:g}{shape}"
    finite = array[np.isfinite(array)]
    return f"{finite.min():g} to {finite.max():g} ({'x'.join(map(str, array.shape))})" if finite.size else "not finite"
