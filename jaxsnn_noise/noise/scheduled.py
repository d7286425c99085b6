"""Noise whose strength follows a schedule: annealing, ramps, noise that is switched on."""

from __future__ import annotations

from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Values
from jaxsnn_noise.noise.policies import Diffusion
from jaxsnn_noise.noise.sources import ComposedSource, Source, SourceMoments, VoltageNoise
from jaxsnn_noise.parameters import nonnegative, parameter
from jaxsnn_noise.random import Tick
from jaxsnn_noise.signals import Conditional, Context, Seam


class Scheduled(Source):
    r"""Another source with a strength that depends on time: its perturbation times :math:`f(t)`.

    ``f`` is linear between ``(times, factors)`` and constant beyond their ends; ``t = step dt`` is the beginning of the step, counted
    from the start of the run, warm-up included. Exponential cooling is ``factors = exp(-times/tau)`` on as many times as it takes. The numbers
    drawn are those of the source alone, and so is its memory: coloured noise keeps its course and changes its size. A diffusion
    inside a stepper has its increments scaled.

    Args:
        source: any source whose perturbation scales with its strength, at any seam.
        times: rising [ms], at least one.
        factors: what it is multiplied by at these times [1], >= 0.

    Raises:
        InputError: a source that takes or adds whole spikes, or whose coupling is not linear (a share of it has another meaning); times that do
            not rise; other lengths. With ``BridgeThreshold``: a bridge needs noise of one strength.

    References: Kirkpatrick, Gelatt, Vecchi 1983, doi:10.1126/science.220.4598.671 (annealing).

    Example:
        >>> cooled = Scheduled(VoltageNoise(Diffusion(0.5)), [0.0, 100.0], [1.0, 0.0])
        >>> float(cooled.factor(25.0))
        0.75
    """

    source: Source
    times: Leaf = parameter("ms", nonnegative, shape=None)
    factors: Leaf = parameter("1", nonnegative, shape=None)

    @property
    def seam(self) -> Seam:
        return self.source.seam

    def factor(self, time: Values | float) -> Values:
        """``f`` at a time [ms]."""
        return jnp.interp(jnp.asarray(time, jnp.float32), self.times, self.factors)

    def init(self, key: Key, size: int, dt: float) -> Any:
        return self.source.init(key, size, dt)

    def draw(self, state: Any, context: Context, key: Tick, dt: float) -> tuple[PerNeuron, Any]:
        drawn, state = self.source.draw(state, context, key, dt)
        return self._now(key, dt) * drawn, state

    def moments(self, context: Context, dt: float) -> SourceMoments | None:
        """Those that the last factor leaves, of a schedule that has come to its end."""
        full, last = self.source.moments(context, dt), self.factors[-1]
        if full is None:
            return None
        return SourceMoments(last * full.mean, jnp.square(last) * full.variance, full.correlation_time)

    @property
    def divisible(self) -> bool:
        return self.source.divisible

    @property
    def indecisive(self) -> str | None:
        return self.source.indecisive

    @property
    def unbridged(self) -> str | None:
        return "has a strength that changes in time"

    @property
    def smooth(self) -> bool:
        return self.source.smooth

    def coefficient(self, v: Values, *, ito: bool = False) -> Values | None:
        return self.source.coefficient(v, ito=ito)

    def wiener(self, key: Tick, size: int, dt: float) -> Values:
        return self._now(key, dt) * self.source.wiener(key, size, dt)

    def conditional(self, memory: Any, context: Context, key: Tick, dt: float) -> Conditional | str:
        parts = self.source.conditional(memory, context, key, dt)
        if isinstance(parts, str):
            return parts
        factor = self._now(key, dt)
        return Conditional(factor * parts.shift, factor * parts.std, parts.z, parts.memory)

    def prepared(self) -> Source:
        return Scheduled(self.source.prepared(), self.times, self.factors)

    def check_size(self, who: str, size: int) -> None:
        self.source.check_size(f"{who}.source", size)

    def check_step(self, who: str, dt: float) -> None:
        self.source.check_step(f"{who}.source", dt)

    def check_together(self, who: str) -> None:
        if not isinstance(self.source, Source):
            fail(f"{who}.source", "must be a noise source, e.g. noise.VoltageNoise(...)", self.source)
        linear = not isinstance(self.source, ComposedSource) or self.source.coupling.linear
        if self.source.takes or self.source.gain(1.0) or self.source.silent_only or not linear:
            rule = "must be one whose perturbation scales with its strength: a share of a spike, or of a map that is not linear, is another noise"
            fail(f"{who}.source", rule, type(self.source).__name__)
        shapes = jnp.shape(self.times), jnp.shape(self.factors)
        if len(shapes[0]) != 1 or shapes[0] != shapes[1] or 0 in shapes[0]:
            fail(f"{who}.times", "must be as many as factors, at least one", shapes)
        times = concrete(self.times)
        if times is not None and np.any(np.diff(times) <= 0):
            fail(f"{who}.times", "must rise [ms]", times)

    def _now(self, key: Tick, dt: float) -> Values:
        step = key.block * jnp.uint32(2) + jnp.uint32(key.lane)
        return self.factor(step.astype(jnp.float32) * jnp.float32(dt))

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite, that has come to its end from the beginning."""
        return cls(VoltageNoise(Diffusion(0.5)), [0.0], [0.5])
