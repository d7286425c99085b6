"""Axes whose members are random draws: trials, devices, samples, networks built anew."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise import paths, random
from jaxsnn_noise._checks import concrete, fail, flag
from jaxsnn_noise._checks import name as text
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.names import LABEL
from jaxsnn_noise.engine.network import Network, Population
from jaxsnn_noise.engine.pinning import pinned_tree
from jaxsnn_noise.engine.samples import batch_of, check_samples, showing
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes.axis import Axis, members, of_what_is_set, plain_labels
from jaxsnn_noise.hardware.imperfection import WAFER
from jaxsnn_noise.neurons import LIF
from jaxsnn_noise.opacity import opaque_zero
from jaxsnn_noise.parameters import parameter, real


class Trials(Axis):
    """Fresh noise per trial; nothing else differs.

    Args:
        n: Number of trials, >= 1.
    """

    random: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    name: str = eqx.field(static=True, default="trial")

    def __check_init__(self) -> None:
        members("Trials.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return sim, address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        """Fits every simulation."""

    @classmethod
    def example(cls) -> Self:
        return cls(3)


class Devices(Axis):
    """One chip per index: the imperfections are drawn per device, and kept for all its trials.

    Args:
        n: Number of devices, >= 1.
        paired: Give all chips the same noise (only the chips differ). Default: fresh noise per chip.
    """

    random: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    paired: bool = eqx.field(
        static=True, default=False, kw_only=True, converter=functools.partial(flag, "Devices.paired")
    )
    name: str = eqx.field(static=True, default="device")

    def __check_init__(self) -> None:
        members("Devices.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return sim, address.at(self.name, index, paired=self.paired)

    def check(self, sim: Simulation) -> None:
        """Some imperfection is redrawn on this axis: without one, the noise of trials would be told as scatter of devices."""
        drawn = {imperfection.axis for imperfection in sim.imperfections.values()} - {None}
        if not drawn:
            rule = "needs an imperfection that draws: without one all devices are the same (for fresh noise alone take Trials)"
            got = {name: type(part).__name__ for name, part in sim.imperfections.items()}
            fail("Devices", rule, got)
        if drawn and self.name not in drawn:
            fail(
                "Devices.name",
                "must be the axis of an imperfection, or all devices are the same",
                self.name,
                known=drawn,
            )

    @classmethod
    def example(cls) -> Self:
        return cls(3)


class Wafers(Axis):
    """One wafer per index, each with devices of its own: ``[Wafers(10), Devices(20)]`` are 200 chips, 20 of each wafer.

    The key of a chip is made of both indices. What its imperfections say belongs to the wafer
    (:class:`~jaxsnn_noise.hardware.VarianceSplit`) is made of the wafer's alone, so that its chips share it. Results have both
    dimensions, and an error over chips is one of wafers: ``over=("wafer", "device")``.

    Args:
        n: Number of wafers, >= 1.
        paired: Give all wafers the same noise. Default: fresh noise per wafer.
    """

    random: ClassVar[bool] = True
    name: ClassVar[str] = WAFER
    n: int = eqx.field(static=True)
    paired: bool = eqx.field(
        static=True, default=False, kw_only=True, converter=functools.partial(flag, "Wafers.paired")
    )

    def __check_init__(self) -> None:
        members("Wafers.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        return sim, address.at(self.name, index, paired=self.paired)

    def check(self, sim: Simulation) -> None:
        """Some imperfection draws: without one all wafers are the same."""
        if not any(imperfection.axis is not None for imperfection in sim.imperfections.values()):
            rule = "needs an imperfection that draws: without one all wafers are the same"
            fail("Wafers", rule, {name: type(part).__name__ for name, part in sim.imperfections.items()})

    @classmethod
    def example(cls) -> Self:
        return cls(3)


class Samples(Axis):
    """One stimulus per index, with fresh noise: the values of an input are set to ``data[index]``.

    Args:
        data: [sample, ...]: the values of the input for each sample, e.g. images [sample, channel].
        path: Path of the input's values, e.g. ``"inputs.stimulus.values"``; the only input's unless given.
        labels: [sample] kept as the coordinate ``label``.
    """

    random: ClassVar[bool] = True
    data: jax.Array = parameter(of_what_is_set, real, shape=None)
    path: str | None = eqx.field(static=True, default=None)
    labels: tuple[Any, ...] | None = eqx.field(static=True, default=None)
    name: str = eqx.field(static=True, default="sample")

    def __init__(self, data: Any, path: str | None = None, *, labels: Any = None, name: str = "sample"):
        self.data = batch_of("Samples.data", data)
        self.path, self.name = path if path is None else text("Samples.path", path), name
        self.labels = plain_labels("Samples", labels, len(self.data))

    @property
    def size(self) -> int:
        return len(self.data)

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        name, values = self._input(sim), self.data[index]
        shown = paths.replace(sim, {self._path(sim): values}) if name is None else showing(sim, name, values)
        return shown, address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        leaf = paths.get(sim, self._path(sim))
        if leaf.shape != self.data.shape[1:]:
            fail(
                "Samples.data",
                f"must have the shape [sample, *{leaf.shape}] of {self._path(sim)}",
                self.data.shape,
            )
        name, data = self._input(sim), concrete(self.data)
        if name is not None and data is not None:
            check_samples("Samples.data", sim, name, data)

    @classmethod
    def example(cls) -> Self:
        return cls(np.eye(3), "inputs.cells.values")

    def columns(self) -> dict[str, tuple[Any, ...]]:
        return {} if self.labels is None else {LABEL: self.labels}

    def sets(self, sim: Simulation) -> tuple[str, ...]:
        return (self._path(sim),)

    def _path(self, sim: Simulation) -> str:
        if self.path is not None:
            return self.path
        if len(sim.inputs) != 1:
            rule = "must name the values of one input"
            fail("Samples.path", rule, None, known=[f"inputs.{k}.values" for k in sim.inputs])
        return f"inputs.{next(iter(sim.inputs))}.values"

    def _input(self, sim: Simulation) -> str | None:
        """The input whose values are set, if the path leads to those."""
        kind, name, *rest = self._path(sim).split(".")
        return name if kind == "inputs" and name in sim.inputs and rest == ["values"] else None


class Realisations(Axis):
    """A network built anew per index: wiring, weights, initial laws.

    Args:
        n: Number of networks, >= 1.
        builder: ``key -> Network`` of one structure; the key is a JAX key of the realisation. A function, or a module with
            arrays as fields and a ``__call__``: with other arrays it compiles nothing anew, as another lambda does.
    """

    random: ClassVar[bool] = True
    rebuilds: ClassVar[bool] = True
    n: int = eqx.field(static=True)
    builder: Callable[[Any], Any]
    name: str = eqx.field(static=True, default="realisation")

    def __check_init__(self) -> None:
        members("Realisations.n", self.n)

    @property
    def size(self) -> int:
        return self.n

    def apply(self, sim: Simulation, address: Address, index: jax.Array, root: Key) -> tuple[Simulation, Address]:
        words = random.stream(random.member(root, **{self.name: index}), "realisation")
        # pinned, so that a realisation has the same bits in every program and batch
        network = pinned_tree(self._built, zero=opaque_zero(root))(words)
        return eqx.tree_at(lambda s: s.network, sim, network), address.at(self.name, index)

    def check(self, sim: Simulation) -> None:
        """The builder's network (checked by its own constructor) has the structure of the simulation's."""
        built = eqx.filter_eval_shape(self._built, jax.ShapeDtypeStruct((2,), jnp.uint32))
        old, new = (jax.tree.map(lambda x: (x.shape, x.dtype), eqx.filter(n, _is_shaped)) for n in (sim.network, built))
        if not eqx.tree_equal(old, new):
            rule = "must build networks of the same structure and sizes as that of the simulation"
            fail("Realisations.builder", rule, type(built).__name__)

    @classmethod
    def example(cls) -> Self:
        return cls(3, _of_the_example)

    def _built(self, words: Key) -> Any:
        return self.builder(jax.random.wrap_key_data(words, impl="threefry2x32"))


def _is_shaped(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, jax.ShapeDtypeStruct))


def _of_the_example(key: Any) -> Network:
    """Three neurons with a memory that is drawn anew."""
    tau_mem = 10.0 + 10.0 * random.uniforms(random.root(key), (3,))
    return Network({"cells": Population(LIF(3, tau_mem=tau_mem))})
