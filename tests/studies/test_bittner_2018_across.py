"""Motifs by their fold and networks by their rates: pieces against closed forms, and claims."""

import copy

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from neuropil.circuits import tripartite_motif_figure_9
from neuropil.connectivity.bivariate_normal import correlation_from_excess
from neuropil.meanfield import sonet_limit_rates
from neuropil.result import Outcome
from neuropil.studies import Verdict
from neuropil.studies.bittner_2018.claims import across as ledger
from neuropil.studies.bittner_2018.configuration_across import (
    heterogeneous_rates_numbers,
    three_fixed_points_numbers,
)
from neuropil.studies.bittner_2018.figures import across as pictures
from neuropil.studies.bittner_2018.heterogeneous_rates import (
    PARAMETERS,
    reduced_statistics,
    theory_of,
    transfer_of,
)
from neuropil.studies.bittner_2018.reduced_rates import latent_correlation
from neuropil.studies.bittner_2018.three_fixed_points import (
    PARAMETERS as MOTIF_PARAMETERS,
)
from neuropil.studies.bittner_2018.three_fixed_points import (
    certified_counts,
    fold_statistics,
    known_fold,
    motif_with,
    run_three_fixed_points,
)

CONFIGURATION = {
    "three_fixed_points": three_fixed_points_numbers(True),
    "heterogeneous_rates": heterogeneous_rates_numbers(True),
}


def test_both_scales_ask_the_same_questions():
    for numbers in (three_fixed_points_numbers, heterogeneous_rates_numbers):
        quick, paper = numbers(True), numbers(False)
        assert quick.keys() == paper.keys()
        assert paper["particles"] > quick["particles"]


def test_the_latent_correlation_is_that_of_the_library():
    probability = 0.13
    threshold = -jax.scipy.stats.norm.ppf(probability)
    excesses = np.array([-0.3, 0.0, 0.2, 1.0])
    each = jax.jit(jax.vmap(latent_correlation, (0, None, None)))
    found = each(jnp.asarray(excesses), threshold, jnp.asarray(probability))
    expected = [correlation_from_excess(excess, probability) for excess in excesses]
    np.testing.assert_allclose(found, expected, atol=1e-8)


@pytest.fixture(scope="module")
def theory():
    settings = CONFIGURATION["heterogeneous_rates"]
    transfer = transfer_of(settings)
    return settings, transfer, theory_of(settings, transfer)


def test_the_table_is_the_rate_function(theory):
    _, transfer, reduced = theory
    table, inputs = reduced.table, jnp.linspace(-19.9, 499.9, 977)
    np.testing.assert_allclose(table(inputs), transfer(inputs), atol=1e-8)


@pytest.mark.slow
def test_the_reduced_theory_is_the_limit_with_finite_in_degree(theory):
    settings, transfer, reduced = theory
    rows = np.array([[0.1, 0.5, 0.2, 150.0], [0.2, 0.8, -0.2, 250.0], [0.25, 0.3, 0.5, 90.0]])
    found = reduced_statistics(reduced, dict(zip(PARAMETERS, rows.T, strict=True)))
    assert np.isnan(found["mean_rate"][2])  # more chains than convergent pairs allow
    partners = settings["neurons"] - 1
    for number, (probability, convergent, chain, coupling) in enumerate(rows[:2]):
        strength = coupling / (probability * settings["neurons"])
        limit = sonet_limit_rates(
            transfer,
            settings["external_input"],
            total_strength=strength * partners,
            squared_strength=strength**2 * partners,
            connection_probability=probability,
            convergent=convergent,
            chain=chain,
        )
        variation = float(jnp.sqrt(limit.variance_rate) / limit.mean_rate)
        assert found["mean_rate"][number] == pytest.approx(1000 * float(limit.mean_rate), rel=2e-3)
        assert found["variation"][number] == pytest.approx(variation, rel=2e-3)


def answer(rows: list[str], *, weighed: float = -0.26) -> dict:
    """An answer with entropy -0.25 +- 0.02 along the path."""
    both = ("way", "row")
    return {
        "eta": (both, np.ones((2, len(rows)))),
        "eta_error": (both, np.full((2, len(rows)), 0.1)),
        "entropy": ("way", [-0.25, weighed]),
        "entropy_error": ("way", [0.02, 0.01]),
        "entropy_of_support": ((), 1.4),
        "entropy_gap": ((), 0.03),
        "effective_samples": ("way", [900.0, 500.0]),
        "inside_share": ("way", [0.9, 0.9]),
        "simulations": ((), 1000),
        "outcome": ((), int(Outcome.SUCCESSFUL)),
    }


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    reference = np.array([6.0, -5.0, -2.0, 3.0, 0.3])
    rows = ["mean fold", "variance fold"]
    value = reference * rng.uniform(0.7, 1.3, (500, 5))
    value[:, 2] = value[:, 0] / -3.0
    motifs = xr.Dataset(
        {
            "value": (("sample", "parameter"), value),
            "sampled_fold": ("sample", rng.normal(0.7818, 0.02, 500)),
            "reference": ("parameter", reference),
            "drawn_fold": ("draw", np.append(rng.uniform(0.5, 1.0, 49), np.nan)),
            "count": (("side", "motif"), np.array([[1] * 50, [3] * 50])),
            "complete": (("side", "motif"), np.ones((2, 50), int)),
            **answer(rows),
        },
        {"parameter": list(MOTIF_PARAMETERS), "row": rows, "way": ["path", "weighted draws"]},
    )
    settings = CONFIGURATION["heterogeneous_rates"]
    target = np.array([settings["mean_rate"], settings["variation"]])
    deviation = 0.05 * target
    rows = [
        f"{kind} {name}" for kind in ("mean", "variance") for name in ("mean_rate", "variation")
    ]
    low, high = np.array([settings["ranges"][name] for name in PARAMETERS]).T
    predicted = target + deviation * rng.normal(size=(50, 2))
    networks = xr.Dataset(
        {
            "value": (("sample", "parameter"), rng.uniform(low, high, (50, 4))),
            "predicted": (("sample", "statistic"), predicted),
            "drawn": (("draw", "statistic"), rng.uniform(0.1, 1.0, (50, 2)) * [60, 1]),
            "measured": (("network", "statistic"), predicted[:20] + 0.1 * deviation),
            "target": ("statistic", target),
            "deviation": ("statistic", deviation),
            **answer(rows),
        },
        {
            "parameter": list(PARAMETERS),
            "statistic": ["mean_rate", "variation"],
            "row": rows,
            "way": ["path", "weighted draws"],
        },
        {"neurons": 1000},
    )
    return {"three-fixed-points": motifs, "heterogeneous-rates": networks}


def verdicts(results) -> dict[str, Verdict]:
    return {claim.identifier: claim.verdict for claim in ledger.claims(CONFIGURATION, results)}


def test_claims_hold_where_everything_is_as_it_should_be(results):
    found = verdicts(results)
    assert len(found) == 8
    assert set(found.values()) == {Verdict.REPRODUCED}


def test_the_bias_of_the_theory_is_told(results):
    claims = {claim.identifier: claim for claim in ledger.claims(CONFIGURATION, results)}
    expected = -0.1 * float(results["heterogeneous-rates"].deviation[0])
    assert claims["rates-mean"].values["theory_bias"] == pytest.approx(expected)


def _five_above(data: dict[str, xr.Dataset]) -> None:
    data["three-fixed-points"]["count"].values[1, :5] = 5


def _undecided(data: dict[str, xr.Dataset]) -> None:
    data["three-fixed-points"].complete.values[0, :5] = 0


def _entropy_elsewhere(data: dict[str, xr.Dataset]) -> None:
    data["heterogeneous-rates"].entropy.values[1] += 0.2


def _untied(data: dict[str, xr.Dataset]) -> None:
    value = data["three-fixed-points"].value.values
    value[:, 2] = value[::-1, 2]


def _slower_networks(data: dict[str, xr.Dataset]) -> None:
    data["heterogeneous-rates"].measured.values[:, 0] -= 2.0


@pytest.mark.parametrize(
    ("change", "identifier"),
    [
        (_five_above, "motif-three-fixed-points"),
        (_undecided, "motif-three-fixed-points"),
        (_entropy_elsewhere, "rates-entropy"),
        (_untied, "motif-stiff-direction"),
        (_slower_networks, "rates-mean"),
    ],
)
def test_claims_fail_where_they_should(results, change, identifier):
    changed = copy.deepcopy(results)
    change(changed)
    found = verdicts(changed)
    assert [name for name, verdict in found.items() if verdict is not Verdict.REPRODUCED] == [
        identifier
    ]


def test_figures_show_all_samples(results):
    first, second = pictures.figures(CONFIGURATION, results)
    assert "100.0% have" in first.caption
    sampled = second.figure.axes[0].lines[1]
    assert len(sampled.get_xdata()) == 50
    plt.close("all")


@pytest.mark.slow
def test_folds_are_those_of_the_figure_and_counts_change_there():
    known = known_fold()
    assert float(jnp.tanh(known.astrocyte)) == pytest.approx(0.7818, abs=5e-5)
    motif = motif_with(known.values)
    assert jax.tree.all(jax.tree.map(np.allclose, motif, tripartite_motif_figure_9()))
    values = np.asarray(known.values) * np.array([[1.0] * 5, [0.9, 1.05, 1.1, 1.0, 0.95]])
    folds = fold_statistics(dict(zip(MOTIF_PARAMETERS, values.T, strict=True)))["fold"]
    assert folds[0] == pytest.approx(0.781805, abs=1e-6)
    for side, expected in ((-1e-4, 1), (1e-4, 3)):
        counts, proved = certified_counts(jnp.asarray(values), jnp.asarray(folds + side))
        assert list(counts) == [expected, expected]
        assert list(proved) == [1, 1]


@pytest.mark.slow
def test_a_small_run_gives_what_was_asked():
    settings = CONFIGURATION["three_fixed_points"]
    small = settings | {"particles": 256, "drawn": 4000, "stored": 200, "counted": 50}
    data = run_three_fixed_points({"three_fixed_points": small}, jax.random.key(0))
    claim = ledger.certified(data, settings["beside"])
    assert claim.verdict is Verdict.REPRODUCED
    assert float(data.sampled_fold.mean()) == pytest.approx(settings["fold"], abs=0.01)
    assert float(data.sampled_fold.std()) == pytest.approx(settings["deviation"], rel=0.3)
