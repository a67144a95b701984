"""The papers: what each states, run and compared."""

from neuropil.studies.claims import Claim, Verdict, judged
from neuropil.studies.contract import AbstractStudy, DrawnFigure, Scale, Shard
from neuropil.studies.execution import AbstractExecutor, DaskCluster, InProcess, Processes
from neuropil.studies.failures import (
    OutputFailed,
    RunDamaged,
    RunHeld,
    RunInterrupted,
    ShardFailed,
    StudyFailed,
)
from neuropil.studies.registry import load_study, registered_studies
from neuropil.studies.reproduction import reproduce
from neuropil.studies.runs import RunResult, StoredFigure, latest_runs, load_run

__all__ = [
    "AbstractExecutor",
    "AbstractStudy",
    "Claim",
    "DaskCluster",
    "DrawnFigure",
    "InProcess",
    "OutputFailed",
    "Processes",
    "RunDamaged",
    "RunHeld",
    "RunInterrupted",
    "RunResult",
    "Scale",
    "Shard",
    "ShardFailed",
    "StoredFigure",
    "StudyFailed",
    "Verdict",
    "judged",
    "latest_runs",
    "load_run",
    "load_study",
    "registered_studies",
    "reproduce",
]
