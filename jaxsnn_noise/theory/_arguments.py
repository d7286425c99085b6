"""What a closed form takes: finite real numbers that broadcast, looked at before anything is computed."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import jax
import numpy as np

from jaxsnn_noise import _checks

P = ParamSpec("P")
R = TypeVar("R")

NUMBERS = {"ArrayLike", "ArrayLike | None"}
"""Annotations of arguments that are looked at. ``None`` stands for none where the second says so: no refractory time."""

UNITS = {
    **dict.fromkeys(("dt", "duration", "warmup", "lag", "refractory", "dead_time", "time"), "ms"),
    **dict.fromkeys(("mean", "start", "before", "after", "v_reset", "v_rest", "v_threshold", "reversal"), "mV"),
    **dict.fromkeys(("margin", "width", "brunel", "jump", "jump_std", "state_std", "threshold_std"), "mV"),
    **dict.fromkeys(("rate_hz", "hazard_hz", "at_threshold_hz", "largest_hz", "frequency_hz", "external_hz"), "Hz"),
    "resistance": "MOhm",
    "charge": "nA ms",
    "slope": "mV/ms",
    "conductance": "uS",
}
"""Units of arguments that have the same in all closed forms; that of every ``tau_...`` is ms."""


def closed_form(function: Callable[P, R]) -> Callable[P, R]:
    """A function whose :data:`NUMBERS` are checked.

    They are finite, but for a ``time`` >= 0, which may be infinite.

    Raises:
        InputError: no real number, NaN, or infinite; arguments that do not broadcast; a value that JAX traces.
    """
    signature = inspect.signature(function)
    looked_at = {name: p.annotation for name, p in signature.parameters.items() if p.annotation in NUMBERS}

    @functools.wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        bound = signature.bind(*args, **kwargs)
        for name in looked_at.keys() & bound.arguments.keys():
            if not (bound.arguments[name] is None and looked_at[name] == "ArrayLike | None"):
                check_argument(name, bound.arguments[name])
        try:
            return function(*bound.args, **bound.kwargs)
        except _checks.InputError:
            raise
        except ValueError as error:  # NumPy's word for shapes that do not broadcast
            shapes = {name: np.shape(bound.arguments[name]) for name in looked_at if name in bound.arguments}
            if "broadcast" not in str(error) and "shape mismatch" not in str(error):
                raise
            _checks.fail(f"theory.{function.__name__}", "its arguments must broadcast", shapes)

    return checked


def check_argument(name: str, value: Any) -> None:
    """A finite real number or an array of them, and nothing that JAX traces."""
    if isinstance(value, jax.core.Tracer):
        rule = "is traced by JAX, but closed forms are NumPy: call them outside of jit, grad and vmap (arguments broadcast)"
        _checks.fail(name, rule, str(value.aval))
    _checks.real_numbers(name, value)
    finite = _checks.ranges.Range(0.0, finite=False) if name == "time" else _checks.ranges.real
    _checks.inside(name, value, finite, UNITS.get(name, "ms" if name.startswith("tau_") else ""))
