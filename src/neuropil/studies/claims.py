"""A claim: one checkable statement of a paper and what became of it."""

import enum
import math
from dataclasses import asdict, dataclass
from typing import Any


class Verdict(enum.StrEnum):
    """What became of a claim when it was run."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_TESTED = "not tested at this scale"


@dataclass(frozen=True)
class Claim:
    """One statement of a paper, or one that follows from it, with the evidence.

    `identifier` is stable and short; `where` is the place in the paper; `published` and
    `measured` are what a reader sees (numbers with their uncertainty and unit); `rule` says how
    the two were compared. `values` holds the measured numbers for machines. Raises `ValueError`
    when a claim that was not reproduced says nothing about why.
    """

    identifier: str
    where: str
    statement: str
    published: str
    measured: str
    rule: str
    verdict: Verdict
    explanation: str = ""
    values: dict[str, float] | None = None

    def __post_init__(self):
        if self.verdict is not Verdict.REPRODUCED and not self.explanation:
            raise ValueError(f"claim {self.identifier!r} is {self.verdict}: explanation is missing")

    def to_json(self) -> dict[str, Any]:
        """The claim as plain JSON values; numbers that are not finite become null."""
        record = asdict(self)
        record["verdict"] = str(self.verdict)
        if self.values is not None:
            record["values"] = {
                name: float(value) if math.isfinite(value) else None
                for name, value in self.values.items()
            }
        return record


def claim_from_json(record: dict[str, Any]) -> Claim:
    """The claim written by `Claim.to_json`."""
    values = record.get("values")
    if values is not None:
        values = {name: math.nan if value is None else value for name, value in values.items()}
    return Claim(**{**record, "verdict": Verdict(record["verdict"]), "values": values})


def judged(holds: bool, *, otherwise: str, explanation: str = "", **fields: Any) -> Claim:
    """A claim that was tested: reproduced if it `holds`, and explained by `otherwise` if not.

    `fields` are those of `Claim` but the verdict; `explanation` comments a claim that holds.
    """
    verdict = Verdict.REPRODUCED if holds else Verdict.NOT_REPRODUCED
    return Claim(verdict=verdict, explanation=explanation if holds else otherwise, **fields)
