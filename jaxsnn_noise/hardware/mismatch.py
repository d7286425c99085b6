"""Device mismatch: every element of a parameter its own frozen deviation."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import fail
from jaxsnn_noise._typing import Key
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import at_once, check_extreme, check_path, leaf_of, neurons_of, with_leaf
from jaxsnn_noise.hardware.levels import check_level, independent, level_of, parts_of, wafer_of
from jaxsnn_noise.hardware.split import VarianceSplit
from jaxsnn_noise.laws import Law, LogNormal


class Mismatch(Imperfection):
    """Parameter ``p_i -> law(p_i, z_i)`` with scores ``z_i`` that belong to the device.

    The scores do not depend on the law's parameters: along a sweep of ``law.cv`` the same devices get worse.

    Args:
        path: Dotted path of the leaf as seen from the simulation, e.g. ``"network.cells.neuron.tau_mem"`` or
            ``"network.recurrent.weights"``.
        law: How a nominal value deviates; laws keep parameters in their range.
        per: ``"neuron"``: one deviation per neuron (for weights: per target), ``"synapse"``: per
            element, ``"chip"``: one for the whole leaf (global variation). Or a :class:`VarianceSplit`, shares of the variance that
            belong to wafer, die, layer, neighbours, neuron and synapse; it is the field ``split``.
        axis: The Monte Carlo axis on which devices are drawn.

    References: Pelgrom, Duinmaijer, Welbers 1989, doi:10.1109/JSSC.1989.572629; for spiking networks Buechel et al.
    2021, doi:10.1038/s41598-021-02779-x.

    Example:
        >>> from jaxsnn_noise.laws import LogNormal
        >>> Mismatch("network.cells.neuron.tau_mem", law=LogNormal(cv=0.1), per="neuron").axis
        'device'
    """

    stage: ClassVar[Stage] = Stage.FABRICATED
    switches_off: ClassVar[bool] = True
    absolute: ClassVar[bool] = False
    path: str = eqx.field(static=True)
    law: Law
    per: str = eqx.field(static=True)
    axis: str = eqx.field(static=True, default="device")
    split: VarianceSplit | None = None

    def __init__(self, path: str, law: Law, *, per: str | VarianceSplit, axis: str = "device"):
        self.per, self.split = level_of("Mismatch.per", per)
        if not isinstance(law, Law):
            fail("Mismatch.law", "must be a law, e.g. laws.LogNormal(0.1)", law)
        if not isinstance(axis, str):
            fail("Mismatch.axis", "must be the name of an axis", axis)
        if self.split is not None:
            independent("Mismatch.law", law)
        self.path, self.law, self.axis = path, law, axis

    @property
    def wafer(self) -> str | None:
        return wafer_of(self.split)

    def apply(self, network: Any, key: Key) -> Any:
        return self.apply_on_wafer(network, key, None)

    def apply_on_wafer(self, network: Any, key: Key, wafer: Key | None) -> Any:
        nominal = leaf_of(network, self.path)
        if self.split is not None:
            scores = self.split.scores(key, key, wafer, *parts_of(network, self.path))
            return with_leaf(network, self.path, self.law.perturb(nominal, scores))
        groups = None
        if self.per == "chip":
            groups = jnp.zeros(nominal.shape, jnp.uint32)
        elif self.per == "neuron":
            groups = neurons_of(network, self.path)
        return with_leaf(network, self.path, self.law.apply(nominal, key, groups))

    def check(self, who: str, network: Any) -> None:
        leaf = check_path(who, network, self.path)
        self.law.check(f"{who}.law", self)
        check_level(f"{who}.per", self.per, self.split, network, self.path)
        farthest = self.law.farthest if self.split is None else self.split.farthest
        for z in (-farthest, farthest):
            check_extreme(f"{who}.law", network, self.path, at_once(self.law.perturb, leaf, jnp.full_like(leaf, z)))

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", LogNormal(cv=0.1), per="neuron")
