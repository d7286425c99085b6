"""Rows of a table, drawn as a whole: what a circuit simulator's Monte Carlo run, or a measurement, found together."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, number, one_of, path_of
from jaxsnn_noise._typing import Key, Leaf, Values, as_float
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_extreme, check_path, leaf_of, with_leaves
from jaxsnn_noise.hardware.levels import check_level, entities_of, layer_of, level_of
from jaxsnn_noise.parameters import as_parameter, nonnegative, parameter, real


class TabulatedMismatch(Imperfection):
    r"""Each circuit is one row of a table: all its leaves have the deviations of that row.

    .. math:: p_{k,i} \to p_{k,i}\,\bigl(1 + a\,(x_{r(i),k}/\bar x_k - 1)\bigr) \qquad\text{or}\qquad
              p_{k,i} + a\,(x_{r(i),k} - \bar x_k)

    with the row :math:`r(i)` of the neuron (or synapse, or chip), each row as likely (a bootstrap), the column :math:`x_k` of the leaf and
    the nominal value :math:`\bar x_k` of the column. Whatever the rows have in common, correlation, tails, outliers, is kept; nothing
    is interpolated. Leaves of one population or projection have the same row for the same neuron.

    Args:
        factors: From paths of leaves to columns whose relative deviation they have.
        table: From names of columns to numbers, one for each row: a mapping, a data frame, or the path of a CSV file with a header.
        per: ``"neuron"``, ``"synapse"`` or ``"chip"`` (one row for all leaves). Rows are no sums: no :class:`VarianceSplit`.
        shifts: From paths to columns whose absolute deviation they have, in the unit of the leaf.
        nominal: From columns to their nominal values; the mean of the column unless given. For a column of factors, 1.
        strength: :math:`a`, 1 for the table as it is.
        axis: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: a column that the table has not (with near matches), columns of several lengths, fewer than two rows, values that are
            not finite, a column of factors whose nominal value is 0, a leaf that is named twice.

    References: Efron 1979, doi:10.1214/aos/1176344552.

    Example:
        >>> table = {"tau": [18.0, 20.0, 22.0], "gain": [0.9, 1.0, 1.1]}
        >>> both = {"network.cells.neuron.tau_mem": "tau", "network.cells.neuron.resistance": "gain"}
        >>> TabulatedMismatch(both, table, per="neuron").rows
        3
    """

    stage: ClassVar[Stage] = Stage.FABRICATED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    paths: tuple[str, ...] = eqx.field(static=True)
    columns: tuple[str, ...] = eqx.field(static=True)
    relative: int = eqx.field(static=True)
    deviations: Leaf = parameter("1", real, shape=None)
    strength: Leaf = parameter("1", nonnegative, default=1.0)
    per: str = eqx.field(static=True, default="neuron")
    axis: str = eqx.field(static=True, default="device")

    def __init__(
        self,
        factors: Mapping[str, str],
        table: Any,
        *,
        per: Any,
        shifts: Mapping[str, str] | None = None,
        nominal: Mapping[str, float] | None = None,
        strength: Any = 1.0,
        axis: str = "device",
    ):
        shifts, nominal = {} if shifts is None else shifts, {} if nominal is None else nominal
        self.per, split = level_of("TabulatedMismatch.per", per)
        if split is not None:
            fail("TabulatedMismatch.per", "takes a word: rows of a table are no sums of parts", type(split).__name__)
        for who, mapped in (("factors", factors), ("shifts", shifts)):
            if not isinstance(mapped, Mapping) or not all(isinstance(x, str) for x in (*mapped, *mapped.values())):
                fail(f"TabulatedMismatch.{who}", "must map paths of leaves to names of columns", mapped)
        if not isinstance(nominal, Mapping):
            fail("TabulatedMismatch.nominal", "must map names of columns to numbers", nominal)
        if not {**factors, **shifts}:
            fail("TabulatedMismatch.factors", "needs a leaf with its column", factors)
        if twice := factors.keys() & shifts.keys():
            fail("TabulatedMismatch.shifts", "must not name a leaf that factors names", sorted(twice))
        self.paths, self.columns = (*factors, *shifts), (*factors.values(), *shifts.values())
        self.relative, self.axis, self.strength = (
            len(factors),
            axis,
            as_parameter("TabulatedMismatch.strength", strength),
        )
        found = _columns(table, self.columns)
        for column in nominal:
            one_of("TabulatedMismatch.nominal", column, found)
        middle = {
            column: number(f"TabulatedMismatch.nominal[{column!r}]", nominal.get(column, values.mean()))
            for column, values in found.items()
        }
        for column in factors.values():
            if middle[column] == 0 or not np.isfinite(middle[column]):
                fail(
                    f"TabulatedMismatch.nominal[{column!r}]",
                    "must not be 0: factors are relative to it",
                    middle[column],
                )
        away = [
            found[c] / middle[c] - 1.0 if k < len(factors) else found[c] - middle[c] for k, c in enumerate(self.columns)
        ]
        self.deviations = as_float(np.stack(away, axis=1))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return int(self.deviations.shape[0])

    def apply(self, network: Any, key: Key) -> Any:
        changed = {}
        for index, path in enumerate(self.paths):
            own = key if self.per == "chip" else random.stream(key, layer_of(path))
            uniform = random.uniform(random.tick(own, 0), entities_of(network, path, self.per))
            row = lax.optimization_barrier(jnp.floor(uniform * self.rows).astype(jnp.int32))
            deviation = self.deviations[jnp.clip(row, 0, self.rows - 1), index]
            changed[path] = self._changed(leaf_of(network, path), index, deviation)
        return with_leaves(network, changed)

    def check(self, who: str, network: Any) -> None:
        for index, path in enumerate(self.paths):
            leaf = check_path(who, network, path)
            check_level(f"{who}.per", self.per, None, network, path)
            for extreme in (self.deviations[:, index].min(), self.deviations[:, index].max()):
                changed = self._changed(leaf, index, jnp.full_like(leaf, extreme))
                check_extreme(f"{who}.table[{self.columns[index]!r}]", network, path, changed)

    def _changed(self, nominal: Values, index: int, deviation: Values) -> Values:
        by = self.strength * deviation
        return nominal * (1.0 + by) if index < self.relative else nominal + by

    @classmethod
    def example(cls) -> Self:
        return cls({"network.cells.neuron.tau_mem": "tau"}, {"tau": [17.0, 19.0, 20.0, 21.0, 24.0]}, per="neuron")


def _columns(table: Any, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    if isinstance(table, (str, os.PathLike)):
        table = _read(path_of("TabulatedMismatch.table", table))
    if not hasattr(table, "keys") or not hasattr(table, "__getitem__"):
        fail("TabulatedMismatch.table", "must map names of columns to numbers", table)
    known = [str(name) for name in table.keys()]  # noqa: SIM118 (a data frame iterates otherwise)
    found = {}
    for name in dict.fromkeys(wanted):
        one_of("TabulatedMismatch.table", name, known)
        try:
            values = np.asarray(table[name], np.float64)
        except (TypeError, ValueError):
            fail(f"TabulatedMismatch.table[{name!r}]", "must be numbers", table[name])
        if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
            fail(
                f"TabulatedMismatch.table[{name!r}]",
                "must be finite numbers, one for each of two rows at least",
                values,
            )
        found[name] = values
    lengths = {name: len(values) for name, values in found.items()}
    if len(set(lengths.values())) > 1:
        fail("TabulatedMismatch.table", "must have one value of each column in each row", lengths)
    return found


def _read(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file, as texts."""
    if not path.is_file():
        fail("TabulatedMismatch.table", "must be a file", str(path))
    with path.open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(line for line in lines if line.strip() and not line.startswith("#")))
    names = [str(name) for name in (rows[0] if rows else [])]
    if not names or any(None in row or None in row.values() for row in rows):
        fail("TabulatedMismatch.table", f"must have a value of each column in each row of {path.name}", names)
    return {name.strip(): [row[name] for row in rows] for name in names}
