"""Nonlinearities of a membrane that are learned, or written down: polynomials of bounded slope, and tables of them."""

from __future__ import annotations

from typing import Any, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail, number
from jaxsnn_noise._checks import positive as positive_number
from jaxsnn_noise._typing import Leaf, Values
from jaxsnn_noise.parameters import Part, parameter, real


class Polynomial(Part):
    r"""A polynomial without a constant, of bounded slope: :math:`P(x) = \gamma \sum_{k=1}^{d} c_k x^k`, by Horner's rule.

    ``x`` is clipped to ``[-reach, reach]``, so P is constant beyond and no potential runs away. Within, ``|P'| <= S`` with
    ``S = sum_k k |c_k| reach^(k-1)``; where S exceeds ``bound`` all coefficients count less, ``gamma = bound/S``, else ``gamma = 1``. So
    the membrane contracts (``P' < 1``) whatever is learned, and at 0 nothing stands in the way of learning.

    Args:
        coefficients: ``c_k`` [1], of degrees 1 to d: [degree] of all neurons, or [degree, neuron].
        reach: Beyond it P is constant [1], > 0; 1 is the threshold.
        bound: Largest slope [1], above 0 and below 1. ``None``: none; a polynomial that is unstable is refused where a run begins.

    Raises:
        InputError: no degree, another shape, or a bound outside of its range.

    Example:
        >>> Polynomial([0.5, -0.25], bound=None)(jnp.array([0.0, 1.0, 5.0])).tolist()
        [0.0, 0.25, 0.25]
    """

    coefficients: Leaf = parameter("1", real, shape=None)
    reach: float = eqx.field(default=1.0, static=True, kw_only=True)
    bound: float | None = eqx.field(default=0.9, static=True, kw_only=True)

    def check_together(self, who: str) -> None:
        shape = self.coefficients.shape
        if len(shape) not in (1, 2):
            fail(f"{who}.coefficients", "must be [degree] or [degree, neuron]", shape)
        if shape[0] < 1:
            fail(f"{who}.coefficients", "must be of degree >= 1", shape)
        positive_number(f"{who}.reach", number(f"{who}.reach", self.reach), "1")
        if self.bound is not None and not 0.0 < self.bound < 1.0:
            fail(f"{who}.bound", "must lie between 0 and 1, or be None", self.bound)

    @classmethod
    def zero(cls, degree: int = 3, size: int | None = None, **options: Any) -> Polynomial:
        """The one that changes nothing, of a degree, for all neurons or for each of ``size``."""
        degree = count("Polynomial.zero: degree", degree)
        return cls(jnp.zeros((degree,) if size is None else (degree, count("Polynomial.zero: size", size))), **options)

    @property
    def of_neurons(self) -> int | None:
        """For how many neurons it has coefficients of their own; ``None``: one polynomial for all."""
        return self.coefficients.shape[1] if self.coefficients.ndim == 2 else None

    def __call__(self, x: Values) -> Values:
        """P at ``x`` [1]."""
        x, value = jnp.clip(x, -self.reach, self.reach), jnp.zeros_like(x)
        for c in reversed(self.coefficients):
            value = (value + c) * x
        return self._scale() * value

    def slope(self, x: Values) -> Values:
        """P' at ``x`` [1], 0 beyond the reach."""
        inside, value = jnp.abs(x) <= self.reach, jnp.zeros_like(x)
        for k in range(len(self.coefficients), 0, -1):
            value = value * x + k * self.coefficients[k - 1]
        return jnp.where(inside, self._scale() * value, 0.0)

    def _scale(self) -> Values:
        if self.bound is None:
            return jnp.float32(1.0)
        degrees = np.arange(1, len(self.coefficients) + 1)
        weights = jnp.asarray(degrees * self.reach ** (degrees - 1.0), jnp.float32)
        steepest = jnp.tensordot(weights, jnp.abs(self.coefficients), axes=1)
        return jnp.where(steepest > self.bound, self.bound / jnp.maximum(steepest, self.bound), 1.0)

    @classmethod
    def example(cls) -> Self:
        return cls([0.2, -0.1, -0.1])


class Tabulated(Part):
    r"""A function by its values at equally spaced points of ``[-reach, reach]``, linear between them and constant beyond.

    In the place of the :class:`Polynomial` of a :class:`PolynomialLIF`, which then is a neuron that looks up its nonlinearity:
    ``PolynomialLIF(n, polynomial=Tabulated.of(learned, 16, bits=8))``. For ``K`` entries of a polynomial the error of interpolation is at most
    :math:`\max|P''| (2\,\mathrm{reach}/(K - 1))^2/8`, that of ``bits`` half a step, :math:`\max|P|/(2^{bits} - 2)`.

    Args:
        entries: Values [1], at least two: [entry] of all neurons, or [entry, neuron].
        reach: End of the table [1], > 0; 1 is the threshold.

    Raises:
        InputError: fewer than two entries, another shape, a reach that is not > 0. A table under which a step does not contract is
            refused where a run begins, as a polynomial without a bound.

    Example:
        >>> table = Tabulated.of(Polynomial([0.5]), 5)
        >>> table.points.tolist(), table(jnp.array([0.5, 0.75, 3.0])).tolist()
        ([-1.0, -0.5, 0.0, 0.5, 1.0], [0.25, 0.375, 0.5])
    """

    entries: Leaf = parameter("1", real, shape=None)
    reach: float = eqx.field(default=1.0, static=True, kw_only=True)

    def check_together(self, who: str) -> None:
        shape = self.entries.shape
        if len(shape) not in (1, 2) or shape[0] < 2:
            fail(f"{who}.entries", "must be [entry] or [entry, neuron], with at least two entries", shape)
        positive_number(f"{who}.reach", number(f"{who}.reach", self.reach), "1")

    @classmethod
    def of(cls, curve: Polynomial, entries: int, *, bits: int | None = None) -> Tabulated:
        """The table of a polynomial, its bound applied.

        Args:
            curve: The polynomial.
            entries: How many, >= 2; an odd number has one at rest.
            bits: Of an entry, 2 to 24, with levels spaced equally around 0 up to the largest magnitude; ``None``: not rounded.
        """
        points = np.linspace(-curve.reach, curve.reach, count("Tabulated.of: entries", entries, least=2))
        shape = (len(points), *curve.coefficients.shape[1:])
        x = jnp.broadcast_to(jnp.asarray(points, jnp.float32).reshape(-1, *[1] * (len(shape) - 1)), shape)
        values = jnp.stack([curve(row) for row in x])
        if bits is not None:
            steps = 2 ** (count("Tabulated.of: bits", bits, least=2, most=24) - 1) - 1
            largest = jnp.max(jnp.abs(values))
            scale = jnp.where(largest > 0, largest, 1.0) / steps
            values = jnp.round(values / scale) * scale
        return cls(values, reach=curve.reach)

    @property
    def bound(self) -> None:
        """None: it is looked at where a run begins."""
        return None

    @property
    def points(self) -> np.ndarray:
        """Where the entries stand, in units of the threshold above rest [1]."""
        return np.linspace(-self.reach, self.reach, len(self.entries))

    @property
    def of_neurons(self) -> int | None:
        """For how many neurons it has entries of their own; ``None``: one table for all."""
        return self.entries.shape[1] if self.entries.ndim == 2 else None

    def __call__(self, x: Values) -> Values:
        """The value at ``x`` [1]."""
        at, below = self._cell(x)
        low, high = self._two(below)
        return low + (at - below) * (high - low)

    def slope(self, x: Values) -> Values:
        """The slope at ``x`` [1], 0 beyond the reach."""
        _, below = self._cell(x)
        low, high = self._two(below)
        cells = len(self.entries) - 1
        return jnp.where(jnp.abs(x) <= self.reach, (high - low) * (cells / (2.0 * self.reach)), 0.0)

    def _cell(self, x: Values) -> tuple[Values, Values]:
        """Where ``x`` lies in units of cells from the first entry, and the entry below it."""
        cells = len(self.entries) - 1
        at = (jnp.clip(x, -self.reach, self.reach) + self.reach) * (cells / (2.0 * self.reach))
        return at, jnp.clip(jnp.floor(at), 0.0, cells - 1.0)

    def _two(self, below: Values) -> tuple[Values, Values]:
        """The entries below and above."""
        first = below.astype(jnp.int32)
        if self.entries.ndim == 1:
            return self.entries[first], self.entries[first + 1]
        neurons = jnp.arange(self.entries.shape[1])
        return self.entries[first, neurons], self.entries[first + 1, neurons]

    @classmethod
    def example(cls) -> Self:
        return cls([-0.2, -0.05, 0.0, 0.1, 0.15])
