"""Device mismatch: every element of a parameter its own frozen deviation."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise._checks import InputError, fail, one_of
from jaxsnn_noise._typing import Key
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_path, leaf_of, neurons_of, with_leaf
from jaxsnn_noise.laws import Law, LogNormal

_PER = ("neuron", "synapse", "chip")


class Mismatch(Imperfection):
    """Parameter ``p_i -> law(p_i, z_i)`` with scores ``z_i`` that belong to the device.

    The scores do not depend on the law's parameters: along a sweep of ``law.cv`` the same devices get worse.

    Args:
        path: Dotted path of the leaf as seen from the simulation, e.g. ``"network.cells.neuron.tau_mem"`` or
            ``"network.recurrent.weights"``.
        law: How a nominal value deviates; laws keep parameters in their range.
        per: ``"neuron"``: one deviation per neuron (for weights: per target), ``"synapse"``: per
            element, ``"chip"``: one for the whole leaf (global variation).
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

    def __init__(self, path: str, law: Law, *, per: str, axis: str = "device"):
        one_of("Mismatch.per", per, _PER)
        if not isinstance(law, Law):
            fail("Mismatch.law", "must be a law, e.g. laws.LogNormal(0.1)", law)
        if not isinstance(axis, str):
            fail("Mismatch.axis", "must be the name of an axis", axis)
        self.path, self.law, self.per, self.axis = path, law, per, axis

    def apply(self, network: Any, key: Key) -> Any:
        nominal = leaf_of(network, self.path)
        groups = None
        if self.per == "chip":
            groups = jnp.zeros(nominal.shape, jnp.uint32)
        elif self.per == "neuron":
            groups = neurons_of(network, self.path)
        return with_leaf(network, self.path, self.law.apply(nominal, key, groups))

    def check(self, who: str, network: Any) -> None:
        leaf = check_path(who, network, self.path)
        self.law.check(f"{who}.law", self)
        for z in (-self.law.farthest, self.law.farthest):
            extreme = self.law.perturb(leaf, jnp.full_like(leaf, z))
            try:
                with_leaf(network, self.path, extreme).check("network")
            except InputError as error:
                fail(f"{who}.law", f"must keep {self.path} in its range in every draw", f"a law with {error}")

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", LogNormal(cv=0.1), per="neuron")
