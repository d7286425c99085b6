"""Special functions of JAX, loaded when the first one is asked for: they take a tenth of the import, and few simulations need them."""

from __future__ import annotations

import functools
import importlib
from typing import Any

from jaxsnn_noise._typing import Values


@functools.cache
def _jax() -> Any:
    return importlib.import_module("jax.scipy.special")


def ndtr(x: Any) -> Values:
    """The normal distribution function, ``jax.scipy.special.ndtr``."""
    found: Values = _jax().ndtr(x)
    return found


def log_ndtr(x: Any) -> Values:
    """Its logarithm, ``jax.scipy.special.log_ndtr``."""
    found: Values = _jax().log_ndtr(x)
    return found


def ndtri(p: Any) -> Values:
    """Its inverse, ``jax.scipy.special.ndtri``."""
    found: Values = _jax().ndtri(p)
    return found


def erfinv(x: Any) -> Values:
    """The inverse error function, ``jax.scipy.special.erfinv``."""
    found: Values = _jax().erfinv(x)
    return found


def gammaln(x: Any) -> Values:
    """The logarithm of the gamma function, ``jax.scipy.special.gammaln``."""
    found: Values = _jax().gammaln(x)
    return found
