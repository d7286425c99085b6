"""Names for the numbers of a study: dimensions, coordinates, units, and where the numbers come from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from jaxsnn_noise import provenance
from jaxsnn_noise.engine import names
from jaxsnn_noise.engine.describe import settings
from jaxsnn_noise.engine.observed import Entity, entity_of, units_of
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.costs import shapes
from jaxsnn_noise.signals import About
from jaxsnn_noise.statistics.fold import field_of

if TYPE_CHECKING:
    import xarray


class Field(eqx.Module):
    """One array of a member's results: shape, type, dimensions, units and coordinates."""

    shape: tuple[int, ...]
    dtype: np.dtype
    dims: tuple[str, ...]
    units: str
    coords: dict[str, Any]
    beside: dict[str, tuple[str, Any]]
    """Further coordinates: from their names to the dimension along which they lie and their values."""


def fields(sim: Simulation, backend: Any, axes: Sequence[Axis] = ()) -> dict[str, Field]:
    """The arrays of one member's results by name, found without computing."""
    found: dict[str, Field] = {}
    for name, result in shapes(sim, axes, backend).items():
        statistic = sim.statistics[name]
        entity = entity_of(sim.network, statistic, sim.dt)
        about = About(entity.size, sim.steps_seen(statistic), sim.dt)
        # the dimensions that all results share are those of the measured steps
        measured = About(entity.size, sim.total_steps - sim.warmup_steps, sim.dt)
        dims, units, coords = statistic.dims(about), units_of(sim.network, statistic, sim.dt), statistic.coords(about)
        for part, struct in parts(result).items():
            key = f"{name}_{part}" if part else name
            called = [
                names.dimension(name, entity, dim, size, coords.get(dim), measured)
                for dim, size in zip(dims[part], struct.shape, strict=True)
            ]
            # all neurons of a population count from 0 in every result, whatever else is measured
            kept = {
                new: coords[dim]
                for dim, new in zip(dims[part], called, strict=True)
                if dim in coords and new != entity.dimension
            }
            beside = _pairs(sim, name, entity, dict(zip(dims[part], called, strict=True)), coords)
            found[key] = Field(struct.shape, np.dtype(struct.dtype), tuple(called), units.get(part, ""), kept, beside)
    return found


def _pairs(
    sim: Simulation, name: str, entity: Entity, called: Mapping[str, str], coords: Mapping[str, Any]
) -> dict[str, tuple[str, Any]]:
    """Target and source of the synapses of a result, where it has some and their projection says."""
    pairs = sim.network.projections[entity.owner].pairs() if entity.kind == "synapse" and "neuron" in called else None
    if pairs is None:
        return {}
    dim, chosen = called["neuron"], np.asarray(coords.get("neuron", range(entity.size)))
    own = "" if dim == entity.dimension else f"_{name}"
    return {
        f"{entity.owner}_{end}{own}": (dim, at[chosen]) for end, at in zip(("target", "source"), pairs, strict=True)
    }


def parts(result: Any) -> dict[str, Any]:
    """A statistic's result by field: ``""`` for one array; a field that is ``None`` is left out (no such trace)."""
    if isinstance(result, Mapping):
        return {field_of(k): v for k, v in result.items()}
    return {"": result} if hasattr(result, "shape") else {k: v for k, v in vars(result).items() if v is not None}


def labelled(
    cases: Cases | None, axes: Sequence[Axis], studies: Mapping[str, Any], blocks: Mapping[str, Any]
) -> xarray.Dataset:
    """The results as one dataset; along cases they are stacked (a field that a case lacks is NaN there)."""
    import xarray

    parts = {}
    for case, study in studies.items():
        arrays = blocks.get(case) or {k: np.full(study.shape + f.shape, np.nan) for k, f in study.fields.items()}
        parts[case] = _dataset(axes, study, arrays)
    if cases is None:
        dataset = next(iter(parts.values()))
    else:
        along = xarray.Variable(cases.name, list(parts))
        dataset = xarray.concat(list(parts.values()), dim=along, join="outer", combine_attrs="drop")
        dataset = dataset.assign_coords({cases.name: list(parts)})
        for k in dataset.data_vars:
            dataset[k].attrs = next(p[k].attrs for p in parts.values() if k in p)
        dataset = dataset.transpose(cases.name, *(axis.name for axis in axes), ...)
    dataset.attrs = _attributes(studies, [*([] if cases is None else [cases]), *axes])
    dataset.encoding["studies"] = dict(studies)
    return dataset


def _attributes(studies: Mapping[str, Any], axes: Sequence[Axis | Cases]) -> dict[str, Any]:
    """Where the numbers come from: configuration, axes, root key, backend, and what all results name."""
    first = next(iter(studies.values()))
    return {
        "config": json.dumps({k: settings(s.sim) for k, s in studies.items()}, default=str),
        "axes": json.dumps({a.name: [type(a).__name__, a.size] for a in axes}),
        "root_key": [int(w) for w in np.asarray(first.root)],
        "backend": json.dumps(
            [type(first.backend).__name__, vars(first.backend)], default=lambda part: type(part).__name__
        ),
        **provenance.origin(),
    }


def _dataset(axes: Sequence[Axis], study: Any, arrays: Mapping[str, np.ndarray]) -> xarray.Dataset:
    import xarray

    along = tuple(axis.name for axis in axes)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for key, field in study.fields.items():
        variables[key] = (along + field.dims, arrays[key], {"units": field.units})
        coords |= {d: (d, v, {"units": "ms"} if d.startswith(("bin", "time")) else {}) for d, v in field.coords.items()}
        coords |= field.beside
    for axis in axes:
        coords[axis.name] = (axis.name, axis.coordinate(), axis.attributes(study.sim))
        coords |= {column: (axis.name, np.asarray(values), {}) for column, values in axis.columns().items()}
    return xarray.Dataset(variables, coords=coords)
