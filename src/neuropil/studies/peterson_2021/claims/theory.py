"""Claims on complexity, Table 1 and the equivalence theorem."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run

Results = Mapping[str, xr.Dataset]

_ROUND_OFF = 1e-10


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """Formulae first, then the theorem."""
    return as_far_as_run(
        partial(widths_differ, results),
        partial(parity, results),
        partial(widths_equal, results),
        partial(reaction_time, configuration, results),
        partial(table_1, results),
        partial(all_pairs, results),
        partial(exact, results),
        partial(bounded, results),
        partial(universal, configuration, results),
        partial(leaky, results),
    )


def widths_differ(results: Results) -> Claim:
    """(m - n) even: the penalty."""
    data = results["complexity"]
    before, after = np.meshgrid(data.before.values, data.after.values, indexing="ij")
    chosen = (before != after) & ((before - after) % 2 == 0)
    off = (data.document_penalty - data.width_penalty).values[chosen]
    return judged(
        bool(np.all(off == 0)),
        identifier="penalty-even",
        where="Astrocyte complexity",
        statement="From m to n cells, both even or both odd, waves take |m - n|/2 - 1 steps more "
        "than neurons.",
        published="l >= |m - n| / 2 - 1",
        measured=f"stated minus exact {off.min():g} to {off.max():g} over {off.size} pairs",
        rule="equal for all pairs up to "
        f"{int(data.before.max())} (width alone; k = 3, one cell lost or won on either side)",
        values={"largest": float(np.abs(off).max())},
        otherwise="the shortest waves have another length",
    )


def parity(results: Results) -> Claim:
    """(m - n) odd: no wave."""
    data = results["complexity"]
    before, after = np.meshgrid(data.before.values, data.after.values, indexing="ij")
    odd = (before - after) % 2 == 1
    reached = np.isfinite(data.width_penalty.values[odd])
    example = float(data.document_penalty.sel(before=2, after=3))
    return judged(
        bool(reached.all()),
        identifier="penalty-odd",
        where="Astrocyte complexity",
        statement="From m to n cells, one even and one odd, waves take |m - n + 1|/2 - 1 steps "
        "more than neurons.",
        published="l >= |m - n + 1| / 2 - 1",
        measured=f"{reached.sum()} of {reached.size} pairs can be reached at all; from 2 to 3 the "
        f"formula gives {example:g}",
        rule="there is a wave for every pair",
        values={"reached": float(reached.mean())},
        otherwise="spread and gather change the width by two, a slide not at all: parity is kept. "
        "The public code reaches one cell from two only as its gather is cut off at one",
    )


def widths_equal(results: Results) -> Claim:
    """m = n."""
    data = results["complexity"]
    stated = np.diag(data.document_penalty.values)[1:]
    mixing = np.diag(data.mixing_penalty.values)[1:]
    width = np.diag(data.width_penalty.values)[1:]
    return judged(
        bool(np.allclose(stated, mixing)),
        identifier="penalty-equal",
        where="Astrocyte complexity",
        statement="From m to m cells the penalty is m - 2.",
        published="l = m - 2",
        measured="equal to the penalty of the shortest wave in which every output depends on "
        f"every input for all m up to {int(data.before.max())}; by width alone it is "
        f"{width.min():g}",
        rule="equal to the exact penalty with full mixing for all m >= 2",
        values={"largest": float(np.abs(stated - mixing).max())},
        explanation="another criterion than for m != n, where the formulae count the width alone; "
        "with full mixing those are (m + n)/2 - 2",
        otherwise="the shortest mixing waves have another length",
    )


def reaction_time(configuration: Mapping[str, Any], results: Results) -> Claim:
    """2 to 12."""
    data = results["complexity"]
    step = configuration["complexity"]["time_per_step"]
    time = float(data.example_time)
    return judged(
        time == 4 * step,
        identifier="transmission-time",
        where="Astrocyte complexity",
        statement="From 2 to 12 cells transmission takes 4 t_a: 40 ms in place of 10 ms.",
        published="T_a = t_a l with l = 4, four-fold",
        measured=f"{int(data.example_steps)} steps, {time:g} ms at {step:g} ms a step",
        rule="40 ms",
        values={"time": time},
        otherwise="l is a difference in steps: 2, 4, 6, 8, 10, 12 takes five, so that the time is "
        "(l + 1) t_a",
    )


def table_1(results: Results) -> Iterator[Claim]:
    """Do the printed steps end where they should?"""
    data = results["complexity"]
    for name in data.network.values:
        row = data.sel(network=name)
        ends, stated = int(row.printed_end), int(row.stated_end)
        yield judged(
            ends == stated,
            identifier=f"table-1-{str(name).lower()}",
            where="Table 1",
            statement=f"The steps for {name} lead to {stated} cells.",
            published=f"output size {stated}",
            measured=f"{int(row.printed_steps)} printed steps end at {ends} cells; "
            f"{int(row.code_steps)} of the public code at {int(row.code_end)}",
            rule="the printed steps end at the printed size",
            values={"end": float(ends)},
            otherwise="five spreads and five gathers cancel; the public code has four and five, "
            "s d s d s d s d g g g g g, and cuts the last gather off at one cell"
            if name == "XOR"
            else "s is a misprint for slide: the public code has five times g d",
        )


def all_pairs(results: Results) -> Claim:
    """Does every class see every input?"""
    data = results["complexity"]
    share = float(data.pairs_connected)
    return judged(
        share == 1.0,
        identifier="digits-mixing",
        where="Table 1, Digits",
        statement="Ten steps from 20 to 10 cells let every output depend on every input.",
        published="10 steps",
        measured=f"{share:.0%} of the pairs are connected; the shortest wave that connects all "
        f"has {int(data.mixing_steps)} steps",
        rule="all pairs",
        values={"share": share, "needed": float(data.mixing_steps)},
        otherwise="a signal moves by one cell on either side in a step, too few to cross",
    )


def exact(results: Results) -> Claim:
    """Trained neurons as astrocytes."""
    data = results["equivalence"]
    worst = float(data.error.max() / data.largest_output)
    costs = ", ".join(
        f"k = {k}: {int(d)} steps, {int(c)} cells"
        for k, d, c in zip(
            data.neighbours.values, data.depth.values, data.cells.values, strict=True
        )
    )
    return judged(
        worst < _ROUND_OFF and bool(np.all(data.same_answers == 1)),
        identifier="equivalence",
        where="Theorem II.2",
        statement="Any two-layer network has an astrocyte network that computes the same: "
        "|G - F| = 0.",
        published="trivial, by linearising",
        measured=f"a perceptron trained on small digits (accuracy {float(data.accuracy):.3f}), "
        f"20 - 20 - 10: largest difference {worst:.1e} of the largest output, all answers the "
        f"same ({costs}); random networks {float(data.random_error.max()):.1e}",
        rule="below 1e-10 of the largest output on all test images, and the same answers",
        values={"worst": worst, "depth": float(data.depth[0]), "cells": float(data.cells[0])},
        explanation="constructed, in the direction that universal approximation needs (neurons to "
        "astrocytes; the printed statement is the other one), with linear steps between the layers",
        otherwise="the construction fails",
    )


def bounded(results: Results) -> Claim:
    """A smooth activation in every step."""
    data = results["equivalence"]
    holds = (data.smooth_error <= data.bound) & (data.bound <= data.tolerance)
    pairs = ", ".join(
        f"{t:g}: {e:.1e} (bound {b:.1e})"
        for t, e, b in zip(
            data.tolerance.values, data.smooth_error.values, data.bound.values, strict=True
        )
    )
    return judged(
        bool(holds.all()),
        identifier="equivalence-smooth",
        where="Theorem II.2, proof",
        statement="With the activation in every step the difference can be made as small as "
        "requested, and never zero by linearising.",
        published="perfectly reconstructed by linearizing",
        measured=f"tanh everywhere, by requested tolerance: {pairs}",
        rule="every difference within its bound, every bound within the request",
        values={"smallest": float(data.smooth_error.min())},
        explanation="a limit: a smooth activation is linear nowhere but in the limit of small "
        "signals",
        otherwise="the bound or the request is missed",
    )


def universal(configuration: Mapping[str, Any], results: Results) -> Claim:
    """Approximation by use."""
    data = results["equivalence"]
    asked = configuration["equivalence"]["requested_error"]
    found = "; ".join(
        f"{name}: {e:.1e} with {int(d)} steps, {int(c)} cells"
        for name, e, d, c in zip(
            data.function.values,
            data.approximation_error.values,
            data.approximation_depth.values,
            data.approximation_cells.values,
            strict=True,
        )
    )
    return judged(
        bool(np.all(data.approximation_error <= asked)),
        identifier="universal-approximation",
        where="Theorem II.2",
        statement="Astrocyte waves approximate continuous functions to any requested error.",
        published="dense in C(R^N) on K",
        measured=f"requested {asked:g}; {found}",
        rule="largest error on a grid that the fit has not seen, within the request",
        values={"worst": float(data.approximation_error.max())},
        otherwise="more hidden cells are needed than were allowed",
    )


def leaky(results: Results) -> Claim:
    """The leak that the theorem leaves out."""
    data = results["equivalence"]
    relative = (data.leak_error / data.largest_output).values
    spreads = data.leak.values
    small = relative[(spreads > 0) & (spreads <= 0.3)]
    return judged(
        bool(np.all(small < 0.1)),
        identifier="equivalence-leak",
        where="Astrocyte equivalence (leak neglected)",
        statement="Leak can be neglected in the equivalence.",
        published="neglected, by setting rho to 1; performance robust below 0.3",
        measured="largest change of an output, relative to the largest, by spread: "
        + ", ".join(f"{s:g}: {r:.1e}" for s, r in zip(spreads, relative, strict=True)),
        rule="below a tenth up to a spread of 0.3",
        values={f"leak_{s:g}": float(r) for s, r in zip(spreads, relative, strict=True)},
        otherwise="signals pass dozens of steps in transit and mix with their neighbours in each; "
        "networks that learn with leak make up for it, a construction without leak cannot",
    )


__all__ = ["claims"]
