"""The public names: all there, all lazy, none hidden by a module of the same name."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import jaxsnn_noise as jn
from helpers.surface import callables, parameters, public_names


@pytest.mark.parametrize("name", sorted({*jn._MODULES, *jn._HOME}))
def test_every_public_name_can_be_had(name: str) -> None:
    assert getattr(jn, name) is not None
    assert name in dir(jn)


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(jn.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == {*jn._MODULES, *jn._HOME}


def test_no_module_hides_a_public_function() -> None:
    modules = {module.name for module in pkgutil.iter_modules(jn.__path__)}
    assert not modules & set(jn._HOME)
    for home in set(jn._HOME.values()):
        importlib.import_module(f"jaxsnn_noise.{home}")
    assert callable(jn.apply)


ROOMS = sorted(
    file.parent.relative_to(Path(jn.__file__).parent).as_posix().replace("/", ".")
    for file in Path(jn.__file__).parent.glob("*/**/__init__.py")
    if "= lazily(" in file.read_text()
)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_has_what_type_checkers_see_in_it(room: str) -> None:
    module = importlib.import_module(f"jaxsnn_noise.{room}")
    tree = ast.parse(Path(module.__file__ or "").read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {a.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for a in node.names}
    assert sorted(seen) == dir(module) == module.__all__
    for name, home in seen.items():
        value = getattr(module, name)
        assert value is getattr(importlib.import_module(str(home)), name)
    assert len(seen) > 5


@pytest.mark.parametrize("room", ROOMS)
def test_no_module_of_a_room_hides_one_of_its_names(room: str) -> None:
    # once it is imported, a module is an attribute of its package, and no name is asked for any more
    module = importlib.import_module(f"jaxsnn_noise.{room}")
    modules = {found.name for found in pkgutil.iter_modules(module.__path__)}
    assert all(inspect.ismodule(getattr(module, name)) for name in modules & set(module.__all__))


@pytest.mark.parametrize("room", ROOMS)
def test_an_unknown_name_of_a_room_is_an_attribute_error(room: str) -> None:
    module = importlib.import_module(f"jaxsnn_noise.{room}")
    with pytest.raises(AttributeError, match=f"module 'jaxsnn_noise.{room}' has no attribute 'Nonesuch'"):
        _ = module.Nonesuch


def test_a_module_of_a_room_is_there_whatever_was_imported_before() -> None:
    code = "import jaxsnn_noise as jn; assert jn.reduce.irregularity.FIELDS; assert jn.noise.policies.White"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_first_script_loads_the_parts_that_it_names_and_few_others() -> None:
    code = """
import sys, jaxsnn_noise as jn
cells = jn.Population(jn.neurons.LIF(3), noise={"membrane": jn.noise.VoltageNoise(jn.noise.Diffusion(0.1))})
sim = jn.Simulation(jn.Network({"cells": cells}), {"cells": jn.coding.Constant(1.1)}, duration=2.0, dt=1.0, statistics={"rate": jn.statistics.Rate()})
jn.simulate(sim, key=0)
others = "neurons.hodgkin_huxley neurons.izhikevich noise.mixed hardware.memristive synapses.stdp statistics.spectrum coding.poisson".split()
found = {f"jaxsnn_noise.{name}" for name in others} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        _ = jn.simulat


def test_importing_the_package_loads_no_heavy_library() -> None:
    heavy = "{'jax', 'equinox', 'xarray', 'zarr', 'matplotlib', 'scipy', 'pandas'}"
    code = f"import sys, jaxsnn_noise; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_importing_everything_starts_no_backend() -> None:
    # who imports may still choose platforms, devices and processes
    code = """
import importlib, pkgutil, jaxsnn_noise
from jax._src import xla_bridge
names = [m.name for m in pkgutil.walk_packages(jaxsnn_noise.__path__, "jaxsnn_noise.") if "template" not in m.name and not m.name.endswith("__main__")]
assert len(names) > 200
for name in names:
    importlib.import_module(name)
    assert not xla_bridge._backends, name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_simulating_loads_no_labelling_plotting_or_storing_library() -> None:
    heavy = "{'xarray', 'zarr', 'matplotlib', 'pandas', 'scipy.stats'}"
    names = "jn.simulate, jn.monte_carlo, jn.Network, jn.noise, jn.neurons, jn.statistics"
    code = f"import sys, jaxsnn_noise as jn; {names}; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_key_is_given_by_name() -> None:
    # but the low-level functions of `random`, like the methods of parts, take it by position
    public = {name: value for name, value in callables().items() if value.__module__ != "jaxsnn_noise.random"}
    found = {name: parameters(value).get("key") for name, value in public.items()}
    taking = {name: parameter.kind for name, parameter in found.items() if parameter is not None}
    assert {f"jaxsnn_noise.{name}" for name in ("simulate", "apply", "monte_carlo", "networks.feedforward")} <= set(
        taking
    )
    assert {name for name, kind in taking.items() if kind is not inspect.Parameter.KEYWORD_ONLY} == set()


def _is_flag(parameter: inspect.Parameter) -> bool:
    return isinstance(parameter.default, bool) or "bool" in re.findall(r"\w+", str(parameter.annotation))


def test_what_is_true_or_false_is_given_by_name() -> None:
    flags = {
        f"{name}({parameter.name})": parameter.kind
        for name, value in callables().items()
        if not inspect.isabstract(value)
        for parameter in parameters(value).values()
        if _is_flag(parameter)
    }
    assert {"jaxsnn_noise.Devices(paired)", "jaxsnn_noise.training.fit(progress)"} <= set(flags)
    assert {name for name, kind in flags.items() if kind is not inspect.Parameter.KEYWORD_ONLY} == set()


def test_no_two_classes_have_one_name() -> None:
    homes: dict[str, set[str]] = {}
    for value in callables().values():
        if inspect.isclass(value):
            homes.setdefault(value.__name__, set()).add(value.__module__)
    assert {name: home for name, home in homes.items() if len(home) > 1} == {}


def test_dir_shows_the_public_names_only() -> None:
    for name, names in public_names().modules().items():
        shown = set(dir(importlib.import_module(name)))
        inner = {module.rpartition(".")[2] for module in public_names().modules() if module.rpartition(".")[0] == name}
        assert shown - inner == set(names), name
