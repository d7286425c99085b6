"""One number per neuron out of the time course of a variable: what a classification loss reads.

All are differentiable. The variable is one of a frame, such as "v" or "spikes", or a dotted one of the state of neurons or of a
projection, such as "state.lift" (see :class:`Trace`).
"""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxsnn_noise._checks import fail
from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons, Watched, check_variable, unit_of
from jaxsnn_noise.statistics.moments import add


class _Readout(OfNeurons):
    """Abstract: what the readouts share, a variable and a result [neuron] in the unit of that variable."""

    @property
    @abc.abstractmethod
    def variable(self) -> str:
        """Name of the variable: a static field of every member, "v" by default."""

    def __check_init__(self) -> None:
        check_variable(f"{type(self).__name__}.variable", self.variable, self.projection)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def units(self) -> dict[str, str]:
        return {"": unit_of(self.variable)}

    def _start(self, about: About, value: float) -> Float[Array, " neuron"]:
        if about.steps < 1:
            fail(type(self).__name__, "needs at least one measured step", about.steps)
        return jnp.full(about.size, value, jnp.float32)


class Total(eqx.Module):
    """Accumulator: a sum and its rounding error (what was added too much)."""

    total: Float[Array, " neuron"]
    error: Float[Array, " neuron"]


class Mean(_Readout):
    """Time average of a variable, ``(1 / steps) sum_t x_i(t)``.

    The sum is compensated (Kahan 1965, doi:10.1145/363707.363723), so that float32 suffices for any length.

    Args:
        variable: name of the variable.
        population: the population that is watched; ``None``: the only one.
        projection: the projection that is watched in place of a population.

    Returns:
        float32 [neuron] (or [synapse]), in the unit of the variable.

    Raises:
        InputError: an unknown variable; no measured step.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Mean, over_raster
    >>> print(over_raster(Mean("v"), jnp.zeros((2, 1)), dt=1.0, voltage=jnp.array([[1.0], [3.0]])))
    [2.]
    """

    exact: ClassVar[bool] = False

    variable: str = eqx.field(static=True, default="v")
    population: str | None = eqx.field(static=True, default=None)
    projection: str | None = eqx.field(static=True, default=None)

    def init(self, about: About) -> Total:
        zero = self._start(about, 0.0)
        return Total(zero, zero)

    def update(self, acc: Total, frame: Frame | Watched, about: About) -> Total:
        del about
        return Total(*add(acc.total, acc.error, frame.variable(self.variable)))

    def merge(self, a: Total, b: Total, about: About) -> Total:
        del about
        total, error = add(a.total, a.error, -b.error)
        return Total(*add(total, error, b.total))

    def finalize(self, acc: Total, about: About) -> Float[Array, " neuron"]:
        return acc.total * jnp.float32(1.0 / about.steps)


class Maximum(_Readout):
    """Largest value of a variable over time, ``max_t x_i(t)``; NaN if it was ever NaN.

    The gradient goes to the step of the maximum (shared among equal ones).

    Args:
        variable: name of the variable.
        population: the population that is watched; ``None``: the only one.
        projection: the projection that is watched in place of a population.

    Returns:
        float32 [neuron] (or [synapse]), in the unit of the variable.

    Raises:
        InputError: an unknown variable; no measured step.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Maximum, over_raster
    >>> print(over_raster(Maximum("v"), jnp.zeros((2, 1)), dt=1.0, voltage=jnp.array([[3.0], [1.0]])))
    [3.]
    """

    variable: str = eqx.field(static=True, default="v")
    population: str | None = eqx.field(static=True, default=None)
    projection: str | None = eqx.field(static=True, default=None)

    def init(self, about: About) -> Float[Array, " neuron"]:
        return self._start(about, -jnp.inf)

    def update(self, acc: Array, frame: Frame | Watched, about: About) -> Float[Array, " neuron"]:
        del about
        return jnp.maximum(acc, frame.variable(self.variable))

    def merge(self, a: Array, b: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return jnp.maximum(a, b)

    def finalize(self, acc: Array, about: About) -> Float[Array, " neuron"]:
        del about
        return acc


class Latest(eqx.Module):
    """Accumulator: the last value seen and the step in which it was seen (-1: none yet)."""

    value: Float[Array, " neuron"]
    index: Int[Array, ""]


class Last(_Readout):
    """Value of a variable at the end of the measurement, ``x_i(steps - 1)``.

    Args:
        variable: name of the variable.
        population: the population that is watched; ``None``: the only one.
        projection: the projection that is watched in place of a population.

    Returns:
        float32 [neuron] (or [synapse]), in the unit of the variable.

    Raises:
        InputError: an unknown variable; no measured step.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Last, over_raster
    >>> print(over_raster(Last("v"), jnp.zeros((2, 1)), dt=1.0, voltage=jnp.array([[3.0], [1.0]])))
    [1.]
    """

    variable: str = eqx.field(static=True, default="v")
    population: str | None = eqx.field(static=True, default=None)
    projection: str | None = eqx.field(static=True, default=None)

    def init(self, about: About) -> Latest:
        return Latest(self._start(about, 0.0), jnp.full((), -1, jnp.int32))

    def update(self, acc: Latest, frame: Frame | Watched, about: About) -> Latest:
        del acc, about
        return Latest(frame.variable(self.variable), jnp.asarray(frame.index, jnp.int32))

    def merge(self, a: Latest, b: Latest, about: About) -> Latest:
        del about
        return Latest(jnp.where(b.index >= 0, b.value, a.value), jnp.maximum(a.index, b.index))

    def finalize(self, acc: Latest, about: About) -> Float[Array, " neuron"]:
        del about
        return acc.value
