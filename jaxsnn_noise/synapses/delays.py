"""A delay for every synapse, on top of that of its projection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise._checks import concrete, fail, nonnegative, number, steps_of
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.parameters import as_parameter, parameter, variable
from jaxsnn_noise.parameters import nonnegative as at_least_zero
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.events import Columns, over_spikes
from jaxsnn_noise.synapses.kinetics import Kinetics
from jaxsnn_noise.synapses.sparse import Sparse, order_of
from jaxsnn_noise.synapses.sums import Sums


class Waiting(eqx.Module):
    """What will arrive [step, target], that of the present step first."""

    sums: Values = variable("1", None)


class DelayedSparse(Sparse):
    """A :class:`Sparse` projection whose synapses have delays of their own: a spike arrives ``delay + offset`` after it.

    What was sent waits as sums [step, target]: a step costs the synapses of the spikes and ``longest/dt`` times the targets. Sums are exact as those of ``Sparse``: weights lie on the grid of their target's whole row.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        offsets: Delay of each synapse on top of ``delay`` [ms], >= 0, one number or one per synapse in the order of ``rows``;
            multiples of dt. An array leaf: it may be swept (changed values are rounded to the nearest step).
        longest: The largest offset that the ring has room for [ms]; ``None``: that of the given offsets. An offset above it
            makes all arrivals NaN, which ``health`` counts.
        size, rows, columns, weights, key, kinetics, delay, noise, sums, multapses: As for :class:`Sparse`.

    Raises:
        InputError: as for ``Sparse``; offsets that are negative or above ``longest``, or, once dt is known, no multiples of dt.

    Example:
        >>> late = DelayedSparse("a", "b", size=(2, 1), rows=[0, 1], columns=[0, 0], weights=1.0, offsets=[0.0, 3.0])
        >>> late.longest
        3.0
    """

    offsets: Float32[Array, "synapse"] = parameter("ms", at_least_zero, shape=None)
    longest: float = eqx.field(static=True)

    def __init__(
        self,
        source: str,
        target: str,
        *,
        size: tuple[int, int],
        rows: Any,
        columns: Any,
        weights: Any,
        offsets: Any,
        longest: float | None = None,
        key: Any = None,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
        multapses: bool = False,
    ):
        super().__init__(
            source, target, size=size, rows=rows, columns=columns, weights=weights, key=key, kinetics=kinetics,
            delay=delay, noise=noise, sums=sums, multapses=multapses,
        )  # fmt: skip
        who = f"{type(self).__name__}({source!r}, {target!r})"
        given = as_parameter(f"{who}.offsets", offsets)
        if given.shape not in ((), self.rows.shape):
            rule = f"must be one number or one per synapse (shape ({self.rows.shape[0]},))"
            fail(f"{who}.offsets", rule, given.shape)
        order = order_of(rows, columns, self.size)
        self.offsets = jnp.broadcast_to(given if order is None or not given.ndim else given[order], self.rows.shape)
        values = concrete(self.offsets)
        if values is None and longest is None:
            fail(f"{who}.longest", "must be given where offsets are traced [ms]", None)
        nonnegative(f"{who}.offsets", self.offsets, "ms")
        most = 0.0 if values is None or not values.size else float(values.max())
        self.longest = most if longest is None else number(f"{who}.longest", longest)

    @property
    def linear(self) -> bool:
        return False

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        nonnegative(f"{who}.longest", self.longest, "ms")
        values = concrete(self.offsets)
        if values is not None and values.size and float(values.max()) > self.longest:
            fail(f"{who}.offsets", f"must be at most longest = {self.longest:g} [ms]", float(values.max()))

    def check_step(self, who: str, dt: float) -> None:
        steps_of(f"{who}.longest", self.longest, dt)
        values = concrete(self.offsets)
        if values is None or not values.size:
            return
        steps = values.astype(np.float64) / dt
        wrong = np.abs(steps - np.round(steps)) > 1e-5 * np.maximum(1.0, steps)
        if wrong.any():
            fail(f"{who}.offsets", f"must be multiples of dt = {dt:g} ms [ms]", float(f"{values[wrong][0]:g}"))

    def init(self, prepared: Columns, key: Key, dt: float) -> Waiting:
        del prepared, key
        return Waiting(jnp.zeros((self._depth(dt), self.size[0]), jnp.float32))

    def transmit(
        self, prepared: Columns, state: Waiting, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Waiting]:
        del seen, key
        depth, targets = state.sums.shape
        steps = jnp.round(self.offsets / jnp.float32(dt)).astype(jnp.int32)
        possible = jnp.all((steps >= 0) & (steps < depth) & (self.offsets >= 0))
        # a target stands once for every step that an arrival may wait: the same product, with more rows
        rows = jnp.clip(steps, 0, depth - 1) * targets + prepared.rows
        later = Columns(prepared.weights, rows, prepared.columns, prepared.starts)
        sums = state.sums + over_spikes(later, released, depth * targets).reshape(depth, targets)
        following = jnp.concatenate([sums[1:], jnp.zeros_like(sums[:1])])
        return jnp.where(possible, sums[0], jnp.nan), Waiting(following)

    def _depth(self, dt: float) -> int:
        return round(self.longest / dt) + 1

    @classmethod
    def example(cls) -> Self:
        rows, columns = [3, 1, 0, 4, 2, 0], [0, 1, 1, 2, 4, 4]
        return cls("a", "b", size=(5, 5), rows=rows, columns=columns, weights=0.5, offsets=0.0, longest=2.0)
