"""Results of a study of which not every shard has been run, and what can be said from them."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

import xarray as xr

from neuropil.studies.claims import Claim
from neuropil.studies.contract import DrawnFigure

Piece = TypeVar("Piece", Claim, DrawnFigure)


class ShardNotRun(LookupError):
    """A claim or a figure asks for a shard that belongs to the study but was not run."""


class FinishedShards(Mapping[str, xr.Dataset]):
    """Results by shard, of a study that has the shards `names`.

    Asking for a shard of the study that was not run raises `ShardNotRun`, and so does going
    through all of them: a claim about all shards must not be judged on some. Asking whether a
    shard is among the results means the study, not what was run of it.
    """

    def __init__(self, results: Mapping[str, xr.Dataset], names: Collection[str]):
        self._results = dict(results)
        self._names = list(names)

    def __getitem__(self, name: str) -> xr.Dataset:
        """The result of a shard."""
        if name in self._results or name not in self._names:
            return self._results[name]
        raise ShardNotRun(name)

    def __contains__(self, name: object) -> bool:
        """Whether the study has such a shard."""
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        """The names of all shards of the study."""
        for name in self._names:
            if name not in self._results:
                raise ShardNotRun(name)
        return iter(self._names)

    def __len__(self) -> int:
        """How many shards the study has."""
        return len(self._names)


def as_far_as_run(*calls: Callable[[], Piece | Iterable[Piece]]) -> Iterator[Piece]:
    """The claims or figures of those `calls` that need no shard that was not run.

    Each call makes one, or several that are said together or not at all.
    """
    for call in calls:
        try:
            made = call()
            pieces = [made] if isinstance(made, Claim | DrawnFigure) else list(made)
        except ShardNotRun:
            continue
        yield from pieces
