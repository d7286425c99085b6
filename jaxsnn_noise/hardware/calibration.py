"""Calibration of a chip from few measurements: gain and offset of its outputs, and trims of its thresholds and biases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import count, fail, finite, flag, real_numbers
from jaxsnn_noise._typing import Key, Leaf
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_path, leaf_of, refusal, with_leaf
from jaxsnn_noise.laws.law import unit_of_quantity
from jaxsnn_noise.parameters import nonnegative, parameter, real


@dataclass(frozen=True, eq=False)
class OutputCalibration:
    r"""Gain and offset of each output of a chip, from what it reads on a few samples: :math:`r \to g\,r + b`.

    The least-squares fit to what the network as programmed reads on the same samples, :math:`r^*`; no labels are used:

    .. math:: g = \frac{\mathrm{cov}(r, r^*)}{\mathrm{var}(r)}, \qquad b = \bar r^* - g\,\bar r

    An output that does not vary keeps its gain.

    Attributes:
        gain: [..., output]
        offset: [..., output], in the unit of the readout.
        measurements: Samples that a chip was read on.

    Reference: a gain of the output that is fitted anew on each chip, as in Buechel et al. 2021, doi:10.1038/s41598-021-02779-x.

    Example:
        >>> wanted = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0]])
        >>> chip = OutputCalibration.fitted(0.5 * wanted + 0.1, wanted)
        >>> chip(0.5 * wanted + 0.1).round(6).tolist() == wanted.tolist()
        True
    """

    gain: np.ndarray
    offset: np.ndarray
    measurements: int

    @classmethod
    def fitted(cls, measured: Any, wanted: Any, *, common: bool = False) -> Self:
        """The calibration of each chip.

        Args:
            measured: Readouts of chips on the samples of calibration [..., sample, output].
            wanted: Those of the network as programmed [sample, output].
            common: Whether all outputs of a chip share one gain and no offset is fitted, ``g = sum r r* / sum r^2``: one number.

        Raises:
            InputError: fewer than two samples; shapes that do not fit; numbers that are not finite.
        """
        who = "OutputCalibration.fitted"
        shown, target = _numbers(f"{who}: measured", measured), _numbers(f"{who}: wanted", wanted)
        if target.ndim != 2 or len(target) < 2:
            fail(f"{who}: wanted", "must be [sample, output] of at least two samples", target.shape)
        if shown.ndim < 2 or shown.shape[-2:] != target.shape:
            fail(f"{who}: measured", f"must have the shape (..., {target.shape[0]}, {target.shape[1]})", shown.shape)
        if flag(f"{who}: common", common):
            power, shared = (np.sum(shown * other, axis=(-2, -1)) for other in (shown, target))
            gain = np.divide(shared, power, out=np.ones_like(power), where=power > 0)[..., None]
            gain = np.broadcast_to(gain, (*gain.shape[:-1], target.shape[1]))
            return cls(gain, np.zeros_like(gain), len(target))
        middle, goal = shown.mean(axis=-2, keepdims=True), target.mean(axis=0)
        variance = np.square(shown - middle).mean(axis=-2)
        covariance = ((shown - middle) * (target - goal)).mean(axis=-2)
        gain = np.divide(covariance, variance, out=np.ones_like(variance), where=variance > 0)
        return cls(gain, goal - gain * middle[..., 0, :], len(target))

    def __call__(self, readout: Any) -> np.ndarray:
        """Readouts [..., sample, output] with gain and offset corrected."""
        corrected: np.ndarray = self.gain[..., None, :] * np.asarray(readout, np.float64) + self.offset[..., None, :]
        return corrected


def trims(
    measure: Callable[[np.ndarray], Any],
    wanted: Any,
    *,
    low: float,
    high: float,
    start: float,
    rises: bool,
    readings: int = 8,
) -> np.ndarray:
    """Trims at which what each neuron of each chip does is what it should: a search side by side, from few readings.

    The first reading is at ``start``; then each neuron halves an interval of its own. Of what was tried the nearest is kept, the
    earliest of equal ones: a neuron that is right as it is stays, and one that no trim reaches gets what brings it nearest. With
    whole counts of spikes on few samples the trim is as fine as these counts.

    Args:
        measure: From trims [..., neuron] to what is measured under them [..., neuron], such as spikes on some samples.
        wanted: What is to be measured on each chip [..., neuron]: that of the network as programmed.
        low: Smallest trim, in the unit of what is trimmed.
        high: Largest trim.
        start: That of a chip which is not trimmed, between both.
        rises: Whether what is measured rises with the trim (bias) or falls (threshold).
        readings: How often it is measured [1], >= 1; the error of a trim is at most ``(high - low)/2^(readings - 1)``.

    Returns:
        The trims [..., neuron].

    Raises:
        InputError: ends that are none; a measurement of another shape, or that is not finite.

    Reference: the binary search of a trimming converter, bit by bit; for silicon neurons Neftci and Indiveri 2010, A device mismatch
    compensation method for VLSI neural networks (BioCAS).

    Example:
        >>> offset = np.array([0.25, -0.25])
        >>> trims(lambda t: t + offset, np.zeros(2), low=-1.0, high=1.0, start=0.0, rises=True).tolist()
        [-0.25, 0.25]
    """
    who = "hardware.trims"
    for name, value in (("low", low), ("high", high), ("start", start)):
        finite(f"{who}: {name}", value)
    if not low <= start <= high or not low < high:
        fail(f"{who}: start", f"must lie between low and high, {low:g} and {high:g}", start)
    rises, readings = flag(f"{who}: rises", rises), count(f"{who}: readings", readings)
    if not callable(measure):
        fail(f"{who}: measure", "must be a function from trims to what is measured", type(measure).__name__)
    goal = _numbers(f"{who}: wanted", wanted)
    tried = np.full(goal.shape, float(start))
    best, error, below, above = tried, np.full(goal.shape, np.inf), np.full_like(tried, low), np.full_like(tried, high)
    for _ in range(readings):
        found = _numbers(f"{who}: measure(trims)", measure(tried))
        if found.shape != goal.shape:
            fail(f"{who}: measure(trims)", f"must have the shape of what is wanted, {goal.shape}", found.shape)
        nearer = np.abs(found - goal) < error
        best, error = np.where(nearer, tried, best), np.where(nearer, np.abs(found - goal), error)
        up = (found < goal) == rises
        below, above = np.where(up, tried, below), np.where(up, above, tried)
        tried = 0.5 * (below + above)
    return best


class Trim(Imperfection):
    r"""What a controller has written to correct a chip: :math:`p_i \to f_i\,p_i + s_i`, before what the chip makes of it.

    Unlike other imperfections it is a repair. :func:`trims` finds its numbers from measurements; per chip they are set along the
    axis of devices.

    Args:
        path: Dotted path of the leaf, e.g. ``"network.hidden.neuron.v_threshold"``; for a bias current the potential at rest.
        factor: One number or one for each entry [1], >= 0.
        shift: Likewise, in the unit of the leaf.

    Raises:
        InputError: a path that leads nowhere; a shape that is not that of the leaf; values out of its range.

    Example:
        >>> Trim("network.cells.neuron.v_threshold", factor=1.1).stage.name
        'PROGRAMMED'
    """

    stage: ClassVar[Stage] = Stage.PROGRAMMED
    switches_off: ClassVar[bool] = False
    absolute: ClassVar[bool] = False
    path: str = eqx.field(static=True)
    factor: Leaf = parameter("1", nonnegative, default=1.0, shape=None, kw_only=True)
    shift: Leaf = parameter(unit_of_quantity, real, default=0.0, shape=None, kw_only=True)

    @property
    def axis(self) -> None:
        """No axis: it draws nothing."""

    def apply(self, network: Any, key: Key) -> Any:
        del key
        return with_leaf(network, self.path, leaf_of(network, self.path) * self.factor + self.shift)

    def check(self, who: str, network: Any) -> None:
        leaf = check_path(who, network, self.path)
        for name, value in (("factor", self.factor), ("shift", self.shift)):
            if value.shape not in ((), leaf.shape):
                fail(f"{who}.{name}", f"must be one number, or have the shape {leaf.shape} of {self.path}", value.shape)
        if said := refusal(network, self.path, leaf * self.factor + self.shift):
            fail(who, f"must keep {self.path} in its range", f"trims with {said}")

    @classmethod
    def example(cls) -> Self:
        return cls("network.cells.neuron.tau_mem", factor=jnp.float32(1.1))


def _numbers(who: str, value: Any) -> np.ndarray:
    """Finite real numbers in double precision."""
    real_numbers(who, value)
    finite(who, value)
    return np.asarray(value, np.float64)
