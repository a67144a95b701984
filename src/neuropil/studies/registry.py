"""Which studies there are, and where a study is found when it is named."""

import importlib
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from neuropil.studies.contract import AbstractStudy

ENTRY_POINT_GROUP = "neuropil.studies"
"""Packages that bring studies of their own announce them under this group."""


@dataclass(frozen=True)
class RegisteredStudy:
    """A study that can be run by name: `reference` is `package.module:OBJECT`, not yet imported."""

    name: str
    reference: str
    title: str = ""


_SHIPPED = (
    RegisteredStudy(
        "tang-2012",
        "neuropil.studies.tang_2012:STUDY",
        "Heterogeneous firing rates modeled in densely connected recurrent neural networks",
    ),
    RegisteredStudy(
        "gong-2023-dynamics",
        "neuropil.studies.gong_2023_dynamics:STUDY",
        "Dynamics of neuron-glia circuits: fixed points, bifurcations and slow-fast analysis",
    ),
    RegisteredStudy(
        "gong-2023-bandits",
        "neuropil.studies.gong_2023_bandits:STUDY",
        "Neuron-glia networks that learn while contexts change, and what makes them learn",
    ),
    RegisteredStudy(
        "jabin-2023",
        "neuropil.studies.jabin_2023:STUDY",
        "The mean-field limit of integrate-and-fire networks without symmetry",
    ),
    RegisteredStudy(
        "bittner-2018",
        "neuropil.studies.bittner_2018:STUDY",
        "Degenerate solution networks: all parameters that yield a behaviour",
    ),
    RegisteredStudy(
        "peterson-2021",
        "neuropil.studies.peterson_2021:STUDY",
        "What can astrocytes compute? Waves between neighbours that learn, fail and integrate",
    ),
)


def registered_studies() -> dict[str, RegisteredStudy]:
    """All studies by name, those shipped first; none of them is imported."""
    studies = {study.name: study for study in _SHIPPED}
    for entry in entry_points(group=ENTRY_POINT_GROUP):
        studies.setdefault(
            entry.name,
            RegisteredStudy(entry.name, entry.value, f"from the package {entry.module}"),
        )
    return studies


def load_study(name: str) -> AbstractStudy:
    """The study registered under `name`, or the object in `path/to/file.py:OBJECT`.

    Raises `ValueError` when there is no such study, when the file or the object is missing, or
    when the object is not a study.
    """
    if ":" in name:
        return _from_file(name)
    known = registered_studies()
    if name not in known:
        raise ValueError(
            f"study must be one of {', '.join(sorted(known))}, or path/to/file.py:OBJECT; "
            f"got {name!r}"
        )
    module, _, attribute = known[name].reference.partition(":")
    return _study_in(module, attribute, name)


def _from_file(name: str) -> AbstractStudy:
    text, _, attribute = name.rpartition(":")
    path = Path(text).resolve()
    if path.suffix != ".py" or not path.is_file():
        raise ValueError(f"study {name!r}: there is no Python file {path}")
    # The folder goes on the path, as when Python runs the file, so that worker processes, which
    # inherit the path, find the study under the same name.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    study = _study_in(path.stem, attribute, name)
    found = getattr(sys.modules[path.stem], "__file__", None)
    if found is None or Path(found).resolve() != path:
        raise ValueError(
            f"study {name!r}: another module is called {path.stem!r} ({found}); rename the file"
        )
    return study


def _study_in(module: str, attribute: str, name: str) -> AbstractStudy:
    study = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(study, AbstractStudy):
        raise ValueError(
            f"study {name!r}: {attribute!r} in {module} must be an object of a class derived from "
            f"AbstractStudy, got {study!r}"
        )
    return study
