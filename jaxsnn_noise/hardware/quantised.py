"""Weights of a few bits: what a controller can write to a chip."""

from __future__ import annotations

import functools
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise._checks import InputError, concrete, fail, flag, one_of
from jaxsnn_noise._typing import Key, Leaf, Scalar, Values
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_path, largest_of_neurons, leaf_of, neurons_of, with_leaf
from jaxsnn_noise.laws.law import unit_of_quantity
from jaxsnn_noise.parameters import Range, parameter, positive

MOST_BITS = 24
"""A float32 holds whole numbers of so many bits."""

_PER = ("chip", "neuron")


class Quantised(Imperfection):
    r"""Weights on ``2^bits`` or so equally spaced levels, symmetric around zero.

    .. math:: w \to F\,\frac{k}{n}, \qquad k = \mathrm{round}\!\left(n\,\frac{\mathrm{clip}(w, -F, F)}{F}\right), \qquad n = 2^{bits-1} - 1

    with the full scale ``F``. Both ends and zero are levels: ``F`` stays ``F``, and a weight of exactly 0, an absent synapse, stays
    0. Halves are rounded to even. One bit is the sign alone: a weight that is not 0 becomes ``F`` or ``-F``. Without signs
    (``signed=False``), for weights that are never negative, all bits are levels from 0 up, ``n = 2^bits - 1``.

    With ``power_of_two`` a step is a power of two, :math:`q = 2^{\lceil \log_2 (F/n) \rceil}`: the weights of fixed-point hardware, exact
    sums of which are whole numbers of ``q``. The full scale is then ``n q``, less than twice what it was.

    It draws nothing: all devices hold the same words, and what they make of them is mismatch, a later stage. The derivative is
    that of the clipping alone (straight-through): 1 within the full scale, 0 beyond; for a full scale that is given, the sign of
    the weights beyond it.

    A weight below half a step becomes 0. ``PairSTDP(wiring=WhereNonzero())`` then sees no synapse there.

    Args:
        path: Dotted path of the weights as seen from the simulation, e.g. ``"network.recurrent.weights"``.
        bits: Bits per weight, a whole number from 1 to 24. A leaf: sweeping it compiles nothing. Arithmetic is in single
            precision: from about 20 bits on a level may be off by one.
        per: ``"chip"``: one full scale for the whole leaf (per tensor), ``"neuron"``: one per target neuron (per channel). With
            ``full_scale`` both are the same.
        full_scale: The largest magnitude that can be written, > 0, in the unit of the weights; larger weights are cut off.
            Unless given, the largest magnitude there is.
        signed: Whether one of the bits is the sign.
        power_of_two: Whether a step is a power of two.

    References: the symmetric range without ``-2^(bits-1)`` as in Jacob et al. 2018, doi:10.1109/CVPR.2018.00286 (section 3), and
    Wu et al. 2020, arXiv:2004.09602 (scale quantisation); the derivative: Bengio, Leonard, Courville 2013, arXiv:1308.3432.

    Example:
        >>> quantised(jnp.array([0.0, 0.7, -1.2, 3.0]), jnp.float32(3), jnp.float32(3.0)).tolist()
        [0.0, 1.0, -1.0, 3.0]
    """

    stage: ClassVar[Stage] = Stage.PROGRAMMED
    switches_off: ClassVar[bool] = False
    absolute: ClassVar[bool] = False
    path: str = eqx.field(static=True)
    bits: Leaf = parameter("1", Range(1, MOST_BITS, whole=True))
    per: str = eqx.field(static=True, default="chip", kw_only=True)
    full_scale: Leaf | None = parameter(unit_of_quantity, positive, default=None, kw_only=True)
    signed: bool = eqx.field(
        static=True, default=True, kw_only=True, converter=functools.partial(flag, "Quantised.signed")
    )

    power_of_two: bool = eqx.field(
        static=True, default=False, kw_only=True, converter=functools.partial(flag, "Quantised.power_of_two")
    )

    def __check_init__(self) -> None:
        one_of("Quantised.per", self.per, _PER)

    @property
    def axis(self) -> None:
        """No axis: it draws nothing."""

    def apply(self, network: Any, key: Key) -> Any:
        del key
        weights = leaf_of(network, self.path)
        full_scale = self._largest(network) if self.full_scale is None else self.full_scale
        rounded = on_power_of_two if self.power_of_two else quantised
        return with_leaf(network, self.path, rounded(weights, self.bits, full_scale, self.signed))

    def check(self, who: str, network: Any) -> None:
        weights = check_path(who, network, self.path)
        if self.per == "neuron" and neurons_of(network, self.path) is None:
            fail(f"{who}.per", f'must be "chip": {self.path} holds no weights of target neurons', self.per)
        values = concrete(weights)
        if not self.signed and values is not None and np.any(values < 0):
            fail(f"{who}.signed", f"must be True: {self.path} holds negative weights", self.signed)
        try:
            self.apply(network, jnp.zeros(2, jnp.uint32)).check("network")
        except InputError as error:
            fail(who, f"must keep {self.path} in its range", f"levels with {error}")

    def _largest(self, network: Any) -> Values:
        if self.per == "neuron":
            return largest_of_neurons(network, self.path)
        return jnp.max(jnp.abs(leaf_of(network, self.path)), initial=0.0)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", 4)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def quantised(weights: Values, bits: Scalar, full_scale: Values, signed: bool = True) -> Values:
    """The nearest levels; see :class:`Quantised`."""
    whole, n = _levels(bits, signed)
    top = jnp.where(full_scale > 0, full_scale, 1.0)
    # reciprocals of scalars are multiplied: a compiler may do so with x / n, and round differently in another program
    share = jnp.clip(weights, -full_scale if signed else 0.0, full_scale) * (n * (1.0 / top))
    index = jnp.clip(jnp.round(share), -n, n)
    if signed:
        index = jnp.where(whole == 1, jnp.sign(share), index)
    # the ends are the full scale to the bit, so that nothing lies beyond
    return jnp.where(jnp.abs(index) == n, jnp.sign(index) * full_scale, index * (full_scale * (1.0 / n)))


@quantised.defjvp
def _straight_through(signed: bool, primals: Any, tangents: Any) -> tuple[Values, Values]:
    (weights, _, full_scale), (change, _, growth) = primals, tangents
    inside = jnp.abs(weights) <= full_scale
    return quantised(*primals, signed), jnp.where(inside, change, jnp.sign(weights) * growth)


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def on_power_of_two(weights: Values, bits: Scalar, full_scale: Values, signed: bool = True) -> Values:
    """The nearest whole numbers of a power of two; see :class:`Quantised`. Exact: no product rounds."""
    whole, n = _levels(bits, signed)
    exponent = _step_exponent(full_scale, n)
    index = jnp.clip(jnp.round(weights * _power(-exponent)), -n if signed else 0.0, n)
    if signed:
        index = jnp.where(whole == 1, jnp.sign(weights), index)
    return jnp.where(full_scale > 0, index * _power(exponent), 0.0)


@on_power_of_two.defjvp
def _straight_through_too(signed: bool, primals: Any, tangents: Any) -> tuple[Values, Values]:
    (weights, bits, full_scale), (change, _, _) = primals, tangents
    _, n = _levels(bits, signed)
    inside = (jnp.abs(weights) <= n * _power(_step_exponent(full_scale, n))) & (full_scale > 0)
    return on_power_of_two(*primals, signed), jnp.where(inside, change, 0.0)


def _levels(bits: Scalar, signed: bool) -> tuple[jax.Array, jax.Array]:
    """The bits as a whole number, and the number ``n`` of the largest level."""
    whole = jnp.asarray(bits).astype(jnp.int32)
    return whole, jnp.maximum((1 << (whole - 1 if signed else whole)) - 1, 1).astype(jnp.float32)


def _step_exponent(full_scale: Values, n: jax.Array) -> jax.Array:
    """The least ``e`` with ``n 2^e >= F``, from the bits of both: a logarithm would round."""
    of = lambda x: lax.bitcast_convert_type(x.astype(jnp.float32), jnp.int32) >> 23  # noqa: E731
    exponent = of(full_scale) - of(n) - 1  # n 2^e < F
    for _ in range(2):
        exponent = exponent + (n * _power(exponent) < full_scale).astype(jnp.int32)
    return exponent


def _power(exponent: jax.Array) -> jax.Array:
    """``2^exponent`` exactly, for what lies in the normal range."""
    return lax.bitcast_convert_type((jnp.clip(exponent, -126, 127) + 127).astype(jnp.int32) << 23, jnp.float32)
