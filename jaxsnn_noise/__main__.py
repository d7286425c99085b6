"""The command line ``jaxsnn-noise``: list studies, run one, show what a run found, and check an installation.

Listing, help and showing import neither JAX nor the studies.
"""

from __future__ import annotations

import argparse
import contextlib
import shlex
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

from jaxsnn_noise.collecting import seldom_collected

HELP = """\
usage: jaxsnn-noise COMMAND ...

Noisy spiking neural networks: run a study, get a report with verdicts.

commands:
  list                  the built-in studies, with what each preset costs
  run NAME-or-FILE.py   run a study; writes data, figures, tables and report.html
  robustness            put a network of yours on the chips of a process: yield, worst parameter, what mends it
  show DIR              print what a run found
  doctor                check this installation: versions, devices, generator, self-test

options:
  -h, --help            this text; `jaxsnn-noise COMMAND --help` says more
  --version             print the version

examples:
  jaxsnn-noise list
  jaxsnn-noise run internal_noise --preset tiny
  jaxsnn-noise run my_study.py --config mine.toml --seed 3 --out results/mine
  jaxsnn-noise robustness --weights net.npz --process table.toml --spec "accuracy >= 0.9 nominal"
  jaxsnn-noise show results/mine
"""

RUN_HELP = """\
usage: jaxsnn-noise run NAME-or-FILE.py [--preset tiny|default|full] [--config FILE.toml] [--out DIR]
                        [--overwrite | --resume [--accept-changes]] [--any.config.field VALUE ...]

Run a study: a built-in one by its name, or a file of your own by its path.

  --preset      where the configuration starts from: tiny (a test), default (minutes), full (everything)
  --config      a TOML file with any part of the configuration, put over the preset
  --any.field   a field of the configuration, put over both; dots lead into nested parts
  --out         folder for the results; results/NAME-PRESET if not given
  --overwrite   replace the run that is in the folder
  --resume      go on with the run in the folder: with its configuration, from the last thing that is saved
  --accept-changes   resume though the study or a package was changed; the report says which parts are older

`jaxsnn-noise run NAME --help` lists the fields of the study's configuration with their units and defaults.
`jaxsnn-noise list` lists the built-in studies.
"""

ROBUSTNESS_HELP = """\
usage: jaxsnn-noise robustness --weights NET.npz --process TABLE[:TRANSISTOR[:CORNER]] [--spec SPEC] [--export N]
                               [any option of `jaxsnn-noise run from_file`]

On what share of chips of this process does the network meet the spec, which parameter spoils it, and what would mend it?
Runs the study from_file; writes data, figures, tables and report.html, and the worst of the failing chips as networks.

  --weights     the network and the data to test it on, in the layout that `interop.read_layered` documents
  --process     a mismatch table (.toml or .csv, as `hardware.read_process` documents), or sky130, gf180mcu, ihp_sg13g2;
                the transistor and the corner where the table has several, as sky130:nfet_01v8:subvt_mismatch
  --spec        what a chip has to do: accuracy, error or agreement; >=, >, <= or <; a number or a percentage; `nominal`
                for times the value of the network as programmed ("accuracy >= 0.95 nominal" if not given)
  --export      write so many of the failing chips, the worst ones, as chips/chip_K.npz (3 if not given)
  --out         folder for the results; results/robustness-NET if not given

`jaxsnn-noise run from_file --help` lists all others: sizes, temperature, chips, copies, areas, --preset, --resume, ...
"""


_OPTIONS: dict[str, tuple[Any, Any, str]] = {  # kind, default and meaning
    "preset": (Literal["tiny", "default", "full"], "default", "Where the configuration starts from."),
    "config": (Path | None, None, "TOML file with any part of the configuration, put over the preset."),
    "out": (Path | None, None, "Folder for the results; results/NAME-PRESET if not given."),
    "overwrite": (bool, False, "Replace the run that is in the folder."),
    "resume": (bool, False, "Go on with the run in the folder, from the last thing that is saved."),
    "accept_changes": (bool, False, "Resume though the study or a package was changed since; the report says so."),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Arguments without the name of the program; those of the process if not given.

    Returns:
        The exit code: 0, 1 if something failed on the way, 2 for a wrong input, 130 if interrupted.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    if not args or args[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return 0
    if args[0] == "--version":
        from jaxsnn_noise.provenance import version

        print(f"jaxsnn-noise {version()}")
        return 0
    from jaxsnn_noise.study.protocol import StudyError, printable, refuse

    try:
        if args[0] not in _COMMANDS:
            refuse("jaxsnn-noise", "unknown command", args[0], known=_COMMANDS)
        with seldom_collected():
            return int(_COMMANDS[args[0]](args[1:]))
    except ValueError as error:
        from jaxsnn_noise._checks import InputError

        if not isinstance(error, InputError):
            raise
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 2
    except StudyError as error:
        if error.__cause__ is not None and not isinstance(error.__cause__, OSError):
            print(printable("".join(traceback.format_exception(error.__cause__))), end="", file=sys.stderr)
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interruption:
        said = "; ".join(["interrupted", *getattr(interruption, "__notes__", [])])
        print(printable(said), file=sys.stderr)
        return 130


def _list(args: list[str]) -> int:
    parser = _parser("list", "The built-in studies, with what each preset costs on two cores.")
    parser.parse_args(args)
    from rich.table import Table
    from rich.text import Text

    from jaxsnn_noise.study.catalog import PRESETS, builtin, listing
    from jaxsnn_noise.study.protocol import printable

    studies = [listing(name, path) for name, path in builtin().items()]
    if not studies:
        print("no built-in studies are here; `jaxsnn-noise run FILE.py` runs a file of your own")
        return 0
    table = Table("name", "title", *PRESETS, box=None, pad_edge=False, header_style="bold")
    for study in studies:
        cells = [study.name, study.title, *(study.cost.get(p, "") for p in PRESETS)]
        table.add_row(*(Text(printable(cell)) for cell in cells))
    _console().print(table)
    return 0


def _run(args: list[str]) -> int:
    return _run_study(args)[0]


def _run_study(args: list[str]) -> tuple[int, Any, Any, Any]:
    """The exit code, the study, its configuration and the run; the last three are None after help."""
    peek = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    peek.add_argument("study", nargs="?")
    for name in ("--preset", "--config", "--out"):
        peek.add_argument(name, nargs="?")
    peek.add_argument("--resume", action="store_true")
    known, rest = peek.parse_known_args(args)
    if known.study is None and (not args or {"-h", "--help"} & set(rest)):
        print(RUN_HELP, end="")
        return 0, None, None, None
    from jaxsnn_noise.study import programs

    programs.keep()
    from jaxsnn_noise.study import Existing, display_for, load, read_toml, run_study
    from jaxsnn_noise.study.protocol import printable, refuse
    from jaxsnn_noise.study.resuming import started_with

    if known.study is None:
        refuse("run", "which study? Its name or file comes first", shlex.join(args))
    study = load(known.study)
    base = study.preset(known.preset or "default")
    out = Path(known.out or f"results/{study.name}-{known.preset or 'default'}").expanduser()
    anew = not known.resume or known.preset or known.config
    if known.config:
        base = read_toml(known.config, base)
    elif not anew:
        base = started_with(out, base)
    options, config = _parse(study, base, args)
    if options.accept_changes and not options.resume:
        refuse("run", "--accept-changes goes with --resume", "it alone")
    if options.overwrite and options.resume:
        refuse("run", "either --overwrite or --resume", "both")
    existing = Existing.OVERWRITE if options.overwrite else Existing.RESUME if options.resume else Existing.REFUSE
    with _terminated_as_interrupted():
        run = run_study(
            study,
            config,
            out,
            existing=existing,
            display=display_for(sys.stderr),
            accept_changes=options.accept_changes,
            preset=options.preset if anew else "",  # a resumed run knows its own
            command=shlex.join(["jaxsnn-noise", "run", *args]),
        )
    from jaxsnn_noise.study.show import print_claims

    print_claims(_console(), run.folder)
    print(f"report: {run.folder / 'report.html'}")
    for error in run.errors:
        print(f"error: {printable(error)}", file=sys.stderr)
    return 1 if run.errors else 0, study, config, run


def _robustness(args: list[str]) -> int:
    """The study of a network from a file, with its failing chips as files of their own."""
    if not args or {"-h", "--help"} & set(args):
        print(ROBUSTNESS_HELP, end="")
        return 0
    import hashlib

    from jaxsnn_noise.study.protocol import refuse

    own = _Parser(prog="jaxsnn-noise robustness", add_help=False, allow_abbrev=False)
    own.add_argument("--weights")
    own.add_argument("--process")
    own.add_argument("--export", default="3")
    own.add_argument("--out")
    known, rest = own.parse_known_args(args)
    for name in ("weights", "process"):
        if getattr(known, name) is None:
            refuse("robustness", f"needs --{name}; `jaxsnn-noise robustness --help` says more", args)
    if not known.export.isdecimal():
        refuse("robustness: --export", "must be a whole number >= 0", known.export)
    files = {"weights": Path(known.weights).expanduser(), "process": Path(known.process.split(":")[0]).expanduser()}
    if not files["weights"].is_file():
        refuse("robustness: --weights", "must be a file", known.weights)
    given = ["--weights", known.weights, "--process", known.process]
    for name, file in files.items():
        if file.is_file():
            given += [f"--{name}_sha256", hashlib.sha256(file.read_bytes()).hexdigest()]
    out = known.out or f"results/robustness-{files['weights'].stem}"
    code, study, config, run = _run_study(["from_file", *given, "--out", out, *rest])
    if run is not None:
        _export(study, config, run.folder, int(known.export))
    return code


def _export(study: Any, config: Any, folder: Path, most: int) -> None:
    """Write the worst failing chips as networks, to be looked at and run again."""
    import csv

    import jaxsnn_noise as jn
    from jaxsnn_noise.interop import read_layered, write_layered

    table = folder / "tables" / "failing_chips.csv"
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines())) if table.is_file() else []
    if not rows[:most]:
        return
    (sim,), net = study.build(config).values(), read_layered(config.weights)
    (folder / "chips").mkdir(exist_ok=True)
    for row in rows[:most]:
        number = int(row["device"])
        file = folder / "chips" / f"chip_{number}.npz"
        write_layered(
            file, jn.chip(jn.Grid(sim, [jn.Devices(number + 1)], key=config.seed), sel={"device": number}), net
        )
        print(f"failing chip: {file}")


def _parse(study: Any, base: Any, args: list[str]) -> tuple[Any, Any]:
    """Options and configuration, with help and errors from the fields of both."""
    import tyro

    from jaxsnn_noise.study.asked import as_asked, remade
    from jaxsnn_noise.study.options import check_config

    name = tyro.conf.arg(metavar="NAME-or-FILE.py", help="The study.")
    fields: list[Any] = [("study", Annotated[tyro.conf.Positional[str], name])]
    for option, (kind, default, text) in _OPTIONS.items():
        shown: Any = Annotated[kind, tyro.conf.FlagCreatePairsOff] if kind is bool else kind
        fields.append((option, Annotated[shown, tyro.conf.arg(help=text)], field(default=default)))
    nameless = tyro.conf.arg(name="")
    asked = as_asked(study.config_type)
    parts: list[Any] = [
        ("options", Annotated[make_dataclass("options", fields), nameless]),
        ("config", Annotated[asked, nameless], field(default=remade(base, asked))),
    ]
    text = f"{study.title}\n\nDefaults are those of the preset and the file that are given."
    parsed: Any = tyro.cli(make_dataclass("run", parts), args=args, prog="jaxsnn-noise run", description=text)
    check_config("run", parsed.config, prefix="--")
    return parsed.options, remade(parsed.config, study.config_type, "run: --")


def _show(args: list[str]) -> int:
    parser = _parser("show", "Print what a run found: claims with verdicts, and result tables.")
    parser.add_argument("dir", help="the folder that the run wrote (--out)")
    known = parser.parse_args(args)
    from jaxsnn_noise.study.show import print_run

    print_run(_console(), Path(known.dir).expanduser())
    return 0


def _doctor(args: list[str]) -> int:
    _parser("doctor", "Check this installation: versions, devices, generator, self-test.").parse_args(args)
    from jaxsnn_noise.study.doctor import examine

    return examine(_console())


_COMMANDS = {"list": _list, "run": _run, "robustness": _robustness, "show": _show, "doctor": _doctor}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        print(f"error: {self.prog}: {message}", file=sys.stderr)
        print(f"`{self.prog} --help` says more", file=sys.stderr)
        raise SystemExit(2)


def _parser(name: str, text: str) -> argparse.ArgumentParser:
    return _Parser(prog=f"jaxsnn-noise {name}", description=text, allow_abbrev=False)


def _console() -> Any:
    from rich.console import Console

    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """A polite kill (a batch system at its time limit) ends a run as Ctrl-C does, with its state written."""

    def interrupt(number: int, frame: Any) -> NoReturn:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: signals are someone else's
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    raise SystemExit(main())
