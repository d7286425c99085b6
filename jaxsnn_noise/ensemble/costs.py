"""What a member of a study costs, and which axes each part of it depends on.

The program of one member is traced as a function of its indices along the axes, and followed equation by equation. Each
equation depends on those axes from which its operands come: the mismatch of a chip on ``device`` alone, its voltages on
``device`` and ``sample``. In a block of members an equation is computed once per value of the axes that it depends on, and
anew in every block; that is what :mod:`jaxsnn_noise.ensemble.chunks` weighs.
"""

from __future__ import annotations

import functools
import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
from jax.extend.core import ClosedJaxpr, Jaxpr, Literal

from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Axis
from jaxsnn_noise.ensemble.traced import Traced, traced

Along = frozenset[int]
"""Positions of axes."""

FREE = frozenset(
    {"broadcast_in_dim", "reshape", "transpose", "squeeze", "expand_dims", "slice", "split", "iota", "copy"}
    | {"convert_element_type", "bitcast_convert_type", "stop_gradient", "real", "imag", "platform_index"}
)
"""What a compiler does not compute: it only reads elsewhere."""
WEIGHTS = {
    **dict.fromkeys(("exp", "expm1", "log", "log1p", "sin", "cos", "tan", "tanh", "logistic", "pow", "atan2"), 15.0),
    **dict.fromkeys(("erf", "erfc", "erf_inv", "cbrt", "lgamma", "digamma"), 15.0),
    **dict.fromkeys(("div", "sqrt", "rsqrt", "integer_pow", "exp2"), 4.0),
    **dict.fromkeys(("rem", "cumsum", "cumprod", "gather", "dynamic_slice", "dynamic_update_slice"), 8.0),
    **dict.fromkeys(("scatter", "scatter-add", "scatter-max", "sort"), 50.0),
}
"""Work per element of what is not a plain operation, in plain operations."""
READERS = frozenset(["gather", "dynamic_slice", "dynamic_update_slice"])
"""What touches a part of its operand alone."""
UNKNOWN_LENGTH = 8
"""Turns of a loop that depend on values: taken for the ranking of shapes alone."""


@dataclass(frozen=True)
class Product:
    """A product of matrices: how often it is formed, its operations, and the axes and bytes of its two operands."""

    times: float
    flops: float
    along: Along
    operands: tuple[tuple[Along, float], tuple[Along, float]]


@dataclass
class Costs:
    """What one member costs.

    Attributes:
        work: Plain operations by the axes that they depend on.
        products: All products of matrices.
        steps: Turns of loops, times the equations of their bodies.
        carried: Bytes that loops carry, by the axes that they depend on, with the number of turns.
        largest: Bytes of the largest array, by the axes that it depends on.
        result: Bytes of the results.
    """

    work: dict[Along, float] = field(default_factory=lambda: defaultdict(float))
    products: list[Product] = field(default_factory=list)
    steps: float = 0.0
    carried: list[tuple[float, dict[Along, float]]] = field(default_factory=list)
    largest: dict[Along, float] = field(default_factory=lambda: defaultdict(float))
    result: float = 0.0


def costs(sim: Simulation, axes: Sequence[Axis], backend: Any) -> Costs:
    """The costs of a member of a grid of axes, found without computing."""
    return _of_program(traced(sim, axes, backend), len(axes))


@functools.lru_cache(maxsize=128)
def _of_program(program: Traced, axes: int) -> Costs:
    found, closed = Costs(), program.whole
    along = [frozenset({i}) for i in range(axes)] + [frozenset()] * (len(closed.jaxpr.invars) - axes)
    _follow(closed, along, 1.0, found)
    found.result = float(sum(_bytes(v.aval) for v in closed.jaxpr.outvars))
    return found


def _follow(closed: ClosedJaxpr | Jaxpr, along: Sequence[Along], times: float, found: Costs | None) -> list[Along]:
    """The axes of the results of a program from those of its arguments; what it costs is added to ``found``."""
    jaxpr = closed.jaxpr if isinstance(closed, ClosedJaxpr) else closed
    known: dict[Any, Along] = dict(zip(jaxpr.invars, along, strict=True))

    def axes_of(v: Any) -> Along:
        return frozenset() if isinstance(v, Literal) else known.get(v, frozenset())

    platforms: dict[Any, int] = {}
    for eqn in jaxpr.eqns:
        operands = [axes_of(v) for v in eqn.invars]
        if eqn.primitive.name == "platform_index":
            platforms[eqn.outvars[0]] = _platform(eqn)
        if eqn.primitive.name == "cond" and eqn.invars[0] in platforms:
            outs = _follow(eqn.params["branches"][platforms[eqn.invars[0]]], operands[1:], times, found)
        else:
            outs = _equation(eqn, operands, times, found)
        known |= dict(zip(eqn.outvars, outs, strict=True))
    return [axes_of(v) for v in jaxpr.outvars]


def _equation(eqn: Any, operands: list[Along], times: float, found: Costs | None) -> list[Along]:
    name, union = eqn.primitive.name, frozenset[int]().union(*operands)
    if name == "scan":
        return _scan(eqn, operands, times, found)
    if name == "while":
        bodies = [eqn.params["cond_jaxpr"], eqn.params["body_jaxpr"]]
        for body in bodies:
            _follow(body, [union] * len(body.jaxpr.invars), times * UNKNOWN_LENGTH, found)
        return [union] * len(eqn.outvars)
    if name == "cond":
        branches = eqn.params["branches"]
        parts = [_follow(b, operands[1:], times / len(branches), found) for b in branches]
        return [operands[0].union(*(part[i] for part in parts)) for i in range(len(eqn.outvars))]
    for inner in _programs(eqn.params.values()):
        if len(_plain(inner).invars) == len(operands) and len(_plain(inner).outvars) == len(eqn.outvars):
            return _follow(inner, operands, times, found)
    if found is not None:
        _count(eqn, name, operands, union, times, found)
    return [union] * len(eqn.outvars)


def _scan(eqn: Any, operands: list[Along], times: float, found: Costs | None) -> list[Along]:
    body, length = eqn.params["jaxpr"], eqn.params["length"]
    fixed, carried = _constants_and_carry(eqn)
    along = list(operands)
    while True:  # what is carried comes to depend on what the body mixes into it
        outs = _follow(body, along, 0.0, None)
        grown = [a | b for a, b in zip(along[fixed : fixed + carried], outs[:carried], strict=True)]
        if grown == along[fixed : fixed + carried]:
            break
        along[fixed : fixed + carried] = grown
    if found is not None:
        _follow(body, along, times * length, found)
        state: dict[Along, float] = defaultdict(float)
        for v, a in zip(eqn.invars[fixed : fixed + carried], grown, strict=True):
            state[a] += _bytes(v.aval)
        found.carried.append((times * length, dict(state)))
        found.steps += times * length * len(body.jaxpr.eqns)
    return outs


def _constants_and_carry(eqn: Any) -> tuple[int, int]:
    """How many of a scan's operands are constants, and how many are carried.

    Told by shapes: what comes in or goes out turn by turn has one dimension more outside of the body. The parameters that say so
    differ between versions of JAX.
    """
    body: Any = _plain(eqn.params["jaxpr"])
    series = sum(a.aval.ndim != b.aval.ndim for a, b in zip(eqn.invars, body.invars, strict=True))
    carried = sum(a.aval.ndim == b.aval.ndim for a, b in zip(eqn.outvars, body.outvars, strict=True))
    return len(eqn.invars) - series - carried, carried


def _count(eqn: Any, name: str, operands: list[Along], union: Along, times: float, found: Costs) -> None:
    read = [] if name in READERS else [v for v in eqn.invars if hasattr(v, "aval")]
    size = max(math.prod(v.aval.shape) for v in [*eqn.outvars, *read])
    if name == "dot_general":
        inner = math.prod(eqn.invars[0].aval.shape[i] for i in eqn.params["dimension_numbers"][0][0])
        flops = 2.0 * inner * math.prod(eqn.outvars[0].aval.shape)
        first, second = ((a, _bytes(v.aval)) for a, v in zip(operands, eqn.invars, strict=True))
        found.products.append(Product(times, flops, union, (first, second)))
    elif name not in FREE:
        found.work[union] += times * size * WEIGHTS.get(name, 1.0)
    for v in eqn.outvars:
        found.largest[union] = max(found.largest[union], _bytes(v.aval))


def _platform(eqn: Any) -> int:
    """The branch that this machine takes."""
    named = eqn.params["platforms"]
    return next((i for i, names in enumerate(named) if names and jax.default_backend() in names), len(named) - 1)


def _programs(params: Iterable[Any]) -> list[Any]:
    return [p for p in params if isinstance(p, (ClosedJaxpr, Jaxpr))]


def _plain(program: Any) -> Jaxpr:
    return program.jaxpr if isinstance(program, ClosedJaxpr) else program


def _bytes(aval: Any) -> float:
    return float(math.prod(aval.shape) * getattr(aval.dtype, "itemsize", 4))
