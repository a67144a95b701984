import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.analysis import critical_manifold
from neuropil.circuits import tripartite_motif_figure_2
from neuropil.simulate import Stiff, integrate
from neuropil.system import AbstractSlowFastSystem, Box

RATIO = 0.01


class VanDerPol(AbstractSlowFastSystem):
    """dx/dt = x - x^3 / 3 - y, dy/dt = ratio (x + shift): folds at x = 1 and -1."""

    shift: jnp.ndarray
    ratio: jnp.ndarray

    @property
    def state_names(self):
        return ("x", "y")

    @property
    def state_unit(self):
        return ""

    @property
    def is_slow(self):
        return np.array([False, True])

    def vector_field(self, time, state):
        x, y = state
        return jnp.stack([x - x**3 / 3 - y, self.ratio * (x + self.shift)])


BOX = Box(jnp.array([-3.0]), jnp.array([3.0]))
BETWEEN = (-1.1, 1.3)


@pytest.fixture(scope="module")
def system():
    return VanDerPol(jnp.asarray(0.3), jnp.asarray(RATIO))


@pytest.fixture(scope="module")
def manifold(system):
    return critical_manifold(system, BOX, between=BETWEEN)


def test_sheets_lie_on_the_cubic_and_know_their_stability(manifold):
    assert manifold.complete
    assert len(manifold.sheets) == 3
    assert (manifold.slow_name, manifold.fast_names) == ("y", ("x",))
    for sheet in manifold.sheets:
        x = sheet.fast[:, 0]
        np.testing.assert_allclose(x - x**3 / 3, sheet.slow, atol=1e-9)
        assert np.all(np.diff(sheet.slow) > 0)
        clear = np.abs(np.abs(x) - 1) > 1e-6
        np.testing.assert_array_equal(sheet.attracting[clear], np.abs(x[clear]) > 1)
        np.testing.assert_allclose(sheet.drift, RATIO * (x + 0.3), rtol=1e-12)


def test_folds_and_jumps_are_those_of_the_cubic(manifold):
    np.testing.assert_allclose(manifold.fold_slow, [-2 / 3, 2 / 3], rtol=1e-12)
    np.testing.assert_allclose(manifold.fold_fast[:, 0], [-1.0, 1.0], rtol=1e-9)
    by_fold = {jump.fold: jump for jump in manifold.jumps}
    assert set(by_fold) == {0, 1}
    for fold, landing in ((0, 2.0), (1, -2.0)):
        jump = by_fold[fold]
        # x - x^3/3 = y just past the fold, on the far branch.
        roots = np.roots([-1 / 3, 0.0, 1.0, -jump.slow])
        far = roots[np.isreal(roots)].real
        np.testing.assert_allclose(jump.landing, far[np.argmin(np.abs(far - landing))], atol=1e-5)
        landed = manifold.sheets[jump.sheet]
        assert np.sign(landed.fast[landed.slow.size // 2, 0]) == np.sign(landing)


def test_the_spectral_gap_is_the_ratio_of_rates_and_vanishes_at_folds(manifold):
    for sheet in manifold.sheets:
        x = sheet.fast[:, 0]
        # dx/dy = 1 / (1 - x^2), so that d(drift)/dy = ratio / (1 - x^2).
        expected = np.abs(1 - x**2) ** 2 / RATIO
        np.testing.assert_allclose(sheet.spectral_gap, expected, rtol=1e-6, atol=1e-6)


def test_equilibria_are_those_of_the_whole_system(manifold):
    np.testing.assert_allclose(manifold.equilibrium_fast[:, 0], [-0.3], rtol=1e-10)
    np.testing.assert_allclose(manifold.equilibrium_slow, -0.3 + 0.3**3 / 3, rtol=1e-10)
    assert not manifold.equilibrium_stable[0]


@pytest.mark.slow
def test_a_relaxation_oscillation_keeps_to_the_attracting_sheets(system, manifold):
    times = np.linspace(0.0, 2000.0, 4001)
    path = integrate(system, Stiff(), jnp.array([2.0, 0.0]), times=times)
    states = np.asarray(path.states)
    inside = (states[:, 1] > BETWEEN[0]) & (states[:, 1] < BETWEEN[1])
    distance = manifold.distance(states[inside, 1], states[inside, :1])
    attracting = [bool(sheet.attracting[sheet.slow.size // 2]) for sheet in manifold.sheets]
    assert np.mean(distance[:, attracting].min(axis=1) < 0.2) > 0.85
    visited = distance.argmin(axis=1)[distance.min(axis=1) < 0.05]
    assert set(np.flatnonzero(attracting)) <= set(visited)


def test_the_drift_decides_whether_a_fold_is_left():
    # With the equilibrium on the left sheet only the right one is left over its fold.
    excitable = VanDerPol(jnp.asarray(1.2), jnp.asarray(RATIO))
    manifold = critical_manifold(excitable, BOX, between=BETWEEN)
    assert [round(float(jump.start[0])) for jump in manifold.jumps] == [1]
    assert list(manifold.equilibrium_stable) == [True]


def test_it_becomes_a_labelled_dataset(manifold):
    data = manifold.to_xarray()
    assert data.sizes["point"] == sum(sheet.slow.size for sheet in manifold.sheets)
    assert set(data.sheet.values) == {0, 1, 2}
    assert data.attrs["slow_name"] == "y"
    assert data.sizes["jump"] == 2


@pytest.mark.slow
def test_equilibria_of_the_motif_of_figure_2_lie_on_its_sheets():
    motif = tripartite_motif_figure_2()
    box = motif.invariant_box(uniform=True)
    fast = Box(box.lower[:4], box.upper[:4])
    manifold = critical_manifold(motif, fast, between=(-1.0, 5.0))
    np.testing.assert_allclose(
        np.sort(manifold.equilibrium_slow),
        [1.448910276009761, 3.266556331061027, 3.889691725487970],
        rtol=1e-12,
    )
    assert sorted(manifold.equilibrium_stable) == [False, True, True]
    assert manifold.fold_slow == pytest.approx(np.arctanh([0.8925412881398885]), rel=1e-12)
    assert not manifold.jumps


def test_only_one_slow_variable_is_taken():
    class TwoSlow(VanDerPol):
        @property
        def is_slow(self):
            return np.array([True, True])

    with pytest.raises(ValueError, match="exactly one slow variable, got 2"):
        critical_manifold(TwoSlow(jnp.asarray(0.0), jnp.asarray(1.0)), BOX, between=BETWEEN)
