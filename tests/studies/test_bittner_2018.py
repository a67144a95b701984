"""The study bittner-2018 at toy size: its pieces against closed forms, and claims that can fail."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from neuropil.circuits import RankOneStatistics, sample_low_rank_network
from neuropil.inference import Behaviour, Interval, Support, reweighted
from neuropil.studies import Verdict
from neuropil.studies.bittner_2018 import STUDY, discrimination, go_no_go, linear_system
from neuropil.studies.bittner_2018 import stable_amplification as amplification
from neuropil.studies.bittner_2018.answers import TRACE, drawn, stored
from neuropil.studies.bittner_2018.claims import go_no_go as claims_on_networks
from neuropil.studies.bittner_2018.claims import linear_system as claims_on_linear_systems
from neuropil.studies.bittner_2018.claims import stable_amplification as claims_on_scaling

KEY = jax.random.key(0)


def test_every_shard_has_a_name_of_its_own():
    names = [shard.name for shard in STUDY.shards(STUDY.configuration("quick"))]
    assert len(set(names)) == len(names)
    assert {"linear-system", "printed-example", "go-no-go", "discrimination"} < set(names)
    assert {"stomatogastric", "hub", "three-fixed-points", "heterogeneous-rates"} < set(names)
    assert {"stable-amplification-10", "go-no-go-path"} <= set(names)


def test_both_scales_ask_the_same_questions():
    quick, paper = (STUDY.configuration(scale) for scale in ("quick", "paper"))
    assert quick.keys() == paper.keys()
    assert set(paper["stable_amplification"]["neurons"]) == set(claims_on_scaling.PUBLISHED_RUNS)
    assert set(quick["stable_amplification"]["neurons"]) < set(claims_on_scaling.PUBLISHED_RUNS)


def test_statistics_of_linear_systems_are_their_eigenvalues():
    matrices = np.random.default_rng(0).uniform(-10, 10, (200, 4))
    parameters = dict(zip(linear_system.ENTRIES, jnp.asarray(matrices.T), strict=True))
    found = jax.jit(jax.vmap(linear_system.raw_moments))(parameters)
    values = np.linalg.eigvals(matrices.reshape(-1, 2, 2))
    np.testing.assert_allclose(found["growth_rate"], values.real.max(axis=1), atol=1e-10)
    np.testing.assert_allclose(found["frequency"], values.imag.max(axis=1), atol=1e-10)
    np.testing.assert_allclose(found["frequency_squared"], found["frequency"] ** 2)


def test_the_meaning_of_the_printed_targets_and_their_text_differ_by_the_squares():
    numbers = STUDY.configuration("quick")["printed_example"]
    printed = linear_system.printed_behaviour(numbers).means
    meant = linear_system.behaviour(numbers)
    for name, mean in meant.means.items():
        assert printed[name] == mean
        assert printed[f"{name}_squared"] == meant.variances[name]


@pytest.mark.parametrize("neurons", [3, 7])
def test_reduced_and_whole_matrices_agree(neurons):
    u, v = np.random.default_rng(1).uniform(-1, 1, (2, 40, neurons, 2))
    found = jax.jit(jax.vmap(amplification.statistics))({"U": jnp.asarray(u), "V": jnp.asarray(v)})
    reduced = np.stack([found[name] for name in amplification.STATISTICS], axis=1)
    np.testing.assert_allclose(reduced, amplification.whole_matrix(u, v), atol=1e-9)
    # The leading eigenvalue of the symmetric part bounds every real part.
    assert np.all(reduced[:, 0] <= reduced[:, 1] + 1e-12)


@pytest.fixture(scope="module")
def exponential():
    """A mean on an interval: the truncated exponential."""
    asked = Behaviour(lambda z: {"level": z["x"]}, {"level": 0.3}, units={"level": "mV"})
    support = Support({"x": Interval(0, 1, unit="mV")})
    draws = np.linspace(0, 1, 16_002)[1:-1]
    shuffled = np.random.default_rng(0).permutation(draws)
    return reweighted(asked, support, {"x": shuffled}, {"level": shuffled})


def test_what_is_stored_is_the_answer(exponential):
    eta = brentq(lambda t: 1 / (1 - np.exp(-t)) - 1 / t - 0.3, -20, -0.1)
    entropy = np.log(np.expm1(eta) / eta) - 0.3 * eta
    data = stored(exponential)
    assert float(data.entropy) == pytest.approx(entropy, abs=2e-3)
    assert float(data.natural_parameter.sel(row="mean level")) == pytest.approx(eta, rel=5e-3)
    assert float(data.reached.sel(row="mean level")) == pytest.approx(0.3)
    assert data.trace.shape[1] == len(TRACE)
    assert data.entropy.attrs["units"] == "nats"


def test_samples_are_stored_with_their_statistics_and_units(exponential):
    data = drawn(exponential, 2000, KEY)
    level = data.statistic.sel(name="level")
    np.testing.assert_allclose(level, data["sample"].values[:, 0], rtol=1e-12)
    assert abs(float(data["sample"].mean()) - 0.3) < 4 * float(data["sample"].std()) / 2000**0.5
    assert (data.unit.item(), data.name_unit.item()) == ("mV", "mV")


def test_sampled_networks_keep_their_names_and_statistics():
    rng = np.random.default_rng(2)
    # Not in the order of the alphabet.
    values = {"strength": rng.uniform(0, 1, 4000), "mean_m": rng.uniform(2, 3, 4000)}
    table = {"go": values["strength"].copy(), "no_go_square": values["mean_m"].copy()}
    table["go"][::7] = np.nan
    asked = Behaviour(lambda z: table, {"go": 0.3}, at_most={"no_go_square": 2.4})
    ends = {"strength": Interval(0, 1), "mean_m": Interval(2, 3)}
    answer = reweighted(asked, Support(ends), values, table)
    data = go_no_go.sampled(answer, table, KEY, 500)
    for name, statistic in (("strength", "go"), ("mean_m", "no_go_square")):
        found = data["sample"].sel(parameter=name).values
        np.testing.assert_allclose(found, data.statistic.sel(name=statistic), rtol=1e-9)
    error = float(data["sample"].std("draw").max()) / 500**0.5
    np.testing.assert_allclose(data.statistic.mean("draw"), [0.3, 2.4], atol=4 * error)


def test_networks_come_to_rest_where_their_overlap_is_consistent():
    statistics = RankOneStatistics(1.0, 1.5, 0.5, 0.5, 0.0, deviation_input=1.0)
    numbers = {"duration": 80.0, "step": 0.25}
    overlap, readout = go_no_go.resting_overlaps(statistics, 300, numbers, 1.0, KEY)
    drawn_network = sample_low_rank_network(statistics, 300, key=KEY)
    # Without a random part the state is x = m kappa + I.
    m, n = np.asarray(drawn_network.m[:, 0]), np.asarray(drawn_network.n[:, 0])
    rates = np.tanh(m * overlap + np.asarray(drawn_network.external_input))
    assert overlap == pytest.approx(n @ rates / 300, abs=1e-8)
    assert readout == pytest.approx(m @ rates / 300, abs=1e-8)


def test_stimuli_of_the_discrimination_network_have_one_strength():
    numbers = STUDY.configuration("quick")["discrimination"]
    go, no_go = (discrimination.network(numbers, stimulus) for stimulus in ("go", "no-go"))
    assert float(go.input_variance) == float(no_go.input_variance) == 4.0
    assert (float(go.covariance_n_input), float(no_go.covariance_n_input)) == (4.0, 0.0)


@pytest.mark.slow
def test_branches_at_the_point_of_the_published_targets():
    found = go_no_go.reference_branches(STUDY.configuration("quick")["go_no_go"])
    overlap, rests = found.reference_overlap.values, found.reference_rests.values
    np.testing.assert_allclose(overlap[0, :3], [-0.92744, 0.0, 0.92744], atol=1e-5)
    assert rests[0].tolist() == [True, False, True, False, False]
    np.testing.assert_allclose(np.nanmax(overlap[1]), 0.9986, atol=2e-4)


def recorded(entropy: float, **rows: float) -> xr.Dataset:
    """An answer as it is stored, with rows at their targets."""
    names = list(rows)
    values = np.array(list(rows.values()))
    return xr.Dataset(
        {
            "entropy": entropy,
            "entropy_error": 0.002,
            "entropy_lower": entropy - 0.004,
            "entropy_upper": entropy + 0.004,
            "entropy_gap": 0.01,
            "simulations": 1000,
            "target": ("row", values),
            "reached": ("row", values),
            "reached_lower": ("row", values - 0.001),
            "reached_upper": ("row", values + 0.001),
            "tolerance": ("row", np.full(len(values), 0.01)),
            "met": ("row", np.ones(len(values), bool)),
            "natural_parameter": ("row", values),
            "natural_parameter_error": ("row", np.full(len(values), 0.01)),
        },
        {"row": names},
    )


EXACT = claims_on_linear_systems.EXACT_NATURAL


def test_claims_on_the_linear_system_notice_a_lost_island():
    whole = recorded(7.04, **EXACT).assign(
        mass=("island", [0.51, 0.49]),
        mass_lower=("island", [0.5, 0.48]),
        mass_upper=("island", [0.52, 0.5]),
    )
    half = whole.isel(island=[0]).assign(entropy=7.04 - np.log(2), mass=("island", [1.0]))
    for claim in (claims_on_linear_systems.entropy, claims_on_linear_systems.two_islands):
        assert claim({"linear-system": whole}).verdict is Verdict.REPRODUCED
        assert claim({"linear-system": half}).verdict is Verdict.NOT_REPRODUCED


def test_claims_on_natural_parameters_and_constraints_can_fail():
    right = recorded(7.04, **EXACT)
    wrong = recorded(7.04, **{**EXACT, "variance frequency": -1.4})
    claim = claims_on_linear_systems.natural_parameters
    assert claim({"linear-system": right}).verdict is Verdict.REPRODUCED
    assert claim({"linear-system": wrong}).verdict is Verdict.NOT_REPRODUCED
    missed = right.assign(met=("row", [True, True, True, False]))
    arguments = ("linear-system", "id", "The band")
    met = claims_on_linear_systems.constraints({"linear-system": right}, *arguments)
    assert met.verdict is Verdict.REPRODUCED
    failed = claims_on_linear_systems.constraints({"linear-system": missed}, *arguments)
    assert failed.verdict is Verdict.NOT_REPRODUCED


def test_published_runs_are_judged_by_how_far_they_fall_short():
    below = {"stable-amplification-2": recorded(-1.8, growth=0.5)}
    claim = claims_on_scaling.published_runs(below, 2)
    assert claim.verdict is Verdict.NOT_REPRODUCED
    assert claim.values["short"] == pytest.approx(-1.8 + 5.96)
    level = {"stable-amplification-2": recorded(-5.9, growth=0.5)}
    assert claims_on_scaling.published_runs(level, 2).verdict is Verdict.REPRODUCED
    # An answer that falls short of the reference itself is noticed, too.
    assert claims_on_scaling.certificate(below, 2).verdict is Verdict.REPRODUCED
    assert claims_on_scaling.certificate(level, 2).verdict is Verdict.NOT_REPRODUCED


def test_variance_that_means_alone_do_not_leave_has_its_price():
    """A share s of draws at distance d brings the variance s d^2, and moves the mean by s d."""
    asked, eta, far = 0.25, 200.0, 40.0
    numbers = {"means": [0.5, 1.5], "variances": [asked**2, asked**2]}

    def claim(found: float):
        rows = {"mean amplification": eta, "variance at most amplification": found**2}
        data = recorded(-800.0, **rows).assign(
            uniform_mean=("name", [3.0, far]), uniform_deviation=("name", [4.0, 0.0])
        )
        results = {"stable-amplification-250": data.assign_coords(name=["growth", "amplification"])}
        return claims_on_scaling.variation({"stable_amplification": numbers}, results, 250)

    narrow = claim(0.08)
    assert narrow.verdict is Verdict.NOT_REPRODUCED
    share = (asked**2 - 0.08**2) / (far - 1.5) ** 2
    assert narrow.values["share"] == pytest.approx(share)
    assert narrow.values["price"] == pytest.approx(share * (far - 1.5) * eta)
    assert claim(0.25).verdict is Verdict.REPRODUCED


def test_sizes_left_out_are_said_to_be():
    numbers = {"neurons": [2], "variances_at_most_from": 50}
    configuration = {"stable_amplification": numbers}
    data = recorded(-1.8, growth=0.5).assign(
        statistic=(("draw", "name"), np.ones((3, 2))),
        recomputed=(("fresh", "name"), np.ones((2, 2))),
    )
    found = list(claims_on_scaling.claims(configuration, {"stable-amplification-2": data}))
    left_out = [claim for claim in found if claim.verdict is Verdict.NOT_TESTED]
    assert len(left_out) == len(claims_on_scaling.PUBLISHED_RUNS) - 1
    assert len({claim.identifier for claim in found}) == len(found)


def test_the_trap_is_one_only_where_silence_is_unstable():
    trapped = xr.Dataset(
        {
            "iterated": ("trial", np.zeros(10)),
            "draws_unstable_at_zero": 500,
            "draws": 1000,
            "vacuous_bistable": 0.6,
        }
    )
    claim = claims_on_networks.vacuous_constraint
    assert claim({"go-no-go": trapped}).verdict is Verdict.NOT_REPRODUCED
    stable = trapped.assign(draws_unstable_at_zero=0)
    assert claim({"go-no-go": stable}).verdict is Verdict.REPRODUCED
    moving = trapped.assign(iterated=("trial", np.full(10, 0.9)))
    assert claim({"go-no-go": moving}).verdict is Verdict.REPRODUCED


def answer_of_go_no_go(entropy, eta):
    rows = ["mean go", "variance go"]
    return xr.Dataset(
        {
            "entropy": entropy,
            "entropy_error": 0.01,
            "simulations": 1000,
            "met": ("row", [True, True]),
            "natural_parameter": ("row", eta),
            "natural_parameter_error": ("row", [0.1, 0.1]),
        },
        {"row": rows},
    )


@pytest.mark.parametrize(
    ("entropy", "eta", "verdict"),
    [
        (2.75, [5.8, -10.0], Verdict.REPRODUCED),
        (2.5, [5.8, -10.0], Verdict.NOT_REPRODUCED),
        (2.75, [5.8, -11.0], Verdict.NOT_REPRODUCED),
    ],
)
def test_two_ways_agree_only_where_entropies_and_natural_parameters_do(entropy, eta, verdict):
    results = {
        "go-no-go": answer_of_go_no_go(2.74, [5.9, -10.1]),
        "go-no-go-path": answer_of_go_no_go(entropy, eta),
    }
    assert claims_on_networks.two_ways(results).verdict is verdict
