"""Backgrounds of Poisson spikes: how many fall into each step, of independent, modulated or correlated channels."""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, count, fail
from jaxsnn_noise._typing import Leaf, PerNeuron, Values
from jaxsnn_noise.coding.inputs import Input
from jaxsnn_noise.counting import MOST, MOST_EVENTS, binomial, largest_poisson, poisson_count
from jaxsnn_noise.parameters import Range, nonnegative, parameter
from jaxsnn_noise.random import Tick

_NODES = (0.5 - 0.5 / 3.0**0.5, 0.5 + 0.5 / 3.0**0.5)
"""Gauss and Legendre's two nodes on (0, 1): the mean of a cubic over a step is exact."""
_SHARE = Range(0.0, 1.0, low_open=True)


class Counts(Input):
    """Abstract: how many spikes of each channel fall into a step, at most ``largest``."""

    spikes: ClassVar[bool] = True

    @abc.abstractmethod
    def events(self, dt: float) -> Values:
        """Mean number of events that are drawn in a step; of all steps and channels, where it varies."""

    def most(self, dt: float) -> int:
        """The largest count that can be drawn in a step. Concrete values only."""
        return largest_poisson(self.events(dt))

    def init(self, key: Any, size: int, dt: float) -> Any:
        del key, size, dt
        return None

    def check_step(self, who: str, steps: int, dt: float) -> None:
        del steps
        mean = concrete(self.events(dt))
        if mean is not None:
            self._check_counted(f"{who}.values", mean, dt)
        self._check_largest(who, 0 if mean is None else self.most(dt), dt)

    def _check_counted(self, who: str, mean: np.ndarray, dt: float) -> None:
        if not np.all(mean <= MOST):
            rule = f"needs at most {MOST_EVENTS:g} events per step of {dt:g} ms ({self.drawn})"
            fail(who, rule, float(np.max(mean)))

    def _check_largest(self, who: str, most: int, dt: float) -> None:
        largest = count(f"{who}.largest", self.largest)
        if most > largest:
            rule = f"must be at least {most}, the largest count that these rates give in a step of {dt:g} ms"
            fail(f"{who}.largest", rule, largest)

    @property
    def drawn(self) -> str:
        """What an event is, in words."""
        return "rate_hz x dt/1000"


def check_channels(who: str, values: Values, size: int) -> None:
    """One number, or one per channel."""
    if values.shape not in ((), (size,)):
        fail(f"{who}.values", f"must be one number or have the shape ({size},)", values.shape)


class PoissonCounts(Counts):
    r"""Poisson spikes for a port, counted: ``k ~ Poisson(values dt/1000)`` in each step, independent between steps and channels.

    Where :class:`PoissonSpikes` has at most one spike in a step (its counts are too regular by the factor ``exp(-rate dt)``),
    this is the Poisson process at any dt: a channel may stand for many fibres, whose rates add up. The counts are weighted and
    filtered as spikes are, by any kinetics. The diffusion that they tend to is ``theory.diffusion_limit``, how far from it they
    are ``theory.campbell_skewness``.

    Args:
        values: Rate of each channel [Hz], >= 0; one number or [neuron]. At most 60 events per step.
        largest: The largest count in one step. Sums are exact on a grid that is coarser by ``ceil(log2(largest))`` bits, so it
            should be no larger than needed: 4 serves up to 0.09 events per step, 10 up to 1, 105 up to 60.

    A uniform of 2^-23 resolution is drawn for each count: the rate is exact to 1.2e-7 events per step.

    Raises:
        InputError: rates out of range or of another shape; once dt is known, more than 60 events per step, or a ``largest`` that
            the rates can exceed. Where rates are traced and nobody can look, such counts are NaN, which health counts.

    Example:
        >>> PoissonCounts(800.0, largest=10).largest
        10
    """

    values: Leaf = parameter("Hz", nonnegative, shape=None)
    largest: int = eqx.field(static=True, default=4)

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        u = random.uniform(key, random.entities(context.value.shape[-1]))
        return poisson_count(u, self.events(dt)), None

    def events(self, dt: float) -> Values:
        return self.values * (dt / 1000.0)

    def check(self, who: str, size: int, steps: int) -> None:
        check_channels(who, self.values, size)

    @classmethod
    def example(cls) -> Self:
        return cls(40.0)


class InhomogeneousPoisson(Counts):
    r"""Poisson counts whose rate changes in time: an array of rates, or a function of time.

    In step ``t`` the count is Poisson with the mean :math:`\int r(s)\,ds` over the step. An array holds the rate of each step. A
    function gives the rate relative to ``values``; its integral over the step is taken at the two nodes of Gauss and Legendre, so
    that it is exact for cubics (for ``cos(w t)`` to ``(w dt)^4/4320``).

    Args:
        values: Without ``course`` the rates [Hz], [time] or [time, neuron], time in steps of dt, warm-up included. With it a
            factor [Hz], one number or [neuron].
        course: A function of the time from the start of the run, warm-up included [ms], to the relative rate [1], one number or
            [neuron], >= 0. Made of JAX's operations; one with parameters is an Equinox module, whose arrays can be swept. Times
            are in single precision: after 1e6 ms they are right to 0.06 ms (give an array for fast courses in longer runs).
        largest: The largest count in one step, as for :class:`PoissonCounts`.

    Raises:
        InputError: rates out of range, more than 60 events per step, or counts above ``largest``. A rate of ``course`` that is
            negative or too large makes the count NaN, which health counts.

    Example:
        >>> wave = InhomogeneousPoisson(20.0, course=lambda t: 1.0 + jnp.cos(t / 100.0))
        >>> float(wave.values)
        20.0
    """

    values: Leaf = parameter("Hz", nonnegative, shape=None)
    course: Callable[..., Any] | None = None
    largest: int = eqx.field(static=True, default=4)

    @property
    def length(self) -> int | None:
        return len(self.values) if self.course is None and self.values.ndim else None

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        u = random.uniform(key, random.entities(context.value.shape[-1]))
        rate = self.values[index] if self.course is None else self.values * self._relative(index, dt)
        return poisson_count(u, jnp.broadcast_to(rate * (dt / 1000.0), u.shape)), None

    def events(self, dt: float) -> Values:
        return self.values * (dt / 1000.0)

    def most(self, dt: float) -> int:
        return largest_poisson(self.events(dt)) if self.course is None else 0

    def check(self, who: str, size: int, steps: int) -> None:
        if self.course is not None:
            check_channels(who, self.values, size)
        elif self.values.shape not in ((steps,), (steps, size)):
            rule = f"must have the shape ({steps}, {size}) [time, neuron] or ({steps},); one rate needs a course"
            fail(f"{who}.values", rule, self.values.shape)

    def check_step(self, who: str, steps: int, dt: float) -> None:
        super().check_step(who, steps, dt)
        if self.course is None:
            return
        rates = concrete(_of_times(self, steps, dt))
        if rates is None:
            return
        if not np.all(rates >= 0):  # NaN too
            fail(f"{who}.course", "must be >= 0 at all times of the run [1]", rates[~(rates >= 0)])
        self._check_counted(f"{who}.course", rates, dt)
        self._check_largest(who, largest_poisson(np.max(rates)), dt)

    def _relative(self, index: Any, dt: float) -> Values:
        """The mean of the course over a step."""
        assert self.course is not None
        start = jnp.asarray(index, jnp.float32)
        first, second = (self.course((start + node) * dt) for node in _NODES)
        return 0.5 * (jnp.asarray(first, jnp.float32) + jnp.asarray(second, jnp.float32))

    @classmethod
    def example(cls) -> Self:
        return cls(20.0 + 20.0 * np.sin(np.arange(40.0 * 5).reshape(40, 5)))


@eqx.filter_jit
def _of_times(source: InhomogeneousPoisson, steps: int, dt: float) -> Values:
    """Events of all steps [time, ...] where the course is a function."""

    def one(index: Any) -> Values:
        return jnp.asarray(source.values * source._relative(index, dt) * (dt / 1000.0), jnp.float32)

    return lax.map(one, jnp.arange(steps, dtype=jnp.int32), batch_size=4096)


class CorrelatedPoisson(Counts):
    r"""Poisson channels with correlated counts: each copies each spike of a common mother process with a probability.

    .. math:: N \sim \mathrm{Poisson}\!\left(\frac{r\,dt}{c}\right), \qquad k_i \mid N \sim \mathrm{Binomial}(N, c)

    independently for each channel i. Every channel is a Poisson process of rate r; any two have, in windows of any length, counts
    with the correlation c (``cov = c r T``), and any n of them ``E[k_1 ... k_n]`` of a common mother: correlations are of all
    orders. Copies are simultaneous, within a step. Pooled onto one neuron they are a compound Poisson process,
    ``theory.correlated_shot_noise_moments``.

    Args:
        values: Rate of each channel [Hz], >= 0: one number, since only channels of one rate share one correlation.
        correlation: ``c`` in (0, 1]; 1: all channels are one. The mother may have at most 60 spikes per step,
            ``rate dt/c``. For c = 0 take :class:`PoissonCounts`.
        largest: The largest count in one step; the mother's largest count bounds it.

    Raises:
        InputError: as for :class:`PoissonCounts`; several rates.

    References: Kuhn, Aertsen and Rotter 2003, doi:10.1162/089976603321043702 (multiple interaction process); Brette 2009,
    doi:10.1162/neco.2009.12-07-657.

    Example:
        >>> float(CorrelatedPoisson(10.0, 0.2).correlation) > 0
        True
    """

    values: Leaf = parameter("Hz", nonnegative, shape=None)
    correlation: Leaf = parameter("1", _SHARE)
    largest: int = eqx.field(static=True, default=4)

    @property
    def drawn(self) -> str:
        return "of the mother, rate_hz x dt/1000/correlation"

    def step(self, state: Any, index: Any, key: Tick, context: Any, dt: float) -> tuple[PerNeuron, None]:
        mother = poisson_count(random.uniform(key, random.shared()), self.events(dt))
        u = random.uniform(key, random.entities(context.value.shape[-1]))
        possible = (self.correlation > 0) & (self.correlation <= 1)
        copies = binomial(u, jnp.nan_to_num(mother), jnp.where(possible, self.correlation, 0.0))
        return jnp.where(possible & (mother >= 0), copies, jnp.nan), None

    def events(self, dt: float) -> Values:
        return self.values * (dt / 1000.0) / self.correlation

    def check(self, who: str, size: int, steps: int) -> None:
        if self.values.ndim:
            rule = "must be one rate: channels of different rates do not share one correlation"
            fail(f"{who}.values", rule, self.values.shape)

    @classmethod
    def example(cls) -> Self:
        return cls(40.0, 0.4)
