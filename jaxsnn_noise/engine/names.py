"""What results are called: a rule that looks at one statistic and its population, and at nothing else in the network.

A result has the name of its statistic, ``rate``; one with fields has one name per field, ``v_mean`` and ``v_variance``.
Its dimensions are those of the statistic, in the names that they have for all of them: ``neuron`` (and ``partner``)
become ``<population>_neuron``, ``time`` and ``byte`` stay. That holds for a dimension that is whole. One that is cut (a
trace of some neurons, or of every tenth step), and one of any other name (``bin``), is the statistic's own:
``<dimension>_<statistic>``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from jaxsnn_noise._checks import fail
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.observed import Entity, entity_of
from jaxsnn_noise.statistics import About, Health, Statistic

OF_POPULATION = ("neuron", "partner")
"""Dimensions of which every population has one (of a statistic of synapses, the first of them is ``synapse``)."""
OF_RUN = ("time", "byte")
"""Dimensions that all populations share: the measured steps, and the bytes of their bits."""
LABEL = "label"
"""The coordinate that samples have."""


def variables(name: str, statistic: Statistic) -> list[str]:
    """The names of the results of a statistic: its own, or one per field."""
    return [f"{name}_{field}" if field else name for field in statistic.units]


def dimension(name: str, entity: Entity, dim: str, size: int, labels: Sequence[Any] | None, about: About) -> str:
    """The name of a dimension of a statistic's results.

    Args:
        name: The name of the statistic.
        entity: What the entries of its variables belong to.
        dim: What the statistic calls the dimension.
        size: Its size.
        labels: Its coordinate; ``None``: it counts from 0.
        about: What the statistic knows of the run.
    """
    shared = _shared(entity, dim)
    return shared if _whole(dim, size, labels, about) else f"{shared}_{name}"


def reserved(network: Network) -> set[str]:
    """Names of dimensions and coordinates of any result of the network: no statistic and no axis has one."""
    populations = {f"{name}_{dim}" for name in network.cells() for dim in OF_POPULATION}
    return {LABEL, *OF_RUN, *populations, *(f"{name}_synapse" for name in network.projections)}


def check_names(
    network: Network, statistics: Mapping[str, Statistic], steps: Callable[[Statistic], int], dt: float
) -> None:
    """No result has the name of another one or of a dimension; ``steps`` says how many a statistic sees.

    Raises:
        InputError: with the statistic that needs another name.
    """
    dims = dict.fromkeys(reserved(network), "")
    for name, statistic in statistics.items():
        entity = entity_of(network, statistic, dt)
        for dim in _own(name, statistic, entity, About(entity.size, steps(statistic), dt)):
            if dims.setdefault(dim, name) != name:
                fail(f"statistics.{name}", "needs another name: it would give two dimensions one name", dim)
    seen: dict[str, str] = {}
    for name, statistic in statistics.items():
        for variable in variables(name, statistic):
            if variable in dims:
                fail(f"statistics.{name}", "needs another name: a dimension of results has this one", variable)
            if seen.setdefault(variable, name) != name:
                rule = f"needs another name: a result of {seen[variable]!r} has this one"
                fail(f"statistics.{name}", rule, variable)


def check_health(name: str, statistic: Statistic, population: str) -> None:
    """Names that start with ``health`` are the engine's; a ``Health`` of other settings may take their place."""
    if name.startswith("health") and not (name == f"health_{population}" and isinstance(statistic, Health)):
        rule = f"needs another name: those that start with 'health' are taken (health_{population} may be a Health)"
        fail(f"statistics.{name}", rule, name)


def _own(name: str, statistic: Statistic, entity: Entity, about: About) -> Iterator[str]:
    """The dimensions that are, or may be, the statistic's own."""
    for dim in {dim for dims in statistic.dims(about).values() for dim in dims}:
        yield f"{_shared(entity, dim)}_{name}"


def _shared(entity: Entity, dim: str) -> str:
    """The name of a dimension that is whole."""
    if dim == "neuron":
        return entity.dimension
    return f"{entity.owner}_{dim}" if dim in OF_POPULATION else dim


def _whole(dim: str, size: int, labels: Sequence[Any] | None, about: About) -> bool:
    """Whether a dimension is the one that others have, too: all neurons, all steps."""
    if dim in OF_POPULATION:
        return size == about.size and (labels is None or list(labels) == list(range(size)))
    if dim == "time":
        ends = about.dt * np.arange(1, about.steps + 1)
        return size == about.steps and (labels is None or np.allclose(labels, ends, rtol=1e-9))
    return dim == "byte" and size == -(-about.steps // 8) and labels is None
