"""Sums over all spike decisions of a run, of which unbiased gradients are made."""

from __future__ import annotations

from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float

from jaxsnn_noise._checks import fail
from jaxsnn_noise.parameters import parameter, real
from jaxsnn_noise.statistics import About, Frame, Statistic

FEATURES = ("one", "age", "age2", "potential", "fan_out", "fan_out_potential")
"""What is known of a neuron before it decides: 1, the time since its last spike and the square of that, its potential after the
last step, how many synapses it drives, and their product."""


class DecisionSums(eqx.Module):
    """Of one run: ``L``, and ``M``, ``A`` and ``E`` by feature."""

    log_probability: Float[Array, ""]
    surplus: Float[Array, " feature"]
    expected: Float[Array, " feature"]
    surprise: Float[Array, " feature"]
    spikes: Float[Array, ""]


class Deciding(eqx.Module):
    """Accumulator: the sums, and what the features remember of each neuron."""

    sums: DecisionSums
    age: Float[Array, " neuron"]
    potential: Float[Array, " neuron"]


class Decisions(Statistic):
    r"""Sums over all neurons and steps, warm-up included, of a run whose decisions have a probability ``p``.

    .. math:: L = \sum \log P(s), \quad M_k = \sum \phi_k (s - p), \quad A_k = \sum \phi_k\, p, \quad E_k = \sum \phi_k\, (z - E[z | s = 0])

    with the features :math:`\phi` of :data:`FEATURES`, which are known before the decision and are constants to a derivative, as is the
    ``p`` in M. M and E have mean 0, whatever the features: they are martingales.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`DecisionSums`.

    Example:
        >>> Decisions().reads[0]
        'spikes'
    """

    exact: ClassVar[bool] = False
    from_start: ClassVar[bool] = True

    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", "v", "probability", "log_probability", "surprise", "fan_out")

    @property
    def units(self) -> dict[str, str]:
        return dict.fromkeys(("log_probability", "surplus", "expected", "surprise", "spikes"), "1")

    def init(self, about: About) -> Deciding:
        none, each = jnp.zeros((), jnp.float32), jnp.zeros(len(FEATURES), jnp.float32)
        of_neurons = jnp.zeros(about.size, jnp.float32)
        return Deciding(DecisionSums(none, each, each, each, none), of_neurons, of_neurons)

    def update(self, acc: Deciding, frame: Frame, about: About) -> Deciding:
        assert frame.probability is not None
        assert frame.log_probability is not None
        assert frame.surprise is not None
        s, p = lax.stop_gradient(frame.spikes), frame.probability
        seen = lax.stop_gradient(_features(acc, about))

        def over(x: Array) -> Float[Array, " feature"]:
            return jnp.sum(seen * x[None, :], axis=1)

        sums = DecisionSums(
            acc.sums.log_probability + jnp.sum(frame.log_probability),
            acc.sums.surplus + over(s - lax.stop_gradient(p)),
            acc.sums.expected + over(p),
            acc.sums.surprise + over(lax.stop_gradient(frame.surprise)),
            acc.sums.spikes + jnp.sum(s),
        )
        age = jnp.where(s > 0, jnp.float32(0), acc.age + jnp.float32(about.dt))
        return Deciding(sums, age, lax.stop_gradient(frame.v) * (jnp.float32(1) - s))

    def merge(self, a: Deciding, b: Deciding, about: About) -> Deciding:
        """Refused: the second part does not know what the features remember of the first."""
        del a, b, about
        fail("Decisions", "cannot be merged, as its features remember the steps before", "two parts")

    def finalize(self, acc: Deciding, about: About) -> DecisionSums:
        del about
        return acc.sums

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        single: dict[str, tuple[str, ...]] = {"log_probability": (), "spikes": ()}
        return single | dict.fromkeys(("surplus", "expected", "surprise"), ("feature",))

    @classmethod
    def example(cls) -> Self:
        return cls()


def _features(acc: Deciding, about: About) -> Float[Array, "feature neuron"]:
    one = jnp.ones(about.size, jnp.float32)
    out = jnp.zeros(about.size, jnp.float32) if about.fan_out is None else about.fan_out
    slow = acc.age / (acc.age + jnp.float32(20))  # bounded: single precision holds sums of it
    return jnp.stack([one, slow, slow * slow, acc.potential, out, out * acc.potential])


class Decided(eqx.Module):
    """The probability of each spike, and what was decided."""

    probability: Float[Array, "time neuron"]
    spikes: Float[Array, "time neuron"]


class EveryDecision(Statistic):
    """All decisions of a population, warm-up included.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Decided`.

    Example:
        >>> EveryDecision().from_start
        True
    """

    from_start: ClassVar[bool] = True

    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("spikes", "probability")

    @property
    def units(self) -> dict[str, str]:
        return {"probability": "1", "spikes": "1"}

    def init(self, about: About) -> Decided:
        none = jnp.zeros((about.steps, about.size), jnp.float32)
        return Decided(none, none)

    def update(self, acc: Decided, frame: Frame, about: About) -> Decided:
        del about
        assert frame.probability is not None
        at = frame.index
        return Decided(acc.probability.at[at].set(frame.probability), acc.spikes.at[at].set(frame.spikes))

    def merge(self, a: Decided, b: Decided, about: About) -> Decided:
        del about
        return Decided(a.probability + b.probability, a.spikes + b.spikes)

    def finalize(self, acc: Decided, about: About) -> Decided:
        del about
        return acc

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return dict.fromkeys(("probability", "spikes"), ("time", "neuron"))

    @classmethod
    def example(cls) -> Self:
        return cls()


class ChosenProbabilities(Statistic):
    """The probability of a spike in chosen steps of chosen neurons, 0 where none is chosen (step -1).

    Args:
        step: from the start of the warm-up [place].
        neuron: [place].
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [place].

    Example:
        >>> ChosenProbabilities.example().reads
        ('probability',)
    """

    exact: ClassVar[bool] = False
    from_start: ClassVar[bool] = True

    step: Float[Array, " place"] = parameter("1", real, shape=None)
    neuron: Float[Array, " place"] = parameter("1", real, shape=None)
    population: str | None = eqx.field(static=True, default=None)

    @property
    def reads(self) -> tuple[str, ...]:
        return ("probability",)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> Float[Array, " place"]:
        del about
        return jnp.zeros_like(self.step)

    def update(self, acc: Array, frame: Frame, about: About) -> Float[Array, " place"]:
        del about
        assert frame.probability is not None
        now = self.step == frame.index.astype(jnp.float32)
        return acc + jnp.where(now, frame.probability[self.neuron.astype(jnp.int32)], 0.0)

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " place"]:
        del about
        return a + b

    def finalize(self, acc: Array, about: About) -> Float[Array, " place"]:
        del about
        return acc

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("place",)}

    @classmethod
    def example(cls) -> Self:
        return cls(jnp.array([3.0]), jnp.array([0.0]))
