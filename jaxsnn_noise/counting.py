"""Whole numbers from one addressed uniform: the quantiles of the Poisson and the binomial law, and how far they reach."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jaxsnn_noise._typing import Values
from jaxsnn_noise.special import ndtri

MOST_EVENTS = 60.0
"""Largest mean number of events per step; beyond, the diffusion approximation is as good and cheaper."""
MOST = MOST_EVENTS * (1 + 1e-6)
"""The same with the rounding of the product that gives a mean."""
LAST_UNIFORM = np.float32(1 - 2.0**-24)
"""The largest value of ``random.uniform``: what a quantile gives there is the largest count that can be drawn."""

Counted = tuple[Values, Values, Values, Values]
Quantile = Callable[[Values, Values, Values], Values]


@jax.custom_jvp
def poisson(u: Values, mean: Values) -> Values:
    """The Poisson quantile of ``u`` in (0, 1): the smallest k with ``P(K <= k) >= u``. Its slope is that of the mean.

    ``mean`` is one number for all entries of ``u``, or one for each. Counting ends where float32 resolves no further terms
    of the distribution function: a ``u`` above all of its values is the last k that moved it, and not a count without end.
    """

    def unfinished(carry: Counted) -> jax.Array:
        _, term, cumulated, k = carry
        return jnp.any((u > cumulated) & _rises(cumulated, term, mean, k))

    def step(carry: Counted) -> Counted:
        count, term, cumulated, k = carry
        count = count + ((u > cumulated) & _rises(cumulated, term, mean, k)).astype(count.dtype)
        term = term * mean / (k + 1.0)
        return count, term, cumulated + term, k + 1.0

    start = jnp.exp(-mean)
    zeros = jnp.zeros_like(u)
    return lax.while_loop(unfinished, step, (zeros, start, start, jnp.zeros((), u.dtype)))[0]


def _rises(cumulated: Values, term: Values, mean: Values, k: Values) -> jax.Array:
    """Whether the next term moves the distribution function."""
    return cumulated + term * mean / (k + 1.0) > cumulated


@poisson.defjvp
def _poisson_jvp(primals: tuple[Values, Values], tangents: tuple[Values, Values]) -> tuple[Values, Values]:
    u, mean = primals
    return poisson(u, mean), jnp.broadcast_to(tangents[1], u.shape)


def poisson_count(u: Values, mean: Values) -> Values:
    """:func:`poisson` where ``0 <= mean <= 60``, and NaN elsewhere.

    A mean that is traced passes all checks: what cannot be counted is told as such, and not as a count.
    """
    countable = (mean >= 0) & (mean <= MOST)
    return jnp.where(countable, poisson(u, jnp.where(countable, mean, 0.0)), jnp.nan)


def largest_poisson(mean: Any) -> int:
    """The largest count that :func:`poisson_count` can draw for any of these means; concrete values only."""
    means = jnp.atleast_1d(jnp.asarray(mean, jnp.float32))
    return int(_largest(means))


@jax.jit
def _largest(means: Values) -> Values:
    return jnp.max(poisson(jnp.full_like(means, LAST_UNIFORM), means))


@functools.partial(jax.custom_jvp, nondiff_argnums=(3,))
def binomial(u: Values, trials: Values, probability: Values, most: int | None = None) -> Values:
    """The binomial quantile of ``u`` in (0, 1), for up to 120 trials. Its slope is that of the mean.

    Where trials are known to be at most ``most``, that many terms are written out, which a compiler makes one pass of: faster for
    few.
    """
    return _of_the_rarer(functools.partial(_summed, most=most), u, trials, probability)


@binomial.defjvp
def _binomial_jvp(most: int | None, primals: tuple[Values, ...], tangents: tuple[Values, ...]) -> tuple[Values, Values]:
    return _with_slope_of_mean(binomial(*primals, most), primals, tangents)


FEW = 7.0
"""Up to this mean number the binomial quantile of any number of trials is summed term by term."""


@jax.custom_jvp
def binomial_of_many(u: Values, trials: Values, probability: Values) -> Values:
    """The binomial quantile of ``u`` in (0, 1), for any number of trials up to 2^24. Its slope is that of the mean.

    Where at most :data:`FEW` successes (or failures) are expected, terms are summed in single precision; beyond, it is the rounded
    expansion of Cornish and Fisher to the kurtosis: one value in 300 or fewer is off, by one; the variance by less than 0.02 %.
    """
    return _of_the_rarer(_counted_or_expanded, u, trials, probability)


@binomial_of_many.defjvp
def _binomial_of_many_jvp(primals: tuple[Values, ...], tangents: tuple[Values, ...]) -> tuple[Values, Values]:
    return _with_slope_of_mean(binomial_of_many(*primals), primals, tangents)


def _of_the_rarer(quantile: Quantile, u: Values, trials: Values, probability: Values) -> Values:
    """A quantile of probabilities up to one half; above it, of what fails, counted from above, so that ``(1 - p)^n`` never underflows."""
    u, trials, p = jnp.broadcast_arrays(u, trials, probability)
    flipped = p > 0.5
    found = quantile(jnp.where(flipped, 1.0 - u, u), trials, jnp.where(flipped, 1.0 - p, p))
    return jnp.where(flipped, trials - found, found)


def _with_slope_of_mean(
    out: Values, primals: tuple[Values, ...], tangents: tuple[Values, ...]
) -> tuple[Values, Values]:
    _, trials, probability = primals
    return out, jnp.broadcast_to(tangents[1] * probability + trials * tangents[2], out.shape)


def _counted_or_expanded(level: Values, trials: Values, p: Values) -> Values:
    exact = trials * p <= FEW
    counted = _summed(level, trials, jnp.where(exact, p, 0.0))
    return lax.cond(jnp.all(exact), lambda: counted, lambda: jnp.where(exact, counted, _expanded(level, trials, p)))


def _summed(level: Values, trials: Values, p: Values, most: int | None = None) -> Values:
    """By terms, ``most`` or as many as are needed; a level above all values of the function is the last number that moved it."""
    odds = p / (1.0 - p)

    def following(carry: Counted) -> tuple[Values, jax.Array]:
        _, term, cumulated, k = carry
        term = term * (odds * (jnp.maximum(trials - k, 0.0) / (k + 1.0)))
        return term, (level > cumulated) & (cumulated + term > cumulated)

    def unfinished(carry: Counted) -> jax.Array:
        return jnp.any(following(carry)[1])

    def step(carry: Counted) -> Counted:
        count, _, cumulated, k = carry
        term, more = following(carry)
        return count + more.astype(count.dtype), term, cumulated + term, k + 1.0

    start = jnp.exp(trials * jnp.log1p(-p))
    first = (jnp.zeros_like(level), start, start, jnp.zeros((), level.dtype))
    if most is None:
        return lax.while_loop(unfinished, step, first)[0]
    return functools.reduce(lambda carry, _: step(carry), range(most), first)[0]


def _expanded(level: Values, trials: Values, p: Values) -> Values:
    """The quantile of Cornish and Fisher 1938, doi:10.2307/1400905, rounded; rounding adds the variance 1/12 that is left out."""
    variance = jnp.maximum(trials * p * (1.0 - p), 1.0) - 1.0 / 12.0
    std, z = jnp.sqrt(variance), ndtri(level)
    skew, kurtosis = (1.0 - 2.0 * p) / std, (1.0 - 6.0 * p * (1.0 - p)) / variance
    square = z * z
    w = (
        z
        + skew * (square - 1.0) / 6.0
        + z * (kurtosis * (square - 3.0) / 24.0 - skew * skew * (2.0 * square - 5.0) / 36.0)
    )
    return jnp.clip(jnp.ceil(trials * p + std * w - 0.5), 0.0, trials)
