import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from small_networks import random_network

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import StepKernel
from neuropil.connectivity.kernel_networks import sample_network
from neuropil.meanfield.tree_distances import Cosine, Sigmoid
from neuropil.meanfield.tree_hierarchy import hierarchy_terms
from neuropil.meanfield.trees import all_trees, rooted_trees, tree_from_name

RNG = np.random.default_rng(404)
NEURONS = IntegrateAndFire(
    drift=LinearDrift(time_constant=10.0, rest=3.0),
    hazard=SigmoidHazard(maximum=0.3, midpoint=1.0, width=2.0),
    reset=-0.5,
    noise=0.7,
    drive=0.2,
    coupling=1.3,
)
FUNCTIONS = (Cosine(0.6, 0.3), Sigmoid(0.5, 1.5), Cosine(0.4), Sigmoid(-1.0, 2.0))


def generator(tree, potentials, matrix, functions, neurons):
    """L F with F the sum over all indices: gradient, Hessian and each spike, by themselves."""
    n = len(potentials)
    places = np.array(list(itertools.product(range(n), repeat=tree.size)))
    weight = np.ones(len(places))
    for parent, child in tree.edges:
        weight = weight * matrix[places[:, parent], places[:, child]]

    def observable(v):
        product = jnp.asarray(weight)
        for vertex, function in enumerate(functions):
            product = product * function(v)[places[:, vertex]]
        return jnp.sum(product) / n

    @jax.jit
    def change(v):
        drift = neurons.vector_field(jnp.zeros(()), v)
        total = jnp.dot(drift, jax.grad(observable)(v))
        total += neurons.noise**2 / 2 * jnp.trace(jax.hessian(observable)(v))
        after = v[:, None] + neurons.coupling * matrix
        after = jnp.where(jnp.eye(n, dtype=bool), neurons.reset, after)
        spikes = jax.vmap(observable, in_axes=1)(after) - observable(v)
        return total + jnp.dot(neurons.hazard(v), spikes)

    return float(change(jnp.asarray(potentials)))


@pytest.mark.parametrize("tree", [*all_trees(up_to=3), *rooted_trees(4)[1:3]], ids=str)
def test_terms_and_remainders_are_the_exact_generator(tree):
    network = random_network(RNG, 5)
    potentials = RNG.normal(size=5)
    functions = FUNCTIONS[: tree.size]
    found = hierarchy_terms(tree, potentials, network, NEURONS, functions)
    expected = generator(tree, potentials, network.to_dense(), functions, NEURONS)
    assert np.isclose(found.exact[0], expected, rtol=1e-10, atol=1e-13)


def test_neurons_that_never_fire_follow_their_moments():
    """Without spikes d/dt of E[V_i w_ij V_j] for an Ornstein-Uhlenbeck process is known."""
    silent = IntegrateAndFire(
        drift=LinearDrift(time_constant=10.0, rest=3.0), hazard=jnp.zeros_like, noise=0.7
    )
    network = random_network(RNG, 6)
    matrix, v = network.to_dense(), RNG.normal(size=6)
    found = hierarchy_terms(tree_from_name("[[]]"), v, network, silent, lambda x: x)
    b = (3.0 - v) / 10
    assert np.isclose(found.drift[0], (b @ matrix @ v + v @ matrix @ b) / 6, rtol=1e-12)
    assert np.isclose(found.diffusion_remainder[0], 0.49 * np.trace(matrix) / 6, rtol=1e-12)
    for name in ("diffusion", "loss", "reset", "interaction", "jump_remainder"):
        assert getattr(found, name)[0] == 0


def test_one_neuron_law_by_hand():
    """On the root alone loss, reset and interaction have closed forms."""
    network = random_network(RNG, 6, loops=False)
    v = RNG.normal(size=6)
    cosine = Cosine(0.6)
    found = hierarchy_terms(tree_from_name("[]"), v, network, NEURONS, cosine)
    rates = np.asarray(NEURONS.hazard(jnp.asarray(v)))
    assert np.isclose(found.loss[0], -np.mean(rates * np.cos(0.6 * v)))
    assert np.isclose(found.reset[0], np.mean(rates) * np.cos(0.6 * 0.5))
    received = 1.3 * network.to_dense() @ rates
    assert np.isclose(found.interaction[0], np.mean(-0.6 * np.sin(0.6 * v) * received))
    assert np.isclose(found.diffusion[0], np.mean(-0.5 * 0.49 * 0.36 * np.cos(0.6 * v)))
    assert found.diffusion_remainder[0] == 0


def test_remainders_vanish_as_networks_grow():
    """With max |w| of order 1/N they fall by four for four times the neurons."""
    kernel = StepKernel(np.array([[2.0, -1.0], [1.5, 0.5]]), np.array([0.5, 0.5]))
    tree = tree_from_name("[[][]]")
    sizes = []
    for neurons in (40, 160):
        potentials = np.random.default_rng(1).normal(size=(6, neurons))
        network = sample_network(kernel, neurons).connectome
        found = hierarchy_terms(tree, potentials, network, NEURONS, Sigmoid(0.0, 1.0))
        sizes.append(np.abs([found.jump_remainder.mean(), found.diffusion_remainder.mean()]))
        scale = np.abs(found.interaction).mean()
    assert np.allclose(sizes[0] / sizes[1], 4, rtol=0.25)
    assert np.all(sizes[1] < 0.2 * scale)


def test_sampled_spikers_stand_for_all():
    network = random_network(RNG, 100, density=0.2)
    network = network.scaled(0.1)
    potentials = RNG.normal(size=(12, 100))
    tree = tree_from_name("[[]]")
    everyone = hierarchy_terms(tree, potentials, network, NEURONS, Cosine(0.6))
    some = hierarchy_terms(
        tree, potentials, network, NEURONS, Cosine(0.6), spikers=30, key=jax.random.key(3)
    )
    deviation = (some.remainder - everyone.remainder) / some.sampling_error
    assert np.all(everyone.sampling_error == 0)
    assert 0.5 < np.sqrt(np.mean(deviation**2)) < 1.7
    assert np.array_equal(some.approximate, everyone.approximate)


@pytest.mark.slow
def test_simulated_observables_change_as_the_terms_say():
    """Many short steps from one state, against the exact rate of change."""
    network = random_network(RNG, 8, loops=False).scaled(0.3)
    matrix, start = network.to_dense(), RNG.normal(size=8)
    tree = tree_from_name("[[]]")
    expected = hierarchy_terms(tree, start, network, NEURONS, Cosine(0.6)).exact[0]
    rng = np.random.default_rng(12)
    step, draws, batches = 0.02, 400_000, 20
    rates = np.asarray(NEURONS.hazard(jnp.asarray(start)))
    drift = np.asarray(NEURONS.vector_field(jnp.zeros(()), jnp.asarray(start)))

    def observable(v):
        phi = np.cos(0.6 * v)
        return np.mean(phi * (phi @ matrix.T), axis=-1)

    changes = []
    for _ in range(batches):
        noise = rng.normal(size=(draws // batches, 8))
        moved = drift * step + 0.7 * np.sqrt(step) * noise
        fired = rng.random(noise.shape) < rates * step
        after = start + moved + 1.3 * fired @ matrix.T
        after = np.where(fired, -0.5, after)
        # The same noise without spikes and mirrored takes out most of the variance.
        plain = (observable(start + moved) + observable(start + 2 * drift * step - moved)) / 2
        changes.append(np.mean(observable(after) - observable(start + moved) + plain))
    rate = (np.array(changes) - observable(start)) / step
    error = rate.std(ddof=1) / np.sqrt(batches)
    assert abs(rate.mean() - expected) < 4 * error + 0.02 * abs(expected)
    assert error < 0.05 * abs(expected)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"potentials": np.ones(4)}, "potentials must have shape"),
        ({"functions": [Cosine(1.0)]}, "one for each of 2 vertices; got 1"),
        ({"spikers": 7}, "spikers must be between 2 and 6, got 7"),
        ({"spikers": 3}, "key must be given with spikers"),
        ({"neurons": IntegrateAndFire(threshold=10.0)}, "must fire by a hazard"),
        (
            {"neurons": IntegrateAndFire(threshold=10.0, hazard=SigmoidHazard())},
            "threshold must be infinite",
        ),
        ({"neurons": IntegrateAndFire(hazard=SigmoidHazard(), delay=1.0)}, "delay must be 0"),
    ],
)
def test_bad_arguments_are_named(changes, message):
    arguments = {
        "tree": tree_from_name("[[]]"),
        "potentials": np.ones(6),
        "connectome": random_network(RNG, 6),
        "neurons": NEURONS,
        "functions": Cosine(1.0),
    }
    with pytest.raises(ValueError, match=message):
        hierarchy_terms(**{**arguments, **changes})
