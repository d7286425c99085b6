"""Variation-aware training: other chips in every step of the optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx

from jaxsnn_noise._checks import count, fail, named
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.simulation import Simulation, validate
from jaxsnn_noise.hardware import Imperfection, Stage
from jaxsnn_noise.parameters import check_tree


class Variation(eqx.Module):
    r"""Imperfections that a network meets while it trains, on chips that are new in every step of the optimiser.

    What is minimised is the mean over chips, :math:`\mathrm{E}_c\, L(\theta_c(w))`: a step takes the gradient through ``chips`` draws
    of the imperfections, each of which is shown an equal part of the minibatch. No chip is seen twice, by no seed; the weights that
    are moved are those that would be programmed. Validation, what is returned and what it answers are without it.

    Imperfections of the system itself stay on at all times, and are those of its one device; all together act in the order of
    their stages. Those that draw nothing, such as ``Quantised``, are the same in all steps (training with straight-through rounding).

    Args:
        imperfections: By name, as of a :class:`Simulation`; no name that the system has.
        chips: Chips in a step [1], >= 1. More make the gradient less noisy, for more draws. A batch that they do not divide is
            shared among fewer: the greatest common divisor of both.

    Raises:
        InputError: no imperfections; what is none; fewer than one chip.

    References: Buechel, Zendrikov, Solinas, Indiveri, Muir 2021, doi:10.1038/s41598-021-02779-x (mismatch as parameter noise); Joshi et
    al. 2020, doi:10.1038/s41467-020-16108-9 (weights perturbed anew in each minibatch of training).

    Example:
        >>> from jaxsnn_noise import hardware, laws
        >>> spread = hardware.Mismatch("network.hidden.neuron.v_threshold", law=laws.LogNormal(0.2), per="neuron")
        >>> Variation({"threshold": spread}, chips=4).chips
        4
    """

    imperfections: dict[str, Imperfection]
    chips: int = eqx.field(static=True, default=1, kw_only=True)

    def __init__(self, imperfections: Mapping[str, Any], *, chips: int = 1):
        who = "Variation.imperfections"
        self.imperfections = named(who, imperfections, "imperfections, e.g. hardware.Mismatch(...)")
        if not self.imperfections:
            fail(who, "must hold at least one imperfection", imperfections)
        for name, part in self.imperfections.items():
            if not isinstance(part, Imperfection):
                fail(f"{who}[{name!r}]", "must be an imperfection, e.g. hardware.Mismatch(...)", part)
        self.chips = count("Variation.chips", chips)

    def on(self, sim: Simulation, root: Key, address: Address) -> Simulation:
        """The simulation on the chip of an address, every axis of which makes it another one."""
        keys = Keys(root, address, ())
        chip = {
            name: _OfChip(part, keys(f"training.variation.{name}"), keys(f"training.variation.{name}.wafer"))
            for name, part in self.imperfections.items()
        }
        return eqx.tree_at(lambda s: s.imperfections, sim, dict(sorted({**sim.imperfections, **chip}.items())))


class _OfChip(eqx.Module):
    """An imperfection that brings the keys of its chip along; no axis of an address decides."""

    part: Imperfection
    key: Key
    of_wafer: Key
    axis: None = eqx.field(static=True, default=None)
    wafer: None = eqx.field(static=True, default=None)

    @property
    def stage(self) -> Stage:
        return self.part.stage

    def apply(self, network: Any, key: Key) -> Any:
        del key
        if self.part.wafer is None:
            return self.part.apply(network, self.key)
        return self.part.apply_on_wafer(network, self.key, self.of_wafer)


def variation_of(who: str, variation: Any, sim: Simulation) -> Variation | None:
    """The variation, whose imperfections fit the simulation (which shows a sample)."""
    if variation is None:
        return None
    if not isinstance(variation, Variation):
        fail(who, 'must be a Variation, e.g. training.Variation({"threshold": hardware.Mismatch(...)})', variation)
    check_tree(who, variation)
    for name in variation.imperfections:
        if name in sim.imperfections:
            fail(f"{who}[{name!r}]", "must have a name that no imperfection of the system has", name)
    both = dict(sorted({**sim.imperfections, **variation.imperfections}.items()))
    validate(eqx.tree_at(lambda s: s.imperfections, sim, both))
    return variation
