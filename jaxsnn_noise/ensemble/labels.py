"""Names for the numbers of a study: dimensions, coordinates and units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import equinox as eqx
import numpy as np

from jaxsnn_noise.engine import names
from jaxsnn_noise.engine.observed import Entity, entity_of, units_of
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.traced import Traced
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


def fields(sim: Simulation, program: Traced) -> dict[str, Field]:
    """The arrays of one member's results by name, found without computing."""
    found: dict[str, Field] = {}
    for name, result in program.results.items():
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
    cases: str | None,
    axes: Sequence[Axis],
    chosen: Mapping[str, Any],
    sims: Mapping[str, Simulation],
    arrays: Mapping[str, Mapping[str, np.ndarray]],
    known: Mapping[str, Mapping[str, Field]],
) -> xarray.Dataset:
    """Results as one dataset; along cases they are stacked (a field that a case lacks is NaN there).

    Args:
        cases: Name of the dimension of cases, if there are some.
        axes: The axes of the grid.
        chosen: From each axis to the positions of the members along it.
        sims: The simulations by case.
        arrays: Results by case and field, [axis, ..., dimensions of the field].
        known: The fields of one member by case.
    """
    import xarray

    parts = {case: _dataset(axes, chosen, sim, arrays[case], known[case]) for case, sim in sims.items()}
    if cases is None:
        return next(iter(parts.values()))
    along = xarray.Variable(cases, list(parts))
    dataset = xarray.concat(
        list(parts.values()), dim=along, join="outer", combine_attrs="drop", data_vars="all", coords="different",
        compat="equals",
    )  # fmt: skip
    dataset = dataset.assign_coords({cases: list(parts)})
    for k in dataset.data_vars:
        dataset[k].attrs = next(p[k].attrs for p in parts.values() if k in p)
    return dataset.transpose(cases, *(axis.name for axis in axes), ...)


def _dataset(
    axes: Sequence[Axis],
    chosen: Mapping[str, Any],
    sim: Simulation,
    arrays: Mapping[str, np.ndarray],
    known: Mapping[str, Field],
) -> xarray.Dataset:
    import xarray

    along = tuple(axis.name for axis in axes)
    variables: dict[str, Any] = {}
    coords: dict[str, Any] = {}
    for key, field in known.items():
        variables[key] = (along + field.dims, arrays[key], {"units": field.units})
        coords |= {d: (d, v, {"units": "ms"} if d.startswith(("bin", "time")) else {}) for d, v in field.coords.items()}
        coords |= field.beside
    for axis in axes:
        at = chosen[axis.name]
        coords[axis.name] = (axis.name, np.asarray(axis.coordinate())[at], axis.attributes(sim))
        coords |= {column: (axis.name, np.asarray(values)[at], {}) for column, values in axis.columns().items()}
    return xarray.Dataset(variables, coords=coords)
