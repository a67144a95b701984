"""Arguments, and what a failure looks like: one line on the error stream and an exit code."""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

import neuropil
from neuropil.cli import commands
from neuropil.result import NotSolved
from neuropil.studies.contract import SCALES
from neuropil.studies.failures import StudyFailed

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code.

    0: done. 1: a run or a benchmark failed. 2: bad input. 130: interrupted.
    """
    options = _parser().parse_args(arguments, argparse.Namespace(debug=False))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters still works
    try:
        code = 0
        for part in options.command(options):
            if isinstance(part, commands.Failure):
                code = EXIT_FAILED
                _complain(part.message)
            else:
                sys.stdout.write(part + "\n")
                sys.stdout.flush()
        return code
    except BrokenPipeError:  # the reader, `head` for instance, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except KeyboardInterrupt as interruption:
        _complain(str(interruption) or "interrupted")
        return EXIT_INTERRUPTED
    except Exception as error:
        if options.debug:
            traceback.print_exc()
        expected = isinstance(error, (ValueError, OSError, ImportError, StudyFailed, NotSolved))
        _complain(
            str(error)
            if expected
            else f"unexpected {type(error).__name__}: {error} (`--debug` shows where)"
        )
        return EXIT_BAD_INPUT if isinstance(error, (ValueError, OSError)) else EXIT_FAILED


def _complain(message: str) -> None:
    sys.stderr.write(f"neuropil: {message}\n")


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show tracebacks"
    )
    parser = argparse.ArgumentParser(
        prog="neuropil",
        description="Simulate, reduce, analyse, invert and train circuits of neurons and glia.",
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"neuropil {neuropil.__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    verb = verbs.add_parser("list", parents=[common], help="name the studies there are")
    verb.set_defaults(command=commands.list_studies)

    verb = verbs.add_parser(
        "reproduce",
        parents=[common],
        help="run studies, or continue them, and judge their claims",
        description="Run studies and judge their claims. A run that was stopped is continued. "
        "The exit code tells whether the runs ended, not whether the claims hold.",
    )
    verb.add_argument(
        "studies",
        nargs="*",
        metavar="STUDY",
        help="a name from `neuropil list`, or path/to/file.py:OBJECT; the headlines of all in the "
        "list if none",
    )
    extent = verb.add_mutually_exclusive_group()
    extent.add_argument(
        "--headlines", action="store_true", help="run the headlines of the studies named only"
    )
    extent.add_argument(
        "--whole", action="store_true", help="run whole studies where none is named, too"
    )
    verb.add_argument(
        "--scale",
        choices=SCALES,
        default="quick",
        help="minutes on two cores, or the published size (default: %(default)s)",
    )
    verb.add_argument("--seed", type=int, default=0, help="a whole number (default: %(default)s)")
    verb.add_argument("--jobs", type=int, metavar="N", help="work on N processes (default: 2)")
    verb.add_argument(
        "--cluster",
        metavar="ADDRESS",
        help="work on the Dask cluster of this scheduler; `local` starts one with N workers",
    )
    verb.add_argument(
        "--output",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder for runs (default: %(default)s)",
    )
    verb.add_argument("--quiet", action="store_true", help="show no progress")
    verb.set_defaults(command=commands.reproduce_studies)

    verb = verbs.add_parser("claims", parents=[common], help="print the claims of stored runs")
    _add_stored(verb)
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(command=commands.print_claims)

    verb = verbs.add_parser("report", parents=[common], help="write the report of stored runs")
    _add_stored(verb)
    verb.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it (default: in the run)"
    )
    verb.set_defaults(command=commands.write_reports)

    verb = verbs.add_parser("connectome", parents=[common], help="say what a connectome is")
    verb.add_argument(
        "connectome",
        nargs="?",
        metavar="FILE-OR-NAME",
        help="an edge list or a SONATA file, or a name from `--list`",
    )
    verb.add_argument("--list", action="store_true", help="name the connectomes there are")
    for column in ("presynaptic", "postsynaptic", "weight"):
        verb.add_argument(
            f"--{column}", metavar="COLUMN", help=f"name or position of the {column} column"
        )
    verb.add_argument("--delimiter", metavar="TEXT", help="what separates columns")
    verb.add_argument("--nodes", type=Path, metavar="FILE", help="table of the cells")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(command=commands.describe_connectome)

    verb = verbs.add_parser("benchmark", parents=[common], help="measure speed and accuracy")
    verb.add_argument("names", nargs="*", metavar="NAME", help="all of them if none")
    verb.add_argument("--json", action="store_true", help="print JSON")
    verb.set_defaults(command=commands.run_benchmarks)
    return parser


def _add_stored(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("studies", nargs="*", metavar="STUDY", help="all that were run if none")
    verb.add_argument(
        "--runs",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder of the runs (default: %(default)s)",
    )
