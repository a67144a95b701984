import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.circuits import (
    Activation,
    TripartiteMotif,
    tripartite_motif_figure_2,
    tripartite_motif_figure_8a,
    tripartite_motif_figure_9,
)
from neuropil.system import layer

NOW = jnp.zeros(())

# Computed with 50 digits by Newton's method on eq. 15; (x1, x2, w1, w2, z).
EQUILIBRIA = [
    (
        tripartite_motif_figure_2,
        (
            0.576018421736738,
            -1.229100353377734,
            -1.152010262048436,
            1.781456271824560,
            1.448910276009761,
        ),
        0,
    ),
    (
        tripartite_motif_figure_2,
        (
            0.566698396001891,
            0.445919388106698,
            0.419359269628207,
            0.650663131463277,
            3.889691725487970,
        ),
        0,
    ),
    (
        tripartite_motif_figure_2,
        (
            0.704989358207086,
            -0.0477662804280542,
            -0.0428209561883550,
            1.011129457592485,
            3.266556331061027,
        ),
        1,
    ),
    (
        tripartite_motif_figure_8a,
        (
            0.189696618607056,
            -0.780089405166368,
            -1.425387205713045,
            1.207103060140740,
            0.567637001780039,
        ),
        0,
    ),
]

# Folds of the layer system, 50 digits: (psi(z), x1, x2).
FOLDS = [
    (
        tripartite_motif_figure_9,
        0.781805127560162503890721,
        1.527308192587218581375,
        -1.945162916807643213018,
    ),
    (tripartite_motif_figure_9, 2.272722818736449173121, 13.47281512273858, 2.558946001482060),
    (tripartite_motif_figure_2, 0.8925412881398885115337, 0.6013579169826086, -1.082550929918600),
    (tripartite_motif_figure_2, 1.021152939696538880, 0.6603479178037269, 0.2512973334767775),
]


@pytest.mark.parametrize(("motif", "equilibrium", "n_unstable"), EQUILIBRIA)
def test_known_equilibria_are_at_rest(motif, equilibrium, n_unstable):
    circuit, state = motif(), jnp.asarray(equilibrium)
    np.testing.assert_allclose(circuit.vector_field(NOW, state), 0.0, atol=1e-12)
    # In the time unit of the fastest equations too.
    np.testing.assert_allclose(10.0 * circuit.vector_field(NOW, state), 0.0, atol=1e-12)
    eigenvalues = np.linalg.eigvals(jax.jacfwd(circuit.vector_field, argnums=1)(NOW, state))
    assert np.sum(eigenvalues.real > 0) == n_unstable
    for uniform in (False, True):
        lower, upper = circuit.invariant_box(uniform=uniform)
        assert np.all((lower < state) & (state < upper))


def with_output_as_state(motif):
    """The same circuit with psi the identity: the slow state is then psi itself."""
    circuit = motif()
    return TripartiteMotif(
        circuit.neuron_decay,
        circuit.synapse_decay,
        hebbian_gain=circuit.hebbian_gain,
        glial_gain=circuit.glial_gain,
        astrocyte_activation=Activation(lambda z: z),
    )


@pytest.mark.parametrize(("motif", "output", "x1", "x2"), FOLDS)
def test_known_folds_are_singular_equilibria_of_the_layer(motif, output, x1, x2):
    circuit = with_output_as_state(motif)
    rates = 1 / (1 + np.exp([-x1, -x2]))
    drive = circuit.hebbian_gain * np.prod(rates) + circuit.glial_gain * output
    state = jnp.asarray([x1, x2, *drive / circuit.synapse_decay])
    frozen = layer(circuit, output)
    np.testing.assert_allclose(10.0 * frozen.vector_field(NOW, state), 0.0, atol=2e-14 * max(1, x1))
    jacobian = jax.jacfwd(frozen.vector_field, argnums=1)(NOW, state)
    eigenvalues = np.linalg.eigvals(jacobian)
    nearest = np.argsort(np.abs(eigenvalues))
    assert abs(eigenvalues[nearest[0]]) < 1e-13
    assert abs(eigenvalues[nearest[1]]) > 1e-2


def test_the_layer_is_system_27():
    circuit = tripartite_motif_figure_9()
    z, state = 0.4, jnp.asarray([0.3, -0.2, 1.5, -0.8])
    a, b, c, d = (0.3, 0.4), (1.0, 0.5), (6.0, -5.0), (-2.0, 3.0)
    x1, x2, w1, w2 = state
    phi1, phi2 = 1 / (1 + np.exp(-x1)), 1 / (1 + np.exp(-x2))
    by_hand = [
        -a[0] * x1 + w2 * phi2,
        -a[1] * x2 + w1 * phi1,
        -b[0] * w1 + c[0] * phi1 * phi2 + d[0] * np.tanh(z),
        -b[1] * w2 + c[1] * phi1 * phi2 + d[1] * np.tanh(z),
    ]
    frozen = layer(circuit, z)
    assert frozen.state_names == ("x1", "x2", "w1", "w2")
    np.testing.assert_allclose(10.0 * frozen.vector_field(NOW, state), by_hand, rtol=1e-14)


def test_the_box_of_theorem_1_is_that_of_the_paper():
    # Fig. 2: w_max = (12 + 5) / 1.6, x_max = w_max / 0.6, z_max = 6 / 0.6.
    lower, upper = tripartite_motif_figure_2().invariant_box(uniform=True)
    expected = [17 / 1.6 / 0.6, 17 / 1.6 / 0.6, 17 / 1.6, 17 / 1.6, 10.0]
    np.testing.assert_allclose(upper, expected, rtol=1e-15)
    np.testing.assert_allclose(lower, -upper, rtol=0)


def test_the_tight_box_keeps_signs_apart():
    # Logistic rates lie between 0 and 1: z in (0, 6/0.6), w1 in (0 - 4, 12 + 4) / 1.6,
    # w2 in (-10 - 5, 0 + 5) / 1.7, and x1 = w2 phi / 0.7, x2 = w1 phi / 0.6.
    lower, upper = tripartite_motif_figure_2().invariant_box()
    np.testing.assert_allclose(
        lower, [-15 / 1.7 / 0.7, -4 / 1.6 / 0.6, -4 / 1.6, -15 / 1.7, 0.0], rtol=1e-15
    )
    np.testing.assert_allclose(
        upper, [5 / 1.7 / 0.7, 16 / 1.6 / 0.6, 16 / 1.6, 5 / 1.7, 10.0], rtol=1e-15
    )


def test_inputs_widen_the_box():
    circuit = tripartite_motif_figure_2()
    plain = circuit.invariant_box(uniform=True).upper
    driven = circuit.invariant_box(
        neuron_input_bound=0.5, astrocyte_input_bound=1.2, uniform=True
    ).upper
    np.testing.assert_allclose(driven - plain, [0.5 / 0.6, 0.5 / 0.6, 0, 0, 1.2 / 0.6], atol=1e-14)


def test_neurons_may_be_swapped_with_their_parameters():
    circuit = tripartite_motif_figure_8a()
    swapped = TripartiteMotif(
        circuit.neuron_decay[::-1],
        circuit.synapse_decay[::-1],
        circuit.astrocyte_decay,
        circuit.hebbian_gain[::-1],
        circuit.glial_gain[::-1],
        circuit.coincidence_gain,
    )
    state = jnp.asarray([0.3, -0.2, 1.5, -0.8, 0.4])
    order = np.array([1, 0, 3, 2, 4])
    np.testing.assert_allclose(
        swapped.vector_field(NOW, state[order]), circuit.vector_field(NOW, state)[order], rtol=1e-15
    )


def test_figure_9_leaves_the_astrocyte_open():
    circuit = tripartite_motif_figure_9(astrocyte_decay=0.6, coincidence_gain=6.0)
    state = jnp.asarray([0.0, 0.0, 0.0, 0.0, 0.5])
    # -0.6 * 0.5 + 6 / 4, over 1000 ms.
    np.testing.assert_allclose(circuit.vector_field(NOW, state)[4], 1.2e-3, rtol=1e-14)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"neuron_decay": [1.0, -0.5]}, "neuron_decay must be positive, got -0.5"),
        ({"synapse_decay": [1.0, 1.0, 1.0]}, r"each of 2 elements, got shape \(3,\)"),
        ({"neuron_time_constant": 0.0}, "neuron_time_constant must be positive, got 0.0"),
        ({"coincidence_gain": np.inf}, "coincidence_gain must be finite, got inf"),
        ({"neuron_input": [0.0, np.nan]}, "neuron_input must be finite"),
        ({"neuron_input": lambda time: jnp.ones(3)}, "one for each of 2 targets"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        TripartiteMotif(**changes)
