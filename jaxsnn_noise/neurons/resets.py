"""Reset policies: where the membrane goes after a spike, and whether the surrogate gradient flows through it.

``detach`` moves no forward bit. Detached, a spike is a constant of the reset in the backward pass; attached, the surrogate gradient flows
through it, which changes gradients severalfold. The default is attached, ``detach=False``, as training decided (``jaxsnn-noise run
reset_gradient``, 12 networks of each shape): with an attached :class:`ResetToValue` they are as accurate as with a detached one or more
so, by 0.2 [-0.3, 0.7] points with one hidden layer, 1.2 [0.4, 2.1] with connections among it, 5.3 [2.5, 8.1] with five layers,
and their gradients are smaller (a half over 100 steps, a fifth through five layers). That detaching trains better, as Zenke and
Vogels found in other networks (2021, doi:10.1162/neco_a_01367), does not hold there.
"""

from __future__ import annotations

import abc
import functools
from typing import Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise._checks import concrete, fail, flag
from jaxsnn_noise._typing import Leaf, PerNeuron
from jaxsnn_noise.parameters import Part, fraction, parameter, real

as_detach = functools.partial(flag, "Reset.detach")
"""The converter of the field ``detach`` of every member."""


class Reset(Part):
    """Maps the potential at a spike to the potential after it. ``detach`` blocks the gradient through the spike."""

    detach: eqx.AbstractVar[bool]

    def __call__(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        """The potential after the spikes [mV]; neurons without a spike keep theirs."""
        return self.after(v, lax.stop_gradient(spikes) if self.detach else spikes, v_reset, v_threshold)

    @abc.abstractmethod
    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        """The rule itself."""


class ResetToValue(Reset):
    """``v <- v (1 - s) + v_reset s``.

    Args:
        detach: Whether a spike is a constant of the reset in the backward pass. Shallow, recurrent and deep classifiers learned
            as well or better where it is not (above; figures in the findings).
    """

    detach: bool = eqx.field(default=False, static=True, kw_only=True, converter=as_detach)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        del v_threshold
        return v * (1.0 - spikes) + v_reset * spikes


class ResetBySubtraction(Reset):
    """``v <- v - (v_threshold - v_reset) s``: keeps the overshoot, so rates stay linear in the drive (conversion)."""

    detach: bool = eqx.field(default=False, static=True, kw_only=True, converter=as_detach)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        return v - (v_threshold - v_reset) * spikes


NO_FLOOR = -1e30
"""A floor [mV] that no potential reaches."""


class FlooredReset(Reset):
    """Reset to a value, and a floor under the membrane: ``v <- max(v (1 - s) + v_reset s, floor)`` in every step.

    The floor bounds what is carried to the next step; within a step the potential may lie below.

    Args:
        floor: Lowest potential that lasts [mV], a leaf; without one it is :class:`ResetToValue`.
        detach: As for every reset.

    Raises:
        InputError: a floor that is not finite.

    Example:
        >>> import jax.numpy as jnp
        >>> v, spikes = jnp.asarray([-3.0, 1.2]), jnp.asarray([0.0, 1.0])
        >>> FlooredReset(floor=-1.0)(v, spikes, jnp.zeros(2), jnp.ones(2)).tolist()
        [-1.0, 0.0]
    """

    floor: Leaf = parameter("mV", real, default=NO_FLOOR)
    detach: bool = eqx.field(default=False, static=True, kw_only=True, converter=as_detach)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        del v_threshold
        return jnp.maximum(v * (1.0 - spikes) + v_reset * spikes, self.floor)


class GatedReset(Reset):
    """Between both: ``v <- v - s (gate (v - v_reset) + (1 - gate) (v_threshold - v_reset))``.

    At 1 it is :class:`ResetToValue`, at 0 :class:`ResetBySubtraction`. The gate is a leaf that training moves between them.

    Args:
        gate: Share of the reset to a value [1], 0 to 1; one number or one per neuron.
        detach: As for every reset.

    Reference: Yao, Li, Mo, Cheng 2022, arXiv:2210.13768.

    Example:
        >>> import jax.numpy as jnp
        >>> v, spikes, v_reset, v_threshold = (jnp.array([x]) for x in (1.4, 1.0, 0.0, 1.0))
        >>> round(GatedReset(0.25)(v, spikes, v_reset, v_threshold).item(), 3)
        0.3
    """

    gate: Leaf = parameter("1", fraction, default=0.5, shape=None)
    detach: bool = eqx.field(default=False, static=True, kw_only=True, converter=as_detach)

    def after(self, v: PerNeuron, spikes: PerNeuron, v_reset: PerNeuron, v_threshold: PerNeuron) -> PerNeuron:
        return v - spikes * (self.gate * (v - v_reset) + (1.0 - self.gate) * (v_threshold - v_reset))

    @classmethod
    def example(cls) -> Self:
        return cls(0.25)


def check_reset(who: str, reset: object, v_reset: PerNeuron, v_threshold: PerNeuron) -> None:
    """The policy is one, and its potential lies below the threshold, or the neuron would fire for ever."""
    if not isinstance(reset, Reset):
        fail(f"{who}.reset", "must be a reset, e.g. neurons.ResetToValue()", reset)
    if isinstance(reset, GatedReset) and reset.gate.shape not in ((), jnp.shape(v_reset)):
        fail(
            f"{who}.reset.gate", f"must be one number or one per neuron (shape {jnp.shape(v_reset)})", reset.gate.shape
        )
    low, high = concrete(v_reset), concrete(v_threshold)
    if low is not None and high is not None and not (low < high).all():
        worst = np.unravel_index(np.argmax(low - high), np.shape(low - high))
        reset_at, threshold_at = (float(np.broadcast_to(x, np.shape(low - high))[worst]) for x in (low, high))
        rule = f"must lie below v_threshold = {threshold_at:g} [mV] (it is v_rest unless given)"
        fail(f"{who}.v_reset", rule, float(f"{reset_at:g}"))
