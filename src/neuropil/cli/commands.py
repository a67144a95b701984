"""The commands: each takes the parsed arguments and yields what is printed."""

import argparse
import json
import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import pooch

from neuropil import connectivity
from neuropil.cli import benchmarks
from neuropil.cli.tables import claims_table, colours_wanted, definitions, terminal_width
from neuropil.studies import (
    AbstractExecutor,
    DaskCluster,
    InProcess,
    Processes,
    RunResult,
    StudyFailed,
    latest_runs,
    load_study,
    registered_studies,
    reproduce,
)
from neuropil.studies.store import SCHEMA
from neuropil.web import write_report

# Every process compiles for itself, so that more than two pay for long studies only.
DEFAULT_JOBS = min(2, os.cpu_count() or 1)

UNREADABLE = (
    "Error reading persistent compilation cache entry",
    "Error writing persistent compilation cache entry",
)


@dataclass(frozen=True)
class Failure:
    """Something went wrong with one part of the work; the other parts go on."""

    message: str


Output = Iterator[str | Failure]


def list_studies(options: argparse.Namespace) -> Output:
    """Names and titles of the studies."""
    entries = [(study.name, study.title) for study in registered_studies().values()]
    yield definitions(entries, terminal_width())


def reproduce_studies(options: argparse.Namespace) -> Output:
    """Run the studies one after the other; each ends with its claims and its report."""
    executor = _executor(options)
    names = options.studies or list(registered_studies())
    headlines_only = options.headlines or not (options.studies or options.whole)
    for name in names:  # a wrong name is found before hours of work, not after
        load_study(name)
    _keep_compiled_programs()
    for name in names:
        try:
            run = reproduce(
                name,
                scale=options.scale,
                seed=options.seed,
                output=options.output,
                executor=executor,
                headlines_only=headlines_only,
                progress=not options.quiet,
            )
            report = write_report(run)
        except StudyFailed as error:
            if options.debug:
                raise
            yield Failure(str(error))
        else:
            yield _heading(run)
            yield claims_table(run.claims, terminal_width(), colour=colours_wanted())
            if run.not_run:
                yield _rest(run, name)
            yield f"Report: {report.resolve()}"


def print_claims(options: argparse.Namespace) -> Output:
    """The ledgers of stored runs."""
    runs = latest_runs(options.runs, options.studies)
    if options.json:
        records = [
            {
                "study": run.study,
                "scale": run.identity["scale"],
                "seed": run.identity["seed"],
                "key": run.key,
                "finished": run.finished,
                "folder": str(run.folder),
                "not_run": list(run.not_run),
                "claims": [claim.to_json() for claim in run.claims],
            }
            for run in runs
        ]
        yield json.dumps({"schema": SCHEMA, "runs": records}, indent=2, ensure_ascii=False)
        return
    for run in runs:
        yield _heading(run)
        yield claims_table(run.claims, terminal_width(), colour=colours_wanted())
        if run.not_run:
            yield _rest(run, run.study)


def write_reports(options: argparse.Namespace) -> Output:
    """The reports of stored runs, made anew from what is stored."""
    runs = latest_runs(options.runs, options.studies)
    if options.output is not None and len(runs) != 1:
        names = ", ".join(run.study for run in runs)
        raise ValueError(f"--output names one file for one study: choose one of {names}")
    for run in runs:
        yield f"Report: {write_report(run, options.output).resolve()}"


def describe_connectome(options: argparse.Namespace) -> Output:
    """What a connectome is: size, degrees, motifs, spectrum, warnings."""
    if options.list:
        names = connectivity.list_connectomes()
        yield json.dumps(names, indent=2) if options.json else "\n".join(names)
        return
    if options.connectome is None:
        raise ValueError("connectome: name a file or a connectome; `--list` names those there are")
    _keep_compiled_programs()
    connectome = connectivity.read_connectome(
        options.connectome,
        presynaptic=_column(options.presynaptic),
        postsynaptic=_column(options.postsynaptic),
        weight=_column(options.weight),
        delimiter=options.delimiter,
        nodes=options.nodes,
    )
    summary = connectivity.describe(connectome)
    yield summary.to_json() if options.json else summary.to_text()


def run_benchmarks(options: argparse.Namespace) -> Output:
    """Measurements of the scripts in `benchmarks/`, as they end."""
    scripts = benchmarks.find(options.names)
    measured = {}
    for name, script in scripts.items():
        try:
            measured[name] = benchmarks.run(script)
        except Exception as error:
            if options.debug:
                raise
            yield Failure(f"benchmark {name}: {type(error).__name__}: {error}")
            continue
        if not options.json:
            entries = benchmarks.lines(measured[name])
            yield f"{name}\n{definitions(entries, terminal_width())}\n"
    if options.json:
        yield json.dumps(measured, indent=2)


def _column(text: str | None) -> str | int | None:
    """A column by its name, or by its position when that is what was typed."""
    return int(text) if text is not None and text.isdecimal() else text


def _executor(options: argparse.Namespace) -> AbstractExecutor:
    if options.cluster is not None:
        return DaskCluster(options.cluster, options.jobs)
    jobs = DEFAULT_JOBS if options.jobs is None else options.jobs
    return InProcess() if jobs == 1 else Processes(jobs)


def _heading(run: RunResult) -> str:
    return f"\n{run.study}: {run.identity['study']['title']} (scale {run.identity['scale']})"


def _rest(run: RunResult, name: str) -> str:
    """What a run of headlines left out, and how to go on."""
    done = len(run.identity["shards"]) - len(run.not_run)
    return (
        f"Headlines: {done} of {len(run.identity['shards'])} parts were run. The rest: "
        f"neuropil reproduce {name}"
    )


def _keep_compiled_programs() -> None:
    """Keep what JAX compiles for the next run, in this process and in its workers.

    A folder that the user has set is left alone, and where none can be made nothing is kept. JAX
    compiles again what it finds half written, by another process or by one that was killed: that
    is nothing to warn of.
    """
    folder = os.environ.get("JAX_COMPILATION_CACHE_DIR", str(pooch.os_cache("neuropil") / "jax"))
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    shortest = float(os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"])
    jax.config.update("jax_compilation_cache_dir", folder)
    jax.config.update("jax_persistent_cache_min_compile_time_secs", shortest)
    known = os.environ.get("PYTHONWARNINGS", "")
    for message in UNREADABLE:
        warnings.filterwarnings("ignore", message, UserWarning)
        if message not in known:
            known = ",".join(filter(None, (known, f"ignore:{message}:UserWarning")))
    os.environ["PYTHONWARNINGS"] = known
