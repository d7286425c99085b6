"""Reliability against chance, with a kernel, and the precision of spike times in events."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from helpers.statistical import assert_mean
from jaxsnn_noise import reduce
from jaxsnn_noise._checks import InputError


def array(counts: np.ndarray, *dims: str, bin_ms: float = 1.0) -> xr.DataArray:
    bins = next(dim for dim in dims if dim.startswith("bin"))
    centres = (np.arange(counts.shape[dims.index(bins)]) + 0.5) * bin_ms
    return xr.DataArray(counts, dims=dims, coords={bins: centres})


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.sum(a * b) / lengths) if lengths else 0.0


@pytest.mark.parametrize("neurons", [1, 3])
def test_chance_is_the_mean_over_all_circular_shifts(neurons: int) -> None:
    counts = np.random.default_rng(2).poisson(0.3, (6, 20, neurons))
    counts[2] = 0
    data = array(counts, "trial", "bin_counts", "cells_neuron")
    found = reduce.reliability(data, bins=("bin_counts", "cells_neuron"))
    pairs = [(i, j) for i in range(6) for j in range(6) if i != j]
    by_hand = [cosine(counts[i], np.roll(counts[j], k, axis=0)) for i, j in pairs for k in range(20)]
    assert float(found["chance"]) == pytest.approx(np.mean(by_hand), rel=1e-9)
    plain = np.mean([cosine(counts[i], counts[j]) for i, j in pairs])
    assert float(found["reliability"]) == pytest.approx(plain, rel=1e-9)
    assert float(found["above_chance"]) == pytest.approx((plain - np.mean(by_hand)) / (1 - np.mean(by_hand)), rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.02, 0.1, 0.5])
def test_trials_without_a_stimulus_are_as_reliable_as_chance_at_any_rate(rate: float) -> None:
    """While reliability itself rises with the rate, from 0.02 to 0.33."""
    rng, above, plain = np.random.default_rng(4), [], []
    for _ in range(60):
        found = reduce.reliability(array(rng.poisson(rate, (20, 100)), "trial", "bin_x"))
        plain.append(float(found["reliability"]))
        above.append(float(found["above_chance"]))
    assert_mean(np.array(above), 0.0)
    assert 0.5 < np.mean(plain) / (rate / (1 + rate)) < 1.1


def test_its_error_is_that_of_repetitions() -> None:
    rng = np.random.default_rng(5)
    rate = 0.05 + 0.6 * (np.arange(100) % 25 < 3)
    found = [reduce.reliability(array(rng.poisson(rate, (40, 100)), "trial", "bin_x")) for _ in range(80)]
    spread = np.std([float(x["above_chance"]) for x in found], ddof=1)
    assert np.mean([float(x["above_chance_error"]) for x in found]) == pytest.approx(spread, rel=0.3)


def test_a_kernel_is_the_measure_of_schreiber() -> None:
    """Inner products of trains convolved with a Gaussian, whatever the width of the bins."""
    counts = np.zeros((3, 200), int)
    counts[0, [40, 120]] = counts[1, [44, 118]] = counts[2, [60]] = 1
    found = reduce.reliability(array(counts, "trial", "bin_x", bin_ms=0.5), kernel=3.0)
    smooth = [ndimage.gaussian_filter1d(train.astype(float), 6.0, truncate=9.0, mode="constant") for train in counts]
    by_hand = np.mean([cosine(smooth[i], smooth[j]) for i, j in ((0, 1), (0, 2), (1, 2))])
    assert float(found["reliability"]) == pytest.approx(by_hand, rel=1e-6)
    # two single spikes apart by d: exp(-d^2/(4 sigma^2))
    pair = np.zeros((2, 200), int)
    pair[0, 100] = pair[1, 108] = 1
    found = reduce.reliability(array(pair, "trial", "bin_x", bin_ms=0.5), kernel=3.0)
    assert float(found["reliability"]) == pytest.approx(np.exp(-(4.0**2) / (4 * 3.0**2)), rel=1e-6)
    assert float(reduce.reliability(array(pair, "trial", "bin_x"))["reliability"]) == 0.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": 0.0}, r"reduce.reliability: kernel: must be finite and > 0 \[ms\]"),
        ({"kernel": float("nan")}, "reduce.reliability: kernel: must be finite"),
        ({"kernel": 3.0, "bin_ms": -1.0}, r"reduce.reliability: bin_ms: must be finite and > 0 \[ms\]"),
    ],
)
def test_a_kernel_that_is_none_is_refused(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        reduce.reliability(array(np.ones((3, 10)), "trial", "bin_x"), **options)
    with pytest.raises(InputError, match="bin_ms: is needed"):
        reduce.reliability(xr.DataArray(np.ones((3, 10)), dims=("trial", "bin_x")), kernel=3.0)


def test_events_have_the_jitter_and_the_share_of_trials_that_were_put_in() -> None:
    rng, trials = np.random.default_rng(6), 2000
    counts = np.zeros((trials, 2000), int)
    spikes = {200.0: (1.0, 0.9), 600.0: (4.0, 0.5)}  # mean: jitter [ms], share of trials
    for mean, (jitter, share) in spikes.items():
        who = np.flatnonzero(rng.random(trials) < share)
        counts[who, np.rint((mean + jitter * rng.standard_normal(len(who))) / 0.5 - 0.5).astype(int)] = 1
    both = array(np.stack([counts, np.zeros_like(counts)], axis=1), "trial", "cells_neuron", "bin_x", bin_ms=0.5)
    found = reduce.spike_events(both)
    assert found["cells_neuron"].tolist() == [0, 0]
    assert found["event"].tolist() == [0, 1]
    for row, (mean, (jitter, share)) in zip(found.itertuples(), spikes.items(), strict=True):
        assert row.time == pytest.approx(mean, abs=4 * jitter / np.sqrt(row.spikes))
        wide = np.hypot(jitter, 0.5 / np.sqrt(12))
        assert row.jitter == pytest.approx(wide, abs=4 * row.jitter_error)
        assert row.jitter_error == pytest.approx(jitter / np.sqrt(2 * row.spikes), rel=0.1)
        assert row.reliability == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / trials))
        assert row.start < mean < row.stop


def test_what_is_no_response_gives_no_events() -> None:
    quiet = reduce.spike_events(array(np.zeros((3, 50), int), "trial", "bin_x"))
    assert len(quiet) == 0
    assert "jitter" in quiet
    with pytest.raises(InputError, match="needs spike counts"):
        reduce.spike_events(array(np.full((3, 50), 0.5), "trial", "bin_x"))
    with pytest.raises(InputError, match="least: must be finite and > 0"):
        reduce.spike_events(array(np.zeros((3, 50), int), "trial", "bin_x"), least=0.0)


def test_the_error_above_chance_leaves_a_trial_out_of_the_chance_level_too() -> None:
    """Six trials, each a group: the jackknife by hand, from the results without one of them."""
    counts = np.random.default_rng(7).poisson(0.4 + 1.5 * (np.arange(15) % 5 == 0), (6, 15))
    found = reduce.reliability(array(counts, "trial", "bin_x"))
    left = [reduce.reliability(array(np.delete(counts, i, axis=0), "trial", "bin_x")) for i in range(6)]
    for name, error in (("above_chance", "above_chance_error"), ("reliability", "standard_error")):
        values = np.array([float(one[name]) for one in left])
        expected = np.sqrt(5 / 6 * np.sum((values - values.mean()) ** 2))
        np.testing.assert_allclose(found[error], expected, rtol=1e-9)


def test_what_a_kernel_smears_over_an_end_of_the_record_is_cut_off() -> None:
    """Not folded back into it: the train falls from the end on as a Gaussian does."""
    counts = np.zeros((2, 60), int)
    counts[0, 0] = counts[1, 3] = 1
    found = reduce.reliability(array(counts, "trial", "bin_x"), kernel=4.0)
    first, second = (np.exp(-((np.arange(60) - k) ** 2) / (2 * 4.0**2)) for k in (0, 3))
    assert float(found["reliability"]) == pytest.approx(cosine(first, second), rel=1e-6)


def test_the_jitter_of_few_spikes_is_their_sample_deviation() -> None:
    counts = np.zeros((3, 100), int)
    counts[[0, 1, 2], [40, 43, 41]] = 1
    found = reduce.spike_events(array(counts, "trial", "bin_x"))
    assert found["jitter"].tolist() == pytest.approx([np.std([40, 43, 41], ddof=1)])
