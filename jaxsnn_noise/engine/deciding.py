"""Which noise decides whether a neuron fires, and what of it stays in the membrane.

Given all but the private Gaussian part of one source, a spike has a closed-form probability, for a hard threshold too. Exactly
one source of a population decides: none if the firing rule draws by itself, else the first in the order threshold, voltage,
current, and of names. Nothing here moves a forward bit.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp

from jaxsnn_noise._typing import PerNeuron, Values
from jaxsnn_noise.firing import Density, Firing, Stopped
from jaxsnn_noise.neurons import Neuron
from jaxsnn_noise.signals import DECISIONS, Conditional, Drive, Seam
from jaxsnn_noise.special import log_ndtr

SEAMS = (Seam.THRESHOLD, Seam.VOLTAGE, Seam.CURRENT)
"""Where deciding noise may act, in the order in which a source is looked for."""


class Deciding(eqx.Module):
    """The deciding noise of a step in terms of the margin: its private part is ``std z``.

    Attributes:
        std: Standard deviation of the private part, in the unit of the margin [neuron].
        z: Its normals, positive towards a spike [neuron].
        on_membrane: Whether it stays in the potential (and not in the threshold alone).
    """

    std: PerNeuron
    z: PerNeuron
    on_membrane: bool = eqx.field(static=True)


def deciding_source(population: Any) -> str | None:
    """The name of the source of a population that decides, if there is one."""
    for seam in SEAMS:
        if seam is not Seam.THRESHOLD and population.stepper is not None:
            return None  # its noise is not added after the flow
        for name, source in sorted(population.noise.items()):
            linear = seam is not Seam.CURRENT or type(population.neuron).gain is not Neuron.gain
            linear = linear and (seam is not Seam.VOLTAGE or population.neuron.kicks_potential)
            if source.seam is seam and source.indecisive is None and linear:
                return name
    return None


def undecided(population: Any) -> str:
    """Why no source of a population decides."""
    if population.stepper is not None:
        return "a stepper has the noise of the membrane inside the step, and there is no noise on the threshold"
    noise = population.noise
    reasons = [f"{k} {s.indecisive}" for k, s in sorted(noise.items()) if s.seam in SEAMS and s.indecisive]
    if any(s.seam is Seam.CURRENT and s.indecisive is None for s in noise.values()):
        reasons.append(f"{type(population.neuron).__name__} gives no gain for noise on the current")
    if any(s.seam is Seam.VOLTAGE and s.indecisive is None for s in noise.values()):
        reasons.append(f"noise on the membrane of {type(population.neuron).__name__} kicks another variable here")
    return "; ".join(reasons) or "there is no noise on the threshold, the membrane or the current"


def asked(firing: Firing, variables: frozenset[str]) -> bool:
    """Whether anybody needs the deciding noise of a population whose statistics read these variables."""
    return needs_decision(firing) or keeps_decision(firing) or bool(variables & set(DECISIONS))


def needs_decision(firing: Firing) -> bool:
    """Whether a rule cannot do without deciding noise: it asks for it, or differentiates the probability that it gives."""
    return firing.asks or (not firing.random and isinstance(getattr(firing, "gradient", None), Density))


def in_margin(seam: Seam, parts: Conditional, neuron: Neuron, drive: Drive, dt: Values | float) -> Deciding:
    """The private part of a source at its seam, as it reaches the margin."""
    if seam is Seam.THRESHOLD:
        return Deciding(parts.std, -parts.z, False)
    gain = neuron.gain(drive, dt) if seam is Seam.CURRENT else None
    std = parts.std if gain is None else gain * parts.std
    return Deciding(std, parts.z, True)


def surprise(deciding: Deciding, expected: PerNeuron, spikes: PerNeuron) -> PerNeuron:
    """``z - E[z | no spike]`` where there was no spike, else 0; ``E[z | z < a] = -phi(a)/Phi(a)`` with ``a = -expected/std``."""
    a = -expected / jnp.where(deciding.std > 0, deciding.std, 1.0)
    mean = -jnp.exp(-0.5 * a * a - 0.5 * jnp.log(2 * jnp.pi) - log_ndtr(a))
    return jnp.where((spikes > 0) | (deciding.std <= 0), 0.0, deciding.z - mean)


def keeps_decision(firing: Firing) -> bool:
    """Whether gradients are taken at fixed decisions, so that the membrane keeps what the decision left of the noise."""
    return isinstance(getattr(firing, "gradient", None), Stopped)


@jax.custom_jvp
def given_decision(v: Values, std: Values, threshold: Values, z: Values, spikes: Values) -> Values:
    """The potential ``v = h + std z``, differentiated at a fixed decision; the forward bits are those of ``v``.

    Given no spike, ``z`` is a normal below ``a = (threshold - h)/std``: ``z = Phi^-1(u Phi(a))`` with ``u`` fixed, hence

        da = (dthreshold - dh - a dstd)/std
        dv = dh + z dstd + std R da,   R = [Phi(z)/phi(z)] [phi(a)/Phi(a)] in (0, 1];

    given a spike the same with ``-z`` and ``-a`` (a reset by subtraction keeps what lies above the threshold). Without noise
    the derivative is that of ``v``.
    """
    return v


@given_decision.defjvp
def _given_decision_jvp(primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Values, Values]:
    v, std, threshold, z, spikes = primals
    dv, dstd, dthreshold, _, _ = tangents
    noisy = std > 0
    scale = jnp.where(noisy, std, 1.0)
    h = v - std * z
    dh = dv - z * dstd
    a = (threshold - h) / scale
    da = (dthreshold - dh - a * dstd) / scale
    sign = jnp.where(spikes > 0, -1.0, 1.0)
    # z and a lie on the same side of the decision but for rounding, which must not make R exceed 1
    log_r = log_ndtr(sign * z) - log_ndtr(sign * a) + 0.5 * (z * z - a * a)
    kept = scale * jnp.exp(jnp.minimum(log_r, 0.0)) * da
    return given_decision(*primals), jnp.where(noisy, dh + z * dstd + kept, dv)
