from __future__ import annotations

import sys

import pytest

from helpers import fake_study
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import builtin, field_notes, find, listing, load


@pytest.fixture(autouse=True)
def _imports_undone(monkeypatch):
    """A study's folder on the import path must not outlive its test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_a_study_has_its_parts(tmp_path):
    study = load(fake_study.write(tmp_path))
    assert (study.name, study.title) == ("fake", "A study of <nothing> & more")
    assert study.preset("tiny").trials == 3
    assert [claim.name for claim in study.claims] == ["small", "large", "open"]
    with pytest.raises(InputError, match="Did you mean 'default'"):
        study.preset("defualt")


def test_listing_runs_nothing(tmp_path):
    path = fake_study.write(tmp_path, more="\nraise RuntimeError('imported')\n")
    found = listing("fake", path)
    assert found.title == "A study of <nothing> & more"
    assert found.cost == {"tiny": "1 s", "default": "2 s", "full": "3 s"}


def test_listing_says_what_is_broken(tmp_path):
    broken = tmp_path / "broken.py"
    broken.write_text("def f(:\n")
    assert "cannot be read" in listing("broken", broken).title
    broken.write_text("TITLE = str(3)\nCOST = ['a']\n")
    assert listing("broken", broken).title == "(no TITLE)"
    assert listing("broken", broken).cost == {}


def test_builtin_studies_are_the_files_of_their_folder_and_the_folders_with_a_title(tmp_path):
    for name in ("b.py", "d.py", "_shared.py", "__init__.py", "notes.md"):
        (tmp_path / name).write_text("")
    (tmp_path / "bench.py").mkdir()
    for name, text in (
        ("a", "TITLE = 'a'\n"),
        ("c", "import os\nTITLE: str = ''"),
        ("tools", "x = 'TITLE'"),
        ("_x", "TITLE = 1"),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(text)
    (tmp_path / "data").mkdir()
    assert list(builtin(tmp_path)) == ["a", "b", "c", "d"]
    assert listing("a", builtin(tmp_path)["a"]).title == "a"


def test_the_built_in_studies_are_found():
    assert set(builtin()) == {
        "brunel",
        "channel_noise",
        "circuit_robustness",
        "coherence_resonance",
        "correlation_transfer",
        "differentiable_design",
        "fault_campaign",
        "from_file",
        "full_mnist",
        "gradient_estimators",
        "internal_noise",
        "learnable_dynamics",
        "neural_coding",
        "neural_sampling",
        "noise_exploration",
        "noise_model_mismatch",
        "noise_regularisation",
        "nsnn",
        "recurrent_noise",
        "reset_gradient",
        "stochastic_resonance",
        "validation",
        "yield_and_area",
    }


def test_an_unknown_study_has_near_matches(tmp_path):
    fake_study.write(tmp_path, name="internal_noise.py")
    with pytest.raises(InputError, match="Did you mean 'internal_noise'"):
        find("internal_nois", tmp_path)
    with pytest.raises(InputError, match=r"no such file.*Did you mean 'internal_noise\.py'"):
        find(tmp_path / "internal_noisy.py")
    with pytest.raises(InputError, match=r"must be a \.py file, or a folder with an __init__\.py"):
        find(f"{tmp_path}/")
    (tmp_path / "study.txt").write_text("")
    with pytest.raises(InputError, match=r"must be a \.py file"):
        find(tmp_path / "study.txt")


def test_a_file_imports_its_neighbours_by_name(tmp_path):
    (tmp_path / "nextdoor.py").write_text("VALUE = 7\n")
    assert load(fake_study.write(tmp_path, more="\nimport nextdoor\nTITLE = f'{nextdoor.VALUE}'\n")).title == "7"


def test_a_folder_imports_its_neighbours_relatively_and_nothing_else_sees_them(tmp_path):
    for name, value in (("first", 7), ("second", 8)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nextdoor.py").write_text(f"VALUE = {value}\n")
        more = "\nfrom . import nextdoor\nfrom .nextdoor import VALUE\nTITLE = f'{nextdoor.VALUE} {VALUE}'\n"
        fake_study.write(tmp_path / name, name="__init__.py", more=more)
    before = list(sys.path)
    one, other = load(f"{tmp_path / 'first'}/"), load(tmp_path / "second" / "__init__.py")
    assert (one.name, one.title, other.name, other.title) == ("first", "7 7", "second", "8 8")
    assert sys.path == before
    (tmp_path / "first" / "nextdoor.py").write_text("VALUE = 1 / 0\n")
    (tmp_path / "first").rename(tmp_path / "third")
    with pytest.raises(
        InputError, match=r"study third/__init__.py: cannot be imported \(line \d+\): ZeroDivisionError"
    ):
        load(tmp_path / "third")


def test_two_files_of_one_name_are_two_studies(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first = load(fake_study.write(tmp_path / "a"))
    second = load(fake_study.write(tmp_path / "b", ("trials=3", "trials=4")))
    assert (first.preset("tiny").trials, second.preset("tiny").trials) == (3, 4)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("\nimport no_such_module_here\n", r"line \d+.*No module named 'no_such_module_here'"),
        ("\ndef f(:\n", r"line \d+.*SyntaxError"),
        ("\ndel TITLE\n", "must define TITLE"),
        ("\ndel measure\nMeasure = 1\n", r"must define measure.*Did you mean|must define measure.*Measure"),
        ("\nTITLE = 3\n", "TITLE: must be a string"),
        ("\nTINY = 3\n", "TINY: must be an instance of Config"),
        ("\nplot = 3\n", "plot: must be a function"),
        ("\ntables = 3\n", "tables: must be a function"),
        ("\nCLAIMS = (1,)\n", "CLAIMS: must be a tuple of Claim"),
        ("\nCLAIMS = CLAIMS + CLAIMS\n", r"a name of its own; got \['large', 'open', 'small'\]"),
        ("\nclass Config:\n    pass\n", "must be a frozen dataclass"),
        ("\n@dataclass\nclass Config:\n    x: int = 1\n", "must be frozen"),
        ("\n@dataclass(frozen=True)\nclass Config:\n    out: int = 1\n", r"options of the command line.*'out'"),
        (
            "\n@dataclass(frozen=True)\nclass Config:\n    x: list = (1,)\nTINY = DEFAULT = FULL = Config()\n",
            r"TINY: written as TOML .*'x'",
        ),
    ],
)
def test_a_study_that_breaks_the_protocol_says_how(tmp_path, more, said):
    with pytest.raises(InputError, match=said) as error:
        load(fake_study.write(tmp_path, more=more))
    assert str(error.value).startswith("study fake.py")


def test_every_field_of_the_builtin_studies_says_what_it_is():
    for name in builtin():
        study = load(name)
        todo = [study.preset("tiny")]
        while todo:
            config = todo.pop()
            notes = field_notes(type(config))
            for field, value in vars(config).items():
                assert notes.get(field), f"{name}: {type(config).__name__}.{field} has no docstring"
                todo += [value] if hasattr(value, "__dataclass_fields__") else []
