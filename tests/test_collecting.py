from __future__ import annotations

import gc

import pytest

import jaxsnn_noise as jn
from jaxsnn_noise import __main__ as cli
from jaxsnn_noise.collecting import SELDOM, seldom_collected


@pytest.fixture(autouse=True)
def _as_python_has_it():
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*before)


def test_cycles_are_looked_for_seldom_and_then_as_before():
    with seldom_collected():
        assert gc.get_threshold() == SELDOM
    assert gc.get_threshold() == (700, 10, 10)
    with pytest.raises(RuntimeError), seldom_collected():
        raise RuntimeError
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("own", [(0, 10, 10), (200_000, 5, 5)])
def test_who_looks_for_them_more_seldom_is_obeyed(own):
    gc.set_threshold(*own)
    with seldom_collected():
        assert gc.get_threshold() == own
    assert gc.get_threshold() == own


def test_a_command_runs_so(monkeypatch):
    seen = []
    monkeypatch.setitem(cli._COMMANDS, "list", lambda args: seen.append(gc.get_threshold()) or 0)
    assert cli.main(["list"]) == 0
    assert (seen, gc.get_threshold()) == ([SELDOM], (700, 10, 10))


def test_parts_of_the_package_are_imported_so(monkeypatch):
    seen = []
    monkeypatch.setattr(jn.importlib, "import_module", lambda name: seen.append((name, gc.get_threshold())))
    assert jn._imported("noise") is None
    assert (seen, gc.get_threshold()) == ([("jaxsnn_noise.noise", SELDOM)], (700, 10, 10))
