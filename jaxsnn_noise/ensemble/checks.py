"""What ``monte_carlo`` and ``replay`` check before anything is computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jaxsnn_noise._checks import count, fail, one_of
from jaxsnn_noise.engine.names import LABEL, reserved
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.grid import Grid
from jaxsnn_noise.statistics import Statistic


def variants(
    sim: Simulation | Cases, axes: Sequence[Axis], statistics: Mapping[str, Statistic] | None
) -> dict[str, Simulation]:
    """The simulations by case (one of no name without cases), each checked together with the axes."""
    for axis in axes:
        if isinstance(axis, Cases):
            fail(
                "monte_carlo.axes", "hold no Cases: they are the first argument, in place of the simulation", axis.name
            )
        if not isinstance(axis, Axis):
            fail("monte_carlo.axes", "must be axes, e.g. Trials(50)", axis)
    names = [axis.name for axis in axes]
    if len(set(names)) != len(names):
        fail("monte_carlo.axes", "need different names", names)
    found = dict(sim.simulations) if isinstance(sim, Cases) else {"": sim}
    for name, variant in found.items():
        if not isinstance(variant, Simulation):
            fail("monte_carlo", "takes a Simulation, or Cases of them", variant)
        if statistics is not None:
            found[name] = variant = with_statistics(variant, statistics)
        validate(variant)
        for axis in axes:
            axis.check(variant)
        _conflicts(variant, axes)
    return found


def workers(number: int | None) -> int | None:
    """How many chunks run side by side, if that was said."""
    return None if number is None else count("monte_carlo.workers", number)


def names(cases: Cases | None, axes: Sequence[Axis], grids: Mapping[str, Grid]) -> None:
    """No axis, and no dimension of cases, has the name of a result, of one of its dimensions or of another axis."""
    taken: set[str] = set()
    for grid in grids.values():
        taken |= {*grid.fields, *(dim for field in grid.fields.values() for dim in field.dims)}
        taken |= reserved(grid.sim.network)
    if cases is not None and cases.name in {axis.name for axis in axes}:
        fail("Cases.name", "needs another name: an axis has this one", cases.name)
    dimensions: list[Axis | Cases] = [*axes, *([] if cases is None else [cases])]
    for axis in dimensions:
        if axis.name in taken:
            rule = "needs another name: a result or one of its dimensions has this one"
            fail(f"monte_carlo.axes: {type(axis).__name__}", rule, axis.name)
    taken |= {axis.name for axis in dimensions}
    for one in axes:
        for column in one.columns().keys() - {LABEL}:
            if column in taken:
                fail(
                    f"{type(one).__name__}.labels",
                    "needs another name of a column: a dimension or result has this one",
                    column,
                )
            taken.add(column)


def member(grids: Mapping[str, Grid] | None, case: str | None, indices: Mapping[str, int]) -> tuple[Grid, list[int]]:
    """The grid of a case, and the position of one member in it."""
    if grids is None:
        rule = "needs the dataset as monte_carlo returned it (a loaded or derived one forgot its study)"
        fail("replay", rule, "a dataset")
    one_of("replay.case", case or "", grids)
    grid = grids[case or ""]
    known = [axis.name for axis in grid.axes]
    if sorted(indices) != sorted(known):
        fail("replay", f"needs one index per axis {known}", indices)
    for axis in grid.axes:
        if not 0 <= indices[axis.name] < axis.size:
            fail(f"replay.{axis.name}", f"must lie in [0, {axis.size - 1}]", indices[axis.name])
    return grid, [indices[name] for name in known]


def _conflicts(sim: Simulation, axes: Sequence[Axis]) -> None:
    """No two axes set the same leaf or build the same network: one of them would be without effect."""
    setters: dict[str, str] = {}
    for axis in axes:
        for path in ("network", *axis.sets(sim))[0 if axis.rebuilds else 1 :]:
            if path in setters:
                rule = f"the axes {setters[path]!r} and {axis.name!r} both set {path}"
                fail("monte_carlo.axes", rule, [a.name for a in axes])
            setters[path] = axis.name
