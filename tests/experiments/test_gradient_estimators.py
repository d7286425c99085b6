"""The study of estimators of gradients: biases and costs are what they say, judges say yes to what agrees and no to what does not."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
import xarray

from experiments import gradient_estimators as module
from experiments.gradient_estimators import claims, measuring, pictures, problems
from jaxsnn_noise.study import Verdict, load, run_study
from jaxsnn_noise.verdicts import NOT_MEASURED

CONFIG = module.DEFAULT
WHOLE = dataclasses.replace(CONFIG, neurons=2, gains=(0.5,), networks=2, classifiers=2, trials=200, steps=80)


@pytest.mark.slow
@pytest.mark.parametrize("config", [module.TINY, WHOLE], ids=["tiny", "all parts"])
def test_it_ends_in_verdicts_pictures_and_tables(config: Any, tmp_path: Any) -> None:
    loaded = load("gradient_estimators")
    given = loaded.config_type(**dataclasses.asdict(config))
    run = run_study(loaded, given, tmp_path / "out")
    assert not run.errors
    assert {claim.name for claim in run.claims} == {c.name for c in module.CLAIMS}
    missing = {claim.name for claim in run.claims if claim.judgement.why == NOT_MEASURED}
    assert (missing == set()) == (config is WHOLE)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000


@pytest.mark.slow
def test_estimates_are_those_of_the_estimators_and_references_those_of_theory() -> None:
    config = dataclasses.replace(
        CONFIG, kinds=("membrane",), neurons=2, networks=0, classifiers=0, trials=2000, steps=60
    )
    from jaxsnn_noise.study import Progress

    data = measuring.measure(config, Progress())["membrane"]
    assert data["gradient"].dims == ("estimator", "unit", "output", "leaf")
    score = data.sel(estimator="Score")
    z = (score["gradient"] - data["reference"]) / score["error"]
    assert np.abs(z).max() < 4.5
    first, second = (float(data["tau_mem"][k]) for k in (0, 1))
    assert first != second
    assert (data["seconds"] > 0).all()


def made_up(**off: Any) -> Any:
    """Data on which all claims hold; ``off`` changes one thing each."""
    rng = np.random.default_rng(3)
    found: dict[str, Any] = {}
    names = list(measuring.ESTIMATORS)
    wrong = {"NoiseDensity": 0.02, "SurrogateGradient": -0.4, "detached surrogate": 2.0} | off.get("wrong", {})
    for kind in ("threshold", "membrane"):
        units, leaves = CONFIG.neurons, list(problems.TASKS)
        reference = np.array([10.0, 1.0])[None, :, None] * rng.uniform(0.9, 1.1, (units, 2, 4))
        biases = np.array([wrong.get(name, 0.0) for name in names])[:, None, None, None] * np.ones((1, units, 2, 4))
        if "of" in off:
            name, output, by = off["of"]
            biases[names.index(name), :, output] = by
        if kind == "membrane":
            biases[names.index("NoiseDensity"), :, 0] = off.get("membranes", 0.12)
            biases[names.index("NoiseDensity"), :, 1, 1] = off.get("irregular", -1.8)
        gradient = reference * (1 + biases + 0.002 * rng.normal(size=biases.shape))
        error = np.array([{"Score": 0.01, "Score(Baseline)": off.get("baseline", 0.08)}.get(n, 0.05) for n in names])
        seconds = np.array([{"Score": off.get("score_time", 2.0)}.get(n, 1.0) for n in names])
        found[kind] = dataset(names, units, ["count", "CV"], leaves, gradient, error, seconds, reference)
    units, names = CONFIG.networks, list(measuring.IN_NETWORKS)
    parts = []
    for _ in CONFIG.gains:
        reference = 5.0 * rng.uniform(0.9, 1.1, (units, 1, 2))
        biases = np.array([{"NoiseDensity": off.get("networks", 0.02)}.get(n, 0.0) for n in names])[:, None, None, None]
        gradient = reference * (1 + biases + 0.002 * rng.normal(size=(len(names), units, 1, 2)))
        error = np.array([{"Score": off.get("score_in_networks", 0.08)}.get(n, 0.05) for n in names])
        parts.append(dataset(names, units, ["count"], list(problems.TASKS[:2]), gradient, error, np.ones(len(names)), reference))  # fmt: skip
    found["networks"] = xarray.concat(parts, "gain").assign_coords(gain=list(CONFIG.gains))
    names = list(measuring.IN_CLASSIFIERS)
    reference = -rng.uniform(0.9, 1.1, (units, 1, 3))
    biases = np.array([{"NoiseDensity": off.get("losses", 0.01)}.get(n, 0.0) for n in names])[:, None, None, None]
    gradient = reference * (1 + biases + 0.002 * rng.normal(size=(len(names), units, 1, 3)))
    found["classifiers"] = dataset(
        names, units, ["loss"], ["noise", "weights", "threshold"], gradient, 0.05 * np.ones(3), np.ones(3), reference
    )
    trace = np.array([1.0, off.get("flips", 20.0)])[:, None] * rng.uniform(0.9, 1.1, (2, units))
    columns = {"trace": (("estimator", "unit"), trace), "seconds": (("estimator", "unit"), np.ones((2, units)))}
    found["by_weight"] = xarray.Dataset(columns, {"estimator": list(measuring.BY_WEIGHT)})
    return found


def dataset(names: Any, units: Any, outputs: Any, leaves: Any, gradient: Any, error: Any, seconds: Any, reference: Any) -> Any:  # fmt: skip
    every = ("estimator", "unit", "output", "leaf")
    columns = {
        "gradient": (every, gradient),
        "error": (every, np.abs(gradient) * error[:, None, None, None]),
        "seconds": (every[:2], np.repeat(seconds[:, None], units, 1)),
        "reference": (every[1:], reference),
        "at": (("unit", "leaf"), np.ones((units, len(leaves)))),
    }
    return xarray.Dataset(columns, {"estimator": names, "output": outputs, "leaf": leaves})


def refuted(data: Any) -> set[str]:
    return {c.name for c in module.CLAIMS if c.judge(data, CONFIG).verdict is Verdict.NOT_REPRODUCED}


def test_the_judges_say_yes_to_what_agrees() -> None:
    assert {c.judge(made_up(), CONFIG).verdict for c in module.CLAIMS} == {Verdict.REPRODUCED}


@pytest.mark.parametrize(
    ("off", "name"),
    [
        ({"of": ("Score", 0, 0.06)}, "scores_of_counts"),
        ({"of": ("Score", 1, -0.2)}, "scores_of_irregularity"),
        ({"of": ("FiniteDifference", 0, -0.06)}, "differences_of_counts"),
        ({"of": ("FiniteDifference", 1, 0.2)}, "differences_of_irregularity"),
        ({"wrong": {"NoiseDensity": 0.1}}, "density_of_thresholds"),
        ({"membranes": 0.01}, "density_of_membranes"),
        ({"irregular": 0.5}, "density_of_irregularity"),
        ({"wrong": {"detached surrogate": -0.1}}, "detached_is_no_sensitivity"),
        ({"baseline": 0.03}, "martingales_pay"),
        ({"score_time": 200.0}, "one_neuron"),
        ({"score_in_networks": 0.02}, "in_networks"),
        ({"networks": -0.1}, "density_in_networks"),
        ({"losses": 0.1}, "density_of_losses"),
        ({"flips": 2.0}, "flips_by_weight"),
    ],
)
def test_each_judge_says_no_to_what_does_not(off: Any, name: str) -> None:
    assert refuted(made_up(**off)) == {name}


def test_what_was_left_out_is_not_judged() -> None:
    config = dataclasses.replace(CONFIG, kinds=("threshold",), networks=0, classifiers=0, estimators=("Score",))
    data = {"threshold": made_up()["threshold"].sel(estimator=["Score"])}
    assert {c.judge(data, config).why for c in module.CLAIMS} == {NOT_MEASURED}


def test_a_bias_is_in_parts_of_the_derivative_of_a_unit_like_these() -> None:
    data = dataset(["a"], 2, ["count"], ["noise"], np.array([[[[2.2]], [[4.0]]]]), np.ones(1), np.ones(1), np.array([[[2.0]], [[4.0]]]))  # fmt: skip
    np.testing.assert_allclose(claims.bias(data, "a").values.ravel(), [0.2 / np.sqrt(10.0), 0.0])


def test_an_error_is_per_relative_change_and_in_parts_of_a_typical_derivative() -> None:
    data = dataset(["a"], 1, ["count"], ["x", "y"], np.array([[[[3.0, 0.5]]]]), np.ones(1), np.ones(1), np.array([[[2.0, 0.0]]]))  # fmt: skip
    data["at"][:] = np.array([[3.0, 4.0]])
    np.testing.assert_allclose(claims.error(data, "a").values.ravel(), [3.0 / np.sqrt(18.0), 2.0 / np.sqrt(18.0)])


def test_a_cost_is_variance_times_time() -> None:
    data = made_up()["threshold"]
    twice = data.assign(seconds=2 * data["seconds"], error=3 * data["error"])
    np.testing.assert_allclose(claims.cost(twice, "Score") - claims.cost(data, "Score"), np.log(18.0))


def test_tables_hold_every_estimator_on_every_problem() -> None:
    found = pictures.tables(made_up())
    assert len(found["bias"]) == 2 * 7 * 2 * 4 + 2 * 6 * 2 + 3 * 3
    row = (
        found["bias"]
        .set_index(["problem", "output", "leaf", "estimator"])
        .loc[("membrane noise", "CV", "drive", "NoiseDensity")]
    )
    assert abs(row["mean"] + 180) < 1
    assert set(found["cost"]["problem"]) >= {"threshold noise", "network, gain 1", "classifier, by weight"}


def test_neurons_are_drawn_alike_at_one_seed_and_otherwise_at_another() -> None:
    again = dataclasses.replace(CONFIG, seed=1)
    for kind in CONFIG.kinds:
        assert problems.drawn(kind, CONFIG) == problems.drawn(kind, CONFIG) != problems.drawn(kind, again)
    assert problems.drawn("threshold", CONFIG)[0]["mean"] != problems.drawn("membrane", CONFIG)[0]["mean"]


def test_one_network_alone_is_refused() -> None:
    with pytest.raises(ValueError, match="networks must be 0, or at least 2"):
        dataclasses.replace(CONFIG, networks=1)
