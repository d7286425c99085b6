"""Channel noise at a held potential: the generators of the Markov chains, and the covariance of the open fraction."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from jaxsnn_noise import _checks
from jaxsnn_noise.theory._arguments import closed_form
from jaxsnn_noise.theory._quadrature import ArrayLike, Numbers, as_float
from jaxsnn_noise.theory.hodgkin_huxley import gate_rates

Array: TypeAlias = NDArray[np.float64]

GATES = {"na": ((0, 3), (1, 1)), "k": ((2, 4),)}
"""The gates of a channel: which of m, h and n, and how many."""


@closed_form
def channel_generator(potential: ArrayLike, *, ion: str) -> Array:
    """The generator of a channel of Hodgkin and Huxley as a Markov chain [..., to, from] in 1/ms.

    Column ``s`` has the rates out of state ``s``; its sum is 0. A sodium channel has the states ``i + 4 j``, with ``i`` of its 3 m
    gates and ``j`` of its h gate open; a potassium channel has 5, by the number of open n gates. The last is the open one.

    Args:
        potential: at which the membrane is held, above rest [mV].
        ion: ``"na"`` or ``"k"``.

    Raises:
        InputError: another ion.

    Example:
        >>> channel_generator(0.0, ion="na").shape
        (8, 8)
    """
    rates = gate_rates(potential)
    return _generator(rates, ion)


@closed_form
def open_fraction_moments(potential: ArrayLike, number: ArrayLike, *, ion: str) -> tuple[Numbers, Numbers]:
    r"""Mean and variance [1] of the open fraction of ``N`` independent channels at a held potential: ``p`` and ``p (1 - p)/N``.

    ``p`` is :math:`m_\infty^3 h_\infty` of sodium and :math:`n_\infty^4` of potassium.

    Args:
        potential: above rest [mV].
        number: of channels ``N``, >= 1.
        ion: ``"na"`` or ``"k"``.

    Raises:
        InputError: fewer than one channel, another ion.

    References:
        Goldwyn and Shea-Brown (2011), PLoS Comput. Biol. 7:e1002247, doi:10.1371/journal.pcbi.1002247.

    Example:
        >>> mean, variance = open_fraction_moments(0.0, 180, ion="k")
        >>> round(float(mean), 6), round(float(variance**0.5), 5)
        (0.010185, 0.00748)
    """
    _checks.inside("number", number, _checks.ranges.Range(1.0), "1")
    _checks.one_of("ion", ion, GATES)
    rates = gate_rates(potential)
    steady = rates[..., 0] / rates.sum(axis=-1)
    p, count = np.broadcast_arrays(
        np.prod([steady[..., gate] ** many for gate, many in GATES[ion]], axis=0), as_float(number)
    )
    return p, p * (1.0 - p) / count


@closed_form
def open_fraction_autocovariance(lag: ArrayLike, potential: ArrayLike, number: ArrayLike, *, ion: str) -> Numbers:
    r"""Autocovariance [1] of the open fraction of ``N`` independent channels at a held potential.

    :math:`p\,\big((e^{G |t|})_{oo} - p\big)/N` with the generator ``G`` of :func:`channel_generator` and the open state ``o``: four
    exponentials of potassium, seven of sodium.

    Args:
        lag: ``t`` [ms].
        potential: above rest [mV].
        number: of channels ``N``, >= 1.
        ion: ``"na"`` or ``"k"``.

    Raises:
        InputError: fewer than one channel, another ion.

    References:
        Linaro, Storace and Giugliano (2011), PLoS Comput. Biol. 7:e1001102, doi:10.1371/journal.pcbi.1001102.

    Example:
        >>> variance = open_fraction_moments(0.0, 180, ion="k")[1]
        >>> round(float(open_fraction_autocovariance(0.0, 0.0, 180, ion="k") / variance), 9)
        1.0
    """
    _checks.inside("number", number, _checks.ranges.Range(1.0), "1")
    lag, potential, number = np.broadcast_arrays(as_float(lag), as_float(potential), as_float(number))
    found = [
        _returning(abs(float(t)), float(v), ion) / n
        for t, v, n in zip(lag.flat, potential.flat, number.flat, strict=True)
    ]
    return np.reshape(found, lag.shape)


def _returning(lag: float, potential: float, ion: str) -> float:
    """``p (P(open at t | open at 0) - p)`` by the eigenvectors of the generator, balanced by its stationary law."""
    generator = channel_generator(potential, ion=ion)
    law = _stationary(generator)
    root = np.sqrt(law)
    values, vectors = np.linalg.eigh(generator * root[None, :] / root[:, None])  # symmetric: the chain is reversible
    decaying = slice(0, -1)  # all but the eigenvalue 0, the largest; they come in their order
    return float(law[-1] * np.sum(np.square(vectors[-1, decaying]) * np.exp(values[decaying] * lag)))


def _stationary(generator: Array) -> Array:
    values, vectors = np.linalg.eig(generator)
    law = np.real(vectors[:, np.argmax(values.real)])
    found: Array = law / law.sum()
    return found


def _generator(rates: Array, ion: str) -> Array:
    _checks.one_of("ion", ion, GATES)
    sizes = [many + 1 for _, many in GATES[ion]]
    total = int(np.prod(sizes))
    generator = np.zeros((*rates.shape[:-2], total, total))
    stride = 1
    for (gate, many), size in zip(GATES[ion], sizes, strict=True):
        for state in range(total):
            opened = state // stride % size
            if opened < many:
                up, down = (many - opened) * rates[..., gate, 0], (opened + 1) * rates[..., gate, 1]
                generator[..., state + stride, state] += up
                generator[..., state, state] -= up
                generator[..., state, state + stride] += down
                generator[..., state + stride, state + stride] -= down
        stride *= size
    return generator
