from __future__ import annotations

import getpass
import json
from pathlib import Path

import pytest

from jaxsnn_noise.study import environment as module
from jaxsnn_noise.study.environment import commit, environment, scrub
from jaxsnn_noise.study.outputs import to_json


@pytest.fixture
def alice(monkeypatch):
    monkeypatch.setenv("HOME", "/home/alice")
    monkeypatch.setattr(getpass, "getuser", lambda: "alice")
    monkeypatch.setattr(Path, "cwd", lambda: Path("/home/alice/work"))


def test_the_record_names_versions_and_machine(tmp_path):
    study = tmp_path / "s.py"
    study.write_text("x")
    record = environment(study)
    assert {"python", "platform", "cpu", "jax", "packages", "version", "commit", "study"} <= set(record)
    assert record["packages"]["numpy"].count(".") == 2
    assert record["jax"]["backend"] in ("cpu", "gpu", "tpu")
    assert record["study"]["sha256"].startswith("2d711642b726")  # sha256 of "x"
    json.loads(to_json(record))


def test_paths_lose_home_and_user(alice):
    assert scrub("run /home/alice/work/s.py --out /home/alice/out") == "run ./s.py --out ~/out"
    assert scrub("/home/alice") == "~"
    assert scrub("'/home/bob/x' /Users/carol/y C:\\Users\\dave\\z") == "'/home/user/x' /Users/user/y C:\\Users\\user\\z"
    assert scrub("/data/alice/x") == "/data/user/x"
    assert scrub("alice measured; /home/alicex/y; malice/alice.py") == "alice measured; /home/user/y; malice/alice.py"


def test_json_holds_no_home_and_no_nan(alice):
    text = to_json({"path": Path("/home/alice/x"), "nan": float("nan"), "inf": [float("inf"), 1.5]})
    assert json.loads(text) == {"path": "~/x", "nan": None, "inf": [None, 1.5]}


def test_the_settings_of_the_compiler_lose_home_too(alice, monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/home/alice/dump")
    assert environment()["jax"]["xla_flags"] == "--xla_dump_to=~/dump"


def test_the_record_says_nothing_about_the_user(tmp_path):
    text = to_json(environment())
    assert str(Path.home()) not in text.replace('"/"', "")
    assert module.platform.node() not in [v for v in environment().values() if isinstance(v, str)]


def test_commits_are_of_the_repository_that_tracks_the_folder(tmp_path):
    run = module._output
    assert commit(tmp_path) is None
    run("git", "-C", str(tmp_path), "init", "-q")
    assert commit(tmp_path) is None  # no commit yet
    (tmp_path / "a.txt").write_text("a")
    run("git", "-C", str(tmp_path), "add", "a.txt")
    identity = ("-c", "user.name=n", "-c", "user.email=e")
    run("git", "-C", str(tmp_path), *identity, "commit", "-q", "-m", "m")
    head = commit(tmp_path)
    assert head is not None
    assert len(head) == 40
    (tmp_path / "a.txt").write_text("b")
    assert commit(tmp_path) == f"{head}+changes"
    (tmp_path / "untracked").mkdir()
    assert commit(tmp_path / "untracked") is None
