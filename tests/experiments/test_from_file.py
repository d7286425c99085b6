"""A network of a file on a process: the spec says what it says, repairs are what they are called, chips can be made again."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import jaxsnn_noise as jn
from experiments import from_file as module
from experiments.from_file import circuits, claims, fixes
from experiments.from_file.spec import Spec, parse
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise._checks import InputError
from jaxsnn_noise.interop import read_layered
from jaxsnn_noise.study import Verdict, load

CONFIG = dataclasses.replace(module.DEFAULT, chips=40)
TABLE = """
[transistors.nfet]
kappa = {value = 0.72, unit = "1"}
vth = {value = 4.1, unit = "mV um"}
voff = {value = 5.0, unit = "mV um"}
"""


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("accuracy >= 0.9 nominal", Spec("accuracy", ">=", 0.9, True)),
        ("accuracy>=90%", Spec("accuracy", ">=", 0.9, False)),
        ("error <= 5 % ", Spec("error", "<=", 0.05, False)),
        ("error < 1.5 nominal", Spec("error", "<", 1.5, True)),
        ("agreement ≥ 9.5e-1", Spec("agreement", ">=", 0.95, False)),
        ("accuracy => .8", Spec("accuracy", ">=", 0.8, False)),
    ],
)
def test_a_spec_is_read(text: str, spec: Spec) -> None:
    assert parse(text) == spec
    assert parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acuracy >= 0.9", "unknown name; got 'acuracy'. Did you mean 'accuracy'"),
        ("accuracy <= 0.9", "must be >= or > for accuracy, or broken chips would pass"),
        ("error >= 0.1", "must be <= or < for error"),
        ("accuracy == 0.9", "comparison: unknown; got '=='"),
        (
            "accuracy >= 0.9 nominl",
            "after the number: must be %, nominal or nothing; got 'nominl'. Did you mean 'nominal'",
        ),
        ("accuracy >= 90", r"must be a share in \[0, 1\] \(or in %\); got '90'"),
        ("accuracy >= -0.1 nominal", "number: must be >= 0"),
        ("accuracy >= nan", r"must be a share"),
        ("accuracy >= high", "must be WHAT COMPARISON NUMBER"),
        ("accuracy >= 0.9 nominal twice", "must be WHAT COMPARISON NUMBER"),
        ("0.9", "must be WHAT COMPARISON NUMBER"),
        ("", "must be WHAT COMPARISON NUMBER"),
    ],
)
def test_a_spec_that_says_nothing_clear_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        dataclasses.replace(module.TINY, spec=text)


def test_a_spec_divides_values_at_its_bound() -> None:
    values = np.array([0.71, 0.72, 0.73])
    assert parse("accuracy >= 0.9 nominal").passes(values, 0.8).tolist() == [False, True, True]
    assert parse("accuracy > 0.9 nominal").passes(values, 0.8).tolist() == [False, False, True]
    assert parse("error <= 0.72").passes(values, 0.1).tolist() == [True, True, False]
    assert parse("error < 72 %").passes(values, 0.1).tolist() == [True, False, False]
    with pytest.raises(InputError, match="can be met by no chip"):
        parse("accuracy >= 1.2 nominal").check(0.9)


def test_a_configuration_is_checked() -> None:
    with pytest.raises(ValueError, match="copies must be one of the areas"):
        dataclasses.replace(module.DEFAULT, copies=3)
    for process, said in (
        ("sky13", "Did you mean 'sky130'"),
        ("sky130", "must choose a transistor, sky130:NAME"),
        ("sky130:nfet_01v8", "corner: must be chosen"),
        ("sky130:nfet_01v7:mismatch", "Did you mean 'nfet_01v8'"),
        ("a:b:c:d", "must be TABLE"),
    ):
        with pytest.raises(InputError, match=said):
            circuits.transistor_of(process)
    with pytest.raises(InputError, match="must be the file of the checksum 00"):
        module.network_of(dataclasses.replace(module.TINY, weights_sha256="00" * 32))


def test_ensembles_are_of_different_chips_and_answer_by_mean_or_majority() -> None:
    groups = fixes.grouped(5, 3)
    assert groups.shape == (5, 3)
    assert groups[:, 0].tolist() == list(range(5))
    assert sorted(groups.ravel().tolist()) == list(range(15))
    readout = np.array([[[1.0, 0.9, 0.0]], [[1.0, 0.9, 0.0]], [[0.0, 3.0, 0.0]]])
    assert fixes.averaged(readout, np.array([[0, 1, 2]])).tolist() == [[1]]
    assert fixes.voted(readout, np.array([[0, 1, 2]])).tolist() == [[0]]
    assert fixes.voted(readout, np.array([[0, 2]])).tolist() == [[1]]  # one vote each: the larger mean


def made_up(share: dict[str, float], loss: float = 0.0) -> Any:
    """Answers of which a share of chips is right everywhere, and the others nowhere; parameters with one that costs."""
    import xarray

    rng = np.random.default_rng(3)
    label = rng.integers(0, 3, 200)
    names = ["as built", *(f"area x{a:g}" for a in CONFIG.areas), "calibrated", f"average of {CONFIG.copies}"]
    good = np.stack([np.arange(CONFIG.chips) < share.get(name, share["as built"]) * CONFIG.chips for name in names])
    answer = np.where(good[:, :, None], label, (label + 1) % 3)
    common = {"label": ("sample", label), "nominal": ("sample", label)}
    wrong = rng.random((2, CONFIG.chips, 200)) < np.array([loss, 0.001])[:, None, None]
    dims = ("device", "sample")
    return {
        "fixes": xarray.Dataset({"answer": (("fix", *dims), answer), **common}, {"fix": names}),
        "parameters": xarray.Dataset(
            {"answer": (("parameter", *dims), np.where(wrong, (label + 1) % 3, label)), **common},
            {"parameter": ["first", "second"]},
        ),
    }


def verdicts(data: Any) -> dict[str, Verdict]:
    return {claim.name: claim.judge(data, CONFIG).verdict for claim in module.CLAIMS}


def test_the_judges_say_yes_and_no() -> None:
    yes, no = Verdict.REPRODUCED, Verdict.NOT_REPRODUCED
    poor = verdicts(
        made_up({"as built": 0.3, "area x2": 0.7, "calibrated": 0.1, "average of 4": 1.0, "area x4": 0.6}, loss=0.1)
    )
    assert poor == {
        "meets_spec": no, "no_parameter_alone": no, "upsizing_helps": yes, "calibration_helps": no,
        "ensemble_helps": yes, "copies_beat_size": yes,
    }  # fmt: skip
    same = verdicts(made_up({"as built": 1.0}, loss=0.001))
    assert (same["meets_spec"], same["no_parameter_alone"]) == (Verdict.UNDECIDED, yes)  # 40 of 40 chips show 91 %
    assert same["upsizing_helps"] is Verdict.UNDECIDED
    assert claims.worst(made_up({"as built": 1.0}, loss=0.1)) == ("first", [])
    assert claims.worst(made_up({"as built": 1.0}, loss=0.0)) == ("", [])


def test_one_parameter_by_itself_leaves_the_others_exact() -> None:
    net = module.network_of(module.TINY)
    found = module._circuits(net, module.TINY)
    assert circuits.transistors(net) == 64 * 32 + 32 * 10 + 3 * 32 + 2 * 10
    chosen = circuits.cases(found, (4.0,), 350.0)
    assert [case.name for case in chosen if case.kind == "alone"][-1] == "temperature 350 K"
    values = circuits.axis(found, chosen, width=1.0, length=2.0).values
    at = [case.name for case in chosen].index("hidden I_tau (time constant, gain)")
    assert found["hidden"].currents == ("spike", "tau", "th")
    assert np.asarray(values["imperfections.hidden.width"][at]).tolist() == [np.float32(1e18), 1.0, np.float32(1e18)]
    assert float(values["imperfections.hidden.temperature"][at]) == 300.0
    assert float(values["imperfections.input_to_hidden.width"][2]) == 4.0


def test_the_command_says_what_it_needs(capsys: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez("net.npz", layout=1, weights_1=np.ones((2, 3)))
    for args, said in (
        (["--weights", "net.npz"], "needs --process"),
        (["--weights", "no.npz", "--process", "sky130"], "must be a file; got 'no.npz'"),
        (["--weights", "net.npz", "--process", "sky130:nfet_01v8:mismatch"], "net.npz: dt: must be in the file"),
        (["--weights", "net.npz", "--process", "sky130", "--spec", "accuracy > 2"], "must be a share in"),
        (["--weights", "net.npz", "--process", "sky130", "--export", "all"], "must be a whole number"),
    ):
        assert cli.main(["robustness", *args]) == 2
        assert said in capsys.readouterr().err
    assert cli.main(["robustness", "--help"]) == 0
    assert "--export" in capsys.readouterr().out


@pytest.mark.slow
def test_from_file_to_report_and_failing_chips_that_fail_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("table.toml").write_text(TABLE)
    Path("net.npz").write_bytes(module.EXAMPLE.read_bytes())
    args = [
        "robustness",
        "--weights",
        "net.npz",
        "--process",
        "table.toml",
        "--preset",
        "tiny",
        "--spec",
        "accuracy >= 0.98 nominal",
    ]
    assert cli.main([*args, "--export", "2", "--width", "0.5"]) == 0
    out = Path("results/robustness-net")
    assert (out / "report.html").stat().st_size > 10_000
    assert hashlib.sha256(Path("net.npz").read_bytes()).hexdigest() in (out / "config.toml").read_text()
    rows = list(csv.DictReader((out / "tables/failing_chips.csv").read_text().splitlines()))
    files = sorted((out / "chips").iterdir())
    assert len(files) == min(2, len(rows)) > 0
    fixed = list(csv.DictReader((out / "tables/fixes.csv").read_text().splitlines()))
    assert len(rows) == round(12 * (1 - float(fixed[0]["yield [%]"]) / 100))
    for row in rows[:2]:  # the file of a chip answers as the chip did
        net = read_layered(out / "chips" / f"chip_{row['device']}.npz")
        samples = jn.Samples(net.inputs[:60], path="inputs.input.values", labels=net.labels[:60])
        answer = jn.monte_carlo(net.simulation(), [samples], key=0, progress=False)["readout"].argmax("output_neuron")
        assert 100 * float((answer == answer["label"]).mean()) == pytest.approx(float(row["accuracy [%]"]))
    # another checksum is another configuration
    Path("net.npz").write_bytes(files[0].read_bytes())
    assert cli.main([*args, "--export", "2", "--width", "0.5", "--resume"]) == 2


def test_the_study_is_loaded_with_its_example() -> None:
    study = load("from_file")
    assert study.preset("tiny").weights == ""
    assert module.EXAMPLE.stat().st_size < 20_000
