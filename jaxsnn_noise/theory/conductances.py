"""The membrane under random synaptic conductances: its time constant, mean and variance while fluctuations are weak."""

from __future__ import annotations

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float


@closed_form
def effective_time_constant(conductance: ArrayLike, *, tau_mem: ArrayLike, resistance: ArrayLike) -> Numbers:
    """Time constant [ms] of a leaky membrane whose synapses add a conductance ``g``: ``tau_mem/(1 + R g)``.

    Args:
        conductance: ``g`` of all synapses together [uS], >= 0.
        tau_mem: time constant without synapses [ms].
        resistance: input resistance ``R`` without synapses [MOhm].

    Raises:
        InputError: a parameter out of range.

    References:
        Destexhe, Rudolph & Pare (2003), Nat. Rev. Neurosci. 4:739, doi:10.1038/nrn1198.

    Example:
        >>> float(effective_time_constant(0.1, tau_mem=20.0, resistance=30.0))
        5.0
    """
    _checks.nonnegative("conductance", conductance, "uS")
    _checks.positive("tau_mem", tau_mem, "ms")
    _checks.positive("resistance", resistance, "MOhm")
    return as_float(tau_mem) / (1.0 + as_float(resistance) * as_float(conductance))


@closed_form
def conductance_shot_noise_moments(
    rate_hz: ArrayLike,
    weight: ArrayLike,
    *,
    tau_syn: ArrayLike,
    reversal: ArrayLike,
    tau_mem: ArrayLike,
    v_rest: ArrayLike,
    resistance: ArrayLike,
) -> tuple[Numbers, Numbers]:
    r"""Mean [mV] and variance [mV^2] of a free membrane behind exponential conductances, under Poisson spikes.

    For kinds ``k`` of synapses with the mean conductance :math:`g_k = r_k w_k \tau_k`,

    .. math:: \mu = \frac{v_{rest} + R \sum_k g_k E_k}{G}, \quad G = 1 + R \sum_k g_k, \quad
              \sigma^2 = \sum_k \left(\frac{R (E_k - \mu)}{G}\right)^2 \frac{r_k w_k^2 \tau_k}{2}
                         \frac{\tau_k}{\tau_k + \tau_{eff}}, \quad \tau_{eff} = \frac{\tau_{mem}}{G}.

    The leading order for fluctuations of the conductance that are small against ``G/R``: what multiplies the potential is
    replaced by its mean. Each :math:`g_k` then drives the membrane as a current would, with the variance of Campbell's theorem.

    Args:
        rate_hz: of all spikes of a kind together [..., kind] in Hz.
        weight: what a spike adds to the conductance, ``w`` [..., kind] in uS.
        tau_syn: decay of the conductance [..., kind] in ms.
        reversal: reversal potentials ``E`` [..., kind] in mV.
        tau_mem: membrane time constant without synapses [...] in ms.
        v_rest: potential without synapses [...] in mV.
        resistance: input resistance without synapses [...] in MOhm.

    Returns:
        Mean and variance [...]: kinds, along the last dimension, are summed over.

    Raises:
        InputError: a parameter out of range.

    References:
        Richardson & Gerstner (2005), Neural Comput. 17:923, doi:10.1162/0899766053429444.

    Example:
        >>> mean, variance = conductance_shot_noise_moments(
        ...     [8000.0, 2000.0], [2e-4, 8e-4], tau_syn=[3.0, 8.0], reversal=[0.0, -80.0],
        ...     tau_mem=20.0, v_rest=-65.0, resistance=10.0)
        >>> round(float(mean), 3), round(float(variance), 4)
        (-63.98, 0.0517)
    """
    _checks.nonnegative("rate_hz", rate_hz, "Hz")
    _checks.nonnegative("weight", weight, "uS")
    _checks.positive("tau_syn", tau_syn, "ms")
    _checks.finite("reversal", reversal, "mV")
    _checks.finite("v_rest", v_rest, "mV")
    kinds = np.broadcast_arrays(*(np.atleast_1d(as_float(x)) for x in (rate_hz, weight, tau_syn, reversal)))
    rate, jump, tau, potential = kinds[0] / 1000.0, *kinds[1:]
    g = rate * jump * tau
    tau_eff = effective_time_constant(np.sum(g, axis=-1), tau_mem=tau_mem, resistance=resistance)
    share = as_float(resistance) * tau_eff / as_float(tau_mem)  # R/G [MOhm]
    mean = as_float(v_rest) * tau_eff / as_float(tau_mem) + share * np.sum(g * potential, axis=-1)
    gain = np.square(share[..., None] * (potential - mean[..., None]))
    spread = 0.5 * rate * np.square(jump) * tau
    return mean, np.sum(gain * spread * tau / (tau + np.asarray(tau_eff)[..., None]), axis=-1)
