"""Correlations that differ between pairs of neurons: low rank, a given matrix, a kernel over positions."""

from __future__ import annotations

import abc
from typing import Self

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, PerNeuron, Values
from jaxsnn_noise.distributions import Distribution
from jaxsnn_noise.noise.correlations import Correlation
from jaxsnn_noise.opacity import opaque, opaque_zero
from jaxsnn_noise.parameters import Ranged, fraction, parameter, positive, real
from jaxsnn_noise.random import Tick
from jaxsnn_noise.roots import square_root

Matrix = Float32[Array, "neuron neuron"]

ROUNDING = 1e-5
"""What a sum of squares, a diagonal or a symmetry may be off by, in single precision."""
_UNROLLED = 16


class LowRank(Correlation):
    r"""A few shared factors: ``x_i = sum_k L_ik z_k + sqrt(1 - |L_i|^2) own_i``, pairwise correlation ``L_i·L_j``.

    Factor 0 is the number that :class:`Common` would give, the private part that of :class:`Independent`: one column of
    ``sqrt(c)`` is ``SharedFraction(c)``.

    Args:
        loadings: ``L`` [neuron, factor] [1]; no row longer than 1, so that every variance is 1.

    Raises:
        InputError: not a matrix, a row of norm > 1; a population of another size.

    Reference: Yu et al. 2009, doi:10.1152/jn.90941.2008 (factor analysis of spike trains).

    Example:
        >>> signs = LowRank([[0.6], [0.6], [-0.6]])  # two that go together, and one against them
        >>> round(float(signs.coefficient()[0, 2]), 2)
        -0.36
    """

    loadings: Leaf = parameter("1", real, shape=None)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        given, share, own = self.parts(distribution, at, size)
        return given + opaque(share * own, opaque_zero(at.key))

    def parts(self, distribution: Distribution, at: Tick, size: int) -> tuple[Values, Values, PerNeuron]:
        count = self.loadings.shape[1]
        factors = distribution.sample(at, random.Entities(random.shared(count - 1).first, count))[::-1]
        own = distribution.sample(at, random.entities(size))
        return mixed(self.loadings, factors, at.key), square_root(1.0 - self._shared()), own

    def coefficient(self) -> Matrix:
        outer = jnp.matmul(self.loadings, self.loadings.T, precision=lax.Precision.HIGHEST)
        return jnp.where(jnp.eye(len(outer), dtype=bool), 1.0, outer)

    @property
    def size(self) -> int:
        return int(self.loadings.shape[0])

    def check_together(self, who: str) -> None:
        if jnp.ndim(self.loadings) != 2 or 0 in self.loadings.shape:
            fail(f"{who}.loadings", "must be a matrix [neuron, factor]", jnp.shape(self.loadings))
        loadings = concrete(self.loadings)
        norms = None if loadings is None else np.sqrt(np.sum(np.square(loadings.astype(float)), axis=1))
        if norms is not None and norms.max() > 1.0 + ROUNDING:
            rule = "rows must have a norm of at most 1, or their noise would have more than unit variance [1]"
            fail(f"{who}.loadings", rule, f"{norms.max():.6g} in row {int(norms.argmax())}")

    def _shared(self) -> PerNeuron:
        """The share of each variance that the factors give; what rounds above 1 is 1."""
        shared = jnp.sum(jnp.square(self.loadings), axis=1)
        return jnp.where((shared > 1.0) & (shared < 1.0 + 2.0 * ROUNDING), 1.0, shared)

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite, for four neurons."""
        return cls([[0.6, 0.0], [0.5, 0.6], [0.3, -0.9], [0.0, 0.4]])


class Factored(Correlation):
    """``x = L z`` with private draws ``z``: a correlation whose factor has been formed. Neuron 0 has the number of :class:`Independent`.

    Args:
        factor: Lower triangular ``L`` [neuron, neuron] with rows of norm 1 [1].
    """

    factor: Leaf = parameter("1", real, shape=None)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        return mixed(self.factor, distribution.sample(at, random.entities(size)), at.key)

    def coefficient(self) -> Matrix:
        return jnp.matmul(self.factor, self.factor.T, precision=lax.Precision.HIGHEST)

    @property
    def size(self) -> int:
        return int(self.factor.shape[0])

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite, for four neurons."""
        return cls(np.linalg.cholesky(0.7 * np.eye(4) + 0.3))


class Covariance(Correlation):
    """A given correlation of every pair: ``x = L z`` with ``L`` the Cholesky factor of ``matrix``, formed once per run.

    The diagonal is 1: how strong the noise is, is said by the amplitude of the source. A covariance ``C`` of equal variances
    ``v`` is ``Covariance(C/v)`` with ``PerStep(sqrt(v))``. Per step it costs the square of the number of neurons; the sum of a
    row has one order, so that single runs and batches have the same bits.

    Args:
        matrix: [neuron, neuron] [1], symmetric and positive definite with unit diagonal.

    Raises:
        InputError: not square, not symmetric, another diagonal, not positive definite (in single precision); a population
            of another size.

    Example:
        >>> pair = Covariance([[1.0, -0.5], [-0.5, 1.0]])
        >>> pair.size
        2
    """

    matrix: Leaf = parameter("1", real, shape=None)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        return self.prepared().innovation(distribution, at, size)

    def coefficient(self) -> Matrix:
        return self.matrix

    def prepared(self) -> Correlation:
        return Factored(jnp.linalg.cholesky(self.matrix))

    @property
    def size(self) -> int:
        return int(self.matrix.shape[0])

    def check_together(self, who: str) -> None:
        shape = jnp.shape(self.matrix)
        if len(shape) != 2 or shape[0] != shape[1] or not shape[0]:
            fail(f"{who}.matrix", "must be square, [neuron, neuron]", shape)
        matrix = concrete(self.matrix)
        if matrix is None:
            return
        if np.abs(matrix - matrix.T).max() > ROUNDING:
            fail(f"{who}.matrix", "must be symmetric", matrix)
        if np.abs(np.diagonal(matrix) - 1.0).max() > ROUNDING:
            rule = "must have a diagonal of 1: divide by the variances, the strength of the noise is its amplitude"
            fail(f"{who}.matrix", rule, np.diagonal(matrix))
        if not factorable(matrix):
            fail(f"{who}.matrix", "must be positive definite", f"smallest eigenvalue {_smallest(matrix):.3g}")

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite, for four neurons."""
        return cls(np.array([[1, 0.5, 0.2, 0], [0.5, 1, -0.4, 0.1], [0.2, -0.4, 1, 0.3], [0, 0.1, 0.3, 1]]))


class Kernel(Ranged):
    """How the correlation of two neurons falls with their distance: 1 at 0, positive definite in any dimension."""

    @abc.abstractmethod
    def __call__(self, distance: Values) -> Values:
        """The correlation at a distance in units of the length."""


class ExponentialKernel(Kernel):
    """``exp(-d)``: rough in space."""

    def __call__(self, distance: Values) -> Values:
        return jnp.exp(-distance)


class GaussianKernel(Kernel):
    """``exp(-d^2/2)``: smooth in space."""

    def __call__(self, distance: Values) -> Values:
        return jnp.exp(-0.5 * jnp.square(distance))


class Spatial(Correlation):
    """Noise that is alike nearby: ``(1 - private) kernel(distance/length)`` between two neurons, factored once per run.

    Smooth kernels over dense positions are nearly singular, and are refused without a private part. Costs as :class:`Covariance`.

    Args:
        positions: [neuron, dimension], in any unit of length.
        length: Correlation length, > 0, in the same unit.
        kernel: ``ExponentialKernel()`` or ``GaussianKernel()``.
        private: Share of the variance that is each neuron's own [1], 0 to 1.

    Raises:
        InputError: positions of another shape or number; positions so near to each other, against the length, that the matrix
            is not positive definite in single precision.

    Example:
        >>> line = Spatial([[0.0], [1.0], [2.0]], length=1.0)
        >>> [round(float(c), 3) for c in line.coefficient()[0]]
        [1.0, 0.368, 0.135]
    """

    positions: Leaf = parameter("length", real, shape=None)
    length: Leaf = parameter("length", positive)
    kernel: Kernel = ExponentialKernel()
    private: Leaf = parameter("1", fraction, default=0.0)

    def innovation(self, distribution: Distribution, at: Tick, size: int) -> PerNeuron:
        return self.prepared().innovation(distribution, at, size)

    def coefficient(self) -> Matrix:
        apart = self.positions[:, None, :] - self.positions[None, :, :]
        distance = square_root(jnp.sum(jnp.square(apart), axis=-1))
        alike = (1.0 - self.private) * self.kernel(distance / self.length)
        return jnp.where(jnp.eye(self.size, dtype=bool), 1.0, alike)

    def prepared(self) -> Correlation:
        return Factored(jnp.linalg.cholesky(self.coefficient()))

    @property
    def size(self) -> int:
        return int(self.positions.shape[0])

    def check_together(self, who: str) -> None:
        if jnp.ndim(self.positions) != 2 or 0 in self.positions.shape:
            fail(f"{who}.positions", "must be [neuron, dimension]", jnp.shape(self.positions))
        if concrete(self.positions) is None or concrete(self.length) is None or concrete(self.private) is None:
            return
        matrix = concrete(self.coefficient())
        if matrix is not None and not factorable(matrix):
            rule = (
                "must be short enough, against the distances, for a positive definite matrix; else give a private part"
            )
            fail(f"{who}.length", rule, f"{float(self.length):g}, smallest eigenvalue {_smallest(matrix):.3g}")

    @classmethod
    def example(cls) -> Self:
        """An instance for the contract suite, for four neurons."""
        return cls([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [3.0, 3.0]], length=2.0, private=0.1)


def mixed(weights: Values, draws: Values, key: Key) -> PerNeuron:
    """``weights @ draws``, added in the order of the draws with every product rounded by itself: the same bits in every batch."""
    zero = opaque_zero(key)
    total = jnp.zeros(weights.shape[0], jnp.float32)
    if weights.shape[1] <= _UNROLLED:
        for k in range(weights.shape[1]):
            total = total + opaque(weights[:, k] * draws[k], zero)
        return total

    def add(total: Values, part: tuple[Values, Values]) -> tuple[Values, None]:
        return total + opaque(part[0] * part[1], zero), None

    summed: PerNeuron = lax.scan(add, total, (weights.T, draws), unroll=_UNROLLED)[0]
    return summed


def factorable(matrix: np.ndarray) -> bool:
    """Whether single precision can factor a correlation matrix: its smallest eigenvalue exceeds what rounding may take."""
    size = len(matrix)
    try:
        np.linalg.cholesky(matrix.astype(float) - max(1e-6, 2e-7 * size) * np.eye(size))
    except np.linalg.LinAlgError:
        return False
    return True


def _smallest(matrix: np.ndarray) -> float:
    return float(np.linalg.eigvalsh(matrix.astype(float))[0])
