"""Special functions of JAX, loaded when the first one is asked for: they take a tenth of the import, and few simulations need them."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from jaxsnn_noise._typing import Values


def _when_asked(name: str) -> Callable[[Any], Values]:
    """That function of ``jax.scipy.special``."""

    def function(x: Any) -> Values:
        found: Values = getattr(importlib.import_module("jax.scipy.special"), name)(x)
        return found

    return function


ndtr = _when_asked("ndtr")
"""The normal distribution function."""
log_ndtr = _when_asked("log_ndtr")
"""Its logarithm."""
ndtri = _when_asked("ndtri")
"""Its inverse."""
erfinv = _when_asked("erfinv")
"""The inverse error function."""
gammaln = _when_asked("gammaln")
"""The logarithm of the gamma function."""
