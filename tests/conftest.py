import os
from pathlib import Path

import jax
import matplotlib
import pytest
from hypothesis import settings

matplotlib.use("agg")
jax.config.update("jax_numpy_rank_promotion", "raise")
jax.config.update("jax_numpy_dtype_promotion", "strict")

# The first examples find most of what fails; HYPOTHESIS_PROFILE=thorough looks for the rest.
settings.register_profile("suite", max_examples=20, deadline=None)
settings.register_profile("thorough", max_examples=300, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture
def published_data(monkeypatch) -> Path:
    """Folder with the published files that are not shipped, or a skip where there is none."""
    folder = Path(os.environ.get("NEUROPIL_DATA", SHARED_DATA))
    if not folder.is_dir():
        pytest.skip("the published data files are not on this machine: set NEUROPIL_DATA")
    monkeypatch.setenv("NEUROPIL_DATA", str(folder))
    return folder
