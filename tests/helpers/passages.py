"""First passages of the membrane in double precision, by other ways than the package's: an integral equation, and cells of space."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sparse
from scipy.sparse.linalg import splu, spsolve


def transition(x: Any, time: Any, start: float, *, mean: float, sigma: float, tau: float) -> np.ndarray:
    """The density of the free membrane at ``x`` after ``time``."""
    middle = mean + (start - mean) * np.exp(-time / tau)
    variance = 0.5 * sigma**2 * tau * -np.expm1(-2.0 * time / tau)
    return np.exp(-0.5 * (x - middle) ** 2 / variance) / np.sqrt(2.0 * np.pi * variance)


def passage_density(
    start: float, threshold: float, *, mean: float, sigma: float, tau: float, until: float, points: int
) -> tuple[np.ndarray, np.ndarray]:
    """Times and the density of the first passage: the equation of Buonocore, Nobile and Ricciardi (1987), whose kernel is smooth."""
    time = np.linspace(0.0, until, points + 1)
    step, slope = time[1], -(threshold - mean) / (2.0 * tau)

    def kernel(t: np.ndarray, y: float) -> np.ndarray:
        decay = np.exp(-t / tau)
        variance = 0.5 * sigma**2 * tau * -np.expm1(-2.0 * t / tau)
        std = np.sqrt(variance)
        z = (threshold - mean - (y - mean) * decay) / std
        change = (y - mean) / tau * decay / std - z * 0.5 * sigma**2 * decay**2 / variance
        return np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) * (change + slope / std)

    first, again = kernel(time[1:], start), np.concatenate([[0.0], kernel(time[1:], threshold)])
    density = np.zeros(points + 1)
    for i in range(1, points + 1):
        density[i] = -2.0 * first[i - 1] + 2.0 * step * np.dot(density[1:i], again[i - 1 : 0 : -1])
    return time, density


def modulated_rate(
    frequencies: Any,
    *,
    mean: float,
    sigma: float,
    tau: float,
    threshold: float,
    reset: float,
    refractory: float,
    cells: int,
) -> tuple[float, np.ndarray]:
    """Rate and linear response [Hz, Hz/mV] from the Fokker-Planck equation in cells of exponentially fitted fluxes."""
    diffusion = 0.5 * sigma**2
    bottom = min(reset, mean) - 6.0 * sigma * np.sqrt(tau)
    above = round((threshold - reset) / ((threshold - bottom) / cells))
    h = (threshold - reset) / above
    n = int((threshold - bottom) / h)
    edges = threshold - h * np.arange(n, -1, -1)
    bernoulli = lambda x: x / np.expm1(x)  # noqa: E731

    def fluxes(at: float) -> tuple[sparse.csc_matrix, float]:
        q = (at - edges[1:n]) / tau * h / diffusion
        q = np.where(q == 0, 1e-9, q)
        right, left = diffusion / h * bernoulli(-q), diffusion / h * bernoulli(q)
        out = 2.0 * diffusion / h * bernoulli(-(at - threshold) / tau * 0.5 * h / diffusion)
        main = np.zeros(n)
        main[:-1] -= right / h
        main[1:] -= left / h
        main[-1] -= out / h
        return sparse.diags([right / h, main, left / h], [-1, 0, 1], format="csc"), out

    operator, out = fluxes(mean)
    injected = np.zeros(n)
    injected[[n - above, n - above - 1]] = 0.5 / h
    density = spsolve(operator, -injected)
    rate = 1.0 / (density.sum() * h + refractory)
    density *= rate
    (up, out_up), (down, out_down) = fluxes(mean + 1e-4), fluxes(mean - 1e-4)
    source, direct = (up - down) @ density / 2e-4, (out_up - out_down) / 2e-4 * density[-1]
    response = []
    for omega in 2.0 * np.pi * np.asarray(frequencies) / 1000.0:
        solve = splu((1j * omega * sparse.identity(n) - operator).tocsc()).solve
        driven, fed = solve(source.astype(complex)), solve(np.exp(-1j * omega * refractory) * injected)
        response.append((out * driven[-1] + direct) / (1.0 - out * fed[-1]))
    return 1000.0 * rate, 1000.0 * np.array(response)
