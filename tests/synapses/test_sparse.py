"""Single synapses: built from any list, and equal in every spike to the dense projection of the same weights."""

import subprocess
import sys

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse

import jaxsnn_noise as jn
from jaxsnn_noise import paths
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import check_tree
from jaxsnn_noise.synapses import (
    Dense,
    ExactSums,
    Exponential,
    FixedInDegree,
    FixedOutDegree,
    NativeSums,
    Probability,
    Sparse,
    random_weights,
)

SIZES = [(5, 3), (50, 70), *(pytest.param(size, marks=pytest.mark.slow) for size in [(300, 40), (40, 3000)])]
OPTIONS = {"size": (4, 3), "rows": [2, 0, 3, 0], "columns": [1, 0, 0, 2], "weights": [1.0, 2.0, 3.0, 4.0]}


def some_weights(size, probability=0.3):
    """Weights of a wide range of sizes, with silent rows and columns."""
    rng = np.random.default_rng(size[1])
    weights = rng.normal(size=size) * rng.lognormal(0, 2, size=(size[0], 1))
    weights = np.where(rng.random(size) < probability, weights, 0).astype(np.float32)
    weights[size[0] // 2], weights[:, size[1] // 2] = 0, 0
    return weights


def spikes_of(sources, steps=9):
    """Spikes [step, source]; nobody fires in the first step, everybody in the second."""
    spikes = np.random.default_rng(1).random((steps, sources)) < np.linspace(0.02, 0.9, steps)[:, None]
    spikes[0], spikes[1] = False, True
    return jnp.asarray(spikes, jnp.float32)


# ---- construction ----


def test_synapses_are_kept_by_source_in_whatever_order_they_are_given():
    rng = np.random.default_rng(0)
    weights = some_weights((50, 70))
    rows, columns = np.nonzero(weights)
    for order in (np.arange(len(rows)), rng.permutation(len(rows)), np.lexsort((rows, columns))):
        made = Sparse(
            "a", "b", size=(50, 70), rows=rows[order], columns=columns[order], weights=weights[rows, columns][order]
        )
        np.testing.assert_array_equal(made.dense_weights(), weights)
        np.testing.assert_array_equal(np.lexsort((made.rows, made.columns)), np.arange(len(rows)))
        np.testing.assert_array_equal(made.weights, weights[made.rows, made.columns])
        np.testing.assert_array_equal(made.fan_out(), Dense("a", "b", weights).fan_out())
        made.check("p", 70, 50)


@pytest.mark.slow
def test_synapses_are_kept_in_the_same_order_while_tracing():
    rng = np.random.default_rng(0)
    rows, columns = (x.astype(np.int32) for x in np.divmod(rng.choice(50 * 70, 300, replace=False), 70))

    def make(rows, columns, weights):
        return Sparse("a", "b", size=(50, 70), rows=rows, columns=columns, weights=weights)

    given = rows, columns, np.arange(1.0, 1.0 + len(rows), dtype=np.float32)
    wanted = make(*given)
    traced = jax.jit(make)(*given)
    stack = jax.vmap(make)(*(jnp.stack([x, x[::-1]]) for x in given))
    for name, leaf in paths.leaves(wanted).items():
        np.testing.assert_array_equal(paths.get(traced, name), leaf)
        np.testing.assert_array_equal(paths.get(stack, name), [leaf, leaf])
    arrivals = jax.vmap(lambda p, s: p.arrivals(p.prepared(), s))(stack, jnp.ones((2, 70)))
    np.testing.assert_array_equal(arrivals, jnp.stack([wanted.arrivals(wanted.prepared(), jnp.ones(70))] * 2))


@pytest.mark.parametrize("size", [(70_000, 5), (5, 70_000)], ids=str)
def test_populations_of_more_than_sixteen_bits_are_sorted_too(size):
    rng = np.random.default_rng(0)
    flat = rng.choice(size[0] * size[1], 400, replace=False)
    rows, columns = flat // size[1], flat % size[1]
    made = Sparse("a", "b", size=size, rows=rows, columns=columns, weights=np.arange(400.0))
    order = np.lexsort((rows, columns))
    np.testing.assert_array_equal([made.rows, made.columns, made.weights], [rows[order], columns[order], order])


def test_one_number_is_the_weight_of_every_synapse():
    made = Sparse("a", "b", **(OPTIONS | {"weights": 0.5}))
    assert made.weights.tolist() == [0.5] * 4
    assert {k: (v.shape, v.dtype.name) for k, v in paths.leaves(made).items()} == {
        "rows": ((4,), "int32"),
        "starts": ((4,), "int32"),
        "weights": ((4,), "float32"),
    }


def test_every_constructor_gives_the_same_synapses():
    weights = some_weights((50, 70))
    wanted = Sparse.from_dense("a", "b", weights, kinetics=Exponential(5.0), delay=2.0)
    np.testing.assert_array_equal(wanted.dense_weights(), weights)
    kinds = [
        getattr(scipy.sparse, f"{kind}_{word}") for kind in ("coo", "csr", "csc", "lil") for word in ("matrix", "array")
    ]
    csr = scipy.sparse.csr_array(weights)
    made = [Sparse.from_scipy("a", "b", kind(weights), kinetics=Exponential(5.0), delay=2.0) for kind in kinds]
    parts = csr.indptr, csr.indices, csr.data
    made.append(Sparse.from_csr("a", "b", *parts, sources=70, kinetics=Exponential(5.0), delay=2.0))
    for other in made:
        assert eqx.tree_equal(wanted, other)


def test_a_stored_zero_is_a_synapse():
    matrix = scipy.sparse.coo_array(([0.0, 1.0], ([0, 1], [2, 2])), shape=(2, 3))
    assert Sparse.from_scipy("a", "b", matrix).fan_out().tolist() == [0, 0, 2]


@pytest.mark.slow
def test_a_drawn_graph_has_the_degrees_and_weights_asked_for():
    made = Sparse.drawn(
        "a", "a", FixedInDegree(7, autapses=False), size=(30, 30), key=3, weights=jn.laws.UniformBetween(1.0, 2.0)
    )
    assert np.bincount(made.rows, minlength=30).tolist() == [7] * 30
    assert 1.0 < float(made.weights.min()) < float(made.weights.max()) < 2.0
    assert len(np.unique(made.weights)) == 210
    again = Sparse.drawn("a", "a", FixedInDegree(7, autapses=False), size=(30, 30), key=jax.random.key(3), weights=2.0)
    np.testing.assert_array_equal(again.rows, made.rows)
    assert Sparse.drawn("a", "a", FixedOutDegree(9, multapses=True), size=(3, 3), key=0, weights=1.0).multapses


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"size": (4, 0)}, r"size: must be a whole number >= 1; got 0"),
        ({"size": (0, 3)}, r"size: must be a whole number >= 1; got 0"),
        ({"rows": [2, 0, 4, 0]}, r"rows: must lie in \[0, 3\]"),
        ({"rows": [2, 0, -1, 0]}, r"rows: must lie in \[0, 3\]"),
        ({"columns": [1, 0, 0, 3]}, r"columns: must lie in \[0, 2\]"),
        ({"rows": [2.0, 0.0, 3.0, 0.0]}, "rows: must be whole numbers, one per synapse"),
        ({"columns": [1, 0, 0]}, r"columns: must have one entry per row \(4\); got 3"),
        ({"weights": [1.0, 2.0]}, r"weights: must be one number or one per synapse \(shape \(4,\)\)"),
        ({"weights": jn.laws.Fixed(1.0)}, "weights: a law needs a key"),
        ({"rows": [0, 0, 3, 0], "columns": [1, 2, 0, 2]}, r"one synapse without multapses; got \(0, 2\)"),
    ],
)
def test_what_does_not_fit_is_refused(changed, message):
    with pytest.raises(InputError, match=message):
        Sparse("a", "b", **(OPTIONS | changed))


def test_other_forms_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="from_scipy: must be a sparse matrix"):
        Sparse.from_scipy("a", "b", np.eye(3))
    with pytest.raises(InputError, match="from_dense: must be a matrix"):
        Sparse.from_dense("a", "b", np.ones(3))
    with pytest.raises(InputError, match=r"from_dense: must be a matrix .* known before tracing"):
        jax.jit(lambda w: Sparse.from_dense("a", "b", w).weights)(jnp.eye(3))
    with pytest.raises(InputError, match=r"indptr: must rise from 0 to the number of indices \(3\)"):
        Sparse.from_csr("a", "b", [0, 2, 1, 3], [0, 1, 2], 1.0, sources=3)


def test_arguments_of_a_wrong_kind_are_refused():
    # without the type checker of the tests, which would speak first
    code = """
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import check_tree
from jaxsnn_noise.synapses import FixedInDegree, Sparse
for make in (
    lambda: Sparse("a", "b", size=4, rows=[0], columns=[0], weights=1.0),
    lambda: Sparse("a", "b", size=(4, 3, 2), rows=[0], columns=[0], weights=1.0),
    lambda: Sparse.drawn("a", "b", 0.1, size=(3, 3), key=0, weights=1.0),
    lambda: FixedInDegree(1).draw(0, 4),
):
    try:
        make()
    except InputError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == [
        "Sparse('a', 'b').size: must be (target, source); got 4",
        "Sparse('a', 'b').size: must be (target, source); got (4, 3, 2)",
        "Sparse.drawn: must be a connectivity, e.g. FixedInDegree(100); got 0.1",
        "FixedInDegree.draw.size: must be (target, source); got 4",
    ]


def test_leaves_that_were_exchanged_are_looked_at_again():
    made = Sparse("a", "b", **OPTIONS)
    made.check("p", 3, 4)
    for path, value, message in [
        ("rows", [9, 0, 0, 0], r"p.rows: must lie in \[0, 3\]"),
        ("rows", [3, 0, 2, 0], "p.rows: a pair"),
        ("starts", [0, 3, 2, 4], "p.starts: must rise"),
        ("starts", [0, 2, 3, 5], r"p.starts: must rise from 0 to the number of synapses \(4\)"),
    ]:
        with pytest.raises(InputError, match=message):
            paths.replace(made, {path: jnp.asarray(value)}).check("p", 3, 4)
    with pytest.raises(InputError, match=r"p.weights: must be finite \[nA\]"):
        check_tree("p", paths.replace(made, {"weights": jnp.asarray([1.0, np.inf, 0.0, 0.0])}))
    with pytest.raises(InputError, match=r"p.delay: must be finite and >= 0"):
        Sparse("a", "b", delay=-1.0, **OPTIONS).check("p", 3, 4)


# ---- the same bits as the dense projection ----


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("largest", [1, 2, 5, 64])
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_the_grid_of_a_row_is_that_of_the_matrix(size, largest, scale):
    weights = some_weights(size) * np.float32(scale)
    columns, rows = np.nonzero(weights.T)
    of_matrix = np.asarray(ExactSums().prepare(jnp.asarray(weights), largest=largest))
    args = jnp.asarray(weights[rows, columns]), jnp.asarray(rows, jnp.int32)
    of_rows = ExactSums().prepare_rows(*args, size=size, largest=largest)
    np.testing.assert_array_equal(of_rows, of_matrix[rows, columns])
    np.testing.assert_array_equal(NativeSums().prepare_rows(*args, size=size, largest=largest), args[0])


@pytest.mark.parametrize("largest", [2, 3, 8, 100])
def test_sums_of_whole_numbers_up_to_the_largest_are_exact(largest):
    weights = some_weights((50, 784), 0.9)
    numbers = np.random.default_rng(0).integers(0, largest + 1, (20, 784)).astype(np.float32)
    numbers[0] = largest
    grid = np.asarray(ExactSums().prepare(jnp.asarray(np.abs(weights)), largest=largest))
    running = np.zeros((20, 50), np.float32)
    for j in range(784):
        running += numbers[:, j, None] * grid[:, j]
    np.testing.assert_array_equal(running, numbers.astype(np.float64) @ grid.astype(np.float64).T)
    # the grid is not coarser than it has to be: one bit less, and some row of full activity has no room
    assert np.any(np.abs(ExactSums().prepare(jnp.asarray(weights)) - weights) < np.abs(grid - np.abs(weights)))


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_arrivals_of_spikes_are_bit_by_bit_those_of_the_matrix(size):
    weights, spikes = some_weights(size), spikes_of(size[1])
    dense, sparse = Dense("a", "b", weights), Sparse.from_dense("a", "b", weights)
    wanted = dense.arrivals(dense.prepared(), spikes)
    prepared = sparse.prepared()
    np.testing.assert_array_equal(sparse.arrivals(prepared, spikes), wanted)
    np.testing.assert_array_equal(jax.vmap(lambda s: sparse.arrivals(prepared, s))(spikes), wanted)
    for spike, row in zip(spikes, wanted, strict=True):
        np.testing.assert_array_equal(sparse.arrivals(prepared, spike), row)
    assert not wanted[0].any()
    assert wanted[1].any()


@pytest.mark.slow
def test_several_synapses_of_a_pair_have_exact_sums_too():
    rng = np.random.default_rng(0)
    rows, columns = rng.integers(0, 3, 900), rng.integers(0, 4, 900)  # 75 per pair: more in a row than sources
    made = Sparse(
        "a", "b", size=(3, 4), rows=rows, columns=columns, weights=np.abs(rng.normal(size=900)), multapses=True
    )
    made.check("p", 4, 3)
    grid, spikes = np.asarray(made.prepared().weights, np.float64), spikes_of(4)
    wanted = [np.bincount(made.rows, grid * np.asarray(s)[made.columns], 3) for s in spikes]
    np.testing.assert_array_equal(made.arrivals(made.prepared(), spikes), wanted)
    np.testing.assert_allclose(grid, made.weights, atol=2.1 * 900 * 2.0**-24)


def test_the_gradient_passes_straight_through_the_rounding():
    made = Sparse.from_dense("a", "b", some_weights((50, 70)))
    slopes = jnp.arange(1.0, 1.0 + len(made.weights))

    def loss(p):
        return jnp.vdot(p.prepared().weights, slopes)

    np.testing.assert_array_equal(eqx.filter_grad(loss)(made).weights, slopes)
    forward = eqx.filter_jvp(lambda w: loss(eqx.tree_at(lambda p: p.weights, made, w)), (made.weights,), (slopes,))[1]
    np.testing.assert_allclose(forward, jnp.vdot(slopes, slopes), rtol=1e-6)


# ---- in networks ----


def network(projection, size=60):
    """A recurrent network that a flipped spike sends down another path, with release noise off."""
    noise = {"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))}
    cells = jn.Population(jn.neurons.LIF(size, tau_mem=10.0, refractory=2.0), noise=noise)
    return jn.Network({"cells": cells}, {"loop": projection})


def simulation(projection, **options):
    settings = {"duration": 60.0, "dt": 1.0, "statistics": {"raster": jn.statistics.Raster()}} | options
    return jn.Simulation(network(projection), {"cells": jn.coding.Constant(1.2)}, **settings)


def both(**options):
    weights = random_weights(shape=(60, 60), probability=0.2, std=1.0, key=1)
    return Dense("cells", "cells", weights, **options), Sparse.from_dense("cells", "cells", weights, **options)


@pytest.mark.slow
@pytest.mark.parametrize("kinetics", [None, Exponential(5.0)], ids=["held", "exponential"])
def test_a_simulation_has_the_spikes_of_the_dense_one(kinetics):
    dense, sparse = (jn.simulate(simulation(p), key=7)["raster"] for p in both(kinetics=kinetics, delay=3.0))
    np.testing.assert_array_equal(dense, sparse)
    assert 0.01 < np.unpackbits(np.asarray(dense)).mean() < 0.5


@pytest.mark.slow
def test_monte_carlo_has_the_spikes_of_the_dense_one_in_any_chunks():
    mismatch = {"m": jn.hardware.Mismatch("network.cells.neuron.tau_mem", law=jn.laws.LogNormal(0.1), per="neuron")}
    dense, sparse = (simulation(p, imperfections=mismatch) for p in both())
    axes = [jn.Devices(2), jn.Trials(5)]

    def run(sim, chunk):
        return np.asarray(jn.monte_carlo(sim, axes, key=3, chunk=chunk, progress=False)["raster"])

    wanted = run(dense, None)
    assert len({w.tobytes() for w in wanted.reshape(10, -1)}) == 10
    for chunk in (1, 2, 5):
        np.testing.assert_array_equal(run(sparse, chunk), wanted)
    for device, trial in ((0, 0), (1, 3)):
        single = jn.simulate(sparse, key=3, address={"device": device, "trial": trial})["raster"]
        np.testing.assert_array_equal(single, wanted[device, trial])


@pytest.mark.slow
def test_each_device_has_weights_of_its_own_and_each_synapse_a_deviation():
    mismatch = {"m": jn.hardware.Mismatch("network.loop.weights", law=jn.laws.LogNormal(0.3), per="synapse")}
    sim = simulation(both()[1], imperfections=mismatch)
    axes = [jn.Devices(3), jn.Trials(2)]
    results = [
        np.asarray(jn.monte_carlo(sim, axes, key=3, chunk=chunk, progress=False)["raster"]) for chunk in (1, 2, None)
    ]
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])
    for device in range(3):  # the dense projection of the weights of that device
        chip = sim.network
        key = jn.random.stream(jn.random.member(jn.random.root(3), device=device), "imperfections.m")
        chip = mismatch["m"].apply(chip, key)
        weights = chip.projections["loop"].dense_weights()
        dense = simulation(Dense("cells", "cells", weights))
        same = jn.simulate(dense, key=3, address={"device": device, "trial": 1})["raster"]
        np.testing.assert_array_equal(same, results[0][device, 1])


@pytest.mark.slow
def test_trains_between_groups_are_one_product_over_time():
    results = []
    for schedule in (jn.ByStep(), jn.ByComponent()):
        weights = some_weights((30, 20), 0.5)
        net = jn.Network(
            {"input": jn.Port(20), "cells": jn.Population(jn.neurons.LIF(30))},
            {"feed": Sparse.from_dense("input", "cells", np.abs(weights))},
        )
        sim = jn.Simulation(
            net,
            {"input": jn.coding.PoissonSpikes(100.0)},
            duration=50.0,
            dt=1.0,
            statistics={"raster": jn.statistics.Raster()},
        )
        results.append(np.asarray(jn.simulate(sim, key=1, backend=jn.Scan(schedule=schedule))["raster"]))
    np.testing.assert_array_equal(*results)
    assert results[0].any()


@pytest.mark.slow
@pytest.mark.parametrize("rule", [FixedInDegree(8), FixedOutDegree(8, autapses=False)], ids=lambda r: type(r).__name__)
def test_a_network_drawn_anew_per_realisation(rule):
    def builder(key):
        return network(Sparse.drawn("cells", "cells", rule, size=(60, 60), key=key, weights=1.0))

    words = [jn.random.stream(jn.random.member(jn.random.root(5), realisation=i), "realisation") for i in range(3)]
    built = [builder(jax.random.wrap_key_data(w, impl="threefry2x32")) for w in words]
    sim = eqx.tree_at(lambda s: s.network, simulation(both()[1]), built[0])
    got = jn.monte_carlo(sim, [jn.Realisations(3, builder), jn.Trials(2)], key=5, chunk=4, progress=False)["raster"]
    for i, net in enumerate(built):
        alone = eqx.tree_at(lambda s: s.network, sim, net)
        single = jn.simulate(alone, key=5, address={"realisation": i, "trial": 1})["raster"]
        np.testing.assert_array_equal(got[i, 1], single)


@pytest.mark.slow
def test_a_sweep_sets_all_weights():
    weights = (both()[1].weights != 0).astype(jnp.float32)
    sim = simulation(eqx.tree_at(lambda p: p.weights, both()[1], weights))
    swept = jn.monte_carlo(sim, [jn.Sweep("network.loop.weights", [0.5, 1.0])], key=1, progress=False)["raster"]
    np.testing.assert_array_equal(swept[1], jn.simulate(sim, key=1)["raster"])
    assert np.any(np.asarray(swept[0]) != np.asarray(swept[1]))


def test_a_probability_cannot_be_drawn_while_tracing():
    with pytest.raises(InputError, match="must be known before tracing"):
        jax.jit(lambda key: Probability(0.1).draw(key, (9, 9)).rows)(jax.random.key(0))


@pytest.mark.slow
def test_gradients_of_a_run_are_those_of_the_dense_one():
    slopes = []
    for projection in both():
        sim = simulation(projection, statistics={"rate": jn.statistics.Rate()}, duration=20.0)
        paths_of = ["network.loop.weights", "network.cells.neuron.tau_mem"]
        f = jn.as_function(sim, paths_of, ["rate"], key=1)
        values = [paths.get(sim, p) for p in paths_of]
        with pytest.warns(UserWarning, match="surrogate"):
            slopes.append(jax.grad(lambda *v, f=f: jnp.mean(f(*v)[0]), (0, 1))(*values))
    sparse = both()[1]
    assert float(np.abs(slopes[1][0]).max()) > 0
    scale = float(np.abs(slopes[0][0]).max())
    np.testing.assert_allclose(slopes[1][0], slopes[0][0][sparse.rows, sparse.columns], rtol=1e-3, atol=1e-5 * scale)
    np.testing.assert_allclose(slopes[1][1], slopes[0][1], rtol=1e-3, atol=1e-5 * float(np.abs(slopes[0][1]).max()))
