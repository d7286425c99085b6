"""Fields of configurations say what they take, and it is held to on every road: Python, presets, files, command line."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import fake_study
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.parameters import Range, between, fraction, nonnegative, positive
from jaxsnn_noise.study import builtin, load, option, read_toml, run_study
from jaxsnn_noise.study.options import check_config, rules, undeclared
from jaxsnn_noise.study.toml import to_toml


@pytest.fixture(autouse=True)
def _somewhere_else(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)


@dataclass(frozen=True)
class Cells:
    tau: float = option(20.0, positive)
    """Time constant [ms]."""
    size: int = option(100, Range(1))
    """Neurons [1]."""


@dataclass(frozen=True)
class Config:
    cells: Cells = field(default_factory=Cells)
    """The cells."""
    levels: tuple[float, ...] = option((0.0, 0.1), nonnegative, least=2, rising=True)
    """Noise [mV]."""
    filters: tuple[str, ...] = option(("none", "tanh"), choices=("none", "tanh", "sigmoid"), distinct=True)
    """Filters."""
    share: float | None = option(None, fraction)
    """A share [1]."""
    weights: dict[str, float] = option({"a": 1.0}, between(-1, 1))  # noqa: RUF009
    """Weights [nA]."""
    limit: float = math.inf
    """A limit that nothing is said of [mV]."""
    seed: int = option(0, Range(0))


CONFIG = Config()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cells": Cells(tau=0.0)}, "cells.tau: must be finite and > 0 [ms]; got 0.0"),
        ({"cells": Cells(tau=math.inf)}, "cells.tau: must be finite and > 0 [ms]; got inf"),
        ({"cells": Cells(size=0)}, "cells.size: must be whole numbers >= 1; got 0"),
        ({"levels": (0.1, math.nan)}, "levels: must be a number, and NaN is none"),
        ({"levels": (-0.1, 0.1)}, "levels: must be finite and >= 0 [mV]; got -0.1"),
        ({"levels": (0.1,)}, "levels: must have at least 2 entries; got (0.1,)"),
        ({"levels": (0.1, 0.1)}, "levels: must rise from entry to entry; got (0.1, 0.1)"),
        ({"levels": (0.2, 0.1)}, "levels: must rise from entry to entry"),
        ({"filters": ("swish",)}, "filters: unknown name; got 'swish'. Known: none, sigmoid, tanh"),
        ({"filters": ("tan",)}, "filters: unknown name; got 'tan'. Did you mean 'tanh'?"),
        ({"filters": ("tanh", "tanh")}, "filters: must have no entry twice"),
        ({"share": 1.5}, "share: must lie in [0, 1]; got 1.5"),
        ({"share": math.nan}, "share: must be a number, and NaN is none (use None"),
        ({"weights": {"a": 1.0, "b": 2.0}}, "weights: must lie in [-1, 1] [nA]; got 2.0"),
        ({"limit": math.nan}, "limit: must be a number, and NaN is none"),
        ({"seed": -1}, "seed: must be whole numbers >= 0; got -1"),
    ],
)
def test_a_value_that_a_field_does_not_take_is_named(changed, said):
    check_config("mine", CONFIG)
    with pytest.raises(InputError) as error:
        check_config("mine", replace(CONFIG, **changed))
    assert str(error.value).startswith(f"mine: {said}")


def test_what_fields_take_is_let_pass():
    for changed in (
        {"share": 0.0}, {"share": None}, {"limit": -math.inf}, {"filters": ()}, {"weights": {}}, {"seed": 10**12},
        {"levels": (0, 1, 2)},
    ):  # fmt: skip
        check_config("mine", replace(CONFIG, **changed))


def test_the_end_of_a_range_that_is_open_is_outside():
    @dataclass(frozen=True)
    class Open:
        beta: float = option(0.5, Range(0.0, 1.0, low_open=True, high_open=True))

    check_config("x", Open())
    for value in (0.0, 1.0):
        with pytest.raises(InputError, match=r"x: beta: must lie in \(0, 1\)"):
            check_config("x", Open(value))


def test_defaults_are_nobodys_to_change():
    one, other = Config(), Config()
    one.weights["a"] = 3.0
    assert other.weights == {"a": 1.0}


def test_rules_stand_in_the_file_and_beside_the_docstrings():
    assert rules(Config)["levels"] == "Noise [mV]. Must be finite and >= 0, at least 2 of them, rising."
    assert rules(Config)["filters"] == "Filters. One of none, tanh, sigmoid, each once."
    assert rules(Config)["limit"] == "A limit that nothing is said of [mV]."
    assert rules(Cells)["size"] == "Neurons [1]. Must be whole numbers >= 1."
    assert rules(Config)["seed"] == "Must be whole numbers >= 0."
    assert "size = 100  # Neurons [1]. Must be whole numbers >= 1.\n" in to_toml(CONFIG)


def test_fields_without_a_rule_are_found():
    assert undeclared(Config) == ["limit"]


DECLARED = (
    ('from dataclasses import dataclass\n', 'from dataclasses import dataclass\nfrom jaxsnn_noise.parameters import Range\nfrom jaxsnn_noise.study import option\n'),
    ("    trials: int = 20\n", "    trials: int = option(20, Range(1))\n"),
    ("    note: str | None = None\n", '    note: str | None = option(None, choices=("loud", "quiet"))\n'),
)  # fmt: skip


def test_a_configuration_made_in_python_is_checked_before_anything_is_done(tmp_path):
    study = load(fake_study.write(tmp_path, *DECLARED))
    preset: Any = study.preset("tiny")
    for changed, said in (
        ({"trials": 0}, r"config: trials: must be whole numbers >= 1; got 0"),
        ({"trials": "3"}, r"config: trials: must be a whole number; got '3'"),
        ({"trials": True}, r"config: trials: must be a whole number; got True"),
        ({"trials": 3.0}, r"config: trials: must be a whole number; got 3\.0"),
        ({"inner": replace(preset.inner, levels=(0.0, math.nan))}, r"config: inner\.levels: must be a number"),
        (
            {"inner": replace(preset.inner, note="load")},
            r"config: inner\.note: unknown name; got 'load'. Did you mean 'loud'",
        ),
    ):
        with pytest.raises(InputError, match=said):
            run_study(study, replace(preset, **changed), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run_study(study, replace(preset, trials=np.int64(4)), tmp_path / "out")
    assert "trials = 4" in (tmp_path / "out" / "config.toml").read_text()


def test_presets_are_checked_when_a_study_is_loaded(tmp_path):
    path = fake_study.write(tmp_path, *DECLARED, ("Config(trials=3)", "Config(trials=-3)"))
    with pytest.raises(InputError, match=r"study fake\.py: TINY: trials: must be whole numbers >= 1; got -3"):
        load(path)


def test_files_and_the_command_line_are_checked_alike(tmp_path, capsys):
    path = fake_study.write(tmp_path, *DECLARED)
    file = tmp_path / "mine.toml"
    file.write_text("[inner]\nlevels = [0.1, nan]\n")
    with pytest.raises(InputError, match=r"config mine\.toml: inner\.levels: must be a number, and NaN is none"):
        read_toml(file, load(path).preset("tiny"))
    for args, said in (
        (["--trials", "-5"], "run: --trials: must be whole numbers >= 1; got -5"),
        (["--inner.levels", "0.1", "nan"], "run: --inner.levels: must be a number, and NaN is none"),
        (["--inner.note", "quit"], "run: --inner.note: unknown name; got 'quit'. Did you mean 'quiet'"),
        (["--config", str(file)], "config mine.toml: inner.levels: must be a number"),
    ):
        assert cli.main(["run", str(path), "--preset", "tiny", "--out", "o", *args]) == 2
        assert f"error: {said}" in capsys.readouterr().err
        assert not Path("o").exists()
    with pytest.raises(SystemExit):
        cli.main(["run", str(path), "--help"])
    help_text = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Trials per level [1]. Must be whole numbers >= 1. (default: 20)" in help_text
    assert "One of loud, quiet." in help_text


@pytest.mark.parametrize("name", sorted(builtin()))
def test_built_in_studies_say_of_every_field_what_it_takes(name):
    study = load(name)
    assert undeclared(study.config_type) == []


@pytest.mark.parametrize(
    ("name", "args", "said"),
    [
        ("internal_noise", ["--images", "-5"], "run: --images: must be whole numbers in [1, 1000]; got -5"),
        ("internal_noise", ["--images", "1001"], "run: --images: must be whole numbers in [1, 1000]; got 1001"),
        ("internal_noise", ["--filters", "swish"], "run: --filters: unknown name; got 'swish'"),
        ("internal_noise", ["--filters", "sigmoyd"], "Did you mean 'sigmoid'?"),
        ("internal_noise", ["--places", "currant"], "Did you mean 'current'?"),
        ("internal_noise", ["--pixels", "row"], "Did you mean 'raw'?"),
        ("internal_noise", ["--levels", "0.1", "nan"], "run: --levels: must be a number"),
        ("internal_noise", ["--levels", "1.0", "0.1"], "run: --levels: must rise"),
        ("internal_noise", ["--primary", "0.2"], "primary must be one of the levels"),
        ("internal_noise", ["--layers.beta", "1.0"], "run: --layers.beta: must lie in (0, 1)"),
        ("internal_noise", ["--teaching.samples", "0"], "run: --teaching.samples: must be whole numbers in [10, 5000]"),
        ("recurrent_noise", ["--trials", "1"], "run: --trials: must be whole numbers >= 2"),
        ("recurrent_noise", ["--kinds", "poison"], "Did you mean 'poisson'?"),
        ("recurrent_noise", ["--kinds", "threshold"], "kinds must have additive among them"),
        ("recurrent_noise", ["--dt", "0"], "run: --dt: must be finite and > 0 [ms]"),
        ("recurrent_noise", ["--probability", "1.5"], "run: --probability: must lie in [0, 1]"),
        ("recurrent_noise", ["--levels", "0.1", "0.2"], "levels must begin with 0"),
        ("validation", ["--rows", "telegraf"], "Did you mean 'telegraph'?"),
    ],
)  # fmt: skip
def test_built_in_studies_refuse_before_anything_is_computed(capsys, name, args, said):
    try:
        code = cli.main(["run", name, "--preset", "tiny", "--out", "o", *args])
    except SystemExit as stop:
        code = int(stop.code or 0)
    assert code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not Path("o").exists()


def test_calls_from_python_are_checked(tmp_path):
    study = load(fake_study.write(tmp_path))
    preset: Any = study.preset("tiny")
    for config in ({"trials": 3}, Config(), None):
        with pytest.raises(InputError, match=r"run_study\.config: must be a Config of the study fake"):
            run_study(study, config, tmp_path / "out")
    again = type("Config", (), {"__module__": "experiments.fake"})()
    with pytest.raises(
        InputError, match=r"this one is of experiments\.fake, another import: take study\.config_type or"
    ):
        run_study(study, again, tmp_path / "out")
    with pytest.raises(InputError, match="out: must be the path of a folder; got ''"):
        run_study(study, preset, "")
    (tmp_path / "mine.toml").write_text("trials = 3\n")
    for base in ({"trials": 3}, type(preset)):
        with pytest.raises(InputError, match=r"read_toml\.base: must be a configuration"):
            read_toml(tmp_path / "mine.toml", base)
    with pytest.raises(InputError, match=r"option\.choices: must be several names"):
        option("none", choices="none")
