"""What every study provides, and what the machinery promises it in return."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import xarray as xr
from matplotlib.figure import Figure

from neuropil.studies.claims import Claim
from neuropil.types import RandomKey

Scale = Literal["quick", "paper"]
SCALES: tuple[Scale, ...] = get_args(Scale)


@dataclass(frozen=True)
class Shard:
    """One independent piece of a study's work: its number and a name for progress."""

    index: int
    name: str


@dataclass(frozen=True)
class DrawnFigure:
    """A figure with the name of its file, the caption under it, and what it shows in words.

    `alt` is for readers who do not see the figure; without it they get the caption only.
    """

    name: str
    caption: str
    figure: Figure
    alt: str = ""


class AbstractStudy(ABC):
    """One paper: configuration, work in shards, claims and figures.

    `configuration` is plain JSON values (the key of the run is their hash). `run_shard` is a pure
    function of configuration, index and key, so results depend neither on workers nor on order;
    it never draws. `claims` and `figures` see the configuration and all shard results and never
    compute anything expensive; where they live in files or folders of that name, a change there
    does not make the shards stale. A study is an importable object that can be sent to another
    process.
    """

    name: str
    title: str
    source: str

    @abstractmethod
    def configuration(self, scale: Scale) -> dict[str, Any]:
        """Every number the study depends on, as JSON values."""

    @abstractmethod
    def shards(self, configuration: Mapping[str, Any]) -> list[Shard]:
        """The independent pieces of work, numbered from 0."""

    def headlines(self, configuration: Mapping[str, Any]) -> list[str]:
        """Names of the shards that a first look at many studies runs: about a minute of work.

        Claims and figures that need another shard are left out then (`as_far_as_run`). Without a
        choice of the study's own all shards are run.
        """
        return [shard.name for shard in self.shards(configuration)]

    @abstractmethod
    def run_shard(self, configuration: Mapping[str, Any], index: int, key: RandomKey) -> xr.Dataset:
        """Compute one piece. `key` is the seed's key folded with `index`."""

    def resume_shard(
        self, configuration: Mapping[str, Any], index: int, key: RandomKey, workspace: Path
    ) -> xr.Dataset:
        """As `run_shard`, for work of an hour that is not to begin again where it was stopped.

        `workspace` is a folder of the shard's own that need not exist yet. It outlives an
        interruption and goes when the shard is finished; the result must not depend on whether
        there was one. A line in its `progress.txt` is shown to those who wait. By default nothing
        is kept.
        """
        del workspace
        return self.run_shard(configuration, index, key)

    @abstractmethod
    def claims(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> list[Claim]:
        """The ledger, from the results of all shards by shard name."""

    @abstractmethod
    def figures(
        self, configuration: Mapping[str, Any], results: Mapping[str, xr.Dataset]
    ) -> Iterable[DrawnFigure]:
        """The figures, from the results of all shards by shard name."""
