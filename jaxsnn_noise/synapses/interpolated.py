"""Delays that can be learned: a spike between two steps arrives in both, in part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float32

from jaxsnn_noise._checks import fail, named, number, positive, steps_of
from jaxsnn_noise._typing import Key, Values
from jaxsnn_noise.parameters import Range, as_parameter, between, parameter, variable
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Seen
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import OfMatrix, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums, Weights, dot


class Sent(eqx.Module):
    """What was released in the last steps [step, source], that of the present step first."""

    last: Values = variable("1", None)


def up_to_the_longest(projection: Any, *outer: Any) -> Range:
    """From 0 to ``longest``."""
    del outer
    return between(0.0, projection.longest)


class DelayedDense(OfMatrix):
    r"""All-to-all projection whose delays are real numbers, of each source or of each synapse: what learning moves.

    A spike that is due between two steps arrives in both, in parts that add up to it. With :math:`x = \mathrm{offset}/dt`, :math:`k = \lfloor x \rfloor` and :math:`f = x - k`:

    .. math:: I_i(t) = \sum_j W_{ij}\,[(1 - f_{ij})\, s_j(t - k_{ij}) + f_{ij}\, s_j(t - k_{ij} - 1)]

    so the current is piecewise linear in the delay, its mean arrival is exactly the offset, and the derivative with respect to a delay is
    :math:`W_{ij} [s_j(t - k - 1) - s_j(t - k)]/dt`; at a whole number of steps, where both sides differ, that to the right (at ``longest`` to
    the left). It is the derivative of the interpolated network at fixed spikes. It sees one step to either side: a delay finds a
    coincidence that is near, not one that is far. Sums over spikes are exact, as those of :class:`Dense`.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        weights: [target, source]; unit as its kinetics says.
        offsets: Delay on top of ``delay`` [ms], 0 to ``longest``: one number, one per source (axonal), or one per synapse [target, source].
            A leaf, held as [source] or [target, source]; training keeps it strictly between 0 and ``longest``.
        longest: The largest offset [ms], a multiple of dt and at least one step; a step costs memory of so many steps. An offset
            beyond it makes all arrivals NaN, which ``health`` counts.
        kinetics, delay, noise, sums: As for :class:`Dense`.

    Raises:
        InputError: weights or offsets of another shape; offsets below 0 or above ``longest``; ``longest`` that is no multiple of dt.

    References: learned delays: Shrestha and Orchard 2018, arXiv:1810.08646 (of sources); Hammouamri, Khalfaoui-Hassani, Masquelier 2023,
    arXiv:2306.17670 (of synapses, by interpolation).

    Example:
        >>> DelayedDense("a", "b", [[0.5, 0.2]], offsets=2.4, longest=10.0).offsets.tolist()
        [2.4000000953674316, 2.4000000953674316]
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Weights = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    offsets: Float32[Array, "..."] = parameter("ms", up_to_the_longest, shape=None)
    longest: float = eqx.field(static=True)
    kinetics: Kinetics
    delay: float | None = eqx.field(static=True)
    noise: dict[str, Any]
    sums: Sums

    def __init__(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        offsets: Any,
        longest: float,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
    ):
        self.source = source
        self.target = target
        self.weights = weights
        given = as_parameter("DelayedDense.offsets", offsets)
        self.offsets = given if given.ndim else jnp.broadcast_to(given, np.shape(weights)[-1:])
        self.longest = number("DelayedDense.longest", longest)
        positive("DelayedDense.longest", self.longest, "ms")
        self.kinetics = Held() if kinetics is None else kinetics
        self.delay = delay
        self.noise = named("DelayedDense.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")
        self.sums = ExactSums() if sums is None else sums

    def check(self, who: str, source_size: int, target_size: int) -> None:
        super().check(who, source_size, target_size)
        self.sums.check(who, self.weights)
        if self.offsets.shape not in ((source_size,), (target_size, source_size)):
            rule = (
                f"must be one number, one per source ({source_size},) or one per synapse ({target_size}, {source_size})"
            )
            fail(f"{who}.offsets", rule, self.offsets.shape)

    def check_step(self, who: str, dt: float) -> None:
        if not steps_of(f"{who}.longest", self.longest, dt):
            fail(f"{who}.longest", f"must be at least one step, dt = {dt:g} ms [ms]", self.longest)

    def prepared(self, largest: int = 1) -> tuple[Weights, int]:
        return self.weights, largest

    def arrivals(self, prepared: tuple[Weights, int], released: Values) -> Values:
        """Those of all synapses without their offsets."""
        weights, largest = prepared
        return dot(self.sums.prepare(weights, largest), released)

    def init(self, prepared: Any, key: Key, dt: float) -> Sent:
        del prepared, key
        return Sent(jnp.zeros((round(self.longest / dt) + 1, self.weights.shape[1]), jnp.float32))

    def transmit(
        self, prepared: tuple[Weights, int], state: Sent, released: Values, seen: Seen, key: Tick, dt: float
    ) -> tuple[Values, Sent]:
        del seen, key
        last = jnp.concatenate([released[None], state.last[:-1]])
        x = self.offsets / jnp.float32(dt)
        k = jnp.clip(jnp.floor(x), 0.0, len(last) - 2.0)
        first = k.astype(jnp.int32)
        columns = jnp.arange(last.shape[1])
        early, late = last[first, columns], last[first + 1, columns]
        possible = jnp.all((self.offsets >= 0) & (self.offsets <= self.longest))
        arrived = self._summed(prepared, x - k, early, late)
        return jnp.where(possible, arrived, jnp.nan), Sent(last)

    def _summed(self, prepared: tuple[Weights, int], part: Values, early: Values, late: Values) -> Values:
        """Sums over both parts of every spike, with the weights of all of them on one grid per target."""
        weights, largest = prepared
        part = jnp.broadcast_to(part, weights.shape)
        both = self.sums.prepare(jnp.concatenate([weights * (1.0 - part), weights * part], axis=1), largest)
        signals = jnp.concatenate([early, late], axis=-1)
        return dot(both, signals) if signals.ndim == 1 else jnp.sum(both * signals, axis=1)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", np.eye(5) * 0.5, offsets=0.0, longest=2.0)
