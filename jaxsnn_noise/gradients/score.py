"""The unbiased estimator: scores of the spike decisions, with martingales as control variates."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from jaxsnn_noise import paths
from jaxsnn_noise._checks import concrete, fail
from jaxsnn_noise.coding import Constant, TimeSeries
from jaxsnn_noise.engine.deciding import deciding_source
from jaxsnn_noise.engine.network import Population
from jaxsnn_noise.engine.simulation import Simulation, validate, with_statistics
from jaxsnn_noise.firing import Stopped
from jaxsnn_noise.gradients.controls import Baseline, Forward, Martingale, Reverse
from jaxsnn_noise.gradients.decisions import Decisions
from jaxsnn_noise.gradients.estimator import Estimator, Samples, Task
from jaxsnn_noise.gradients.passing import passed
from jaxsnn_noise.hardware import Mismatch
from jaxsnn_noise.noise import ComposedSource


class Score(Estimator):
    r"""The derivative of the expectation, without bias, by the scores of all spike decisions.

    .. math:: \frac{d\,E f}{d\theta} = E\Big[\frac{df}{d\theta}\Big|_{\text{decisions}} + r\,\frac{dL}{d\theta} + \beta \cdot \frac{dA}{d\theta}\Big],
              \qquad r = f - b - \beta \cdot M - \gamma \cdot E

    with ``L``, ``M``, ``A`` and ``E`` of :class:`Decisions`. ``df`` at fixed decisions is that of the membrane whose noise is drawn
    anew below the threshold (``dz`` of a truncated normal). ``b``, beta and gamma are fitted to the other half of the trials, so that
    there is no bias at any number of them. All leaves come from one run in forward mode, with memory that does not grow with time.

    Take it for many leaves of one neuron or a small network, and where there must be no bias (irregularity). Its variance does not
    fall with the number of neurons as that of :class:`FiniteDifference` does, and grows as noise vanishes (as one over its square).
    ``diagnostics``: ``"r2"`` [output], the share of the variance that was explained; ``"spikes"``, seen in all trials;
    ``"simulations"``.

    Args:
        control: ``Martingale()``; ``Baseline()``; or ``None``, for comparison.
        mode: ``Forward()``, all leaves in one run whose memory does not grow with time; or ``Reverse()``, the derivatives by
            every entry of the leaves (weights), in ``Gradient.entries``, from two runs.

    Raises:
        InputError: a population whose decisions have no probability (without noise that decides, common noise alone, coloured noise
            alone: the reason is told); a leaf of what is drawn by another decision (rates of Poisson inputs, release
            probabilities), which has a part that is not in it.

    Warns:
        UserWarning: of fewer than 100 spikes in all trials.

    References: Williams 1992, doi:10.1007/BF00992696 (scores); Wang and Rathinam 2016, doi:10.1137/140958268 (centred scores of jump
    processes); the recycled noise and the martingales are this package's.

    Example:
        >>> type(Score().control).__name__
        'Martingale'
    """

    control: Any = Martingale()
    mode: Any = Forward()

    def __check_init__(self) -> None:
        if not isinstance(self.mode, (Forward, Reverse)):
            fail("Score.mode", "must be gradients.Forward() or gradients.Reverse()", self.mode)
        if self.control is not None and not isinstance(self.control, (Martingale, Baseline)):
            fail("Score.control", "must be gradients.Martingale(), gradients.Baseline() or None", self.control)

    def prepare(self, sim: Simulation) -> Simulation:
        """The simulation with the same forward bits, whose spikes are constants and whose decisions are summed up."""
        stopped = passed(sim, Stopped(), detach=False)
        spiking = [k for k, part in sim.network.cells().items() if part.neuron.spiking]
        sums = {f"decisions_{name}": Decisions(population=name) for name in spiking}
        return with_statistics(stopped, {**stopped.statistics, **sums})

    def check(self, sim: Simulation, outputs: Sequence[str], leaves: Sequence[str]) -> None:
        del outputs
        if not any(part.neuron.spiking for part in sim.network.cells().values()):
            fail("Score", "needs a population that spikes; Pathwise serves without", sorted(sim.network.cells()))
        check_leaves("Score", sim, leaves)
        _some_noise(sim)
        validate(self.prepare(sim))

    def samples(self, task: Task) -> Samples:
        ready = self.prepare(task.sim)
        return self.mode.samples(self, dataclasses.replace(task, sim=ready))

    @classmethod
    def example(cls) -> Self:
        return cls()


def _some_noise(sim: Simulation) -> None:
    """Refuse decisions without chance: their scores are 0, which would be told as a derivative."""
    for name, part in sim.network.cells().items():
        rule: Any = part.firing
        if not part.neuron.spiking:
            continue
        deciding = None if rule.random else deciding_source(part)
        place, amount = f"firing of {name}", getattr(rule, "scale", None)
        if deciding is not None and isinstance(part.noise[deciding], ComposedSource):
            source: Any = part.noise[deciding]
            place, amount = f"noise {deciding!r} of {name}", next(iter(paths.leaves(source.amplitude).values()), None)
        known = concrete(amount) if amount is not None else None
        if known is not None and not np.all(known > 0):
            rule_said = "needs noise that decides: of size 0 it leaves nothing to chance, and there is no derivative of an expectation"
            fail("Score", rule_said, f"{place}: {float(np.min(known)):g}")


def check_leaves(who: str, sim: Simulation, leaves: Sequence[str]) -> None:
    """Refuse leaves that move what is decided elsewhere."""
    for leaf in leaves:
        if not _follows(sim, leaf):
            rule = (
                "must be of a neuron, a firing rule, the amplitude, coupling or correlation of a composed noise, weights or kinetics, a given current, "
                "or the law of a mismatch of one of these: "
                "in others something else is decided, whose score is not in it; FiniteDifference serves"
            )
            fail(f"{who}.leaves", rule, leaf)


def _follows(sim: Simulation, leaf: str) -> bool:
    """Whether all that a leaf moves is in the scores of spikes and in paths at fixed decisions."""
    place, *rest = leaf.split(".")
    if place == "inputs":
        return isinstance(sim.inputs[rest[0]], (Constant, TimeSeries))
    if place == "imperfections":
        found = sim.imperfections[rest[0]]  # a smooth function of the deviates of the chip, of what is moved
        return isinstance(found, Mismatch) and rest[1] == "law" and _follows(sim, found.path)
    if place != "network":
        return False
    part = sim.network.populations.get(rest[0], sim.network.projections.get(rest[0]))
    if not isinstance(part, Population):
        return rest[1] in ("weights", "kinetics")
    if rest[1] != "noise":
        return rest[1] in ("neuron", "firing")
    source = paths.get(sim, ".".join(["network", *rest[:3]]))
    return isinstance(source, ComposedSource) and rest[3] in ("amplitude", "coupling", "correlation")
