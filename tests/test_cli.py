from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers import fake_study
from helpers.pace import slow_but
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise.study import doctor

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _somewhere_else(monkeypatch, tmp_path):
    """Every test runs in a folder of its own, far from the checkout, and leaves the import path as it was."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def run(capsys, *args: object) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a command line."""
    try:
        code = cli.main([str(a) for a in args])
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()


def test_help_is_there_on_every_level(capsys, tmp_path):
    path = fake_study.write(tmp_path)
    for args in (
        (),
        ("--help",),
        ("-h",),
        ("run",),
        ("run", "--help"),
        ("list", "--help"),
        ("show", "--help"),
        ("doctor", "-h"),
    ):
        code, out, err = run(capsys, *args)
        assert (code, err) == (0, "")
        assert out.startswith("usage: jaxsnn-noise")
    code, out, _ = run(capsys, "run", path, "--help")
    assert code == 0
    for part in (
        "A study of <nothing> & more",
        "--inner.levels",
        "Noise intensities [1].",
        "--trials INT",
        "(default: 20)",
    ):
        assert part in out


def test_help_shows_the_defaults_of_the_preset(capsys, tmp_path):
    _, out, _ = run(capsys, "run", fake_study.write(tmp_path), "--preset", "tiny", "--help")
    assert "(default: 3)" in out


def test_a_run_and_its_tables(capsys, tmp_path):
    path = fake_study.write(tmp_path)
    code, out, err = run(capsys, "run", path, "--preset", "tiny", "--inner.levels", "0.0", "0.5", "--seed", "7")
    assert (code, err) == (0, "")
    assert "Of 3 claims, 1 is reproduced, 1 is not reproduced and 1 is undecided" in out
    folder = Path("results/fake-tiny")
    assert f"report: {folder}/report.html" in out
    text = (folder / "config.toml").read_text()
    assert "levels = [0.0, 0.5]" in text
    assert "seed = 7" in text
    assert "trials = 3" in text
    code, out, err = run(capsys, "show", folder)
    assert (code, err) == (0, "")
    for part in (
        "A study of <nothing> & more",
        "finished",
        "✓ reproduced",
        "The rate is <small>.",
        "by level",
        "<b>x</b>",
    ):
        assert part in out


def test_the_three_sources_of_a_configuration_in_their_order(capsys, tmp_path):
    path = fake_study.write(tmp_path)
    mine = tmp_path / "mine.toml"
    mine.write_text("trials = 5\nseed = 5\n[inner]\nlevels = [1.0]\n")
    code, _, _ = run(capsys, "run", path, "--preset", "tiny", "--config", mine, "--seed", "6", "--out", "o")
    assert code == 0
    text = Path("o/config.toml").read_text()
    assert all(line in text for line in ("trials = 5", "seed = 6", "levels = [1.0]"))


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lits"], "unknown command; got 'lits'. Did you mean 'list'?"),
        (["run", "--preset", "tiny"], "which study? Its name or file comes first"),
        (["run", "no_such_study"], "no built-in study of that name"),
        (["run", "fale.py"], "Did you mean 'fake.py'?"),
        (["run", "fake.py", "--preset", "tinny"], "Did you mean 'tiny'?"),
        (["run", "fake.py", "--trails", "3"], "--trials"),
        (["run", "fake.py", "--inner.level", "3"], "--inner.levels"),
        (["run", "fake.py", "--trials", "x"], "--trials"),
        (["run", "fake.py", "--inner.levels", "-1"], "levels must be >= 0"),
        (["run", "fake.py", "--config", "mime.toml"], "Did you mean 'mine.toml'?"),
        (["run", "fake.py", "--config", "mine.toml"], "unknown key; got 'trails'. Did you mean 'trials'"),
        (["run", "fake.py", "--resume", "--overwrite"], "either --overwrite or --resume"),
        (["run", "fake.py", "--out", "fake.py/out"], "cannot be written"),
        (["run", "fake.py", "--out", "."], "must be a new or empty folder"),
        (["show", "nowhere"], "no such folder"),
        (["show", "."], "holds no run"),
        (["show"], "required: dir"),
        (["list", "--al"], "unrecognized arguments: --al"),
    ],
)
def test_a_wrong_input_exits_with_2_and_says_what_was_meant(capsys, args, said):
    fake_study.write(Path())
    Path("mine.toml").write_text("trails = 3\n")
    code, out, err = run(capsys, *args)
    assert code == 2
    assert said in err
    assert "Traceback" not in out + err
    assert not Path("results").exists()


def test_an_error_on_the_way_exits_with_1(capsys, tmp_path):
    path = fake_study.write(tmp_path, more="\ndef plot(d, c): raise RuntimeError('no ink')\n")
    code, out, err = run(capsys, "run", path, "--preset", "tiny", "--out", "o")
    assert code == 1
    assert "report:" in out
    assert "error: plot: RuntimeError: no ink" in err
    path = fake_study.write(tmp_path, more="\ndef measure(c, p): raise RuntimeError('no current')\n")
    code, _, err = run(capsys, "run", path, "--preset", "tiny", "--out", "p")
    assert code == 1
    assert "fake.py" in err  # the traceback leads into the study
    assert err.splitlines()[-1].startswith("error: measure failed: no current; saved in p: record.json, config.toml")
    assert err.splitlines()[-1].endswith("(no measurement is kept: --resume starts anew)")
    code, out, _ = run(capsys, "show", "p")
    assert code == 0
    assert "failed (measure)" in out
    assert "no claims were judged yet" in out


@pytest.mark.slow
def test_resuming_keeps_configuration_and_preset(capsys, tmp_path):
    path = fake_study.write(tmp_path)
    args = ("run", path, "--out", "o")
    assert run(capsys, *args, "--preset", "tiny", "--seed", "9")[0] == 0
    code, _, err = run(capsys, *args, "--resume")
    assert code == 0
    assert "data: kept" in err
    assert json.loads(Path("o/status.json").read_text())["preset"] == "tiny"
    assert "seed = 9" in Path("o/config.toml").read_text()
    code, _, err = run(capsys, *args, "--resume", "--seed", "8")
    assert code == 2
    assert "seed was 9 and is 8" in err
    assert run(capsys, *args, "--overwrite")[0] == 0
    assert "seed = 0" in Path("o/config.toml").read_text()


def test_the_version(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith("jaxsnn-noise ")
    assert out.split()[1][0].isdigit()


def test_listing_reads_titles_without_running_the_studies(capsys, tmp_path, monkeypatch):
    studies = tmp_path / "studies"
    studies.mkdir()
    fake_study.write(studies, name="one.py", more="\nraise RuntimeError('imported')\n")
    (studies / "_shared.py").write_text("")
    monkeypatch.setattr("jaxsnn_noise.study.catalog.folder", lambda: studies)
    code, out, _ = run(capsys, "list")
    assert code == 0
    rows = out.splitlines()
    assert rows[0].split() == ["name", "title", "tiny", "default", "full"]
    assert rows[1].split() == ["one", "A", "study", "of", "<nothing>", "&", "more", "1", "s", "2", "s", "3", "s"]
    assert len(rows) == 2
    monkeypatch.setattr("jaxsnn_noise.study.catalog.folder", lambda: None)
    assert "no built-in studies are here" in run(capsys, "list")[1]


LATE = """
import time
def measure(config, progress):
    progress.stage("first", lambda: xr.Dataset({"x": 1.0}))
    print("measuring", flush=True)
    time.sleep(60)
"""

HEEDING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job, as this may be, ignores it
from jaxsnn_noise.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("kind", slow_but([signal.SIGINT, signal.SIGTERM], [signal.SIGINT]))
def test_a_real_interruption_leaves_what_was_computed(tmp_path, kind):
    path = fake_study.write(tmp_path, more=LATE)
    command = [sys.executable, "-c", HEEDING, "run", str(path), "--out", "o"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=_environment()
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "measuring\n"
        time.sleep(0.2)
        process.send_signal(kind)
        assert process.wait(30) == 130
        assert "interrupted; saved in o: " in (said := process.stderr.read())
        assert "stages/first.zarr (--resume goes on from there)" in said
    status = json.loads(Path("o/status.json").read_text())
    assert status["state"] == "interrupted"
    assert Path("o/stages/first.zarr").is_dir()


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


def test_what_needs_no_study_needs_no_heavy_library(tmp_path):
    """Listing, help and showing read text files: neither arrays nor plots nor the studies are imported for them."""
    done = tmp_path / "run"
    done.mkdir()
    (done / "status.json").write_text(
        '{"title": "t", "started": "", "state": "finished", "stage": "end", "errors": []}'
    )
    code = (
        "import sys, types; package = types.ModuleType('jaxsnn_noise')\n"
        f"package.__path__ = [{str(ROOT / 'jaxsnn_noise')!r}]; sys.modules['jaxsnn_noise'] = package\n"
        "from jaxsnn_noise.__main__ import main\n"
        f"assert [main(a) for a in (['list'], ['--help'], ['run', '-h'], ['--version'], ['show', {str(done)!r}])] == [0] * 5\n"
        "heavy = {'jax', 'equinox', 'xarray', 'pandas', 'zarr', 'matplotlib', 'tyro', 'cattrs', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.slow
def test_the_doctor_finds_nothing_here(capsys):
    code, out, _ = run(capsys, "doctor")
    assert code == 0, out
    assert out.splitlines()[-1] == "all is well"
    for part in ("jaxlib", "stream version", "standard errors away", "came back as it was"):
        assert part in out


def test_the_doctor_finds_a_wrong_generator_and_a_wrong_simulation(capsys, monkeypatch):
    answers = (*doctor.KNOWN_ANSWERS[:1], ((0, 0), (0, 0), (1, 2)))
    monkeypatch.setattr(doctor, "KNOWN_ANSWERS", answers)
    monkeypatch.setattr(doctor.math, "exp", lambda x: 0.2)  # a theory whose amplitude is off by 10 %
    code, out, _ = run(capsys, "doctor")
    assert code == 1
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith(("ok", "FAILED"))}
    assert lines["generator"].startswith("FAILED")
    assert lines["simulation"].startswith("FAILED")
    assert lines["storage"].startswith("ok")
    assert out.splitlines()[-1] == "2 of 6 checks failed"
