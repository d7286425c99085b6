"""Noise of training alone: it is on in every step of the optimiser, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, OUTPUT, fit, noisy, points, quiet, same_bits
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.sources import checked_sources

X, Y = points(24)
SIGMA = 0.2


def membrane(sigma: float = SIGMA) -> dict[str, dict[str, Any]]:
    """The source that ``noisy`` has from the start."""
    return {"hidden": {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(sigma))}}


def release(factor: float) -> dict[str, dict[str, Any]]:
    """Failures on the way to the readout."""
    return {"hidden_to_output": {"failure": jn.noise.BernoulliRelease(factor)}}


@pytest.mark.slow
def test_training_noise_moves_the_weights_as_noise_of_the_system_and_is_gone_afterwards() -> None:
    apart, inside = fit(quiet, (X, Y), noise=membrane(), epochs=1), fit(noisy, (X, Y), epochs=1)
    for path in (HIDDEN, OUTPUT):
        np.testing.assert_array_equal(apart.leaves[path], inside.leaves[path])
    np.testing.assert_array_equal(apart.history.loss, inside.history.loss)
    assert float(jn.paths.get(apart.sim, "network.hidden.noise.membrane.amplitude.sigma")) == 0.0
    one, other = apart.predict((X, Y), key=5), inside.predict((X, Y), key=5)  # quiet and noisy, of equal weights
    assert np.any(one.readout.values != other.readout.values)
    np.testing.assert_array_equal(apart.predict((X, Y), key=5, noise=membrane()).readout, other.readout)
    assert json.loads(apart.history.noise)["hidden"]["membrane"]["kind"] == "VoltageNoise"
    assert json.loads(inside.history.noise) == {}


@pytest.mark.slow
def test_validation_and_assessment_are_without_it_or_with_other_noise() -> None:
    apart = fit(quiet, (X, Y), noise=membrane(), validation=(X, Y), epochs=1)
    inside = fit(noisy, (X, Y), validation=(X, Y), epochs=1)
    np.testing.assert_array_equal(apart.history.loss, inside.history.loss)
    assert not np.array_equal(apart.history.validation_loss, inside.history.validation_loss)
    assert apart.evaluate((X, Y), key=5, noise=membrane()).loss == inside.evaluate((X, Y), key=5).loss
    assert apart.evaluate((X, Y), key=5).loss != inside.evaluate((X, Y), key=5).loss
    assert apart.evaluate((X, Y), key=5).loss == inside.evaluate((X, Y), key=5, noise=membrane(0.0)).loss


@pytest.mark.slow
def test_several_draws_are_fresh_noise_and_nothing_else() -> None:
    fitted = fit(noisy, (X, Y), seeds=2, epochs=1)
    found = fitted.predict((X, Y), key=5, draws=3)
    assert dict(found.readout.sizes) == {"seed": 2, "draw": 3, "sample": 24, "class": 3}
    assert found.correct.dims == found.loss.dims == ("seed", "draw", "sample")
    assert np.all(found.readout.std("draw").max("class") > 0)
    np.testing.assert_array_equal(found.prediction, found.readout.argmax("class"))
    np.testing.assert_array_equal(fitted.predict((X, Y), key=5, draws=2).readout, found.readout.isel(draw=[0, 1]))
    for seed, draw, sample in ((0, 2, 5), (1, 1, 23)):
        inputs = {"input": jn.coding.Constant(X[sample])}
        shown = eqx.tree_at(lambda s: s.inputs, fitted.sims[seed], inputs)
        at = jn.Address.of({"seed": seed, "draw": draw, "sample": sample})
        readout = {"v": jn.statistics.Mean("v", population="output")}
        alone = jn.simulate(shown, key=5, address=at, statistics=readout)["v"]
        np.testing.assert_allclose(found.readout.values[seed, draw, sample], alone, rtol=1e-5, atol=1e-6)
    still = fit(quiet, (X, Y), epochs=1)
    same, once = still.predict((X, Y), key=5, draws=2), still.predict((X, Y), key=5)
    np.testing.assert_array_equal(same.readout.isel(draw=1), once.readout)
    with pytest.raises(InputError, match=r"predict.draws: must be a whole number >= 1"):
        still.predict((X, Y), key=5, draws=0)


def test_with_noise_adds_exchanges_and_takes_away_and_leaves_the_rest() -> None:
    sim = noisy(0)
    other = jn.with_noise(sim, {"hidden": {"late": jn.noise.ThresholdNoise(jn.noise.PerStep(0.1))}, **release(0.3)})
    assert sorted(other.network.populations["hidden"].noise) == ["late", "membrane"]
    assert sorted(other.network.projections["hidden_to_output"].noise) == ["failure"]
    gone = {"hidden": {"late": None}, "hidden_to_output": {"failure": None}}
    back = jn.with_noise(other, gone)
    stats = {"x": jn.statistics.Trace("v", population="output")}
    shown = jn.paths.replace(sim, {"inputs.input.values": 1.0}), jn.paths.replace(back, {"inputs.input.values": 1.0})
    one, two = (jn.simulate(s, key=3, statistics=stats)["x"].v for s in shown)
    np.testing.assert_array_equal(one, two)
    louder = jn.paths.replace(jn.with_noise(sim, membrane(0.7)), {"inputs.input.values": 1.0})
    by_path = jn.paths.replace(shown[0], {"network.hidden.noise.membrane.amplitude.sigma": 0.7})
    np.testing.assert_array_equal(*(jn.simulate(s, key=3, statistics=stats)["x"].v for s in (louder, by_path)))
    assert np.any(one != jn.simulate(louder, key=3, statistics=stats)["x"].v)
    network = jn.with_noise(sim.network, {"hidden": {"membrane": None}})
    assert network.populations["hidden"].noise == {}
    assert sim.network.populations["hidden"].noise


@pytest.mark.slow
@pytest.mark.parametrize(
    "noise",
    [
        {**release(0.4), "output": {"read": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}},
        {
            "hidden": {
                "drop": jn.noise.SpikeDrop(0.4),
                "slow": jn.noise.CurrentNoise(jn.noise.PerStep(0.5), colour=jn.noise.OrnsteinUhlenbeck(5.0)),
                "late": jn.noise.ThresholdNoise(jn.noise.PerStep(0.3)),
            }
        },
    ],
)
def test_any_source_is_that_of_a_network_which_has_it(noise: Any) -> None:
    apart = fit(quiet, (X, Y), noise=noise, seeds=2)
    inside = fit(lambda key: jn.with_noise(quiet(key), noise), (X, Y), seeds=2)
    silent = fit(quiet, (X, Y), seeds=2)
    for path in (HIDDEN, OUTPUT):
        np.testing.assert_array_equal(apart.leaves[path], inside.leaves[path])
    assert not same_bits(apart, silent)
    answers = inside.predict((X, Y), key=1).readout
    np.testing.assert_array_equal(apart.predict((X, Y), key=1, noise=noise).readout, answers)
    for sim in apart.sims:
        assert jn.paths.leaves(sim).keys() == jn.paths.leaves(quiet(0)).keys()


@pytest.mark.slow
def test_batches_of_ones_own_and_the_look_at_the_start_have_it_too() -> None:
    batches = [(X[:8], Y[:8]), (X[8:16], Y[8:16])]
    apart = fit(quiet, batches, noise=membrane(), epochs=1, check_start=True)
    inside = fit(noisy, batches, epochs=1, check_start=True)
    np.testing.assert_array_equal(apart.leaves[HIDDEN], inside.leaves[HIDDEN])
    assert apart.history.start == inside.history.start


@pytest.mark.slow
def test_a_checkpoint_of_other_training_noise_is_refused(tmp_path: Path) -> None:
    first = fit(quiet, (X, Y), noise=membrane(), epochs=1, checkpoint=tmp_path)
    again = fit(quiet, (X, Y), noise=membrane(), epochs=1, checkpoint=tmp_path)
    assert same_bits(first, again)
    for noise in (membrane(0.3), None):
        with pytest.raises(InputError, match=r"fit\.checkpoint"):
            fit(quiet, (X, Y), noise=noise, epochs=1, checkpoint=tmp_path)


SOURCE = jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        (SOURCE, "must map names to their sources"),
        ({"hidden": SOURCE}, "must map names to sources"),
        ({"hidden": {"m": 0.1}}, "must be a source, or None to take one away; got 'float'"),
    ],
)
def test_what_is_no_source_is_refused(noise: Any, told: str) -> None:
    with pytest.raises(InputError, match=f"who.*{told}"):
        checked_sources("who", quiet(0).network, noise)


@pytest.mark.parametrize(
    ("noise", "told"),
    [
        ({"hiden": {"m": SOURCE}}, "hidden"),
        ({"input": {"m": SOURCE}}, "got 'input'"),
        ({"hidden": {"m": None}}, "got 'm'"),
        ({"hidden": {"m": jn.noise.BernoulliRelease(0.1)}}, "current, voltage, threshold or spike source"),
        ({"hidden_to_output": {"m": SOURCE}}, "must be a release source"),
        ({"output": {"m": jn.noise.SpikeDrop(0.1)}}, "a neuron that never fires has no such seam"),
        (
            {
                "hidden": {
                    "m": jn.noise.CurrentNoise(
                        jn.noise.PerStep(0.1), correlation=jn.noise.Covariance(np.eye(3, dtype=np.float32))
                    )
                }
            },
            "3",
        ),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_runs(noise: Any, told: str) -> None:
    with pytest.raises(InputError, match=told):
        jn.with_noise(quiet(0), noise)
    with pytest.raises(InputError, match=told):
        fit(quiet, (X, Y), noise=noise)


@pytest.mark.slow
def test_noise_that_does_not_fit_is_refused_where_networks_are_assessed() -> None:
    fitted = fit(quiet, (X, Y), epochs=1)
    for assess in (fitted.evaluate, fitted.predict):
        with pytest.raises(InputError, match="hidden"):
            assess((X, Y), key=0, noise={"hiden": {"m": SOURCE}})
        with pytest.raises(InputError, match="never fires"):
            assess((X, Y), key=0, noise={"output": {"m": jn.noise.SpikeDrop(0.1)}})
