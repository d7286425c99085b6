"""Spike input: shot noise through the membrane, the diffusion it tends to, and stochastic depressing release."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def shot_noise_moments(
    rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, jump_std: ArrayLike = 0.0
) -> tuple[Numbers, Numbers]:
    """Mean [mV] and variance [mV^2] of a free membrane that Poisson spikes make jump.

    Campbell's theorem for the kernel ``J exp(-t/tau)``: ``rate tau E[J]`` and ``rate tau E[J^2]/2``.

    Args:
        rate_hz: of all spikes together [Hz].
        jump: mean jump [mV].
        tau_mem: membrane time constant [ms].
        jump_std: standard deviation of independent jumps [mV].

    References:
        Campbell (1909), Proc. Camb. Phil. Soc. 15:117; Rice (1944), Bell Syst. Tech. J. 23:282,
        doi:10.1002/j.1538-7305.1944.tb00874.x.

    Example:
        >>> mean, variance = shot_noise_moments(1000.0, 0.1, tau_mem=20.0)
        >>> round(float(mean), 6), round(float(variance), 6)
        (2.0, 0.1)
    """
    events = _events(rate_hz, tau_mem)
    size, spread = as_float(jump), as_float(jump_std)
    return events * size, 0.5 * events * (np.square(size) + np.square(spread))


@closed_form
def filtered_shot_noise_moments(
    rate_hz: ArrayLike, charge: ArrayLike, *, tau_mem: ArrayLike, tau_syn: ArrayLike, resistance: ArrayLike = 1.0
) -> tuple[Numbers, Numbers]:
    """Mean [mV] and variance [mV^2] of a free membrane behind an exponential synapse, under Poisson spikes.

    Each spike makes the current jump by ``charge/tau_syn`` and decay with ``tau_syn``. Campbell's theorem gives
    ``rate R q`` and ``rate (R q)^2 / (2 (tau_mem + tau_syn))``; for ``tau_syn -> 0`` a jump of ``R q/tau_mem``.

    Args:
        rate_hz: of all spikes together [Hz].
        charge: ``q`` of one spike [nA ms].
        tau_mem: membrane time constant [ms].
        tau_syn: synaptic time constant [ms].
        resistance: input resistance ``R`` [MOhm].

    References:
        Rice (1944), Bell Syst. Tech. J. 23:282, doi:10.1002/j.1538-7305.1944.tb00874.x.
    """
    events = _events(rate_hz, tau_mem) / as_float(tau_mem)
    _checks.nonnegative("tau_syn", tau_syn, "ms")
    area = as_float(resistance) * as_float(charge)
    return events * area, 0.5 * events * np.square(area) / (as_float(tau_mem) + as_float(tau_syn))


@closed_form
def bernoulli_shot_noise_moments(
    probability: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike, dt: ArrayLike
) -> tuple[Numbers, Numbers]:
    """Mean [mV] and variance [mV^2] of ``V <- a V + J s`` with one Bernoulli spike ``s`` per step.

    ``p J/(1 - a)`` and ``p (1 - p) J^2/(1 - a^2)`` with ``a = exp(-dt/tau_mem)``, just after the jump.

    Args:
        probability: of a spike in a step [1].
        jump: ``J`` [mV].
        tau_mem: membrane time constant [ms].
        dt: step [ms].
    """
    _checks.in_range("probability", probability, 0.0, 1.0)
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.positive("dt", dt, "ms")
    p, size, ratio = as_float(probability), as_float(jump), as_float(dt) / as_float(tau_mem)
    return -p * size / np.expm1(-ratio), -p * (1.0 - p) * np.square(size) / np.expm1(-2.0 * ratio)


@closed_form
def diffusion_limit(rate_hz: ArrayLike, jump: ArrayLike, *, tau_mem: ArrayLike) -> tuple[Numbers, Numbers]:
    """Mean drive [mV] and ``Diffusion`` amplitude [mV/sqrt(ms)] of many small Poisson jumps.

    ``rate tau J`` and ``|J| sqrt(rate)``. Several populations add their means, and the squares of their amplitudes.

    Args:
        rate_hz: of all spikes together [Hz].
        jump: ``J`` [mV], small against the distance to the threshold.
        tau_mem: membrane time constant [ms].

    References:
        Brunel (2000), J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027.
    """
    events, size = _events(rate_hz, tau_mem), as_float(jump)
    return events * size, np.abs(size) * np.sqrt(events / as_float(tau_mem))


@closed_form
def release_steady_state(
    rate_hz: ArrayLike, *, use: ArrayLike, tau_rec: ArrayLike, tau_fac: ArrayLike = 0.0
) -> tuple[Numbers, Numbers]:
    r"""Use ``u`` [1] and available resources ``x`` [1] at each spike of a regular train, after the transient.

    .. math:: u = \frac{U}{1 - (1-U) f}, \quad x = \frac{1 - e}{1 - (1-u) e}, \quad
              f = e^{-h/\tau_{fac}}, \; e = e^{-h/\tau_{rec}}, \; h = 1/rate

    Just before the release and with ``u`` already raised by the spike; what is released is ``u x``.

    Args:
        rate_hz: [Hz] > 0.
        use: ``U`` [1], 0 to 1.
        tau_rec: recovery from depression [ms].
        tau_fac: decay of facilitation [ms]; 0 is no facilitation.

    References:
        Tsodyks, Pawelzik & Markram (1998), Neural Comput. 10:821, doi:10.1162/089976698300017502.

    Example:
        >>> u, x = release_steady_state(10.0, use=0.5, tau_rec=800.0)
        >>> float(u), round(float(x), 4)
        (0.5, 0.2103)
    """
    _checks.positive("rate_hz", rate_hz, "Hz")
    _checks.in_range("use", use, 0.0, 1.0)
    _checks.positive("tau_rec", tau_rec, "ms")
    _checks.nonnegative("tau_fac", tau_fac, "ms")
    interval, base, memory = 1000.0 / as_float(rate_hz), as_float(use), as_float(tau_fac)
    kept = np.where(memory > 0, np.exp(-interval / np.where(memory > 0, memory, 1.0)), 0.0)
    missing = np.exp(-interval / as_float(tau_rec))
    u = base / (1.0 - (1.0 - base) * kept)
    return u, (1.0 - missing) / (1.0 - (1.0 - u) * missing)


@closed_form
def poisson_depression(rate_hz: ArrayLike, *, use: ArrayLike, tau_rec: ArrayLike) -> Numbers:
    """Mean resources [1] that a spike of a Poisson train finds at a depressing synapse.

    ``1/(1 + U rate tau_rec)``, exact without facilitation. Arguments as in :func:`release_steady_state`.

    References:
        Tsodyks & Markram (1997), PNAS 94:719, doi:10.1073/pnas.94.2.719.
    """
    _checks.in_range("use", use, 0.0, 1.0)
    return 1.0 / (1.0 + as_float(use) * _events(rate_hz, tau_rec))


@closed_form
def quantal_release_moments(use: ArrayLike, resources: ArrayLike, *, sites: ArrayLike) -> tuple[Numbers, Numbers]:
    """Mean and variance of the number of quanta that one spike releases: ``n u x`` and ``n u x (1 - u x)``.

    Release sites are independent, each full with probability ``x`` and then released with ``u``, for given spike times.

    Args:
        use: release probability ``u`` of a full site [1].
        resources: probability ``x`` that a site is full [1].
        sites: number of sites ``n``.

    References:
        Fuhrmann et al. (2002), J. Neurophysiol. 87:140, doi:10.1152/jn.00258.2001; Loebel et al. (2009), Front. Comput.
        Neurosci. 3:27, doi:10.3389/neuro.10.027.2009.
    """
    _checks.in_range("use", use, 0.0, 1.0)
    _checks.in_range("resources", resources, 0.0, 1.0)
    _checks.positive("sites", sites)
    p = as_float(use) * as_float(resources)
    return as_float(sites) * p, as_float(sites) * p * (1.0 - p)


@closed_form
def quantal_release_cv(use: ArrayLike, resources: ArrayLike = 1.0, *, sites: ArrayLike) -> Numbers:
    """Coefficient of variation [1] of one release: ``sqrt((1 - u x)/(n u x))``, at rest ``sqrt((1 - U)/(n U))``."""
    mean, variance = quantal_release_moments(use, resources, sites=sites)
    return np.sqrt(variance) / mean


@closed_form
def read_noise_variance(
    weights: ArrayLike, signal: ArrayLike, *, additive: ArrayLike = 0.0, relative: ArrayLike = 0.0
) -> Numbers:
    """Variance of what a target receives in a step through weights that are read with noise, in their squared unit.

    ``sum_j (a^2 + (r W_ij)^2) s_j^2`` over the synapses, those of non-zero weight.

    Args:
        weights: [target, source].
        signal: [source], 1 for a spike.
        additive: standard deviation ``a`` of a read, in the unit of the weights.
        relative: standard deviation ``r`` as a share of the weight [1].

    References:
        Joshi et al. (2020), Nat. Commun. 11:2473, doi:10.1038/s41467-020-16108-9.

    Example:
        >>> read_noise_variance([[1.0, 0.0, 2.0]], [1.0, 1.0, 1.0], additive=1.0, relative=0.5).tolist()
        [3.25]
    """
    _checks.nonnegative("additive", additive)
    _checks.nonnegative("relative", relative)
    matrix = as_float(weights)
    spread = np.square(as_float(additive)) + np.square(as_float(relative) * matrix)
    return np.sum(np.atleast_1d(np.where(matrix != 0, spread, 0.0) * np.square(as_float(signal))), axis=-1)


def _events(rate_hz: ArrayLike, tau: ArrayLike) -> Numbers:
    """Expected number of spikes in one time constant."""
    _checks.nonnegative("rate_hz", rate_hz, "Hz")
    _checks.positive("time constant", tau, "ms")
    return as_float(rate_hz) * as_float(tau) / 1000.0
