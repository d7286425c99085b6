"""The study of the gradient through the reset: equal forward bits, sizes of gradients of plain differentiation, judges that can say no."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import numpy as np
import optax
import pytest

import jaxsnn_noise as jn
from experiments import reset_gradient as module
from jaxsnn_noise.study import Verdict, load, run_study


def made_up(detached: float, growth: float) -> Any:
    """Data in which detached resets lie so many points above attached ones, and attached gradients grow by so many decades more."""
    import xarray

    rng, data = np.random.default_rng(0), {}
    for shape in module.SHAPES:
        right = 0.7 + 0.01 * rng.normal(size=(1, 6, 40)) + 1e-3 * rng.normal(size=(2, 6, 40))
        right[0] += detached / 100
        norm = 10.0 ** (
            0.01 * rng.normal(size=(2, 2, 2, 6, 2)) + np.reshape([0.0, growth], (2, 1, 1, 1, 1)) * [0.0, 1.0]
        )
        columns = {
            "correct": (("reset", "seed", "sample"), right),
            "norm": (("reset", "when", "length", "seed", "projection"), norm),
        }
        coords = {"reset": list(module.RESETS), "when": ["start", "trained"], "length": [10, 20], "seed": range(6)}
        data[shape] = xarray.Dataset(columns, coords | {"projection": ["hidden_to_output", "input_to_hidden"]})
    return data


def verdicts(data: Any) -> list[Verdict]:
    return [c.judge(data, module.DEFAULT).verdict for c in module.CLAIMS]


def test_the_judges_say_yes_and_no() -> None:
    yes, no = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED
    assert verdicts(made_up(0.0, 0.5)) == [yes, yes, yes]
    assert verdicts(made_up(3.0, -0.5)) == [yes, no, no]
    assert verdicts(made_up(-3.0, 0.5)) == [no, yes, yes]
    alone = {"shallow": made_up(0.0, 0.5)["shallow"]}
    assert verdicts(alone) == [yes, yes, Verdict.UNDECIDED]


@pytest.mark.slow
@pytest.mark.parametrize("shape", module.SHAPES)
def test_resets_differ_in_the_gradient_alone_and_sizes_are_those_of_the_loss(shape: str) -> None:
    config = dataclasses.replace(module.TINY, layers=2, steps=12)
    values, labels = (part[:6] for part in module.images(config)["test"])
    found, outputs = [], []
    for reset in module.RESETS:
        net = module.network(config, shape, reset, 3)
        outputs.append(np.asarray(jn.apply(net, values, key=0, duration=12.0)["output"]))
        name = "hidden_to_output" if shape != "deep" else "hidden_1_to_hidden_2"

        def loss(weights: Any, net: Any = net, name: str = name) -> Any:
            shown = jn.paths.replace(net, {f"{name}.weights": weights})
            logits = 10.0 * jn.apply(shown, values, key=0, duration=12.0)["output"]
            return optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()

        slope = np.asarray(jax.grad(loss)(jn.paths.get(net, f"{name}.weights")), float)
        norms = module._norms(net, values, labels, 12.0)
        np.testing.assert_allclose(norms[name], np.sqrt((slope**2).sum()), rtol=1e-4)
        found.append(float(norms[next(k for k in norms if k.startswith("input"))]))
    np.testing.assert_array_equal(*outputs)
    assert abs(np.log(found[0] / found[1])) > 1e-3


@pytest.mark.slow
def test_the_tiny_preset_ends_in_verdicts(tmp_path: Any) -> None:
    loaded = load("reset_gradient")
    run = run_study(loaded, loaded.preset("tiny"), tmp_path / "out")
    assert not run.errors
    assert all(claim.judgement is not None for claim in run.claims)
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
