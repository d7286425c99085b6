"""A new member of any family is one file: suites, layers, reports, sweeps, training and the reference find it by themselves.

Two copies of the package get the files of ``tests/scratch``, one for each family: the first as they are, and everything passes;
the second with a mistake in each, which the contract of its family tells.
"""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from shutil import copytree, ignore_patterns
from typing import Any

import pytest

from helpers.discovery import members
from jaxsnn_noise.noise import CurrentNoise, Source

pytestmark = pytest.mark.timeout(900)  # a fixture runs two suites, which a busy machine may make slow
ROOT = Path(__file__).parents[2]
ROOMS = {
    "neuron": "neurons", "firing": "firing", "source": "noise", "amplitude": "noise", "coupling": "noise",
    "colour": "noise", "correlation": "noise", "distribution": "distributions", "kinetics": "synapses",
    "sums": "synapses", "projection": "synapses", "connectivity": "synapses", "combine": "synapses", "input": "coding",
    "imperfection": "hardware", "law": "laws", "surrogate": "surrogates", "statistic": "statistics", "fold": "reduce",
    "axis": "ensemble/axes", "loss": "training", "transform": "training", "backend": "engine", "reset": "neurons",
    "stepper": "neurons",
}  # fmt: skip
"""From the family, the name of its file in ``tests/scratch``, to the room where a new member lies."""

LAWS = {  # how many laws of its family hold a new member, besides those of its declarations
    "neuron": 10, "firing": 5, "source": 8, "amplitude": 5, "coupling": 7, "colour": 4, "correlation": 5,
    "distribution": 8, "kinetics": 3, "sums": 2, "projection": 6, "connectivity": 5, "combine": 5, "input": 6,
    "imperfection": 9, "law": 13, "surrogate": 14, "statistic": 12, "fold": 4, "axis": 7, "loss": 3, "transform": 2,
    "backend": 2, "reset": 4, "stepper": 3,
}  # fmt: skip

MISTAKES = {
    "neuron": ("test_without_input_it_stays_silent", "self.r_in * drive.at(state.v)", "9.0 + self.r_in"),
    "firing": ("test_far_from_threshold", "crossing.margin / self.softness", "-crossing.margin / self.softness"),
    "source": ("test_some_leaf_at_zero_silences_it", "self.height * state", "(self.height + 0.1) * state"),
    "amplitude": ("test_some_leaf_is_the_strength", "/ math.sqrt(12.0)", "+ math.sqrt(12.0)"),
    "coupling": ("test_a_coupling_is_silent_without_strength_and_linear", "std * x * root", "std * x * x * root"),
    "colour": ("test_a_colour_keeps_the_variance", "square_root(1.0 - self.echo), square_root", "1.0 - self.echo, square_root"),
    "correlation": ("test_a_correlation_says_its_coefficient", "jnp.square(self.copied)", "self.copied"),
    "distribution": ("test_samples_have_mean_zero_and_variance_one", "self._width() * random", "random"),
    "kinetics": ("test_it_is_linear", "arrivals * jnp", "arrivals * arrivals * jnp"),
    "sums": ("test_the_gradient_of_prepared_weights", "tangents[0]", "0.0 * tangents[0]"),
    "projection": ("test_silence_arrives_as_silence", "state.left * released", "state.left + 0.0 * released"),
    "connectivity": ("test_a_graph_is_a_function_of_its_key", "random.root(key)", "random.root(0)"),
    "combine": ("test_silence_joins_to_silence", "total.current / self.ceiling", "(total.current + 1.0)"),
    "input": ("test_values_for_another_number_of_channels", "not in ((), (size,))", "is None"),
    "imperfection": ("test_what_it_sets_depends_on_the_nominal", "absolute: ClassVar[bool] = True", "absolute: ClassVar[bool] = False"),
    "law": ("test_moments_of_the_stratified_sample", "2.0 / self.modulus", "1.9 / self.modulus"),
    "surrogate": ("test_the_integral_of_a_density_is_one", "return 0.5 * self.sharpness", "return 0.6 * self.sharpness"),
    "statistic": ("test_a_measurement_divided_anywhere_merges", "exact: ClassVar[bool] = False", "exact: ClassVar[bool] = True"),
    "fold": ("test_chunks_merged_in_any_order", "by_group(part, first, ", "by_group(part, 0, "),
    "axis": ("test_it_sets_what_it_says", "return (self.path,)", "return ()"),
    "loss": ("test_a_loss_is_a_number", "return jnp.mean(jax", "return (jax"),
    "transform": ("test_transforms_are_increasing_and_invertible", "x + jnp.log", "x - jnp.log"),
    "backend": ("test_it_goes_on_from_a_stretch", "steps.at(k)", "steps.at(0)"),
    "reset": ("test_without_a_spike_the_potential_stays", "v + spikes * (", "v + ("),
    "stepper": ("test_with_noise_it_converges_to_stratonovich", "0.5 * kick(state)", "0.0 * kick(state)"),
}  # fmt: skip
"""A mistake in the file of each family, and the law of its suite that tells it."""

UNDECLARED = (
    "source",
    "test_every_array_leaf_is_declared",
    'parameter("ms", positive)',
    "eqx.field(converter=jnp.float32)",
)


FILES = ("tests/contracts", "tests/test_layers.py", "tests/scratch/used.py")
QUICK = [family for family in ROOMS if family != "backend"]


def name_of(family: str) -> str:
    return f"Scratch{family.title()}"


def copied(folder: Path, mistakes: dict[str, tuple[str, ...]]) -> Path:
    """A copy of the package with a new file in each room, and of what is run on it."""
    leave = ignore_patterns("__pycache__", "data")
    for part in ("jaxsnn_noise", "tests/contracts", "tests/helpers", "tests/scratch", "docs/_ext"):
        copytree(ROOT / part, folder / part, ignore=leave)
    for file in ("pyproject.toml", "tests/conftest.py", "tests/test_layers.py"):
        (folder / file).write_text((ROOT / file).read_text())
    for family, room in ROOMS.items():
        source = (ROOT / "tests" / "scratch" / f"{family}.py").read_text()
        if family in mistakes:
            _, right, wrong = mistakes[family]
            assert right in source, family
            source = source.replace(right, wrong)
        (folder / "jaxsnn_noise" / room / f"scratch_{family}.py").write_text(source)
    return folder


def started(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=found.xml", *arguments]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def results(folder: Path, running: subprocess.Popen[str]) -> dict[str, str]:
    """From each test, as ``file::test[member]``, to ``""`` or why it failed."""
    said = running.communicate()[0]
    assert (folder / "found.xml").is_file(), said
    found = {}
    for case in ElementTree.parse(folder / "found.xml").iter("testcase"):
        wrong = [child.get("message") or child.tag for child in case if child.tag in ("failure", "error")]
        found[f"{case.get('classname', '').split('.')[-1]}::{case.get('name')}"] = wrong[0] if wrong else ""
    return found


def as_they_are(tmp_path_factory: Any, only: str, *options: str) -> dict[str, str]:
    """What passes and fails with the new files."""
    folder = copied(tmp_path_factory.mktemp("right"), {})
    return results(folder, started(folder, *FILES, "-k", f"(scratch or circle) and {only}", *options))


def mistaken(tmp_path_factory: Any, only: str) -> dict[str, str]:
    """What passes and fails with a mistake in each."""
    wrong = copied(tmp_path_factory.mktemp("wrong"), MISTAKES)
    undeclared = wrong / "jaxsnn_noise" / ROOMS[UNDECLARED[0]] / f"scratch_{UNDECLARED[0]}.py"
    source = undeclared.read_text().replace(*UNDECLARED[2:])
    undeclared.write_text(source.replace("import jax.numpy", "import equinox as eqx\nimport jax.numpy"))
    laws = " or ".join([*(law for law, _, _ in MISTAKES.values()), UNDECLARED[1]])
    return results(wrong, started(wrong, FILES[0], "-k", f"scratch and {only} and ({laws})", "-m", "slow or not slow"))


@pytest.fixture(scope="module")
def right(tmp_path_factory: Any) -> dict[str, str]:
    return as_they_are(tmp_path_factory, "not test_backends", "-m", "slow or not slow")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: Any) -> dict[str, str]:
    return mistaken(tmp_path_factory, "not test_backends")


@pytest.fixture(scope="module")
def backends(tmp_path_factory: Any) -> tuple[dict[str, str], dict[str, str]]:
    """Steps that are unrolled take long to compile."""
    only = "test_backends"
    return as_they_are(tmp_path_factory, only, "-m", "slow or not slow"), mistaken(tmp_path_factory, only)


def of_member(found: dict[str, str], family: str) -> dict[str, str]:
    return {test: why for test, why in found.items() if name_of(family) in test}


def test_every_family_has_a_new_member() -> None:
    files = {path.stem for path in (ROOT / "tests" / "scratch").glob("*.py")} - {"__init__", "used"}
    assert files == ROOMS.keys() == LAWS.keys() == MISTAKES.keys()


def passes(found: dict[str, str], family: str) -> None:
    own = {t: why for t, why in of_member(found, family).items() if not t.startswith(("test_declarations::", "used::"))}
    assert {test: why for test, why in own.items() if why} == {}
    assert len(own) >= LAWS[family]


def told(found: dict[str, str], family: str) -> None:
    said = {test: why for test, why in of_member(found, family).items() if MISTAKES[family][0] in test}
    assert said, "the law is not there"
    assert any(said.values())


@pytest.mark.slow
@pytest.mark.parametrize("family", QUICK)
def test_the_suite_of_its_family_finds_it_and_it_passes(right: dict[str, str], family: str) -> None:
    passes(right, family)


@pytest.mark.slow
@pytest.mark.parametrize("family", QUICK)
def test_a_mistake_in_it_is_told_by_a_law_of_its_family(wrong: dict[str, str], family: str) -> None:
    told(wrong, family)


@pytest.mark.slow
def test_so_it_is_for_a_backend(backends: Any) -> None:
    passes(backends[0], "backend")
    assert {test: why for test, why in backends[0].items() if why} == {}
    assert any(test.startswith("used::") for test in backends[0])
    told(backends[1], "backend")


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["test_declarations", "test_layers", "used"])
def test_declarations_layers_and_all_that_uses_it_pass(right: dict[str, str], suite: str) -> None:
    found = {test: why for test, why in right.items() if test.startswith(f"{suite}::")}
    assert {test: why for test, why in found.items() if why} == {}
    assert len(found) >= len(ROOMS)


@pytest.mark.slow
def test_a_parameter_without_a_unit_is_told(wrong: dict[str, str]) -> None:
    family, law, *_ = UNDECLARED
    assert any(why for test, why in of_member(wrong, family).items() if law in test)


def test_discovery_leaves_out_what_is_abstract_and_what_lives_elsewhere() -> None:
    class Elsewhere(CurrentNoise):
        """Not in the package."""

    names = {cls.__name__ for cls in members(Source)}
    assert "ComposedSource" not in names
    assert "Source" not in names
    assert Elsewhere.__name__ not in names
    assert Elsewhere in members(Source, within=Elsewhere.__module__.split(".")[0])
