"""Claims of a study of which only some shards were run."""

from functools import partial

import pytest
import xarray as xr

from neuropil.studies import claims as ledger
from neuropil.studies.finished_shards import FinishedShards, ShardNotRun, as_far_as_run

ONE, TWO = xr.Dataset(attrs={"name": "one"}), xr.Dataset(attrs={"name": "two"})
SOME = FinishedShards({"one": ONE}, ["one", "two"])
ALL = FinishedShards({"one": ONE, "two": TWO}, ["one", "two"])


def claim(results, *shards):
    names = "-".join(results[shard].attrs["name"] for shard in shards)
    return ledger.judged(
        True,
        identifier=names,
        where="",
        statement="",
        published="",
        measured="",
        rule="",
        otherwise="it does not hold",
    )


def several(results):
    yield claim(results, "one")
    yield claim(results, "two")


def identifiers(results, *calls):
    return [found.identifier for found in as_far_as_run(*(partial(c, results) for c in calls))]


def test_what_needs_a_shard_that_was_not_run_is_left_out():
    def one(results):
        return claim(results, "one")

    def both(results):
        return claim(results, "one", "two")

    assert identifiers(ALL, both, one) == ["one-two", "one"]
    assert identifiers(SOME, both, one) == ["one"]


def test_several_are_said_together_or_not_at_all():
    assert identifiers(ALL, several) == ["one", "two"]
    assert identifiers(SOME, several) == []


def test_going_through_all_of_them_needs_all():
    assert list(ALL) == ["one", "two"]
    assert len(SOME) == 2
    assert "two" in SOME
    with pytest.raises(ShardNotRun):
        dict(SOME)


def test_a_name_that_no_shard_has_is_a_mistake_not_a_gap():
    with pytest.raises(KeyError) as raised:
        SOME["three"]
    assert not isinstance(raised.value, ShardNotRun)
    with pytest.raises(KeyError):
        identifiers(SOME, lambda results: claim(results, "three"))
