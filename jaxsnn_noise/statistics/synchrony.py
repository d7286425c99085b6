"""How much neurons do together, and how much they follow a rhythm."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxsnn_noise._typing import Leaf
from jaxsnn_noise.parameters import parameter, positive
from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons, Statistic, check_variable
from jaxsnn_noise.statistics.moments import Running, VoltageMoments


class SynchronyIndex(Statistic):
    r"""Synchrony of a population [1]: standard deviation of the mean over that of the members (Golomb's chi).

    .. math:: \chi = \sqrt{\frac{\mathrm{Var}_t \langle x_i \rangle_i}{\langle \mathrm{Var}_t\, x_i \rangle_i}}

    1 where all do the same, ``1/sqrt(N)`` for N independent neurons: compare sizes before networks. With pairwise correlations
    c it is ``sqrt(c + (1 - c)/N)``. Variances over time are those of :class:`VoltageMoments`. NaN where nothing varies.
    Differentiable.

    Args:
        variable: ``"v"``, or another one that is recorded; of spikes it is that of single steps.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [] [1].

    References:
        Golomb (2007), doi:10.4249/scholarpedia.1347; Golomb and Rinzel (1993), doi:10.1103/PhysRevE.48.4810.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import SynchronyIndex, over_raster
    >>> wave = jnp.array([[0.0, 0.0], [1.0, 1.0]])
    >>> print(over_raster(SynchronyIndex(), wave * 0, dt=1.0, voltage=wave))
    1.0
    """

    exact: ClassVar[bool] = False

    variable: str = eqx.field(static=True, default="v")
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        check_variable("SynchronyIndex.variable", self.variable, None)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Running:
        return VoltageMoments().init(_with_mean(about))

    def update(self, acc: Running, frame: Frame, about: About) -> Running:
        x = frame.variable(self.variable)
        row = jnp.concatenate([x, x.mean(keepdims=True)])
        shown = Frame(spikes=row, output=row, v=row, current=row, threshold=row, index=frame.index)
        return VoltageMoments().update(acc, shown, _with_mean(about))

    def merge(self, a: Running, b: Running, about: About) -> Running:
        return VoltageMoments().merge(a, b, _with_mean(about))

    def finalize(self, acc: Running, about: About) -> Float[Array, ""]:
        variance = VoltageMoments().finalize(acc, _with_mean(about)).variance
        each = variance[:-1].mean()
        varies = (each > 0) & (variance[-1] > 0)
        ratio = jnp.where(varies, variance[-1] / jnp.where(varies, each, jnp.float32(1)), jnp.float32(1))
        none = jnp.where(each > 0, jnp.float32(0), jnp.float32(jnp.nan))
        return jnp.where(varies, jnp.sqrt(ratio), none)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ()}

    @classmethod
    def example(cls) -> Self:
        return cls()


def _with_mean(about: About) -> About:
    return About(about.size + 1, about.steps, about.dt)


class Locking(eqx.Module):
    """Vector strength [1] and mean phase [rad] of the spikes of each neuron."""

    strength: Float[Array, " neuron"]
    phase: Float[Array, " neuron"]


class Phases(eqx.Module):
    """Accumulator: number of spikes, and sums of cosines and sines of their phases."""

    spikes: Float[Array, " neuron"]
    cosines: Float[Array, " neuron"]
    sines: Float[Array, " neuron"]


class VectorStrength(OfNeurons):
    r"""Phase locking of the spikes of each neuron to a rhythm: ``r exp(i phi) = (1/n) sum_j exp(2 pi i f t_j)``.

    1 if all spikes have one phase, 0 if phases are uniform. Spikes lie at the ends of their steps, or where the firing
    rule says inside them; times count from the start of the measurement (a stimulus that starts with the warm-up has another phase). **Biased up** for few spikes: without locking
    ``E[r^2] = 1/n`` (Rayleigh). NaN for a neuron without spikes. Single precision says a phase to about 6e-8 of the cycles
    since the start.

    Args:
        frequency_hz: ``f`` [Hz], > 0.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Locking`: ``strength`` [1] and ``phase`` [rad] in (-pi, pi], float32 [neuron].

    References:
        Goldberg and Brown (1969), doi:10.1152/jn.1969.32.4.613; Mardia and Jupp (2000), *Directional Statistics*.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import VectorStrength, over_raster
    >>> print(over_raster(VectorStrength(250.0), jnp.array([[0], [0], [0], [1]] * 3), dt=1.0).strength)
    [1.]
    """

    exact: ClassVar[bool] = False

    frequency_hz: Leaf = parameter("Hz", positive)
    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"strength": "1", "phase": "rad"}

    def init(self, about: About) -> Phases:
        none = jnp.zeros(about.size, jnp.float32)
        return Phases(none, none, none)

    def update(self, acc: Phases, frame: Frame, about: About) -> Phases:
        step = jnp.asarray(frame.index, jnp.int32) + jnp.int32(1)
        cycles = self.frequency_hz * jnp.float32(about.dt / 1000.0)
        # in two parts, so that whole cycles drop out before they cost digits
        block = jnp.mod(cycles * jnp.float32(4096), jnp.float32(1))
        late = (step // jnp.int32(4096)).astype(jnp.float32) * block
        turn = jnp.mod(late, jnp.float32(1)) + (step % jnp.int32(4096)).astype(jnp.float32) * cycles
        if about.inside and frame.inside is not None:
            earlier = jnp.where(frame.spikes > 0, jnp.float32(about.dt) - frame.inside, jnp.float32(0))
            turn = turn - earlier * (self.frequency_hz / jnp.float32(1000))
        angle = jnp.float32(2 * jnp.pi) * jnp.mod(turn, jnp.float32(1))
        s = frame.spikes
        return Phases(acc.spikes + s, acc.cosines + s * jnp.cos(angle), acc.sines + s * jnp.sin(angle))

    def merge(self, a: Phases, b: Phases, about: About) -> Phases:
        del about
        return Phases(a.spikes + b.spikes, a.cosines + b.cosines, a.sines + b.sines)

    def finalize(self, acc: Phases, about: About) -> Locking:
        del about
        some = acc.spikes > 0
        square = acc.cosines**2 + acc.sines**2
        apart = square > 0
        length = jnp.where(apart, jnp.sqrt(jnp.where(apart, square, jnp.float32(1))), jnp.float32(0))
        nan = jnp.float32(jnp.nan)
        strength = jnp.where(some, length / jnp.where(some, acc.spikes, jnp.float32(1)), nan)
        phase = jnp.arctan2(jnp.where(apart, acc.sines, jnp.float32(0)), jnp.where(apart, acc.cosines, jnp.float32(1)))
        return Locking(strength, jnp.where(some, phase, nan))

    @classmethod
    def example(cls) -> Self:
        return cls(80.0)
