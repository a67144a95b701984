"""The benchmark scripts of a checkout: found, loaded and run."""

import contextlib
import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import neuropil

_CHECKOUT = Path(neuropil.__file__).resolve().parents[2]


def find(names: Sequence[str] = ()) -> dict[str, Path]:
    """Scripts by name, all of them when none is named.

    Raises `ValueError` outside a checkout and for a name that is not there.
    """
    folder = _CHECKOUT / "benchmarks"
    if not (_CHECKOUT / "pyproject.toml").is_file() or not folder.is_dir():
        raise ValueError(
            "benchmarks are not part of the installed package: run this in a checkout, installed "
            "with `pip install -e '.[benchmark]'`"
        )
    scripts = {
        path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("_")
    }
    unknown = [name for name in names if name not in scripts]
    if unknown:
        raise ValueError(f"benchmark must be one of {', '.join(scripts)}; got {unknown[0]!r}")
    return {name: scripts[name] for name in names or scripts}


def run(script: Path) -> dict[str, Any]:
    """Call `run()` of a script; what it prints goes to the error stream.

    Raises `ValueError` when it has no such function; errors of the script pass through.
    """
    spec = importlib.util.spec_from_file_location(f"neuropil_benchmark_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(script.parent))  # scripts may share a module
    try:
        with contextlib.redirect_stdout(sys.stderr):
            spec.loader.exec_module(module)
            if not callable(getattr(module, "run", None)):
                raise ValueError(f"{script} has no function run()")
            return module.run()
    finally:
        sys.path.remove(str(script.parent))


def lines(measured: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Names and values for people: nested names joined by dots, six digits."""
    entries = []
    for name, value in measured.items():
        if isinstance(value, Mapping):
            entries += lines(value, f"{prefix}{name}.")
        else:
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            entries.append((prefix + name, text))
    return entries
