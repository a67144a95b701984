"""Spikes: the reference network against NEST and Brian2, a large one, and exact events.

Run `python benchmarks/spikes.py`; it prints JSON. The peers are `nest-simulator` and `brian2`,
installed from the package index beside this package (Brian2 2.9 needs NumPy below 2.4); each runs
in a process of its own on one thread, after its own warm-up, and only the simulation is timed. The
reference network is that of Brunel (J. Comput. Neurosci. 8:183, 2000) in its asynchronous
irregular state: 12,500 threshold neurons with 1,250 delta synapses each, 1 s in steps of 0.1 ms,
about 37.9 Hz. The hazard model is compared with Brian2's clocked simulation of the same network.
"""

import json
import resource
import subprocess
import sys
import time
from operator import itemgetter
from typing import Any

import jax
import numpy as np

from neuropil.circuits import IntegrateAndFire, LinearDrift, SigmoidHazard
from neuropil.connectivity import Connectome, erdos_renyi, load_connectome
from neuropil.simulate import ClockedEvents, ExactEvents, spikes

NEURONS, PARTNERS, JUMP, INHIBITION = 12_500, 1_250, 0.1, 5.0
DURATION, WARM_UP = 1_000.0, 100.0
LARGE_NEURONS, LARGE_PARTNERS = 100_000, 1_000
HAZARD = {"maximum": 0.2, "midpoint": 22.0, "width": 2.5}
HAZARD_WEIGHT, HAZARD_NOISE, HAZARD_REST = 0.01, 0.95, 12.0
REPETITIONS = 3
ROWS = 1_000
LARVA = "drosophila-larva-winding-2023"

NEST = """
import json, time, nest
nest.set_verbosity("M_ERROR")
nest.ResetKernel(); nest.local_num_threads = 1; nest.resolution = 0.1
parameters = dict(tau_m=20., V_th=20., V_reset=10., t_ref=2., E_L=0., C_m=1., V_m=0.)
excitatory = nest.Create("iaf_psc_delta", 10000, parameters)
inhibitory = nest.Create("iaf_psc_delta", 2500, parameters)
everyone = excitatory + inhibitory
nest.CopyModel("static_synapse_hom_w", "up", {"weight": 0.1, "delay": 1.5})
nest.CopyModel("static_synapse_hom_w", "down", {"weight": -0.5, "delay": 1.5})
drive = nest.Create("poisson_generator", params={"rate": 20000.})
recorder = nest.Create("spike_recorder")
nest.Connect(drive, everyone, syn_spec={"synapse_model": "up"})
for source, number, model in ((excitatory, 1000, "up"), (inhibitory, 250, "down")):
    nest.Connect(source, everyone, {"rule": "fixed_indegree", "indegree": number},
                 {"synapse_model": model})
nest.Connect(everyone, recorder)
nest.Simulate(100.)
before = recorder.n_events
begin = time.perf_counter(); nest.Simulate(1000.); seconds = time.perf_counter() - begin
print("RESULT", json.dumps(dict(seconds=seconds, rate=(recorder.n_events - before) / 12500)))
"""

BRIAN = """
import json, time
from brian2 import *
prefs.codegen.target = "cython"
defaultclock.dt = 0.1*ms
seed(1)
group = NeuronGroup(12500, "dv/dt = -v/(20*ms) : volt (unless refractory)",
                    threshold="v >= 20*mV", reset="v = 10*mV", refractory=2*ms, method="exact")
up = Synapses(group[:10000], group, on_pre="v += 0.1*mV", delay=1.5*ms)
down = Synapses(group[10000:], group, on_pre="v -= 0.5*mV", delay=1.5*ms)
up.connect(p=0.1); down.connect(p=0.1)
drive = PoissonInput(group, "v", 1000, 20*Hz, weight=0.1*mV)
counter = SpikeMonitor(group, record=False)
run(100*ms)
before = counter.num_spikes
begin = time.perf_counter(); run(1000*ms); seconds = time.perf_counter() - begin
print("RESULT", json.dumps(dict(seconds=seconds, rate=(counter.num_spikes - before) / 12500)))
"""

BRIAN_HAZARD = """
import json, time
from brian2 import *
prefs.codegen.target = "cython"
defaultclock.dt = 0.1*ms
seed(1)
group = NeuronGroup(12500, '''dv/dt = (12*mV - v)/(20*ms) + 0.95*mV*xi/sqrt(ms) : volt
nu = 200*Hz/(1 + exp(-(v - 22*mV)/(2.5*mV))) : Hz''',
                    threshold="rand() < 1 - exp(-nu*dt)", reset="v = 0*mV", method="euler")
group.v = 12*mV
synapses = Synapses(group, group, on_pre="v += 0.01*mV")
synapses.connect(p=0.1)
counter = SpikeMonitor(group, record=False)
run(100*ms)
before = counter.num_spikes
begin = time.perf_counter(); run(1000*ms); seconds = time.perf_counter() - begin
print("RESULT", json.dumps(dict(seconds=seconds, rate=(counter.num_spikes - before) / 12500)))
"""


def _peer(program: str) -> dict[str, float]:
    """Run a peer in a process of its own: seconds of simulation and mean rate in Hz."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    for line in done.stdout.splitlines():
        if line.startswith("RESULT"):
            return json.loads(line.removeprefix("RESULT"))
    raise ImportError(f"a peer did not run:\n{done.stderr[-2000:]}")


def brunel(neurons: int, partners: int) -> Connectome:
    """Every neuron hears the same numbers of excitatory and inhibitory neurons, at random.

    Partners drawn twice are kept once: a few in a thousand, in the large network fewer. Made in
    blocks of rows, so that making it takes no more memory than having it.
    """
    draw = np.random.default_rng(0)
    excitatory, heard = int(0.8 * neurons), int(0.8 * partners)
    presynaptic = np.empty(neurons * partners, np.int32)
    degrees = np.empty(neurons, np.int64)
    filled = 0
    for first in range(0, neurons, ROWS):
        rows = min(ROWS, neurons - first)
        drawn = np.concatenate(
            [
                draw.integers(0, excitatory, (rows, heard), np.int32),
                draw.integers(excitatory, neurons, (rows, partners - heard), np.int32),
            ],
            axis=1,
        )
        drawn.sort(axis=1)
        distinct = np.diff(drawn, axis=1, prepend=-1) != 0
        degrees[first : first + rows] = distinct.sum(axis=1)
        kept = drawn[distinct]
        presynaptic[filled : filled + kept.size] = kept
        filled += kept.size
    presynaptic = presynaptic[:filled]
    weights = np.full(filled, JUMP)
    weights[presynaptic >= excitatory] = -INHIBITION * JUMP
    return Connectome(np.append(0, np.cumsum(degrees)), presynaptic, weights, unit="mV")


THRESHOLD_NEURONS = IntegrateAndFire(
    LinearDrift(20.0, 0.0),
    threshold=20.0,
    reset=10.0,
    refractory_period=2.0,
    delay=1.5,
    poisson_rate=20.0,
    poisson_jump=JUMP,
)
HAZARD_NEURONS = IntegrateAndFire(
    LinearDrift(20.0, HAZARD_REST), hazard=SigmoidHazard(**HAZARD), noise=HAZARD_NOISE
)


def _timed(system, connectome, method, start) -> dict[str, float]:
    """Seconds for a second of biological time after the warm-up, best of some runs.

    Taken as the difference between runs with it and runs of the warm-up alone, because that is
    what the peers' clocks see; the layout of the network by source, which each run repeats, is
    `seconds_before`, together with the warm-up.
    """

    def seconds(duration, key):
        begin = time.perf_counter()
        found = spikes(system, connectome, method, start, duration=duration, key=key)
        return time.perf_counter() - begin, found

    seconds(1.0, jax.random.key(0))
    before, whole = np.inf, np.inf
    for number in range(REPETITIONS):
        before = min(before, seconds(WARM_UP, jax.random.key(number))[0])
        took, found = seconds(WARM_UP + DURATION, jax.random.key(number))
        whole = min(whole, took)
    return {
        "seconds": whole - before,
        "seconds_before": before,
        "rate": 1000 * float(found.rates(WARM_UP).mean()),
    }


def reference_network() -> dict[str, Any]:
    """The network of Brunel, per second of biological time."""
    wiring = brunel(NEURONS, PARTNERS)
    early = _timed(THRESHOLD_NEURONS, wiring, ClockedEvents(0.1), 0.0)
    # Before, between and after: a machine that others use too has slow minutes.
    brians = [_peer(BRIAN)]
    nest = _peer(NEST)
    brians.append(_peer(BRIAN))
    late = _timed(THRESHOLD_NEURONS, wiring, ClockedEvents(0.1), 0.0)
    own, brian = (min(both, key=itemgetter("seconds")) for both in ([early, late], brians))
    return {
        "neurons": NEURONS,
        "seconds": own["seconds"],
        "seconds_before": own["seconds_before"],
        "rate_hz": own["rate"],
        "nest_seconds": nest["seconds"],
        "nest_rate_hz": nest["rate"],
        "brian2_seconds": brian["seconds"],
        "brian2_rate_hz": brian["rate"],
        "ratio_to_nest": nest["seconds"] / own["seconds"],
        "ratio_to_brian2": brian["seconds"] / own["seconds"],
    }


def hazard_network() -> dict[str, Any]:
    """The hazard model without a time step, against a clocked simulation of it."""
    wiring = erdos_renyi(NEURONS, 0.1, key=jax.random.key(0), weight=HAZARD_WEIGHT, unit="mV")
    own = _timed(HAZARD_NEURONS, wiring, ExactEvents(), HAZARD_REST)
    brian = _peer(BRIAN_HAZARD)
    return {
        "seconds": own["seconds"],
        "seconds_before": own["seconds_before"],
        "rate_hz": own["rate"],
        "brian2_seconds": brian["seconds"],
        "brian2_rate_hz": brian["rate"],
        "ratio_to_brian2": brian["seconds"] / own["seconds"],
    }


LARGE = """
import json, resource, sys, time
sys.path.insert(0, sys.argv[1])
import jax, spikes as benchmark
from neuropil.simulate import ClockedEvents, spikes
wiring = benchmark.brunel(benchmark.LARGE_NEURONS, benchmark.LARGE_PARTNERS)
spikes(benchmark.THRESHOLD_NEURONS, wiring, ClockedEvents(0.1), 0.0, duration=1.0,
       key=jax.random.key(0))
begin = time.perf_counter()
found = spikes(benchmark.THRESHOLD_NEURONS, wiring, ClockedEvents(0.1), 0.0, duration=1000.0,
               key=jax.random.key(0))
seconds = time.perf_counter() - begin
print("RESULT", json.dumps(dict(
    seconds=seconds, synapses=wiring.n_edges, rate_hz=1000 * float(found.rates(100.0).mean()),
    peak_gigabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)))
"""


def large_network() -> dict[str, Any]:
    """100,000 neurons and 100 million synapses for a second, in a process of its own."""
    folder = __file__.rpartition("/")[0] or "."
    done = subprocess.run(
        [sys.executable, "-c", LARGE, folder], capture_output=True, text=True, check=True
    )
    line = next(each for each in done.stdout.splitlines() if each.startswith("RESULT"))
    return json.loads(line.removeprefix("RESULT"))


def whole_larva() -> dict[str, Any]:
    """The larval fly brain, where its published files are at hand: seconds for a second."""
    try:
        counts = load_connectome(LARVA)
    except (OSError, ValueError) as reason:
        return {"left_out": str(reason)}
    wiring = counts.scaled(20.0 * counts.n_neurons / counts.weights.sum(), unit="mV")
    system = IntegrateAndFire(LinearDrift(20.0, 18.0), threshold=20.0, reset=10.0,
                              refractory_period=2.0, delay=1.0, noise=1.0)  # fmt: skip
    return {"neurons": wiring.n_neurons, **_timed(system, wiring, ClockedEvents(0.1), 0.0)}


def both_cores() -> dict[str, Any]:
    """Realisations on two threads against one."""
    wiring = brunel(NEURONS, PARTNERS)
    seconds = []
    for workers in (1, 2):
        begin = time.perf_counter()
        spikes(
            THRESHOLD_NEURONS, wiring, ClockedEvents(0.1), 0.0, duration=500.0,
            key=jax.random.key(0), realisations=8, workers=workers,
        )  # fmt: skip
        seconds.append(time.perf_counter() - begin)
    return {"seconds_one": seconds[0], "seconds_two": seconds[1], "ratio": seconds[0] / seconds[1]}


def run() -> dict[str, Any]:
    """All measurements."""
    return {
        "reference_network": reference_network(),
        "hazard_network": hazard_network(),
        "large_network": large_network(),
        "whole_larva": whole_larva(),
        "both_cores": both_cores(),
        "peak_gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
