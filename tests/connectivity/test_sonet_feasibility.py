import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from neuropil.connectivity.bivariate_normal import (
    correlation_from_excess,
    excess_from_correlation,
    excess_range,
)
from neuropil.connectivity.sonet_feasibility import (
    STATISTICS,
    SonetParameters,
    latent_correlations,
    sonet_feasibility,
    unchecked_correlations,
)
from neuropil.connectivity.sonet_projection import nearest_feasible

unit = st.integers(0, 1000).map(lambda k: k / 1000)
sign = st.integers(-1000, 1000).map(lambda k: k / 1000)
probability = st.sampled_from([0.003, 0.02, 0.1, 0.3, 0.5, 0.7, 0.95])


@st.composite
def inside(draw):
    """Latent correlations in the feasible region, each bound reached with positive chance."""
    convergent = draw(unit)
    divergent = draw(unit) * (1 - convergent)
    chain = draw(sign) * math.sqrt(convergent * divergent)
    reciprocal = 2 * chain + draw(sign) * (1 - convergent - divergent)
    return {
        "reciprocal": min(max(reciprocal, -1.0), 1.0),
        "convergent": convergent,
        "divergent": divergent,
        "chain": chain,
    }


def excesses(correlations, p):
    return {name: excess_from_correlation(value, p) for name, value in correlations.items()}


def edge_covariance(n, correlations):
    """Covariance of the Gaussians of all n (n - 1) edges, from the definition of each motif."""
    edges = [(i, j) for i in range(n) for j in range(n) if i != j]
    matrix = np.zeros((len(edges), len(edges)))
    for a, (i, j) in enumerate(edges):
        for b, (k, m) in enumerate(edges):
            if (i, j) == (k, m):
                matrix[a, b] = 1
            elif (i, j) == (m, k):
                matrix[a, b] = correlations["reciprocal"]
            elif i == k:
                matrix[a, b] = correlations["convergent"]
            elif j == m:
                matrix[a, b] = correlations["divergent"]
            elif j == k or i == m:
                matrix[a, b] = correlations["chain"]
    return matrix


@given(inside(), probability)
def test_region_is_feasible_and_correlations_are_recovered(correlations, p):
    alphas = excesses(correlations, p)
    found = sonet_feasibility(p, **alphas)
    assert found.feasible, found.reason
    assert found.reason == ""
    latent = latent_correlations(SonetParameters(5, p, **alphas))
    again = excesses(latent._asdict(), p)
    for name, alpha in alphas.items():
        assert again[name] == pytest.approx(alpha, abs=3e-9 * (1 + abs(alpha))), name
        low, high = getattr(found, name)
        slack = 1e-8 * (1 + abs(alpha))
        assert low - slack <= alpha <= high + slack, name


@given(inside(), probability, st.sampled_from(STATISTICS), st.booleans())
def test_each_range_ends_exactly_where_feasibility_does(correlations, p, name, is_upper):
    # Where an alpha no longer tells correlations apart, neither can the ranges of the others.
    assume(p < 0.9 and correlations["reciprocal"] > -0.3)
    alphas = excesses(correlations, p)
    bounds = getattr(sonet_feasibility(p, **alphas), name)
    # At the end of the range the statistic is allowed; a little beyond, it is not.
    end, sense = (bounds[1], 1) if is_upper else (bounds[0], -1)
    assert sonet_feasibility(p, **alphas | {name: end}).feasible
    beyond = end + sense * 1e-6 * (1 + abs(end))
    assert not sonet_feasibility(p, **alphas | {name: beyond}).feasible


@given(inside(), st.integers(3, 6))
def test_inside_the_region_every_covariance_of_edges_is_positive(correlations, n):
    assert np.linalg.eigvalsh(edge_covariance(n, correlations)).min() > -1e-12


@pytest.mark.parametrize(
    ("name", "value"),
    [("convergent", 0.62), ("chain", 0.33), ("reciprocal", 0.92), ("reciprocal", -0.32)],
)
def test_outside_the_region_large_networks_are_impossible(name, value):
    """Each bound is overstepped by 0.02 here; then the covariance of edges has to fail."""
    correlations = {"reciprocal": 0.3, "convergent": 0.3, "divergent": 0.3, "chain": 0.15}
    if name == "convergent":
        correlations = {"reciprocal": 0.0, "convergent": 0.62, "divergent": 0.4, "chain": 0.0}
    elif name == "chain":
        correlations |= {"chain": value, "reciprocal": 0.6}
    else:
        correlations[name] = {0.92: 0.3 + 0.4 + 0.02, -0.32: 0.3 - 0.4 - 0.02}[value]
    assert np.linalg.eigvalsh(edge_covariance(20, correlations)).min() < -1e-3
    assert not sonet_feasibility(0.1, **excesses(correlations, 0.1)).feasible


@given(inside(), st.floats(0.01, 0.45), st.floats(0.5, 1.6))
def test_complement_is_feasible_with_the_graph(correlations, p, stretch):
    """1 - W has the same latent correlations, wherever W is a SONET or not."""
    correlations = {
        name: min(max(value * stretch, -1.0), 1.0) for name, value in correlations.items()
    }
    alphas = excesses(correlations, p)
    assume(min(alphas.values()) > -0.99)
    mirrored = {name: value * p**2 / (1 - p) ** 2 for name, value in alphas.items()}
    noise = 1 - correlations["convergent"] - correlations["divergent"]
    assume(abs(abs(correlations["reciprocal"] - 2 * correlations["chain"]) - noise) > 1e-6)
    assert sonet_feasibility(p, **alphas).feasible == sonet_feasibility(1 - p, **mirrored).feasible


def test_published_limits_of_equal_convergence_and_divergence():
    """With both alike, the largest alpha is that of correlation 1/2."""
    for p, limit in {0.01: 11.94, 0.05: 3.88, 0.1: 2.24, 0.2: 1.18, 0.3: 0.742}.items():
        assert excess_from_correlation(0.5, p) == pytest.approx(limit, rel=5e-3)
        at_limit = excess_from_correlation(0.5, p)
        assert sonet_feasibility(p, convergent=at_limit, divergent=at_limit).feasible
        assert not sonet_feasibility(
            p, convergent=1.001 * at_limit, divergent=1.001 * at_limit
        ).feasible
    assert excess_from_correlation(0.5, 0.5) == pytest.approx(1 / 3)


def test_free_reciprocity_is_what_chains_imply():
    p, alphas = 0.2, {"convergent": 0.4, "divergent": 0.3, "chain": 0.25}
    latent = latent_correlations(SonetParameters(10, p, None, **alphas))
    assert latent.noise_covariance == 0
    assert latent.reciprocal == 2 * correlation_from_excess(0.25, p)
    alone = sonet_feasibility(p, **alphas)
    tied = sonet_feasibility(p, reciprocal=2.2, **alphas)
    assert alone.feasible
    assert tied.feasible
    assert alone.chain[0] < 0 < tied.chain[0] < alone.chain[1] == tied.chain[1]


def test_nearly_impossible_reciprocity_leaves_the_others_free():
    """At p = 1e-4 an alpha of -1 to rounding has no one correlation."""
    found = sonet_feasibility(1e-4, reciprocal=-1.0, convergent=5.0, divergent=5.0)
    assert found.feasible
    low, high = found.convergent
    assert low == 0
    assert high > 5.0
    assert sonet_feasibility(1e-4, reciprocal=-1.0, convergent=high, divergent=5.0).feasible


@pytest.mark.parametrize(
    ("alphas", "message"),
    [
        ({"convergent": -0.1}, r"^convergent is -0\.1; it must be between 0 and 9 at"),
        ({"divergent": 9.5}, r"^divergent is 9\.5; it must be between 0 and 9 at"),
        (
            {"convergent": 4.0, "divergent": 4.0},
            r"convergent is 4 and divergent is 4; with this divergent, convergent must be between "
            r"0 and 0\.9930778\d* and with this convergent, divergent between 0 and 0\.9930778",
        ),
        (
            {"convergent": 0.3, "divergent": 0.3, "chain": 1.0},
            r"^chain is 1; it must be between -0\.2584\d* and 0\.3 at .*0\.1, convergent 0\.3",
        ),
        (
            {"convergent": 1.0, "divergent": 1.0, "chain": 1.0, "reciprocal": 0.0},
            r"^reciprocal is 0; it must be between 0\.1931\d* and 9 at .* and chain 1",
        ),
        ({"reciprocal": 9.5}, r"^reciprocal is 9\.5; it must be between -1 and 9 at"),
        ({"reciprocal": -1.1}, r"^reciprocal is -1\.1; it must be between -1 and 9 at"),
    ],
)
def test_what_is_infeasible_is_named_with_its_range(alphas, message):
    message = message.replace(r"\d* and with", r"\d*, and with")
    found = sonet_feasibility(0.1, **alphas)
    assert not found.feasible
    with pytest.raises(ValueError, match=message):
        latent_correlations(SonetParameters(10, 0.1, **alphas))
    with pytest.raises(ValueError, match=message):
        raise ValueError(found.reason)


def test_one_impossible_statistic_leaves_no_range_to_the_others():
    found = sonet_feasibility(0.1, convergent=-0.5)
    assert found.convergent == (0.0, excess_range(0.1)[1])
    assert found.divergent is found.chain is found.reciprocal is None


def test_parameters_are_checked():
    with pytest.raises(ValueError, match="n_neurons is 1; it must be a whole number, at least 2"):
        SonetParameters(1, 0.1)
    for p in (0.0, 1.0, -0.1, math.nan):
        with pytest.raises(ValueError, match=r"connection_probability is .* between 0 and 1"):
            SonetParameters(10, p)
    for name in STATISTICS:
        with pytest.raises(ValueError, match=f"{name} is nan; it must be finite"):
            SonetParameters(10, 0.1, **{name: math.nan})


# Nearest feasible statistics


def as_point(correlations):
    reciprocal, convergent, divergent, chain = correlations
    return np.array([convergent, divergent, math.sqrt(2) * chain, reciprocal])


def random_feasible_points(rng, count):
    convergent = rng.random(count)
    divergent = rng.random(count) * (1 - convergent)
    chain = rng.choice([-1, 1, 0.3], count) * np.sqrt(convergent * divergent)
    reciprocal = 2 * chain + rng.choice([-1, 1, 0.2], count) * (1 - convergent - divergent)
    return np.stack([convergent, divergent, math.sqrt(2) * chain, reciprocal])


@pytest.mark.parametrize(
    "correlations",
    [
        (0.9, 0.7, 0.8, 0.1),
        (-0.9, 0.3, 0.2, 0.24),
        (0.5, -0.2, 0.4, 0.0),
        (0.2, 0.1, 0.1, 0.6),
        (1.0, 0.9, 0.1, -0.5),
        (0.0, -0.3, -0.1, 0.2),
    ],
)
def test_no_feasible_statistics_are_nearer(correlations):
    """The step to the nearest point of a convex set points away from all of the set."""
    p = 0.1
    asked = SonetParameters(100, p, *(excess_from_correlation(value, p) for value in correlations))
    nearest, changes = nearest_feasible(asked)
    assert changes
    step = as_point(unchecked_correlations(asked)) - as_point(latent_correlations(nearest))
    others = random_feasible_points(np.random.default_rng(0), 20_000)
    towards = step @ (others - as_point(latent_correlations(nearest))[:, None])
    assert towards.max() < 1e-6
    for name in STATISTICS:
        changed = getattr(nearest, name) != getattr(asked, name)
        assert changed == any(sentence.startswith(f"{name} changed") for sentence in changes)


def test_nearest_to_feasible_statistics_are_the_same():
    asked = SonetParameters(50, 0.1, 1.0, 0.3, 0.4, 0.2)
    assert nearest_feasible(asked) == (asked, ())


def test_nearest_with_free_reciprocity_keeps_it_free():
    nearest, changes = nearest_feasible(SonetParameters(50, 0.1, None, 0.3, 0.3, 0.9))
    assert nearest.reciprocal is None
    assert nearest.chain < 0.9
    assert len(changes) == 3
    assert latent_correlations(replace(nearest, n_neurons=60)).noise_covariance == 0
