from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study.config import check_round_trip, differences, differences_text, override, paths, read_toml
from jaxsnn_noise.study.notes import field_notes
from jaxsnn_noise.study.toml import to_toml


class Kind(Enum):
    LOUD = "loud"
    QUIET = "quiet"


@dataclass(frozen=True)
class Site:
    name: str
    level: float = 0.1


@dataclass(frozen=True)
class Inner:
    levels: tuple[float, ...] = (0.1, 0.2)
    """Intensities [1]."""
    limit: float | None = None
    """Upper end [mV], none by default."""
    pair: tuple[int, str] = (1, "x")

    def __post_init__(self) -> None:
        if any(level < 0 for level in self.levels):
            raise ValueError("levels must be >= 0")


@dataclass(frozen=True)
class Config:
    seed: int = 0
    """Root seed [1]."""
    kind: Kind = Kind.LOUD
    folder: Path | None = None
    filter: Literal["none", "tanh"] = "none"
    on: bool = True
    text: str = "a"
    inner: Inner = Inner()
    """Noise inside."""
    sites: tuple[Site, ...] = (Site("m"), Site("n", 2.0))
    weights: dict[str, float] = field(default_factory=dict)
    either: int | str = 3


numbers = st.floats(allow_nan=False, allow_infinity=True)
levels = st.lists(st.floats(min_value=0, allow_nan=False), max_size=4).map(tuple)
sites = st.lists(st.builds(Site, st.text(), numbers), max_size=3).map(tuple)
inners = st.builds(Inner, levels, st.none() | numbers, st.tuples(st.integers(), st.text()))
configs = st.builds(
    Config,
    seed=st.integers(),
    kind=st.sampled_from(Kind),
    folder=st.none() | st.sampled_from([Path("a b/ü"), Path("x.toml")]),
    filter=st.sampled_from(["none", "tanh"]),
    on=st.booleans(),
    text=st.text(),
    inner=inners,
    sites=sites,
    weights=st.dictionaries(st.text(), numbers, max_size=3),
    either=st.integers() | st.text(),
)


@given(configs, configs)
def test_what_is_written_is_read_back_whatever_the_preset(tmp_path_factory, config, preset):
    file = tmp_path_factory.mktemp("toml") / "config.toml"
    file.write_text(to_toml(config, "a header\nof two lines"), encoding="utf-8")
    assert differences(read_toml(file, preset), config) == {}


def test_differences_sees_every_leaf():
    changed = Config(seed=1, inner=Inner(limit=2.0), sites=(Site("m"),))
    found = differences(Config(), changed)
    assert list(found) == ["inner.limit", "seed", "sites"]
    assert found["inner.limit"] == (None, 2.0)
    assert differences_text({"seed": found["seed"]}) == "seed was 0 and is 1"


def test_what_a_file_leaves_out_keeps_the_value_of_the_preset(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text("seed = 4\n[inner]\nlimit = 3\n")
    preset = Config(text="mine", inner=Inner(levels=(9.0,)))
    got = read_toml(file, preset)
    assert got == dataclasses.replace(preset, seed=4, inner=Inner((9.0,), 3.0))
    assert isinstance(got.inner.limit, float)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"sed": 1}, ["unknown key", "'sed'", "'seed'"]),
        ({"inner": {"levls": [1.0]}}, ["unknown key", "'inner.levls'", "'inner.levels'"]),
        ({"levels": [1.0]}, ["unknown key", "Did you mean 'inner.levels'"]),
        ({"inner": 3}, ["inner", "must be a table with levels, limit, pair"]),
        ({"inner": {"levels": [1, "x"]}}, ["inner.levels[1]", "must be a number", "'x'"]),
        ({"inner": {"levels": "abc"}}, ["inner.levels", "must be an array", "'abc'"]),
        ({"inner": {"levels": [-1.0]}}, ["inner", "levels must be >= 0"]),
        ({"inner": {"pair": [1]}}, ["inner.pair", "2 entries"]),
        ({"inner": {"limit": "none"}}, ["inner.limit", "must be a number"]),
        ({"sites": [{"name": "m"}, {"nam": "x", "name": "y"}]}, ["sites[1]", "unknown key", "'nam'", "'name'"]),
        ({"sites": [{"level": 1.0}]}, ["sites[0].name", "missing"]),
        ({"sites": ["m"]}, ["sites[0]", "must be a table"]),
        ({"seed": 1.0}, ["seed", "whole number", "1.0"]),
        ({"seed": True}, ["seed", "whole number", "True"]),
        ({"on": 1}, ["on", "true or false"]),
        ({"text": 1}, ["text", "string"]),
        ({"kind": "lod"}, ["kind", "'lod'"]),
        ({"filter": "tan"}, ["filter", "'tan'"]),
        ({"weights": {"a": "b"}}, ["weights.a", "must be a number"]),
        ({"weights": 1}, ["weights", "must be a table"]),
        ({"either": 1.5}, ["either", "int, str"]),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_path(plain, said):
    with pytest.raises(InputError) as error:
        override(Config(), plain, "config mine.toml")
    text = str(error.value)
    assert text.startswith("config mine.toml")
    assert [part for part in said if part not in text] == []


def test_a_missing_file_and_broken_toml_are_errors(tmp_path):
    (tmp_path / "mine.toml").write_text("seed = \n")
    with pytest.raises(InputError, match=r"mine\.toml: must be a TOML file.*line 1"):
        read_toml(tmp_path / "mine.toml", Config())
    with pytest.raises(InputError, match=r"no such file.*Did you mean 'mine\.toml'"):
        read_toml(tmp_path / "mina.toml", Config())
    (tmp_path / "mine.toml").write_bytes(b"text = '\xff'")
    with pytest.raises(InputError, match="must be a TOML file"):
        read_toml(tmp_path / "mine.toml", Config())


def test_none_is_a_word_and_an_optional_text_cannot_be_that_word():
    @dataclass(frozen=True)
    class Optional:
        text: str | None = None

    assert 'text = "None"' in to_toml(Optional())
    with pytest.raises(InputError, match="cannot hold the text"):
        to_toml(Optional("None"))


def test_docstrings_of_fields_become_comments():
    text = to_toml(Config())
    assert "seed = 0  # Root seed [1].\n" in text
    assert "[inner]  # Noise inside.\n" in text
    assert 'limit = "None"  # Upper end [mV], none by default.' in text
    assert field_notes(Site) == {}


def test_a_configuration_that_toml_cannot_hold_is_refused():
    @dataclass(frozen=True)
    class Holds:
        thing: Any = None

    @dataclass(frozen=True)
    class Odd:
        thing: complex = 1

    check_round_trip("x", Holds(1))
    with pytest.raises(InputError, match=r"x: must hold numbers.*complex has no form in TOML"):
        check_round_trip("x", Holds(1j))
    with pytest.raises(InputError, match=r"x: written as TOML .* \['thing'\]"):
        check_round_trip("x", Holds((1, 2)))  # would come back as a list
    with pytest.raises(InputError, match=r"x: has a field of a type .*complex"):
        check_round_trip("x", Odd())


def test_paths_are_dotted():
    assert paths(Config())[6:10] == ["inner", "inner.levels", "inner.limit", "inner.pair"]
