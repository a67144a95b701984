import jax
import jax.numpy as jnp
import numpy as np
import pytest

from neuropil.result import NotSolved, Outcome
from neuropil.simulate import Trajectory


def trajectory(slope=1.0, outcome=Outcome.SUCCESSFUL, component=-1, first=0.0):
    times = jnp.arange(4.0) + first
    return Trajectory(
        times=times,
        states=slope * times[:, None] * jnp.array([[1.0, 10.0]]),
        outcome=jnp.asarray(int(outcome)),
        end_time=jnp.asarray(2.5),
        failing_component=jnp.asarray(component),
        n_steps=jnp.asarray(7),
        names=("v", "w"),
        system_names=("u", "v", "w"),
        unit="mV",
    )


def test_components_are_found_by_name():
    found = trajectory()
    np.testing.assert_array_equal(found.of("w"), [0.0, 10.0, 20.0, 30.0])
    np.testing.assert_array_equal(found.final_state, [3.0, 30.0])
    with pytest.raises(ValueError, match="name must be one of v, w; got 'u'"):
        found.of("u")


def test_it_becomes_a_labelled_dataset():
    data = trajectory().to_xarray()
    assert data["state"].dims == ("time", "component")
    assert data["state"].attrs["units"] == "mV"
    assert data["time"].attrs["units"] == "ms"
    assert data["state"].sel(time=2.0, component="w") == 20.0
    assert data["outcome"] == Outcome.SUCCESSFUL
    assert data["end_time"] == 2.5


def test_batches_get_named_axes():
    batch = jax.vmap(trajectory)(jnp.array([1.0, 2.0, 3.0]))
    data = batch.to_xarray("gain")
    assert data["state"].dims == ("gain", "time", "component")
    np.testing.assert_array_equal(data["state"].sel(time=1.0, component="v"), [1.0, 2.0, 3.0])
    assert batch.to_xarray()["outcome"].dims == ("batch_0",)
    np.testing.assert_array_equal(batch.of("v")[:, 1], [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="batch_dimensions must name 1 axes"):
        batch.to_xarray("gain", "seed")


def test_batches_with_times_of_their_own_keep_them():
    batch = jax.vmap(lambda first: trajectory(first=first))(jnp.array([0.0, 5.0]))
    data = batch.to_xarray("first")
    assert "time" not in data.coords
    np.testing.assert_array_equal(data["time_of_state"][1], [5.0, 6.0, 7.0, 8.0])


def test_failures_say_when_and_in_which_variable():
    lost = trajectory(outcome=Outcome.NOT_FINITE, component=2)
    assert lost.failure == "w left the finite range at 2.5 ms"
    with pytest.raises(NotSolved, match=r"integration \(w left the finite range at 2.5 ms\)"):
        lost.raise_unless_successful()
    stuck = trajectory(outcome=Outcome.MAXIMUM_STEPS_REACHED, component=0)
    assert stuck.failure == "stopped at 2.5 ms, fast in u"
    assert trajectory().failure == ""
    trajectory().raise_unless_successful()


def test_of_a_batch_the_first_failure_is_told():
    batch = jax.tree.map(
        lambda *leaves: jnp.stack(leaves),
        trajectory(),
        trajectory(outcome=Outcome.NOT_FINITE, component=1),
        trajectory(outcome=Outcome.NOT_FINITE, component=0),
    )
    assert batch.failure == "v left the finite range at 2.5 ms"
    with pytest.raises(NotSolved, match="2 of 3 not solved"):
        batch.raise_unless_successful()
