"""A grid: simulations, axes and a root key, which are all the members of a study, as one value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import jax
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.backend import Backend
from jaxsnn_noise.engine.member import accepted
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.ensemble import checks
from jaxsnn_noise.ensemble.axes import Axis, Cases
from jaxsnn_noise.ensemble.traced import traced
from jaxsnn_noise.fingerprints import of_values
from jaxsnn_noise.statistics import Statistic


class Grid(eqx.Module):
    """All members of a study: one simulation, or cases of them, over named axes, under one root key. It computes nothing.

    It can be saved (:func:`jaxsnn_noise.save`), run (``monte_carlo(grid)``), weighed (:func:`plan`), and asked for any of its
    members again (:func:`replay`, :func:`chip`).

    Args:
        sim: What is simulated, or :class:`Cases` of simulations.
        axes: The named axes, in the order of the result's dimensions.
        key: Root key or seed.
        statistics: Replace the simulations' statistics.
        backend: ``Scan()`` unless given.

    Attributes:
        sims: The simulations by case (of no name without cases).
        cases: Name of the dimension of cases, if there are some.

    Raises:
        InputError: parts that do not fit each other.

    Example:
        >>> import jaxsnn_noise as jn
        >>> cells = jn.Network({"cells": jn.Population(jn.neurons.LIF(3))})
        >>> sim = jn.Simulation(cells, {"cells": jn.coding.Constant(1.2)}, duration=20.0, dt=1.0)
        >>> grid = jn.Grid(sim, [jn.Sweep("inputs.cells.values", [0.5, 1.5], name="current"), jn.Trials(4)], key=0)
        >>> grid.sizes, grid.labels["current"].tolist()
        ({'current': 2, 'trial': 4}, [0.5, 1.5])
    """

    sims: dict[str, Simulation]
    axes: tuple[Axis, ...]
    root: Key
    backend: Backend
    cases: str | None = eqx.field(static=True)

    def __init__(
        self,
        sim: Simulation | Cases,
        axes: Iterable[Axis],
        *,
        key: Any,
        statistics: Mapping[str, Statistic] | None = None,
        backend: Backend | None = None,
    ):
        self.axes = checks.listed(axes)
        self.sims = checks.variants(sim, self.axes, statistics)
        self.root = random.root(key)
        self.cases = sim.name if isinstance(sim, Cases) else None
        self.backend = next(iter([accepted("monte_carlo.backend", backend, one) for one in self.sims.values()]))
        checks.of_cases(self.cases, self.axes)

    @property
    def sizes(self) -> dict[str, int]:
        """From every dimension, that of the cases first, to its members."""
        first = {} if self.cases is None else {self.cases: len(self.sims)}
        return first | {axis.name: axis.size for axis in self.axes}

    @property
    def members(self) -> int:
        """How many there are."""
        return int(np.prod(list(self.sizes.values()), dtype=np.int64))

    @property
    def labels(self) -> dict[str, np.ndarray]:
        """From every dimension to the labels of its members, the coordinates of results."""
        first = {} if self.cases is None else {self.cases: np.asarray(list(self.sims))}
        return first | {axis.name: np.asarray(axis.coordinate()) for axis in self.axes}

    @property
    def fingerprint(self) -> str:
        """A hash of all that determines the results and their labels: programs, values, labels, root key."""
        programs = {case: traced(sim, self.axes, self.backend).of_whole for case, sim in self.sims.items()}
        values = jax.tree.leaves(eqx.filter((self.sims, self.axes), eqx.is_array))
        labels = [(name, [str(label) for label in labels]) for name, labels in self.labels.items()]
        return of_values(programs, values, labels, self.root)

    def recording(self, statistics: Mapping[str, Statistic]) -> Grid:
        """The same members with other statistics."""
        sims = {case: with_statistics(sim, statistics) for case, sim in self.sims.items()}
        for sim in sims.values():
            validate(sim)
        return eqx.tree_at(lambda grid: grid.sims, self, sims)
