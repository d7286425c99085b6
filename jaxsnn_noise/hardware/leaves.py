"""The leaf that an imperfection changes: how it is found, set, and split into the rows of neurons."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, UInt32

from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError, fail
from jaxsnn_noise._typing import Values

T = TypeVar("T")


def leaf_of(network: Any, path: str) -> jax.Array:
    """The leaf at a path as seen from the simulation."""
    leaf: jax.Array = paths.get(_rooted(network), path)
    return leaf


def with_leaf(network: Any, path: str, value: Any) -> Any:
    """The network with this leaf set."""
    return paths.replace(_rooted(network), {path: value})["network"]


def with_leaves(network: Any, values: Mapping[str, Any]) -> Any:
    """The network with several leaves set."""
    return paths.replace(_rooted(network), values)["network"]


def check_path(who: str, network: Any, path: str) -> jax.Array:
    """The leaf, or an :class:`InputError` where there is none of numbers."""
    rooted = _rooted(network)
    if path.split(".")[0] not in rooted:
        fail(f"{who}.path", "must start at the simulation, with 'network.'", path, known=paths.leaves(rooted))
    leaf = paths.get(rooted, path)
    if not eqx.is_array(leaf) or not jnp.issubdtype(leaf.dtype, jnp.floating):
        fail(f"{who}.path", "must lead to a parameter (an array leaf)", path, known=paths.leaves(rooted))
    return jnp.asarray(leaf)


def refusal(network: Any, path: str, value: Values) -> str | None:
    """What a network that was checked says against a leaf with this value; ``None`` if it takes it."""
    try:
        with_leaf(network, path, value).check_values("network", path.split(".")[1])
    except InputError as error:
        return str(error)
    return None


def at_once(function: Callable[..., T], *values: Any) -> T:
    """A function of a check as one program: op by op, each step would be compiled apart for every shape."""
    found: T = _compiled(function, *values)
    return found


@eqx.filter_jit
def _compiled(function: Any, *values: Any) -> Any:
    return function(*values)


def check_extreme(who: str, network: Any, path: str, extreme: Values) -> None:
    """Raise :class:`InputError` if a leaf may take values that its network refuses."""
    if said := refusal(network, path, extreme):
        fail(who, f"must keep {path} in its range in every draw", f"a law with {said}")


def neurons_of(network: Any, path: str) -> UInt32[Array, "..."] | None:
    """The neuron of each element of a leaf of weights: its target; ``None`` for any other leaf.

    A matrix is [target, source]. A list of synapses has the targets beside it, as ``rows`` [synapse].
    """
    leaf = leaf_of(network, path)
    if leaf.ndim > 1:
        return lax.broadcasted_iota(jnp.uint32, leaf.shape, 0)
    rows: Any = getattr(holder_of(network, path), "rows", None)
    return rows.astype(jnp.uint32) if eqx.is_array(rows) and rows.shape == leaf.shape else None


def largest_of_neurons(network: Any, path: str) -> Values:
    """The largest magnitude among the weights of the same neuron, for each element of the leaf (to be broadcast)."""
    magnitude, neurons = jnp.abs(leaf_of(network, path)), neurons_of(network, path)
    if magnitude.ndim > 1:
        return jnp.max(magnitude, axis=tuple(range(1, magnitude.ndim)), keepdims=True, initial=0.0)
    size = network.populations[holder_of(network, path).target].size
    return jnp.zeros(size, jnp.float32).at[neurons].max(magnitude)[neurons]


def size_of(network: Any, path: str) -> int:
    """The number of neurons that the elements of a leaf belong to."""
    leaf = leaf_of(network, path)
    if leaf.ndim == 1 and neurons_of(network, path) is not None:  # a list of synapses
        return int(network.populations[holder_of(network, path).target].size)
    return int(leaf.shape[0]) if leaf.ndim else 1


def holder_of(network: Any, path: str) -> Any:
    """The module that holds the leaf at a path."""
    return paths.get(_rooted(network), path.rpartition(".")[0])


def _rooted(network: Any) -> dict[str, Any]:
    """What an imperfection sees of the simulation: paths start there, whoever takes them."""
    return {"network": network}
