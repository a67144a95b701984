"""Online gradients against gradients of the unrolled network, and what agents do with them."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.connectivity import random_neuro_glial_wiring
from neuropil.learning import (
    DomainMatrices,
    ExponentialMean,
    ForwardMode,
    FullMatrices,
    HyperedgeList,
    NoBaseline,
    Normal,
    OnlinePolicyGradient,
    RunningMean,
    TruncatedBackpropagation,
    document,
    domain_wiring,
    gru_cell,
    leaky_filter_cell,
    neuroglia_cell,
    parameters_of,
    published_code,
    random_gains,
    vanilla_cell,
    with_parameters,
)
from neuropil.learning.adam import adam_step, no_moments

DENSE = eqx.Partial(
    neuroglia_cell,
    FullMatrices(4, 3),
    hebbian_gain=Normal(1.0),
    time_scale_ratio=0.5,
    neuron_rate=0.4,
)
HYPEREDGES = eqx.Partial(
    neuroglia_cell, DomainMatrices(domain_wiring(4, 2)), time_scale_ratio=0.5, neuron_rate=0.4
)
STIMULI = jnp.array([[1.0], [-0.5], [0.3], [2.0], [-1.0]])
NOTHING = jnp.zeros((), jnp.int32)


def unrolled_logits(cell, parameters, state, stimuli):
    present = with_parameters(cell, parameters)
    for stimulus in stimuli:
        state = present.step(state, stimulus)
    return present.read(state)


@eqx.filter_jit
def walked(gradient, cell, stimuli, weights):
    """Logits of the last of some trials with parameters that stand still, and their gradient."""
    memory = gradient.start(cell, cell.groups)
    for stimulus in stimuli:
        advance = gradient.advance(cell, cell.groups, memory, stimulus)
        memory = advance.memory
    return advance.logits, advance.pullback(weights)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("maker", "window"),
    [
        (DENSE, 1),
        (DENSE, 3),
        (HYPEREDGES, 2),
        pytest.param(DENSE, 7, marks=pytest.mark.slow),
        pytest.param(HYPEREDGES, 5, marks=pytest.mark.slow),
    ],
)
def test_truncated_gradients_are_those_of_the_unrolled_window(maker, window):
    cell = maker(arms=3, channels=1, key=jax.random.key(0))
    names, weights = cell.groups, jnp.array([1.0, -2.0, 0.5])
    logits, found = walked(TruncatedBackpropagation(window), cell, STIMULI, weights)
    kept = min(window, len(STIMULI))
    before = cell.initial_state()
    for stimulus in STIMULI[: len(STIMULI) - kept]:
        before = cell.step(before, stimulus)
    parameters = parameters_of(cell, names)

    @jax.jit
    def objective(given):
        return weights @ unrolled_logits(cell, given, before, STIMULI[-kept:])

    expected = jax.jit(jax.grad(objective))(parameters)
    for name, value in found.items():
        np.testing.assert_allclose(value, expected[name], rtol=1e-9, atol=1e-13, err_msg=name)
    np.testing.assert_allclose(
        logits, unrolled_logits(cell, parameters, before, STIMULI[-kept:]), rtol=1e-12
    )
    step = 1e-6
    for name in names:
        direction = jax.random.normal(jax.random.key(4), parameters[name].shape)
        there, back = (
            objective(parameters | {name: parameters[name] + sign * step * direction})
            for sign in (1, -1)
        )
        np.testing.assert_allclose(
            jnp.sum(expected[name] * direction), (there - back) / (2 * step), rtol=2e-5, atol=1e-8
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    "maker",
    [DENSE, pytest.param(eqx.Partial(gru_cell, units=3), marks=pytest.mark.slow)],
    ids=["glia", "gru"],
)
def test_forward_mode_is_back_propagation_through_everything(maker):
    cell = maker(arms=3, channels=1, key=jax.random.key(1))
    weights = jnp.array([0.2, 1.0, -1.0])
    logits, exact = walked(ForwardMode(), cell, STIMULI, weights)
    expected_logits, whole = walked(TruncatedBackpropagation(len(STIMULI)), cell, STIMULI, weights)
    np.testing.assert_allclose(logits, expected_logits, rtol=1e-12)
    for value, other in zip(jax.tree.leaves(exact), jax.tree.leaves(whole), strict=True):
        np.testing.assert_allclose(value, other, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 2, 3, 4])
@pytest.mark.parametrize("neurons_first", [False, True])
def test_support_is_where_the_gradient_is_not_zero(window, neurons_first):
    maker = eqx.Partial(DENSE, neurons_first=neurons_first)
    agent = OnlinePolicyGradient(maker, gradient=TruncatedBackpropagation(window))
    support = agent.gradient_support(arms=3, channels=1)
    cell = maker(arms=3, channels=1, key=jax.random.key(2))
    _, found = walked(agent.gradient, cell, STIMULI, jnp.array([1.0, 2.0, 4.0]))
    measured = {name: bool(jnp.any(value != 0)) for name, value in found.items()}
    assert measured == support


def test_support_grows_with_the_window_as_the_equations_say():
    reached = [
        {
            name
            for name, is_reached in OnlinePolicyGradient(
                DENSE, gradient=TruncatedBackpropagation(window)
            )
            .gradient_support(arms=3, channels=1)
            .items()
            if is_reached
        }
        for window in (1, 2, 3, 50)
    ]
    read_out = {"neuron_input_weights", "readout_weights", "readout_bias"}
    assert reached[0] == read_out
    assert reached[1] == read_out | {"hebbian_gain", "glial_gain"}
    assert reached[2] == reached[3] == set(DENSE(arms=3, channels=1, key=jax.random.key(0)).groups)
    exact = OnlinePolicyGradient(DENSE, gradient=ForwardMode())
    assert all(exact.gradient_support(arms=3, channels=1).values())


def test_vanilla_networks_receive_all_gradients_at_once():
    agent = OnlinePolicyGradient(eqx.Partial(vanilla_cell, units=4))
    assert agent.learning_groups(arms=2, channels=1) == (
        "input_weights",
        "recurrent_weights",
        "input_bias",
        "recurrent_bias",
        "readout_weights",
        "readout_bias",
    )


AGENT = OnlinePolicyGradient(
    HYPEREDGES,
    temperature=2.0,
    gradient=TruncatedBackpropagation(3),
    trained=("hebbian_gain", "readout_weights", "readout_bias"),
    learning_rates={"readout_bias": 0.05},
    gradient_gains={"hebbian_gain": 10.0},
)


@pytest.fixture(scope="module")
def trials():
    """States before and after a few trials of one agent, and what it did."""
    state = AGENT.start(arms=3, channels=1, key=jax.random.key(3))
    act, learn = eqx.filter_jit(AGENT.act), eqx.filter_jit(AGENT.learn)
    passed = []
    for number, stimulus in enumerate(STIMULI):
        arm, policy, acted = act(state, stimulus, NOTHING, jax.random.key(number))
        after = learn(acted, arm, jnp.asarray(float(number % 2)))
        passed.append((state, arm, policy, acted, after))
        state = after
    return passed


def test_eligibility_is_the_gradient_of_the_log_probability(trials):
    state, arm, policy, acted, _ = trials[-1]

    def log_probability(parameters):
        before, stimuli = state.memory.before, [*state.memory.stimuli, STIMULI[-1]]
        logits = unrolled_logits(state.cell, parameters, before, stimuli) / 2.0
        return jax.nn.log_softmax(logits)[arm]

    parameters = parameters_of(state.cell, tuple(acted.eligibility))
    value, expected = jax.value_and_grad(log_probability)(parameters)
    np.testing.assert_allclose(policy[arm], jnp.exp(value), rtol=1e-12)
    for name in AGENT.trained:
        np.testing.assert_allclose(acted.eligibility[name], expected[name], rtol=1e-9, atol=1e-14)


def test_only_the_chosen_groups_move_and_each_at_its_rate(trials):
    first, _, _, _, second = trials[1]
    for name in first.cell.groups:
        moved = np.abs(np.asarray(getattr(second.cell, name) - getattr(first.cell, name)))
        if name in AGENT.trained:
            assert moved.max() > 0
            assert moved.max() < 1.01 * AGENT.learning_rates.get(name, 1e-3) * 2.0
        else:
            assert np.all(moved == 0)


def test_the_first_step_of_adam_has_the_size_of_the_rate():
    """From moments of zero Adam steps by the rate, in the sign of the gradient."""
    agent = OnlinePolicyGradient(HYPEREDGES, baseline=NoBaseline(), learning_rate=0.01)
    state = agent.start(arms=3, channels=1, key=jax.random.key(0))
    arm, _, acted = agent.act(state, jnp.ones(1), NOTHING, jax.random.key(1))
    after = agent.learn(acted, arm, jnp.asarray(1.0))
    moved = np.asarray(after.cell.readout_bias - state.cell.readout_bias)
    expected = -0.01 * np.ones(3)
    expected[int(arm)] = 0.01
    np.testing.assert_allclose(moved, expected, rtol=1e-5)
    again = agent.learn(acted, arm, jnp.asarray(0.0))
    np.testing.assert_array_equal(again.cell.readout_bias, state.cell.readout_bias)


def test_adam_is_that_of_a_library_of_optimisers():
    """Over many steps, with gradients of every size about epsilon."""
    sizes = jnp.array([1e-10, 1e-8, 1e-5, 1.0])
    gradients = [
        {"weights": sizes * jax.random.normal(jax.random.key(number), (4,))} for number in range(9)
    ]
    library = optax.scale_by_adam()
    ours, theirs = no_moments(gradients[0]), library.init(gradients[0])
    for gradient in gradients:
        found, ours = adam_step(gradient, ours)
        with jax.numpy_dtype_promotion("standard"):
            expected, theirs = library.update(gradient, theirs)
        np.testing.assert_allclose(found["weights"], expected["weights"], rtol=1e-12)


def test_norms_are_those_of_the_gradient_that_adam_sees(trials):
    _, _, _, acted, _ = trials[0]
    norms = AGENT.gradient_norms(acted, jnp.asarray(0.0))
    assert all(value == 0 for value in norms.values())
    norms = AGENT.gradient_norms(acted, jnp.asarray(1.0))
    for name, value in norms.items():
        gain = AGENT.gradient_gains.get(name, 1.0)
        expected = gain * np.linalg.norm(np.ravel(acted.eligibility[name]))
        np.testing.assert_allclose(value, expected, rtol=1e-12)


def test_scores_have_mean_zero_under_the_policy():
    cell = DENSE(arms=3, channels=1, key=jax.random.key(7))
    gradient = TruncatedBackpropagation(3)
    policy = jax.nn.softmax(walked(gradient, cell, STIMULI, jnp.zeros(3))[0])
    scores = [
        walked(gradient, cell, STIMULI, jax.nn.one_hot(arm, 3, dtype=float) - policy)[1]
        for arm in range(3)
    ]
    for name in cell.groups:
        mean = sum(float(p) * np.asarray(s[name]) for p, s in zip(policy, scores, strict=True))
        np.testing.assert_allclose(mean, 0.0, atol=1e-15)


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=12), st.floats(0.01, 1.0))
def test_baselines_are_means_of_the_rewards(rewards, rate):
    leaky = 0.0
    memories = [b.start() for b in (RunningMean(), RunningMean(True), ExponentialMean(rate))]
    for number, reward in enumerate(rewards):
        found = []
        for place, baseline in enumerate((RunningMean(), RunningMean(True), ExponentialMean(rate))):
            value, memories[place] = baseline.follow(memories[place], jnp.asarray(reward))
            found.append(float(value))
        before = np.mean(rewards[:number]) if number else 0.0
        np.testing.assert_allclose(
            found, [before, np.mean(rewards[: number + 1]), leaky], atol=1e-12
        )
        leaky = (1 - rate) * leaky + rate * reward


@pytest.mark.slow
def test_the_readings_differ_as_they_say():
    small = FullMatrices(4, 3)
    article, code = document(small), published_code(small)
    assert (
        article.learning_groups(arms=3, channels=1)
        == article.cell_shapes(arms=3, channels=1).groups
    )
    assert code.learning_groups(arms=3, channels=1) == (
        "neuron_input_weights",
        "readout_weights",
        "readout_bias",
    )
    cells = [
        agent.start(arms=3, channels=1, key=jax.random.key(0)).cell for agent in (article, code)
    ]
    assert [cell.neurons_first for cell in cells] == [False, True]
    np.testing.assert_allclose([cell.neuron_rate for cell in cells], [0.1, 0.2])
    np.testing.assert_allclose([cell.astrocyte_rate for cell in cells], [0.001, 0.004])
    wide = document(FullMatrices(40, 20)).start(arms=3, channels=1, key=jax.random.key(1)).cell
    np.testing.assert_allclose(np.std(np.asarray(wide.glial_gain)), 1 / 40, rtol=0.02)
    np.testing.assert_allclose(np.std(np.asarray(wide.coincidence_gain)), 1 / 40, rtol=0.02)
    assert np.abs(np.asarray(wide.neuron_input_weights)).max() <= 40**-0.5


def test_gains_over_hyperedges_drive_as_full_matrices_do():
    n, m, number = 64, 32, 200
    rates, modulation = jnp.full(n, 0.5), jnp.linspace(-1.0, 1.0, m)
    sparse = random_neuro_glial_wiring(
        jax.random.key(3), n_neurons=n, n_astrocytes=m, n_synapses=1024
    )
    deviations = {"hebbian": 0.03, "glial": 0.02, "gap": 0.1, "coincidence": 0.05}

    def arriving(layout):
        gains = random_gains(layout, **deviations)

        def one(key):
            c, d, h = (
                gains[name](jax.random.fold_in(key, place), layout.shapes[name])
                for place, name in enumerate(("hebbian_gain", "glial_gain", "coincidence_gain"))
            )
            drive = layout.synapse_drive(c, d, rates, modulation)
            return layout.received(drive, rates), layout.sensed(h, rates)

        keys = jax.random.split(jax.random.key(4), number)
        return [float(jnp.sqrt(jnp.mean(each**2))) for each in jax.jit(jax.vmap(one))(keys)]

    expected = arriving(FullMatrices(n, m))
    for layout in (DomainMatrices(domain_wiring(n, m)), HyperedgeList(sparse)):
        np.testing.assert_allclose(arriving(layout), expected, rtol=0.15)


def test_a_given_cell_is_where_every_run_starts():
    cell = leaky_filter_cell(arms=2, channels=1, key=jax.random.key(0), units=3)
    agent = OnlinePolicyGradient(cell)
    states = [agent.start(arms=2, channels=1, key=jax.random.key(n)) for n in range(2)]
    for state in states:
        np.testing.assert_array_equal(state.cell.input_weights, cell.input_weights)


@pytest.mark.parametrize(
    ("attempt", "names"),
    [
        (lambda: OnlinePolicyGradient(DENSE, learning_rate=0.0), "learning_rate"),
        (lambda: OnlinePolicyGradient(DENSE, temperature=-1.0), "temperature"),
        (
            lambda: OnlinePolicyGradient(DENSE, gradient_gains={"readout_bias": np.inf}),
            "gradient_gains",
        ),
        (lambda: TruncatedBackpropagation(0), "window"),
        (lambda: ExponentialMean(1.5), "rate"),
        (
            lambda: OnlinePolicyGradient(DENSE, trained=("weights",)).learning_groups(
                arms=3, channels=1
            ),
            "trained names 'weights'",
        ),
        (
            lambda: OnlinePolicyGradient(
                leaky_filter_cell(arms=2, channels=1, key=jax.random.key(0))
            ).start(arms=2, channels=3, key=jax.random.key(0)),
            "channels of context",
        ),
        (
            lambda: OnlinePolicyGradient(DENSE, gradient=ForwardMode(limit=100)).start(
                arms=3, channels=1, key=jax.random.key(0)
            ),
            "ForwardMode would carry",
        ),
    ],
)
def test_what_does_not_fit_is_named(attempt, names):
    with pytest.raises(ValueError, match=names):
        attempt()
