"""What keeps leaves away from extremes while they are trained: a term of the loss that reads the simulation itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Range, Resolved, declarations, parameter, real
from jaxsnn_noise.training.losses import Loss
from jaxsnn_noise.training.transforms import Transform, of_the_leaf, within

__all__ = [
    "RangeRegulariser",
]


def _as_tuple(patterns: Any) -> Any:
    return (patterns,) if isinstance(patterns, str) else tuple(patterns) if isinstance(patterns, Sequence) else patterns


class RangeRegulariser(Loss):
    r"""Keeps leaves in a band: the mean over all entries of :math:`\max(0, u(low) - u(x))^2 + \max(0, u(x) - u(high))^2`.

    ``u`` is the free value by which training moves the leaf: the logarithm of what is positive, so that a time constant twice too long costs
    as much as one of half the length, whatever its unit; the leaf itself where it has no range; the logit of a gate. Within the band
    it costs nothing. Absent synapses count nothing.

    It is a term of what is descended and of the training loss that is told; validation and tests are about data, and do without.

    Args:
        patterns: Paths of leaves from the simulation on, or patterns of some (``*``, ``?``, ``[...]``; ``*`` crosses dots).
        low: Lower end of the band, in the unit of the leaves; ``None``: none.
        high: Upper end, above ``low``; ``None``: none.

    Raises:
        InputError: where training begins, for a pattern that selects no float leaf (with near matches), or an end outside the range
            of a leaf; no end; ``low`` above ``high``.

    Example:
        >>> from jaxsnn_noise.training import losses
        >>> loss = losses.CrossEntropy() + 0.1 * RangeRegulariser("network.hidden*.neuron.tau_mem", low=2.0, high=200.0)
    """

    patterns: tuple[str, ...] = eqx.field(static=True, converter=_as_tuple)
    low: Leaf | None = parameter(of_the_leaf, real, default=None, kw_only=True)
    high: Leaf | None = parameter(of_the_leaf, real, default=None, kw_only=True)

    def __check_init__(self) -> None:
        if (
            not isinstance(self.patterns, tuple)
            or not all(isinstance(p, str) for p in self.patterns)
            or not self.patterns
        ):
            fail("RangeRegulariser.patterns", "needs at least one path or pattern (texts)", self.patterns)
        low, high = (None if end is None else concrete(end) for end in (self.low, self.high))
        if self.low is None and self.high is None:
            fail("RangeRegulariser", "needs low or high", None)
        if low is not None and high is not None and not low < high:
            fail("RangeRegulariser.high", "must lie above low", float(high))

    def penalty(self, sim: Simulation) -> Scalar:
        total, count = jnp.float32(0.0), jnp.float32(0.0)
        for path, transform, leaf in self._leaves(sim):
            free = transform.free(leaf)
            there = jnp.isfinite(free)
            free = jnp.where(there, free, 0.0)
            outside = jnp.zeros_like(free)
            for end, sign in ((self.low, -1.0), (self.high, 1.0)):
                if end is not None:
                    transform.check(f"RangeRegulariser of {path}", end)
                    outside = outside + jnp.square(jax.nn.relu(sign * (free - transform.free(end))))
            total = total + jnp.sum(jnp.where(there, outside, 0.0))
            count = count + jnp.sum(there.astype(jnp.float32))
        return total / jnp.maximum(count, 1.0)

    def reads(self, network: Network) -> Any:
        del network
        return ()

    def __call__(self, readings: Any, targets: Any) -> Scalar:
        del readings, targets
        return jnp.float32(0.0)

    def check(self, network: Network, who: str, targets: Any) -> None:
        del network, who, targets

    def _leaves(self, sim: Simulation) -> Iterator[tuple[str, Transform, Values]]:
        known = {path: leaf for path, leaf in paths.leaves(sim).items() if jnp.issubdtype(leaf.dtype, jnp.floating)}
        said = declarations(sim)
        for path in paths.selected("RangeRegulariser.patterns", known, self.patterns):
            yield path, within(said.get(path, Resolved(None, Range()))), known[path]

    @classmethod
    def example(cls) -> Self:
        return cls(("network.hidden.neuron.tau_mem",), low=5.0, high=50.0)


def __dir__() -> list[str]:
    return __all__
