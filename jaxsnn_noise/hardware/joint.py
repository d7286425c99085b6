"""Several leaves drawn together: one score, or correlated ones, for the parameters of one circuit."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, UInt32

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, Values, as_float
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_extreme, check_path, leaf_of, with_leaves
from jaxsnn_noise.hardware.levels import (
    check_level,
    entities_of,
    farthest_of,
    independent,
    layer_of,
    level_of,
    parts_of,
    wafer_of,
)
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.laws import Law, LogNormal
from jaxsnn_noise.parameters import parameter, real

_ROUNDING = 1e-5


class JointMismatch(Imperfection):
    r"""Several leaves, each by its law, with correlated scores: what one transistor moves moves together.

    .. math:: z_{k,i} = \sum_f L_{kf}\, e_{f,i}, \qquad L L^T = R,

    with independent standard normal :math:`e` and the correlation :math:`R` of the scores of the leaves :math:`k` (a Gaussian
    copula). The marginal law of each leaf is untouched. Unless a correlation is given all leaves have one score: a chip's slow neurons
    are then the ones of large gain. A leaf that falls where another rises has the correlation -1.

    Leaves of one population or projection have the same ``e`` for the same neuron; those of different ones have their own, and share
    the parts of the die and the wafer (:class:`VarianceSplit`).

    Args:
        laws: From the path of a leaf, as seen from the simulation, to its law. In a path of a sweep the laws are numbered in the order
            given: ``"imperfections.name.laws.0.cv"``.
        per: As of :class:`Mismatch`; ``"chip"``: one draw for all leaves of the chip.
        correlation: [leaf, leaf], symmetric, of diagonal 1, no negative eigenvalue. ``None``: 1 everywhere.
        axis: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: a matrix that is no correlation, a law with scores of its own.

    References: Nelsen 2006, doi:10.1007/0-387-28678-0 (the Gaussian copula).

    Example:
        >>> cells = "network.cells.neuron."
        >>> both = {cells + "tau_mem": LogNormal(cv=0.2), cells + "resistance": LogNormal(cv=0.2)}
        >>> JointMismatch(both, per="neuron").loadings.tolist()
        [[1.0], [1.0]]
    """

    stage: ClassVar[Stage] = Stage.FABRICATED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    paths: tuple[str, ...] = eqx.field(static=True)
    laws: tuple[Law, ...]
    loadings: Leaf = parameter("1", real, shape=None)
    per: str = eqx.field(static=True)
    axis: str = eqx.field(static=True, default="device")
    split: VarianceSplit | None = None

    def __init__(
        self,
        laws: Mapping[str, Law],
        *,
        per: str | VarianceSplit,
        correlation: Any = None,
        axis: str = "device",
    ):
        self.per, self.split = level_of("JointMismatch.per", per)
        if not isinstance(laws, Mapping) or not laws or not all(isinstance(path, str) for path in laws):
            fail("JointMismatch.laws", "must map paths of leaves to laws", laws)
        for path, law in laws.items():
            if not isinstance(law, Law):
                fail(f"JointMismatch.laws[{path!r}]", "must be a law, e.g. laws.LogNormal(0.1)", law)
            independent(f"JointMismatch.laws[{path!r}]", law)
        if not isinstance(axis, str):
            fail("JointMismatch.axis", "must be the name of an axis", axis)
        self.paths, self.laws, self.axis = tuple(laws), tuple(laws.values()), axis
        found = np.ones((len(laws), len(laws))) if correlation is None else correlation
        self.loadings = as_float(root_of_correlation("JointMismatch.correlation", found, len(laws)))

    def __check_init__(self) -> None:
        if self.loadings.ndim != 2 or len(self.loadings) != len(self.paths):
            rule = f"must be [leaf, score] of {len(self.paths)} leaves"
            fail("JointMismatch.loadings", rule, self.loadings.shape)

    @property
    def wafer(self) -> str | None:
        return wafer_of(self.split)

    def path_of(self, law: Law) -> str | None:
        """The path of the leaf that a law changes."""
        return next((path for path, one in zip(self.paths, self.laws, strict=True) if one is law), None)

    def apply(self, network: Any, key: Key) -> Any:
        return self.apply_on_wafer(network, key, None)

    def apply_on_wafer(self, network: Any, key: Key, wafer: Key | None) -> Any:
        scores = Scores(network, key, wafer, self.per, self.split, [str(f) for f in range(self.loadings.shape[1])])
        changed = {}
        for index, (path, law) in enumerate(zip(self.paths, self.laws, strict=True)):
            parts = [self.loadings[index, f] * score for f, score in enumerate(scores(path))]
            changed[path] = law.perturb(leaf_of(network, path), functools.reduce(jnp.add, parts))
        return with_leaves(network, changed)

    def check(self, who: str, network: Any) -> None:
        rows = concrete(self.loadings)
        if rows is not None and np.any(np.abs((rows.astype(float) ** 2).sum(axis=1) - 1.0) > _ROUNDING):
            fail(f"{who}.loadings", "must have rows of length 1, or the spread is not that of the law", rows)
        reach = farthest_of(self.split)
        for path, law, row in zip(self.paths, self.laws, self.loadings, strict=True):
            leaf = check_path(who, network, path)
            law.check(f"{who}.laws", self)
            check_level(f"{who}.per", self.per, self.split, network, path)
            for sign in (-1.0, 1.0):
                extreme = law.perturb(leaf, jnp.full_like(leaf, sign * reach * jnp.abs(row).sum()))
                check_extreme(f"{who}.laws", network, path, extreme)

    @classmethod
    def example(cls) -> Self:
        return cls({"network.cells.neuron.tau_mem": LogNormal(cv=0.1)}, per="neuron")


class Scores:
    """The standard normal scores of one device, by name: ``scores(path)`` are those of each element of a leaf, [name, *leaf].

    They are the same for leaves of the same shape in one population or projection.
    """

    def __init__(
        self, network: Any, key: Key, wafer: Key | None, per: str, split: VarianceSplit | None, names: Sequence[str]
    ):
        self.network, self.per, self.split, self.names = network, per, split, names
        self.dies = _streams(key, names)
        self.wafers = self.dies if wafer is None else _streams(wafer, names)  # not read without a wafer
        self.on_wafer = wafer is not None
        self.known: dict[Any, Values] = {}

    def __call__(self, path: str) -> Values:
        address = (layer_of(path), leaf_of(self.network, path).shape)
        if address not in self.known:
            self.known[address] = lax.optimization_barrier(self._drawn(path))  # see VarianceSplit.scores
        return self.known[address]

    def _drawn(self, path: str) -> Values:
        split, layer = self.split, layer_of(path)
        if split is None:
            keys = self.dies if self.per == "chip" else jax.vmap(lambda die: random.stream(die, layer))(self.dies)
            entity = entities_of(self.network, path, self.per)
            return jax.vmap(lambda own: random.normal(random.tick(own, 0), entity))(keys)
        parts = parts_of(self.network, path)

        def of_name(die: Key, wafer: Key) -> Values:
            return split.scores(random.stream(die, layer), die, wafer if self.on_wafer else None, *parts)

        return jax.vmap(of_name)(self.dies, self.wafers)


def _streams(key: Key, names: Sequence[str]) -> UInt32[Array, "name 2"]:
    return jnp.stack([random.stream(key, f"score {name}") for name in names])


def root_of_correlation(who: str, correlation: Any, size: int) -> np.ndarray:
    """``L`` with ``L L^T = R``, lower triangular, without columns of zeros.

    Raises:
        InputError: another shape, not symmetric, a diagonal that is not 1, a negative eigenvalue.
    """
    try:
        matrix = np.asarray(correlation, np.float64)
    except (TypeError, ValueError):
        fail(who, f"must be numbers [{size}, {size}]", correlation)
    if matrix.shape != (size, size) or not np.isfinite(matrix).all():
        fail(who, f"must be finite numbers of shape ({size}, {size}), a row for each leaf", correlation)
    if np.abs(matrix - matrix.T).max() > _ROUNDING or np.abs(np.diag(matrix) - 1.0).max() > _ROUNDING:
        fail(who, "must be symmetric with a diagonal of 1", correlation)
    least = float(np.linalg.eigvalsh(matrix).min())
    if least < -_ROUNDING:
        fail(who, f"must be positive semidefinite: its least eigenvalue is {least:.3g}", correlation)
    root = np.zeros((size, size))
    for k in range(size):
        left = matrix[:, k] - root[:, :k] @ root[k, :k]
        if left[k] > _ROUNDING:
            root[k:, k] = left[k:] / np.sqrt(left[k])
    root = root[:, np.abs(root).max(axis=0) > 0]
    found: np.ndarray = root / np.sqrt((root**2).sum(axis=1, keepdims=True))
    return found
