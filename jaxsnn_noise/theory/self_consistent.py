"""The asynchronous state of a sparse random network: the rate with which its neurons drive each other."""

from __future__ import annotations

import math

import numpy as np

from jaxsnn_noise import _checks
from jaxsnn_noise.theory import _passage
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float, elementwise
from jaxsnn_noise.theory._roots import brentq
from jaxsnn_noise.theory.rates import check_neuron, dead_time


@closed_form
def brunel_drive(
    rate_hz: ArrayLike, *, external_hz: ArrayLike, jump: ArrayLike, inhibition: ArrayLike, excitatory: ArrayLike, inhibitory: ArrayLike,
    external: ArrayLike, tau_mem: ArrayLike,
) -> tuple[Numbers, Numbers]:  # fmt: skip
    r"""Mean [mV] and ``Diffusion`` amplitude [mV/sqrt(ms)] of what reaches a neuron of the network at a rate of its neurons.

    .. math:: \mu = \tau J\,(C_x \nu_x + C_E \nu - g\,C_I \nu), \qquad \sigma^2 = J^2\,(C_x \nu_x + C_E \nu + g^2 C_I \nu)

    Args:
        rate_hz: of all neurons [Hz].
        external_hz: of each external Poisson fibre [Hz].
        jump: of the potential at an excitatory spike [mV].
        inhibition: strength of an inhibitory spike relative to it, ``g`` [1].
        excitatory: number of excitatory synapses of a neuron.
        inhibitory: number of its inhibitory synapses.
        external: number of its external fibres.
        tau_mem: membrane time constant [ms].

    References:
        Brunel (2000), J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027.
    """
    for name, value in (
        ("excitatory", excitatory),
        ("inhibitory", inhibitory),
        ("external", external),
        ("inhibition", inhibition),
    ):
        _checks.nonnegative(name, value)
    _checks.nonnegative("rate_hz", rate_hz, "Hz")
    _checks.nonnegative("external_hz", external_hz, "Hz")
    _checks.positive("tau_mem", tau_mem, "ms")
    outside, own = as_float(external) * as_float(external_hz) / 1000.0, as_float(rate_hz) / 1000.0
    g, excite, inhibit = as_float(inhibition), as_float(excitatory), as_float(inhibitory)
    mean = as_float(tau_mem) * as_float(jump) * (outside + own * (excite - g * inhibit))
    return mean, np.abs(as_float(jump)) * np.sqrt(outside + own * (excite + np.square(g) * inhibit))


@closed_form
def brunel_rate_hz(
    external_hz: ArrayLike, *, jump: ArrayLike, inhibition: ArrayLike, excitatory: ArrayLike, inhibitory: ArrayLike, external: ArrayLike,
    tau_mem: ArrayLike, v_threshold: ArrayLike, v_reset: ArrayLike, refractory: ArrayLike | None = 0.0,
) -> Numbers:  # fmt: skip
    r"""The self-consistent rate [Hz] of the asynchronous state, ``rate = siegert_rate_hz(brunel_drive(rate))``.

    Where there are several such rates, the lowest. Whether the state is stable the equation does not say: in the regimes where
    Brunel's network oscillates, rates lie some 10 % from it.

    Args:
        external_hz: of each external Poisson fibre [Hz].
        jump: of the potential at an excitatory spike [mV].
        inhibition: ``g`` [1].
        excitatory: number of excitatory synapses of a neuron.
        inhibitory: number of its inhibitory synapses.
        external: number of its external fibres.
        tau_mem: membrane time constant [ms].
        v_threshold: threshold [mV], above ``v_reset``.
        v_reset: reset [mV].
        refractory: absolute refractory time [ms]; without one the rate of an unbalanced network may have no end: infinite.

    References:
        Brunel (2000), J. Comput. Neurosci. 8:183, doi:10.1023/A:1008925309027.

    Example:
        >>> rate = brunel_rate_hz(
        ...     20.0, jump=0.1, inhibition=5.0, excitatory=1000, inhibitory=250, external=1000,
        ...     tau_mem=20.0, v_threshold=20.0, v_reset=10.0, refractory=2.0,
        ... )
        >>> round(float(rate), 2)
        37.95
    """
    check_neuron(tau_mem, v_threshold, v_reset, refractory)
    brunel_drive(
        0.0, external_hz=external_hz, jump=jump, inhibition=inhibition, excitatory=excitatory, inhibitory=inhibitory,
        external=external, tau_mem=tau_mem,
    )  # fmt: skip
    given = (
        external_hz,
        jump,
        inhibition,
        excitatory,
        inhibitory,
        external,
        tau_mem,
        v_threshold,
        v_reset,
        dead_time(refractory),
    )
    return elementwise(_lowest_rate, *given)


def _lowest_rate(
    external_hz: float, jump: float, g: float, excitatory: float, inhibitory: float, external: float, tau: float, threshold: float,
    reset: float, refractory: float,
) -> float:  # fmt: skip
    def surplus(rate: float) -> float:
        outside, own = external * external_hz / 1000.0, rate / 1000.0
        mean = tau * jump * (outside + own * (excitatory - g * inhibitory))
        sigma = abs(jump) * math.sqrt(outside + own * (excitatory + g * g * inhibitory))
        return _passage.rate_hz(mean, sigma, tau, threshold, reset, refractory) - rate

    largest = 1000.0 / refractory if refractory > 0 else 1e7
    if surplus(0.0) <= 0:
        return 0.0
    before = 0.0
    for rate in np.geomspace(1e-9, largest * (1 + 1e-9), 400):
        if surplus(float(rate)) <= 0:
            return brentq(surplus, before, float(rate), xtol=1e-12, rtol=1e-13)
        before = float(rate)
    return math.inf
