"""A case in a peer: ``PYTHONPATH=tests PYTHON -m helpers.parity nest noisy`` prints what was measured as one line of JSON.

With ``--record`` it is put into ``recorded.json`` beside this file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
from importlib import metadata
from pathlib import Path

from helpers.parity.cases import CASES, NETWORKS, summary

PACKAGES = {"nest": "nest-simulator", "brian2": "brian2"}
RECORDED = Path(__file__).with_name("recorded.json")


def main() -> None:
    """Simulate, measure, tell."""
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PACKAGES)
    parser.add_argument("case", choices=[*CASES, *NETWORKS])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--record", action="store_true")
    options = parser.parse_args()
    values = importlib.import_module(f"helpers.parity.in_{options.peer}").simulate(options.case, options.seed)
    found = {
        "command": f"PYTHONPATH=tests python -m helpers.parity {options.peer} {options.case} --seed {options.seed}",
        "versions": {name: metadata.version(name) for name in (PACKAGES[options.peer], "numpy")}
        | {"python": platform.python_version()},
        "found": summary(values),
    }
    if options.record:
        all_ = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
        all_.setdefault(options.peer, {})[options.case] = found
        RECORDED.write_text(json.dumps(all_, indent=1, sort_keys=True) + "\n")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
