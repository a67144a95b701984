import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neuropil.circuits import (
    Activation,
    ConstantInput,
    HyperbolicTangent,
    Logistic,
    NeuroGlialNetwork,
    TripartiteMotif,
)
from neuropil.connectivity import NeuroGlialWiring, random_neuro_glial_wiring

NEURONS, ASTROCYTES, SYNAPSES = 5, 3, 12


def random_wiring(seed, **changes):
    sizes = {
        "n_neurons": NEURONS,
        "n_astrocytes": ASTROCYTES,
        "n_synapses": SYNAPSES,
        "n_gap_junctions": 2,
        "gap_strength": -0.7,
    }
    return random_neuro_glial_wiring(jax.random.key(seed), **sizes | changes)


def random_network(seed, wiring=None, **changes):
    """A network in which every element has its own parameters, of either sign where allowed."""
    generator = np.random.default_rng(seed)
    wiring = random_wiring(seed) if wiring is None else wiring
    sizes = {
        "neuron": wiring.n_neurons,
        "synapse": wiring.n_synapses,
        "astrocyte": wiring.n_astrocytes,
    }
    positive = {
        f"{name}_{what}": generator.uniform(0.3, 3.0, size)
        for name, size in sizes.items()
        for what in ("decay", "time_constant")
    }
    signed = {
        "hebbian_gain": generator.normal(size=wiring.n_synapses),
        "glial_gain": generator.normal(size=wiring.n_synapses),
        "coincidence_gain": generator.normal(size=wiring.n_astrocytes),
        "neuron_input": generator.normal(size=wiring.n_neurons),
        "astrocyte_input": generator.normal(size=wiring.n_astrocytes),
    }
    return NeuroGlialNetwork(wiring, **positive | signed | changes)


def equations_one_by_one(network, time, state):
    """Eq. 7 of the paper, summed in Python, with the sums of (1d) over sets of three nodes."""
    wiring = network.wiring
    n, o = wiring.n_neurons, wiring.n_synapses
    x, w, z = np.split(np.asarray(state), [n, n + o])
    phi = 1 / (1 + np.exp(-x))
    psi = np.tanh(z)
    triples = list(
        zip(wiring.pre.tolist(), wiring.post.tolist(), wiring.astrocyte.tolist(), strict=True)
    )
    dx = -network.neuron_decay * x + network.neuron_input(time)
    dw = np.zeros(o)
    dz = -network.astrocyte_decay * z + network.astrocyte_input(time)
    dx, dz = np.array(dx), np.array(dz)
    for s, (j, i, k) in enumerate(triples):
        dx[i] += w[s] * phi[j]
        dw[s] = (
            -network.synapse_decay[s] * w[s]
            + network.hebbian_gain[s] * phi[i] * phi[j]
            + network.glial_gain[s] * psi[k]
        )
    for pair, k in {(frozenset((j, i)), k) for j, i, k in triples}:
        i, j = pair
        dz[k] += network.coincidence_gain[k] * phi[i] * phi[j]
    gaps = zip(
        wiring.gap_to.tolist(), wiring.gap_from.tolist(), wiring.gap_strength.tolist(), strict=True
    )
    for k, origin, strength in gaps:
        dz[k] += strength * psi[origin]
    return np.concatenate(
        [
            dx / network.neuron_time_constant,
            dw / network.synapse_time_constant,
            dz / network.astrocyte_time_constant,
        ]
    )


field = eqx.filter_jit(lambda network, time, state: network.vector_field(time, state))


@pytest.mark.parametrize("seed", range(3))
def test_the_vector_field_is_eq_7(seed):
    # Every possible synapse: reciprocal pairs with the same astrocyte occur.
    wiring = random_wiring(seed, n_synapses=20, n_astrocytes=2, n_gap_junctions=1)
    assert not wiring.is_sensed.all()
    network = random_network(seed, wiring)
    state = jnp.asarray(np.random.default_rng(seed).normal(size=NEURONS + 20 + 2))
    found = field(network, jnp.zeros(()), state)
    np.testing.assert_allclose(
        found, equations_one_by_one(network, jnp.zeros(()), state), rtol=1e-13, atol=1e-13
    )


def test_inputs_are_functions_of_time():
    swaying = random_network(
        0,
        neuron_input=lambda time: jnp.sin(time) * jnp.arange(1.0, NEURONS + 1),
        astrocyte_input=lambda time: 2.0 * time,
    )
    state, time = jnp.linspace(-1.0, 1.0, NEURONS + SYNAPSES + ASTROCYTES), jnp.asarray(0.7)
    held = random_network(
        0, neuron_input=np.sin(0.7) * np.arange(1.0, NEURONS + 1), astrocyte_input=1.4
    )
    np.testing.assert_allclose(
        field(swaying, time, state), field(held, jnp.zeros(()), state), rtol=1e-14
    )


def test_it_contains_the_tripartite_motif():
    generator = np.random.default_rng(5)
    both = {
        "neuron_decay": generator.uniform(0.5, 2.0, 2),
        "synapse_decay": generator.uniform(0.5, 2.0, 2),
        "hebbian_gain": generator.normal(size=2),
        "glial_gain": generator.normal(size=2),
        "neuron_input": generator.normal(size=2),
        "astrocyte_input": 0.3,
        "coincidence_gain": -1.7,
        "astrocyte_decay": 0.4,
        "neuron_time_constant": 7.0,
        "synapse_time_constant": 11.0,
        "astrocyte_time_constant": 900.0,
    }
    wiring = NeuroGlialWiring(
        np.array([0, 1]), np.array([1, 0]), np.array([0, 0]), n_neurons=2, n_astrocytes=1
    )
    network, motif = NeuroGlialNetwork(wiring, **both), TripartiteMotif(**both)
    for state in jnp.asarray(generator.normal(size=(5, 5)) * 2):
        np.testing.assert_allclose(
            field(network, jnp.zeros(()), state), field(motif, jnp.zeros(()), state), rtol=1e-13
        )
    for uniform in (False, True):
        np.testing.assert_allclose(
            network.invariant_box(uniform=uniform), motif.invariant_box(uniform=uniform), rtol=1e-13
        )
    np.testing.assert_array_equal(network.is_slow, motif.is_slow)


def test_the_order_of_hyperedges_does_not_matter():
    network = random_network(4)
    order = np.random.default_rng(4).permutation(SYNAPSES)
    wiring = network.wiring
    shuffled = eqx.tree_at(
        lambda n: (n.synapse_decay, n.synapse_time_constant, n.hebbian_gain, n.glial_gain),
        network,
        replace_fn=lambda values: values[order],
    )
    shuffled = eqx.tree_at(
        lambda n: n.wiring,
        shuffled,
        NeuroGlialWiring(
            wiring.pre[order],
            wiring.post[order],
            wiring.astrocyte[order],
            n_neurons=NEURONS,
            n_astrocytes=ASTROCYTES,
            gap_junctions=dense_gaps(wiring),
        ),
    )
    state = jnp.asarray(np.random.default_rng(4).normal(size=NEURONS + SYNAPSES + ASTROCYTES))
    places = np.concatenate(
        [np.arange(NEURONS), NEURONS + order, np.arange(NEURONS + SYNAPSES, state.size)]
    )
    np.testing.assert_allclose(
        field(shuffled, jnp.zeros(()), state[places]),
        field(network, jnp.zeros(()), state)[places],
        rtol=1e-13,
    )


def dense_gaps(wiring):
    dense = np.zeros((wiring.n_astrocytes, wiring.n_astrocytes))
    dense[np.asarray(wiring.gap_to), np.asarray(wiring.gap_from)] = wiring.gap_strength
    return dense


def test_the_jacobian_agrees_with_differences():
    network = random_network(7)
    state = jnp.asarray(np.random.default_rng(7).normal(size=NEURONS + SYNAPSES + ASTROCYTES))
    jacobian = jax.jacrev(lambda at: field(network, jnp.zeros(()), at))(state)
    step = 1e-6
    for column, direction in enumerate(np.eye(state.size)):
        ahead = field(network, jnp.zeros(()), state + step * direction)
        behind = field(network, jnp.zeros(()), state - step * direction)
        np.testing.assert_allclose(jacobian[:, column], (ahead - behind) / (2 * step), atol=1e-8)


def test_one_evaluation_is_linear_in_the_hyperedges():
    """No array that occurs is larger than the largest part of the network."""
    wiring = random_wiring(0, n_neurons=400, n_astrocytes=300, n_synapses=1000, n_gap_junctions=200)
    network = NeuroGlialNetwork(wiring)
    jaxpr = jax.make_jaxpr(lambda state: network.vector_field(jnp.zeros(()), state))(
        network.join(0.1, 0.2, 0.3)
    )

    def sizes(inner):
        for equation in inner.eqns:
            yield from (np.prod(out.aval.shape, dtype=int) for out in equation.outvars)
            for value in equation.params.values():
                if hasattr(value, "jaxpr"):
                    yield from sizes(value.jaxpr)

    assert max(sizes(jaxpr.jaxpr)) == 1700


@given(seed=st.integers(0, 2**32 - 1), uniform=st.booleans(), is_tanh=st.booleans())
def test_the_flow_enters_the_invariant_box(seed, uniform, is_tanh):
    """On every face of the box the vector field points inwards, whatever the inputs do."""
    activation = HyperbolicTangent() if is_tanh else Logistic()
    network = random_network(seed % 5, neuron_activation=activation)
    generator = np.random.default_rng(seed)
    reach = {
        "neuron": generator.uniform(0, 2, NEURONS),
        "astrocyte": generator.uniform(0, 2, ASTROCYTES),
    }
    box = network.invariant_box(
        neuron_input_bound=reach["neuron"],
        astrocyte_input_bound=reach["astrocyte"],
        uniform=uniform,
    )
    driven = eqx.tree_at(
        lambda n: (n.neuron_input, n.astrocyte_input),
        network,
        tuple(
            ConstantInput(jnp.asarray(r * generator.choice([-1.0, 1.0], r.size)))
            for r in reach.values()
        ),
    )
    lower, upper = map(np.asarray, box)
    inside = generator.uniform(lower, upper)
    inside = np.where(generator.random(lower.size) < 0.5, inside, generator.choice([lower, upper]))
    for i, (face, sign) in itertools.product(range(lower.size), ((lower, 1.0), (upper, -1.0))):
        state = inside.copy()
        state[i] = face[i]
        assert sign * field(driven, jnp.zeros(()), jnp.asarray(state))[i] >= -1e-12


def test_the_uniform_box_holds_the_other_one():
    network = random_network(2)
    lower, upper = network.invariant_box()
    outer_lower, outer_upper = network.invariant_box(uniform=True)
    assert np.all(outer_lower <= lower)
    assert np.all(upper <= outer_upper)
    parts = network.parts(outer_upper)
    assert all(np.ptp(part) == 0 for part in parts)
    np.testing.assert_array_equal(outer_lower, -outer_upper)


def test_constant_inputs_bound_themselves():
    network = random_network(3)
    u, v = network.neuron_input.value, network.astrocyte_input.value
    own, wider = (
        network.invariant_box(),
        network.invariant_box(neuron_input_bound=jnp.abs(u), astrocyte_input_bound=jnp.abs(v)),
    )
    assert np.all(wider.lower <= own.lower)
    assert np.all(own.upper <= wider.upper)
    # A constant input moves the box without making it wider.
    shifted = eqx.tree_at(lambda n: n.neuron_input.value, network, u + 1.0).invariant_box()
    np.testing.assert_allclose(
        (shifted.upper - own.upper)[:NEURONS], 1.0 / network.neuron_decay, rtol=1e-12
    )
    np.testing.assert_allclose(
        (shifted.lower - own.lower)[:NEURONS], 1.0 / network.neuron_decay, rtol=1e-12
    )


def test_bounds_that_cannot_be_known_are_asked_for():
    network = random_network(0, neuron_input=lambda time: jnp.sin(time))
    with pytest.raises(ValueError, match="neuron_input is a function of time: state how far"):
        network.invariant_box()
    with pytest.raises(ValueError, match="neuron_input_bound must not be negative, got -1"):
        network.invariant_box(neuron_input_bound=-1.0)
    unbounded = random_network(0, astrocyte_activation=Activation(jnp.arctan))
    with pytest.raises(ValueError, match="astrocyte_activation must be bounded, got values from"):
        unbounded.invariant_box()


def test_states_are_put_together_and_taken_apart():
    network = random_network(1)
    weights = np.arange(float(SYNAPSES))
    state = network.join(0.5, weights, jnp.array([1.0, 2.0, 3.0]))
    parts = network.parts(jnp.stack([state, 2 * state]))
    np.testing.assert_array_equal(parts.neurons, [[0.5] * NEURONS, [1.0] * NEURONS])
    np.testing.assert_array_equal(parts.synapses, [weights, 2 * weights])
    np.testing.assert_array_equal(parts.astrocytes, [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    assert len(network.state_names) == state.size == network.is_slow.size
    assert network.state_names[NEURONS + 2] == "synapse_2"
    slow = [name for name, s in zip(network.state_names, network.is_slow, strict=True) if s]
    assert slow == ["astrocyte_0", "astrocyte_1", "astrocyte_2"]
    assert network.state_unit == ""


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron_time_constant": 0.0}, "neuron_time_constant must be positive, got 0.0"),
        ({"synapse_time_constant": -1.0}, "synapse_time_constant must be positive, got -1.0"),
        ({"astrocyte_time_constant": np.inf}, "astrocyte_time_constant must be finite, got inf"),
        ({"astrocyte_decay": [1.0, 0.0, 1.0]}, "astrocyte_decay must be positive, got 0.0"),
        ({"hebbian_gain": np.nan}, "hebbian_gain must be finite, got nan"),
        (
            {"glial_gain": np.ones(3)},
            r"glial_gain must be one value or one for each of 12 elements, got shape \(3,\)",
        ),
        ({"neuron_input": [1.0, 2.0]}, "neuron_input must give one floating-point number or one"),
        ({"astrocyte_input": np.nan}, "astrocyte_input must be finite, got nan"),
        ({"neuron_input": lambda time: jnp.arange(5)}, r"each of 5 targets, got .*int64"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        random_network(0, **changes)


def test_an_activation_needs_a_range():
    with pytest.raises(ValueError, match="upper must be above lower, got 1"):
        Activation(jnp.sin, 1.0, 1.0)
    wave = Activation(jnp.sin, -1.0, 1.0)
    np.testing.assert_array_equal(wave(jnp.asarray(0.5)), jnp.sin(0.5))
    own = random_network(0, neuron_activation=wave).invariant_box()
    known = random_network(0, neuron_activation=HyperbolicTangent()).invariant_box()
    np.testing.assert_array_equal(own, known)
