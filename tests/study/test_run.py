from __future__ import annotations

import contextlib
import csv
import dataclasses
import errno
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas
import pytest
import xarray

from helpers import fake_study
from jaxsnn_noise import _files
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import Existing, Lines, StudyError, Verdict, load, read_toml, run_study
from jaxsnn_noise.study import outputs as outputs_module
from jaxsnn_noise.study.outputs import Outputs, prepare

COUNTED = """
import os
measure_really = measure
def measure(config, progress):
    with open(os.environ["CALLS"], "a") as calls:
        calls.write("measured ")
    return measure_really(config, progress)
"""


@pytest.fixture(autouse=True)
def _imports_undone(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """How often a study with ``COUNTED`` in it measured."""
    file = tmp_path / "calls"
    file.write_text("")
    monkeypatch.setenv("CALLS", str(file))
    return lambda: file.read_text().split().count("measured")


def run(path: Path, out: Path, preset: str = "tiny", **options):
    study = load(path)
    return run_study(study, study.preset(preset), out, preset=preset, **options)


def status(out: Path) -> dict:
    return json.loads((out / "status.json").read_text())


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_leaves_everything(tmp_path):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path)
    done = run(path, out, command="jaxsnn-noise run fake.py")
    assert done.errors == ()
    assert [c.verdict for c in done.claims] == [Verdict.REPRODUCED, Verdict.NOT_REPRODUCED, Verdict.UNDECIDED]
    names = {str(f.relative_to(out)) for f in out.rglob("*") if f.is_file() and "data.zarr" not in f.parts}
    assert names == {
        "status.json", "record.json", "config.toml", "environment.json", "study/fake.py", "data.json", "claims.json", "claims.csv", "methods.txt",
        "report.html", "tables/by_level.csv", "figures/rate.svg", "figures/rate.png", "figures/rate.csv",
    }  # fmt: skip
    assert status(out)["state"] == "finished"
    assert status(out)["stage"] == "end"
    assert (out / "study" / "fake.py").read_bytes() == path.read_bytes()
    study = load(path)
    assert read_toml(out / "config.toml", study.preset("full")) == study.preset("tiny")


def test_the_dataset_on_disk_is_what_was_measured(tmp_path):
    study = load(fake_study.write(tmp_path))
    run_study(study, study.preset("tiny"), tmp_path / "out")
    saved = xarray.open_zarr(tmp_path / "out" / "data.zarr", consolidated=False).load()
    config = study.preset("tiny")
    levels = list(config.inner.levels)
    values = np.random.default_rng(config.seed).normal(size=(config.trials, 3)) + np.array(levels)
    values[0, 0] = np.nan
    xarray.testing.assert_identical(
        saved,
        xarray.Dataset({"rate": (("trial", "level"), values)}, {"level": levels}, {"seed": 0, "stream_version": 1}),
    )


def test_figures_come_with_their_numbers_and_claims_with_theirs(tmp_path):
    out = tmp_path / "out"
    run(fake_study.write(tmp_path), out)
    table = pandas.read_csv(out / "figures" / "rate.csv")
    assert list(table.columns) == ["series", "D [1]", "rate [Hz]", "low", "high"]
    assert len(table) == 3
    rows = list(csv.DictReader((out / "claims.csv").read_text().splitlines()))
    stored = json.loads((out / "claims.json").read_text())
    assert [row["verdict"] for row in rows] == ["reproduced", "not reproduced", "undecided"]
    assert [row["verdict"] for row in stored["claims"]] == [row["verdict"] for row in rows]
    assert float(rows[0]["estimate"]) == stored["claims"][0]["estimate"]
    assert (out / "figures" / "rate.png").read_bytes().startswith(b"\x89PNG")


def test_several_datasets_become_groups(tmp_path):
    more = """
single = measure
def measure(config, progress):
    one = single(config, progress)
    names = xr.Dataset({"name": ("case", ["a", "bcd"]), "on": ("case", [True, False])}, {"case": ["x", "yy"]})
    return {"one": one, "two": names}
def plot(data, config):
    assert data["two"]["name"].sel(case="yy").item() == "bcd" and data["two"]["on"].dtype == bool
    return {}
def tables(data, config):
    return {}
CLAIMS = ()
"""
    out = tmp_path / "out"
    done = run(fake_study.write(tmp_path, more=more), out)
    assert done.errors == ()
    tree = xarray.open_datatree(out / "data.zarr", engine="zarr", consolidated=False)
    assert set(tree.children) == {"one", "two"}
    tree.close()


def test_an_error_of_a_judge_is_an_undecided_claim(tmp_path):
    out = tmp_path / "out"
    done = run(fake_study.write(tmp_path, more="\ndef small(d, c): raise KeyError('no <level>')\n" + CLAIMS), out)
    assert [c.verdict.value for c in done.claims] == ["undecided", "not reproduced"]
    assert done.errors == ("claim small: KeyError: 'no <level>'",)
    assert "no &lt;level&gt;" in (out / "report.html").read_text()
    assert status(out)["state"] == "failed"
    assert "Traceback" in (out / "errors.txt").read_text()


CLAIMS = 'CLAIMS = (Claim("small", "t", "s", small), Claim("large", "t", "s", CLAIMS[1].judge))\n'


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("def plot(d, c): raise RuntimeError('no ink')", "plot: RuntimeError: no ink"),
        ("def tables(d, c): raise RuntimeError('no wood')", "tables: RuntimeError: no wood"),
        ("def tables(d, c): return {'by_level': 3}", "table by_level: TypeError: tables/by_level.csv must be"),
        ("def methods(c, d): raise RuntimeError('no words')", "methods: RuntimeError: no words"),
        ("def small(d, c): return True\n" + CLAIMS, "claim small: TypeError: judge must return a Judgement"),
        ("plain = plot\ndef plot(d, c): return {'bad': 3, **plain(d, c)}", "figure bad: TypeError: plot must return"),
    ],
)
def test_an_error_after_the_measurement_loses_nothing_else(tmp_path, more, said):
    out = tmp_path / "out"
    done = run(fake_study.write(tmp_path, more="\n" + more + "\n"), out)
    assert len(done.errors) == 1
    assert done.errors[0].startswith(said)
    assert status(out)["errors"] == list(done.errors)
    assert (out / "report.html").is_file()
    assert (out / "claims.csv").is_file()
    assert (out / "data.zarr").is_dir()
    if "plot" not in said:
        assert (out / "figures" / "rate.svg").is_file()


def test_a_failing_measurement_says_what_is_saved(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StudyError, match=r"measure failed: no current; saved in .*config\.toml"):
        run(fake_study.write(tmp_path, more="\ndef measure(c, p): raise RuntimeError('no current')\n"), out)
    assert status(out)["state"] == "failed"
    assert status(out)["errors"] == ["measure: RuntimeError: no current"]
    assert not (out / "data.zarr").exists()


@pytest.mark.parametrize("value", ["3", "{}", "{'a': 3}", "xr.DataArray([1.0])"])
def test_a_measurement_of_the_wrong_kind_is_an_error(tmp_path, value):
    path = fake_study.write(tmp_path, more=f"\ndef measure(c, p): return {value}\n")
    with pytest.raises((InputError, StudyError), match=r"must return an xarray\.Dataset"):
        run(path, tmp_path / "out")


def test_what_zarr_cannot_hold_is_named(tmp_path):
    more = "\ndef measure(c, p): return xr.Dataset({'x': ('i', np.array([object()], dtype=object))})\n"
    with pytest.raises(StudyError, match="cannot be saved as Zarr"):
        run(fake_study.write(tmp_path, more=more), tmp_path / "out")


def test_a_study_that_cannot_be_built_measures_nothing(tmp_path, calls):
    more = COUNTED + "\ndef build(config): raise ValueError('tau_mem must be > 0')\n"
    with pytest.raises(StudyError, match=r"set up failed: tau_mem must be > 0"):
        run(fake_study.write(tmp_path, more=more), tmp_path / "out")
    assert calls() == 0


def test_a_run_that_was_refused_while_it_was_set_up_stands_in_nobodys_way(tmp_path, calls):
    out = tmp_path / "out"
    refused = fake_study.write(tmp_path, more=COUNTED + "\ndef build(config): raise ValueError('no')\n")
    with pytest.raises(StudyError, match="set up failed"):
        run(refused, out)
    (out / "mine.txt").write_text("precious")  # what is somebody else's is not a run's
    with pytest.raises(InputError, match="must be a new or empty folder"):
        run(refused, out)
    (out / "mine.txt").unlink()
    path = fake_study.write(tmp_path, more=COUNTED)
    run(path, out)
    assert calls() == 1
    with pytest.raises(InputError, match="must be a new or empty folder"):
        run(path, out)


def test_a_run_that_failed_in_its_measurement_is_kept(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(StudyError):
        run(fake_study.write(tmp_path, more="\ndef measure(c, p): raise ValueError('no')\n"), out)
    with pytest.raises(InputError, match="must be a new or empty folder"):
        run(fake_study.write(tmp_path), out)


def test_the_folder_is_checked_before_anything_is_computed(tmp_path, calls, monkeypatch):
    path = fake_study.write(tmp_path, more=COUNTED)
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("precious")
    for existing, said in (
        (Existing.REFUSE, "must be a new or empty folder"),
        (Existing.OVERWRITE, "holds no run"),
        (Existing.RESUME, "holds no run"),
    ):
        with pytest.raises(InputError, match=said):
            run(path, out, existing=existing)
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        run(path, tmp_path / "file" / "out")
    monkeypatch.setattr(
        outputs_module.tempfile, "mkstemp", lambda **k: (_ for _ in ()).throw(PermissionError(13, "Permission denied"))
    )
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        run(path, tmp_path / "other")
    assert calls() == 0
    assert (out / "mine.txt").read_text() == "precious"


def test_too_little_room_is_an_error_before_anything_is_computed(tmp_path, calls, monkeypatch):
    path = fake_study.write(tmp_path, more=COUNTED + "\ndef bytes_needed(config): return 10**10\n")
    usage = type(shutil.disk_usage(tmp_path))
    monkeypatch.setattr(outputs_module.shutil, "disk_usage", lambda p: usage(10**12, 0, 10**9))
    with pytest.raises(InputError, match=r"needs 9,537 MiB of free disk; got '954 MiB"):
        run(path, tmp_path / "out")
    monkeypatch.setattr(outputs_module.shutil, "disk_usage", lambda p: usage(10**12, 0, 10**6))
    with pytest.raises(InputError, match="needs 100 MiB"):
        prepare(tmp_path / "other")
    assert calls() == 0


def test_overwriting_replaces_a_run_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path)
    run(path, out)
    (out / "mine.txt").write_text("precious")
    (out / "figures" / "old.svg").write_text("old")
    with pytest.raises(InputError, match="--overwrite"):
        run(path, out)
    run(path, out, preset="default", existing=Existing.OVERWRITE)
    assert (out / "mine.txt").read_text() == "precious"
    assert not (out / "figures" / "old.svg").exists()
    assert xarray.open_zarr(out / "data.zarr", consolidated=False).sizes["trial"] == 20


def test_a_finished_measurement_is_not_repeated_on_resume(tmp_path, calls):
    out = tmp_path / "out"
    broken = "\nplain = plot\ndef plot(d, c): raise RuntimeError('no ink')\n"
    path = fake_study.write(tmp_path, more=COUNTED + broken)
    assert run(path, out).errors
    fake_study.write(tmp_path, more=COUNTED)
    done = run(path, out, existing=Existing.RESUME)
    assert done.errors == ()
    assert calls() == 1
    assert status(out)["state"] == "finished"
    assert (out / "figures" / "rate.svg").is_file()
    assert "Changed since the data was measured: fake.py is changed." in (out / "report.html").read_text()


def test_resuming_with_another_configuration_is_an_error(tmp_path):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path)
    run(path, out)
    before = (out / "status.json").read_text()
    with pytest.raises(InputError, match=r"another configuration .*: trials was 3 and is 20"):
        run(path, out, preset="default", existing=Existing.RESUME)
    assert (out / "status.json").read_text() == before


@pytest.mark.slow
def test_resuming_from_a_broken_state_is_an_error(tmp_path):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path)
    run(path, out)
    (out / "status.json").write_text("{")
    with pytest.raises(InputError, match=r"status\.json cannot be read"):
        run(path, out, existing=Existing.RESUME)
    run(path, out, existing=Existing.OVERWRITE)
    (out / "environment.json").unlink()
    assert run(path, out, existing=Existing.RESUME).errors == ()
    assert "environment of the measurement is lost" in (out / "report.html").read_text()


STAGED = """
import os
def part(name):
    def compute():
        with open(os.environ["CALLS"], "a") as calls:
            calls.write("measured ")
        if name == "two" and not os.path.exists(os.environ["CALLS"] + ".go"):
            raise KeyboardInterrupt
        return xr.Dataset({"x": ("i", [1.0, np.nan])}, {"i": ["a", "bc"]})
    return compute
def measure(config, progress):
    (progress.folder("grid") / "kept").mkdir(parents=True, exist_ok=True)
    return {name: progress.stage(name, part(name)) for name in ("one", "two")}
def plot(data, config): return {}
def tables(data, config): return {}
CLAIMS = ()
"""


def test_an_interrupted_run_keeps_its_finished_stages(tmp_path, calls):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path, more=STAGED)
    with pytest.raises(KeyboardInterrupt):
        run(path, out)
    assert status(out)["state"] == "interrupted"
    assert status(out)["stage"] == "measure"
    assert "stages/one.zarr" in status(out)["saved"]
    assert (out / "stages" / "grid" / "kept").is_dir()
    Path(tmp_path / "calls.go").write_text("")
    run(path, out, existing=Existing.RESUME)
    assert calls() == 3  # one, two (interrupted), two
    assert status(out)["state"] == "finished"
    assert not (out / "stages").exists()
    tree = xarray.open_datatree(out / "data.zarr", engine="zarr", consolidated=False)
    assert list(tree["one"]["i"].values) == ["a", "bc"]
    tree.close()


def test_what_an_interruption_hands_over_is_kept(tmp_path):
    more = """
class Stop(KeyboardInterrupt):
    partial = xr.Dataset({"x": ("i", [1.0, np.nan])})
def measure(config, progress):
    raise Stop
"""
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(fake_study.write(tmp_path, more=more), out)
    assert status(out)["state"] == "interrupted"
    kept = xarray.open_zarr(out / "partial.zarr", consolidated=False)
    assert np.isnan(kept["x"].values).tolist() == [False, True]


def test_a_disk_that_fills_up_under_the_data_does_not_lose_it(tmp_path, monkeypatch):
    out = tmp_path / "out"
    refuge = tmp_path / "refuge"
    refuge.mkdir()
    monkeypatch.setattr(outputs_module.tempfile, "tempdir", str(refuge))
    write = xarray.Dataset.to_zarr

    def write_or_fail(dataset, store, **options):
        if str(store).startswith(str(out)):
            raise RuntimeError("zarr says") from OSError(errno.ENOSPC, "No space left on device")
        return write(dataset, store, **options)

    monkeypatch.setattr(xarray.Dataset, "to_zarr", write_or_fail)
    with pytest.raises(StudyError, match=r"is full; the data is in .*refuge.* and --resume; saved in .*config\.toml"):
        run(fake_study.write(tmp_path), out)
    assert status(out)["state"] == "failed"
    assert not [f for f in out.rglob("*") if f.name.endswith(".partial")]
    (place,) = refuge.rglob("data.zarr")
    assert xarray.open_zarr(place, consolidated=False).sizes["trial"] == 3


def test_a_disk_that_is_full_everywhere_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(xarray.Dataset, "to_zarr", full)
    with pytest.raises(StudyError, match="the temporary folder too: the data is lost"):
        run(fake_study.write(tmp_path), tmp_path / "out")


def test_a_disk_that_fills_up_later_says_what_is_saved_and_resumes(tmp_path, monkeypatch, calls):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path, more=COUNTED)
    write = _files.write

    def write_or_fail(place, content):
        return full() if place.name == "rate.svg" else write(place, content)

    with monkeypatch.context() as patch:
        patch.setattr(_files, "write", write_or_fail)
        with pytest.raises(StudyError, match=r"is full; saved in .*data\.zarr, claims\.json, claims\.csv"):
            run(path, out)
    assert status(out)["state"] == "failed"
    assert run(path, out, existing=Existing.RESUME).errors == ()
    assert calls() == 1


def test_a_disk_too_full_for_the_last_words_still_says_them(tmp_path, monkeypatch):
    out = tmp_path / "out"
    path = fake_study.write(tmp_path)
    write = _files.write
    filled: list[bool] = []

    def measure(config, progress):
        filled.append(True)
        full()

    monkeypatch.setattr(_files, "write", lambda place, content: full() if filled else write(place, content))
    study = dataclasses.replace(load(path), measure=measure)
    with pytest.raises(StudyError, match=r"is full; saved in .*environment\.json"):
        run_study(study, study.preset("tiny"), out)


@contextlib.contextmanager
def small_disk(place: Path):
    """A disk of 2 MiB, and a function that fills it but for so many bytes."""
    place.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no small disk can be mounted here")

    def fill(but: int) -> None:
        with contextlib.suppress(OSError), open(place / "filler", "wb", buffering=0) as filler:
            while True:
                filler.write(bytes(4096))
        with open(place / "filler", "r+b") as filler:
            filler.truncate(filler.seek(0, 2) - but)

    try:
        yield fill
    finally:
        subprocess.run(["umount", place], check=True)


@pytest.mark.slow
def test_a_disk_that_is_really_full_loses_no_measurement(tmp_path, monkeypatch):
    """Full to the byte, or with room for some of what comes: the data are in the folder or elsewhere, and go on from there."""
    refuge, path = tmp_path / "refuge", fake_study.write(tmp_path)
    refuge.mkdir()
    monkeypatch.setattr(outputs_module.tempfile, "tempdir", str(refuge))
    monkeypatch.setattr(outputs_module, "LEAST_FREE", 2**20)
    study = load(path)
    config = study.preset("tiny")
    run_study(study, config, tmp_path / "whole")
    whole, ends = Outputs(tmp_path / "whole", {}).read_data(), set()
    with small_disk(tmp_path / "disk") as fill:
        for number, but in enumerate((0, 4096, *range(16384, 200_000, 16384))):
            out = tmp_path / "disk" / f"out{number}"

            def measure(config, progress, but=but):
                found = study.measure(config, progress)
                fill(but)
                return found

            said = "is full, --resume"
            try:
                run_study(dataclasses.replace(study, measure=measure), config, out)
                ends.add("finished")
            except StudyError as error:
                said = str(error)
                ends.add("elsewhere" if "the data is in" in said else "there")
            assert "is full" in said
            assert "--resume" in said
            assert "lost" not in said
            (tmp_path / "disk" / "filler").unlink()
            assert not [f for f in out.rglob("*") if f.name.endswith(".partial")]
            for place in refuge.rglob("data.*"):  # as the message says
                shutil.move(place, out / place.name)
            again = dataclasses.replace(study, measure=full)
            assert run_study(again, config, out, existing=Existing.RESUME).errors == ()
            xarray.testing.assert_identical(Outputs(out, {}).read_data(), whole)
            shutil.rmtree(out)
    assert ends == {"elsewhere", "there", "finished"}


def test_a_disk_that_is_really_full_loses_no_stage(tmp_path, monkeypatch, calls):
    refuge = tmp_path / "refuge"
    refuge.mkdir()
    (tmp_path / "calls.go").write_text("")
    monkeypatch.setattr(outputs_module.tempfile, "tempdir", str(refuge))
    monkeypatch.setattr(outputs_module, "LEAST_FREE", 2**20)
    study = load(fake_study.write(tmp_path, more=STAGED))
    config, out = study.preset("tiny"), tmp_path / "disk" / "out"
    with small_disk(tmp_path / "disk") as fill:

        def measure(config, progress):
            class Filled:
                def stage(self, name, compute):
                    return progress.stage(name, lambda: (compute(), fill(0))[0])

                folder = staticmethod(progress.folder)

            return study.measure(config, Filled())

        with pytest.raises(StudyError, match=r"is full; the data of one is in .*one\.zarr.* --resume"):
            run_study(dataclasses.replace(study, measure=measure), config, out)
        assert calls() == 1
        (tmp_path / "disk" / "filler").unlink()
        for place in refuge.rglob("one.*"):
            shutil.move(place, out / "stages" / place.name)
        run_study(study, config, out, existing=Existing.RESUME)
        assert calls() == 2


def test_names_of_datasets_cannot_leave_the_folder(tmp_path):
    outputs = prepare(tmp_path / "out")
    assert isinstance(outputs, Outputs)
    for name in ("../x", "a/b", "", ".x"):
        with pytest.raises(InputError, match="a name consists of"):
            outputs.put(name, xarray.Dataset())


def test_progress_is_said(tmp_path):
    stream = io.StringIO()
    more = """
plain = measure
def measure(config, progress):
    with progress.task("sums", total=3, unit="trials") as task:
        task.advance(3)
    return plain(config, progress)
"""
    run(fake_study.write(tmp_path, more=more), tmp_path / "out", display=Lines(stream))
    assert stream.getvalue().startswith("sums: done in")


def test_claims_may_be_settled_together(tmp_path: Path) -> None:
    """A file with ``settle`` has the last word on every judgement; where it fails no verdict stands."""
    settle = """
from dataclasses import replace
from jaxsnn_noise.study import Verdict

def settle(judgements):
    assert set(judgements) == {"small", "large", "open"}
    return {n: replace(j, verdict=Verdict.UNDECIDED, why="not together") for n, j in judgements.items()}
"""
    study = load(fake_study.write(tmp_path, more=settle))
    made = run_study(study, study.preset("tiny"), tmp_path / "out")
    assert {c.verdict for c in made.claims} == {Verdict.UNDECIDED}
    rows = json.loads((tmp_path / "out" / "claims.json").read_text())["claims"]
    assert {row["why"] for row in rows} == {"not together"}
    broken = load(
        fake_study.write(tmp_path, more="\n\ndef settle(judgements):\n    raise ValueError('no')\n", name="b.py")
    )
    made = run_study(broken, broken.preset("tiny"), tmp_path / "broken")
    assert any("settle: ValueError: no" in text for text in made.errors)
    assert all(c.judgement is None and "no" in c.error for c in made.claims)
