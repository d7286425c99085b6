"""The spike raster, one bit per neuron and step."""

from __future__ import annotations

from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Shaped, UInt8

from jaxsnn_noise._checks import count, fail
from jaxsnn_noise.statistics import windows
from jaxsnn_noise.statistics.fold import About, Frame, Statistic

_WORD = 32  # steps gathered in a machine word before the large array is touched: measured, see ``windows``


class Raster(Statistic):
    """Which neuron fired in which step, packed along time: bit k of byte b is step ``8 b + k``.

    A raster of T steps takes ``ceil(T/8) * size`` bytes per member; unused bits of the last byte are 0. Unpack it with
    :func:`unpack` or with ``numpy.unpackbits(packed, axis=0, count=steps, bitorder="little")``. No gradient passes.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        uint8 [byte, neuron].

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import Raster, over_raster
    >>> print(over_raster(Raster(), jnp.array([[1, 0], [1, 1], [0, 0]]), dt=1.0))
    [[3 2]]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def init(self, about: About) -> windows.Windows:
        if about.steps < 1:
            fail("Raster", "needs at least one measured step", about.steps)
        return windows.start(jnp.zeros(about.size, jnp.uint32), -(-about.steps // _WORD))

    def update(self, acc: windows.Windows, frame: Frame, about: About) -> windows.Windows:
        del about
        bit = (frame.index % jnp.int32(_WORD)).astype(jnp.uint32)
        return windows.advance(acc, (frame.spikes > 0).astype(jnp.uint32) << bit, frame.index, _WORD)

    def merge(self, a: windows.Windows, b: windows.Windows, about: About) -> windows.Windows:
        del about
        return windows.merge(a, b, _WORD)

    def finalize(self, acc: windows.Windows, about: About) -> UInt8[Array, "byte neuron"]:
        words = windows.settled(acc, _WORD)
        parts = [(words >> jnp.uint32(8 * k)).astype(jnp.uint8) for k in range(_WORD // 8)]
        return jnp.stack(parts, axis=1).reshape(-1, about.size)[: -(-about.steps // 8)]

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("byte", "neuron")}

    @classmethod
    def example(cls) -> Self:
        return cls()


def unpack(packed: Shaped[Array, "..."] | Shaped[np.ndarray, "..."], steps: int) -> Bool[Array, "*members time neuron"]:
    """The raster as truth values [..., time, neuron] from the packed result of :class:`Raster`.

    Args:
        packed: uint8 [..., byte, neuron]; leading dimensions (trials, devices) are kept.
        steps: number of measured steps.

    Raises:
        InputError: not uint8 [..., byte, neuron], or the number of steps does not belong to that many bytes.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import unpack
    >>> print(unpack(jnp.array([[3, 2]], dtype=jnp.uint8), 3).astype(int))
    [[1 0]
     [1 1]
     [0 0]]
    """
    packed = jnp.asarray(packed)
    if packed.dtype != jnp.uint8 or packed.ndim < 2:
        fail(
            "unpack",
            "needs a packed raster, uint8 [..., byte, neuron]",
            f"{packed.dtype}{list(packed.shape)}",
        )
    if -(-count("unpack.steps", steps) // 8) != packed.shape[-2]:
        fail("unpack.steps", f"must lie in the last of {packed.shape[-2]} bytes of 8 steps each", steps)
    flat = jnp.unpackbits(packed, axis=-2, count=steps, bitorder="little")
    return flat.astype(bool)
