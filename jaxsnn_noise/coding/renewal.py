"""Backgrounds that are more regular than Poisson: gamma renewal processes, of single fibres or pooled."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import random
from jaxsnn_noise._checks import count, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.coding.poisson import Counts, check_channels
from jaxsnn_noise.counting import largest_poisson, poisson_count
from jaxsnn_noise.parameters import Range, nonnegative, parameter, variable
from jaxsnn_noise.random import Tick


class Phase(eqx.Module):
    """How many events of its Poisson process each fibre [neuron, fibre] has seen since its last spike."""

    events: Values = variable("1")


class GammaRenewal(Counts):
    r"""Gamma renewal spikes for a port, counted in each step: intervals have the mean 1/rate and the CV ``1/sqrt(order)``.

    A fibre is a Poisson process of the rate ``order rate`` of which every ``order``-th event is a spike, so its intervals are
    sums of ``order`` exponentials, a gamma law of integer shape:

    .. math:: n \sim \mathrm{Poisson}(order\, r\, dt), \qquad k = \lfloor (\phi + n)/order \rfloor, \qquad
              \phi \leftarrow (\phi + n) \bmod order.

    Exact at any dt. Phases start uniform, so the process is stationary from the first step on.

    **A sum of gamma trains is no gamma train**: pooled fibres approach a Poisson process in short windows (the pooled train's
    intervals, its high frequencies), while slow fluctuations stay as small as those of one fibre (Fano factor ``1/order``).
    A channel that stands for several fibres therefore says ``fibres``, and is their explicit sum.

    Args:
        values: Rate of each fibre [Hz], >= 0; one number or [neuron]. At most 60 events, ``order rate dt/1000``, per step.
        order: Shape of the gamma law [1], a whole number >= 1 of up to 1e5; one number or [neuron]. 1 is Poisson.
        fibres: Fibres that a channel sums, each with a phase of its own. Memory and time are those of all fibres.
        largest: The largest count of a channel in one step, as for :class:`PoissonCounts`.

    Raises:
        InputError: as for :class:`PoissonCounts`; an order that is not whole (the CV is one of 1, 0.71, 0.58, 0.5, ...).

    References: Cox 1962, *Renewal Theory*; Lindner 2006, doi:10.1103/PhysRevE.73.022901 (superposition of many independent spike
    trains is generally not a Poisson process).

    Example:
        >>> GammaRenewal(20.0, order=4).fibres
        1
    """

    values: Leaf = parameter("Hz", nonnegative, shape=None)
    order: Leaf = parameter("1", Range(1.0, 1e5, whole=True), shape=None)
    fibres: int = eqx.field(static=True, default=1)
    largest: int = eqx.field(static=True, default=4)

    @property
    def drawn(self) -> str:
        return "order x rate_hz x dt/1000"

    def init(self, key: Any, size: int, dt: float) -> Phase:
        del dt
        u = random.uniform(random.channel(random.tick(key, 0), 15), random.entities(size * self.fibres))
        order = _of_fibres(self.order)
        return Phase(jnp.minimum(jnp.floor(u.reshape(size, self.fibres) * order), order - 1.0))

    def step(self, state: Phase, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, Phase]:
        del index
        size = context.value.shape[-1]
        u = random.uniform(key, random.entities(size * self.fibres)).reshape(size, self.fibres)
        order = _of_fibres(self.order)
        total = state.events + poisson_count(u, jnp.broadcast_to(_of_fibres(self.events(dt)), u.shape))
        spikes = jnp.floor(total / order)
        rest = total - spikes * order  # whole numbers below 2^24: exact, whatever the division was rounded to
        late = (rest >= order).astype(jnp.float32)  # accelerators have 0.99999994 of 41 / 41
        return jnp.sum(spikes + late, axis=-1), Phase(rest - late * order)

    def events(self, dt: float) -> Values:
        return self.order * self.values * (dt / 1000.0)

    def most(self, dt: float) -> int:
        drawn = largest_poisson(self.events(dt))
        order = int(np.min(np.asarray(self.order)))
        return int(self.fibres * ((order - 1 + drawn) // order))

    def check(self, who: str, size: int, steps: int) -> None:
        count(f"{who}.fibres", self.fibres)
        check_channels(who, self.values, size)
        if self.order.shape not in ((), (size,)):
            fail(f"{who}.order", f"must be one number or have the shape ({size},)", self.order.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(40.0, 2)


def _of_fibres(values: Values) -> Values:
    """One number, or one per channel [neuron, 1]."""
    return values[:, None] if values.ndim else values
