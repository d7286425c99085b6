"""Expectations over the samples of a data set, beside those over trials, and what their errors count as random."""

from __future__ import annotations

import abc
from typing import Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from jaxsnn_noise._checks import fail, finite, is_a, real_numbers
from jaxsnn_noise._typing import Key
from jaxsnn_noise.engine.addresses import Address
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.ensemble.axes import Samples
from jaxsnn_noise.parameters import Ranged, parameter, real

TARGET = "sample.target"
"""Where quantities find the target of the sample that is shown, among the results of a run."""


class OverSamples(Ranged):
    r"""Abstract: each sample of a data set is shown in every trial, and outputs are expectations over both.

    .. math:: \hat f = \frac{1}{n R} \sum_{s=1}^{n} \sum_{r=1}^{R} f(x_s, y_s, \omega_{sr})

    with R trials of each of n samples. Run j has the noise of the member ``{"trial": j, "sample": j // R}``: none is shared.

    Args:
        samples: the axis of the samples, ``jn.Samples(images)``.
        targets: [sample, ...], whole numbers for labels; ``None`` for outputs that need none.
    """

    least: ClassVar[int]
    """Trials of each sample that it needs."""
    least_of_functions: ClassVar[int]
    """The same for functions of expectations, such as a Fano factor."""
    counts: ClassVar[str]
    """What its errors count as random."""

    samples: Samples
    targets: Any = parameter("1", real, shape=None, default=None)
    whole: bool = eqx.field(static=True, default=False)

    def __init__(self, samples: Any, targets: Any = None):
        who = type(self).__name__
        is_a(f"{who}.samples", samples, Samples, "jn.Samples(images)")
        if targets is not None:
            real_numbers(f"{who}.targets", targets)
            finite(f"{who}.targets", targets)
            if np.shape(targets)[:1] != (samples.size,):
                fail(f"{who}.targets", f"must be one for each of the {samples.size} samples", np.shape(targets))
        self.samples, self.targets = samples, targets
        self.whole = targets is not None and np.asarray(targets).dtype.kind in "iu"

    def said(self) -> np.ndarray | None:
        """The targets as checks see them."""
        return None if self.targets is None else np.asarray(self.targets, np.int32 if self.whole else np.float32)

    def check(self, who: str, sim: Simulation, leaves: tuple[str, ...], trials: int, *, linear: bool) -> None:
        """Raise :class:`InputError` for samples that do not fit, set a leaf that is asked for, or have too few trials."""
        self.samples.check(sim)
        for leaf in leaves:
            if leaf in self.samples.sets(sim):
                fail(f"{who}.leaves", "must not be set by the samples: nothing would follow it", leaf)
        least = self.least if linear else self.least_of_functions
        if trials < least:
            rule = f"must be at least {least} of each sample for {type(self).__name__}"
            fail(f"{who}.trials", rule if linear else f"{rule} and functions of expectations", trials)
        self.check_size(who)

    def check_size(self, who: str) -> None:
        """Raise :class:`InputError` where no error could be told."""

    @abc.abstractmethod
    def blocks(self, runs: np.ndarray, trials: int) -> np.ndarray:
        """Independent units [unit, ...] of a function of expectations, from runs [sample * trial, ...]."""

    @abc.abstractmethod
    def error(self, squares: Any, sums: Any, mean: Any, trials: int) -> Any:
        """The standard error of a mean over all runs.

        Args:
            squares: sum of the squares of all runs.
            sums: sum over samples of the square of the sum of its runs.
            mean: over all runs.
            trials: of each sample.
        """

    @classmethod
    def example(cls) -> Self:
        """One typical member of the class."""
        return cls(Samples(np.eye(3), "inputs.cells.values"), [0, 1, 0])


class DrawnSamples(OverSamples):
    """Samples are draws, as trials are: errors are those of an expectation over **samples like these**, from means of samples.

    Example:
        >>> DrawnSamples(Samples([[0.0], [1.0]]), [0, 1]).whole
        True
    """

    least: ClassVar[int] = 1
    least_of_functions: ClassVar[int] = 1
    counts: ClassVar[str] = "samples and trials"

    def check_size(self, who: str) -> None:
        if self.samples.size < 2:
            fail(f"{who}.samples", "must be at least two, where they count as draws; FixedSamples serves", 1)

    def blocks(self, runs: np.ndarray, trials: int) -> np.ndarray:
        return np.asarray(runs.reshape(self.samples.size, trials, *runs.shape[1:]).mean(axis=1))

    def error(self, squares: Any, sums: Any, mean: Any, trials: int) -> Any:
        n = self.samples.size
        scatter = np.maximum(sums / trials**2 - n * mean**2, 0.0)
        return np.sqrt(scatter / (n - 1) / n)


class FixedSamples(OverSamples):
    """Samples are what they are: errors are those of the trials, for an expectation over **these samples** alone.

    Smaller than those of :class:`DrawnSamples`, and silent on other images. Of a function of expectations (a Fano factor) the error is
    a jackknife over trials, of which it needs ten.

    Example:
        >>> FixedSamples(Samples([[0.0], [1.0]]), [0, 1]).least
        2
    """

    least: ClassVar[int] = 2
    least_of_functions: ClassVar[int] = 10
    counts: ClassVar[str] = "trials, for these samples"

    def blocks(self, runs: np.ndarray, trials: int) -> np.ndarray:
        return np.asarray(runs.reshape(self.samples.size, trials, *runs.shape[1:]).mean(axis=0))

    def error(self, squares: Any, sums: Any, mean: Any, trials: int) -> Any:
        del mean
        within = np.maximum(squares - sums / trials, 0.0) / (trials - 1)  # summed over samples
        return np.sqrt(within / trials) / self.samples.size


class Over(eqx.Module):
    """Which members of an ensemble the runs of an estimate are.

    Attributes:
        names: Axes on which each run has an index of its own.
        samples: The data set, if there is one.
        trials: Of each sample.
    """

    names: tuple[str, ...] = eqx.field(static=True, default=("trial",))
    samples: OverSamples | None = None
    trials: int = eqx.field(static=True, default=1)

    @property
    def size(self) -> int:
        """Number of samples, 1 without any."""
        return 1 if self.samples is None else self.samples.samples.size

    def at(self, sim: Simulation, root: Key, run: jax.Array) -> tuple[Simulation, Address, dict[str, jax.Array]]:
        """The simulation of a run, its address, and what is known of its sample."""
        address = Address({})
        for axis in self.names:
            address = address.at(axis, run)
        if self.samples is None:
            return sim, address, {}
        which = jnp.minimum(run // jnp.uint32(self.trials), jnp.uint32(self.size - 1))
        sim, address = self.samples.samples.apply(sim, address, which, root)
        if self.samples.targets is None:
            return sim, address, {}
        return (
            sim,
            address,
            {TARGET: self.samples.targets[which].astype(jnp.int32 if self.samples.whole else jnp.float32)},
        )

    def blocks(self, runs: np.ndarray) -> np.ndarray:
        """Independent units of a function of expectations."""
        return runs if self.samples is None else self.samples.blocks(runs, self.trials)

    def spread(self, runs: np.ndarray) -> tuple[Any, Any]:
        """Mean over runs, and its standard error."""
        mean, found = runs.mean(axis=0), Scatter(self)
        found.add(runs - mean)
        return mean, found.mean_and_error()[1]


class Scatter:
    """Mean and standard error of runs that come in batches, in their order."""

    def __init__(self, over: Over):
        self.over, self.runs = over, 0
        self.total: Any = 0.0
        self.squares: Any = 0.0
        self.sums: Any = 0.0
        self.open: Any = 0.0
        """The sum of the sample whose runs have not all come."""

    def add(self, runs: np.ndarray) -> None:
        """The next runs [run, ...]."""
        each = self.over.trials
        sample = (self.runs + np.arange(len(runs))) // each
        starts = np.flatnonzero(np.diff(sample, prepend=-1))
        sums = np.add.reduceat(runs, starts, axis=0)
        sums[0] += self.open
        self.runs += len(runs)
        self.total = self.total + sums.sum(axis=0) - self.open
        self.squares = self.squares + (runs**2).sum(axis=0)
        whole = self.runs % each == 0
        closed = sums if whole else sums[:-1]
        self.sums, self.open = self.sums + (closed**2).sum(axis=0), 0.0 if whole else sums[-1]

    def mean_and_error(self) -> tuple[Any, Any]:
        """Of all runs that came."""
        mean, samples = self.total / self.runs, self.over.samples
        if samples is not None:
            return mean, samples.error(self.squares, self.sums, mean, self.over.trials)
        variance = np.maximum(self.squares / self.runs - mean**2, 0.0) * self.runs / (self.runs - 1)
        return mean, np.sqrt(variance / self.runs)
