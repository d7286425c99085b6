"""The shape vocabulary of the house and the converters that fix dtypes.

Dimension names: ``neuron``, ``source``, ``target``, ``synapse``, ``time``, ``trial``, ``device``, ``sample``. Parts are
written for one trial of one device; ensembles come from ``vmap``.

Every parameter is a float32 array leaf. A Python float would be a constant of the compiled program (a new value, a new
compilation), and an array of unfixed dtype costs one trace per dtype.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float32, UInt32

from jaxsnn_noise._checks import concrete, fail, real_numbers

Scalar = Float32[Array, ""]
PerNeuron = Float32[Array, "neuron"]
Values = Float32[Array, "..."]
Key = UInt32[Array, "2"]

if TYPE_CHECKING:
    Leaf = Any  # a type checker does not see that the field's converter makes an array of what is given
    Parameter = Any
else:
    Leaf = Values
    Parameter = PerNeuron
"""Parameters: given as a number or an array, held as a float32 array leaf, a ``Parameter`` as one value per neuron."""


def as_float(value: Any, who: str = "parameter") -> Values:
    """``value`` as a float32 array, whatever its dtype or weak type was; truth values are 0 and 1.

    Raises:
        InputError: texts, complex numbers, masked entries.
    """
    real_numbers(who, value, flags=True)
    try:
        return jnp.asarray(value, jnp.float32)
    except (TypeError, ValueError):
        fail(who, "must be real numbers", value)


def is_key(value: Any) -> bool:
    """Whether something is a typed key of JAX, or an array of them."""
    return hasattr(value, "dtype") and bool(jnp.issubdtype(value.dtype, jax.dtypes.prng_key))


def per_neuron(who: str, value: Any, size: int) -> PerNeuron:
    """``value`` (one number, or one per neuron) as a float32 leaf of shape [neuron].

    A scalar leaf would get a single mismatch factor for the whole layer; hence the broadcast at construction.
    """
    array = as_float(value)
    if array.shape not in ((), (size,)):
        shape = None if concrete(value) is None else array.shape
        fail(who, f"must be one number or one per neuron (shape ({size},))", shape or value)
    return jnp.broadcast_to(array, (size,))
