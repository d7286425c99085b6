"""Where a member of an ensemble stands, and the keys of its streams."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.hardware.imperfection import WAFER
from jaxsnn_noise.random import Tick


class Address(eqx.Module):
    """The axes that a member lies on, with its indices; the axes of ``paired`` redraw no noise.

    Args:
        indices: From axis name to index.
        paired: Axes along which dynamic noise is common (imperfections still differ).
    """

    indices: dict[str, jax.Array]
    paired: frozenset[str] = eqx.field(static=True, default=frozenset())

    @classmethod
    def of(cls, indices: Mapping[str, Any] | Address | None = None) -> Address:
        """An address from plain numbers, ``Address.of({"trial": 3, "device": 1})``; one that is given stays as it is."""
        if isinstance(indices, Address):
            return indices
        return cls({k: _index(k, v) for k, v in sorted((indices or {}).items())})

    def at(self, name: str, index: Any, *, paired: bool = False) -> Address:
        """This address with one more axis."""
        indices = dict(sorted({**self.indices, name: jnp.asarray(index, jnp.uint32)}.items()))
        return Address(indices, self.paired | {name} if paired else self.paired)


def _index(axis: str, value: Any) -> jax.Array:
    array = concrete(value)
    if array is not None and (array.ndim or array.dtype.kind not in "iu" or not 0 <= array < 1 << 32):
        fail(f"address[{axis!r}]", "must be a whole number in [0, 2**32)", value)
    return jnp.asarray(value, jnp.uint32)


AXES = ("device", "realisation", "sample", "seed", "trial")
"""Names that axes have by default."""


def address_of(who: str, sim: Any, address: Mapping[str, Any] | Address | None) -> Address:
    """The address of a member of a simulation. A misspelt name would give noise of its own: only known ones are taken.

    Args:
        who: Who asks.
        sim: The simulation; axes that its frozen streams and its imperfections name are known, and those of default names.
        address: Names with indices; or an :class:`Address`, which may have any names.

    Raises:
        InputError: a name that is no axis here, an index that is none.
    """
    if isinstance(address, Mapping):
        known = {*AXES, *(name for _, names in sim.frozen for name in names)}
        known |= {axis for part in sim.imperfections.values() for axis in (part.axis, part.wafer)} - {None}
        for name in address:
            if name not in known:
                rule = "must name axes (an axis with a name of your own: address=Address.of({...}))"
                fail(f"{who}.address", rule, name, known=known)
    elif address is not None and not isinstance(address, Address):
        fail(f"{who}.address", 'must map names of axes to indices, e.g. {"trial": 3}', address)
    found = Address.of(address)
    for name, part in sim.imperfections.items():
        if part.wafer is not None and part.axis in found.indices and part.wafer not in found.indices:
            fail(
                f"{who}.address", f"must say {part.wafer!r} too: imperfections.{name} has a part of its wafer", address
            )
    return found


class Keys(eqx.Module):
    """The keys of a simulation's streams at one address.

    A stream is redrawn on all axes of the address, except the paired ones, or on the axes that ``frozen`` names for it
    (or for the longest dotted prefix of its name).
    """

    root: Key
    address: Address
    frozen: tuple[tuple[str, tuple[str, ...]], ...] = eqx.field(static=True)

    def __call__(self, name: str) -> Key:
        """The key of the named stream."""
        return random.stream(random.member(self.root, **self._redrawn(name)), name)

    def of_device(self, name: str, axis: str | None) -> Key:
        """The key of a static imperfection: from the root, its name and its own axis alone, if it has one.

        A device that lies on a wafer is one of that wafer: its index and that of the wafer make its key.
        """
        known = {axis} if axis is None else {axis, WAFER}
        indices = {k: v for k, v in self.address.indices.items() if k in known}
        return random.stream(random.member(self.root, **indices), name)

    def _redrawn(self, name: str) -> dict[str, jax.Array]:
        matching = [(prefix, axes) for prefix, axes in self.frozen if name == prefix or name.startswith(prefix + ".")]
        if not matching:
            return {k: v for k, v in self.address.indices.items() if k not in self.address.paired}
        axes = max(matching, key=lambda pair: len(pair[0]))[1]
        return {k: v for k, v in self.address.indices.items() if k in axes}


class Step(eqx.Module):
    """The address of a time step inside the scan: its block of two steps, and the static lane in it."""

    block: jax.Array
    lane: int = eqx.field(static=True)
    memo: random.Memo | None = eqx.field(static=True, default=None)

    @property
    def index(self) -> jax.Array:
        """The step, counted from the start of the run, warm-up included (int32)."""
        return 2 * self.block.astype(jnp.int32) + self.lane

    def tick(self, key: Key) -> Tick:
        """The address of this step in a stream."""
        return Tick(key, self.block, self.lane, self.memo)
