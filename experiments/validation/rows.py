"""What a row of the table is: a piece of a network, the quantities that are read from it, and what theory says of each.

All rows of a room run in one simulation, as populations that do not touch each other, so that they share a compilation. A
quantity is a mean over independent trials of something whose expectation theory gives (or a smooth function of several such
means), so that its standard error needs no model: that of the mean, or of the jackknife over trials.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy import stats

import jaxsnn_noise as jn

Feature = Callable[[np.ndarray], np.ndarray]
"""From courses [trial, time, neuron] to what is averaged over trials: [trial] or [trial, k]."""


@dataclasses.dataclass(frozen=True)
class Quantity:
    """One number of theory, and how a simulation gives it.

    Args:
        name: What it is, for a reader.
        theory: Its value [unit].
        units: Its unit.
        feature: What is averaged over trials.
        combine: A function of the averages [k], the identity of one unless given.
        scale: What deviations are relative to [unit]; the value itself unless given (it may be 0).
        margin: What theory itself may be off by, relative to ``scale``; 0 for an exact law on the grid.
        lag: Its lag [ms], of an autocovariance.
    """

    name: str
    theory: float
    units: str
    feature: Feature
    combine: Callable[[np.ndarray], float] | None = None
    scale: float | None = None
    margin: float = 0.0
    lag: float | None = None

    @property
    def size(self) -> float:
        """What relative deviations are relative to [unit]."""
        return abs(self.theory if self.scale is None else self.scale)


@dataclasses.dataclass(frozen=True)
class Piece:
    """What a row adds to the network of its room; ``cells`` is what is watched."""

    cells: jn.Population
    others: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    projections: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    inputs: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Row:
    """A member held to theory.

    Args:
        name: An identifier.
        covers: Names of the classes that it holds to theory.
        law: The functions of theory, or the equation that the numbers come from.
        piece: Makes the piece, given the function from local names (``cells``, ...) to those in the network.
        quantities: What is compared.
    """

    name: str
    covers: tuple[str, ...]
    law: str
    piece: Callable[[Callable[[str], str]], Piece]
    quantities: tuple[Quantity, ...]


@dataclasses.dataclass(frozen=True)
class Room:
    """Rows that share a simulation, its step and what is recorded.

    Args:
        title: For a reader.
        dt, duration, warmup: Of the simulation [ms].
        records: The variable whose course is read: ``v`` or ``spikes``.
        rows: By name.
    """

    title: str
    dt: float
    duration: float
    warmup: float
    records: str
    rows: Mapping[str, Row]

    def simulation(self, names: tuple[str, ...]) -> jn.Simulation:
        """All the named rows in one network."""
        populations: dict[str, Any] = {}
        projections: dict[str, Any] = {}
        inputs: dict[str, Any] = {}
        statistics: dict[str, Any] = {}
        for name in names:
            local = lambda part, name=name: f"{name}_{part}"  # noqa: E731
            piece = self.rows[name].piece(local)
            populations[local("cells")] = piece.cells
            populations |= {local(k): v for k, v in piece.others.items()}
            projections |= {local(k): v for k, v in piece.projections.items()}
            inputs |= {local(k): v for k, v in piece.inputs.items()}
            statistics[name] = jn.statistics.Trace((self.records,), population=local("cells"))
        return jn.Simulation(
            jn.Network(populations, projections), inputs, duration=self.duration, dt=self.dt, warmup=self.warmup,
            statistics=statistics,
        )  # fmt: skip


def estimate(of: Quantity, averaged: np.ndarray) -> tuple[float, float]:
    """The value of a quantity and its standard error, from what is averaged [trial, k]: by the jackknife over trials."""
    n = len(averaged)
    if of.combine is None:
        return float(averaged.mean()), float(averaged.std(ddof=1) / np.sqrt(n))
    total = averaged.sum(axis=0)
    left_out = np.array([of.combine((total - one) / (n - 1)) for one in averaged])
    whole = of.combine(total / n)
    corrected = n * whole - (n - 1) * left_out.mean()
    return float(corrected), float(np.sqrt((n - 1) * np.mean(np.square(left_out - left_out.mean()))))


def deviation(value: float, error: float, theory: float, allowed: float, trials: int) -> tuple[float, float]:
    """Deviation beyond what is allowed, in standard errors, with its sign, and its two-sided p-value (Student's t).

    Without any error (nothing is random) it is 0 within six digits, and infinite beyond.
    """
    off = value - theory
    beyond = np.sign(off) * max(0.0, abs(off) - allowed)
    if error <= 1e-9 * abs(theory):
        exact = abs(beyond) <= 1e-6 * abs(theory)
        return (0.0, 1.0) if exact else (float(np.sign(beyond) * np.inf), 0.0)
    z = float(beyond / error)
    return z, float(2.0 * stats.t.sf(abs(z), trials - 1))


def adjusted(p: np.ndarray) -> np.ndarray:
    """p-values after Holm's correction over all of them: the smallest times m, the next times m - 1, never falling."""
    order = np.argsort(p)
    steps = np.maximum.accumulate(np.minimum(1.0, p[order] * (len(p) - np.arange(len(p)))))
    found = np.empty(len(p))
    found[order] = steps
    return found


# What is averaged over trials. Moments are about the mean of theory: so they have no bias at any length.


def mean(theory: float, units: str = "mV", *, scale: float, margin: float = 0.0) -> Quantity:
    """The time average; deviations are relative to ``scale``, a standard deviation."""
    return Quantity("mean", float(theory), units, lambda x: x.mean(axis=(1, 2)), scale=scale, margin=margin)


def variance(theory: float, about: float = 0.0, units: str = "mV^2", *, margin: float = 0.0) -> Quantity:
    """The mean square about a mean of theory."""
    return Quantity("variance", float(theory), units, lambda x: np.square(x - about).mean(axis=(1, 2)), margin=margin)


def moment(
    order: int, theory: float, about: float = 0.0, *, scale: float | None = None, margin: float = 0.0
) -> Quantity:
    """A central moment of higher order, about a mean of theory."""
    name = {3: "third central moment", 4: "fourth central moment"}[order]
    feature = lambda x: np.power(x - about, order).mean(axis=(1, 2))  # noqa: E731
    return Quantity(name, float(theory), f"mV^{order}", feature, scale=scale, margin=margin)


def autocovariance(
    lag: float, dt: float, theory: float, about: float = 0.0, *, scale: float | None = None, margin: float = 0.0
) -> Quantity:
    """The product of deviations at a lag [ms]."""
    steps = round(lag / dt)
    feature = lambda x: ((x[:, steps:] - about) * (x[:, : x.shape[1] - steps] - about)).mean(axis=(1, 2))  # noqa: E731
    return Quantity(
        f"autocovariance at {lag:g} ms", float(theory), "mV^2", feature, scale=scale, margin=margin, lag=lag
    )


def covariance(first: int, second: int, theory: float, *, scale: float) -> Quantity:
    """The product of two neurons of mean 0; deviations are relative to ``scale``, a variance."""
    feature = lambda x: (x[:, :, first] * x[:, :, second]).mean(axis=1)  # noqa: E731
    return Quantity(f"covariance of {first} and {second}", float(theory), "mV^2", feature, scale=scale)


def share(limit: float, theory: float) -> Quantity:
    """The share of values beyond a limit on either side."""
    feature = lambda x: (np.abs(x) > limit).mean(axis=(1, 2))  # noqa: E731
    return Quantity(f"share beyond {limit:g} mV", float(theory), "1", feature)
