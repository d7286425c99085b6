"""The rates of the gates of Hodgkin and Huxley, of a potential that is counted from rest."""

from __future__ import annotations

import jax.numpy as jnp

from jaxsnn_noise._typing import Values

FAR = 80.0
"""Exponents are cut off here, so that no rate is infinite in single precision; no membrane comes near."""

Rates = tuple[tuple[Values, Values], tuple[Values, Values], tuple[Values, Values]]


def linear_exponential(x: Values) -> Values:
    """``x/(exp(x) - 1)``, which is 1 - x/2 near its removable singularity at 0, slope included."""
    near = jnp.abs(x) < 1e-3
    safe = jnp.where(near, 1.0, jnp.minimum(x, FAR))
    return jnp.where(near, 1.0 - x * (0.5 - x / 12.0), safe / jnp.expm1(safe))


def rates(v: Values) -> Rates:
    r"""Opening and closing rates of the gates m, h and n [1/ms] at potentials [mV] above rest.

    .. math:: \alpha_m &= \frac{0.1 (25-v)}{e^{(25-v)/10}-1}, & \beta_m &= 4 e^{-v/18}, \\
              \alpha_h &= 0.07 e^{-v/20}, & \beta_h &= \frac{1}{e^{(30-v)/10}+1}, \\
              \alpha_n &= \frac{0.01 (10-v)}{e^{(10-v)/10}-1}, & \beta_n &= 0.125 e^{-v/80}.
    """
    m = linear_exponential((25.0 - v) / 10.0), 4.0 * _exp(-v / 18.0)
    h = 0.07 * _exp(-v / 20.0), 1.0 / (_exp((30.0 - v) / 10.0) + 1.0)
    n = 0.1 * linear_exponential((10.0 - v) / 10.0), 0.125 * _exp(-v / 80.0)
    return m, h, n


def _exp(x: Values) -> Values:
    return jnp.exp(jnp.minimum(x, FAR))
