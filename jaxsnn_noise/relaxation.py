"""What relaxes exponentially over a step, in the form whose rounding does not add up.

A factor ``exp(-dt/tau)`` near 1 has lost most of ``dt/tau`` to rounding before it is used, and the error is the same in every
step: at ``tau/dt = 1e5`` in single precision the time constant is off by 0.2 %. What is lost in a step, ``expm1(-dt/tau)``, keeps
its digits. The sum rounds on: what changes in a step by less than 1e-6 of itself is followed by a few per cent only.
"""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import Values

__all__ = ["faded", "grown", "relaxed"]


def relaxed(x: Values, towards: Values, tau: Values, dt: Values | float) -> Values:
    """``towards + (x - towards) exp(-dt/tau)``, where ``towards`` is held over the step ``dt`` [ms]; ``tau`` in ms, > 0."""
    return x + (x - towards) * jnp.expm1(-dt / tau)


def faded(x: Values, tau: Values, dt: Values | float) -> Values:
    """``x exp(-dt/tau)``; ``dt`` and ``tau`` in ms, ``tau > 0``."""
    return x + x * jnp.expm1(-dt / tau)


def grown(x: Values) -> Values:
    """``(exp(x) - 1)/x``, 1 at 0, with a finite slope there: the mean of ``exp`` between 0 and ``x``."""
    small = jnp.abs(x) < 1e-3
    safe = jnp.where(small, 1.0, x)
    return jnp.where(small, 1.0 + x * (0.5 + x / 6.0), jnp.expm1(safe) / safe)


def __dir__() -> list[str]:
    return __all__
