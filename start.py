#!/usr/bin/env python3
"""Set everything up and run it: the only file to call in a fresh checkout.

    python3 start.py reproduce [arguments of `neuropil reproduce`]
    python3 start.py test [arguments of pytest]
    python3 start.py test-slow [arguments of pytest]

The package and what it needs go into `.venv` beside this file, or into the folder named by
`--environment DIR` before the command, and are installed again only when `pyproject.toml` or
Python changes.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent
STAMP = "neuropil-environment.json"
TEST_WORKERS = 2


class Stop(Exception):
    """The reason why nothing more can be done, for the user."""


def main():
    """Parse the command line, prepare the environment, run the command in it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--environment", type=Path, default=ROOT / ".venv", metavar="DIR")
    parser.add_argument("command", choices=("reproduce", "test", "test-slow"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        check_python()
        environment = options.environment.resolve()
        prepare(environment, extras_for(options.command, options.arguments))
        return run(options.command, options.arguments, environment)
    except Stop as reason:
        say(str(reason))
        return 1
    except KeyboardInterrupt:
        say("Interrupted. Repeat the same command to continue.")
        return 130


def check_python():
    """Stop, with a way out, where Python is too old or cannot make environments."""
    if sys.version_info < OLDEST:
        names = [f"python3.{minor}" for minor in range(19, OLDEST[1] - 1, -1)]
        newer = next((name for name in names if shutil.which(name)), None)
        raise Stop(
            f"Python {OLDEST[0]}.{OLDEST[1]} or later is needed, this is {sys.version.split()[0]}."
            + (f" Try: {newer} start.py" if newer else "")
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise Stop(
            "This Python cannot make environments: the module venv or ensurepip is missing. On "
            "Debian and Ubuntu: apt install python3-venv"
        )


def extras_for(command, arguments):
    """The optional dependencies that the command needs."""
    if command != "reproduce":
        return {"test"}
    return {"cluster"} if any(word.startswith("--cluster") for word in arguments) else set()


def prepare(environment, extras):
    """Make the environment, or bring it up to date; nothing happens where it is.

    The stamp is removed before and written after the installation, so an installation that was
    interrupted is begun again.
    """
    stamp = environment / STAMP
    wanted = {
        "project": hashlib.sha256((ROOT / "pyproject.toml").read_bytes()).hexdigest(),
        "python": sys.version,
        "checkout": str(ROOT),
    }
    installed = read_stamp(stamp)
    present = set(installed.pop("extras", ()))
    healthy = pip_works(environment)
    if installed == wanted and extras <= present and healthy:
        return
    is_environment = (environment / "pyvenv.cfg").is_file()
    if environment.exists() and not is_environment and any(environment.iterdir()):
        raise Stop(f"{environment} holds something else: name another folder with --environment")
    stamp.unlink(missing_ok=True)
    if not healthy or installed.get("python") != sys.version:
        say(f"Making an environment in {environment}")
        must([sys.executable, "-m", "venv", "--clear", str(environment)], "The environment")
        present = set()
    extras = extras | present
    say("Installing the package and what it needs")
    what = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    pip = [program(environment, "python"), "-m", "pip", "install", "--no-input", "--quiet"]
    must([*pip, "--disable-pip-version-check", "--editable", what], "The installation")
    aside = stamp.with_suffix(".part")
    aside.write_text(json.dumps({**wanted, "extras": sorted(extras)}))
    os.replace(aside, stamp)


def read_stamp(stamp):
    """What was installed, empty where that is not known."""
    try:
        return json.loads(stamp.read_text())
    except (OSError, ValueError):
        return {}


def pip_works(environment):
    """Whether the environment has a Python that starts and a whole pip."""
    python = program(environment, "python")
    if not Path(python).is_file():
        return False
    check = subprocess.run([python, "-m", "pip", "--version"], capture_output=True)
    return check.returncode == 0


def program(environment, name):
    """Path of a program of the environment."""
    windows = os.name == "nt"
    return str(environment / ("Scripts" if windows else "bin") / (name + ".exe" * windows))


def must(command, what):
    """Run a command that has to succeed."""
    try:
        code = subprocess.run(command).returncode
    except OSError as error:
        raise Stop(f"{what} failed: {error}") from error
    if code:
        raise Stop(f"{what} failed (see above). Repeat the same command to try again.")


def run(command, arguments, environment):
    """Run the command in the environment; the exit code says whether all of it succeeded."""
    if command == "reproduce":
        return subprocess.run(
            [program(environment, "neuropil"), "reproduce", *arguments]
        ).returncode
    python = program(environment, "python")
    workers = str(min(TEST_WORKERS, os.cpu_count() or 1))
    pytest = [python, "-m", "pytest", "-n", workers, "--dist", "loadfile"]
    # Compiling is most of the work of the tests, and many of them compile the same functions.
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(environment / "compiled"))
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")
    if command == "test-slow":
        return subprocess.run([*pytest, "-m", "slow", *arguments], cwd=ROOT).returncode
    # Programs that run for a moment are not worth optimising; those of the slow tests are.
    os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "pytest": [*pytest, *arguments],
    }
    failed = []
    for name, check in checks.items():
        say(name)
        if subprocess.run(check, cwd=ROOT).returncode:
            failed.append(name)
    say("Failed: " + ", ".join(failed) if failed else "All checks passed")
    return 1 if failed else 0


def say(text):
    """Tell the user, at once and in order with what subprocesses print."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
