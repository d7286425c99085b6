"""Boltzmann distributions against plain sums, and the sampler's chain against a dense solve."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError


def network(size: int, seed: int, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    half = np.triu(scale * rng.normal(size=(size, size)), 1)
    return half + half.T, scale * rng.normal(size=size)


def by_hand(w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """State by state, each pair once."""
    found = {}
    for z in itertools.product((0, 1), repeat=len(b)):
        pairs = sum(w[i, j] * z[i] * z[j] for i in range(len(b)) for j in range(i))
        found[sum(on << k for k, on in enumerate(z))] = np.exp(pairs + sum(b * np.array(z)))
    values = np.array([found[x] for x in range(2 ** len(b))])
    return values / values.sum()


def test_states_are_numbered_by_their_bits() -> None:
    states = theory.network_states(3)
    np.testing.assert_array_equal(states[6], [0, 1, 1])
    np.testing.assert_array_equal(states @ [1, 2, 4], np.arange(8))


def test_probabilities_are_the_plain_sum_and_batch() -> None:
    nets = [network(4, seed) for seed in range(3)]
    stacked = theory.boltzmann_probabilities(np.stack([w for w, _ in nets]), np.stack([b for _, b in nets]))
    for found, (w, b) in zip(stacked, nets, strict=True):
        np.testing.assert_allclose(found, by_hand(w, b), rtol=1e-12)
        assert not np.allclose(found, by_hand(1.2 * w, b), rtol=1e-2)


def test_one_unit_given_the_others_is_a_logistic_function() -> None:
    w, b = network(3, 5)
    p = theory.boltzmann_probabilities(w, b)
    on = p[0b101 | 0b010] / (p[0b101] + p[0b101 | 0b010])
    assert on == pytest.approx(1 / (1 + np.exp(-(b[1] + w[1, 0] + w[1, 2]))), rel=1e-12)


def test_large_weights_do_not_overflow() -> None:
    p = theory.boltzmann_probabilities([[0.0, 2000.0], [2000.0, 0.0]], [-900.0, -900.0])
    np.testing.assert_allclose(p, [0, 0, 0, 1], atol=1e-12)


def test_marginals_are_sums_over_states() -> None:
    w, b = network(4, 1)
    wanted = [sum(p for x, p in enumerate(by_hand(w, b)) if x >> k & 1) for k in range(4)]
    np.testing.assert_allclose(theory.boltzmann_marginals(w, b), wanted, rtol=1e-12)


def test_divergence() -> None:
    assert theory.kullback_leibler([0.25, 0.75], [0.5, 0.5]) == pytest.approx(0.25 * np.log(0.5) + 0.75 * np.log(1.5))
    assert theory.kullback_leibler([0.3, 0.7], [0.3, 0.7]) == 0
    assert theory.kullback_leibler([0.5, 0.5], [1.0, 0.0]) == np.inf
    assert theory.kullback_leibler([[1.0, 0.0], [0.5, 0.5]], [0.5, 0.5]).shape == (2,)


def test_the_divergence_of_independent_samples_is_that_of_wilks() -> None:
    rng, p, n = np.random.default_rng(3), by_hand(*network(3, 2)), 20_000
    counts = rng.multinomial(n, p, size=4000)
    found = 2 * n * theory.kullback_leibler(counts / n, p)
    error = found.std() / np.sqrt(len(found))
    assert abs(found.mean() - 2 * n * theory.sampled_divergence(p, np.ones(8), n)) < 4.9 * error  # false alarm 1e-6
    assert abs(found.mean() - 1.2 * 7) > 4.9 * error


def dense(w: np.ndarray, b: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """The same chain, pair by pair, solved by a fundamental matrix."""
    size = len(b)
    states = list(itertools.product(range(steps + 1), repeat=size))
    number = {s: i for i, s in enumerate(states)}
    chain = np.zeros((len(states), len(states)))
    for s in states:
        u = b + w @ np.array([left > 0 for left in s], float)
        options = []
        for left, drive in zip(s, u, strict=True):
            fires = 1 / (1 + np.exp(np.log(steps) - drive))
            options.append([(steps, fires), (0, 1 - fires)] if left <= 1 else [(left - 1, 1.0)])
        for chosen in itertools.product(*options):
            chain[number[s], number[tuple(c[0] for c in chosen)]] += np.prod([c[1] for c in chosen])
    count = len(states)
    law = np.linalg.lstsq(np.vstack([chain.T - np.eye(count), np.ones(count)]), np.eye(count + 1)[-1], rcond=None)[0]
    fundamental = np.linalg.inv(np.eye(count) - chain + law)
    shown = np.zeros((count, 2**size))
    for i, s in enumerate(states):
        shown[i, sum((left > 0) << k for k, left in enumerate(s))] = 1
    p = law @ shown
    apart = shown - p
    total = np.einsum("n,ns,ns->s", law, apart, 2 * fundamental @ apart - apart)
    return p, total / (p * (1 - p))


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_the_chain_of_the_sampler_is_that_of_a_dense_solve(steps: int) -> None:
    w, b = network(2, 7)
    for found, wanted in zip(theory.neural_sampling(w, b, steps=steps), dense(w, b, steps), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-8)


def test_without_couplings_it_samples_the_distribution_itself() -> None:
    b = np.array([-1.0, 0.3, 0.8])
    found = theory.neural_sampling(np.zeros((3, 3)), b, steps=4)[0]
    np.testing.assert_allclose(found, by_hand(np.zeros((3, 3)), b), rtol=1e-9)


def test_the_error_of_updates_all_at_once_falls_as_the_square_of_the_steps() -> None:
    w, b = network(3, 0)
    errors = [theory.kullback_leibler(theory.neural_sampling(w, b, steps=n)[0], by_hand(w, b)) for n in (8, 16)]
    assert 3.4 < errors[0] / errors[1] < 4.2


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([[0.0, 1.0], [0.5, 0.0]], r"must be symmetric: units 0 and 1 differ; got \(1.0, 0.5\)"),
        ([[0.0, 1.0], [1.0, 0.2]], "zero diagonal: unit 1 couples to itself; got 0.2"),
        ([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]], "as many as biases"),
        ([[0.0, np.nan], [np.nan, 0.0]], "finite"),
    ],
)
def test_networks_without_a_distribution_are_refused(weights: list, words: str) -> None:
    for function in (theory.boltzmann_probabilities, theory.boltzmann_marginals):
        with pytest.raises(InputError, match=words):
            function(weights, [0.0, 0.0])


def test_other_bad_input() -> None:
    with pytest.raises(InputError, match="16"):
        theory.boltzmann_probabilities(np.zeros((17, 17)), np.zeros(17))
    with pytest.raises(InputError, match="sum over states is 1"):
        theory.kullback_leibler([3.0, 5.0], [0.5, 0.5])
    with pytest.raises(InputError, match="4 states"):
        theory.kullback_leibler([0.25] * 4, [0.5, 0.5])
    with pytest.raises(InputError, match="200,000"):
        theory.neural_sampling(np.zeros((6, 6)), np.zeros(6), steps=20)
    batched = np.zeros((2, 3, 3))
    batched[1, 2, 0] = 4.0
    with pytest.raises(InputError, match="units 0 and 2 differ"):
        theory.boltzmann_probabilities(batched, np.zeros(3))
