"""Full enumeration of a small network whose spikes are drawn: every expectation, and its derivatives, exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, as_float
from jaxsnn_noise.theory.grid_renewal import STEP, logistic_cdf, normal_cdf
from jaxsnn_noise.theory.rates import check_neuron

MOST = 16
"""Most decisions (neurons times steps): 65,536 histories."""


@dataclasses.dataclass(frozen=True, eq=False)
class Histories:
    """All that a network may do, with probabilities that sum to 1.

    Attributes:
        spikes: [history, step, neuron], 0 or 1.
        probability: [history].
        slopes: From argument to the derivative of the probabilities by a common shift of its entries [history].
    """

    spikes: np.ndarray
    probability: np.ndarray
    slopes: Mapping[str, np.ndarray]

    def expectation(self, values: Any) -> tuple[Any, dict[str, Any]]:
        """Of a quantity with ``values`` [history, ...]: its expectation, and the derivatives of that.

        Raises:
            InputError: not one value for each history.
        """
        array = np.asarray(values)
        if array.ndim == 0 or len(array) != len(self.probability):
            _checks.fail("Histories.expectation", f"needs values [history = {len(self.probability)}, ...]", array.shape)
        return np.tensordot(self.probability, array, 1), {k: np.tensordot(p, array, 1) for k, p in self.slopes.items()}


@closed_form
def enumerated_network(
    weights: ArrayLike, *, threshold_std: ArrayLike, mean: ArrayLike, tau_mem: ArrayLike, v_threshold: ArrayLike,
    v_reset: ArrayLike = 0.0, dt: ArrayLike, steps: int, logistic: bool = False, subtract: bool = False,
) -> Histories:  # fmt: skip
    r"""All histories of leaky neurons with noisy thresholds that are coupled by weights.

    :math:`v_{n+1} = v_n a + (\mathrm{mean} + W s_n)(1 - a)` with :math:`a = e^{-dt/\tau}`, a spike with the probability
    :math:`F((v - \theta)/\mathrm{std})`, and a reset. The probability of a history is the product of those of its decisions;
    derivatives are by complex steps. Nothing is sampled: an estimator of derivatives is held to this.

    Args:
        weights: [target, source] [mV], those of a step in which a source fired the step before (``Held`` with 1 MOhm).
        threshold_std: standard deviation of the thresholds [mV] > 0, ``NoisyThreshold(scale)``.
        mean: mean drive [mV], a number or [neuron].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV]; membranes start at it.
        dt: step [ms].
        steps: number of steps; neurons times steps <= 16.
        logistic: ``F`` is the logistic distribution in place of the Gaussian.
        subtract: the reset takes ``v_threshold - v_reset`` off, in place of setting ``v_reset``.

    Returns:
        :class:`Histories`, whose ``slopes`` are by ``threshold_std``, ``mean``, ``tau_mem``, ``v_threshold`` and ``weights``.

    Raises:
        InputError: more than 16 decisions; weights that are not square.

    Example:
        >>> found = enumerated_network([[0.0, 0.5], [0.5, 0.0]], threshold_std=0.3, mean=0.9, tau_mem=5.0, v_threshold=1.0, dt=1.0, steps=3)
        >>> count, slopes = found.expectation(found.spikes.sum(axis=(1, 2)))
        >>> round(float(found.probability.sum()), 12), round(float(count), 4), round(float(slopes["mean"]), 4)
        (1.0, 0.0721, 0.2349)
    """
    who = "enumerated_network"
    _checks.real_numbers(f"{who}.weights", weights)
    w = as_float(weights)
    if w.ndim != 2 or w.shape[0] != w.shape[1] or not len(w) or not np.isfinite(w).all():
        _checks.fail(f"{who}.weights", "must be finite and [target, source] of one population", w.shape)
    size = len(w)
    if size > MOST:
        _checks.fail(f"{who}.weights", f"must be of at most {MOST} neurons", size)
    _checks.count(f"{who}.steps", steps, most=MOST // size)
    per_neuron = {
        "threshold_std": threshold_std,
        "mean": mean,
        "tau_mem": tau_mem,
        "v_threshold": v_threshold,
        "v_reset": v_reset,
    }
    for name, value in {**per_neuron, "dt": dt}.items():
        if np.shape(value) not in (((), (size,)) if name in per_neuron else ((),)):
            _checks.fail(name, f"must be one number, or one per neuron [{size}], and dt one number", value)
    _checks.positive("threshold_std", threshold_std, "mV")
    _checks.positive("dt", dt, "ms")
    check_neuron(tau_mem, v_threshold, v_reset, None)
    for name, given in (("logistic", logistic), ("subtract", subtract)):
        _checks.flag(f"{who}.{name}", given)
    at = {"threshold_std": threshold_std, "mean": mean, "tau_mem": tau_mem, "v_threshold": v_threshold, "weights": w}
    at = {k: as_float(v) for k, v in at.items()}
    codes = np.arange(2 ** (size * steps))[:, None]
    spikes = ((codes >> np.arange(size * steps)) & 1).reshape(-1, steps, size).astype(np.float64)
    options = (as_float(v_reset), float(as_float(dt)), normal_cdf if not logistic else logistic_cdf, subtract)
    slopes = {}
    for name, value in at.items():
        slopes[name] = np.imag(_probability(spikes, {**at, name: value + 1j * STEP}, *options)) / STEP
    return Histories(spikes, _probability(spikes, at, *options), slopes)


def _probability(
    spikes: np.ndarray, at: Mapping[str, Any], v_reset: Any, dt: float, cdf: Any, subtract: bool
) -> np.ndarray:
    histories, steps, size = spikes.shape
    kind = np.result_type(*at.values())
    v = np.zeros((histories, size), kind) + v_reset
    decay = np.exp(-dt / at["tau_mem"])
    arrived, probability = np.zeros((histories, size)), np.ones(histories, kind)
    for n in range(steps):
        v = v * decay + (at["mean"] + arrived @ at["weights"].T) * (1 - decay)
        s = spikes[:, n]
        x = (v - at["v_threshold"]) / at["threshold_std"]
        probability = probability * cdf(np.where(s > 0, x, -x)).prod(axis=1)
        v = v - (at["v_threshold"] - v_reset) * s if subtract else v * (1 - s) + v_reset * s
        arrived = s
    return probability
