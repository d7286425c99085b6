"""Weights that are conductances of memristive devices: programmed with noise, drifting, read with noise."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, ClassVar, Self

import equinox as eqx
import jax.numpy as jnp

from jaxsnn_noise import random
from jaxsnn_noise._checks import fail, flag
from jaxsnn_noise._typing import Key, Leaf, Values
from jaxsnn_noise.hardware.imperfection import Imperfection, Stage
from jaxsnn_noise.hardware.leaves import check_path, holder_of, leaf_of, refusal, with_leaf
from jaxsnn_noise.laws.law import unit_of_quantity
from jaxsnn_noise.parameters import between, nonnegative, parameter, positive
from jaxsnn_noise.roots import square_root
from jaxsnn_noise.special import ndtr

FIRST_READ = 20.0
"""From when on the drift of phase-change devices is counted [s]."""
READ = 250e-9
"""Length of a read of them [s]."""
ZERO = 1e-7
"""The smallest share of the largest conductance of which a logarithm is taken."""
FLAT = 1e-4
"""Below 0.008 reads have one relative spread; the power has no slope at 0."""
RERAM_AGES = (1.0, 86_400.0, 172_800.0)
RERAM_SPREAD = (
    (0.348, 16.030, -43.853, 45.393, -16.815),
    (0.701, 22.086, -50.773, 47.095, -16.458),
    (0.782, 20.274, -43.507, 37.062, -11.934),
)
"""Coefficients in uS of the spread at these ages [s], of the powers of the conductance over 40 uS."""


class Memristive(Imperfection):
    r"""Abstract: each weight is the difference of two conductances, ``w = F (g_+ - g_-)/g_max``, of which one is programmed to 0.

    ``F`` is the full scale; what lies beyond it is cut off. Devices differ, and keep what they are at every age: sweeping ``age``
    ages the same chips.
    """

    stage: ClassVar[Stage] = Stage.AGED
    switches_off: ClassVar[bool] = False
    absolute: ClassVar[bool] = False

    if TYPE_CHECKING:

        @property
        def path(self) -> str:
            """Where the weights are: every member has it as its first field."""

        @property
        def full_scale(self) -> Values | None:
            """Magnitude of the weight that the largest conductance stands for."""

        @property
        def everywhere(self) -> bool:
            """Whether there are devices where a weight is exactly 0."""

    def pairs(self, network: Any) -> tuple[Values, Values]:
        """The targets of both devices of each weight, as shares of the largest conductance [2, ...], and the full scale."""
        weights = leaf_of(network, self.path)
        found = jnp.max(jnp.abs(weights), initial=0.0) if self.full_scale is None else self.full_scale
        share = jnp.clip(weights * (1.0 / jnp.where(found > 0, found, 1.0)), -1.0, 1.0)
        return jnp.stack([jnp.maximum(share, 0.0), jnp.maximum(-share, 0.0)]), found

    def with_weights(self, network: Any, shares: Values, full_scale: Values) -> Any:
        """The network with the weights of pairs of devices; a weight of exactly 0 is no synapse, unless there are devices everywhere."""
        nominal = leaf_of(network, self.path)
        weights = full_scale * (shares[0] - shares[1])
        return with_leaf(network, self.path, weights if self.everywhere else jnp.where(nominal != 0, weights, nominal))

    def check(self, who: str, network: Any) -> None:
        weights = check_path(who, network, self.path)
        if said := refusal(network, self.path, -jnp.abs(weights)):
            fail(f"{who}.path", "must lead to weights of both signs: those of a pair of devices may be of either", said)


def _everywhere(name: str) -> Any:
    return eqx.field(static=True, default=False, kw_only=True, converter=functools.partial(flag, f"{name}.everywhere"))


class PhaseChange(Memristive):
    r"""Phase-change memory: programming noise once, an exponent of drift for each device, read noise at each use.

    .. math:: g_P = \max(0, g_T + \sigma_P(g_T)\,\xi_1), \qquad g(t) = g_P\,(t/t_0)^{-\nu}, \qquad t = \mathrm{age} + t_0,\quad t_0 = 20\ \mathrm{s}

    with :math:`\sigma_P g_{max} = \sum_k c_k g_T^k` and an exponent :math:`\nu = \max(0, \mu_\nu + \sigma_\nu\xi_2)` that depends on the target
    (``theory.pcm_drift_exponent``). A read has the standard deviation :math:`g(t)\,q\sqrt{\ln((t + t_r)/2t_r)}`
    (``theory.pcm_read_std``) and nothing below 0. Both scores belong to the device: its conductance is one trajectory.

    Reads need a projection whose weights are read with noise, :class:`NoisyDense`: its weights become the means of what is read, and
    its ``additive`` spread those of each pair, to what is there in quadrature. Mean and variance of a read are exact, with what is cut off
    below 0; the law of a sum of many is taken as Gaussian.

    Args:
        path: Dotted path of the weights, e.g. ``"network.feed.weights"``.
        age: Since the end of programming [s], >= 0. A leaf: sweep it.
        full_scale: Magnitude of the weight that a device of ``g_max`` stands for, > 0, in the unit of the weights. Unless given, the
            largest magnitude there is.
        programming: Factor of the programming noise [1], >= 0; 0: none.
        drift: Factor of the exponents [1], >= 0; 0: none.
        read: Factor of the read noise [1], >= 0; 0: none.
        coefficients: ``c_k`` of the programming noise [uS].
        g_max: Largest conductance [uS], > 0. For the devices of the HERMES chip the coefficients are 0.15782, 2.32444, -2.16311,
            0.68842 with 10.35 uS.
        reads: Whether the weights are read with noise. ``False``: the conductances themselves, for any projection.
        everywhere: Whether there are devices where a weight is exactly 0, which is no synapse else.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: weights that may not be negative; reads of a projection that has none.

    References: Joshi et al. 2020, doi:10.1038/s41467-020-16108-9; Nandakumar et al. 2019, doi:10.1109/ICECS46596.2019.8964852; with the limits of
    exponents and reads of Rasch et al. 2021, arXiv:2104.02184 (aihwkit, which takes the magnitude of an exponent below 0).

    Example:
        >>> PhaseChange("network.feed.weights", 3600.0).axis
        'device'
    """

    path: str = eqx.field(static=True)
    age: Leaf = parameter("s", nonnegative)
    full_scale: Leaf | None = parameter(unit_of_quantity, positive, default=None, kw_only=True)
    programming: Leaf = parameter("1", nonnegative, default=1.0, kw_only=True)
    drift: Leaf = parameter("1", nonnegative, default=1.0, kw_only=True)
    read: Leaf = parameter("1", nonnegative, default=1.0, kw_only=True)
    coefficients: Leaf = parameter(
        "uS", between(-1e6, 1e6), default=(0.26348, 1.9650, -1.1731), shape=None, kw_only=True
    )
    g_max: Leaf = parameter("uS", positive, default=25.0, kw_only=True)
    reads: bool = eqx.field(
        static=True, default=True, kw_only=True, converter=functools.partial(flag, "PhaseChange.reads")
    )
    everywhere: bool = _everywhere("PhaseChange")
    over: str = eqx.field(static=True, default="device", kw_only=True)

    @property
    def axis(self) -> str:
        """The axis on which devices are drawn."""
        return self.over

    def apply(self, network: Any, key: Key) -> Any:
        target, full_scale = self.pairs(network)
        programmed = self.programmed(target, key)
        now = programmed * jnp.exp(-self.exponents(target, key) * jnp.log1p(self.age / FIRST_READ))
        if not self.reads:
            return self.with_weights(network, now, full_scale)
        mean, variance = rectified(now, now * self.read_share(programmed))
        there = (leaf_of(network, self.path) != 0) | self.everywhere
        spread = jnp.where(there, jnp.square(full_scale) * jnp.sum(variance, axis=0), 0.0)
        network = self.with_weights(network, mean, full_scale)
        holder = holder_of(network, self.path)
        additive = square_root(jnp.square(holder.additive) + spread)
        return eqx.tree_at(lambda n: holder_of(n, self.path).additive, network, additive)

    def programmed(self, target: Values, key: Key) -> Values:
        """Conductances right after programming, as shares of the largest."""
        powers = [c * target**k for k, c in enumerate(self.coefficients)]
        spread = sum(powers[1:], powers[0] * jnp.ones_like(target)) * (1.0 / self.g_max)
        score = random.normals(random.stream(key, "programming"), target.shape)
        return jnp.maximum(target + self.programming * spread * score, 0.0)

    def exponents(self, target: Values, key: Key) -> Values:
        """The exponent of drift of each device."""
        log = jnp.log(jnp.maximum(target, ZERO))
        mean = jnp.clip(-0.0155 * log + 0.0244, 0.049, 0.1)
        spread = jnp.clip(-0.0125 * log - 0.0059, 0.008, 0.045)
        score = random.normals(random.stream(key, "drift"), target.shape)
        return self.drift * jnp.maximum(mean + spread * score, 0.0)

    def read_share(self, programmed: Values) -> Values:
        """Standard deviation of a read over the conductance."""
        q = jnp.minimum(0.0088 / jnp.maximum(programmed, FLAT) ** 0.65, 0.2)
        return self.read * q * jnp.sqrt(jnp.log((self.age + (FIRST_READ + READ)) * (0.5 / READ)))

    def check(self, who: str, network: Any) -> None:
        super().check(who, network)
        holder = holder_of(network, self.path)
        if self.reads and not (hasattr(holder, "additive") and hasattr(holder, "relative")):
            rule = "must be False, or the weights those of synapses.NoisyDense, which are read with noise"
            fail(f"{who}.reads", rule, type(holder).__name__)
        if self.coefficients.ndim != 1 or not self.coefficients.size:
            fail(f"{who}.coefficients", "must be a list of at least one [uS]", self.coefficients.shape)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", 3600.0, reads=False)


class ResistiveMemory(Memristive):
    r"""Resistive memory (filamentary ReRAM): devices spread around their targets, farther with age.

    .. math:: g(t) = \max(0, g_T + \sigma(g_T, t)\,\xi)

    with the spread of ``theory.reram_std``: measured at 1 s, 1 day and 2 days, between these linear in the logarithm of the age. One score
    belongs to a device at all ages, so that its conductance is one trajectory; how alike the deviations of a device at two ages are was not
    published. There are no data on read noise; about 1 % of the full scale is given: ``NoisyDense(additive=0.01 * full_scale)``.

    Args:
        path: Dotted path of the weights.
        age: Since programming [s], from 1 to 172,800 (two days): nothing is known beyond. A leaf: sweep it.
        full_scale: As of :class:`PhaseChange`.
        spread: Factor of the spread [1], >= 0; 0: none.
        everywhere: As of :class:`PhaseChange`.
        over: The Monte Carlo axis on which devices are drawn.

    Raises:
        InputError: weights that may not be negative; an age out of range.

    References: Wan et al. 2022, doi:10.1038/s41586-022-04992-8, as fitted by Rasch et al. 2021, arXiv:2104.02184 (aihwkit).

    Example:
        >>> float(ResistiveMemory("network.feed.weights", 86_400.0).age)
        86400.0
    """

    path: str = eqx.field(static=True)
    age: Leaf = parameter("s", between(RERAM_AGES[0], RERAM_AGES[-1]))
    full_scale: Leaf | None = parameter(unit_of_quantity, positive, default=None, kw_only=True)
    spread: Leaf = parameter("1", nonnegative, default=1.0, kw_only=True)
    everywhere: bool = _everywhere("ResistiveMemory")
    over: str = eqx.field(static=True, default="device", kw_only=True)

    @property
    def axis(self) -> str:
        """The axis on which devices are drawn."""
        return self.over

    def apply(self, network: Any, key: Key) -> Any:
        target, full_scale = self.pairs(network)
        score = random.normals(random.stream(key, "spread"), target.shape)
        now = jnp.maximum(target + self.spread * self.std(target) * score, 0.0)
        return self.with_weights(network, now, full_scale)

    def std(self, target: Values) -> Values:
        """The spread of devices of a target at this age, as shares of the largest conductance."""
        ends, log = [jnp.log(jnp.float32(age)) for age in RERAM_AGES], jnp.log(self.age)
        # weights of the three ages: hats on the logarithm
        early = jnp.clip((ends[1] - log) / (ends[1] - ends[0]), 0.0, 1.0)
        late = jnp.clip((log - ends[1]) / (ends[2] - ends[1]), 0.0, 1.0)
        parts = (early, 1.0 - early - late, late)
        found = jnp.zeros_like(target)
        for power, column in enumerate(zip(*RERAM_SPREAD, strict=True)):
            found = found + (parts[0] * column[0] + parts[1] * column[1] + parts[2] * column[2]) * target**power
        return found * (1.0 / 40.0)

    @classmethod
    def example(cls) -> Self:
        return cls("network.recurrent.weights", 86_400.0)


def rectified(mean: Values, std: Values) -> tuple[Values, Values]:
    """Mean and variance of ``max(0, X)`` for Gaussian ``X`` with a mean >= 0; ``theory.rectified_moments``."""
    sure = std <= 0
    z = mean / jnp.where(sure, 1.0, std)
    below, density = ndtr(z), jnp.exp(-0.5 * jnp.square(z)) * 0.3989422804014327
    # variance with the mean taken off, which would cancel in the difference of squares
    lift = std * density - mean * ndtr(-z)  # of the mean, by what is cut off
    variance = jnp.square(std) * below - mean * lift - jnp.square(lift)
    return jnp.where(sure, mean, mean + lift), jnp.where(sure, 0.0, jnp.maximum(variance, 0.0))
