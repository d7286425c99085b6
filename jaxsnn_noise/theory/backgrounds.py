"""Spike backgrounds that are not plain Poisson: gamma renewal, correlated, modulated; and the diffusion each tends to."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def gamma_shot_noise_moments(
    rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, order: ArrayLike, fibres: ArrayLike = 1.0
) -> tuple[Numbers, Numbers]:
    r"""Mean [mV] and variance [mV^2] of a free membrane that pooled gamma renewal trains make jump.

    .. math:: \mu = n r \tau J, \qquad
              \sigma^2 = \frac{n r \tau J^2}{2} \Bigl(1 + 2 \Bigl(\frac{\hat f}{1 - \hat f} - r\tau\Bigr)\Bigr), \qquad
              \hat f = \Bigl(1 + \frac{1}{k r \tau}\Bigr)^{-k}

    for n independent stationary trains; :math:`\hat f` is the Laplace transform of the intervals at :math:`1/\tau`. Exact at any
    rate. The bracket goes from 1, where the membrane sees single spikes (``r tau << 1``), to ``1/order``, where it sees the slow
    fluctuations of counts.

    Args:
        rate_hz: ``r`` of one train [Hz].
        jump: ``J`` [mV].
        tau_mem: membrane time constant [ms].
        order: shape ``k`` of the gamma law [1], > 0; 1 is Poisson.
        fibres: number ``n`` of trains [1].

    References:
        Cox & Lewis (1966), *The Statistical Analysis of Series of Events*; Lindner (2006), doi:10.1103/PhysRevE.73.022901.

    Example:
        >>> mean, variance = gamma_shot_noise_moments(50.0, 0.5, tau_mem=20.0, order=[1, 4])
        >>> variance.round(4).tolist()
        [0.125, 0.0484]
    """
    rate, size, tau, shape, n = _gamma(rate_hz, jump, tau_mem, order, fibres)
    events = rate * tau
    some = np.where(events > 0, events, 1.0)
    logarithm = -shape * np.log1p(1.0 / (shape * some))
    bracket = np.where(events > 0, 1.0 + 2.0 * (-np.exp(logarithm) / np.expm1(logarithm) - some), 1.0)
    return n * events * size, 0.5 * n * events * np.square(size) * bracket


@closed_form
def gamma_diffusion_limit(
    rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, order: ArrayLike, fibres: ArrayLike = 1.0
) -> tuple[Numbers, Numbers]:
    """Mean drive [mV] and ``Diffusion`` amplitude [mV/sqrt(ms)] of pooled gamma trains: ``n r tau J``, ``|J| sqrt(n r/k)``.

    White noise with the trains' power at low frequencies, ``rate/order``. It holds for a membrane that averages over many
    intervals of *one fibre*, ``r tau >> 1``, whatever the number of fibres: the variance of
    :func:`gamma_shot_noise_moments` is larger by 12 % at ``r tau = 5``, by 29 % at 2 and by the factors 2.0 at 0.5 and 3.6 at
    0.05, with order 4; there Poisson noise of the pooled rate (:func:`diffusion_limit`) is nearer. Arguments as there.

    Example:
        >>> mean, sigma = gamma_diffusion_limit(50.0, 0.5, tau_mem=20.0, order=4)
        >>> float(mean), round(float(sigma), 4)
        (0.5, 0.0559)
    """
    rate, size, tau, shape, n = _gamma(rate_hz, jump, tau_mem, order, fibres)
    return n * rate * tau * size, np.abs(size) * np.sqrt(n * rate / shape)


@closed_form
def correlated_shot_noise_moments(
    rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, channels: ArrayLike, correlation: ArrayLike
) -> tuple[Numbers, Numbers, Numbers]:
    r"""Mean [mV], variance [mV^2] and skewness [1] of a free membrane under copies of a common mother process.

    Each of n channels of rate r copies every spike of a Poisson mother of rate ``r/c`` with probability c. Pooled, they are a
    compound Poisson process of that rate with binomial sizes m, so Campbell's theorem gives

    .. math:: \mu = n r \tau J, \qquad \sigma^2 = \frac{n r \tau J^2}{2} (1 + (n - 1) c), \qquad
              \gamma = \frac{(r/c)\,\tau J^3 E[m^3]/3}{\sigma^3}.

    Two membranes with one channel each have the correlation c.

    Args:
        rate_hz: ``r`` of one channel [Hz].
        jump: ``J`` of one spike [mV].
        tau_mem: membrane time constant [ms].
        channels: ``n`` channels that reach the membrane [1].
        correlation: ``c`` in (0, 1], of the counts of two channels.

    References:
        Kuhn, Aertsen & Rotter (2003), Neural Comput. 15:67, doi:10.1162/089976603321043702.

    Example:
        >>> mean, variance, skewness = correlated_shot_noise_moments(
        ...     10.0, 0.1, tau_mem=20.0, channels=100, correlation=0.05)
        >>> float(mean), round(float(variance), 4), round(float(skewness), 4)
        (2.0, 0.595, 0.5825)
    """
    rate, size, tau, n, c = _correlated(rate_hz, jump, tau_mem, channels, correlation)
    second = n * c * (1.0 + (n - 1.0) * c)
    third = n * c * (1.0 + 3.0 * (n - 1.0) * c + (n - 1.0) * (n - 2.0) * np.square(c))
    mothers = rate * tau / c
    variance = 0.5 * mothers * np.square(size) * second
    skewness = np.sign(size) * mothers * third / 3.0 / np.power(0.5 * mothers * second, 1.5)
    return mothers * n * c * size, variance, skewness


@closed_form
def correlated_diffusion_limit(
    rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, channels: ArrayLike, correlation: ArrayLike
) -> tuple[Numbers, Numbers]:
    """Mean drive [mV] and ``Diffusion`` amplitude [mV/sqrt(ms)]: ``n r tau J``, ``|J| sqrt(n r (1 + (n - 1) c))``.

    The white noise of two targets that share no channel has the correlation ``n c/(1 + (n - 1) c)``, which a
    ``SharedFraction`` of that size gives. It holds where the *mother* fires often: the skewness of
    :func:`correlated_shot_noise_moments` is about that of Poisson spikes of the rate ``r/c`` for ``n c >> 1``, and more
    channels do not make it smaller. Arguments as there.
    """
    rate, size, tau, n, c = _correlated(rate_hz, jump, tau_mem, channels, correlation)
    return n * rate * tau * size, np.abs(size) * np.sqrt(n * rate * (1.0 + (n - 1.0) * c))


@closed_form
def modulated_shot_noise_moments(
    time: ArrayLike,
    rate_hz: ArrayLike,
    jump: ArrayLike,
    *,
    tau_mem: ArrayLike,
    depth: ArrayLike,
    frequency_hz: ArrayLike,
) -> tuple[Numbers, Numbers]:
    r"""Mean [mV] and variance [mV^2] at a time under Poisson spikes of the rate :math:`r (1 + a \cos(2\pi f t))`.

    .. math:: \mu(t) = r \tau J \Bigl(1 + a \frac{\cos(\omega t) + \omega\tau \sin(\omega t)}{1 + \omega^2\tau^2}\Bigr)

    and the variance is the same with ``J^2`` for J and ``tau/2`` for tau: it follows the rate faster than the mean. After the
    transient. The diffusion has the same two moments; it is as far from Gaussian as the momentary rate says,
    :func:`campbell_skewness`.

    Args:
        time: [ms].
        rate_hz: mean rate ``r`` [Hz].
        jump: ``J`` [mV].
        tau_mem: membrane time constant [ms].
        depth: ``a`` in [0, 1].
        frequency_hz: ``f`` [Hz].

    References:
        Rice (1944), Bell Syst. Tech. J. 23:282, doi:10.1002/j.1538-7305.1944.tb00874.x.
    """
    _checks.in_range("depth", depth, 0.0, 1.0, "1")
    _checks.nonnegative("frequency_hz", frequency_hz, "Hz")
    rate, size, tau, _, _ = _gamma(rate_hz, jump, tau_mem, 1.0, 1.0)
    omega = 2.0 * np.pi * as_float(frequency_hz) / 1000.0

    def followed(memory: Numbers) -> Numbers:
        lag = omega * memory
        wave = np.cos(omega * as_float(time)) + lag * np.sin(omega * as_float(time))
        return rate * memory * (1.0 + as_float(depth) * wave / (1.0 + np.square(lag)))

    return size * followed(tau), np.square(size) * followed(0.5 * tau)


def _gamma(*given: ArrayLike) -> tuple[Numbers, ...]:
    """Rate per ms, jump, membrane time constant, order, fibres."""
    rate_hz, jump, tau_mem, order, fibres = given
    _checks.nonnegative("rate_hz", rate_hz, "Hz")
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.positive("order", order, "1")
    _checks.nonnegative("fibres", fibres)
    return as_float(rate_hz) / 1000.0, as_float(jump), as_float(tau_mem), as_float(order), as_float(fibres)


def _correlated(*given: ArrayLike) -> tuple[Numbers, ...]:
    """Rate per ms, jump, membrane time constant, channels, correlation."""
    rate_hz, jump, tau_mem, channels, correlation = given
    _checks.positive("rate_hz", rate_hz, "Hz")
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.inside("channels", channels, _checks.ranges.Range(1.0), "1")
    _checks.inside("correlation", correlation, _checks.ranges.Range(0.0, 1.0, low_open=True), "1")
    return as_float(rate_hz) / 1000.0, as_float(jump), as_float(tau_mem), as_float(channels), as_float(correlation)
