import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import jax
import pytest

import neuropil
import toy_study
from neuropil.cli import benchmarks, main
from neuropil.studies import reproduce

TOY = f"{toy_study.__file__}:STUDY"


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    """The cache of compiled programs in a folder of the test, and JAX's settings as before."""
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "compiled"))
    monkeypatch.delenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", raising=False)
    monkeypatch.setenv("PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS", ""))
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder with one complete run of the toy study."""
    output = tmp_path_factory.mktemp("stored") / "runs"
    reproduce(TOY, output=output, progress=False)
    return output


def call(capsys, *arguments) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    output, errors = capsys.readouterr()
    return code, output, errors


def test_list_names_the_studies(capsys):
    code, output, _ = call(capsys, "list")
    assert code == 0
    assert re.search(r"tang-2012 +Heterogeneous firing rates", output)


def test_reproduce_ends_with_claims_and_the_path_of_the_report(capsys, tmp_path):
    code, output, errors = call(capsys, "reproduce", TOY, "--output", tmp_path, "--seed", 4)
    assert code == 0, "a claim that is not reproduced is a result, not a failure"
    assert "4/4" in errors
    assert "3 claims: 1 reproduced, 1 not reproduced, 1 not tested" in output
    report = output.splitlines()[-1].removeprefix("Report: ")
    assert "--seed 4" in Path(report).read_text()
    assert (tmp_path / "compiled").is_dir()


def test_quiet_silences_progress(capsys, stored):
    code, output, errors = call(
        capsys, "reproduce", TOY, "--output", stored, "--quiet", "--jobs", 1
    )
    assert (code, errors) == (0, "")
    assert "Report: " in output


def test_claims_are_printed_and_machine_readable(capsys, stored):
    code, output, _ = call(capsys, "claims", "--runs", stored)
    assert code == 0
    assert "One draw in a billion" in output
    code, output, _ = call(capsys, "claims", "toy-2001", "--json", "--runs", stored)
    (run,) = json.loads(output)["runs"]
    assert (run["study"], run["scale"], run["seed"]) == ("toy-2001", "quick", 0)
    verdicts = [claim["verdict"] for claim in run["claims"]]
    assert verdicts == ["reproduced", "not reproduced", "not tested at this scale"]


def test_report_is_made_anew_from_what_is_stored(capsys, stored, tmp_path):
    target = tmp_path / "report.html"
    code, output, _ = call(capsys, "report", "--runs", stored, "--output", target)
    assert code == 0
    assert output == f"Report: {target}\n"
    assert "The mean of normal numbers" in target.read_text()


def test_one_file_cannot_hold_two_reports(capsys, stored, tmp_path):
    (tmp_path / "runs").mkdir()
    for name in ("toy-2001", "toy-2002"):
        os.symlink(stored / "toy-2001", tmp_path / "runs" / name)
    code, _, errors = call(capsys, "report", "--runs", tmp_path / "runs", "--output", "r.html")
    assert code == 2
    assert "--output names one file for one study" in errors


def test_connectome_describes_a_file(capsys, tmp_path):
    edges = tmp_path / "edges.csv"
    edges.write_text("from,to,n\nx,y,3\ny,z,1\nz,x,2\n")
    columns = ("--presynaptic", "from", "--postsynaptic", 1, "--weight", "n")
    code, output, errors = call(capsys, "connectome", edges, *columns)
    assert (code, errors) == (0, "")
    assert "neurons               3" in output
    code, output, _ = call(capsys, "connectome", edges, *columns, "--json")
    summary = json.loads(output)
    assert (summary["n_neurons"], summary["n_edges"], summary["total_weight"]) == (3, 3, 6.0)


def test_connectome_lists_what_can_be_named(capsys):
    names = json.loads(call(capsys, "connectome", "--list", "--json")[1])
    assert call(capsys, "connectome", "--list")[1].split() == names
    code, output, _ = call(capsys, "connectome", names[0])
    assert code == 0
    assert names[0] in output


BAD_INPUT = {
    "unknown study": (
        ["reproduce", "nobody-1900"],
        "study must be one of bittner-2018, ",
    ),
    "negative seed": (["reproduce", TOY, "--seed", "-1"], "seed must be a whole number from 0"),
    "no jobs": (["reproduce", TOY, "--jobs", "0"], "jobs must be at least 1, got 0"),
    "jobs elsewhere": (
        ["reproduce", TOY, "--jobs", "2", "--cluster", "tcp://127.0.0.1:1"],
        "a cluster with an address has its own",
    ),
    "no runs": (["claims", "--runs", "nowhere"], "no complete run of any study in nowhere"),
    "run missing": (["report", "other", "--runs", "nowhere"], "no complete run of study 'other'"),
    "no connectome": (["connectome"], "name a file or a connectome"),
    "connectome missing": (["connectome", "nothing.csv"], "there is no file 'nothing.csv'"),
    "unknown benchmark": (["benchmark", "nothing"], "got 'nothing'"),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_is_one_line_and_exit_code_2(capsys, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    arguments, message = BAD_INPUT[case]
    code, output, errors = call(capsys, *arguments)
    assert (code, output) == (2, "")
    assert message in errors
    assert len(errors.splitlines()) == 1


@pytest.mark.parametrize("arguments", [[], ["fly"], ["reproduce", "--scale", "huge"]])
def test_what_the_parser_refuses_has_exit_code_2(capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2


def test_version(capsys):
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out == f"neuropil {neuropil.__version__}\n"


def test_the_module_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "neuropil", "--version"], capture_output=True, text=True, check=True
    )
    assert ended.stdout.strip() == f"neuropil {neuropil.__version__}"


def test_a_failed_run_is_one_line_and_exit_code_1(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_STUDY_BREAKS_AT", "0")
    code, output, errors = call(
        capsys, "reproduce", TOY, "--output", tmp_path, "--quiet", "--jobs", 1
    )
    assert (code, output) == (1, "")
    assert "shard 'part-0' of toy-2001 failed: ArithmeticError" in errors
    assert len(errors.splitlines()) == 1


def test_debug_shows_the_traceback(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_STUDY_BREAKS_AT", "0")
    command = ("reproduce", TOY, "--output", tmp_path, "--quiet", "--jobs", 1)
    for arguments in (("--debug", *command), (*command, "--debug")):
        code, _, errors = call(capsys, *arguments)
        assert code == 1
        assert errors.startswith("Traceback")


@pytest.mark.slow
def test_a_failed_study_does_not_stop_the_next(capsys, tmp_path, monkeypatch):
    other = tmp_path / "failing_toy.py"
    other.write_text(
        "from toy_study import ToyStudy\n"
        "class Failing(ToyStudy):\n"
        "    name = 'failing-2001'\n"
        "    def run_shard(self, *arguments):\n"
        "        raise ArithmeticError('none')\n"
        "STUDY = Failing()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    command = ("reproduce", f"{other}:STUDY", TOY, "--output", tmp_path, "--quiet", "--jobs", 1)
    code, output, errors = call(capsys, *command)
    assert code == 1
    assert "failing-2001 failed" in errors
    assert "Report: " in output


def test_an_output_that_cannot_be_written_is_one_line(capsys, tmp_path):
    (tmp_path / "file").touch()
    code, output, errors = call(capsys, "reproduce", TOY, "--output", tmp_path / "file")
    assert (code, output) == (1, "")
    assert f"cannot write {tmp_path}/file/toy-2001/" in errors
    assert len(errors.splitlines()) == 1


def test_unexpected_errors_say_how_to_learn_more(capsys, monkeypatch):
    monkeypatch.setattr("neuropil.cli.commands.registered_studies", lambda: 1 / 0)
    code, _, errors = call(capsys, "list")
    assert code == 1
    assert "unexpected ZeroDivisionError" in errors
    assert "--debug" in errors


@pytest.mark.parametrize(
    "jobs", [["--jobs", "1"], pytest.param(["--jobs", "2"], marks=pytest.mark.slow)]
)
def test_an_interrupt_from_the_keyboard_ends_cleanly(tmp_path, jobs):
    reached = tmp_path / "reached"
    # A shell ignores interrupts for what it starts in the background, and children inherit that.
    program = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from neuropil.cli import main; sys.exit(main())"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(
        [*command, "reproduce", TOY, "--output", str(tmp_path), "--quiet", *jobs],
        env={**os.environ, "TOY_STUDY_STOPS_AT": f"2:{reached}"},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            deadline = time.monotonic() + 120
            while not reached.exists():
                assert time.monotonic() < deadline, "the study did not get to the shard"
                time.sleep(0.05)
            os.killpg(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130
    assert errors.splitlines()[-1].endswith("repeat the same command to continue.")
    assert "Traceback" not in errors


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout whose benchmarks are those written into its folder."""
    (tmp_path / "pyproject.toml").touch()
    folder = tmp_path / "benchmarks"
    folder.mkdir()
    (folder / "shared.py").write_text("RATIO = 20.5\n")
    (folder / "speed.py").write_text(
        "from shared import RATIO\nprint('noise')\n"
        "def run():\n    return {'speed': {'ratio': RATIO}}\n"
    )
    (folder / "broken.py").write_text("def run():\n    raise ImportError('no module nnmt')\n")
    monkeypatch.setattr(benchmarks, "_CHECKOUT", tmp_path)
    yield folder
    sys.modules.pop("shared", None)


def test_benchmarks_print_json_and_nothing_else(capsys, checkout):
    code, output, errors = call(capsys, "benchmark", "speed", "--json")
    assert (code, json.loads(output)) == (0, {"speed": {"speed": {"ratio": 20.5}}})
    assert "noise" in errors


def test_a_failing_benchmark_does_not_stop_the_others(capsys, checkout):
    code, output, errors = call(capsys, "benchmark", "broken", "speed")
    assert code == 1
    assert "benchmark broken: ImportError: no module nnmt" in errors
    assert "speed.ratio  20.5" in output


def test_a_script_without_run_is_named(capsys, checkout):
    code, _, errors = call(capsys, "benchmark", "shared")
    assert code == 1
    assert "shared.py has no function run()" in errors


def test_outside_a_checkout_benchmarks_are_explained(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "_CHECKOUT", tmp_path)
    code, _, errors = call(capsys, "benchmark")
    assert code == 2
    assert "benchmarks are not part of the installed package" in errors


@pytest.mark.slow
@pytest.mark.parametrize("jobs", ["1", "2"])
def test_half_written_programs_are_compiled_again_without_a_word(tmp_path, jobs):
    compiled = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])

    def errors(output):
        run = subprocess.run(
            [
                *(
                    sys.executable,
                    "-c",
                    "import sys; from neuropil.cli import main; sys.exit(main())",
                ),
                *("reproduce", TOY, "--quiet", "--jobs", jobs, "--output", str(tmp_path / output)),
            ],
            env={**os.environ, "PYTHONWARNINGS": ""},
            capture_output=True,
            text=True,
        )
        assert run.returncode == 0
        return run.stderr

    errors("first")
    entries = [path for path in compiled.iterdir() if path.stat().st_size > 100]
    assert entries
    for path in entries:
        path.write_bytes(path.read_bytes()[:50])
    assert errors("second") == ""
