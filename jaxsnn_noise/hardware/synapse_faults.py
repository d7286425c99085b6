"""Faults of synapses: weights that are gone, at an end, held, perturbed, or with a wrong bit."""

from __future__ import annotations

import abc
import functools
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax

from jaxsnn_noise._checks import count, fail, flag
from jaxsnn_noise._typing import Key, Leaf, Values
from jaxsnn_noise.hardware.faults import Faults, Layers, layers_of
from jaxsnn_noise.hardware.leaves import at_once, check_path, leaf_of, refusal, with_leaf
from jaxsnn_noise.hardware.neuron_faults import check_factors, factors
from jaxsnn_noise.hardware.quantised import MOST_BITS
from jaxsnn_noise.hardware.sites import Scattered, Shapes, Sites
from jaxsnn_noise.laws.law import unit_of_quantity
from jaxsnn_noise.parameters import nonnegative, parameter, positive, real
from jaxsnn_noise.signals import WeightFailure


class SynapseFaults(Faults):
    """Abstract: weights that have failed.

    A weight of exactly 0 is no synapse and cannot fail, unless ``everywhere``: a crossbar has a device at every crossing. Sites
    are counted all the same, row by row.

    A transient fault lasts for ``duration`` from ``start`` on, counted from the start of the run, warm-up included, in whole steps (the
    nearest), as of a memory that is written anew. It is a fault of ``weights`` that keep still; a projection has one of them at a time.
    """

    counted: ClassVar[tuple[str, ...]] = ("target", "source")

    if TYPE_CHECKING:

        @property
        def paths(self) -> tuple[str, ...]:
            """The layers."""

        @property
        def everywhere(self) -> bool:
            """Whether entries of exactly 0 can fail."""

        @property
        def start(self) -> Values:
            """When it begins [ms]."""

        @property
        def duration(self) -> Values | None:
            """How long it lasts [ms]."""

    @abc.abstractmethod
    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        """What each weight would be, had it failed."""

    @property
    def path(self) -> str:
        """The first path."""
        return self.paths[0]

    def shapes(self, network: Any) -> Shapes:
        return {path: leaf_of(network, path).shape for path in self.paths}

    def failing(self, weights: Values, failed: Any, key: Key, path: str) -> tuple[Any, Values]:
        """Which weights are others, and what they are."""
        there = failed if self.everywhere else failed & (weights != 0)
        return there, self.failed_values(weights, key, path)

    def apply(self, network: Any, key: Key) -> Any:
        for path, failed in self.chosen(network, key).items():
            weights = leaf_of(network, path)
            there, values = self.failing(weights, failed, key, path)
            if self.duration is None:
                network = with_leaf(network, path, jnp.where(there, values, weights))
                continue
            failure = WeightFailure(path.split(".")[1], there, values, self.start, self.duration)
            network = eqx.tree_at(lambda n: n.failures, network, (*network.failures, failure))
        return network

    def check(self, who: str, network: Any) -> None:
        for path in self.paths:
            weights = check_path(f"{who}.paths", network, path)
            if self.duration is not None:
                self._check_transient(who, network, path)
            for values in at_once(self.extremes, weights, path):
                if said := refusal(network, path, values):
                    fail(who, f"must keep {path} in its range", f"weights with {said}")
        self.sites.check(f"{who}.sites", self.shapes(network))

    def _check_transient(self, who: str, network: Any, path: str) -> None:
        """Weights that come back are those of a projection that keeps no state of its own."""
        _, name, *rest = path.split(".")
        projection = network.projections.get(name)
        if projection is None or rest != ["weights"]:
            fail(f"{who}.paths", "must lead to the weights of a projection, for a fault with a duration", path)
        state = jax.eval_shape(lambda: projection.init(projection.prepared(), jnp.zeros(2, jnp.uint32), 1.0))
        if jax.tree.leaves(state):
            rule = f"must be None: {name} keeps a state of its own, into which weights would not come back"
            fail(f"{who}.duration", rule, type(projection).__name__)

    def extremes(self, weights: Values, path: str) -> list[Values]:
        """The weights, had all failed in the worst ways."""
        return [self.failed_values(weights, jnp.zeros(2, jnp.uint32), path)]


def _everywhere(name: str) -> Any:
    return eqx.field(static=True, default=False, kw_only=True, converter=functools.partial(flag, f"{name}.everywhere"))


class DeadSynapses(SynapseFaults):
    """Weights that are 0.

    Args:
        paths: Dotted path of the weights, or several in a list, e.g. ``"network.input_to_hidden.weights"``.
        sites: ``Scattered(fraction)``, one number or one for each path; or ``SingleSite(number)``.
        everywhere: Whether entries of exactly 0 can fail.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: fractions outside of [0, 1], a site outside of the layers, a path that leads to no weights.

    References: the fault models of Spyrou et al. 2021, doi:10.23919/DATE51398.2021.9474081, and Stratigopoulos et al. 2024,
    arXiv:2412.06795.

    Example:
        >>> DeadSynapses("network.feed.weights", Scattered(0.01)).axis
        'device'
    """

    absolute: ClassVar[bool] = True
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("DeadSynapses.paths", v))
    sites: Sites
    everywhere: bool = _everywhere("DeadSynapses")
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        return jnp.zeros_like(weights)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", Scattered(0.1))


class SaturatedSynapses(SynapseFaults):
    r"""Weights at an end that lies outside of all ordinary ones, by the quartiles of the weights of their layer.

    .. math:: w \to \lceil Q_3 + r\,\mathrm{IQR} \rceil + 1 \quad\text{or}\quad \lfloor Q_1 - r\,\mathrm{IQR} \rfloor - 1, \qquad \mathrm{IQR} = Q_3 - Q_1

    in the unit of the weights; quartiles are those of the weights that are not 0 as the fault finds them, interpolated linearly.
    Whole numbers suit weights of some units; for others give the level to :class:`StuckSynapses`.

    Args:
        paths: As of :class:`DeadSynapses`.
        sites: As of :class:`DeadSynapses`.
        high: Whether they are at the upper end.
        reach: How many interquartile ranges ``r`` beyond the quartile [1], >= 0; 3 is extreme.
        everywhere: Whether entries of exactly 0 can fail.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadSynapses`; weights that would leave their range.

    References: as of :class:`DeadSynapses`.

    Example:
        >>> SaturatedSynapses("network.feed.weights", Scattered(0.01), high=False).high
        False
    """

    absolute: ClassVar[bool] = False
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("SaturatedSynapses.paths", v))
    sites: Sites
    high: bool = eqx.field(
        static=True, default=True, kw_only=True, converter=functools.partial(flag, "SaturatedSynapses.high")
    )
    reach: Leaf = parameter("1", nonnegative, default=1.5, kw_only=True)
    everywhere: bool = _everywhere("SaturatedSynapses")
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        there = jnp.where(weights != 0, weights, jnp.nan)
        first, third = jnp.nanquantile(there, jnp.array([0.25, 0.75], jnp.float32))
        beyond = self.reach * (third - first)
        end = jnp.ceil(third + beyond) + 1.0 if self.high else jnp.floor(first - beyond) - 1.0
        return jnp.full_like(weights, end)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", Scattered(0.1), high=False)


class StuckSynapses(SynapseFaults):
    """Weights that hold one value, whatever was written.

    Args:
        paths: As of :class:`DeadSynapses`.
        sites: As of :class:`DeadSynapses`.
        level: The value, in the unit of the weights. A leaf.
        everywhere: Whether entries of exactly 0 can fail.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadSynapses`; a level out of the range of the weights.

    References: as of :class:`DeadSynapses`.

    Example:
        >>> float(StuckSynapses("network.feed.weights", Scattered(0.01), level=0.5).level)
        0.5
    """

    absolute: ClassVar[bool] = True
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("StuckSynapses.paths", v))
    sites: Sites
    level: Leaf = parameter(unit_of_quantity, real, kw_only=True)
    everywhere: bool = _everywhere("StuckSynapses")
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        return jnp.full_like(weights, self.level)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", Scattered(0.1), level=0.25)


class PerturbedSynapses(SynapseFaults):
    """Weights that are far off: ``w -> rho w``, ``rho`` uniform on [low, high], one per synapse that failed.

    Args:
        paths: As of :class:`DeadSynapses`.
        sites: As of :class:`DeadSynapses`.
        low: Smallest factor [1], >= 0.
        high: Largest factor [1]; the same as ``low`` for one that is fixed.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadSynapses`; factors that lead out of the range of the weights, ``high`` below ``low``.

    References: as of :class:`DeadSynapses`; their factors are uniform on [0.1, 3], the default.

    Example:
        >>> float(PerturbedSynapses("network.feed.weights", Scattered(0.01), low=2.0, high=2.0).low)
        2.0
    """

    absolute: ClassVar[bool] = False
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("PerturbedSynapses.paths", v))
    sites: Sites
    low: Leaf = parameter("1", nonnegative, default=0.1, kw_only=True)
    high: Leaf = parameter("1", nonnegative, default=3.0, kw_only=True)
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    @property
    def everywhere(self) -> bool:
        """A factor makes nothing of 0."""
        return True

    @property
    def draws(self) -> bool:
        return True

    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        return weights * factors(self, key, path, weights.shape)

    def extremes(self, weights: Values, path: str) -> list[Values]:
        return [weights * self.low, weights * self.high]

    def check(self, who: str, network: Any) -> None:
        check_factors(who, self.low, self.high)
        super().check(who, network)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", Scattered(0.1))


class FlippedBits(SynapseFaults):
    r"""Weights in which bits of their stored word are flipped.

    The word is a two's complement integer :math:`k = \mathrm{clip}(\mathrm{round}(w/q), -2^{b-1}, 2^{b-1} - 1)` with
    :math:`q = F/(2^{b-1} - 1)`; bits are exclusive-ored, and the weight is read back as :math:`q k'`. Every bit of every synapse
    is a site. A weight without a flipped bit stays as it is; ``Quantised(path, bits)``, with the same full scale, writes all
    of them in these words, of which -2^(b-1) is reached by a flip alone.

    Args:
        paths: As of :class:`DeadSynapses`.
        sites: As of :class:`DeadSynapses`, of bits: the last dimension of the sites, from the least significant one to the sign.
        bits: Length of a word, a whole number from 2 to 24.
        full_scale: Magnitude ``F`` of the largest word, > 0, in the unit of the weights. Unless given, the largest magnitude of
            the layer as the fault finds it.
        everywhere: Whether entries of exactly 0 can fail.
        start: When a transient fault begins [ms].
        duration: How long it lasts [ms]. ``None``: it is permanent.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: as of :class:`DeadSynapses`; a length of words that is none.

    References: as of :class:`DeadSynapses`.

    Example:
        >>> FlippedBits("network.feed.weights", Scattered(1e-3)).bits
        8
    """

    absolute: ClassVar[bool] = False
    counted: ClassVar[tuple[str, ...]] = ("target", "source", "bit")
    paths: Layers = eqx.field(static=True, converter=lambda v: layers_of("FlippedBits.paths", v))
    sites: Sites
    bits: int = eqx.field(
        static=True, default=8, kw_only=True, converter=lambda bits: count("FlippedBits.bits", bits, 2, MOST_BITS)
    )
    full_scale: Leaf | None = parameter(unit_of_quantity, positive, default=None, kw_only=True)
    everywhere: bool = _everywhere("FlippedBits")
    start: Leaf = parameter("ms", nonnegative, default=0.0, kw_only=True)
    duration: Leaf | None = parameter("ms", positive, default=None, kw_only=True)
    over: str = eqx.field(static=True, default="device", kw_only=True)

    def shapes(self, network: Any) -> Shapes:
        return {path: (*leaf_of(network, path).shape, self.bits) for path in self.paths}

    def failing(self, weights: Values, failed: Any, key: Key, path: str) -> tuple[Any, Values]:
        bit = lax.broadcasted_iota(jnp.int32, failed.shape, failed.ndim - 1)
        mask = jnp.sum(failed.astype(jnp.int32) << bit, axis=-1)
        mask = mask if self.everywhere else jnp.where(weights != 0, mask, 0)
        return mask != 0, self.read_back(weights, mask)

    def read_back(self, weights: Values, mask: Any) -> Values:
        """What is read from the words of the weights with the bits of a mask flipped."""
        top, sign = (1 << (self.bits - 1)) - 1, 1 << (self.bits - 1)
        found = jnp.max(jnp.abs(weights), initial=0.0) if self.full_scale is None else self.full_scale
        scale = jnp.where(found > 0, found, 1.0)
        # reciprocals are multiplied, as in Quantised: a compiler may round x / n differently in another program
        words = jnp.clip(jnp.round(weights * (top * (1.0 / scale))), -sign, top).astype(jnp.int32)
        flipped = (words & jnp.int32(2 * sign - 1)) ^ mask
        return ((flipped ^ sign) - sign).astype(jnp.float32) * (scale * jnp.float32(1.0 / top))

    def failed_values(self, weights: Values, key: Key, path: str) -> Values:
        return self.read_back(weights, jnp.int32(1 << (self.bits - 1)))

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", Scattered(0.02))
