import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import toy_study
from neuropil.studies import (
    InProcess,
    OutputFailed,
    RunDamaged,
    RunHeld,
    RunInterrupted,
    Shard,
    ShardFailed,
    StudyFailed,
    Verdict,
    latest_runs,
    load_run,
    reproduce,
    reproduction,
)
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.identity import code_version
from neuropil.studies.store import RunFolder
from toy_study import SHARDS, STUDY, ToyStudy


def listings(folder: Path) -> dict[str, str]:
    """The checksums of all shards: equal where every byte is."""
    return {path.name: path.read_text() for path in sorted(folder.glob("shards/*.sha256"))}


@pytest.fixture(scope="module", autouse=True)
def fixed_code():
    """One code version for the whole module, though the source may be edited meanwhile."""
    version = code_version(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduction, "code_version", lambda study: version)
        yield version


COMMAND_LINE = """
import resource, sys
from neuropil.cli import main
from neuropil.studies import reproduction
reproduction.code_version = lambda study: sys.argv[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
sys.exit(main(sys.argv[3:]))
"""


def command_line(code, *arguments, file_size=-1) -> list[str]:
    """The command `neuropil` on the toy study, with files up to a size only if one is given."""
    study = f"{toy_study.__file__}:STUDY"
    fixed = [sys.executable, "-c", COMMAND_LINE, code, str(file_size)]
    return [*fixed, "reproduce", study, "--quiet", *arguments]


def run(output, **options):
    return reproduce(STUDY, output=output, **{"progress": False, **options})


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """A complete run that tests copy and never change."""
    return run(tmp_path_factory.mktemp("complete") / "runs")


@pytest.fixture
def copied(complete, tmp_path) -> Path:
    """The output folder of a copy of the complete run."""
    output = tmp_path / "runs"
    shutil.copytree(complete.folder.parents[1], output)
    return output


@pytest.fixture
def counted(monkeypatch) -> Counter:
    """How often each shard is computed."""
    calls: Counter = Counter()
    compute = ToyStudy.run_shard

    def run_shard(self, configuration, index, key):
        calls[index] += 1
        return compute(self, configuration, index, key)

    monkeypatch.setattr(ToyStudy, "run_shard", run_shard)
    return calls


def test_a_run_holds_what_was_computed(complete):
    assert complete.folder.parts[-2:] == ("toy-2001", complete.key)
    assert [claim.verdict for claim in complete.claims] == list(Verdict)
    assert [complete.count(verdict) for verdict in Verdict] == [1, 1, 1]
    datasets = complete.datasets()
    assert list(datasets) == [f"part-{index}" for index in range(SHARDS)]
    draws = np.concatenate([data["draws"] for data in datasets.values()])
    assert len(np.unique(draws)) == SHARDS * 50, "shards must not share random numbers"
    assert complete.claims[0].values["mean"] == draws.mean()
    xr.testing.assert_identical(complete.to_xarray()["part-2"].to_dataset(), datasets["part-2"])
    assert [figure.name for figure in complete.figures] == ["draws"]
    assert complete.figures[0].png.read_bytes().startswith(b"\x89PNG")


def test_a_run_says_how_it_was_made(complete):
    (session,) = complete.provenance["sessions"]
    assert session["outcome"] == "complete"
    assert session["shards"] == [f"part-{index}" for index in range(SHARDS)]
    assert session["versions"]["jax"]
    assert session["settings"]["jax_enable_x64"] is True
    assert session["started"] <= session["ended"] <= complete.finished
    assert complete.identity["key_implementation"] == "threefry2x32"
    assert complete.identity["configuration"] == STUDY.configuration("quick")
    assert (complete.folder / "log.txt").read_text().count("finished") == SHARDS


def test_there_are_no_pickles(complete):
    kinds = {path.suffix for path in complete.folder.rglob("*") if path.is_file()}
    assert not kinds & {".pkl", ".pickle", ".npy", ".npz"}
    for metadata in complete.folder.rglob(".zarray"):
        filters = json.loads(metadata.read_text())["filters"] or []
        assert "pickle" not in {each["id"] for each in filters}


def test_a_complete_run_is_not_computed_again(copied, complete, counted):
    again = run(copied)
    assert not counted
    assert again.claims == complete.claims
    assert len(again.provenance["sessions"]) == 2
    assert listings(again.folder) == listings(complete.folder)


def test_only_what_is_damaged_or_missing_is_computed_again(copied, complete, counted):
    shards = copied / "toy-2001" / complete.key / "shards"
    (shards / "0001-part-1.zarr" / "draws" / "0").write_bytes(b"damaged")
    shutil.rmtree(shards / "0003-part-3.zarr")
    again = run(copied)
    assert counted == {1: 1, 3: 1}
    assert again.provenance["sessions"][-1]["shards"] == ["part-1", "part-3"]
    assert listings(again.folder) == listings(complete.folder)


def test_seed_and_scale_give_other_runs(complete, tmp_path):
    other_seed = run(tmp_path, seed=1)
    other_scale = run(tmp_path, scale="paper")
    assert len({complete.key, other_seed.key, other_scale.key}) == 3
    assert other_scale.datasets()["part-0"].sizes["draw"] == 200
    assert not np.any(
        other_seed.datasets()["part-0"]["draws"].values
        == complete.datasets()["part-0"]["draws"].values
    )


def test_results_do_not_depend_on_the_order_of_work(complete, tmp_path):
    class Backwards(InProcess.__base__):
        description = "backwards"

        def run(self, task, indices):
            yield from InProcess().run(task, indices[::-1])

    backwards = run(tmp_path, executor=Backwards())
    assert backwards.provenance["sessions"][0]["shards"][0] == f"part-{SHARDS - 1}"
    assert listings(backwards.folder) == listings(complete.folder)
    assert backwards.claims == complete.claims


@pytest.mark.slow
@pytest.mark.parametrize(
    "jobs",
    [
        pytest.param([], id="in process"),
        pytest.param(["--jobs", "2"], id="two processes", marks=pytest.mark.slow),
    ],
)
def test_a_killed_run_resumes_to_the_same_numbers(complete, counted, tmp_path, fixed_code, jobs):
    reached = tmp_path / "reached"
    output = tmp_path / "runs"
    with subprocess.Popen(
        command_line(fixed_code, "--output", str(output), *jobs),
        env={**os.environ, "TOY_STUDY_STOPS_AT": f"2:{reached}"},
    ) as process:
        wait_for(reached)
        process.send_signal(signal.SIGKILL)
    folder = output / "toy-2001" / complete.key
    stored = set(listings(folder))
    assert stored < set(listings(complete.folder)), "the kill came too late to be a test"
    with pytest.raises(ValueError, match=r"no complete run of study 'toy-2001'"):
        latest_runs(output, ["toy-2001"])
    again = run(output)
    assert sum(counted.values()) == SHARDS - len(stored)
    assert counted[2] == 1
    killed, resumed = again.provenance["sessions"]
    assert killed["outcome"] is None
    assert len(killed["shards"]) == len(stored)
    assert len(resumed["shards"]) == SHARDS - len(stored)
    assert again.claims == complete.claims
    assert listings(again.folder) == listings(complete.folder)


def wait_for(file: Path, seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not file.exists():
        assert time.monotonic() < deadline, f"{file} did not appear"
        time.sleep(0.02)


def test_a_second_run_into_the_same_folder_is_refused_and_harms_nothing(copied, complete):
    folder = RunFolder(copied / "toy-2001" / complete.key)
    with folder.held(), pytest.raises(RunHeld, match=f"another run is writing {folder.path}"):
        run(copied)
    assert load_run(folder.path).claims == complete.claims
    assert run(copied).claims == complete.claims


def test_an_interruption_keeps_what_is_finished(complete, tmp_path, monkeypatch):
    compute = ToyStudy.run_shard

    def stop_at_two(self, configuration, index, key):
        if index == 2:
            raise KeyboardInterrupt
        return compute(self, configuration, index, key)

    with monkeypatch.context() as patch:
        patch.setattr(ToyStudy, "run_shard", stop_at_two)
        with pytest.raises(RunInterrupted, match=r"kept in .*repeat the same command"):
            run(tmp_path)
    folder = tmp_path / "toy-2001" / complete.key
    assert list(listings(folder)) == ["0000-part-0.sha256", "0001-part-1.sha256"]
    (session,) = json.loads((folder / "provenance.json").read_text())["sessions"]
    assert session["outcome"] == "interrupted"
    assert listings(run(tmp_path).folder) == listings(complete.folder)


class Patient(ToyStudy):
    """Stopped in the middle of the third shard, which goes on from what it kept."""

    def resume_shard(self, configuration, index, key, workspace):
        kept = workspace / "state.txt"
        if index == 2 and not kept.exists():
            workspace.mkdir(parents=True)
            kept.write_text("half of it")
            raise KeyboardInterrupt
        return super().resume_shard(configuration, index, key, workspace)


def test_a_shard_finds_what_it_kept_and_leaves_nothing(tmp_path, counted):
    with pytest.raises(RunInterrupted):
        reproduce(Patient(), output=tmp_path, progress=False)
    assert counted == {0: 1, 1: 1}
    (kept,) = tmp_path.rglob("unfinished/*/state.txt")
    assert kept.read_text() == "half of it"
    again = reproduce(Patient(), output=tmp_path, progress=False)
    assert counted == dict.fromkeys(range(SHARDS), 1)
    assert not (again.folder / "unfinished").exists()


class Talkative(ToyStudy):
    """Says how far it is, and waits to be heard."""

    def resume_shard(self, configuration, index, key, workspace):
        workspace.mkdir(parents=True)
        (workspace / "progress.txt").write_text(f"step {index} of many")
        time.sleep(0.3)
        return self.run_shard(configuration, index, key)


def test_what_unfinished_shards_say_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproduction, "PROGRESS_INTERVAL", 0.02)
    reproduce(Talkative(), output=tmp_path, progress=True)
    shown = capsys.readouterr().err
    assert all(f"part-{index}: step {index} of many" in shown for index in range(SHARDS))
    assert shown.count("part-0: step 0 of many") < 5, "said once, not at every look"


def test_a_failing_shard_is_named_and_the_others_are_kept(complete, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_STUDY_BREAKS_AT", "1")
    message = r"shard 'part-1' of toy-2001 failed: ArithmeticError: the numbers ran out .*log\.txt"
    with pytest.raises(ShardFailed, match=message):
        run(tmp_path)
    folder = tmp_path / "toy-2001" / complete.key
    assert list(listings(folder)) == ["0000-part-0.sha256"]
    assert not (folder / "claims.json").exists()
    assert 'raise ArithmeticError("the numbers ran out")' in (folder / "log.txt").read_text()
    monkeypatch.delenv("TOY_STUDY_BREAKS_AT")
    assert listings(run(tmp_path).folder) == listings(complete.folder)


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "runs").touch()
    with pytest.raises(OutputFailed, match=f"cannot write {tmp_path}/runs/toy-2001"):
        run(tmp_path / "runs")
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]


@pytest.mark.slow
def test_a_disk_that_fills_up_ends_the_run_without_half_a_result(complete, tmp_path, fixed_code):
    """The limit lets the shards through and stops the first figure, which is larger."""
    ended = subprocess.run(
        command_line(fixed_code, file_size=6000),
        cwd=tmp_path,
        env={**os.environ, "JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert "figures: File too large. Make room and repeat the same command" in ended.stderr
    assert "Traceback" not in ended.stderr
    folder = tmp_path / "runs" / "toy-2001" / complete.key
    assert listings(folder) == listings(complete.folder)
    assert not list(folder.rglob("*.part"))
    assert not (folder / "claims.json").exists()
    assert not (folder / "figures").exists()
    assert run(tmp_path / "runs").claims == complete.claims


class BrokenStudy(ToyStudy):
    """A study that breaks its contract in the way it is told."""

    def __init__(self, **parts):
        self.parts = parts

    def __getattribute__(self, name):
        parts = object.__getattribute__(self, "__dict__").get("parts", {})
        return parts[name] if name in parts else object.__getattribute__(self, name)


BREAKS = {
    "configuration": (lambda scale: {"range": (0, 1)}, ValueError, "configuration must be plain"),
    "shards": (lambda configuration: [Shard(3, "a")], ValueError, "shards must be numbered 0"),
    "name": ("a/b", ValueError, "study name 'a/b' must be letters"),
    "resume_shard": (
        lambda *_: {"x": 1},
        ShardFailed,
        "run_shard must return an xarray.Dataset, got .*dict",
    ),
    "claims": (lambda *_: [] / 0, StudyFailed, "claims or figures failed: TypeError"),
    "figures": (lambda *_: 1 / 0, StudyFailed, "claims or figures failed: ZeroDivisionError"),
}


@pytest.mark.parametrize("part", BREAKS)
def test_a_study_that_breaks_its_contract_is_told(tmp_path, part):
    broken, error, message = BREAKS[part]
    with pytest.raises(error, match=message):
        reproduce(BrokenStudy(**{part: broken}), output=tmp_path, progress=False)
    assert not list(tmp_path.rglob("claims.json"))


def test_results_that_cannot_be_stored_are_named(tmp_path):
    objects = xr.Dataset({"x": ("i", np.array([{}, []], dtype=object))})
    study = BrokenStudy(run_shard=lambda *_: objects)
    with pytest.raises(ShardFailed, match="shard 'part-0' cannot be stored"):
        reproduce(study, output=tmp_path, progress=False)


def test_repeated_claims_are_refused(complete, tmp_path):
    study = BrokenStudy(claims=lambda *_: [complete.claims[0]] * 2)
    with pytest.raises(StudyFailed, match="claim identifiers must be distinct"):
        reproduce(study, output=tmp_path, progress=False)


@pytest.mark.parametrize("seed", [-1, 2**63, True, 1.0])
def test_seeds_that_are_not_whole_numbers_in_range_are_refused(tmp_path, seed):
    with pytest.raises(ValueError, match="seed must be a whole number from 0 to"):
        reproduce.__wrapped__(STUDY, output=tmp_path, seed=seed)


def test_unknown_scales_are_refused(tmp_path):
    with pytest.raises(ValueError, match="scale must be one of quick, paper, got 'huge'"):
        reproduce.__wrapped__(STUDY, output=tmp_path, scale="huge")


@pytest.mark.parametrize("shown", [True, False])
def test_progress_goes_to_the_error_stream_and_can_be_silenced(copied, complete, capfd, shown):
    shutil.rmtree(copied / "toy-2001" / complete.key / "shards" / "0000-part-0.zarr")
    run(copied, progress=shown)
    output, errors = capfd.readouterr()
    assert output == ""
    assert ("1/1" in errors) is shown


def test_readers_get_the_run_that_was_completed_last(complete, copied):
    later = run(copied, seed=5)
    (latest,) = latest_runs(copied)
    assert latest.key == max((later, complete), key=lambda each: each.finished).key
    assert latest.identity["seed"] == 5 or latest.finished == complete.finished


def test_a_damaged_run_does_not_hide_a_good_one(complete, copied):
    run(copied, seed=5)
    damaged = copied / "toy-2001" / complete.key
    (damaged / "provenance.json").write_text("{")
    (latest,) = latest_runs(copied, ["toy-2001"])
    assert latest.identity["seed"] == 5
    shutil.rmtree(latest.folder)
    with pytest.raises(RunDamaged, match=r"provenance\.json is missing or damaged"):
        latest_runs(copied)


def test_studies_without_a_run_are_named(copied, tmp_path):
    with pytest.raises(ValueError, match=r"no complete run of study 'other' in .*reproduce other`"):
        latest_runs(copied, ["toy-2001", "other"])
    with pytest.raises(ValueError, match=r"no complete run of any study in .*nowhere"):
        latest_runs(tmp_path / "nowhere")


class FirstAndLast(ToyStudy):
    """A toy whose headlines are its first and its last shard."""

    def headlines(self, configuration):
        return ["part-0", "part-3"]

    def claims(self, configuration, results):
        return list(as_far_as_run(partial(ToyStudy.claims, self, configuration, results)))

    def figures(self, configuration, results):
        return as_far_as_run(partial(ToyStudy.figures, self, configuration, results))


def test_headlines_are_run_first_and_the_rest_is_added_later(tmp_path, counted):
    study = FirstAndLast()
    headlines = reproduce(study, output=tmp_path, headlines_only=True, progress=False)
    assert set(headlines.datasets()) == {"part-0", "part-3"}
    assert headlines.not_run == ("part-1", "part-2")
    assert headlines.claims == headlines.figures == ()
    assert counted == {0: 1, 3: 1}
    whole = reproduce(study, output=tmp_path, progress=False)
    assert whole.folder == headlines.folder
    assert (len(whole.claims), len(whole.figures), whole.not_run) == (3, 1, ())
    assert counted == {0: 1, 1: 1, 2: 1, 3: 1}


def test_headlines_that_are_no_shards_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(FirstAndLast, "headlines", lambda self, configuration: ["nobody"])
    with pytest.raises(ValueError, match="nobody"):
        reproduce(FirstAndLast(), output=tmp_path, headlines_only=True, progress=False)
