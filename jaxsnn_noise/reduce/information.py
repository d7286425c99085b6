"""Information that a response carries about a signal, from their coherence."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from jaxsnn_noise._checks import fail, number, positive, real_numbers, steps_of


@dataclasses.dataclass(frozen=True)
class InformationRate:
    """What :func:`information_rate` finds.

    Attributes:
        rate: Information rate with the floor subtracted [bit/s].
        raw: As estimated, biased up [bit/s].
        floor: What pairs of different trials give, which share no signal [bit/s].
        frequency: [frequency] in Hz.
        coherence: [frequency] of signal and response [1].
        shuffled: [frequency] of pairs of different trials [1].
    """

    rate: float
    raw: float
    floor: float
    frequency: np.ndarray
    coherence: np.ndarray
    shuffled: np.ndarray


def information_rate(
    signal: Any, response: Any, *, dt: float, segment: float, highest_hz: float | None = None
) -> InformationRate:
    r"""Lower bound of the information rate of a Gaussian signal and a response, above its shuffled floor.

    .. math:: I = -\int_0^{f_{max}} \log_2 (1 - C(f))\,df, \qquad C = \frac{|S_{xy}|^2}{S_{xx} S_{yy}}

    with spectra by Welch's method, averaged over trials. It is what a linear decoder can tell of a Gaussian signal, and exact for a
    linear channel with Gaussian noise. The estimate of a coherence is biased up by about one over the number of independent
    segments; what the signal of one trial and the response of the next give is that bias alone, and is subtracted.

    Args:
        signal: [trial, time], another one in each trial (the same signal in all of them has no floor to subtract).
        response: [trial, time]: a potential, a rate, or spikes (0, 1 or counts).
        dt: Step [ms].
        segment: Length of a segment [ms], an even number of steps.
        highest_hz: The highest frequency that counts [Hz]; ``None``: that of the step.

    Raises:
        InputError: arrays that do not fit each other, fewer than two trials, equal signals; a segment that does not fit.

    References:
        Borst & Theunissen (1999), doi:10.1038/14731; Stein (1967), doi:10.1016/S0006-3495(67)86623-2.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.normal(size=(20, 4000))
        >>> found = information_rate(x, x + rng.normal(size=x.shape), dt=1.0, segment=100.0)
        >>> bool(abs(found.rate / 500.0 - 1) < 0.05)  # log2(1 + S/N) x 500 Hz
        True
    """
    from scipy import signal as spectra

    who = "reduce.information_rate"
    x, y = _trials(f"{who}: signal", signal), _trials(f"{who}: response", response)
    if x.shape != y.shape:
        fail(f"{who}: response", f"must have the shape of the signal, {x.shape}", y.shape)
    if len(x) < 2 or (x == x[:1]).all():
        fail(f"{who}: signal", "needs at least two trials with different signals, for the floor", x.shape)
    step = number(f"{who}: dt", dt)
    positive(f"{who}: dt", step, "ms")
    length = steps_of(f"{who}: segment", number(f"{who}: segment", segment), step)
    if length < 4 or length % 2 or length > x.shape[1]:
        rule = f"must be an even number of steps, at least 4, and at most the {x.shape[1] * step:g} ms of a trial [ms]"
        fail(f"{who}: segment", rule, segment)
    options = {"fs": 1000.0 / step, "nperseg": length, "axis": -1}
    frequency, xx = spectra.welch(x, **options)
    yy = spectra.welch(y, **options)[1].mean(axis=0)
    if not (np.all(xx.mean(axis=0)[1:] > 0) and np.all(yy[1:] > 0)):
        fail(who, "needs signals and responses that vary at all frequencies", float(yy[1:].min()))
    both, apart = (spectra.csd(x, other, **options)[1].mean(axis=0) for other in (y, np.roll(y, 1, axis=0)))
    with np.errstate(invalid="ignore", divide="ignore"):
        coherence, shuffled = (np.abs(cross) ** 2 / (xx.mean(axis=0) * yy) for cross in (both, apart))
    top = np.inf if highest_hz is None else number(f"{who}: highest_hz", highest_hz)
    positive(f"{who}: highest_hz", 1.0 if highest_hz is None else top, "Hz")
    # a bin stands for half a bin to both sides, as far as that is inside; the first one also for what lies below it, since the
    # mean of a segment is taken out
    ends = np.minimum(frequency[1:] + frequency[1] / 2, min(top, frequency[-1]))
    width = np.maximum(ends - np.append(0.0, ends[:-1]), 0.0)
    raw, floor = (float(-np.sum(width * np.log2(1.0 - np.minimum(c[1:], 1.0 - 1e-12)))) for c in (coherence, shuffled))
    return InformationRate(raw - floor, raw, floor, frequency, coherence, shuffled)


def _trials(who: str, value: Any) -> np.ndarray:
    real_numbers(who, value, flags=True)
    found = np.asarray(value, np.float64)
    if found.ndim != 2:
        fail(who, "must be [trial, time]", found.shape)
    if not np.isfinite(found).all():
        fail(who, "must be finite", found)
    return found
