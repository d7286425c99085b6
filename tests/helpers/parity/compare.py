"""Whether two simulators agree: Welch's t on the mean of every quantity over groups, and what a run of a peer gives."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from scipy import stats

from helpers.parity.__main__ import RECORDED
from helpers.parity.cases import QUANTITIES
from helpers.statistical import Deviation

FALSE_ALARM = 1e-3
"""That the quantities of a case differ by chance, all together."""
ROOT = Path(__file__).parents[3]
VARIABLES = {"nest": "JAXSNN_NOISE_NEST", "brian2": "JAXSNN_NOISE_BRIAN2"}
"""Environment variables that name an interpreter which has the peer."""


def assert_agree(ours: dict[str, Any], theirs: dict[str, Any], factor: float = 1.0) -> None:
    """The means of all quantities agree, ours times a factor; summaries with mean, standard error and number of groups."""
    apart = []
    for name in QUANTITIES:
        one, two = ours[name], theirs[name]
        difference = factor * one["mean"] - two["mean"]
        parts = [(factor * one["error"]) ** 2, two["error"] ** 2]
        df = sum(parts) ** 2 / sum(p**2 / (x["groups"] - 1) for p, x in zip(parts, (one, two), strict=True))
        tail = 2 * stats.t.sf(abs(difference) / sum(parts) ** 0.5, df)
        if tail < FALSE_ALARM / len(QUANTITIES):
            apart.append(
                f"{name} {factor * one['mean']:.5g} ± {parts[0] ** 0.5:.2g} against {two['mean']:.5g} ± {two['error']:.2g} (p {tail:.1g})"
            )
    if apart:
        raise Deviation("; ".join(apart))


def seen(ours: dict[str, Any], theirs: dict[str, Any], name: str, factor: float) -> bool:
    """Whether a quantity of ours times a factor would have been told from theirs."""
    changed = {key: dict(value) for key, value in theirs.items()}
    changed[name] = {**ours[name], "mean": factor * ours[name]["mean"], "error": factor * ours[name]["error"]}
    try:
        assert_agree(changed, theirs)
    except Deviation:
        return True
    return False


def recorded() -> dict[str, dict[str, Any]]:
    """What runs of peers gave, by peer and case."""
    return json.loads(RECORDED.read_text())


def interpreter(peer: str) -> str | None:
    """The interpreter that the environment names, or this one where it has the peer (extra ``parity``)."""
    named = os.environ.get(VARIABLES[peer])
    return named or (sys.executable if importlib.util.find_spec(peer) else None)


def run(peer: str, case: str, seed: int) -> dict[str, Any]:
    """A fresh run of a peer, in a process of its own."""
    python = interpreter(peer)
    assert python is not None
    command = [python, "-m", "helpers.parity", peer, case, "--seed", str(seed)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.strip().splitlines()[-1])
