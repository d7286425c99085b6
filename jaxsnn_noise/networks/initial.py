"""Where learned dynamics start: leaves that differ between neurons by a law, or between layers by depth."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import fail, finite, number
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.laws import Law
from jaxsnn_noise.parameters import check_tree

__all__ = [
    "graded",
    "heterogeneous",
]

Tree = TypeVar("Tree")


def heterogeneous(tree: Tree, patterns: str | Sequence[str], law: Law, *, key: Any) -> Tree:
    """The tree with every entry of some leaves drawn by a law around its value, once: neurons that differ from the start.

    A time constant per neuron, ``heterogeneous(network, "hidden*.neuron.tau_mem", laws.LogNormal(0.6), key=key)``. What a device does to
    a network that was trained without it is an imperfection, ``hardware.Mismatch``, and another thing.

    Args:
        tree: A network, a simulation, or any pytree that holds one.
        patterns: Paths of leaves below it, or patterns of some (``*``, ``?``, ``[...]``; ``*`` crosses dots).
        law: Of the value of an entry around what is there. The gamma law of the source below, of shape 3, is
            ``laws.Empirical(scipy.stats.gamma(3).ppf((np.arange(999) + 0.5) / 999) / 3)``; its coefficient of variation is 0.58.
        key: Root key or seed. A leaf draws from its own stream, by its path.

    Raises:
        InputError: a pattern that selects no float leaf (with near matches); values that leave the range of a leaf.

    Reference: Perez-Nieves, Leung, Dragotti, Goodman 2021, doi:10.1038/s41467-021-26022-3.

    Example:
        >>> from jaxsnn_noise import laws, networks
        >>> network = networks.feedforward([4, 100, 3], key=0)
        >>> spread = heterogeneous(network, "hidden.neuron.tau_mem", laws.LogNormal(0.5), key=0)
        >>> bool(jnp.std(paths.get(spread, "hidden.neuron.tau_mem")) > 5.0)
        True
    """
    if not isinstance(law, Law):
        fail("heterogeneous.law", "must be a law, e.g. laws.LogNormal(0.6)", law)
    known, root = _floats(tree), random.root(key)
    names = paths.selected("heterogeneous.patterns", known, patterns)
    drawn = paths.replace(tree, {name: law.apply(known[name], random.stream(root, name)) for name in names})
    check_tree("heterogeneous", drawn)
    return drawn


def graded(network: Network, patterns: str | Sequence[str], *, first: float, last: float) -> Network:
    """The network with leaves that grow with depth, in equal ratios: ``first`` in the layer next to the input, ``last`` in the deepest.

    Early fast, late slow: ``graded(network, "hidden*.neuron.tau_mem", first=5.0, last=40.0)``; three layers get 5, 14.1 and 40 ms.
    The depth of a population is the number of projections on the shortest way from a port, that of a leaf of a projection the depth of its
    target. Depths are counted among the selected leaves alone; names play no part (``hidden_10`` comes after ``hidden_9``).

    Args:
        network: The network.
        patterns: Paths of its leaves, or patterns of some.
        first: Value in the layer of the smallest depth, in the unit of the leaf, > 0.
        last: Value in that of the largest, > 0. Below ``first``, values fall with depth.

    Raises:
        InputError: a pattern that selects no float leaf; leaves of one depth only; a population that no port reaches; values outside
            of the range of a leaf.

    Example:
        >>> from jaxsnn_noise import networks
        >>> deep = graded(networks.feedforward([4, 8, 8, 3], key=0), "hidden*.neuron.tau_mem", first=5.0, last=20.0)
        >>> [round(float(deep.populations[name].neuron.tau_mem[0]), 3) for name in ("hidden_1", "hidden_2")]
        [5.0, 20.0]
    """
    if not isinstance(network, Network):
        fail("graded.network", "must be a network", network)
    ends = {name: number(f"graded.{name}", value) for name, value in (("first", first), ("last", last))}
    for name, value in ends.items():
        finite(f"graded.{name}", value)
        if not value > 0:
            fail(f"graded.{name}", "must be > 0: values grow in equal ratios", value)
    names = paths.selected("graded.patterns", _floats(network), patterns)
    depths = _depths(network)
    of = {name: depths.get(_population(network, name), -1) for name in names}
    for name, depth in of.items():
        if depth < 0:
            fail("graded.patterns", "must select leaves of populations that a port reaches", name)
    ranks = sorted(set(of.values()))
    if len(ranks) < 2:
        fail("graded.patterns", "must select leaves of at least two depths", list(names))
    steps = np.geomspace(ends["first"], ends["last"], len(ranks))
    made = paths.replace(network, {name: float(steps[ranks.index(depth)]) for name, depth in of.items()})
    check_tree("graded", made)
    return made


def _population(network: Network, path: str) -> str:
    """The population that a leaf belongs to, or that its projection leads to."""
    name = path.split(".", 1)[0]
    return network.projections[name].target if name in network.projections else name


def _depths(network: Network) -> Mapping[str, int]:
    """The number of projections from the nearest port to each population."""
    found = dict.fromkeys(network.ports(), 0)
    waiting = deque(found)
    while waiting:
        name = waiting.popleft()
        for projection in network.projections.values():
            if projection.source == name and projection.target not in found:
                found[projection.target] = found[name] + 1
                waiting.append(projection.target)
    return found


def _floats(tree: Any) -> dict[str, jax.Array]:
    return {path: leaf for path, leaf in paths.leaves(tree).items() if jnp.issubdtype(leaf.dtype, jnp.floating)}


def __dir__() -> list[str]:
    return __all__
