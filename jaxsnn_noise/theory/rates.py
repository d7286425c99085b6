r"""Firing of the leaky integrate-and-fire neuron under white and coloured noise: rate, irregularity, gain.

All functions take the mean drive ``mean = v_rest + R I`` [mV] and the ``Diffusion`` amplitude ``sigma`` [mV/sqrt(ms)]
of the voltage seam (:func:`~jaxsnn_noise.theory.voltage_sigma` converts one of the current seam). The neuron is

.. math:: dV = (\mathrm{mean} - V)\,dt/\tau + \sigma\,dW, \qquad
          \text{spike at } V = \theta, \text{ then } V = V_r \text{ for the refractory time.}

The formulas use Brunel's :math:`\sigma_B = \sigma\sqrt{\tau}` and the bounds
:math:`y_r = (V_r - \mathrm{mean})/\sigma_B`, :math:`y_t = (\theta - \mathrm{mean})/\sigma_B`. They hold in continuous
time; :func:`grid_threshold` corrects for a threshold that is looked at on grid points only.
"""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory import _passage
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise


@closed_form
def noise_free_interval(
    mean: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    """Interspike interval [ms] without noise: ``refractory + tau ln((mean - v_reset)/(mean - v_threshold))``.

    Infinite where the mean does not exceed the threshold. In continuous time.

    Args:
        mean: mean drive [mV].
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    Example:
        >>> round(float(noise_free_interval(1.1, tau_mem=20.0, v_threshold=1.0, v_reset=0.0, refractory=2.0)), 3)
        49.958
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    drive, threshold = as_float(mean), as_float(v_threshold)
    fires = drive > threshold
    gap = np.where(fires, drive - threshold, 1.0)
    passage = as_float(tau_mem) * np.log1p((threshold - as_float(v_reset)) / gap)
    return as_float(dead_time(refractory)) + np.where(fires, passage, np.inf)


@closed_form
def grid_interval(
    mean: ArrayLike,
    *,
    dt: ArrayLike,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    """Interspike interval [ms] without noise on a grid of ``dt`` [ms], with exact integration.

    The first grid point at or above the threshold, then the refractory time rounded to whole steps (half a step more is a
    whole one, as in the simulation; at least one if it is not zero). A passage that ends within one part in 10^9 of a grid point counts as ending on it; in float32 such a
    tie may fall one step later.
    """
    _checks.positive("dt", dt, "ms")
    passage = noise_free_interval(mean, tau_mem=tau_mem, v_threshold=v_threshold, v_reset=v_reset)
    step, dead = as_float(dt), as_float(dead_time(refractory))
    held = np.where(dead > 0, np.maximum(np.floor(dead / step * (1.0 + 1e-6) + 0.5), 1.0), 0.0)
    return step * (np.ceil(passage / step * (1.0 - 1e-9)) + held)


@closed_form
def siegert_rate_hz(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Firing rate [Hz] under white noise, in continuous time.

    .. math:: 1/\nu = t_{ref} + \tau\sqrt{\pi} \int_{y_r}^{y_t} \mathrm{erfcx}(-x)\,dx

    Evaluated by cases (``erfcx`` where the threshold is below the mean, Dawson's function above it), so that nothing
    overflows or cancels from 0 Hz to the noise-free limit; ``sigma = 0`` is that limit.

    Args:
        mean: mean drive [mV].
        sigma: ``Diffusion`` amplitude at the voltage seam [mV/sqrt(ms)] >= 0.
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; ``None`` is none, as in a neuron.

    References:
        Siegert (1951), Phys. Rev. 81:617, doi:10.1103/PhysRev.81.617; Fourcaud & Brunel (2002), Neural Comput. 14:2057,
        doi:10.1162/089976602320264015.

    Example:
        >>> sigma = 0.4 / 20.0**0.5  # Brunel's sigma is 0.4 mV
        >>> rate = siegert_rate_hz(0.8, sigma, tau_mem=20.0, v_threshold=1.0, v_reset=0.0, refractory=2.0)
        >>> round(float(rate), 3)
        16.302
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory, sigma)
    return elementwise(_passage.rate_hz, mean, sigma, tau_mem, v_threshold, v_reset, dead_time(refractory))


@closed_form
def siegert_cv(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Coefficient of variation of the interspike interval [1] under white noise, in continuous time.

    .. math::
        CV^2 = 2\pi(\nu\tau)^2 \int_{y_r}^{y_t} e^{x^2} \int_{-\infty}^{x} e^{z^2}(1 + \mathrm{erf}\,z)^2\,dz\,dx

    Without noise it is 0 above the threshold and undefined (NaN) below. Arguments as in :func:`siegert_rate_hz`.

    References:
        Brunel (2000), J. Comput. Neurosci. 8:183, appendix A1, doi:10.1023/A:1008925309027.
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory, sigma)
    return elementwise(_passage.cv, mean, sigma, tau_mem, v_threshold, v_reset, dead_time(refractory))


@closed_form
def rate_slope_of_mean(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Susceptibility ``d rate / d mean`` [Hz/mV] under white noise.

    .. math:: \frac{d\nu}{d\,\mathrm{mean}} = \frac{\sqrt{\pi}\,\tau\nu^2}{\sigma_B}
              \left[\mathrm{erfcx}(-y_t) - \mathrm{erfcx}(-y_r)\right]

    Arguments as in :func:`siegert_rate_hz`.
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory, sigma)
    return elementwise(_passage.slope_of_mean, mean, sigma, tau_mem, v_threshold, v_reset, dead_time(refractory))


def log_rate_slope_of_mean(
    mean: ArrayLike, sigma: ArrayLike, *, tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike, refractory: ArrayLike | None,
) -> Numbers:  # fmt: skip
    """``d ln rate / d mean`` [1/mV], finite also where the rate underflows."""
    return elementwise(_passage.log_slope_of_mean, mean, sigma, tau_mem, v_threshold, v_reset, dead_time(refractory))


@closed_form
def rate_slope_of_sigma(
    mean: ArrayLike,
    sigma: ArrayLike,
    *,
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None = 0.0,
) -> Numbers:
    r"""Sensitivity ``d rate / d sigma`` [Hz sqrt(ms)/mV] to the ``Diffusion`` amplitude under white noise.

    .. math:: \frac{d\nu}{d\sigma} = \frac{\sqrt{\pi}\,\tau\nu^2}{\sigma}
              \left[y_t\,\mathrm{erfcx}(-y_t) - y_r\,\mathrm{erfcx}(-y_r)\right]

    0 at ``sigma = 0``. Arguments as in :func:`siegert_rate_hz`.
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory, sigma)
    return elementwise(_passage.slope_of_sigma, mean, sigma, tau_mem, v_threshold, v_reset, dead_time(refractory))


def dead_time(refractory: ArrayLike | None) -> ArrayLike:
    """The refractory time [ms], 0 for a neuron without one."""
    return 0.0 if refractory is None else refractory


def check_neuron(
    tau_mem: ArrayLike,
    v_threshold: ArrayLike,
    v_reset: ArrayLike,
    refractory: ArrayLike | None,
    sigma: ArrayLike | None = None,
) -> None:
    """The arguments are those of a neuron."""
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.nonnegative("refractory", dead_time(refractory), "ms")
    if np.any(as_float(v_threshold) <= as_float(v_reset)):
        _checks.fail("v_threshold", "must be above v_reset [mV]", v_threshold)
    if sigma is not None:
        _checks.nonnegative("sigma", sigma, "mV/sqrt(ms)")
