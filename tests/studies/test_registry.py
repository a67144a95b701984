import sys
from importlib.metadata import EntryPoint

import jaxtyping
import pytest

import toy_study
from neuropil.studies import load_study, registered_studies, registry
from neuropil.studies.contract import SCALES
from neuropil.studies.finished_shards import FinishedShards

TOY = """
from toy_study import ToyStudy
STUDY = ToyStudy()
NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder for studies; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("name", registered_studies())
def test_what_is_listed_is_what_is_loaded(name):
    listed, study = registered_studies()[name], load_study(name)
    assert study.name == name
    assert study.title == listed.title


def test_listing_imports_no_study(monkeypatch):
    monkeypatch.setattr(registry.importlib, "import_module", lambda name: pytest.fail(name))
    assert "tang-2012" in registered_studies()


def test_a_study_in_a_file(folder):
    (folder / "my_toy.py").write_text(TOY)
    study = load_study(f"{folder}/my_toy.py:STUDY")
    assert study.name == "toy-2001"
    assert load_study(f"{folder}/my_toy.py:STUDY") is study


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nowhere.py:STUDY", "there is no Python file .*nowhere.py"),
        ("notes.txt:STUDY", "there is no Python file .*notes.txt"),
        ("my_toy.py:NUMBER", "'NUMBER' in my_toy must be an object of a class derived .*got 3"),
        ("my_toy.py:NOTHING", "'NOTHING' in my_toy must be .*got None"),
        ("json.py:STUDY", "must be an object of a class derived"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(folder, reference, message):
    (folder / "my_toy.py").write_text(TOY)
    (folder / "notes.txt").touch()
    (folder / "json.py").write_text(TOY)
    with pytest.raises(ValueError, match=message):
        load_study(f"{folder}/{reference}")


def test_a_file_hidden_by_another_module_is_not_confused_with_it(folder):
    (folder / "toy_study.py").write_text(TOY)
    with pytest.raises(ValueError, match=r"another module is called 'toy_study'.*rename the file"):
        load_study(f"{folder}/toy_study.py:STUDY")


def test_unknown_studies_are_named_with_those_there_are():
    with pytest.raises(
        ValueError, match=r"study must be one of bittner-2018, .*tang-2012.*got 'tang-2021'"
    ):
        load_study("tang-2021")


def test_packages_bring_studies_of_their_own(monkeypatch):
    entry = EntryPoint("toy-2001", "toy_study:STUDY", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    assert registered_studies()["toy-2001"].title == "from the package toy_study"
    assert load_study("toy-2001") is toy_study.STUDY


def test_a_package_cannot_replace_a_shipped_study(monkeypatch):
    entry = EntryPoint("tang-2012", "toy_study:STUDY", registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry])
    assert registered_studies()["tang-2012"].reference.startswith("neuropil.studies.")


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", registered_studies())
def test_what_needs_shards_that_were_not_run_is_left_out(name, scale, monkeypatch):
    # To check that it is a mapping of datasets, one would be looked at.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    study = load_study(name)
    configuration = study.configuration(scale)
    nothing = FinishedShards({}, [shard.name for shard in study.shards(configuration)])
    claims = list(study.claims(configuration, nothing))
    assert len({claim.identifier for claim in claims}) == len(claims)
    assert list(study.figures(configuration, nothing)) == []
