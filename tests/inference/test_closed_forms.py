"""Answers against closed forms: entropy, natural parameters, islands."""

import jax
import numpy as np
import pytest
from closed_forms import FAMILIES, LARGE_FAMILIES, ClosedForm

from neuropil.inference import NaturalPath, ParameterDistribution, islands, maximum_entropy

QUICK = ("truncated gaussian", "dirichlet")


def solved(problem: ClosedForm, method: NaturalPath | None = None) -> ParameterDistribution:
    return maximum_entropy(
        problem.behaviour, problem.support, method, key=jax.random.key(0), check=False
    )


def assert_natural_parameters(found: ParameterDistribution, problem: ClosedForm):
    """Off by no more than intervals allow when there are many of them."""
    errors = np.array(
        [
            (found.natural_parameters[name].value - value)
            / found.natural_parameters[name].standard_error
            for name, value in problem.eta.items()
            if found.natural_parameters[name].standard_error > 1e-9 * max(1, abs(value))
        ]
    )
    assert np.all(np.abs(errors) < 5)
    assert np.mean(np.abs(errors)) < 2
    for name, value in problem.eta.items():
        assert found.natural_parameters[name].value == pytest.approx(value, abs=0.1, rel=0.15)


@pytest.mark.parametrize("family", QUICK)
def test_few_particles_come_near_closed_forms(family):
    problem = FAMILIES[family]()
    found = solved(problem, NaturalPath(particles=4096))
    assert found.entropy.value == pytest.approx(problem.entropy, abs=0.02)
    assert abs(found.entropy.value - problem.entropy) < 5 * found.entropy.standard_error
    assert_natural_parameters(found, problem)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_entropy_is_within_a_hundredth_of_closed_forms(family):
    problem = FAMILIES[family]()
    found = solved(problem)
    assert found.entropy.value == pytest.approx(problem.entropy, abs=0.01)
    assert_natural_parameters(found, problem)


@pytest.mark.slow
@pytest.mark.parametrize("family", LARGE_FAMILIES)
def test_entropy_is_within_five_thousandths_a_dimension(family):
    problem = LARGE_FAMILIES[family]()
    found = solved(problem)
    allowed = 0.005 * problem.support.dimension
    assert found.entropy.value == pytest.approx(problem.entropy, abs=allowed)
    assert_natural_parameters(found, problem)


@pytest.fixture(scope="module")
def four_islands():
    problem = FAMILIES["4 islands"]()
    return problem, solved(problem, NaturalPath(particles=8192))


@pytest.mark.slow
def test_every_island_is_found_with_its_mass(four_islands):
    _, found = four_islands
    parts = islands(found, key=jax.random.key(1))
    assert len(parts) == 4
    corners = {tuple(np.sign(part.mode["x"]).astype(int)) for part in parts}
    assert corners == {(1, 1), (1, -1), (-1, 1), (-1, -1)}
    for part in parts:
        assert part.mass.value == pytest.approx(
            0.25, abs=0.05 * 0.25 + 3 * part.mass.standard_error
        )
        assert part.mass.standard_error < 0.02
        assert np.abs(part.mode["x"]) == pytest.approx(1.0, abs=0.1)


def test_density_is_normalised_and_gives_the_entropy(four_islands):
    problem, found = four_islands
    side = np.linspace(-2, 2, 202)[1:-1]
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), axis=-1).reshape(-1, 2)
    density = np.exp(found.log_density({"x": grid}))
    area = (side[1] - side[0]) ** 2
    assert density.sum() * area == pytest.approx(1.0, abs=0.03)
    entropy = -np.sum(density * np.log(np.maximum(density, 1e-300))) * area
    assert entropy == pytest.approx(problem.entropy, abs=0.05)


def test_samples_have_no_weights_and_do_not_repeat(four_islands):
    _, found = four_islands
    drawn = found.sample(jax.random.key(2), 2000)["x"]
    assert len(np.unique(drawn, axis=0)) > 1900
    assert np.mean(drawn**2, axis=0) == pytest.approx(1.0, abs=0.02)
    with pytest.raises(ValueError, match="count must lie between 1"):
        found.sample(jax.random.key(2), 0)


def test_export_has_the_groups_and_chains(four_islands):
    _, found = four_islands
    tree = found.to_xarray()
    assert set(tree.children) == {
        "posterior", "sample_stats", "posterior_predictive", "observed_data",
    }  # fmt: skip
    assert tree["posterior"]["x"].dims == ("chain", "draw", "x_dim_0")
    assert tree["posterior"].sizes["chain"] == 16
    weights = np.exp(tree["sample_stats"]["log_weight"].values)
    squares = tree["posterior"]["x"].values ** 2
    assert np.tensordot(weights, squares, 2) == pytest.approx(1.0, abs=1e-6)
