"""Folders that anybody may have written, or that are damaged: told in words, and no sequence commands the terminal."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from helpers import fake_study
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.study import load, read_toml, run_study
from jaxsnn_noise.study.catalog import listing
from jaxsnn_noise.study.protocol import printable

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\x08\x7f"
CLAIM = {
    "name": "n", "text": "t", "source": "s", "verdict": "reproduced", "why": "", "estimate": 1.0, "low": 0.5,
    "high": 1.5, "units": "Hz", "spread": 0.2, "detectable": 0.3, "speaks_for": "", "rule": "r", "detail": "", "error": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _somewhere_else(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)


def folder(**changes) -> Path:
    """A folder as a run leaves it, from which its claims and one table are shown."""
    out = Path("out")
    (out / "tables").mkdir(parents=True)
    status = {"title": "t", "state": "finished", "stage": "end", "started": "now", "errors": [], **changes}
    (out / "status.json").write_text(json.dumps(status))
    (out / "claims.json").write_text(json.dumps({"outcome": "o", "claims": [CLAIM]}))
    (out / "tables" / "a.csv").write_text("x,y\n1,2\n")
    return out


def show(capsys, out: Path) -> tuple[int, str, str]:
    return cli.main(["show", str(out)]), *capsys.readouterr()


def test_control_characters_are_written_out():
    assert printable(EVIL) == r"\x1b[2J\x1b]0;owned\x07\x9b31m\u202egnp\x08\x7f"
    assert printable("äöü 日本 → ✓ 👩‍🔬\n\tx") == "äöü 日本 → ✓ 👩‍🔬\n\tx"


def test_no_sequence_of_a_foreign_result_reaches_the_terminal(capsys):
    out = folder(title=EVIL, errors=[EVIL], notes=[EVIL], preset=EVIL, study=EVIL, started=EVIL, state=EVIL, stage=EVIL)
    texts = dict.fromkeys(("text", "source", "why", "units", "rule", "speaks_for"), EVIL)
    rows = [{**CLAIM, **texts}, {**CLAIM, "error": EVIL}]
    (out / "claims.json").write_text(json.dumps({"outcome": EVIL, "claims": rows}))
    (out / "tables" / "a.csv").write_text(f"{EVIL},y\n{EVIL},2\n", newline="")
    (out / "tables" / f"{EVIL.replace('/', '')}.csv").write_text("x\n" + "1\n" * 50)
    code, said, err = show(capsys, out)
    assert (code, err) == (0, "")
    assert said.count("owned") >= 15
    assert said == printable(said)


def test_no_sequence_of_a_foreign_result_reaches_the_terminal_through_an_error(capsys):
    out = folder()
    for name, content in (
        ("status.json", json.dumps({"errors": EVIL})),
        ("claims.json", json.dumps({"outcome": "o", "claims": [{"verdict": EVIL}]})),
        ("claims.json", json.dumps({"outcome": 3, "claims": [], EVIL: 1})),
    ):
        before = (out / name).read_text()
        (out / name).write_text(content)
        code, _, err = show(capsys, out)
        assert code == 2
        assert err == printable(err)
        (out / name).write_text(before)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("status.json", b"{", "status.json cannot be read"),
        ("status.json", b"\xff\xfe", "status.json cannot be read"),
        ("status.json", b"3", "status.json is damaged: it must hold a table"),
        ("status.json", b'{"errors": {"a": 1}}', "errors must be a list of texts"),
        ("claims.json", b"{", "claims.json cannot be read"),
        ("claims.json", b"[]", "claims.json is damaged: it must hold a table"),
        ("claims.json", b"{}", "it must have an outcome and a list of claims"),
        ("claims.json", b'{"outcome": "o", "claims": [3]}', "a claim must be a table with one of the verdicts"),
        ("claims.json", b'{"outcome": "o", "claims": [{"verdict": "proved"}]}', "with one of the verdicts"),
        ("claims.json", b'{"outcome": "o", "claims": [{"verdict": ["reproduced"]}]}', "with one of the verdicts"),
        (
            "claims.json",
            json.dumps({"outcome": "o", "claims": [{**CLAIM, "low": "x"}]}).encode(),
            "low must be a number",
        ),
        ("claims.json", json.dumps({"outcome": "o", "claims": [{**CLAIM, "rule": 3}]}).encode(), "rule must be a text"),
        ("claims.json", b'{"outcome": "o", "claims": ' + b"[" * 100000, "claims.json cannot be read"),
        ("tables/a.csv", b"x,y\n1\n", "the table a is damaged: every row must have 2 cells"),
        ("tables/a.csv", b"\xff\xfe", "the table a cannot be read"),
        ("tables/a.csv", b"x\n" + b'"' + b"a" * 200000 + b'"\n', "the table a cannot be read"),
    ],
)
def test_a_damaged_file_is_named(capsys, name, content, said):
    out = folder()
    (out / name).write_bytes(content)
    code, _, err = show(capsys, out)
    assert code == 2
    assert err.startswith("error: show: ")
    assert said in err


def test_what_a_file_leaves_out_is_no_error(capsys):
    out = folder()
    for name in ("spread", "detectable", "why", "speaks_for"):
        row = {key: value for key, value in CLAIM.items() if key != name}
        (out / "claims.json").write_text(json.dumps({"outcome": "o", "claims": [row]}))
        code, said, _ = show(capsys, out)
        assert code == 0
        assert "1.0 [0.5, 1.5] Hz" in said
    (out / "tables" / "a.csv").write_text("")
    assert show(capsys, out)[0] == 0


def test_spread_and_detectable_difference_are_shown(capsys):
    code, said, _ = show(capsys, folder())
    assert code == 0
    assert "SD over networks 0.2 Hz" in said
    assert "could have seen 0.3 Hz" in said


@pytest.mark.parametrize("kind", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_passed_over_or_told(kind):
    study = load(fake_study.write(Path()))
    Path("mine.toml").write_text("trials = 7\n", encoding=kind)
    if kind == "utf-8-sig":
        assert read_toml("mine.toml", study.preset("tiny")).trials == 7
    else:
        with pytest.raises(
            InputError, match=r"mine\.toml: must be a TOML file: this one begins as UTF-16, save it as UTF-8"
        ):
            read_toml("mine.toml", study.preset("tiny"))


def test_a_study_with_a_byte_order_mark_is_listed_and_run():
    path = fake_study.write(Path())
    path.write_text(path.read_text(), encoding="utf-8-sig")
    assert listing("fake", path).title == "A study of <nothing> & more"
    study = load(path)
    assert run_study(study, study.preset("tiny"), "out").errors == ()


def test_the_control_characters_of_a_study_are_written_out_when_it_fails(capsys):
    path = fake_study.write(Path(), more=f"\ndef measure(c, p): raise RuntimeError({EVIL!r})\n")
    assert cli.main(["run", str(path), "--preset", "tiny", "--out", "out"]) == 1
    err = capsys.readouterr().err
    assert "owned" in err
    assert err == printable(err)


def test_what_was_not_measured_is_no_open_question(capsys):
    out = folder()
    row = {
        **CLAIM,
        "verdict": "undecided",
        "why": "not measured in this preset",
        "estimate": None,
        "low": None,
        "high": None,
    }
    (out / "claims.json").write_text(
        json.dumps({"outcome": "o", "claims": [row, {**row, "why": "too wide to decide"}]})
    )
    said = show(capsys, out)[1].splitlines()
    assert [line.split("  ")[0] for line in said if line.startswith(("–", "?"))] == ["– not measured", "? undecided"]
