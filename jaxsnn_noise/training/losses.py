"""What is minimised, and what is reported beside it.

A loss names the statistics that it reads, and maps their results for a whole minibatch to one number. Losses add up and
scale: ``CrossEntropy("output") + 0.1 * RateRegulariser("hidden", low_hz=5.0)``. A metric is a loss that nobody
descends.
"""

from __future__ import annotations

import abc
from collections.abc import Callable
from typing import Any, Self

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from jaxsnn_noise._checks import InputError, concrete, fail, finite, one_of
from jaxsnn_noise._typing import Leaf, Scalar, Values
from jaxsnn_noise.engine.network import Network
from jaxsnn_noise.engine.simulation import Simulation
from jaxsnn_noise.parameters import Range, Ranged, fraction, nonnegative, parameter, positive, real
from jaxsnn_noise.statistics import Mean, Rate, SpikeCount, Statistic

__all__ = [
    "Accuracy",
    "CrossEntropy",
    "FromFunction",
    "Loss",
    "RateRegulariser",
    "Scaled",
    "SquaredError",
    "Total",
]


class Loss(Ranged):
    """Abstract: a number per minibatch.

    The author writes ``reads`` (one statistic, or a tuple of some) and ``__call__``, which gets their results in the
    same arrangement, each with a leading [sample] dimension.
    """

    @abc.abstractmethod
    def reads(self, network: Network) -> Any:
        """The statistic, or tuple of statistics, that the loss is computed from, with their populations named."""

    @abc.abstractmethod
    def __call__(self, readings: Any, targets: Any) -> Scalar:
        """The loss of a minibatch from the results of ``reads`` [sample, ...] and the targets [sample, ...]."""

    @abc.abstractmethod
    def check(self, network: Network, who: str, targets: Any) -> None:
        """Raise :class:`InputError` for a population that is not there, or targets [sample, ...] that do not fit."""

    def metrics(self) -> dict[str, Loss]:
        """What is worth reporting beside this loss, by name."""
        return {}

    def penalty(self, sim: Simulation) -> Scalar | None:
        """What the simulation costs by itself, whatever it is shown: added where the loss is descended, and nowhere else."""
        del sim
        return None

    @classmethod
    @abc.abstractmethod
    def example(cls) -> Self:
        """One typical member of the class, for the contract tests."""

    def __add__(self, other: Loss) -> Loss:
        return Total(self, other)

    def __mul__(self, factor: Any) -> Loss:
        return Scaled(self, factor)

    __rmul__ = __mul__


class Total(Loss):
    """The sum of two losses; written ``first + second``.

    Its metrics are those of both (of the first where they clash).
    """

    first: Loss
    second: Loss

    def reads(self, network: Network) -> Any:
        return self.first.reads(network), self.second.reads(network)

    def __call__(self, readings: Any, targets: Any) -> Scalar:
        return self.first(readings[0], targets) + self.second(readings[1], targets)

    def check(self, network: Network, who: str, targets: Any) -> None:
        self.first.check(network, who, targets)
        self.second.check(network, who, targets)

    def metrics(self) -> dict[str, Loss]:
        return self.second.metrics() | self.first.metrics()

    def penalty(self, sim: Simulation) -> Scalar | None:
        found = [cost for loss in (self.first, self.second) if (cost := loss.penalty(sim)) is not None]
        return sum(found[1:], found[0]) if found else None

    @classmethod
    def example(cls) -> Self:
        return cls(CrossEntropy.example(), RateRegulariser.example())


class Scaled(Loss):
    """A loss times a factor; written ``0.1 * loss``. Its metrics are those of the loss."""

    loss: Loss
    factor: Leaf = parameter("1", real)

    def reads(self, network: Network) -> Any:
        return self.loss.reads(network)

    def __call__(self, readings: Any, targets: Any) -> Scalar:
        return self.factor * self.loss(readings, targets)

    def check(self, network: Network, who: str, targets: Any) -> None:
        self.loss.check(network, who, targets)

    def metrics(self) -> dict[str, Loss]:
        return self.loss.metrics()

    def penalty(self, sim: Simulation) -> Scalar | None:
        cost = self.loss.penalty(sim)
        return None if cost is None else self.factor * cost

    @classmethod
    def example(cls) -> Self:
        return cls(CrossEntropy.example(), 0.5)


class _Readout(Loss):
    """Abstract: what reads one number per neuron of one population."""

    on: eqx.AbstractVar[str | None]
    readout: eqx.AbstractVar[Statistic | None]

    def reads(self, network: Network) -> Statistic:
        """The readout, on the population of the loss.

        Default: on the population that no projection leaves; its mean potential, or its spike count if it fires.
        """
        who, cells = f"{type(self).__name__}.on", network.cells()
        on = _last(network, who) if self.on is None else self.on
        one_of(who, on, cells)
        if self.readout is not None:
            return self.readout.of(on)
        return SpikeCount(population=on) if cells[on].neuron.spiking else Mean("v", population=on)

    def _size(self, network: Network) -> int:
        return network.populations[str(self.reads(network).population)].size


def _per_readout(loss: Any, *outer: Any) -> str | None:
    """The inverse of that of the readout. ``None`` where it is not said."""
    del outer
    unit = None if loss.readout is None else loss.readout.units.get("")
    return unit and ("1" if unit == "1" else f"1/{unit}")


class CrossEntropy(_Readout):
    r"""Softmax cross-entropy of whole-number labels: ``-mean_s log softmax(scale x_s)[y_s]``.

    ``x`` is what the readout gives per neuron: its mean, largest or last potential, or its spike count. With
    ``smoothing`` e and c classes the target is ``1 - e + e/c`` for the label and ``e/c`` for the others (Szegedy et al.
    2016, doi:10.1109/CVPR.2016.308).

    Args:
        on: Name of the population that is read; ``None``: the one that no projection leaves.
        readout: A statistic with one number per neuron: ``statistics.Mean("v")``, ``Maximum("v")``, ``Last("v")``,
            ``SpikeCount()``, ... Default: the mean potential, or the spike count of a population that fires.
        scale: Factor from the readout to logits [1 / unit of the readout], > 0. Mean potentials of a few 0.1 mV want
            about 10 (confident answers need logits that differ by several units), spike counts about 1.
        smoothing: Label smoothing, 0 to 1.

    Example:
        >>> loss = CrossEntropy("output", scale=2.0)
        >>> round(float(loss(jnp.zeros((3, 10)), jnp.array([0, 5, 9]))), 4)
        2.3026
    """

    on: str | None = eqx.field(static=True, default=None)
    readout: Statistic | None = None
    scale: Leaf = parameter(_per_readout, positive, default=1.0)
    smoothing: Leaf = parameter("1", fraction, default=0.0)

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        logits = self.scale * readings
        label = optax.softmax_cross_entropy_with_integer_labels(logits, targets)
        others = jax.nn.logsumexp(logits, axis=-1) - jnp.mean(logits, axis=-1)
        return jnp.mean((1.0 - self.smoothing) * label + self.smoothing * others)

    def check(self, network: Network, who: str, targets: Any) -> None:
        _check_labels(who, targets, self._size(network))

    def metrics(self) -> dict[str, Loss]:
        return {"accuracy": Accuracy(self.on, self.readout)}

    @classmethod
    def example(cls) -> Self:
        return cls()


class Accuracy(_Readout):
    """Share of samples whose label is the neuron with the largest readout (the first of equal ones).

    Args:
        on: Name of the population that is read; ``None``: the one that no projection leaves.
        readout: As in :class:`CrossEntropy`.

    Example:
        >>> float(Accuracy()(jnp.array([[0.1, 0.9], [0.8, 0.2]]), jnp.array([1, 1])))
        0.5
    """

    on: str | None = eqx.field(static=True, default=None)
    readout: Statistic | None = None

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        return jnp.mean((jnp.argmax(readings, axis=-1) == targets).astype(jnp.float32))

    def check(self, network: Network, who: str, targets: Any) -> None:
        _check_labels(who, targets, self._size(network))

    @classmethod
    def example(cls) -> Self:
        return cls()


class SquaredError(_Readout):
    """Mean squared error of a readout, ``mean (x - y)^2`` over samples and neurons, for regression.

    Args:
        on: Name of the population that is read; ``None``: the one that no projection leaves.
        readout: As in :class:`CrossEntropy`; targets are float32 [sample, neuron] in its unit.

    Example:
        >>> float(SquaredError()(jnp.ones((4, 2)), jnp.zeros((4, 2))))
        1.0
    """

    on: str | None = eqx.field(static=True, default=None)
    readout: Statistic | None = None

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        return jnp.mean(jnp.square(readings - targets))

    def check(self, network: Network, who: str, targets: Any) -> None:
        size = self._size(network)
        if targets.ndim != 2 or targets.shape[1] != size or not np.issubdtype(targets.dtype, np.floating):
            fail(who, f"must be floats of the shape [sample, {size}]", (targets.shape, str(targets.dtype)))
        finite(who, targets)

    @classmethod
    def example(cls) -> Self:
        return cls()


class FromFunction(_Readout):
    """A plain function of readouts [sample, neuron] and targets [sample, ...]: to one number, or one per sample (their mean).

    Any function that JAX can differentiate will do, ``optax.softmax_cross_entropy_with_integer_labels`` say. It is known by
    what it is: give several calls the same function, or each compiles anew.

    Args:
        function: The function.
        on: Name of the population that is read; ``None``: the one that no projection leaves.
        readout: As in :class:`CrossEntropy`.

    Example:
        >>> loss = FromFunction(optax.softmax_cross_entropy_with_integer_labels)
        >>> round(float(loss(jnp.zeros((3, 10)), jnp.array([0, 5, 9]))), 4)
        2.3026
    """

    function: Callable[[Any, Any], Any] = eqx.field(static=True)
    on: str | None = eqx.field(static=True, default=None, kw_only=True)
    readout: Statistic | None = eqx.field(default=None, kw_only=True)

    def __check_init__(self) -> None:
        if not callable(self.function):
            fail("FromFunction.function", "must be a function of readouts and targets", type(self.function).__name__)

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):  # as whoever wrote it knows JAX
            return jnp.mean(jnp.asarray(self.function(readings, targets), jnp.float32))

    def check(self, network: Network, who: str, targets: Any) -> None:
        size, known = self._size(network), np.asarray(targets)
        if np.issubdtype(known.dtype, np.floating):
            finite(who, known)
        dtype = jnp.int32 if known.dtype.kind in "iu" else jnp.float32
        samples = len(known)
        given = (
            jax.ShapeDtypeStruct((samples, size), jnp.float32),
            jax.ShapeDtypeStruct(known.shape, dtype),
        )
        name = getattr(self.function, "__name__", type(self.function).__name__)
        try:
            with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
                made = jax.eval_shape(self.function, *given)
        except Exception as error:
            rule = f"must fit the loss {name}, which raises {type(error).__name__} of readouts [{samples}, {size}]: {error}"
            raise InputError(f"{who}: {rule}; got targets of shape {known.shape}") from error
        shape, kind = getattr(made, "shape", None), getattr(made, "dtype", None)
        if shape not in ((), (samples,)) or kind is None or not jnp.issubdtype(kind, jnp.floating):
            rule = f"the loss {name} must give one float, or one per sample"
            fail(who, rule, (shape, str(kind)))

    @classmethod
    def example(cls) -> Self:
        return cls(_largest_error)


def _largest_error(readouts: Values, targets: Any) -> Values:
    """The function of the example: the largest error of a sample, its targets being values or a label."""
    return jnp.max(jnp.abs(readouts - targets.reshape(len(readouts), -1)), axis=-1)


class RateRegulariser(Loss):
    """Keeps firing rates in a band: ``mean_i (max(0, low - r_i) + max(0, r_i - high))^2 / (100 Hz)^2``.

    ``r_i`` is the rate of neuron i, averaged over the minibatch, so that a neuron may be silent for some classes (Zenke
    and Vogels 2021, doi:10.1162/neco_a_01367). The unit of 100 Hz makes factors of order one sensible.

    Args:
        on: Name of the population.
        low_hz: Lower end of the band [Hz], >= 0.
        high_hz: Upper end [Hz], >= low_hz; ``inf``: no upper end.

    Example:
        >>> loss = RateRegulariser("hidden", low_hz=10.0, high_hz=100.0)
        >>> float(loss(jnp.full((4, 3), 200.0), None))
        1.0
    """

    on: str = eqx.field(static=True)
    low_hz: Leaf = parameter("Hz", nonnegative, default=0.0)
    high_hz: Leaf = parameter("Hz", Range(0.0, finite=False), default=float("inf"))

    def reads(self, network: Network) -> Statistic:
        one_of("RateRegulariser.on", self.on, [k for k, p in network.cells().items() if p.neuron.spiking])
        return Rate(population=self.on)

    def __call__(self, readings: Values, targets: Any) -> Scalar:
        del targets
        rate = jnp.mean(readings, axis=0)
        outside = jax.nn.relu(self.low_hz - rate) + jax.nn.relu(rate - self.high_hz)
        return jnp.mean(jnp.square(outside / 100.0))

    def check(self, network: Network, who: str, targets: Any) -> None:
        low, high = concrete(self.low_hz), concrete(self.high_hz)
        if low is not None and high is not None and not low <= high:
            fail("RateRegulariser.high_hz", "must be >= low_hz [Hz]", float(high))
        self.reads(network)

    @classmethod
    def example(cls) -> Self:
        return cls("hidden", low_hz=5.0, high_hz=100.0)


def _last(network: Network, who: str) -> str:
    """The only population that no projection leaves."""
    sources = {p.source for p in network.projections.values()}
    last = [name for name in network.cells() if name not in sources]
    if len(last) != 1:
        fail(who, "must be given: no single population is the output", last, known=network.cells())
    return last[0]


def _check_labels(who: str, targets: Any, classes: int) -> None:
    if targets.ndim != 1 or not np.issubdtype(targets.dtype, np.integer):
        rule = "must be whole numbers of the shape [sample] (an integer dtype)"
        fail(who, rule, f"shape {targets.shape}, dtype {targets.dtype}")
    labels = concrete(targets)
    if labels is not None and labels.size and not (labels.min() >= 0 and labels.max() < classes):
        fail(who, f"labels must lie in [0, {classes - 1}], one per neuron of the readout", labels)


def __dir__() -> list[str]:
    return __all__
