"""What every closed form says of arguments that are none."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxsnn_noise import theory
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.theory._arguments import NUMBERS

FORMS = {name: getattr(theory, name) for name in theory.__all__ if not inspect.isclass(getattr(theory, name))}
each = pytest.mark.parametrize("name", sorted(FORMS))
BAD = {
    "a text": "20",
    "a truth value": True,
    "nothing": None,
    "a time before": -np.inf,
    "a complex number": 1j,
    "a function": abs,
    "a text among numbers": ["1", "2"],
    "a masked number": np.ma.array([1.0, 2.0], mask=[True, False]),
    "NaN": np.nan,
}


def numbers(form):
    return {name: p.annotation for name, p in inspect.signature(form).parameters.items() if p.annotation in NUMBERS}


def arguments(form):
    """Ones that each form takes; the threshold lies above the reset, and a band has its ends in order."""
    given = dict.fromkeys(numbers(form), 0.5) | {"v_threshold": 1.0, "mean": 2.0, "tau_mem": 5.0, "channels": 2.0}
    given |= {"v_critical": 1.0, "v_peak": 2.0, "f_high_hz": 5.0, "loadings": [[0.5]], "units": 2.0}
    given |= {"number": 2.0, "e_na": 115.0, "end": 1.0, "lowest": -1.0, "weights": [[0.0]], "biases": [0.5], "size": 3}
    given |= {"temperature": 300.0, "design_temperature": 310.0, "n": 1.3, "i_spike": 1.0}
    given |= {
        "probabilities": [1.0],
        "reference": [1.0],
        "correlation_times": [1.0],
        "sites": 10.0,
        "injected": 2.0,
        "leak_bits": 12.0,
        "age": 2.0,
    }
    given = {name: value for name, value in given.items() if name in numbers(form)}
    if "processes" in inspect.signature(form).parameters:
        given["processes"] = 4
    if "coefficients" in inspect.signature(form).parameters:
        given["coefficients"] = [0.5]
    if "steps" in inspect.signature(form).parameters:
        given["steps"] = 2
    if name_is_function(form, "potential"):
        given["potential"] = np.square
    if "ion" in inspect.signature(form).parameters:
        given["ion"] = "na"
    if "noise" in inspect.signature(form).parameters:
        from scipy import stats

        given["noise"] = stats.norm(scale=0.3)
    if "intervals" in inspect.signature(form).parameters:
        from scipy import stats

        given["intervals"] = stats.gamma(4, scale=12.5)
    if "hazard" in inspect.signature(form).parameters:
        given["hazard"] = lambda margin, slope: 20.0 * np.exp(margin)
    return given


def name_is_function(form, name):
    """A potential over space, not one in mV."""
    parameters = inspect.signature(form).parameters
    return name in parameters and name not in numbers(form)


@each
def test_its_arguments_are_looked_at(name):
    form = FORMS[name]
    form(**arguments(form))
    assert numbers(form)
    for argument, annotation in numbers(form).items():
        for what, bad in BAD.items():
            if bad is None and annotation != "ArrayLike":
                continue
            with pytest.raises(InputError, match=f"^{argument}: must be|^{argument}: must have no masked"):
                form(**arguments(form) | {argument: bad})
            assert what


@each
def test_it_says_that_it_is_not_traced(name):
    form = FORMS[name]
    argument = next(iter(numbers(form)))
    with pytest.raises(InputError, match=f"^{argument}: is traced by JAX, but closed forms are NumPy"):
        jax.jit(lambda x: form(**arguments(form) | {argument: x}))(jnp.float32(0.5))


def test_arguments_that_do_not_broadcast_are_told_with_their_shapes():
    with pytest.raises(InputError, match=r"theory.siegert_rate_hz: its arguments must broadcast; got .*'mean': \(2,\)"):
        theory.siegert_rate_hz([1.0, 2.0], [0.1, 0.2, 0.3], tau_mem=20.0, v_threshold=1.0, v_reset=0.0)


def test_a_threshold_at_infinity_is_refused_before_it_fills_the_memory():
    with pytest.raises(InputError, match=r"v_threshold: must be finite \[mV\]; got inf"):
        theory.siegert_cv(1.0, 0.1, tau_mem=20.0, v_threshold=np.inf, v_reset=0.0)


def test_noise_that_is_no_distribution_is_refused():
    with pytest.raises(InputError, match="noise: must be a frozen distribution"):
        theory.threshold_noise_probability(0.1, 0.3)
