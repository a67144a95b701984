"""Claims on formulae of the slides: the hierarchy, and what is misprinted."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from neuropil.studies.claims import Claim, judged
from neuropil.studies.finished_shards import as_far_as_run
from neuropil.studies.jabin_2023.claims.convergence import fitted_rate

Results = Mapping[str, xr.Dataset]


def claims(configuration: Mapping[str, Any], results: Results) -> Iterator[Claim]:
    """The hierarchy, its last term, the boundary value, the range of the rate, alpha."""
    return as_far_as_run(
        partial(remainders_vanish, results),
        partial(last_term, results),
        partial(boundary_without_noise, results),
        partial(boundary_with_noise, results),
        partial(source_at_reset, results),
        partial(half_line, results),
        partial(coupling_in_input, configuration, results),
    )


def remainders_vanish(results: Results) -> Claim:
    """The hierarchy is closed but for remainders."""
    data = results["hierarchy"]
    share = (data.remainder / data.exact).values
    slopes = [fitted_rate(data.size.values, share[:, k]).slope for k in range(share.shape[1])]
    return judged(
        max(slopes) < -0.5,
        identifier="remainders",
        where="A tree indexed hierarchy for integrate and fire models",
        statement="Observables obey a hierarchy indexed by trees, up to remainders that vanish.",
        published="+ remainders",
        measured=f"remainder over the whole derivative, trees of up to three vertices: "
        f"{share[0].min():.1%} to {share[0].max():.1%} at N = {int(data['size'][0])}, "
        f"{share[-1].min():.2%} to {share[-1].max():.2%} at {int(data['size'][-1])}; slopes "
        f"{min(slopes):.2f} to {max(slopes):.2f}",
        rule="exact generator of the network; slopes below -0.5",
        values={"slowest_slope": max(slopes), "last": float(share[-1].max())},
        otherwise="some remainder does not vanish",
    )


def last_term(results: Results) -> Claim:
    """d/dz_n in the last term of the hierarchy."""
    data = results["hierarchy"].isel(size=-1)
    missing = float((data.interaction / data.exact).max())
    closed = float((data.remainder / data.exact).max())
    return judged(
        missing < closed,
        identifier="last-term",
        where="A tree indexed hierarchy (last line)",
        statement="The interaction is a derivative with respect to z_n of a term in which z_n "
        "does not occur.",
        published="-d/dz_n [...]",
        measured=f"read as printed the term is zero and up to {missing:.0%} of the derivative is "
        f"missing; with d/dv_n {closed:.2%} is",
        rule="the printed reading leaves no more than the remainders",
        values={"missing": missing, "remainder": closed},
        otherwise="a misprint: the derivative is with respect to v_n",
    )


def _case(results: Results, rest: float, noise: float) -> xr.Dataset:
    data = results["misprints"]
    chosen = np.isclose(data.rest.values, rest) & np.isclose(data.noise.values, noise)
    return data.isel(case=int(np.flatnonzero(chosen)[0]))


def boundary_without_noise(results: Results) -> Claim:
    """The boundary value where it is right."""
    data = _case(results, 12.0, 0.2)
    found, printed = float(data.density_at_reset), float(data.printed)
    return judged(
        abs(found / printed - 1) < 0.01,
        identifier="boundary-without-noise",
        where="Mean-field limit, eq. (1), second line",
        statement="Where noise is weak and the drift at the reset is upwards, the density there "
        "is the rate over the drift.",
        published="f(0) = r / (b(0) + S)",
        measured=f"{found:.5f} per mV, formula {printed:.5f}",
        rule="within 1 %",
        values={"found": found, "printed": printed},
        otherwise="noise already matters here",
    )


def boundary_with_noise(results: Results) -> Claim:
    """The same formula beside a diffusion term, as printed."""
    with_drift, against = _case(results, 2.0, 3.0), _case(results, -6.0, 3.0)
    pairs = [(float(c.density_at_reset), float(c.printed)) for c in (with_drift, against)]
    return judged(
        all(abs(found / printed - 1) < 0.01 for found, printed in pairs),
        identifier="boundary-with-noise",
        where="Mean-field limit, eq. (1), first and second line together",
        statement="The boundary value holds together with the diffusion term.",
        published="f(0) = r / (b(0) + S) with sigma^2 / 2 d_vv f",
        measured=f"{pairs[0][0]:.4f} per mV, formula {pairs[0][1]:.4f}; with downward drift "
        f"{pairs[1][0]:.4f}, formula {pairs[1][1]:.4f}",
        rule="within 1 %",
        values={"found": pairs[0][0], "printed": pairs[0][1]},
        otherwise="with noise the potential lies on both sides of the reset: the neurons come "
        "back as a source inside the domain, as in the hierarchy of the same slides",
    )


def source_at_reset(results: Results) -> Claim:
    """The form that replaces it."""
    jumps = [float(_case(results, rest, 3.0).flux_jump) for rest in (12.0, 2.0, -6.0)]
    return judged(
        all(abs(jump - 1) < 0.01 for jump in jumps),
        identifier="source-at-reset",
        where="A tree indexed hierarchy (delta_0 term)",
        statement="The diffusive flux jumps at the reset by the rate.",
        published="+ delta_0(v) times the rate",
        measured="jump over rate " + ", ".join(f"{jump:.4f}" for jump in jumps),
        rule="1 within 1 %",
        values={"worst": max(jumps, key=lambda jump: abs(jump - 1))},
        otherwise="the slopes beside the reset are not resolved",
    )


def half_line(results: Results) -> Claim:
    """Integrals from 0 to infinity."""
    data = _case(results, -6.0, 3.0)
    mass, rate = float(data.mass_below), float(data.rate_below)
    return judged(
        mass < 1e-3,
        identifier="half-line",
        where="Mean-field limit, eq. (1), integrals from 0 to infinity",
        statement="The potential is never below the reset.",
        published="integrals over v > 0",
        measured=f"{mass:.0%} of the neurons and {rate:.2%} of the spikes come from below it "
        "(noise 3 mV/sqrt(ms), downward drift)",
        rule="less than a thousandth of the mass",
        values={"mass": mass, "rate": rate},
        otherwise="with noise, or inhibition, the integrals are over the whole line",
    )


def coupling_in_input(configuration: Mapping[str, Any], results: Results) -> Claim:
    """alpha is missing from S."""
    data = results["misprints"]
    found, error = float(data.rate), float(data.rate_error)
    right, printed = float(data.rate_with_alpha), float(data.rate_without_alpha)
    alpha = configuration["misprints"]["coupling"]
    return judged(
        abs(found - printed) < abs(found - right),
        identifier="coupling-in-input",
        where="Mean-field limit, eq. (1), third line, beside 'V_i jumps by alpha w_ji'",
        statement="S is the integral of rate and kernel alone.",
        published="S = integral of nu f w",
        measured=f"alpha = {alpha}: spikes {1000 * found:.2f} ± {1000 * error:.2f} Hz, as printed "
        f"{1000 * printed:.2f} Hz, with alpha {1000 * right:.2f} Hz",
        rule="spikes nearer to the printed form than to the one with alpha",
        values={"spikes": found, "printed": printed, "with_alpha": right},
        otherwise="alpha was left out of S: jumps of alpha w give alpha times the integral",
    )


__all__ = ["claims"]
