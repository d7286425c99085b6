"""Values of which the compiler knows nothing: what stands on both sides is not merged into one rounding.

Compilers fuse ``a * b + c`` into one rounding or leave two, depending on what stands around it and on the shape of a batch. A
product that passes through :func:`opaque` is rounded by itself, always. What that costs is one integer operation.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise._typing import Key


def opaque_zero(root: Key) -> jax.Array:
    """A zero that only the running program knows: ``x^3 - x`` is a multiple of three."""
    x = root[0] & jnp.uint32(0xFF)
    return (x * x * x - x) % jnp.uint32(3)


def opaque(x: jax.Array, zero: jax.Array) -> jax.Array:
    """``x``, of which the compiler knows nothing; the derivative is the identity."""
    return _opaque(x, zero) if x.dtype == jnp.float32 else x


@jax.custom_jvp
def _opaque(x: jax.Array, zero: jax.Array) -> jax.Array:
    return lax.bitcast_convert_type(lax.bitcast_convert_type(x, jnp.uint32) ^ zero, jnp.float32)


_opaque.defjvps(lambda tangent, answer, x, zero: tangent, None)
