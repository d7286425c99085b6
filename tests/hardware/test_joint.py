"""Several leaves drawn together: correlated scores, and whole rows of a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxsnn_noise as jn
from helpers.statistical import assert_correlation, assert_mean, assert_proportion, assert_variance, negative_control
from jaxsnn_noise import laws, random
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.hardware import JointMismatch, TabulatedMismatch, VarianceSplit

CELLS, OTHERS = "network.cells.neuron.", "network.others.neuron."
SIZE = 3000
TABLE = {"tau": [16.0, 20.0, 20.0, 25.0], "vth": [0.9, 1.0, 1.1, 1.3], "gain": [1.2, 1.0, 0.9, 0.9]}


def network(size: int = SIZE) -> jn.Network:
    cells = jn.Population(jn.neurons.LIF(size))
    others = jn.Population(jn.neurons.LIF(size))
    return jn.Network({"cells": cells, "others": others})


NETWORK = network()


@eqx.filter_jit
def chip(imperfection: Any, key: Any) -> Any:
    return imperfection.apply(NETWORK, key)


def scores(imperfection: JointMismatch, cv: float = 0.2) -> dict[str, np.ndarray]:
    """The standard normal scores that log-normal laws have got."""
    made, s2 = chip(imperfection, random.root(7)), np.log(1 + cv**2)
    found = {}
    for path in imperfection.paths:
        nominal = np.asarray(jn.paths.get({"network": NETWORK}, path), np.float64)
        values = np.asarray(jn.paths.get({"network": made}, path), np.float64)
        found[path] = (np.log(values / nominal) + s2 / 2) / np.sqrt(s2)
    return found


def lognormal(*names: str) -> dict[str, laws.Law]:
    return {name: laws.LogNormal(cv=0.2) for name in names}


@pytest.mark.slow
def test_one_score_drives_all_leaves_of_a_neuron() -> None:
    tau, gain = scores(JointMismatch(lognormal(CELLS + "tau_mem", CELLS + "resistance"), per="neuron")).values()
    np.testing.assert_allclose(tau, gain, atol=2e-5)
    assert_variance(tau, 1.0)
    assert_mean(tau, 0.0)


@pytest.mark.slow
def test_scores_have_the_correlation_that_is_given() -> None:
    names = CELLS + "tau_mem", CELLS + "resistance", CELLS + "v_threshold"
    wanted = np.array([[1.0, -0.6, 0.3], [-0.6, 1.0, 0.2], [0.3, 0.2, 1.0]])
    found = list(scores(JointMismatch(lognormal(*names), per="neuron", correlation=wanted)).values())
    for z in found:
        assert_variance(z, 1.0)

    def check(factor: float) -> None:
        for a, b in ((0, 1), (0, 2), (1, 2)):
            assert_correlation(found[a], found[b], factor * wanted[a, b], false_alarm=1e-3)

    check(1.0)
    negative_control(check)


@pytest.mark.slow
def test_opposite_leaves_fall_where_others_rise() -> None:
    both = lognormal(CELLS + "tau_mem", CELLS + "resistance")
    made = JointMismatch(both, per="neuron", correlation=[[1, -1], [-1, 1]])
    tau, gain = scores(made).values()
    assert made.loadings.shape == (2, 1)
    np.testing.assert_allclose(tau, -gain, atol=2e-5)


@pytest.mark.slow
def test_layers_share_die_and_nothing_else() -> None:
    leaves = lognormal(CELLS + "tau_mem", OTHERS + "tau_mem")
    apart = scores(JointMismatch(leaves, per="neuron"))
    assert_correlation(*apart.values(), 0.0)
    alike = scores(JointMismatch(leaves, per=VarianceSplit(die=1.0)))
    np.testing.assert_allclose(*alike.values(), atol=2e-5)
    layers = [z.mean() for z in scores(JointMismatch(leaves, per=VarianceSplit(layer=1.0))).values()]
    assert abs(layers[0] - layers[1]) > 1e-3
    chips = scores(JointMismatch(leaves, per="chip"))
    np.testing.assert_allclose(*chips.values(), atol=2e-5)


@pytest.mark.slow
def test_the_same_neurons_get_worse_and_other_devices_are_others() -> None:
    imperfection = JointMismatch(lognormal(CELLS + "tau_mem"), per="neuron")
    worse = jn.paths.replace(imperfection, {"laws.0.cv": 0.4})
    one, more = (np.asarray(chip(m, random.root(7)).populations["cells"].neuron.tau_mem) for m in (imperfection, worse))
    np.testing.assert_array_equal(np.argsort(one), np.argsort(more))
    other = np.asarray(chip(imperfection, random.root(8)).populations["cells"].neuron.tau_mem)
    assert not np.any(one == other)


@pytest.mark.slow
def test_rows_of_a_table_are_drawn_as_a_whole_and_alike() -> None:
    table = TabulatedMismatch(
        {CELLS + "tau_mem": "tau", CELLS + "resistance": "gain"},
        TABLE,
        per="neuron",
        shifts={CELLS + "v_threshold": "vth"},
        nominal={"tau": 20.0},
    )
    cells = chip(table, random.root(3)).populations["cells"].neuron
    found = np.stack([cells.tau_mem, cells.resistance, cells.v_threshold], 1)
    rows = np.stack([np.array(TABLE["tau"]), np.array(TABLE["gain"]), 1.0 + np.array(TABLE["vth"]) - 1.075], 1)
    which = np.abs(found[:, None] - rows[None]).max(-1) < 1e-5
    np.testing.assert_array_equal(which.sum(1), 1)
    counts = which.sum(0)

    def check(factor: float) -> None:
        assert_proportion(counts, SIZE, factor * 0.25)

    check(1.0)
    negative_control(check)
    still = jn.paths.replace(table, {"strength": 0.0})
    same = chip(still, random.root(3)).populations["cells"].neuron
    np.testing.assert_array_equal(same.v_threshold, NETWORK.populations["cells"].neuron.v_threshold)
    np.testing.assert_array_equal(same.tau_mem, NETWORK.populations["cells"].neuron.tau_mem)


@pytest.mark.slow
def test_a_row_per_chip_is_one_for_all_leaves() -> None:
    both = {CELLS + "tau_mem": "tau", OTHERS + "tau_mem": "tau"}
    made = chip(TabulatedMismatch(both, TABLE, per="chip"), random.root(3))
    values = np.concatenate([made.populations[name].neuron.tau_mem for name in ("cells", "others")])
    assert len(np.unique(values)) == 1


@pytest.mark.slow
def test_data_frames_are_tables() -> None:
    import pandas

    frame = TabulatedMismatch({CELLS + "tau_mem": "tau"}, pandas.DataFrame(TABLE), per="neuron")
    plain = TabulatedMismatch({CELLS + "tau_mem": "tau"}, TABLE, per="neuron")
    np.testing.assert_array_equal(frame.deviations, plain.deviations)


def test_a_file_of_a_circuit_simulator_is_a_table(tmp_path: Path) -> None:
    file = tmp_path / "mc.csv"
    names = list(TABLE)
    lines = [",".join(names), "# run 3", *(",".join(map(str, row)) for row in zip(*TABLE.values(), strict=True))]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    columns = {CELLS + "tau_mem": "tau", CELLS + "resistance": "gain"}
    found = TabulatedMismatch(columns, file, per="neuron")
    np.testing.assert_array_equal(found.deviations, TabulatedMismatch(columns, TABLE, per="neuron").deviations)
    with pytest.raises(InputError, match=r"unknown name; got 'gian'. Did you mean 'gain'"):
        TabulatedMismatch({CELLS + "tau_mem": "gian"}, str(file), per="neuron")
    with pytest.raises(InputError, match=r"TabulatedMismatch.table: must be a file"):
        TabulatedMismatch(columns, tmp_path / "none.csv", per="neuron")
    file.write_text("tau,gain\n1.0\n2.0,3.0\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"must have a value of each column in each row of mc.csv"):
        TabulatedMismatch(columns, file, per="neuron")


@pytest.mark.slow
def test_gradients_flow_to_spreads_and_strength() -> None:
    net = network(40)

    def total(cv: jax.Array) -> jax.Array:
        both = JointMismatch(
            {CELLS + "tau_mem": laws.LogNormal(cv), CELLS + "resistance": laws.Normal(0.1)},
            per="neuron",
            correlation=[[1.0, 0.5], [0.5, 1.0]],
        )
        made: jax.Array = both.apply(net, random.root(1)).populations["cells"].neuron.tau_mem.sum()
        return made

    slope = jax.jit(jax.grad(total))(jnp.float32(0.2))
    difference = (float(total(jnp.float32(0.205))) - float(total(jnp.float32(0.195)))) / 0.01
    np.testing.assert_allclose(slope, difference, rtol=0.02)


def both(**options: Any) -> Any:
    return JointMismatch(lognormal(CELLS + "tau_mem", CELLS + "resistance"), **({"per": "neuron"} | options))


def in_a_simulation(imperfection: Any) -> Any:
    return jn.Simulation(network(3), duration=2.0, dt=1.0, imperfections={"x": imperfection})


def rows(columns: dict[str, str] | None = None, table: Any = None, **options: Any) -> Any:
    wanted = {CELLS + "tau_mem": "tau"} if columns is None else columns
    return TabulatedMismatch(wanted, TABLE if table is None else table, **({"per": "neuron"} | options))


REFUSED: dict[str, Any] = {
    r"JointMismatch.correlation: must be positive semidefinite: its least eigenvalue is -0.5": lambda: both(
        correlation=[[1, 1.5], [1.5, 1]]
    ),
    r"JointMismatch.correlation: must be symmetric with a diagonal of 1": lambda: both(
        correlation=[[1, 0.2], [0.3, 1]]
    ),
    r"JointMismatch.correlation: must be finite numbers of shape \(2, 2\)": lambda: both(correlation=np.eye(3)),
    r"JointMismatch.per: unknown name; got 'layer'": lambda: both(per="layer"),
    r"no such name under .*neuron; got 'tau_men'. Did you mean 'tau_mem'": lambda: in_a_simulation(
        JointMismatch(lognormal(CELLS + "tau_men"), per="neuron")
    ),
    r"imperfections.x.laws: must keep network.cells.neuron.tau_mem in its range": lambda: in_a_simulation(
        JointMismatch({CELLS + "tau_mem": laws.Normal(0.2)}, per="neuron")
    ),
    r"imperfections.x.loadings: must have rows of length 1": lambda: in_a_simulation(
        jn.paths.replace(both(), {"loadings": 2.0})
    ),
    r"TabulatedMismatch.table: unknown name; got 'tua'. Did you mean 'tau'": lambda: rows({CELLS + "tau_mem": "tua"}),
    r"TabulatedMismatch.table: must have one value of each column in each row": lambda: rows(
        {CELLS + "tau_mem": "tau", CELLS + "resistance": "gain"}, {"tau": [1.0, 2.0], "gain": [1.0, 2.0, 3.0]}
    ),
    r"TabulatedMismatch.table\['tau'\]: must be finite numbers": lambda: rows(table={"tau": [1.0, np.nan]}),
    r"TabulatedMismatch.table\['tau'\]: must be numbers": lambda: rows(table={"tau": ["a", "b"]}),
    r"TabulatedMismatch.nominal\['tau'\]: must not be 0": lambda: rows(table={"tau": [1.0, -1.0]}),
    r"TabulatedMismatch.nominal: unknown name; got 'tua'": lambda: rows(nominal={"tua": 1.0}),
    r"TabulatedMismatch.shifts: must not name a leaf that factors names": lambda: rows(
        shifts={CELLS + "tau_mem": "vth"}
    ),
    r"TabulatedMismatch.per: takes a word": lambda: rows(per=VarianceSplit(neuron=1.0)),
    r"imperfections.x.table\['tau'\]: must keep network.cells.neuron.tau_mem in its range": lambda: in_a_simulation(
        rows(table={"tau": [-1.0, 4.0]})
    ),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_what_does_not_fit_is_refused(rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        REFUSED[rule]()
