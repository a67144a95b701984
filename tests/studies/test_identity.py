import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import neuropil
from neuropil.studies import identity
from toy_study import STUDY, ToyStudy

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
CONFIGURATIONS = st.dictionaries(st.text(), JSON_VALUES, max_size=5)


@given(CONFIGURATIONS)
def test_canonical_text_is_exact_and_ignores_order(configuration):
    text = identity.canonical(configuration)
    assert json.loads(text) == configuration
    backwards = dict(reversed(configuration.items()))
    assert identity.canonical(backwards) == text


@pytest.mark.parametrize(
    "value",
    [(1, 2), {1: "a"}, float("nan"), float("inf"), np.arange(3), np.int64(3), {1, 2}, object()],
    ids=lambda value: type(value).__name__,
)
def test_configurations_that_are_not_json_are_refused(value):
    with pytest.raises(ValueError, match="configuration must be plain"):
        identity.canonical({"name": value})


def test_the_key_depends_on_everything_that_decides_the_numbers():
    base = ("toy", {"a": 1.0, "b": [1, 2]}, 0, "code")
    others = [
        ("boy", *base[1:]),
        ("toy", {"a": 1.0, "b": [2, 1]}, 0, "code"),
        ("toy", {"a": 1.0000000000000002, "b": [1, 2]}, 0, "code"),
        (*base[:2], 1, "code"),
        (*base[:3], "edoc"),
    ]
    keys = [identity.run_key(*arguments) for arguments in (base, *others)]
    assert len(set(keys)) == len(keys)
    assert identity.run_key("toy", {"b": [1, 2], "a": 1.0}, 0, "code") == keys[0]


@pytest.fixture
def library(tmp_path, monkeypatch) -> Path:
    """A copy of the package that may be changed, with a study folder `other_1999`."""
    copy = tmp_path / "neuropil"
    shutil.copytree(Path(neuropil.__file__).parent, copy)
    (copy / "studies" / "other_1999").mkdir()
    (copy / "studies" / "other_1999" / "__init__.py").write_text("")
    monkeypatch.setattr(identity, "_PACKAGE", copy)
    monkeypatch.setattr(identity, "_STUDIES", copy / "studies")
    return copy


@pytest.mark.parametrize("name", ["result.py", "studies/execution.py", "connectivity/data/x.csv"])
def test_a_change_of_the_library_gives_a_new_version(library, name):
    before = identity.code_version(STUDY)
    file = library / name
    file.parent.mkdir(exist_ok=True)
    file.write_bytes((file.read_bytes() if file.exists() else b"") + b"\n# changed")
    assert identity.code_version(STUDY) != before


def test_moving_code_to_another_file_gives_a_new_version(library):
    before = identity.code_version(STUDY)
    (library / "result.py").rename(library / "outcome.py")
    assert identity.code_version(STUDY) != before


@pytest.mark.parametrize(
    "name",
    [
        "plots/new.py",
        "web/report.py",
        "cli/main.py",
        "studies/other_1999/model.py",
        "circuits/__pycache__/rate.pyc",
        "circuits/.rate.py.swp",
    ],
)
def test_what_cannot_change_a_number_keeps_the_version(library, name):
    before = identity.code_version(STUDY)
    file = library / name
    file.parent.mkdir(exist_ok=True)
    file.write_text("changed")
    assert identity.code_version(STUDY) == before


@pytest.fixture
def packaged(tmp_path, monkeypatch):
    """A study in a package outside the library, with claims in a file of their own."""
    folder = tmp_path / "somebody_else"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "claims.py").write_text("")
    (folder / "model.py").write_text("")
    (folder / "study.py").write_text(
        "from toy_study import ToyStudy\nclass Study(ToyStudy):\n    pass\nSTUDY = Study()\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    from somebody_else.study import STUDY as study

    yield study, folder
    for name in [name for name in sys.modules if name.startswith("somebody_else")]:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "same"),
    [("model.py", False), ("claims.py", True), ("figures/rates.py", True), ("my/rates.py", False)],
)
def test_a_study_outside_brings_the_code_of_its_package(packaged, name, same):
    study, folder = packaged
    before = identity.code_version(study)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("changed = 1")
    assert (identity.code_version(study) == before) is same


def test_a_study_without_a_source_file_is_refused():
    unreadable = type("Unreadable", (ToyStudy,), {"__module__": "builtins"})
    with pytest.raises(ValueError, match="study 'toy-2001' is defined where its source cannot"):
        identity.code_version(unreadable())
