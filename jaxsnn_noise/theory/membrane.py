"""The free membrane (no threshold) under noise: means, variances, autocovariances, in time and on the grid.

Noise at the voltage seam is ``dV = (mean - V) dt/tau_mem + sigma dW`` with the ``Diffusion`` amplitude ``sigma``
[mV/sqrt(ms)]. Noise at the current seam is a current [nA] that is held over each step of the exactly integrated
membrane ``V <- a V + (1 - a) R I`` with ``a = exp(-dt/tau_mem)``.
"""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def brunel_sigma(sigma: ArrayLike, *, tau_mem: ArrayLike) -> Numbers:
    """Brunel's sigma [mV] from the ``Diffusion`` amplitude of the voltage seam: ``sigma sqrt(tau_mem)``.

    His equation is ``tau V' = mean - V + sigma_B sqrt(tau) xi``. Brunel, Fourcaud, NEST and nnmt use that convention;
    the free membrane has the variance ``sigma_B^2 / 2``.

    Args:
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        tau_mem: membrane time constant [ms].

    References:
        Brunel (2000), J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027.
    """
    _membrane(tau_mem)
    return as_float(sigma) * np.sqrt(as_float(tau_mem))


@closed_form
def diffusion_sigma(brunel: ArrayLike, *, tau_mem: ArrayLike) -> Numbers:
    """The ``Diffusion`` amplitude [mV/sqrt(ms)] from Brunel's sigma [mV]; the inverse of :func:`brunel_sigma`."""
    _membrane(tau_mem)
    return as_float(brunel) / np.sqrt(as_float(tau_mem))


@closed_form
def voltage_sigma(sigma: ArrayLike, *, tau_mem: ArrayLike, resistance: ArrayLike = 1.0) -> Numbers:
    """The ``Diffusion`` amplitude [mV/sqrt(ms)] at the voltage seam that equals one at the current seam.

    ``R sigma / tau_mem``, in the limit of small steps.

    Args:
        sigma: ``Diffusion`` amplitude at the current seam [nA sqrt(ms)].
        tau_mem: membrane time constant [ms].
        resistance: input resistance [MOhm].
    """
    _membrane(tau_mem)
    return as_float(resistance) * as_float(sigma) / as_float(tau_mem)


@closed_form
def membrane_mean(time: ArrayLike, start: ArrayLike, *, tau_mem: ArrayLike, mean: ArrayLike = 0.0) -> Numbers:
    """Expected potential [mV] after ``time`` [ms]: ``mean + (start - mean) exp(-time/tau_mem)``."""
    _membrane(tau_mem)
    target = as_float(mean)
    return target + (as_float(start) - target) * np.exp(-as_float(time) / as_float(tau_mem))


@closed_form
def step_std(sigma: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike) -> Numbers:
    """What voltage noise gathers in one exact step [mV]: ``sigma sqrt(tau/2 (1 - exp(-2 dt/tau)))``.

    Args:
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        tau_mem: membrane time constant [ms].
        dt: step [ms].

    References:
        Gillespie (1996), Phys. Rev. E 54:2084, doi:10.1103/PhysRevE.54.2084.
    """
    _membrane(tau_mem, dt)
    tau = as_float(tau_mem)
    return as_float(sigma) * np.sqrt(-0.5 * tau * np.expm1(-2.0 * as_float(dt) / tau))


@closed_form
def membrane_variance(sigma: ArrayLike, *, tau_mem: ArrayLike, time: ArrayLike = np.inf) -> Numbers:
    """Variance [mV^2] of the free membrane under ``Diffusion(sigma)`` at the voltage seam.

    ``sigma^2 tau/2 (1 - exp(-2 time/tau))``, ``time`` after a certain start; stationary by default. A linear membrane
    with its exact ``diffuse(dt)`` has this variance at every grid point.

    Args:
        sigma: ``Diffusion`` amplitude [mV/sqrt(ms)].
        tau_mem: membrane time constant [ms].
        time: since the potential was known [ms].

    References:
        Uhlenbeck & Ornstein (1930), Phys. Rev. 36:823, doi:10.1103/PhysRev.36.823.

    Example:
        >>> round(float(membrane_variance(0.1, tau_mem=20.0)), 6)
        0.1
    """
    _membrane(tau_mem)
    tau = as_float(tau_mem)
    return -0.5 * tau * np.square(as_float(sigma)) * np.expm1(-2.0 * as_float(time) / tau)


@closed_form
def membrane_autocovariance(lag: ArrayLike, sigma: ArrayLike, *, tau_mem: ArrayLike) -> Numbers:
    """Stationary autocovariance [mV^2] at ``lag`` [ms]: ``sigma^2 tau/2 exp(-|lag|/tau)`` (voltage seam)."""
    _membrane(tau_mem)
    return membrane_variance(sigma, tau_mem=tau_mem) * np.exp(-np.abs(as_float(lag)) / as_float(tau_mem))


@closed_form
def time_average_variance(sigma: ArrayLike, duration: ArrayLike, *, tau_mem: ArrayLike) -> Numbers:
    """Variance [mV^2] of the potential averaged over ``duration`` [ms] of the stationary membrane.

    ``sigma^2 tau^2/T (1 - tau/T (1 - exp(-T/tau)))``: one record of ``T`` is worth about ``T / (2 tau)`` independent
    values.
    """
    _membrane(tau_mem)
    tau, window = as_float(tau_mem), as_float(duration)
    ratio = tau / window
    return np.square(as_float(sigma)) * tau * ratio * (1.0 + ratio * np.expm1(-1.0 / ratio))


@closed_form
def euler_maruyama_variance(sigma: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike) -> Numbers:
    """Stationary variance [mV^2] of Euler and Maruyama's scheme: ``sigma^2 tau / (2 - dt/tau)``.

    The scheme is ``V <- (1 - dt/tau) V + sigma sqrt(dt) xi``; its variance is high by the factor ``1/(1 - dt/(2 tau))``
    and infinite from ``dt = 2 tau`` on.

    References:
        Kloeden & Platen (1992), doi:10.1007/978-3-662-12616-5.
    """
    _membrane(tau_mem, dt)
    tau, ratio = as_float(tau_mem), as_float(dt) / as_float(tau_mem)
    room = np.maximum(2.0 - ratio, 0.0)
    return np.square(as_float(sigma)) * tau * np.where(room > 0, 1.0 / np.where(room > 0, room, 1.0), np.inf)


@closed_form
def euler_maruyama_autocovariance(
    lag_steps: ArrayLike, sigma: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike
) -> Numbers:
    """Autocovariance [mV^2] of Euler and Maruyama's scheme: its variance times ``(1 - dt/tau)^|steps|``."""
    decay = 1.0 - as_float(dt) / as_float(tau_mem)
    return euler_maruyama_variance(sigma, tau_mem=tau_mem, dt=dt) * decay ** np.abs(as_float(lag_steps))


@closed_form
def mixed_step_variance(sigma: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike) -> Numbers:
    """Stationary variance [mV^2] of a scheme to avoid: exact decay with increments ``sigma sqrt(dt)``.

    ``sigma^2 dt / (1 - exp(-2 dt/tau))``, high by ``dt/tau`` to first order: 10 % at ``dt/tau = 0.1``.
    """
    _membrane(tau_mem, dt)
    return -np.square(as_float(sigma)) * as_float(dt) / np.expm1(-2.0 * as_float(dt) / as_float(tau_mem))


@closed_form
def per_step_variance(std: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike) -> Numbers:
    """Variance [mV^2] under white ``PerStep(std)`` [mV] at the voltage seam: ``std^2 / (1 - a^2)``."""
    _membrane(tau_mem, dt)
    return -np.square(as_float(std)) / np.expm1(-2.0 * as_float(dt) / as_float(tau_mem))


@closed_form
def coloured_voltage_variance(std: ArrayLike, *, tau_mem: ArrayLike, tau_noise: ArrayLike, dt: ArrayLike) -> Numbers:
    """Variance [mV^2] under Ornstein-Uhlenbeck noise of stationary ``std`` [mV] at the voltage seam.

    ``std^2 (1 + a b) / ((1 - a^2)(1 - a b))`` with ``a = exp(-dt/tau_mem)``, ``b = exp(-dt/tau_noise)``.
    """
    _membrane(tau_mem, dt)
    _checks.positive("tau_noise", tau_noise, "ms")
    both = as_float(dt) * (1.0 / as_float(tau_mem) + 1.0 / as_float(tau_noise))
    return per_step_variance(std, tau_mem=tau_mem, dt=dt) / np.tanh(0.5 * both)


@closed_form
def held_current_variance(std: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike, resistance: ArrayLike = 1.0) -> Numbers:
    """Variance [mV^2] under a white current of standard deviation ``std`` [nA], held over each step.

    ``R^2 std^2 (1 - a)/(1 + a)``. With ``Diffusion(sigma)`` at the current seam ``std = sigma/sqrt(dt)``, and the
    variance is below its limit ``R^2 sigma^2/(2 tau)`` by ``(dt/tau)^2/12``.

    Args:
        std: per-step standard deviation of the current [nA] (``PerStep``, or ``sqrt(2 D)`` of ``Intensity``).
        tau_mem: membrane time constant [ms].
        dt: step [ms].
        resistance: input resistance [MOhm].

    Example:
        >>> round(float(held_current_variance(2.0, tau_mem=20.0, dt=1.0)), 4)
        0.1
    """
    _membrane(tau_mem, dt)
    scale = as_float(resistance) * as_float(std)
    return np.square(scale) * np.tanh(0.5 * as_float(dt) / as_float(tau_mem))


@closed_form
def coloured_current_variance(
    std: ArrayLike,
    *,
    tau_mem: ArrayLike,
    tau_noise: ArrayLike,
    dt: ArrayLike = 0.0,
    resistance: ArrayLike = 1.0,
) -> Numbers:
    """Variance [mV^2] under an Ornstein-Uhlenbeck current of stationary ``std`` [nA].

    With its left value held over steps of ``dt`` it is ``R^2 std^2 (1-a)^2 (1+ab) / ((1-a^2)(1-ab))``, with
    ``a = exp(-dt/tau_mem)``, ``b = exp(-dt/tau_noise)``; for ``dt = 0``, ``R^2 std^2 tau_noise/(tau_noise + tau_mem)``.
    ``Diffusion(sigma)`` has ``std = sigma/sqrt(2 tau_noise)``.

    Args:
        std: stationary standard deviation of the current [nA].
        tau_mem: membrane time constant [ms].
        tau_noise: correlation time of the current [ms].
        dt: step [ms]; 0 is the limit of small steps.
        resistance: input resistance [MOhm].

    Example:
        >>> round(float(coloured_current_variance(1.0, tau_mem=20.0, tau_noise=5.0)), 3)
        0.2
    """
    _membrane(tau_mem)
    _checks.positive("tau_noise", tau_noise, "ms")
    _checks.nonnegative("dt", dt, "ms")
    tau, noise, step = as_float(tau_mem), as_float(tau_noise), as_float(dt)
    # (1-a)^2 (1+ab)/((1-a^2)(1-ab)) = tanh(dt/2 tau_mem) / tanh(dt/2 (1/tau_mem + 1/tau_noise))
    tiny = np.where(step > 0, step, 1.0)
    held = np.tanh(0.5 * tiny / tau) / np.tanh(0.5 * tiny * (1.0 / tau + 1.0 / noise))
    factor = np.where(step > 0, held, noise / (noise + tau))
    return np.square(as_float(resistance) * as_float(std)) * factor


def _membrane(tau_mem: ArrayLike, dt: ArrayLike | None = None) -> None:
    _checks.positive("tau_mem", tau_mem, "ms")
    if dt is not None:
        _checks.positive("dt", dt, "ms")
