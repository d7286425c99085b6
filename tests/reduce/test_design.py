from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.reduce import NESTED, mean_and_error, variance_components
from jaxsnn_noise.reduce.design import check_array, parents, random_dimensions, tabulate


def labelled(**sizes: int) -> xr.DataArray:
    values = np.arange(np.prod(list(sizes.values())), dtype=float).reshape(*sizes.values())
    return xr.DataArray(values, dims=tuple(sizes))


def test_trials_are_nested_in_devices_and_everything_else_is_crossed() -> None:
    array = labelled(seed=2, sample=2, trial=2, device=2)
    assert parents("t", array.dims, array, None) == {"trial": "device"} == dict(NESTED)
    assert tabulate("t", array, array.dims, None).roots == ("seed", "sample", "device")
    assert tabulate("t", array, ("trial", "sample"), None).roots == ("trial", "sample")  # device is fixed


def test_nesting_can_be_overridden_and_skips_parents_that_are_not_random() -> None:
    array = labelled(seed=2, device=2, trial=2)
    assert tabulate("t", array, ("device", "trial"), {}).roots == ("device", "trial")
    links = {"trial": "device", "device": "seed"}
    assert tabulate("t", array, ("trial", "device", "seed"), links).names == ("seed", "device", "trial")
    assert parents("t", ("trial", "seed"), array, links) == {"trial": "seed"}


@pytest.mark.parametrize(
    ("over", "message"),
    [
        (("devices", "trial"), "unknown dimension; got 'devices'. Did you mean 'device'"),
        ((), "at least one random dimension"),
        (("trial", "trial"), "each dimension once"),
        (("single",), "'single' needs at least two members"),
    ],
)
def test_wrong_random_dimensions_are_named_with_near_matches(over: tuple[str, ...], message: str) -> None:
    array = labelled(device=3, trial=2, single=1)
    with pytest.raises(InputError, match=message):
        mean_and_error(array, over)
    with pytest.raises(InputError, match=message):
        variance_components(array, over)


def test_a_wrong_nesting_is_refused() -> None:
    array = labelled(device=3, trial=2)
    with pytest.raises(InputError, match=r"nested: unknown dimension; got 'trail'. Did you mean 'trial'"):
        mean_and_error(array, nested={"trail": "device"})
    with pytest.raises(InputError, match="must not be nested in itself"):
        mean_and_error(array, nested={"trial": "device", "device": "trial"})
    with pytest.raises(InputError, match="must not be nested in itself"):
        mean_and_error(array, nested={"trial": "trial"})


def test_only_real_labelled_arrays_are_taken() -> None:
    array = labelled(device=3, trial=2)
    with pytest.raises(InputError, match="one variable of the dataset"):
        check_array("t", array.to_dataset(name="rate"))
    with pytest.raises(InputError, match=r"needs an xarray.DataArray"):
        check_array("t", array.to_numpy())
    with pytest.raises(InputError, match="real numbers"):
        check_array("t", array.astype(complex))
    with pytest.raises(InputError, match="confidence: must lie strictly between 0 and 1"):
        mean_and_error(array, confidence=95.0)


def test_a_name_alone_is_one_dimension() -> None:
    assert random_dimensions("t", labelled(trial=4), "trial") == ("trial",)


def test_labels_and_units_of_the_cells_are_kept_and_those_of_the_members_dropped() -> None:
    array = labelled(sigma=2, device=3, trial=4).assign_coords(
        sigma=[0.0, 0.5], device=[10, 11, 12], chip=("device", list("abc")), label=("sigma", ["x", "y"])
    )
    found = mean_and_error(array.assign_attrs(units="Hz", note="long"))
    assert set(found.coords) == {"sigma", "label"}
    assert found["mean"].attrs == {"units": "Hz"} == found["high"].attrs
    assert found["n"].attrs == {}
    assert found.attrs["clustered_by"] == ["device"]


def test_the_order_of_dimensions_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    array = xr.DataArray(rng.normal(size=(3, 4, 5, 2)), dims=("device", "sample", "trial", "sigma"))
    over = ("device", "trial", "sample")
    xr.testing.assert_allclose(
        mean_and_error(array, over), mean_and_error(array.transpose("sigma", ...), over[::-1]), rtol=1e-12
    )


def test_importing_the_package_does_not_import_xarray() -> None:
    code = "import sys, jaxsnn_noise.reduce; assert 'xarray' not in sys.modules, 'imported eagerly'"
    subprocess.run([sys.executable, "-c", code], check=True)
