"""Statistics of interspike intervals, exact: intervals are whole numbers of steps, and all sums are integers.

Where the firing rule tells times within steps, they are whole numbers of 128th parts of a step: the time of a spike is rounded
up to the end of its part, which adds ``(dt/128)^2/6`` to the variance of an interval.

The intervals of a neuron lie between its successive spikes inside the measurement (the one that was running when the
measurement began is unknown and not counted). With k intervals d_j in steps, ``sum d_j = last - first``, so only the
squares need a sum. ``sum d_j^2 <= (steps - 1)^2`` fits 32 bits up to 65536 steps; longer measurements use 64 bits, in
two words, as JAX has no 64-bit integers by default (parts of steps count like steps). Hence a divided measurement merges
without rounding, and a perfectly regular train has CV = 0 exactly. No gradient passes (a spike time moves in whole steps).
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, UInt32

from jaxsnn_noise._checks import fail
from jaxsnn_noise.statistics.fold import About, Frame, OfNeurons

_ONE_WORD_STEPS = 65536
PARTS = 128
"""2^24 steps, the most that a statistic counts, have 2^31 of them."""


def parts_of(about: About) -> int:
    """In how many parts of a step times of spikes are told: 1 where spikes lie at the ends of steps."""
    return PARTS if about.inside else 1


def part_of(frame: Frame, about: About) -> Int[Array, " neuron"]:
    """The part of a step, counted from the start of the measurement, at whose end a spike in this step lies [neuron]."""
    index = jnp.broadcast_to(jnp.asarray(frame.index, jnp.int32), frame.spikes.shape)
    parts = parts_of(about)
    if parts == 1 or frame.inside is None:
        return index
    part = jnp.ceil(frame.inside * jnp.float32(parts / about.dt)).astype(jnp.int32)
    return index * jnp.int32(parts) + jnp.clip(part, 1, parts) - 1


def check_steps(who: str, about: About) -> None:
    """Raise :class:`InputError` unless there is a measured step, and no more than a counter of 31 bits can number."""
    most = 2**31 // PARTS if about.inside else 2**31 - 1
    if not 0 < about.steps <= most:
        fail(
            who, f"the number of measured steps must lie in 1 to {'2^24' if about.inside else '2^31 - 1'}", about.steps
        )


class Times(eqx.Module):
    """Accumulator per neuron: steps (or parts of steps) of the first and last spike (-1: none yet), number of spikes."""

    first: Int[Array, " neuron"]
    last: Int[Array, " neuron"]
    spikes: Int[Array, " neuron"]


class TimesAndSquares(eqx.Module):
    """Accumulator: spike times, and the sum of squared intervals in words of 32 bits, the lowest first."""

    times: Times
    squares: UInt32[Array, "word neuron"]


def start_times(who: str, about: About) -> Times:
    """No spike seen.

    Raises:
        InputError: no measured step, or more than a step counter of 31 bits can number.
    """
    check_steps(who, about)
    none = jnp.full(about.size, -1, jnp.int32)
    return Times(none, none, jnp.zeros(about.size, jnp.int32))


def advance_times(times: Times, frame: Frame, about: About) -> tuple[Times, Int[Array, " neuron"]]:
    """The times after one more step, and the interval that ended in it (0: none did)."""
    fired = frame.spikes > 0
    index = part_of(frame, about)
    interval = jnp.where(fired & (times.last >= 0), index - times.last, jnp.int32(0))
    first = jnp.where(fired & (times.first < 0), index, times.first)
    return Times(first, jnp.where(fired, index, times.last), times.spikes + fired.astype(jnp.int32)), interval


def merge_times(a: Times, b: Times) -> tuple[Times, Int[Array, " neuron"]]:
    """The times of ``a`` followed by ``b``, and the interval across the seam (0: none)."""
    seam = jnp.where((a.last >= 0) & (b.first >= 0), b.first - a.last, jnp.int32(0))
    first = jnp.where(a.first >= 0, a.first, b.first)
    last = jnp.where(b.last >= 0, b.last, a.last)
    return Times(first, last, a.spikes + b.spikes), seam


class IntervalMean(OfNeurons):
    """Mean interspike interval of each neuron, ``dt (last - first) / (spikes - 1)`` [ms].

    NaN for a neuron with fewer than two spikes (no interval). No gradient passes. Biased low in short records, into which long
    intervals do not fit: all intervals of 5 Hz trains of 1 s (CV 0.9) have a mean of 161 ms and not 200.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [ms].

    Raises:
        InputError: no measured step.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalMean, over_raster
    >>> print(over_raster(IntervalMean(), jnp.array([[1, 0], [0, 0], [1, 1], [1, 0]]), dt=2.0))
    [ 3. nan]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "ms"}

    def init(self, about: About) -> Times:
        return start_times("IntervalMean", about)

    def update(self, acc: Times, frame: Frame, about: About) -> Times:
        return advance_times(acc, frame, about)[0]

    def merge(self, a: Times, b: Times, about: About) -> Times:
        del about
        return merge_times(a, b)[0]

    def finalize(self, acc: Times, about: About) -> Float[Array, " neuron"]:
        intervals = jnp.maximum(acc.spikes - jnp.int32(1), jnp.int32(1)).astype(jnp.float32)
        mean = (acc.last - acc.first).astype(jnp.float32) / intervals
        return jnp.where(acc.spikes >= 2, mean * jnp.float32(about.dt / parts_of(about)), jnp.float32(jnp.nan))


class IntervalSquares(OfNeurons):
    """Abstract: what is computed from the sums of each neuron's intervals and of their squares, whole numbers of steps."""

    def init(self, about: About) -> TimesAndSquares:
        words = 1 if about.steps * parts_of(about) <= _ONE_WORD_STEPS else 2
        return TimesAndSquares(start_times(type(self).__name__, about), jnp.zeros((words, about.size), jnp.uint32))

    def update(self, acc: TimesAndSquares, frame: Frame, about: About) -> TimesAndSquares:
        times, interval = advance_times(acc.times, frame, about)
        return TimesAndSquares(times, _plus(acc.squares, _square(interval, acc.squares.shape[0])))

    def merge(self, a: TimesAndSquares, b: TimesAndSquares, about: About) -> TimesAndSquares:
        del about
        times, seam = merge_times(a.times, b.times)
        return TimesAndSquares(times, _plus(_plus(a.squares, b.squares), _square(seam, a.squares.shape[0])))


class IntervalCV(IntervalSquares):
    """Coefficient of variation of the interspike intervals of each neuron, standard deviation over mean [1].

    ``CV = sqrt(sum (d_j - mean)^2 / k) / mean`` over its k intervals (the standard deviation divides by k): 0 for a
    regular train, 1 for a long Poisson train. NaN for a neuron with fewer than two intervals (three spikes). The sums
    are exact integers and the result is right to a few units in the last place. No gradient passes.

    **Biased low in short records**, and a mean over trials stays so: with few intervals the deviations are taken from their own
    mean, and long intervals do not fit into the record. Mean of the CVs of 20,000 records, by rate, true CV and length:
    0.648 (5 Hz, 0.9, 1 s), 0.852 (5 Hz, 0.9, 5 s), 0.840 (20 Hz, 0.9, 1 s), 0.378 (5 Hz, 0.5, 1 s), 0.192 (20 Hz, 0.2, 1 s).
    The CV of the intervals of all trials together (:class:`IntervalSums` and ``reduce.interval_cv``) has 0.852, 0.899, 0.899,
    0.493, 0.200: within 1 % from some 20 intervals a record on. :class:`IntervalCV2` compares neighbours only.

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        float32 [neuron] [1].

    Raises:
        InputError: no measured step.

    References:
        Perkel, Gerstein, Moore (1967), doi:10.1016/S0006-3495(67)86596-2.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalCV, over_raster
    >>> print(over_raster(IntervalCV(), jnp.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]]), dt=1.0))
    [0.5 0. ]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        return {"": "1"}

    def finalize(self, acc: TimesAndSquares, about: About) -> Float[Array, " neuron"]:
        del about
        # Squares about the whole number q nearest to the mean (k q + r = last - first, |r| <= k/2), in
        # integers: D = sum (d_j - q)^2 = sum d_j^2 - q (2 (last - first) - k q). As D >= |r|, the difference
        # below loses one bit at most. Intermediate words may wrap around; D itself fits.
        enough = acc.times.spikes >= 3
        k = jnp.where(enough, acc.times.spikes - jnp.int32(1), jnp.int32(1))
        span = jnp.where(enough, acc.times.last - acc.times.first, jnp.int32(1))
        q = span // k
        q = q + (span - k * q > k // jnp.int32(2)).astype(jnp.int32)
        near = (span.astype(jnp.uint32) << jnp.uint32(1)) - (k * q).astype(jnp.uint32)
        less = _product(q.astype(jnp.uint32), near, acc.squares.shape[0])
        about_q = _as_float(_minus(acc.squares, less))
        count = k.astype(jnp.float32)
        offset = (span - k * q).astype(jnp.float32) / count
        variance = jnp.maximum(about_q / count - offset * offset, jnp.float32(0))
        cv = jnp.sqrt(variance) / (span.astype(jnp.float32) / count)
        return jnp.where(enough, cv, jnp.float32(jnp.nan))


class SummedIntervals(eqx.Module):
    """Sums over the intervals of each neuron, exact; ``squares + 2^32 squares_high`` is that of their squares.

    In whole steps, or where the firing rule tells times within steps in the ``parts`` of one.
    """

    count: Int[Array, " neuron"]
    total: Int[Array, " neuron"]
    squares: UInt32[Array, " neuron"]
    squares_high: UInt32[Array, " neuron"]
    parts: Int[Array, " neuron"]


class IntervalSums(IntervalSquares):
    """What pools the intervals of many members: their number, sum and sum of squares, in whole steps or parts of them.

    For ``reduce.interval_cv``, the coefficient of variation of all intervals of all trials, which is not biased by records
    that hold a few intervals only (as the mean of :class:`IntervalCV` is).

    Args:
        population: the population that is watched; ``None``: the only one.

    Returns:
        :class:`SummedIntervals`: ``count`` [1] and ``total`` [steps/parts] int32 [neuron], ``squares`` and ``squares_high``
        [(steps/parts)^2] uint32 [neuron], ``parts`` of a step [1] int32 [neuron]: 1 where spikes lie at the ends of steps.

    Raises:
        InputError: no measured step.

    >>> import jax.numpy as jnp
    >>> from jaxsnn_noise.statistics import IntervalSums, over_raster
    >>> sums = over_raster(IntervalSums(), jnp.array([[1, 1], [1, 0], [0, 1], [0, 0], [1, 1]]), dt=1.0)
    >>> print(sums.count, sums.total, sums.squares)
    [2 2] [4 4] [10  8]
    """

    population: str | None = eqx.field(static=True, default=None)

    @property
    def units(self) -> dict[str, str]:
        squared = "(steps/parts)^2"
        return {"count": "1", "total": "steps/parts", "squares": squared, "squares_high": squared, "parts": "1"}

    def finalize(self, acc: TimesAndSquares, about: About) -> SummedIntervals:
        parts = jnp.full_like(acc.times.spikes, parts_of(about))
        some = acc.times.spikes >= 2
        count = jnp.where(some, acc.times.spikes - jnp.int32(1), jnp.int32(0))
        total = jnp.where(some, acc.times.last - acc.times.first, jnp.int32(0))
        high = acc.squares[1] if acc.squares.shape[0] == 2 else jnp.zeros_like(acc.squares[0])
        return SummedIntervals(count, total, acc.squares[0], high, parts)


# Whole numbers modulo 2^32 (one word) or 2^64 (two words, the lowest first), as uint32 [word, neuron].


def _square(value: Array, words: int) -> Array:
    unsigned = value.astype(jnp.uint32)
    return _product(unsigned, unsigned, words)


def _product(x: Array, y: Array, words: int) -> Array:
    if words == 1:
        return (x * y)[None]
    half, mask = jnp.uint32(16), jnp.uint32(0xFFFF)
    x0, x1, y0, y1 = x & mask, x >> half, y & mask, y >> half
    low, cross, crossed = x0 * y0, x0 * y1, x1 * y0
    middle = (low >> half) + (cross & mask) + (crossed & mask)
    high = x1 * y1 + (cross >> half) + (crossed >> half) + (middle >> half)
    return jnp.stack([(middle << half) | (low & mask), high])


def _plus(x: Array, y: Array) -> Array:
    low = x[0] + y[0]
    if x.shape[0] == 1:
        return low[None]
    return jnp.stack([low, x[1] + y[1] + (low < x[0]).astype(jnp.uint32)])


def _minus(x: Array, y: Array) -> Array:
    low = x[0] - y[0]
    if x.shape[0] == 1:
        return low[None]
    return jnp.stack([low, x[1] - y[1] - (x[0] < y[0]).astype(jnp.uint32)])


def _as_float(x: Array) -> Float[Array, " neuron"]:
    low = x[0].astype(jnp.float32)
    return low if x.shape[0] == 1 else x[1].astype(jnp.float32) * jnp.float32(2.0**32) + low
