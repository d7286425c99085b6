"""A run that goes on: with the same configuration, study, package and libraries, or with a word about what is another one."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import fake_study
from helpers.pace import slow_but
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import Existing, Lines, load, made, run_study
from jaxsnn_noise.study.made import changes, package_digest
from jaxsnn_noise.study.neighbours import sources

STAGED = """
import os
def part(name, value):
    def compute():
        with open(os.environ["CALLS"], "a") as calls:
            calls.write(name + " ")
        if name == "two" and not os.path.exists(os.environ["CALLS"] + ".go"):
            raise KeyboardInterrupt
        return xr.Dataset({"x": ("i", [value, np.nan]), "n": ("i", [7, 8])}, {"i": ["a", "bc"]})
    return compute
def measure(config, progress):
    return {name: progress.stage(name, part(name, 1.0)) for name in ("one", "two")}
def plot(data, config): return {}
def tables(data, config): return {}
CLAIMS = ()
"""


@pytest.fixture(autouse=True)
def _imports_undone(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("beside"):
            del sys.modules[name]


@pytest.fixture
def computed(tmp_path, monkeypatch):
    """The names of the stages that were computed, and a way to let the second one come to its end."""
    file = tmp_path / "calls"
    file.write_text("")
    monkeypatch.setenv("CALLS", str(file))
    return lambda: file.read_text().split()


def run(path: Path, out: Path, existing: Existing = Existing.REFUSE, preset: str = "tiny", **options):
    study = load(path)
    return run_study(study, study.preset(preset), out, preset=preset, existing=existing, **options)


def stopped(tmp_path: Path, more: str = STAGED) -> tuple[Path, Path]:
    """A study and the folder of its run, which was interrupted after the first of two stages."""
    path, out = fake_study.write(tmp_path, more=more), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(path, out)
    (tmp_path / "calls.go").write_text("")
    return path, out


def report(out: Path) -> str:
    return (out / "report.html").read_text()


def test_stages_of_an_edited_study_are_never_mixed_with_new_ones_without_a_word(tmp_path, computed):
    path, out = stopped(tmp_path)
    fake_study.write(tmp_path, more=STAGED.replace("1.0", "2.0"))
    before = (out / "status.json").read_bytes(), (out / "record.json").read_bytes()
    with pytest.raises(InputError) as error:
        run(path, out, Existing.RESUME)
    for part in ("fake.py is changed", "'one'", "--accept-changes", "--overwrite", "put it back"):
        assert part in str(error.value)
    assert ((out / "status.json").read_bytes(), (out / "record.json").read_bytes()) == before
    assert computed() == ["one", "two"]
    run(path, out, Existing.RESUME, accept_changes=True)
    assert computed() == ["one", "two", "two"]
    note = "Kept though made before a change, by the user&#39;s choice: one (fake.py is changed)."
    assert note in report(out)
    run(path, out, Existing.RESUME)
    assert note in report(out)  # as long as the data are these
    run(path, out, Existing.OVERWRITE)
    assert "Kept though" not in report(out)


def test_an_edit_that_was_put_back_is_none(tmp_path, computed):
    path, out = stopped(tmp_path)
    source = path.read_text()
    path.write_text(source + "\n# a remark\n")
    with pytest.raises(InputError, match=r"fake\.py is changed"):
        run(path, out, Existing.RESUME)
    path.write_text(source)
    run(path, out, Existing.RESUME)
    assert computed() == ["one", "two", "two"]
    assert "Kept though" not in report(out)


def test_neighbours_that_a_study_imports_count_also_those_of_functions(tmp_path, computed):
    (tmp_path / "beside_it.py").write_text("from beside_pack.inner import VALUE\n")
    (tmp_path / "beside_pack").mkdir()
    (tmp_path / "beside_pack" / "__init__.py").write_text("")
    (tmp_path / "beside_pack" / "inner.py").write_text("VALUE = 1.0\n")
    (tmp_path / "stranger.py").write_text("")
    more = STAGED.replace("return {name", "from beside_it import VALUE\n    return {name").replace("1.0)", "VALUE)")
    path, out = stopped(tmp_path, more)
    names = ["fake.py", "beside_it.py", "beside_pack/__init__.py", "beside_pack/inner.py"]
    assert list(sources(path)) == names
    assert all((out / "study" / name).is_file() for name in names)
    (tmp_path / "stranger.py").write_text("x = 1\n")
    (tmp_path / "beside_pack" / "inner.py").write_text("VALUE = 2.0\n")
    with pytest.raises(InputError, match=r"beside_pack/inner\.py is changed") as error:
        run(path, out, Existing.RESUME)
    assert "stranger" not in str(error.value)


def test_relative_imports_lead_to_neighbours_of_packages(tmp_path):
    for name, text in {
        "s.py": "import pack.a, numpy, elsewhere.b\n",
        "pack/__init__.py": "",
        "pack/a.py": "from . import b\nfrom .deep import c\nfrom ... import x\n",
        "pack/b.py": "import s\n",
        "pack/deep/c.py": "from ..b import y\nbroken(\n",
        "x.py": "",
        "pack/unused.py": "",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert set(sources(tmp_path / "s.py")) == {"s.py", "pack/__init__.py", "pack/a.py", "pack/b.py", "pack/deep/c.py"}


def test_another_package_or_library_counts_as_a_change(tmp_path, computed, monkeypatch):
    path, out = stopped(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(made, "version", lambda: "9.9")
        with pytest.raises(InputError, match=r"jaxsnn_noise was .* and is 9\.9"):
            run(path, out, Existing.RESUME)
    with monkeypatch.context() as patch:
        patch.setattr(made, "package_digest", lambda: "0" * 64)
        with pytest.raises(InputError, match=r"the files of jaxsnn_noise .* are changed"):
            run(path, out, Existing.RESUME)
    with monkeypatch.context() as patch:
        patch.setattr(made, "versions", lambda names: {"jax": "9.9"})
        with pytest.raises(InputError, match=r"jax was .* and is 9\.9"):
            run(path, out, Existing.RESUME)
    run(path, out, Existing.RESUME)
    assert computed() == ["one", "two", "two"]


def test_the_digest_of_the_package_is_of_what_computes(monkeypatch, tmp_path):
    (tmp_path / "study").mkdir()
    for name in ("a.py", "study/made.py", "study/report.py", "__main__.py"):
        (tmp_path / name).write_text("x = 1\n")
    monkeypatch.setattr(made, "__file__", str(tmp_path / "study" / "made.py"))
    digests = []
    for changed in ("", "study/report.py", "__main__.py", "a.py"):
        if changed:
            (tmp_path / changed).write_text("x = 2\n")
        package_digest.cache_clear()
        digests.append(package_digest())
    package_digest.cache_clear()
    assert digests[0] == digests[1] == digests[2] != digests[3]


def test_changes_are_told_by_name():
    old = {"files": {"a": "1", "b": "1"}, "package": {"version": "1", "sha256": "x"}, "libraries": {"jax": "1"}}
    new = {"files": {"b": "2", "c": "1"}, "package": {"version": "2", "sha256": "y"}, "libraries": {"numpy": "1"}}
    assert changes(old, old) == []
    assert changes(old, new) == [
        "b is changed", "c is new", "a is gone", "jaxsnn_noise was 1 and is 2", "jax was 1 and is None",
        "numpy was None and is 1",
    ]  # fmt: skip


@pytest.mark.slow
def test_measured_data_go_on_with_an_edited_study_and_a_note(tmp_path):
    path, out = fake_study.write(tmp_path), tmp_path / "out"
    run(path, out)
    fake_study.write(tmp_path, more="\n# a better plot\n")
    run(path, out, Existing.RESUME)
    assert "Changed since the data was measured: fake.py is changed." in report(out)
    fake_study.write(tmp_path)
    run(path, out, Existing.RESUME)
    assert "Changed since" not in report(out)


def test_an_edited_configuration_in_the_folder_does_not_become_its_own_reference(tmp_path, computed):
    path, out = stopped(tmp_path)
    file = out / "config.toml"
    text = file.read_text()
    file.write_text(text.replace("trials = 3", "trials = 20"))
    for preset in ("tiny", "default"):
        with pytest.raises(
            InputError, match=r"config\.toml is a record of this run and was edited \(trials was 3 and is 20\)"
        ):
            run(path, out, Existing.RESUME, preset)
    file.write_text("# a remark\n" + text)
    run(path, out, Existing.RESUME)
    assert computed() == ["one", "two", "two"]
    file.unlink()
    run(path, out, Existing.RESUME)
    assert file.read_text() == text


def test_another_configuration_or_study_is_refused_with_both_values(tmp_path, computed):
    path, out = stopped(tmp_path)
    with pytest.raises(InputError, match=r"another configuration .*: trials was 3 and is 20"):
        run(path, out, Existing.RESUME, "default")
    other = fake_study.write(tmp_path, name="other.py", more=STAGED)
    with pytest.raises(InputError, match=r"is of the study fake; got 'other'"):
        run(other, out, Existing.RESUME)


def test_a_configuration_with_other_fields_now_is_refused(tmp_path, computed):
    path, out = stopped(tmp_path)
    fake_study.write(tmp_path, ("    trials: int = 20\n", "    repeats: int = 20\n"), ("trials=", "repeats="))
    with pytest.raises(InputError, match=r"the configuration that the run was started with: unknown key; got 'trials'"):
        run(path, out, Existing.RESUME)


@pytest.mark.parametrize("damage", slow_but(["gone", "cut", "edited", "foreign"], ["edited"]))
def test_a_record_that_is_not_as_it_was_written_promises_nothing(tmp_path, computed, damage):
    path, out = stopped(tmp_path)
    file = out / "record.json"
    text = file.read_text()
    if damage == "gone":
        file.unlink()
    else:
        file.write_text({"cut": text[:50], "edited": text.replace("trials = 3", "trials = 4"), "foreign": "[]"}[damage])
    with pytest.raises(InputError, match=r"record\.json .* so nobody can tell whether the run may go on"):
        run(path, out, Existing.RESUME)
    run(path, out, Existing.OVERWRITE)
    assert computed() == ["one", "two", "one", "two"]


def test_a_run_that_measured_nothing_may_be_resumed_with_an_edited_study(tmp_path):
    path, out = (
        fake_study.write(tmp_path, more="\ndef measure(c, p): raise RuntimeError('no current')\n"),
        tmp_path / "out",
    )
    with pytest.raises(Exception, match="no measurement is kept: --resume starts anew"):
        run(path, out)
    fake_study.write(tmp_path)
    assert run(path, out, Existing.RESUME).errors == ()
    assert "Changed since" not in report(out)


def test_damaged_stages_are_computed_again_and_told(tmp_path, computed):
    path, out = stopped(tmp_path)
    chunk = next(f for f in (out / "stages" / "one.zarr" / "n").rglob("*") if f.is_file() and f.name != "zarr.json")
    chunk.unlink()  # Zarr would say 0
    lines = io.StringIO()
    run(path, out, Existing.RESUME, display=Lines(lines))
    assert computed() == ["one", "two", "one", "two"]
    assert "one: damaged, computed again (one.zarr: n/" in lines.getvalue()
    assert "is gone" in lines.getvalue()


def test_names_of_files_in_a_foreign_folder_command_no_terminal(tmp_path, computed):
    path, out = stopped(tmp_path)
    (out / "stages" / "one.zarr" / "a\x1b[2J").write_text("")
    lines = io.StringIO()
    run(path, out, Existing.RESUME, display=Lines(lines))
    assert r"one: damaged, computed again (one.zarr: a\x1b[2J is not as it was written)" in lines.getvalue()
    assert "\x1b" not in lines.getvalue()


def test_a_stage_of_another_run_is_computed_again_and_told(tmp_path, computed):
    path, out = stopped(tmp_path)
    file = out / "stages" / "one.json"
    record = json.loads(file.read_text())
    record["made"]["config"] = record["made"]["config"].replace("trials = 3", "trials = 4")
    file.write_text(json.dumps(record))
    lines = io.StringIO()
    run(path, out, Existing.RESUME, display=Lines(lines))
    assert computed() == ["one", "two", "one", "two"]
    assert "one: of another run, computed again" in lines.getvalue()


@pytest.mark.parametrize("damage", slow_but(["a bit", "a file", "the record", "a file more"], ["a bit", "the record"]))
def test_damaged_data_are_never_judged(tmp_path, damage):
    path, out = fake_study.write(tmp_path), tmp_path / "out"
    run(path, out)
    before = report(out)
    chunk = next(f for f in sorted((out / "data.zarr" / "level").rglob("*")) if f.is_file() and f.name != "zarr.json")
    if damage == "a bit":
        content = bytearray(chunk.read_bytes())
        content[len(content) // 2] ^= 1
        chunk.write_bytes(content)
    elif damage == "a file":
        chunk.unlink()
    elif damage == "the record":
        (out / "data.json").write_text("{}")
    else:
        (out / "data.zarr" / "x").write_text("")
    with pytest.raises(InputError, match="the data of this run is damaged"):
        run(path, out, Existing.RESUME)
    assert report(out) == before
    run(path, out, Existing.OVERWRITE)


@pytest.mark.slow
def test_data_of_another_run_are_not_taken_for_those_of_this_one(tmp_path):
    path, out, other = fake_study.write(tmp_path), tmp_path / "out", tmp_path / "other"
    run(path, out)
    run(path, other, preset="default")
    for name in ("data.zarr", "data.json"):
        (out / name).rename(tmp_path / name)
        (other / name).rename(out / name)
    with pytest.raises(InputError, match=r"data\.zarr is of another run"):
        run(path, out, Existing.RESUME)


def test_what_is_there_counts_and_not_what_the_status_says(tmp_path, computed):
    """A process that is killed right after its data are written has not yet said so."""
    (tmp_path / "calls.go").write_text("")
    path, out = fake_study.write(tmp_path, more=STAGED), tmp_path / "out"
    run(path, out)
    status = json.loads((out / "status.json").read_text())
    (out / "status.json").write_text(json.dumps({**status, "state": "running", "stage": "measure", "saved": []}))
    (out / "stages").mkdir()
    run(path, out, Existing.RESUME)
    assert computed() == ["one", "two"]
    assert not (out / "stages").exists()


def test_parts_from_another_machine_are_told(tmp_path, computed):
    path, out = stopped(tmp_path)
    file = out / "environment.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "cpu": "An abacus"}))
    run(path, out, Existing.RESUME)
    assert "Parts were computed on another machine: An abacus" in report(out)


@pytest.mark.parametrize(
    "content", slow_but(["{", "[]", '{"packages": 3}', '{"packages": {}, "study": {}, "jax": 3}'], ["{"])
)
def test_a_damaged_environment_costs_a_note(tmp_path, content):
    path, out = fake_study.write(tmp_path), tmp_path / "out"
    run(path, out)
    (out / "environment.json").write_text(content)
    assert run(path, out, Existing.RESUME).errors == ()
    assert "The environment of the measurement is lost" in report(out)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[]", "must hold a table"),
        ('{"errors": 3}', "errors must be a list of texts .*; got 3"),
        pytest.param('{"saved": [1]}', "saved must be a list of texts", marks=pytest.mark.slow),
        pytest.param('{"seconds": {"a": "b"}}', "seconds must be a table of numbers", marks=pytest.mark.slow),
        pytest.param('{"stage": null}', "stage must be a text", marks=pytest.mark.slow),
        ("[" * 100000, r"status\.json cannot be read"),
    ],
)
def test_a_damaged_status_is_told(tmp_path, content, said):
    path, out = fake_study.write(tmp_path), tmp_path / "out"
    run(path, out)
    (out / "status.json").write_text(content)
    with pytest.raises(InputError, match=said):
        run(path, out, Existing.RESUME)
    run(path, out, Existing.OVERWRITE)


def test_a_killed_probe_leaves_a_folder_that_can_be_used(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / ".writable-x.partial").write_text("")
    assert run(fake_study.write(tmp_path), out, Existing.RESUME).errors == ()


def test_stages_hold_what_was_put_there(tmp_path, computed):
    import xarray

    path, out = stopped(tmp_path)
    run(path, out, Existing.RESUME)
    tree = xarray.open_datatree(out / "data.zarr", engine="zarr", consolidated=False)
    np.testing.assert_array_equal(tree["one"]["n"].values, [7, 8])
    tree.close()
