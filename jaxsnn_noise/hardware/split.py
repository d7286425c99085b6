"""A variance in parts: what a deviation shares with its wafer, its die, its layer, its neighbours, its neuron."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, UInt32

from jaxsnn_noise import random
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise._typing import Key, Leaf, Scalar, Values, as_float
from jaxsnn_noise.hardware.floorplan import FloorPlan
from jaxsnn_noise.parameters import Part, nonnegative, parameter
from jaxsnn_noise.roots import square_root

LEVELS = ("wafer", "die", "layer", "field", "gradient", "neuron", "synapse")
"""The parts of a variance, in the order in which they are summed."""


class VarianceSplit(Part):
    r"""To what a deviation belongs, in shares of its variance: given as ``per=`` of a mismatch.

    .. math:: z_i = \sum_l \sqrt{s_l/S}\; z^{(l)}_{i}, \qquad S = \sum_l s_l,

    with independent standard normal scores :math:`z^{(l)}`, one for each wafer, die, layer, neuron or synapse. The law that the score
    drives is untouched: its spread is the total, and the shares say how much of it two elements have in common. Of two neurons of
    one layer the scores have the correlation ``1 - (neuron + synapse)/S`` (with ``field`` less, by their distance).

    A share is relative: ``VarianceSplit(die=1, neuron=3)`` is a quarter and three quarters. A part that is not given is not there; one
    of 0 is there, can be swept, and adds nothing.

    Args:
        wafer: What all dies of a wafer share. Needs the axis :class:`~jaxsnn_noise.Wafers`.
        die: What all leaves of one imperfection share on one device.
        layer: What all elements of a population or projection share.
        field: What neighbours share: a smooth field over the floor plan. Needs ``plan``.
        gradient: A slope across the floor plan of random direction and height. Its variance grows with the square of the distance
            from the middle; the share is the mean over the neurons. Needs ``plan``.
        neuron: Of each neuron; for weights, of each target.
        synapse: Of each synapse; for weights only.
        plan: Where neurons lie.

    Raises:
        InputError: no part, shares that are all 0, a field or gradient without a plan.

    References: Pelgrom, Duinmaijer, Welbers 1989, doi:10.1109/JSSC.1989.572629 (local part and distance); Boning and Nassif 2001, in
    *Design of High-Performance Microprocessor Circuits*, chapter 6 (wafer, die, within die).

    Example:
        >>> VarianceSplit(wafer=0.1, die=0.2, neuron=0.7).levels
        ('wafer', 'die', 'neuron')
    """

    wafer: Leaf | None = parameter("1", nonnegative, default=None)
    die: Leaf | None = parameter("1", nonnegative, default=None)
    layer: Leaf | None = parameter("1", nonnegative, default=None)
    field: Leaf | None = parameter("1", nonnegative, default=None)
    gradient: Leaf | None = parameter("1", nonnegative, default=None)
    neuron: Leaf | None = parameter("1", nonnegative, default=None)
    synapse: Leaf | None = parameter("1", nonnegative, default=None)
    plan: FloorPlan | None = None

    @property
    def levels(self) -> tuple[str, ...]:
        """The parts that are there."""
        return tuple(level for level in LEVELS if getattr(self, level) is not None)

    def check_together(self, who: str) -> None:
        if not self.levels:
            fail(who, f"needs at least one part of the variance, of {', '.join(LEVELS)}", None)
        total = concrete(self._total())
        if total is not None and not total > 0:
            fail(who, "needs a share above 0", {level: float(getattr(self, level)) for level in self.levels})
        for level in ("field", "gradient"):
            if getattr(self, level) is not None and self.plan is None:
                fail(f"{who}.{level}", "needs plan=FloorPlan(positions, ...): where the neurons lie", self.plan)
        if self.plan is not None and not {"field", "gradient"} & {*self.levels}:
            fail(f"{who}.plan", "needs a share of field or gradient: without one, places mean nothing", self.levels)
        if self.field is not None and self.plan is not None and self.plan.modes is None:
            fail(f"{who}.field", "needs plan=FloorPlan(positions, length=...): how far the field reaches", None)

    def share(self, level: str) -> Scalar:
        """The part of the variance [1] of a level that is there."""
        found: Scalar = getattr(self, level) / self._total()
        return found

    def scores(
        self, own: Key, die: Key, wafer: Key | None, neurons: UInt32[Array, "..."], elements: UInt32[Array, "..."]
    ) -> Values:
        """The score of each element of a leaf.

        Args:
            own: Key of the layer.
            die: Key of the device.
            wafer: Key of the wafer.
            neurons: The neuron of each element.
            elements: The number of each element, of the shape of ``neurons``.
        """
        total = jnp.zeros(elements.shape, jnp.float32)
        for level in self.levels:
            # without the barrier, from JAX 0.12 on XLA takes minutes for a program with three parts
            score = lax.optimization_barrier(self._part(level, own, die, wafer, neurons, elements))
            total = total + square_root(self.share(level)) * score
        return total

    def _part(self, level: str, own: Key, die: Key, wafer: Key | None, neurons: Array, elements: Array) -> Values:
        if level == "wafer":
            if wafer is None:
                fail("VarianceSplit.wafer", "needs the key of a wafer: take the axis jn.Wafers", None)
            return _one(wafer, 0)
        if level == "die":
            return _one(die, 0)
        if level == "layer":
            return _one(own, 1)
        if level == "neuron":
            return random.normal(random.tick(own, 0), neurons)
        if level == "synapse":
            return random.normal(random.tick(random.stream(own, "synapse"), 0), elements)
        assert self.plan is not None
        if level == "field":
            return self.plan.field(random.stream(own, "field"))[neurons]
        return self.plan.gradient(_one(own, 2), _one(own, 3), own)[neurons]

    @property
    def farthest(self) -> Values:
        """No score lies farther from 0."""
        reach = {"field": self.plan.field_reach(), "gradient": self.plan.gradient_reach()} if self.plan else {}
        sums = [square_root(self.share(level)) * reach.get(level, 1.0) for level in self.levels]
        return random.LARGEST_NORMAL * sum(sums, jnp.float32(0))

    def check_fits(self, who: str, path: str, size: int, *, weights: bool) -> None:
        """Raise :class:`InputError` for a leaf that has no such parts: ``size`` neurons, weights or not."""
        if self.synapse is not None and not weights:
            fail(f"{who}.synapse", f"needs weights: {path} has one value per neuron", float(self.synapse))
        if self.plan is not None and self.plan.size != size:
            fail(f"{who}.plan", f"must have a place for each of the {size} neurons of {path}", self.plan.size)

    def _total(self) -> Scalar:
        return sum((getattr(self, level) for level in self.levels), jnp.float32(0))

    @classmethod
    def example(cls) -> VarianceSplit:
        return cls(die=as_float(0.3), neuron=as_float(0.7))


def _one(key: Key, index: int) -> Scalar:
    return random.normal(random.tick(key, 0), random.shared(index))[0]
