"""How a computation ended: sentences, carried by every result and raised by default."""

import enum

import numpy as np
from jaxtyping import Int

from neuropil.types import ArrayLike


class Outcome(enum.IntEnum):
    """How a computation ended.

    Compiled code returns the integer, alone or batched; `sentence` is what a user reads.
    """

    SUCCESSFUL = 0
    MAXIMUM_STEPS_REACHED = 1
    DIVERGED = 2
    NOT_FINITE = 3
    STEP_TOO_SMALL = 4
    MASS_AT_EDGE = 5
    ENTROPY_UNBOUNDED = 6
    VARIANCE_FAR_OFF = 7
    POPULATIONS_APART = 8

    @property
    def sentence(self) -> str:
        """What happened and what to do about it."""
        return _SENTENCES[self]


_SENTENCES = {
    Outcome.SUCCESSFUL: "",
    Outcome.MAXIMUM_STEPS_REACHED: (
        "The maximum number of steps was reached before the tolerance; allow more steps, loosen "
        "the tolerance, or choose a method that converges faster."
    ),
    Outcome.DIVERGED: (
        "The iteration moved away from a solution or cycled around it; choose a method that does "
        "not need the iteration to be stable, or continue from an easier parameter value."
    ),
    Outcome.NOT_FINITE: "A value became infinite or not a number; check the parameters.",
    Outcome.STEP_TOO_SMALL: (
        "The step along the branch fell below its minimum; the branch may end or be singular here."
    ),
    Outcome.ENTROPY_UNBOUNDED: (
        "Entropy grows without bound: the targets leave directions of the unbounded support free, "
        "so that no distribution has the largest entropy. Bound the support, constrain more, or "
        "give a base measure."
    ),
    Outcome.VARIANCE_FAR_OFF: (
        "A variance that was asked for is larger than the parameters have that meet the means: "
        "only rare ones, far off, would bring it. It was taken as a bound: say so with "
        "`variances_at_most`, or narrow the support."
    ),
    Outcome.POPULATIONS_APART: (
        "Moves do not lead from one part of the solution to another, so that more rounds leave "
        "intervals as wide as they are. More moves of each particle (`sweeps`), or more "
        "`particles`, each from a draw of its own (`start_rounds`), may narrow them."
    ),
    Outcome.MASS_AT_EDGE: (
        "Probability reached an edge of the grid, where a wall would hold it back; widen the grid."
    ),
}


class NotSolved(RuntimeError):
    """A computation did not reach its tolerance, and the caller asked for that to raise."""


def raise_unless_successful(outcome: Int[ArrayLike, "..."], *, what: str, throw: bool) -> None:
    """Raise `NotSolved` with the sentence of the most frequent failure.

    Nothing is raised when `throw` is false. `outcome` must be concrete: call it outside compiled
    code. `what` names the computation in the message.
    """
    codes = np.atleast_1d(np.asarray(outcome))
    failed = codes[codes != Outcome.SUCCESSFUL]
    if not throw or failed.size == 0:
        return
    worst = Outcome(int(np.bincount(failed).argmax()))
    share = f"{failed.size} of {codes.size} " if codes.size > 1 else ""
    raise NotSolved(f"{what}: {share}not solved. {worst.sentence} (`throw=False` returns it.)")
