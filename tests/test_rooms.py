"""The rooms of the package are there, and none is entered before it is needed."""

import subprocess
import sys

import pytest

import neuropil


@pytest.mark.parametrize("name", neuropil.__all__)
def test_every_name_of_the_package_is_there(name):
    assert getattr(neuropil, name) is not None


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nowhere'"):
        _ = neuropil.nowhere


def test_importing_the_package_enters_no_room():
    program = "import sys, neuropil; print(sorted(sys.modules))"
    found = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not any(f"neuropil.{room}" in found.stdout for room in ("analysis", "simulate", "plots"))
