import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, replace

import jax
import pytest

import toy_study
from neuropil.studies import DaskCluster, InProcess, Processes, ShardFailed, execution
from neuropil.studies.execution import ShardError, ShardTask, shard_key
from neuropil.studies.identity import code_version
from toy_study import SHARDS, STUDY, ToyStudy

TASK = ShardTask(STUDY, STUDY.configuration("quick"), 11, code_version(STUDY))
ALL = list(range(SHARDS))


def results_of(executor, task=TASK):
    with closing(executor.run(task, ALL)) as results:
        return dict(results)


def test_the_key_of_a_shard_is_the_seed_folded_with_its_number():
    expected = jax.random.fold_in(jax.random.key(11, impl="threefry2x32"), 3)
    assert shard_key(11, 3) == expected
    with jax.default_prng_impl("rbg"):
        assert shard_key(11, 3) == expected, "a setting of the machine must not matter"


@pytest.fixture(scope="module")
def reference():
    return results_of(InProcess())


def test_processes_give_what_this_process_gives(reference):
    results = results_of(Processes(2))
    assert sorted(results) == ALL
    assert all(results[index].identical(reference[index]) for index in ALL)


@pytest.fixture
def quiet_cluster():
    """A Dask cluster of this test's own, in this process, at an address."""
    distributed = pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        yield cluster


def test_a_dask_cluster_at_an_address_gives_what_this_process_gives(reference, quiet_cluster):
    results = results_of(DaskCluster(quiet_cluster.scheduler_address))
    assert sorted(results) == ALL
    assert all(results[index].identical(reference[index]) for index in ALL)


@pytest.mark.slow
def test_a_local_dask_cluster_gives_what_this_process_gives(reference):
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    results = results_of(DaskCluster("local", jobs=2))
    assert sorted(results) == ALL
    assert all(results[index].identical(reference[index]) for index in ALL)


def test_errors_survive_the_journey_with_their_traceback(monkeypatch):
    monkeypatch.setenv("TOY_STUDY_BREAKS_AT", "1")
    elsewhere = pickle.loads(pickle.dumps(TASK))
    error = pickle.loads(pickle.dumps(elsewhere(1)))
    assert isinstance(error, ShardError)
    assert error.message == "ArithmeticError: the numbers ran out"
    assert 'raise ArithmeticError("the numbers ran out")' in error.details


def test_a_worker_with_other_code_is_refused(quiet_cluster):
    stale = replace(TASK, code="0123456789abcdef")
    error = results_of(DaskCluster(quiet_cluster.scheduler_address), stale)[0]
    assert isinstance(error, ShardError)
    assert "but the run was begun with 0123456789ab: install the same version" in error.message


@dataclass(frozen=True)
class Fragile(ToyStudy):
    """Dies like a process that was killed for its memory."""

    def run_shard(self, configuration, index, key):
        if index == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().run_shard(configuration, index, key)


@pytest.mark.slow
def test_a_lost_worker_is_reported():
    task = ShardTask(Fragile(), TASK.configuration, 0, code_version(Fragile()))
    with pytest.raises(ShardFailed, match="a worker process ended without a word"):
        results_of(Processes(2), task)


@pytest.mark.slow
def test_stopping_early_ends_the_workers(tmp_path, monkeypatch):
    reached = tmp_path / "reached"
    monkeypatch.setenv("TOY_STUDY_STOPS_AT", f"3:{reached}")
    began = time.monotonic()
    with closing(Processes(2).run(TASK, ALL)) as results:
        next(results)
    assert time.monotonic() - began < 300, "the waiting shard was waited for"
    assert not execution.multiprocessing.active_children()


ORPHANS = """
import sys
from toy_study import STUDY
from neuropil.studies.identity import code_version
from neuropil.studies.execution import Processes, ShardTask
from neuropil.studies.identity import code_version
if __name__ == "__main__":
    task = ShardTask(STUDY, STUDY.configuration("quick"), 0, code_version(STUDY))
    list(Processes(2).run(task, [0, 1, 2, 3]))
"""


@pytest.mark.slow
def test_workers_do_not_outlive_a_killed_parent(tmp_path):
    reached = tmp_path / "reached"
    script = tmp_path / "script.py"
    script.write_text(ORPHANS)
    environment = {
        **os.environ,
        "PYTHONPATH": os.path.dirname(toy_study.__file__),
        "TOY_STUDY_STOPS_AT": f"3:{reached}",
    }
    with subprocess.Popen(
        [sys.executable, str(script)], env=environment, start_new_session=True
    ) as parent:
        deadline = time.monotonic() + 120
        while not reached.exists():
            assert time.monotonic() < deadline, "the workers did not start"
            time.sleep(0.05)
        parent.kill()
    while session_members(parent.pid):
        assert time.monotonic() < deadline + 10, "workers are still there"
        time.sleep(0.05)


def session_members(session: int) -> list[str]:
    members = subprocess.run(
        ["ps", "-o", "pid=,stat=", "--sid", str(session)], capture_output=True, text=True
    ).stdout
    return [line for line in members.splitlines() if "Z" not in line]


@pytest.mark.parametrize("jobs", [0, -3])
def test_jobs_must_be_positive(jobs):
    with pytest.raises(ValueError, match=f"jobs must be at least 1, got {jobs}"):
        Processes(jobs)
    with pytest.raises(ValueError, match=f"jobs must be at least 1, got {jobs}"):
        DaskCluster("local", jobs)


def test_jobs_belong_to_a_local_cluster():
    with pytest.raises(ValueError, match="a cluster with an address has its own"):
        DaskCluster("tcp://127.0.0.1:8786", 2)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(execution, "CONNECTION_SECONDS", 0.5)
    with pytest.raises(ShardFailed, match=r"no Dask scheduler answers at 'tcp://127\.0\.0\.1:9'"):
        results_of(DaskCluster("tcp://127.0.0.1:9"))


def test_without_dask_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ValueError, match=r"pip install 'neuropil\[cluster\]'"):
        DaskCluster("local")
