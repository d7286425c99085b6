"""A projection that holds the synapses that exist, and costs a step those that a spike drives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float32, Int32

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, count, fail, flag, in_range, named, real_numbers
from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.parameters import Range, as_parameter, parameter
from jaxsnn_noise.synapses.events import Columns, over_spikes, source_of_each
from jaxsnn_noise.synapses.graphs import Connectivity, Graph
from jaxsnn_noise.synapses.kinetics import Held, Kinetics
from jaxsnn_noise.synapses.projection import Projection, check_delay, range_of_weights, unit_of_weights
from jaxsnn_noise.synapses.sums import ExactSums, Sums

_MOST = (1 << 31) - 1


class Sparse(Projection):
    """A list of synapses: ``I_i = sum_k w_k s_col(k)`` over the synapses k of target i.

    A step takes O(spikes fan-out), a derivative O(synapses), the memory is that of the synapses. Every spike is that of
    :class:`Dense` with the same weights (0 where there is no synapse), bit by bit, where no pair has several synapses.
    A silent synapse multiplies nothing: NaN and infinity in a signal reach the targets of their source only.

    Synapses are kept in the order of their sources, and of their targets within a source, whatever order they are given in;
    ``rows``, ``columns`` and ``weights`` tell them in this order. A synapse of weight 0 is a synapse.

    Args:
        source: Name of the source population or port.
        target: Name of the target population.
        size: (target, source), each at least 1.
        rows: [synapse] target of each, in [0, target - 1].
        columns: [synapse] source of each, in [0, source - 1].
        weights: One number or one per synapse, in the order of ``rows``; unit as its kinetics says ([nA] for ``Held`` and
            ``Exponential``, [nA ms] for ``Delta``, [uS] for ``Conductance``). An absolute law is drawn with ``key``.
        key: A JAX key or a seed, for weights that are a law.
        kinetics: ``Held()``, ``Delta()``, ``Exponential(tau_syn)`` or ``Conductance(tau_syn, reversal)``.
        delay: Time from the end of the step of the spike to its arrival [ms], as for :class:`Dense`.
        noise: Named :class:`ReleaseNoise` sources.
        sums: ``ExactSums()`` (sums over spikes are exact) or ``NativeSums()``.
        multapses: Whether a pair may have several synapses. Each weight is then rounded for itself: sums are as exact,
            but differ from those of :class:`Dense`, which rounds the sum of the pair.

    Raises:
        InputError: a size, an index or a number of weights that does not fit; a pair given twice without ``multapses``.

    Example:
        >>> ring = Sparse("a", "a", size=(3, 3), rows=[1, 2, 0], columns=[0, 1, 2], weights=0.5)
        >>> ring.arrivals(ring.prepared(), jnp.array([1.0, 0.0, 0.0])).tolist()
        [0.0, 0.5, 0.0]
    """

    source: str = eqx.field(static=True)
    target: str = eqx.field(static=True)
    weights: Float32[Array, "synapse"] = parameter(unit_of_weights, range_of_weights, shape=None, absent=True)
    rows: Int32[Array, "synapse"] = parameter("1", Range(0.0, whole=True), shape=None, converter=lambda whole: whole)
    starts: Int32[Array, "offset"] = parameter("1", Range(0.0, whole=True), shape=None, converter=lambda whole: whole)
    kinetics: Kinetics
    delay: float | None = eqx.field(static=True)
    noise: dict[str, Any]
    sums: Sums
    size: tuple[int, int] = eqx.field(static=True)
    multapses: bool = eqx.field(static=True)

    def __init__(
        self,
        source: str,
        target: str,
        *,
        size: tuple[int, int],
        rows: Any,
        columns: Any,
        weights: Any,
        key: Any = None,
        kinetics: Kinetics | None = None,
        delay: float | None = None,
        noise: Mapping[str, Any] | None = None,
        sums: Sums | None = None,
        multapses: bool = False,
    ):
        who = f"{type(self).__name__}({source!r}, {target!r})"
        self.source, self.target = source, target
        self.size, self.multapses = _size(f"{who}.size", size), flag(f"{who}.multapses", multapses)
        rows = _indices(f"{who}.rows", rows, self.size[0])
        columns = _indices(f"{who}.columns", columns, self.size[1])
        if rows.shape != columns.shape:
            fail(f"{who}.columns", f"must have one entry per row ({rows.shape[0]})", columns.shape[0])
        synapses = rows.shape[0]
        weights = _weights(f"{who}.weights", weights, key, synapses)
        rows, self.starts, order = _by_column(rows, columns, self.size)
        self.rows = jnp.asarray(rows)
        self.weights = jnp.broadcast_to(weights if order is None or not weights.ndim else weights[order], (synapses,))
        _check_order(who, self.rows, self.starts, self.size[0], multapses)
        self.kinetics = Held() if kinetics is None else kinetics
        self.delay = delay
        self.noise = named("Sparse.noise", noise, "sources, e.g. noise.ReleaseNoise(...)")
        self.sums = ExactSums() if sums is None else sums

    @classmethod
    def drawn(
        cls,
        source: str,
        target: str,
        connectivity: Connectivity,
        *,
        size: tuple[int, int],
        key: Any,
        weights: Any,
        **options: Any,
    ) -> Self:
        """A random graph, e.g. ``Sparse.drawn("e", "e", FixedInDegree(100), size=(1000, 1000), key=1, weights=0.1)``.

        Args:
            source: Name of the source population or port.
            target: Name of the target population.
            connectivity: ``Probability(p)``, ``FixedInDegree(n)`` or ``FixedOutDegree(n)``.
            size: (target, source).
            key: A JAX key or a seed, of the graph, and of weights that are a law.
            weights: As for the class.
            **options: The other arguments of the class.
        """
        if not isinstance(connectivity, Connectivity):
            fail(f"{cls.__name__}.drawn", "must be a connectivity, e.g. FixedInDegree(100)", connectivity)
        graph: Graph = connectivity.draw(key, size)
        drawn = {"key": key} if hasattr(weights, "draw") else {}
        options = {"multapses": graph.multapses} | drawn | options
        return cls(source, target, size=size, rows=graph.rows, columns=graph.columns, weights=weights, **options)

    @classmethod
    def from_scipy(cls, source: str, target: str, matrix: Any, **options: Any) -> Self:
        """The stored entries of a SciPy sparse matrix or array [target, source] of any format; zeros that are stored stay."""
        if not hasattr(matrix, "tocoo") or len(matrix.shape) != 2:
            fail(
                f"{cls.__name__}.from_scipy", "must be a sparse matrix [target, source] of SciPy", type(matrix).__name__
            )
        coo = matrix.tocoo()
        return cls(source, target, size=coo.shape, rows=coo.row, columns=coo.col, weights=coo.data, **options)

    @classmethod
    def from_dense(cls, source: str, target: str, weights: Any, **options: Any) -> Self:
        """The entries of a matrix [target, source] that are not zero."""
        matrix = concrete(weights)
        if matrix is None or matrix.ndim != 2:
            rule = "must be a matrix [target, source], known before tracing (it says where synapses are)"
            fail(f"{cls.__name__}.from_dense", rule, type(weights).__name__ if matrix is None else matrix.shape)
        columns, rows = np.nonzero(matrix.T)
        return cls(
            source, target, size=matrix.shape, rows=rows, columns=columns, weights=matrix[rows, columns], **options
        )

    @classmethod
    def from_csr(
        cls, source: str, target: str, indptr: Any, indices: Any, weights: Any, *, sources: int, **options: Any
    ) -> Self:
        """Synapses by target: those of target i come from ``indices[indptr[i]:indptr[i + 1]]`` of the ``sources``."""
        who = f"{cls.__name__}.from_csr"
        pointers = _indices(f"{who}.indptr", indptr, _MOST)
        pointers = concrete(pointers)
        if pointers is None:
            fail(f"{who}.indptr", "must be known before tracing", type(indptr).__name__)
        n = np.shape(indices)[0]
        if len(pointers) < 2 or pointers[0] != 0 or pointers[-1] != n or np.any(np.diff(pointers) < 0):
            fail(f"{who}.indptr", f"must rise from 0 to the number of indices ({n})", pointers)
        rows = np.repeat(np.arange(len(pointers) - 1, dtype=np.int32), np.diff(pointers))
        size = (len(pointers) - 1, sources)
        return cls(source, target, size=size, rows=rows, columns=indices, weights=weights, **options)

    @property
    def columns(self) -> Int32[Array, "synapse"]:
        """The source of each synapse."""
        return source_of_each(self.starts, self.rows.shape[0])

    def dense_weights(self) -> Float32[Array, "target source"]:
        """The matrix of the weights; the synapses of a pair add up."""
        return jnp.zeros(self.size, jnp.float32).at[self.rows, self.columns].add(self.weights)

    def prepared(self, largest: int = 1) -> Columns:
        weights = self.sums.prepare_rows(
            self.weights, self.rows, size=self.size, multapses=self.multapses, largest=largest
        )
        return Columns(weights, self.rows, self.columns, self.starts)

    def arrivals(self, prepared: Columns, released: Values) -> Values:
        return over_spikes(prepared, released, self.size[0])

    def pairs(self) -> tuple[np.ndarray, np.ndarray] | None:
        rows, columns = concrete(self.rows), concrete(self.columns)
        return None if rows is None or columns is None else (rows, columns)

    def fan_out(self) -> PerNeuron:
        return (self.starts[1:] - self.starts[:-1]).astype(jnp.float32)

    def check(self, who: str, source_size: int, target_size: int) -> None:
        if self.size != (target_size, source_size):
            fail(f"{who}.size", f"must be [target, source] = ({target_size}, {source_size})", self.size)
        _check_order(who, self.rows, self.starts, self.size[0], self.multapses)
        if self.weights.shape != self.rows.shape:
            fail(f"{who}.weights", f"must have one entry per synapse ({self.rows.shape[0]})", self.weights.shape)
        check_delay(who, self.delay)
        self.sums.check(who, self.weights)

    @classmethod
    def example(cls) -> Self:
        return cls("a", "b", size=(5, 5), rows=[3, 1, 0, 4, 2, 0], columns=[0, 1, 1, 2, 4, 4], weights=0.5)


def _size(who: str, size: Any) -> tuple[int, int]:
    if not isinstance(size, (tuple, list)) or len(size) != 2:
        fail(who, "must be (target, source)", size)
    return count(who, size[0]), count(who, size[1])


def _indices(who: str, value: Any, size: int) -> Any:
    """Whole numbers in [0, size - 1] as int32, a NumPy array unless traced."""
    if not isinstance(value, jax.core.Tracer):
        real_numbers(who, value, rule="must be whole numbers, one per synapse")
    array = concrete(value)
    if array is None:
        return value.astype(jnp.int32)
    if array.ndim != 1 or (array.size and not np.issubdtype(array.dtype, np.integer)):
        fail(who, "must be whole numbers, one per synapse", value)
    if array.size > _MOST:
        fail(who, f"a projection holds at most {_MOST} synapses", array.size)
    in_range(who, array, 0, size - 1)
    return array.astype(np.int32, copy=False)


def _weights(who: str, weights: Any, key: Any, synapses: int) -> Values:
    if not hasattr(weights, "draw") and key is not None:
        fail(f"{who.rsplit('.', 1)[0]}.key", "is of weights that are a law, and these are none", key)
    if hasattr(weights, "draw"):
        if key is None:
            fail(f"{who}", "a law needs a key", weights)
        weights = weights.draw(random.stream(random.root(key), "weights"), synapses) if synapses else jnp.zeros(0)
    array = as_parameter(who, weights)
    if array.shape not in ((), (synapses,)):
        fail(who, f"must be one number or one per synapse (shape ({synapses},))", array.shape)
    return array


def order_of(rows: Any, columns: Any, size: tuple[int, int]) -> Any:
    """The order in which a projection keeps synapses that are given in another one; ``None``: as given."""
    return _by_column(_indices("rows", rows, size[0]), _indices("columns", columns, size[1]), size)[2]


def _by_column(rows: Any, columns: Any, size: tuple[int, int]) -> tuple[Any, Int32[Array, "offset"], Any]:
    """The rows by column, where the columns start, and the order (``None``: as given)."""
    every = np.arange(size[1] + 1, dtype=np.int32)
    if isinstance(rows, jax.Array) or isinstance(columns, jax.Array):
        given = lax.iota(jnp.int32, rows.shape[0])
        by_column = lax.sort((jnp.asarray(columns), jnp.asarray(rows), given), num_keys=2)
        return by_column[1], jnp.searchsorted(by_column[0], jnp.asarray(every)).astype(jnp.int32), by_column[2]
    order: np.ndarray | None = None
    down = rows[1:] < rows[:-1]
    if np.any(columns[1:] < columns[:-1]) or np.any((columns[1:] == columns[:-1]) & down):
        order = _sorted_by(columns, size[1], _sorted_by(rows, size[0], None) if np.any(down) else None)
        rows, columns = rows[order], columns[order]
    return rows, jnp.asarray(np.searchsorted(columns, every).astype(np.int32)), order


def _sorted_by(index: np.ndarray, size: int, order: np.ndarray | None) -> np.ndarray:
    """The order in which ``index`` rises, after ``order``; numbers of 16 bits are sorted by counting, in a sixth of the time."""
    index = index.astype(np.uint16) if size <= 1 << 16 else index
    new = np.argsort(index if order is None else index[order], kind="stable").astype(np.int32)
    return new if order is None else order[new]


def _check_order(who: str, rows: Any, starts: Any, targets: int, multapses: bool) -> None:
    """Rows lie in their range, rise within each column, and do so strictly where no pair is there twice."""
    first, row = concrete(starts), concrete(rows)
    if first is None or row is None:
        return
    if first[0] != 0 or first[-1] != len(row) or np.any(first[1:] < first[:-1]):
        fail(f"{who}.starts", f"must rise from 0 to the number of synapses ({len(row)})", first)
    in_range(f"{who}.rows", row, 0, targets - 1)
    fell = row[1:] < row[:-1] if multapses else row[1:] <= row[:-1]
    begins = first[(first > 0) & (first < len(row))]
    fell[begins - 1] = False  # a new column begins
    if np.any(fell):
        at = int(np.argmax(fell)) + 1
        pair = (int(row[at]), int(np.searchsorted(first, at, side="right")) - 1)
        rule = (
            "must rise within each column" if multapses else "a pair (target, source) has one synapse without multapses"
        )
        fail(f"{who}.rows", rule, pair)
