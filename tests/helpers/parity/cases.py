"""What is compared with NEST and Brian2: the numbers of every case, and what is measured of its spikes. NumPy alone.

A case is simulated in ``groups`` that share nothing, so their values are independent; what the neurons of a group share
makes them correlated. Times are whole steps, sources are numbered through all groups.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

QUANTITIES = ("rate_hz", "cv", "fano", "correlation")


@dataclasses.dataclass(frozen=True)
class Case:
    """How long, how many, and a neuron with R = 1 MOhm.

    Args:
        groups, size: Independent groups, and neurons of each.
        duration, warmup, dt: Measured time, that before it, and the step [ms].
        bin: Windows of Fano factor and correlation [ms].
        tau, threshold, reset, refractory: Of the neuron [ms, mV, mV, ms].
    """

    groups: int = 20
    size: int = 20
    duration: float = 20_000.0
    warmup: float = 500.0
    dt: float = 0.1
    bin: float = 50.0
    tau: float = 20.0
    threshold: float = 20.0
    reset: float = 10.0
    refractory: float = 2.0

    @property
    def neurons(self) -> int:
        """Of all groups."""
        return self.groups * self.size


@dataclasses.dataclass(frozen=True)
class Noisy(Case):
    """White noise, a fraction of which all neurons of a group share: drive [mV], ``sigma`` [mV/sqrt(ms)], share of the variance."""

    drive: float = 18.0
    sigma: float = 1.2
    shared: float = 0.4


@dataclasses.dataclass(frozen=True)
class Exponential(Case):
    """Poisson spikes of one weight [nA] through exponential currents: own and shared rate [Hz]."""

    own_hz: float = 1200.0
    shared_hz: float = 800.0
    weight: float = 1.75
    tau_syn: float = 5.0


@dataclasses.dataclass(frozen=True)
class Conducting(Case):
    """Poisson conductances: excitation, own and shared, and own inhibition; weights [nS], reversal potentials [mV]."""

    threshold: float = -50.0
    reset: float = -60.0
    rest: float = -65.0
    leak: float = 10.0
    own_hz: float = 1800.0
    shared_hz: float = 1200.0
    inhibition_hz: float = 500.0
    weight: float = 1.2
    inhibition: float = 4.0
    tau_excitation: float = 3.0
    tau_inhibition: float = 8.0
    excitatory: float = 0.0
    inhibitory: float = -80.0


@dataclasses.dataclass(frozen=True)
class Released(Case):
    """Poisson sources that all neurons of a group share, each through a quantal synapse of its own; jump of a quantum [mV]."""

    sources: int = 40
    source_hz: float = 20.0
    sites: int = 5
    use: float = 0.4
    tau_rec: float = 100.0
    tau_fac: float = 50.0
    jump: float = 0.9


@dataclasses.dataclass(frozen=True)
class Kicked(Noisy):
    """A neuron with equations of its own (``helpers.parity.times``) under white noise on the potential, added after each step.

    Threshold and reset are those of the equations; the drive has their unit.
    """

    size: int = 10
    duration: float = 10_000.0
    dt: float = 0.05


CASES: dict[str, Case] = {
    "noisy": Noisy(),
    "exponential": Exponential(),
    "conductance": Conducting(),
    "quantal": Released(),
    "adex": Kicked(drive=0.6, sigma=1.0),
    "izhikevich": Kicked(drive=5.0, sigma=1.0),
    "axon": Kicked(drive=5.0, sigma=1.0, duration=2500.0, dt=0.02),
}
NETWORKS = {"brunel_b": "B", "brunel_c": "C", "brunel_d": "D"}
"""Panels of Brunel's figure 8 (``experiments.brunel``); a group is a network of its own."""
PANELS = {"A": (3.0, 2.0), "B": (6.0, 4.0), "C": (5.0, 2.0), "D": (4.5, 0.9)}
"""Relative inhibition g, and rate outside in that which reaches the threshold, eta."""
NETWORK = Case(groups=5, size=12_500, duration=1000.0, warmup=200.0, bin=10.0)


def case_of(name: str) -> Case:
    """The numbers of a case or of a network."""
    return NETWORK if name in NETWORKS else CASES[name]


def measure(steps: np.ndarray, senders: np.ndarray, case: Case) -> dict[str, np.ndarray]:
    """The quantities [group] of spikes: ``steps`` since the start of the measurement, ``senders`` through all groups."""
    found = []
    for group in range(case.groups):
        of = senders // case.size == group
        found.append(measure_group(steps[of], senders[of] - group * case.size, case))
    return {name: np.array([one[name] for one in found]) for name in QUANTITIES}


def measure_group(steps: np.ndarray, senders: np.ndarray, case: Case) -> dict[str, float]:
    """Mean rate [Hz]; mean CV of the intervals of a neuron; mean Fano factor and mean pairwise correlation of its counts."""
    bins, width = round(case.duration / case.bin), round(case.bin / case.dt)
    counts = np.zeros((bins, case.size))
    np.add.at(counts, (steps // width, senders), 1.0)
    varies = counts.std(axis=0) > 0
    if varies.sum() < 2:
        raise ValueError("fewer than two neurons of a group have counts that vary")
    units = counts[:, varies] - counts[:, varies].mean(axis=0)
    units /= np.sqrt((units**2).sum(axis=0))
    together, m = (units.sum(axis=1) ** 2).sum(), varies.sum()
    return {
        "rate_hz": 1000.0 * len(steps) / case.size / case.duration,
        "cv": float(np.mean(_cvs(steps, senders, case.size))),
        "fano": float(np.mean(counts[:, varies].var(axis=0) / counts[:, varies].mean(axis=0))),
        "correlation": float((together - m) / (m * (m - 1))),
    }


def _cvs(steps: np.ndarray, senders: np.ndarray, size: int) -> np.ndarray:
    """Standard deviation of the intervals over their mean, of each neuron with three spikes or more."""
    order = np.lexsort((steps, senders))
    of, intervals = senders[order], np.diff(steps[order]).astype(float)
    within = of[1:] == of[:-1]
    neuron, intervals = of[1:][within], intervals[within]
    k, sums, squares = (np.bincount(neuron, weights=w, minlength=size) for w in (None, intervals, intervals**2))
    some = k >= 2
    mean = sums[some] / k[some]
    return np.sqrt(np.maximum(squares[some] / k[some] - mean**2, 0.0)) / mean


def summary(values: dict[str, np.ndarray]) -> dict[str, Any]:
    """Mean, standard error and number of groups of every quantity."""
    return {
        name: {"mean": float(x.mean()), "error": float(x.std(ddof=1) / len(x) ** 0.5), "groups": len(x)}
        for name, x in values.items()
    }
