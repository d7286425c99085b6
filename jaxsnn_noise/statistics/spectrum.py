"""Power spectra, cross-spectra and coherence by Welch's method, folded segment by segment."""

from __future__ import annotations

import abc
from functools import partial
from typing import ClassVar, Self

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from jaxsnn_noise._checks import fail, number, positive, steps_of
from jaxsnn_noise.statistics import segments
from jaxsnn_noise.statistics.fold import About, Frame, Statistic, check_variable, unit_of

Overlapping = tuple[segments.Segments, segments.Segments]


def _length(who: str, segment: float, about: About) -> int:
    """Steps of a segment: an even number of them, and no more than are measured."""
    positive(f"{who}.segment", segment, "ms")
    length = steps_of(f"{who}.segment", segment, about.dt)
    if length < 2 or length % 2:
        fail(f"{who}.segment", f"must be an even number of steps of {about.dt:g} ms [ms]", segment)
    if length > about.steps:
        fail(f"{who}.segment", f"must be at most the measured {about.duration:g} ms [ms]", segment)
    return length


def _frequencies(segment: float, about: About) -> list[float]:
    length = round(segment / about.dt)
    return [float(f) for f in np.fft.rfftfreq(length, about.dt / 1000.0)]


def _transformed(course: Array) -> tuple[Array, Array]:
    """Real and imaginary part of the Fourier transform [frequency, ...] of a tapered segment about its mean."""
    length = course.shape[0]
    window = jnp.asarray(np.hanning(length + 1)[:-1], jnp.float32)
    window = window.reshape(-1, *(1,) * (course.ndim - 1))
    found = jnp.fft.rfft(window * (course - course.mean(axis=0, keepdims=True)), axis=0)
    return jnp.real(found), jnp.imag(found)


def _density(length: int, dt: float) -> np.float32:
    """From a squared transform to a power density per Hz, two-sided."""
    return np.float32(dt / 1000.0 / np.sum(np.hanning(length + 1)[:-1] ** 2))


def _mean(acc: Overlapping, about: About) -> Array:
    """The mean over all segments, which overlap by half, as a density per Hz."""
    length = acc[0].open.shape[0]
    return (acc[0].sums + acc[1].sums) * (_density(length, about.dt) / np.float32(2 * about.steps // length - 1))


def _course(name: str, frame: Frame, about: About) -> Array:
    """A variable; spikes are delta functions [Hz]."""
    x = frame.variable(name)
    return x * jnp.float32(1000.0 / about.dt) if name == "spikes" else x


def _unit(name: str) -> str:
    return "Hz" if name == "spikes" else unit_of(name)


class _Welch(Statistic):
    """Abstract: two folds over segments, the second half a segment later."""

    exact: ClassVar[bool] = False

    segment: eqx.AbstractVar[float]

    @abc.abstractmethod
    def _row(self, frame: Frame, about: About) -> Array:
        """What is kept of a step."""

    @abc.abstractmethod
    def _taken(self, course: Array) -> Array:
        """What is summed of a whole segment."""

    def _start(self, about: About, entries: tuple[int, ...]) -> Overlapping:
        length = _length(type(self).__name__, self.segment, about)
        one = segments.start(length, entries, self._taken)
        return one, one

    def update(self, acc: Overlapping, frame: Frame, about: About) -> Overlapping:
        row, index = self._row(frame, about), jnp.asarray(frame.index, jnp.int32)
        half = jnp.int32(acc[0].open.shape[0] // 2)
        first, second = acc
        return segments.advance(first, row, index, self._taken), segments.advance(
            second, row, index + half, self._taken
        )

    def merge(self, a: Overlapping, b: Overlapping, about: About) -> Overlapping:
        del about
        return segments.merge(a[0], b[0], self._taken), segments.merge(a[1], b[1], self._taken)

    def coords(self, about: About) -> dict[str, list[float] | list[int]]:
        return {"frequency": _frequencies(self.segment, about)}


class PowerSpectrum(_Welch):
    r"""Power spectrum of a variable of each neuron, or of the population's mean: Welch's estimate, two-sided, per Hz.

    Segments that overlap by half, about their own mean, under a Hann window w:

    .. math:: S(f_k) = \Bigl\langle \frac{\Delta t}{\sum_n w_n^2} \Bigl| \sum_n w_n (x_n - \bar x)\,
              e^{-2\pi i k n/L} \Bigr|^2 \Bigr\rangle, \qquad f_k = \frac{k}{L\,\Delta t}

    Spikes are a train of delta functions, ``x = s/dt``: their spectrum has the unit Hz, and that of a Poisson train is its rate. The
    sum over positive and negative frequencies of ``S df`` is the variance. The mean of a segment is taken out: the values at 0 and
    at the first frequency are low. The standard error of a value is about ``sqrt(11/9 segment/duration/2)`` of itself (Welch 1967, Hann,
    overlap by half), averaging over neurons or trials makes it smaller.

    Memory is that of two segments, ``2 segment/dt`` steps.

    Args:
        segment: Length of a segment [ms], an even number of steps; the resolution is ``1000/segment`` Hz.
        variable: What is looked at: ``"spikes"``, ``"v"``, ``"current"``, or a name that can be recorded.
        pooled: Whether it is that of the mean over the population. N independent Poisson trains have ``rate/N``.
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [frequency, neuron], or [frequency] if pooled: [Hz] for spikes, the unit squared per Hz for others; the coordinate is
        the frequency [Hz].

    Raises:
        InputError: a segment that is no even number of steps, or longer than the measurement.

    References:
        Welch (1967), doi:10.1109/TAU.1967.1161901; Bartlett (1963), doi:10.1111/j.2517-6161.1963.tb00508.x (spectra of point processes).

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import PowerSpectrum, over_raster
    >>> print(over_raster(PowerSpectrum(4.0), jnp.ones((8, 1)), dt=1.0)[:, 0])
    [0. 0. 0.]
    """

    segment: float = eqx.field(static=True, converter=partial(number, "PowerSpectrum.segment"))
    variable: str = eqx.field(static=True, default="spikes")
    pooled: bool = eqx.field(static=True, kw_only=True, default=False)
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        check_variable("PowerSpectrum.variable", self.variable, None)

    @property
    def reads(self) -> tuple[str, ...]:
        return (self.variable,)

    @property
    def units(self) -> dict[str, str]:
        return {"": "Hz" if self.variable == "spikes" else f"{unit_of(self.variable)}^2/Hz"}

    def init(self, about: About) -> Overlapping:
        return self._start(about, () if self.pooled else (about.size,))

    def _row(self, frame: Frame, about: About) -> Array:
        x = _course(self.variable, frame, about)
        return x.mean() if self.pooled else x

    def _taken(self, course: Array) -> Array:
        real, imaginary = _transformed(course)
        return real * real + imaginary * imaginary

    def finalize(self, acc: Overlapping, about: About) -> Float[Array, "frequency ..."]:
        return _mean(acc, about)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return {"": ("frequency",) if self.pooled else ("frequency", "neuron")}

    @classmethod
    def example(cls) -> Self:
        return cls(10.0)


class Spectra(eqx.Module):
    """Cross-spectrum of two variables (of the second with the conjugate of the first), their powers and coherence."""

    coherence: Float[Array, "frequency neuron"]
    cross_real: Float[Array, "frequency neuron"]
    cross_imag: Float[Array, "frequency neuron"]
    power_first: Float[Array, "frequency neuron"]
    power_second: Float[Array, "frequency neuron"]


class CrossSpectrum(_Welch):
    r"""Cross-spectrum and coherence of two variables of each neuron, by Welch's method as :class:`PowerSpectrum`.

    .. math:: S_{xy} = \langle X^* Y \rangle, \qquad C = \frac{|S_{xy}|^2}{S_{xx} S_{yy}}

    For ``y = h * x + noise`` the transfer function is ``S_xy/S_xx``, and C the share of the power of y that x explains. **C is
    biased up**: of independent variables it is about one over the number of independent segments (``11/9 segment/duration/2``
    times 2). Subtract what a pair that cannot be coherent gives.

    Args:
        segment: Length of a segment [ms], an even number of steps.
        first: Name of x, the input: ``"current"`` for instance.
        second: Name of y: ``"spikes"`` or ``"v"``.
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`Spectra`, float32 [frequency, neuron] each: ``coherence`` [1], the others per Hz. NaN where a variable has no power.

    Raises:
        InputError: as for :class:`PowerSpectrum`.

    References:
        Carter, Knapp, Nuttall (1973), doi:10.1109/TAU.1973.1162496 (bias of the coherence).

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import CrossSpectrum, over_raster
    >>> wave = jnp.array([0.0, 1.0, 0.0, -1.0] * 4)[:, None]
    >>> print(over_raster(CrossSpectrum(4.0, "v", "v"), wave * 0, dt=1.0, voltage=wave).coherence[1])
    [1.]
    """

    segment: float = eqx.field(static=True, converter=partial(number, "CrossSpectrum.segment"))
    first: str = eqx.field(static=True, default="current")
    second: str = eqx.field(static=True, default="spikes")
    population: str | None = eqx.field(static=True, default=None)

    def __check_init__(self) -> None:
        check_variable("CrossSpectrum.first", self.first, None)
        check_variable("CrossSpectrum.second", self.second, None)

    @property
    def reads(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.first, self.second)))

    @property
    def units(self) -> dict[str, str]:
        x, y = _unit(self.first), _unit(self.second)
        cross = f"{x} {y}/Hz"
        return {"coherence": "1", "cross_real": cross, "cross_imag": cross, "power_first": f"{x}^2/Hz", "power_second": f"{y}^2/Hz"}  # fmt: skip

    def init(self, about: About) -> Overlapping:
        return self._start(about, (2, about.size))

    def _row(self, frame: Frame, about: About) -> Array:
        return jnp.stack([_course(name, frame, about) for name in (self.first, self.second)])

    def _taken(self, course: Array) -> Array:
        (a, c), (b, d) = (x.swapaxes(0, 1) for x in _transformed(course))  # x = a + i b, y = c + i d
        return jnp.stack([a * c + b * d, a * d - b * c, a * a + b * b, c * c + d * d])

    def finalize(self, acc: Overlapping, about: About) -> Spectra:
        real, imaginary, xx, yy = _mean(acc, about)
        power = xx * yy
        some = power > 0
        found = (real * real + imaginary * imaginary) / jnp.where(some, power, jnp.float32(1))
        coherence = jnp.where(some, found, lax.stop_gradient(jnp.float32(jnp.nan)))
        return Spectra(coherence, real, imaginary, xx, yy)

    def dims(self, about: About) -> dict[str, tuple[str, ...]]:
        del about
        return dict.fromkeys(self.units, ("frequency", "neuron"))

    @classmethod
    def example(cls) -> Self:
        return cls(10.0, "current", "v")
