"""Variation-aware training: chips are new in every step and for every seed, and a step follows the mean gradient over them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from helpers.small_task import HIDDEN, OUTPUT, SCALE, fit, points, quiet, same_bits
from helpers.statistical import Deviation, assert_mean
from jaxsnn_noise import random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.engine.addresses import Address, Keys
from jaxsnn_noise.engine.member import impaired
from jaxsnn_noise.training import Variation
from jaxsnn_noise.training.variation import variation_of

X, Y = points(24)
TAU = "network.hidden.neuron.tau_mem"


def spread(cv: float = 0.3) -> dict[str, Any]:
    """Mismatch of the first weights and of time constants."""
    law = jn.laws.LogNormal(cv)
    return {
        "tau": jn.hardware.Mismatch(TAU, law=law, per="neuron"),
        "weights": jn.hardware.Mismatch(HIDDEN, law=law, per="synapse"),
    }


def chip_of(sim: Any, variation: Variation, **indices: int) -> Any:
    """The network of the chip of a step, as the engine makes it."""
    root, address = random.root(3), Address.of(Address({k: jnp.uint32(v) for k, v in sorted(indices.items())}))
    return impaired(variation.on(sim, root, address), Keys(root, address.at("sample", 5), ()))


def test_every_axis_of_the_address_is_another_chip_and_samples_share_theirs() -> None:
    sim, variation = quiet(0), Variation(spread())
    at = {"seed": 0, "step": 7, "chip": 0}
    found = [chip_of(sim, variation, **(at | other)) for other in ({}, {"seed": 1}, {"step": 8}, {"chip": 1})]
    for path in (HIDDEN, TAU):
        leaves = [np.asarray(jn.paths.get({"network": one}, path)) for one in found]
        assert all(np.all(one != leaves[0]) for one in leaves[1:])
        again = chip_of(sim, variation, **at)
        np.testing.assert_array_equal(leaves[0], np.asarray(jn.paths.get({"network": again}, path)))
    two = {name: jn.hardware.Mismatch(f"network.hidden.neuron.{name}", jn.laws.LogNormal(0.3), per="neuron")
           for name in ("tau_mem", "resistance")}  # fmt: skip
    cells = chip_of(sim, Variation(two), **at).populations["hidden"].neuron
    assert np.all(
        np.asarray(cells.tau_mem) / 20.0 != np.asarray(cells.resistance)
    )  # imperfections have draws of their own
    untouched = "network.hidden_to_output.weights"
    np.testing.assert_array_equal(
        jn.paths.get({"network": found[0]}, untouched), jn.paths.get({"network": sim.network}, untouched)
    )


def test_stages_and_devices_of_the_system_are_kept() -> None:
    """Bits that are written come before mismatch whatever is whose; the system's own device stays one."""
    bits = {"bits": jn.hardware.Quantised(HIDDEN, 2)}
    sim = quiet(0)
    own = jn.Simulation(sim.network, sim.inputs, imperfections={"zz_bits": bits["bits"]}, duration=6.0, dt=1.0)
    network = chip_of(own, Variation({"a": spread()["weights"]}), step=1)
    assert len(np.unique(np.abs(np.asarray(jn.paths.get({"network": network}, HIDDEN))))) > 4  # mismatch after rounding
    drawn = jn.Simulation(sim.network, sim.inputs, imperfections={"own": spread()["tau"]}, duration=6.0, dt=1.0)
    chips = [chip_of(drawn, Variation({"a": spread()["weights"]}), step=s) for s in (1, 2)]
    taus = [np.asarray(jn.paths.get({"network": chip}, TAU)) for chip in chips]
    np.testing.assert_array_equal(*taus)
    device = impaired(drawn, Keys(random.root(3), Address.of({}), ()))
    np.testing.assert_array_equal(taus[0], np.asarray(jn.paths.get({"network": device}, TAU)))


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Variation({}), "must hold at least one"),
        (lambda: Variation({"a": 3}), "must be an imperfection"),
        (lambda: Variation(spread(), chips=0), "must be a whole number >= 1"),
        (lambda: variation_of("fit.variation", spread(), quiet(0)), "must be a Variation"),
        (lambda: fit(quiet, (X, Y), variation=Variation({"a": jn.hardware.Mismatch("network.hiden.neuron.tau_mem", jn.laws.LogNormal(0.1), per="neuron")})), "hidden"),
    ],
)  # fmt: skip
def test_what_is_no_variation_is_refused(make: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        make()


def test_a_name_of_the_system_is_refused() -> None:
    sim = quiet(0)
    own = jn.Simulation(sim.network, sim.inputs, imperfections={"tau": spread()["tau"]}, duration=6.0, dt=1.0)
    with pytest.raises(InputError, match="must have a name that no imperfection"):
        fit(own, (X, Y), variation=Variation(spread()))


@pytest.mark.slow
def test_a_step_is_the_mean_gradient_over_its_chips() -> None:
    """One step of plain descent on the whole set against gradients of the chips, made one by one."""
    rate, chips = 0.5, 2
    variation = Variation(spread(), chips=chips)
    found = fit(quiet, (X, Y), variation=variation, epochs=1, batch_size=24, optimiser=optax.sgd(rate))
    start = fit(quiet, (X, Y), epochs=1, batch_size=24, optimiser=optax.sgd(0.0)).sim
    root = random.root(3)
    step = Address.of({"seed": 0}).at("step", 0)
    epoch = Address.of({"seed": 0}).at("epoch", 0)
    order = np.argsort(
        np.asarray(random.bits(random.tick(Keys(root, epoch, ())("training.order"), 0), random.entities(24))),
        kind="stable",
    )
    free = {path: jn.paths.get(start, path) for path in (HIDDEN, OUTPUT)}
    statistics = {"v": jn.statistics.Mean("v", population="output")}

    def loss(free: Any, number: int, part: Any) -> Any:
        sim = variation.on(jn.paths.replace(start, free), root, step.at("chip", number))
        network = impaired(sim, Keys(root, step, ()))

        def one(values: Any) -> Any:
            bare = jn.Simulation(network, {"input": jn.coding.Constant(values)}, duration=6.0, dt=1.0)
            return jn.simulate(bare, key=0, statistics=statistics)["v"]

        readouts = jax.vmap(one)(jnp.asarray(X[part]))
        return optax.softmax_cross_entropy_with_integer_labels(SCALE * readouts, jnp.asarray(Y[part])).mean()

    parts = order.reshape(chips, -1)
    slopes = [jax.grad(loss)(free, number, parts[number]) for number in range(chips)]
    for path in (HIDDEN, OUTPUT):
        mean = sum(np.asarray(slope[path]) for slope in slopes) / chips
        np.testing.assert_allclose(found.leaves[path][0], np.asarray(free[path]) - rate * mean, rtol=2e-4, atol=2e-5)
        assert np.max(np.abs(slopes[0][path] - slopes[1][path])) > 0


@pytest.mark.slow
def test_it_is_off_at_strength_zero_and_afterwards_and_is_told(tmp_path: Path) -> None:
    plain, none = fit(quiet, (X, Y)), fit(quiet, (X, Y), variation=Variation(spread(0.0)))
    for path in (HIDDEN, OUTPUT):
        np.testing.assert_allclose(plain.leaves[path], none.leaves[path], rtol=1e-5, atol=1e-6)
    varied = fit(quiet, (X, Y), variation=Variation(spread(), chips=4), checkpoint=tmp_path)
    assert not np.allclose(varied.leaves[HIDDEN], plain.leaves[HIDDEN])
    assert varied.sim.imperfections == {}
    told = json.loads(varied.history.attrs["variation"])
    assert told["chips"] == 4
    assert sorted(told["imperfections"]) == ["tau", "weights"]
    assert json.loads(plain.history.attrs["variation"]) == {}
    again = fit(quiet, (X, Y), variation=Variation(spread(), chips=4), checkpoint=tmp_path)
    assert same_bits(varied, again)
    for other in (Variation(spread(0.2), chips=4), Variation(spread(), chips=2)):
        with pytest.raises(InputError, match=r"fit\.checkpoint"):
            fit(quiet, (X, Y), variation=other, checkpoint=tmp_path)


@pytest.mark.slow
def test_a_network_trained_on_chips_loses_less_on_chips_at_equal_steps() -> None:
    """Digits, 4 networks of each kind from the same first weights; 100 fresh chips, the same for both, 40 % on weights and neurons."""
    digits = jn.datasets.load("digits")
    train = digits.train.images.reshape(-1, 64), digits.train.labels.astype(np.int32)
    tested, right = digits.test.images.reshape(-1, 64)[:200], digits.test.labels[:200]
    law, inputs = jn.laws.LogNormal(0.4), {"input": jn.coding.Constant(np.zeros(64, np.float32))}
    parts = {name: jn.hardware.Mismatch(f"network.{name}.weights", law, per="synapse")
             for name in ("input_to_hidden", "hidden_to_output")}  # fmt: skip
    parts |= {name: jn.hardware.Mismatch(f"network.hidden.neuron.{name}", law, per="neuron")
              for name in ("tau_mem", "v_threshold")}  # fmt: skip

    def start(key: Any) -> jn.Simulation:
        return jn.Simulation(jn.networks.feedforward([64, 24, 10], key=key), inputs, duration=15.0, dt=1.0)

    def on_chips(fitted: Any) -> np.ndarray:
        readout = jn.statistics.Mean("v", population="output")
        chips = jn.Simulation(fitted.sims[0].network, inputs, imperfections=parts, duration=15.0, dt=1.0,
                              statistics={"readout": readout})  # fmt: skip
        data = jn.monte_carlo(chips, [fitted.axis(), jn.Devices(100), jn.Samples(tested)], key=11, progress=False)
        correct = data["readout"].argmax("output_neuron") == along_samples(right)
        return np.asarray(correct.mean(["sample", "seed"]).values)

    settings = {"loss": jn.training.losses.CrossEntropy(scale=10.0), "epochs": 24, "batch_size": 64, "seeds": 4,
                "optimiser": optax.adam(5e-3)}  # fmt: skip
    plain = fit(start, train, **settings)
    varied = fit(start, train, variation=Variation(parts, chips=8), **settings)
    gained = on_chips(varied) - on_chips(plain)
    assert gained.mean() > 0
    with pytest.raises(Deviation):  # that nothing is gained is refuted
        assert_mean(gained, 0.0)


def along_samples(labels: np.ndarray) -> Any:
    """Labels along the samples."""
    import xarray

    return xarray.DataArray(labels, dims="sample")
