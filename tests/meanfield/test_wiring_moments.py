import numpy as np
import pytest
import scipy.sparse
from dense_networks import dense_sonet, erdos_renyi

from neuropil.connectivity.statistics import expected_degree_moments
from neuropil.meanfield.wiring_moments import random_graph_moments, wiring_moments

NAMES = [
    "mean_in_strength",
    "variance_in_strength",
    "third_moment_in_strength",
    "covariance_in_out",
    "residual_variance",
    "residual_reciprocity",
    "partner_covariance",
]


def as_array(moments):
    return np.array([float(getattr(moments, name)) for name in NAMES])


def test_moments_by_their_definitions():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(60, 60)) * (rng.random((60, 60)) < 0.3)
    np.fill_diagonal(weights, 0)
    moments = wiring_moments(scipy.sparse.csr_array(weights))
    d, k = weights.sum(axis=1), weights.sum(axis=0)
    assert np.isclose(moments.mean_in_strength, d.mean())
    assert np.isclose(moments.variance_in_strength, d.var())
    assert np.isclose(moments.third_moment_in_strength, np.mean((d - d.mean()) ** 3))
    assert np.isclose(moments.covariance_in_out, np.cov(d, k, bias=True)[0, 1])
    partners = np.array([np.sum(weights[i] * (d - d.mean())) for i in range(60)])
    assert np.isclose(moments.partner_covariance, np.cov(d, partners, bias=True)[0, 1])
    # residuals of the additive fit over off-diagonal entries, by least squares
    row, column = np.nonzero(~np.eye(60, dtype=bool))
    design = np.zeros((row.size, 121))
    design[:, 0] = 1
    design[np.arange(row.size), 1 + row] = 1
    design[np.arange(row.size), 61 + column] = 1
    target = weights[row, column]
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    residual = np.zeros_like(weights)
    residual[row, column] = target - fitted
    assert np.isclose(moments.residual_variance, np.sum(residual**2) / 60)
    assert np.isclose(moments.residual_reciprocity, np.sum(residual * residual.T) / 60)


def test_matrix_without_residual():
    """A sum of a row effect and a column effect leaves nothing, whatever the diagonal."""
    n = 400
    rng = np.random.default_rng(1)
    weights = 2 + rng.normal(size=n)[:, None] + rng.normal(size=n)[None, :]
    np.fill_diagonal(weights, 5.0)
    moments = wiring_moments(weights)
    assert abs(moments.residual_variance) < 1e-11 * np.sum(weights**2) / n
    assert abs(moments.residual_reciprocity) < 1e-11 * np.sum(weights**2) / n


ALPHAS = {"reciprocal": 0.8, "convergent": 0.5, "divergent": 0.4, "chain": 0.25}


SAMPLES = 150


@pytest.mark.parametrize("p", [0.1, 0.3])
@pytest.mark.parametrize("weights", [(1.0,), (1.0, 1.0, 1.0, 1.0, -2.0)])
def test_expected_moments_are_those_of_sampled_networks(p, weights):
    """Ensemble means, to four standard errors and a term of order 1/N.

    The mean over one network's neurons is subtracted from its moments, so they differ from
    those of the ensemble by 1/N of what they would be if nothing cancelled.
    """
    neurons = 150
    rng = np.random.default_rng(7)
    alphas = {name: 0.4 * value for name, value in ALPHAS.items()} if p == 0.3 else ALPHAS
    samples = []
    for _ in range(SAMPLES):
        graph = dense_sonet(rng, neurons, p, **alphas)
        samples.append(as_array(wiring_moments(graph * rng.choice(weights, neurons)[None, :])))
    measured, error = np.mean(samples, axis=0), np.std(samples, axis=0) / np.sqrt(SAMPLES)
    weights = np.array(weights)
    expected = as_array(random_graph_moments(neurons, p, presynaptic_weight=weights, **alphas))
    uncancelled = as_array(
        random_graph_moments(neurons, p, presynaptic_weight=np.abs(weights), **alphas)
    )
    exact = [NAMES.index(name) for name in NAMES if "third" not in name and "partner" not in name]
    allowed = 4 * error + 3 * np.abs(uncancelled) / neurons
    assert np.all(np.abs(measured - expected)[exact] < allowed[exact])
    # second order in the correlations: a third of the value is what theory promises here
    expanded = [NAMES.index("third_moment_in_strength"), NAMES.index("partner_covariance")]
    if weights.size == 1:
        assert np.all(np.abs(measured / expected - 1)[expanded] < 0.35)


def test_first_two_moments_agree_with_the_degree_formulas():
    ours = random_graph_moments(300, 0.1, **ALPHAS)
    theirs = expected_degree_moments(300, 0.1, **ALPHAS)
    assert np.isclose(ours.mean_in_strength, theirs.mean, rtol=1e-13)
    assert np.isclose(ours.variance_in_strength, theirs.variance_in, rtol=1e-13)
    assert np.isclose(ours.covariance_in_out, theirs.covariance, rtol=1e-13)


def test_erdos_renyi_limit():
    moments = random_graph_moments(101, 0.2)
    assert np.isclose(moments.variance_in_strength, 100 * 0.2 * 0.8)
    assert np.isclose(moments.residual_variance, moments.variance_in_strength)
    assert np.isclose(moments.third_moment_in_strength, 100 * 0.2 * 0.8 * 0.6)
    zero = ["covariance_in_out", "residual_reciprocity", "partner_covariance"]
    assert all(float(getattr(moments, name)) == 0 for name in zero)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"neurons": 2, "connection_probability": 0.1}, "neurons must be at least 3, got 2"),
        ({"neurons": 9, "connection_probability": 1.0}, "connection_probability must lie strictly"),
        (
            {"neurons": 9, "connection_probability": 0.5, "chain": 1.2},
            "chain must lie between -1 and 1/p - 1 = 1, got 1.2",
        ),
        (
            {
                "neurons": 9,
                "connection_probability": 0.5,
                "presynaptic_weight": np.array([1.0, np.nan]),
            },
            "presynaptic_weight must hold finite numbers",
        ),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        random_graph_moments(**arguments)


def test_bad_matrix_is_named():
    with pytest.raises(ValueError, match=r"weights must be a square matrix.*\(3, 4\)"):
        wiring_moments(np.ones((3, 4)))


def test_graph_used_elsewhere_is_what_it_says():
    """The dense generator of these tests has the statistics it is asked for."""
    rng = np.random.default_rng(3)
    graphs = [dense_sonet(rng, 200, 0.1, **ALPHAS) for _ in range(200)]
    p2 = (np.mean([g.sum() for g in graphs]) / (200 * 199)) ** 2
    pairs = np.mean([np.sum(g * g.T) for g in graphs]) / (200 * 199)
    paths = np.mean([g.sum(axis=0) @ g.sum(axis=1) - np.sum(g * g.T) for g in graphs])
    chain = paths / (200 * 199 * 198)
    assert np.isclose(chain / p2 - 1, ALPHAS["chain"], atol=0.03)
    assert np.isclose(pairs / p2 - 1, ALPHAS["reciprocal"], atol=0.1)
    assert np.isclose(np.sqrt(p2), 0.1, atol=0.003)
    assert np.isclose(erdos_renyi(rng, 500, 0.1).sum() / 500 / 499, 0.1, atol=0.003)
