"""How many fixed points were found, and what is proven about their number."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from neuropil.meanfield.contraction import ContractionCertificate


def distinct_states(
    states: Float[np.ndarray, "states neurons"],
    found: Bool[np.ndarray, " states"],
    *,
    separation: float,
) -> Int[np.ndarray, " states"]:
    """Which distinct fixed point each state is: 0, 1, ... in order of appearance.

    Two states count as the same when they differ by at most `separation` times
    max(1 mV, max |E|) in every neuron. States that were not `found` get -1.
    """
    labels = np.full(len(states), -1)
    representatives: list[Float[np.ndarray, " neurons"]] = []
    for i in np.flatnonzero(found):
        scale = max(1.0, float(np.max(np.abs(states[i]))))
        for label, other in enumerate(representatives):
            if np.max(np.abs(states[i] - other)) <= separation * scale:
                labels[i] = label
                break
        else:
            labels[i] = len(representatives)
            representatives.append(states[i])
    return labels


def statement(number: int, certificate: ContractionCertificate | None, strength: float) -> str:
    """What is known after `number` distinct fixed points were found at a strength, in words."""
    proof = None if certificate is None else certificate.proof(strength)
    if number > 1:
        return f"several found ({number})"
    if proof is not None:
        proven = f"proven by the {proof.name} ({proof.bound:.4g} < 1)"
        return f"unique, {proven}" if number == 1 else f"none found, though one exists, {proven}"
    return "one found, uniqueness not proven" if number == 1 else "none found"


def statements(
    numbers: Int[np.ndarray, "networks strengths"],
    certificates: Sequence[ContractionCertificate | None],
    strengths: Float[np.ndarray, "networks strengths"],
) -> np.ndarray:
    """`statement` for each network, with its certificate, and each strength: strings."""
    return np.array(
        [
            [statement(int(m), certificate, float(g)) for m, g in zip(row, at, strict=True)]
            for row, at, certificate in zip(numbers, strengths, certificates, strict=True)
        ],
        dtype=object,
    )


__all__ = ["distinct_states", "statement", "statements"]
