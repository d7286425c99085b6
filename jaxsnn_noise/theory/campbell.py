"""Campbell's theorem for any chain of exponential filters: synapses and membranes under Poisson spikes."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def alpha_charge(weight: ArrayLike, *, tau_syn: ArrayLike) -> Numbers:
    """Integral [nA ms] of ``w t/tau exp(1 - t/tau)``, an alpha function of peak ``weight`` [nA]: ``e w tau``."""
    _checks.positive("tau_syn", tau_syn, "ms")
    return np.e * as_float(weight) * as_float(tau_syn)


@closed_form
def double_exponential_charge(weight: ArrayLike, *, tau_syn: ArrayLike, tau_rise: ArrayLike) -> Numbers:
    """Integral [nA ms] of a difference of two exponentials of peak ``weight`` [nA]: ``w (tau_syn - tau_rise)/N``.

    ``N = (rise/syn)^(rise/(syn - rise)) (1 - rise/syn)``; the alpha function where both are equal.

    Args:
        weight: peak [nA].
        tau_syn: decay [ms].
        tau_rise: rise [ms], at most ``tau_syn``.
    """
    _checks.positive("tau_syn", tau_syn, "ms")
    _checks.positive("tau_rise", tau_rise, "ms")
    slow, fast = as_float(tau_syn), as_float(tau_rise)
    if np.any(fast > slow):
        _checks.fail("tau_rise", "must be at most tau_syn [ms]", tau_rise)
    apart = slow / fast - 1.0
    share = np.where(apart > 0, np.log1p(apart) / np.where(apart > 0, apart, 1.0), 1.0)
    return as_float(weight) * slow * np.exp(share)


@closed_form
def campbell_cumulant(
    rate_hz: ArrayLike, charge: ArrayLike, *, tau_stages: ArrayLike, resistance: ArrayLike = 1.0, order: int = 2
) -> Numbers:
    r"""Cumulant of a current or potential that Poisson spikes drive through a chain of exponential filters.

    .. math:: \kappa_m = r \int_0^\infty h(t)^m\,dt, \qquad \hat h(s) = R\,q \prod_k \frac{1}{1 + s\,\tau_k}

    1 is the mean, 2 the variance; 3 and 4 say how far it is from Gaussian. One stage is an exponential synapse (or a membrane
    that spikes make jump), two equal ones an alpha function, two a difference of exponentials; the membrane is one more. Found
    from the linear equations of the moments of the chain, so equal time constants need no limit.

    Args:
        rate_hz: of all spikes together [...] in Hz.
        charge: integral ``q`` of the current of one spike [...] in nA ms.
        tau_stages: time constants [..., stage] in ms, up to four stages.
        resistance: input resistance ``R`` [...] in MOhm; 1 for a current.
        order: ``m``, 1 to 4; the variance unless given.

    Returns:
        [...] in nA^m, or mV^m with a resistance.

    Raises:
        InputError: a parameter out of range.

    References:
        Campbell (1909), Proc. Camb. Phil. Soc. 15:117; Rice (1944), Bell Syst. Tech. J. 23:282,
        doi:10.1002/j.1538-7305.1944.tb00874.x.

    Example:
        >>> round(float(campbell_cumulant(1000.0, 2.0, tau_stages=[5.0])), 6)  # r q^2/(2 tau)
        0.4
    """
    m = _checks.count("order", order)
    _checks.in_range("order", m, 1, 4)
    rate, jump, flow = _chain(rate_hz, charge, tau_stages, resistance)
    stages = flow.shape[-1]
    total = np.zeros((*flow.shape[:-2], stages**m, stages**m))
    for place in range(m):  # the Kronecker sum: each factor flows by itself
        before, after = np.eye(stages**place), np.eye(stages ** (m - 1 - place))
        total = total + np.einsum("ab,...cd,ef->...acebdf", before, flow, after).reshape(total.shape)
    source = jump
    for _ in range(m - 1):
        source = (source[..., :, None] * jump[..., None, :]).reshape(*jump.shape[:-1], -1)
    found = np.linalg.solve(total, -(rate[..., None] * source)[..., None])[..., 0]
    return found[..., -1]


@closed_form
def campbell_autocovariance(
    lag: ArrayLike, rate_hz: ArrayLike, charge: ArrayLike, *, tau_stages: ArrayLike, resistance: ArrayLike = 1.0
) -> Numbers:
    r"""Autocovariance :math:`r \int h(t)\,h(t + lag)\,dt` of what :func:`campbell_cumulant` describes.

    Args:
        lag: [...] in ms.
        rate_hz: of all spikes together [...] in Hz.
        charge: integral of the current of one spike [...] in nA ms.
        tau_stages: time constants [..., stage] in ms, up to four stages.
        resistance: input resistance [...] in MOhm; 1 for a current.

    Returns:
        [...] in nA^2, or mV^2 with a resistance.

    References:
        Rice (1944), Bell Syst. Tech. J. 23:282, doi:10.1002/j.1538-7305.1944.tb00874.x.

    Example:
        >>> round(float(campbell_autocovariance(5.0, 1000.0, 2.0, tau_stages=[5.0])), 6)  # 0.4 exp(-1)
        0.147152
    """
    from scipy import linalg

    rate, jump, flow = _chain(rate_hz, charge, tau_stages, resistance)
    stages = flow.shape[-1]
    one = np.eye(stages)
    total = np.einsum("...ac,bd->...abcd", flow, one) + np.einsum("ac,...bd->...abcd", one, flow)
    source = (rate[..., None, None] * jump[..., :, None] * jump[..., None, :]).reshape(*jump.shape[:-1], -1)
    lyapunov = total.reshape(*flow.shape[:-2], stages**2, stages**2)
    covariance = np.linalg.solve(lyapunov, -source[..., None])[..., 0].reshape(*jump.shape[:-1], stages, stages)
    time = np.abs(as_float(lag))[..., None, None]
    time, flow, covariance = np.broadcast_arrays(time * np.ones_like(flow), flow, covariance)
    return np.einsum("...a,...a->...", linalg.expm(flow * time)[..., -1, :], covariance[..., :, -1])


@closed_form
def campbell_skewness(
    rate_hz: ArrayLike, charge: ArrayLike = 1.0, *, tau_stages: ArrayLike, resistance: ArrayLike = 1.0
) -> Numbers:
    r"""Skewness [1] of filtered Poisson spikes, :math:`\kappa_3/\kappa_2^{3/2}`: how far they are from the diffusion.

    It falls as ``1/sqrt(rate tau)``: for one stage it is ``(2 sqrt(2)/3)/sqrt(rate tau)``. To first order (Edgeworth) the
    probability to lie more than z standard deviations above the mean is that of a Gaussian plus
    ``skewness (z^2 - 1) phi(z)/6``: with a skewness of 0.1 that is 30 % more at z = 3, and 3 % more at z = 1.5. Arguments as in
    :func:`campbell_cumulant`; only the sign of the charge counts.

    Example:
        >>> round(float(campbell_skewness(1000.0, tau_stages=[20.0])), 4)
        0.2108
    """
    arguments: dict[str, ArrayLike] = {"tau_stages": tau_stages, "resistance": resistance}
    second, third = (campbell_cumulant(rate_hz, charge, order=m, **arguments) for m in (2, 3))
    return third / np.power(second, 1.5)


def _chain(
    rate_hz: ArrayLike, charge: ArrayLike, tau_stages: ArrayLike, resistance: ArrayLike
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rate per ms [...], what a spike adds to the stages [..., stage], and their flow [..., stage, stage]."""
    _checks.nonnegative("rate_hz", rate_hz, "Hz")
    _checks.positive("tau_stages", tau_stages, "ms")
    _checks.positive("resistance", resistance, "MOhm")
    tau = np.atleast_1d(as_float(tau_stages))
    if tau.shape[-1] > 4:
        _checks.fail("tau_stages", "has up to four stages along its last dimension", tau.shape)
    rate, area = as_float(rate_hz) / 1000.0, as_float(resistance) * as_float(charge)
    shape = np.broadcast_shapes(np.shape(rate), np.shape(area), tau.shape[:-1])
    tau = np.broadcast_to(tau, (*shape, tau.shape[-1]))
    jump = np.zeros(tau.shape)
    jump[..., 0] = area / tau[..., 0]
    flow = (np.eye(tau.shape[-1], k=-1) - np.eye(tau.shape[-1])) / tau[..., :, None]
    return np.broadcast_to(rate, shape), jump, flow
