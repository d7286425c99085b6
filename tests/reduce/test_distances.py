"""Distances of spike trains against brute force, and information rates against Shannon's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import optimize

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import information_rate, van_rossum_distance, victor_purpura_distance

RNG = np.random.default_rng(2)
PAIRS = [
    (np.sort(RNG.uniform(0, 100, n)), np.sort(RNG.uniform(0, 100, m)))
    for n, m in ((0, 0), (0, 3), (1, 1), (7, 5), (12, 12))
]


def brute_van_rossum(first: np.ndarray, second: np.ndarray, tau: float) -> float:
    """The integral on a fine grid, exact between spikes."""
    edges = np.unique(np.concatenate([first, second, [0.0, 100.0 + 60 * tau]]))
    total = 0.0
    for a, b in pairwise(edges):
        level = np.exp(-(a - first[first <= a]) / tau).sum() - np.exp(-(a - second[second <= a]) / tau).sum()
        total += level**2 * 0.5 * (1 - np.exp(-2 * (b - a) / tau))
    return float(np.sqrt(total))


def brute_victor_purpura(first: np.ndarray, second: np.ndarray, cost: float) -> float:
    """The best assignment: each spike to one of the other train, or to nothing."""
    n, m = len(first), len(second)
    if not n + m:
        return 0.0
    table = np.zeros((n + m, n + m))
    table[:n, :m] = cost * np.abs(first[:, None] - second[None])
    table[:n, m:] = 1.0
    table[n:, :m] = 1.0
    rows, columns = optimize.linear_sum_assignment(table)
    return float(table[rows, columns].sum())


@pytest.mark.parametrize("scale", [0.5, 5.0, 50.0])
def test_both_are_those_of_brute_force_and_metrics(scale: float) -> None:
    for first, second in PAIRS:
        rossum = van_rossum_distance(first, second, tau=scale)
        assert rossum == pytest.approx(brute_van_rossum(first, second, scale), abs=1e-9)
        assert van_rossum_distance(second[::-1], first, tau=scale) == pytest.approx(rossum)
        purpura = victor_purpura_distance(first, second, cost=1 / scale)
        assert purpura == pytest.approx(brute_victor_purpura(first, second, 1 / scale), abs=1e-9)
        assert victor_purpura_distance(list(second), first, cost=1 / scale) == pytest.approx(purpura)
        assert van_rossum_distance(first, first, tau=scale) == pytest.approx(0, abs=1e-7)
        assert victor_purpura_distance(first, first, cost=1 / scale) == 0


def test_their_limits() -> None:
    first, second = PAIRS[3]
    assert van_rossum_distance(first, second, tau=1e-6) == pytest.approx(np.sqrt(12 / 2))
    assert van_rossum_distance(first, second, tau=1e9) == pytest.approx(np.sqrt(4 / 2), rel=1e-3)
    assert victor_purpura_distance(first, second, cost=0.0) == 2
    assert victor_purpura_distance(first, second, cost=1e9) == 12
    assert van_rossum_distance([10.0, 20.0], [10.0], tau=3.0) == pytest.approx(np.sqrt(0.5))
    assert victor_purpura_distance([10.0], [13.0], cost=0.1) == pytest.approx(0.3)


@pytest.mark.parametrize("ratio", [0.1, 1.0, 4.0])
def test_the_information_rate_of_a_linear_channel_is_shannons(ratio: float) -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=(160, 4000))
    y = np.sqrt(ratio) * x + rng.normal(size=x.shape)
    found = information_rate(x, y, dt=0.5, segment=50.0)
    exact = 1000.0 * np.log2(1 + ratio)
    assert found.rate == pytest.approx(
        exact, rel=0.033
    )  # five standard deviations at the smallest ratio, over 25 seeds
    segments = 160 * 79 / (1 + 2 / 36)  # windows of Hann that overlap by half
    assert found.floor == pytest.approx(
        1000 / np.log(2) / segments, rel=0.6
    )  # three standard deviations, over 25 seeds
    for top in (200.0, 207.0, 5.0):  # between two bins, and within the first
        band = information_rate(x, y, dt=0.5, segment=50.0, highest_hz=top)
        assert band.rate == pytest.approx(top / 1000 * exact, rel=0.055 if top > 100 else 0.3)
    with pytest.raises(AssertionError):  # 20 % off in amplitude is seen
        assert information_rate(x, y, dt=0.5, segment=50.0).rate == pytest.approx(
            1000 * np.log2(1 + 1.44 * ratio), rel=0.03
        )


def test_without_a_signal_there_is_no_information() -> None:
    x = RNG.normal(size=(40, 4000))
    spikes = (RNG.random(x.shape) < 0.1).astype(float)
    found = information_rate(x, spikes, dt=0.5, segment=50.0)
    assert found.floor > 0
    assert abs(found.rate) < 0.3 * found.floor


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: van_rossum_distance([1.0], [2.0], tau=0.0), r"reduce.van_rossum_distance: tau: must be finite and > 0 \[ms\]"),
        (lambda: van_rossum_distance([np.nan], [2.0], tau=1.0), r"first: must be finite \[ms\]"),
        (lambda: van_rossum_distance(np.ones((2, 2)), [2.0], tau=1.0), r"first: must be the times of one train"),
        (lambda: victor_purpura_distance([1.0], "now", cost=1.0), r"second: must be the times of the spikes \[ms\]"),
        (lambda: victor_purpura_distance([1.0], [2.0], cost=-1.0), r"cost: must be finite and >= 0 \[1/ms\]"),
        (lambda: information_rate(np.ones((3, 40)), np.ones((3, 40)), dt=1.0, segment=10.0), r"at least two trials with different signals"),
        (lambda: information_rate(np.eye(4), np.ones((3, 4)), dt=1.0, segment=4.0), r"response: must have the shape of the signal"),
        (lambda: information_rate(np.eye(4), np.eye(4), dt=1.0, segment=3.0), r"segment: must be an even number of steps"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
