r"""Boltzmann distributions of small networks by exact sums, and how far samples of them are from them.

A network of ``K`` units with states :math:`z_k \in \{0, 1\}` has the distribution

.. math:: p(z) = \frac{1}{Z} \exp\left(\tfrac12 z^\top W z + b^\top z\right), \qquad W = W^\top,\; W_{kk} = 0,

so that each pair counts once and :math:`P(z_k = 1 \mid z_{\setminus k}) = 1/(1 + e^{-u_k})` with :math:`u_k = b_k + \sum_j W_{kj} z_j`.
Weights and biases are pure numbers. The other convention, spins of -1 and 1, has other ones: ``z = (1 + s)/2``. The state number
``x`` has unit ``k`` on where bit ``k`` of ``x`` is set, :math:`x = \sum_k 2^k z_k`, as in ``statistics.StateCounts``.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float

MOST_UNITS = 16
"""Of a network whose states are all listed."""

MOST_STATES = 200_000
"""Of the chain of a sampler, refractory times included."""

_SETTLED = 1e-13


@closed_form
def network_states(size: ArrayLike) -> NDArray[np.float64]:
    """All states of ``size`` binary units [state, unit], 0 or 1; row ``x`` has unit ``k`` on where bit ``k`` of ``x`` is set.

    Args:
        size: number of units, 1 to 16.

    Raises:
        InputError: no such number.

    Example:
        >>> network_states(2).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    number = _checks.count("network_states.size", size, most=MOST_UNITS)
    return as_float((np.arange(2**number)[:, None] >> np.arange(number)) & 1)


@closed_form
def boltzmann_probabilities(weights: ArrayLike, biases: ArrayLike) -> Numbers:
    """Probability of each state [..., state] of a Boltzmann machine, by the exact sum over all ``2^K``.

    Args:
        weights: couplings [..., unit, unit] [1], symmetric with a zero diagonal.
        biases: [..., unit] [1]; leading dimensions broadcast with those of the weights.

    Raises:
        InputError: weights that are not symmetric, or have a diagonal (the pair is named); shapes that do not fit; more than 16 units.

    References:
        Ackley, Hinton & Sejnowski (1985), Cogn. Sci. 9:147, doi:10.1207/s15516709cog0901_7.

    Example:
        >>> boltzmann_probabilities([[0.0, 0.0], [0.0, 0.0]], [0.0, np.log(3.0)]).round(3).tolist()
        [0.125, 0.125, 0.375, 0.375]
    """
    w, b = _network("boltzmann_probabilities", weights, biases)
    z = network_states(b.shape[-1])
    exponent = 0.5 * np.einsum("sk,...kj,sj->...s", z, w, z) + b @ z.T
    return special.softmax(exponent, axis=-1)


@closed_form
def boltzmann_marginals(weights: ArrayLike, biases: ArrayLike) -> Numbers:
    """Probability of each unit to be on [..., unit]; arguments and errors of :func:`boltzmann_probabilities`.

    Args:
        weights: couplings [..., unit, unit] [1], symmetric with a zero diagonal.
        biases: [..., unit] [1].

    Example:
        >>> boltzmann_marginals([[0.0, 0.0], [0.0, 0.0]], [0.0, np.log(3.0)]).round(3).tolist()
        [0.5, 0.75]
    """
    p = boltzmann_probabilities(weights, biases)
    return p @ network_states(np.shape(biases)[-1])


@closed_form
def kullback_leibler(probabilities: ArrayLike, reference: ArrayLike) -> Numbers:
    """Kullback-Leibler divergence [nat] of distributions from a reference, ``sum_x p_x log(p_x/q_x)`` over the last dimension.

    A state that does not occur adds nothing; one that occurs and cannot, in the reference, makes it infinite.

    Args:
        probabilities: ``p`` [..., state] >= 0, of sum 1; counts are not normalised for you.
        reference: ``q`` [..., state] >= 0, of sum 1.

    Raises:
        InputError: negative entries, a sum that is not 1 (within 1e-6), another number of states.

    References:
        Kullback & Leibler (1951), Ann. Math. Stat. 22:79, doi:10.1214/aoms/1177729694.

    Example:
        >>> round(float(kullback_leibler([1.0, 0.0], [0.5, 0.5])), 4)
        0.6931
    """
    p, q = as_float(probabilities), as_float(reference)
    for name, value in (("probabilities", p), ("reference", q)):
        _distribution(f"kullback_leibler.{name}", value)
    if p.shape[-1] != q.shape[-1]:
        _checks.fail("kullback_leibler.reference", f"must have the {p.shape[-1]} states of probabilities", q.shape)
    return special.rel_entr(p, q).sum(axis=-1)


@closed_form
def sampled_divergence(probabilities: ArrayLike, correlation_times: ArrayLike, samples: ArrayLike) -> Numbers:
    r"""Mean divergence [nat] of the histogram of ``n`` correlated samples from their own distribution, for large ``n``.

    .. math:: 2 n \langle \mathrm{KL}(\hat p \| p) \rangle \to \sum_x (1 - p_x)\,\tau_x, \qquad
              \tau_x = 1 + 2 \sum_{k \ge 1} \rho_x(k)

    from :math:`\mathrm{KL} \approx \frac12 \sum_x (\hat p_x - p_x)^2/p_x` and
    :math:`\mathrm{Var}\,\hat p_x = p_x (1 - p_x)\,\tau_x/n`. Independent samples have :math:`\tau_x = 1`, and the sum is the number of
    states less one (Wilks). It holds where each state is visited many times, :math:`n p_x \gg \tau_x`.

    Args:
        probabilities: ``p`` [..., state] [1].
        correlation_times: integrated autocorrelation time of each state's indicator [..., state], in samples >= 0.
        samples: ``n`` > 0; leading dimensions broadcast.

    References:
        Wilks (1938), Ann. Math. Stat. 9:60, doi:10.1214/aoms/1177732360; Sokal (1997), doi:10.1007/978-1-4899-0319-8_6
        (integrated autocorrelation times).

    Example:
        >>> round(float(sampled_divergence([1 / 32] * 32, [1.0] * 32, 1000.0)), 6)
        0.0155
    """
    p = as_float(probabilities)
    _distribution("sampled_divergence.probabilities", p)
    _checks.nonnegative("sampled_divergence.correlation_times", correlation_times, "samples")
    _checks.positive("sampled_divergence.samples", samples)
    return np.sum((1.0 - p) * as_float(correlation_times), axis=-1) / (2.0 * as_float(samples))


@closed_form
def neural_sampling(weights: ArrayLike, biases: ArrayLike, *, steps: int) -> tuple[Numbers, Numbers]:
    r"""What a sampling network of abstract neurons samples when all are updated at once, exactly: law and correlation times.

    A spike turns a unit on for ``steps`` steps, its own included; one that is off, or in its last step, fires with the probability
    :math:`1/(1 + e^{-(u_k - \log \mathrm{steps})})` of the states before. Updated one after the other the units sample
    ``boltzmann_probabilities`` (Buesing et al.); all at once they sample something near it: the divergence falls as
    ``1/steps^2``. The chain has ``(steps + 1)^K`` states and is iterated until it does not move.

    Args:
        weights: couplings [unit, unit] [1], symmetric with a zero diagonal.
        biases: [unit] [1].
        steps: how long a spike lasts, in steps, >= 1.

    Returns:
        Probability of each network state [state], and the integrated autocorrelation time of its indicator [state] in steps.

    Raises:
        InputError: as :func:`boltzmann_probabilities`; a chain of more than 200,000 states.

    References:
        Buesing, Bill, Nessler & Maass (2011), PLoS Comput. Biol. 7:e1002211, doi:10.1371/journal.pcbi.1002211.

    Example:
        >>> p, tau = neural_sampling([[0.0, 0.0], [0.0, 0.0]], [0.0, 0.0], steps=1)
        >>> p.round(3).tolist(), tau.round(3).tolist()
        ([0.25, 0.25, 0.25, 0.25], [1.0, 1.0, 1.0, 1.0])
    """
    w, b = _network("neural_sampling", weights, biases)
    _checks.count("neural_sampling.steps", steps)
    if b.ndim != 1:
        _checks.fail("neural_sampling.biases", "must be [unit]: one network at a time", b.shape)
    if (steps + 1) ** len(b) > MOST_STATES:
        rule = f"must leave (steps + 1)^units at {MOST_STATES:,} or below"
        _checks.fail("neural_sampling.steps", rule, f"{steps} steps, {len(b)} units")
    chain, seen = _chain(w, b, steps)
    law = np.full(chain.shape[0], 1.0 / chain.shape[0])
    back = chain.T.tocsr()
    while np.abs((following := back @ law) - law).sum() > _SETTLED:
        law = 0.5 * (law + following)  # damped, so that a period does not matter
    shown = np.eye(2 ** len(b))[seen]
    p = law @ shown
    apart = shown - p
    times, moved = np.ones(len(p)), apart
    spread = np.maximum(p * (1.0 - p), np.finfo(float).tiny)
    for _ in range(100 * steps * 1000):
        moved = chain @ moved
        times += 2.0 * np.einsum("ns,ns,n->s", shown, moved, law) / spread
        if np.max(np.einsum("ns,n->s", np.abs(moved), law) / spread) < _SETTLED * 1e2:
            break
    return p, times


def _chain(w: NDArray[np.float64], b: NDArray[np.float64], steps: int) -> tuple[sparse.csr_array, NDArray[np.int64]]:
    """Transition matrix of what is left of each unit's spike, 0 to ``steps``, and the network state of each of its states."""
    size = len(b)
    place = (steps + 1) ** np.arange(size)
    left = (np.arange((steps + 1) ** size)[:, None] // place) % (steps + 1)
    on = (left > 0).astype(np.int64)
    chance = np.where(left <= 1, special.expit(on @ w + b - np.log(steps)), 0.0)
    waits = np.maximum(left - 1, 0)
    rows, columns, values = [], [], []
    for fired in itertools.product((0, 1), repeat=size):
        fires = np.array(fired, bool)
        probability = np.prod(np.where(fires, chance, 1.0 - chance), axis=1)
        possible = np.flatnonzero(probability > 0)
        rows.append(possible)
        columns.append((np.where(fires, steps, waits) @ place)[possible])
        values.append(probability[possible])
    shape = (len(left), len(left))
    pairs = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csr_array((np.concatenate(values), pairs), shape=shape), on @ 2 ** np.arange(size)


def _network(who: str, weights: ArrayLike, biases: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Symmetric couplings and biases that fit each other."""
    w, b = as_float(weights), as_float(biases)
    if w.ndim < 2 or b.ndim < 1 or w.shape[-2:] != 2 * b.shape[-1:]:
        _checks.fail(f"{who}.weights", "must be [unit, unit], as many as biases", (w.shape, b.shape))
    _checks.count(f"{who}: number of units", b.shape[-1], most=MOST_UNITS)
    _checks.symmetric_couplings(f"{who}.weights", w)
    return w, b


def _distribution(who: str, values: NDArray[np.float64]) -> None:
    _checks.nonnegative(who, values)
    if values.ndim < 1 or np.any(np.abs(values.sum(axis=-1) - 1.0) > 1e-6):
        _checks.fail(
            who, "must be a distribution: its sum over states is 1", values.sum(axis=-1) if values.ndim else values
        )
