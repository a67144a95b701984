"""The firing rate against a direct simulation of the neuron."""

import math

import numba
import numpy as np
import pytest

from neuropil.meanfield.firing_rate import firing_rate

TAU, REFRACTORY, THRESHOLD, RESET = 20.0, 2.0, 20.0, 10.0


@numba.njit
def intervals_between_spikes(generator, mean_input, noise, spikes, time_step):
    """Times between spikes, in ms.

    The potential is advanced exactly. Between two points below threshold it has crossed and come
    back with the probability of a Brownian bridge, which removes the error of order
    sqrt(time_step) of looking only at the points.
    """
    decay = math.exp(-time_step / TAU)
    spread = noise * math.sqrt(0.5 * (1.0 - decay * decay))
    crossing_scale = 2.0 / (noise * noise * time_step / TAU)
    intervals = np.empty(spikes)
    for i in range(spikes):
        v, steps, crossed = RESET, 0, False
        while not crossed:
            after = mean_input + (v - mean_input) * decay + spread * generator.standard_normal()
            steps += 1
            if after >= THRESHOLD:
                crossed = True
            else:
                exponent = crossing_scale * (THRESHOLD - v) * (THRESHOLD - after)
                crossed = exponent < 40.0 and generator.random() < math.exp(-exponent)
            v = after
        intervals[i] = REFRACTORY + (steps - 0.5) * time_step
    return intervals


@pytest.mark.parametrize(
    ("mean_input", "noise"), [(12.0, 6.0), (19.0, 2.0), (25.0, 5.0), (40.0, 1.0), (0.0, 15.0)]
)
def test_the_simulated_neuron_fires_at_this_rate(mean_input, noise):
    generator = np.random.default_rng(2718)
    intervals = intervals_between_spikes(generator, mean_input, noise, 20_000, 0.02)
    standard_error = intervals.std() / math.sqrt(intervals.size)
    expected = 1.0 / float(firing_rate(mean_input, noise))
    assert standard_error < 0.01 * expected
    # The frozen drift within a step leaves a bias well below a thousandth of the interval.
    assert abs(intervals.mean() - expected) < 3.5 * standard_error + 1e-3 * expected
