"""What ``monte_carlo`` and ``replay`` check before anything is computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsnn_noise._checks import count, fail, near_matches
from jaxsnn_noise.engine.names import LABEL, reserved
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.ensemble.axes import Axis, Cases, Wafers
from jaxsnn_noise.hardware.imperfection import WAFER
from jaxsnn_noise.statistics import Statistic


def listed(axes: Iterable[Axis]) -> tuple[Axis, ...]:
    """Axes, gone through once: they may come from a generator."""
    if isinstance(axes, (str, Mapping)) or not isinstance(axes, Iterable):
        fail("monte_carlo.axes", "must be a list of axes, e.g. [Trials(50)]", axes)
    found = tuple(axes)
    for axis in found:
        if isinstance(axis, Cases):
            rule = "hold no Cases: they are the first argument, in place of the simulation"
            fail("monte_carlo.axes", rule, axis.name)
        if not isinstance(axis, Axis):
            fail("monte_carlo.axes", "must be axes, e.g. Trials(50)", axis)
        if axis.name == WAFER and not isinstance(axis, Wafers):
            fail("monte_carlo.axes", f"the name {WAFER!r} is that of jn.Wafers: chips are drawn anew along it", axis)
    names = [axis.name for axis in found]
    if len(set(names)) != len(names):
        fail("monte_carlo.axes", "need different names", names)
    return found


def variants(
    sim: Simulation | Cases, axes: Sequence[Axis], statistics: Mapping[str, Statistic] | None
) -> dict[str, Simulation]:
    """The simulations by case (one of no name without cases), each checked together with the axes."""
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
        _drawn(variant, axes)
    return found


def workers(number: int | None, who: str = "monte_carlo") -> int | None:
    """How many chunks run side by side, if that was said."""
    if number is not None and count(f"{who}.workers", number) > MOST_WORKERS:
        fail(f"{who}.workers", f"must be at most {MOST_WORKERS}: each is a thread", number)
    return number


MOST_WORKERS = 1024


def of_cases(cases: str | None, axes: Sequence[Axis]) -> None:
    """The dimension of cases has another name than the axes."""
    if cases is not None and cases in {axis.name for axis in axes}:
        fail("Cases.name", "needs another name: an axis has this one", cases)


def coordinates(axes: Sequence[Axis]) -> None:
    """Coordinates have the length of their axis."""
    for axis in axes:
        for column, values in {"coordinate": axis.coordinate(), **axis.columns()}.items():
            if np.shape(values) != (axis.size,):
                rule = f"must be one for each of the {axis.size} members"
                fail(f"{type(axis).__name__} {axis.name!r}: {column}", rule, np.shape(values))


def names(cases: str | None, axes: Sequence[Axis], sims: Mapping[str, Simulation], fields: Iterable[Any]) -> None:
    """No axis, and no dimension of cases, has the name of a result, of one of its dimensions or of another axis.

    Args:
        cases: Name of the dimension of cases, if there are some.
        axes: The axes.
        sims: The simulations by case.
        fields: The arrays of one member by name, for each case.
    """
    taken: set[str] = set()
    for known in fields:
        taken |= {*known, *(dim for field in known.values() for dim in field.dims)}
    for sim in sims.values():
        taken |= reserved(sim.network)
    for kind, name in [*((type(axis).__name__, axis.name) for axis in axes), *([("Cases", cases)] if cases else [])]:
        if name in taken:
            rule = "needs another name: a result or one of its dimensions has this one"
            fail(f"monte_carlo.axes: {kind}", rule, name)
    taken |= {axis.name for axis in axes} | ({cases} if cases else set())
    for one in axes:
        for column in one.columns().keys() - {LABEL}:
            if column in taken:
                rule = "needs another name of a column: a dimension or result has this one"
                fail(f"{type(one).__name__}.labels", rule, column)
            taken.add(column)


def _drawn(sim: Simulation, axes: Sequence[Axis]) -> None:
    """Streams that are frozen but for some axes, and imperfections, name axes that there are."""
    names = [axis.name for axis in axes]
    for stream, kept in sim.frozen:
        for name in kept:
            if name not in names:
                fail(
                    f"frozen[{stream!r}]",
                    "must name axes of this study, or noise is the same along all",
                    name,
                    known=names,
                )
    for name, imperfection in sim.imperfections.items():
        if imperfection.axis not in (None, *names) and near_matches(imperfection.axis, names):
            rule = "must be the name of an axis, or all its members are the same"
            fail(f"imperfections.{name}.axis", rule, imperfection.axis, known=names)
        if imperfection.wafer is not None and imperfection.axis in names and imperfection.wafer not in names:
            rule = "has a part of its wafer: add the axis jn.Wafers(n), or all devices lie on one wafer"
            fail(f"imperfections.{name}", rule, names)


def _conflicts(sim: Simulation, axes: Sequence[Axis]) -> None:
    """No two axes set the same leaf or build the same network: one of them would be without effect."""
    setters: dict[str, str] = {}
    for axis in axes:
        for path in ("network", *axis.sets(sim))[0 if axis.rebuilds else 1 :]:
            if path in setters:
                rule = f"the axes {setters[path]!r} and {axis.name!r} both set {path}"
                fail("monte_carlo.axes", rule, [a.name for a in axes])
            setters[path] = axis.name
