"""Expected numbers of spikes of one leaky integrate-and-fire neuron on the grid of time, exactly, and their derivatives, in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr

LEAVES = ("noise", "drive", "tau_mem", "threshold")


def with_threshold_noise(
    noise: float, drive: float, tau_mem: float, threshold: float, *, steps: int, dt: float
) -> float:
    """A threshold drawn anew in each step from a logistic law of standard deviation ``noise``: renewal over the age."""
    decay = np.exp(-dt / tau_mem)
    v = drive * (1 - decay ** np.arange(1, steps + 1))  # after a reset to rest
    p = 1 / (1 + np.exp(-(v - threshold) / (noise * np.sqrt(3) / np.pi)))
    of_age = np.zeros(steps + 1)
    of_age[0] = 1.0
    spikes = 0.0
    for _ in range(steps):
        fired = (of_age[:-1] * p).sum()
        of_age[1:] = of_age[:-1] * (1 - p)
        of_age[0] = fired
        spikes += fired
    return spikes


def with_membrane_noise(
    noise: float, drive: float, tau_mem: float, threshold: float, *, steps: int, dt: float
) -> float:
    """White noise on the membrane, exact over a step, and a hard threshold: first passages on Gauss-Legendre nodes, then renewal."""
    decay = np.exp(-dt / tau_mem)
    std = noise * np.sqrt(tau_mem / 2 * (1 - decay**2))
    low = drive - 12 * noise * np.sqrt(tau_mem / 2)
    x, w = np.polynomial.legendre.leggauss(400)
    v, weight = low + (threshold - low) * (x + 1) / 2, w * (threshold - low) / 2

    def density(start: np.ndarray) -> np.ndarray:
        mean = start * decay + drive * (1 - decay)
        return np.exp(-0.5 * ((v[:, None] - mean[None, :]) / std) ** 2) / (std * np.sqrt(2 * np.pi))

    def fires(start: np.ndarray) -> np.ndarray:
        return ndtr((start * decay + drive * (1 - decay) - threshold) / std)

    rest = np.zeros(1)
    passage = [fires(rest)[0]]
    f, kernel = density(rest)[:, 0], density(v)
    for _ in range(steps - 1):
        passage.append((f * weight * fires(v)).sum())
        f = kernel @ (f * weight)
    rate = np.zeros(steps)
    for n in range(steps):
        rate[n] = passage[n] + (rate[:n] * np.array(passage[:n])[::-1]).sum()
    return rate.sum()


def slopes(of: Callable[..., float], at: dict[str, float], *, steps: int, dt: float) -> np.ndarray:
    """Derivatives by the leaves, by central differences of fourth order in double precision."""
    found = []
    for name in LEAVES:
        h = 1e-3 * at[name]
        one, two = (
            (of(**{**at, name: at[name] + s * h}, steps=steps, dt=dt) - of(**{**at, name: at[name] - s * h}, steps=steps, dt=dt)) / (2 * s * h)
            for s in (1, 2)
        )  # fmt: skip
        found.append((4 * one - two) / 3)
    return np.array(found)
