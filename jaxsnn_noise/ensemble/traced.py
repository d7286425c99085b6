"""The program of one member of a grid, traced once for all that is to know of it: shapes of results, costs, identity."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import ClosedJaxpr

from jaxsnn_noise.engine.member import run
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.members import placed
from jaxsnn_noise.fingerprints import effects, of_program


@dataclass(frozen=True, eq=False)
class Traced:
    """A program with all arrays as arguments, so the same one for all values.

    Attributes:
        results: Shapes of the member's results.
        whole: Of the indices along the axes, and of the arrays of simulation and axes: what the axes make of it, and its run.
        run: The run alone, of the simulation as the axes left it. It knows neither sizes of axes nor what they set.
    """

    results: dict[str, Any]
    whole: ClosedJaxpr
    run: ClosedJaxpr

    @functools.cached_property
    def of_whole(self) -> str:
        """A hash of what a grid computes, values apart."""
        return of_program(self.whole, jax.tree.structure(self.results))

    @functools.cached_property
    def of_run(self) -> str:
        """A hash of what a member computes of the simulation that the axes leave to it, values apart."""
        return of_program(self.run, jax.tree.structure(self.results))

    @functools.cached_property
    def effects(self) -> list[str]:
        """What the program does beside computing."""
        return effects(self.whole)


def traced(sim: Simulation, axes: Sequence[Axis], backend: Any) -> Traced:
    """The program of a member of a grid of axes."""
    leaves, tree = jax.tree.flatten((sim, tuple(axes), backend))
    return _traced(tree, tuple(jax.ShapeDtypeStruct(x.shape, x.dtype) if eqx.is_array(x) else x for x in leaves))


@functools.lru_cache(maxsize=128)
def _traced(tree: Any, structs: tuple[Any, ...]) -> Traced:
    """A trace takes 0.2 s, so there is none for a study that runs again with other values."""
    arrays, others = eqx.partition(list(structs), lambda x: isinstance(x, jax.ShapeDtypeStruct))
    axes = jax.tree.unflatten(tree, structs)[1]

    def function(indices: list[jax.Array], arrays: Any) -> Any:
        sim, axes, backend = jax.tree.unflatten(tree, eqx.combine(arrays, others))
        root = jnp.zeros(2, jnp.uint32)
        sim, address = placed(sim, root, axes, indices)
        values, rest = eqx.partition((sim, root, address), eqx.is_array)

        def run_of_member(values: Any) -> dict[str, Any]:
            return run(backend, *eqx.combine(values, rest))

        return jax.jit(run_of_member)(values)

    indices = [jax.ShapeDtypeStruct((), np.uint32)] * len(axes)
    whole, results = jax.make_jaxpr(function, return_shape=True)(indices, arrays)
    inner = next(eqn.params["jaxpr"] for eqn in whole.eqns if eqn.params.get("name") == "run_of_member")
    return Traced(results, whole, inner)
