"""Under which circumstances numbers were made: versions, device, settings, state of the code."""

import importlib.metadata
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jax

import neuropil

PACKAGES = (
    *("neuropil", "jax", "jaxlib", "equinox", "numpy", "scipy", "numba", "xarray", "zarr"),
    *("matplotlib", "dask", "distributed"),
)

SETTINGS = ("jax_enable_x64", "jax_threefry_partitionable", "jax_default_matmul_precision")
"""What changes numbers without a change of code."""


def now() -> str:
    """The present moment in UTC, to the second, as ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def environment() -> dict[str, Any]:
    """Versions, device, numerical settings and platform, as JSON values."""
    return {
        "versions": {"python": platform.python_version(), **_versions()},
        "device": ", ".join(sorted({device.device_kind for device in jax.devices()})),
        "settings": {name: getattr(jax.config, name) for name in SETTINGS},
        "platform": platform.platform(),
        "processors": os.cpu_count(),
        "git": git_state(Path(neuropil.__file__).parent),
    }


def git_state(folder: Path) -> dict[str, Any] | None:
    """Commit of the checkout that holds `folder` and whether files differ from it, if it is one."""
    commit = _git(folder, "rev-parse", "HEAD")
    tracked = _git(folder, "ls-files", "--error-unmatch", "__init__.py")
    if commit is None or tracked is None:
        return None
    return {"commit": commit, "changed": bool(_git(folder, "status", "--porcelain"))}


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
