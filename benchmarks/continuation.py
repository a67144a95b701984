"""Continuation: 1,000 branches of a layer system with their folds, beside AUTO in `xpplab`.

Run `python benchmarks/continuation.py`; it prints JSON. The system is the layer system of Fig. 9
of Gong, Gong and Ching over the astrocyte's output, followed from its saddle at output 1 down
through the fold and back to 1, for parameters within 2 percent of those of the figure. The fold
of every branch is compared with one found by Newton's method in 50 digits for a part of them.

The peer follows the same branches of the same parameters, one after the other, with steps that
give about as many points and tolerances of 1e-6, with which its folds are as exact. It is timed
on a part of them, which `peer_measured_branches` says, and the fastest one counts. It is left out
where `xpplab` is not installed.
"""

import importlib.metadata
import importlib.util
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np

from neuropil.analysis import PseudoArclength, continuation, continuation_batch
from neuropil.circuits import Activation, tripartite_motif_figure_9
from neuropil.system import LayerSystem, layer

BRANCHES, PEER_BRANCHES, CHECKED = 1000, 50, 20
START = jnp.array([3.09817021, -0.94755916, -0.39612965, 3.32688275])
SAMPLE = PseudoArclength(maximum_points=40)
"""Default steps: about 25 points a branch."""
FOLDS_ONLY = PseudoArclength(maximum_points=40, maximum_hopf_points=0, maximum_branch_points=0)
"""The same without looking for Hopf points and branch points, which compiles faster."""
FINE = PseudoArclength(maximum_points=130, largest_step=0.012)
"""About as many points as the peer with steps of at most 0.05."""


COMPILED: list[str] = []
"""One entry for everything that XLA has compiled."""


def _note_compilation(name: str, seconds: float, **_: Any) -> None:
    if name.endswith("backend_compile_duration"):
        COMPILED.append(name)


jax.monitoring.register_event_duration_secs_listener(_note_compilation)


def _identity(values: jax.Array) -> jax.Array:
    return values


def _layers(seed: int, number: int) -> LayerSystem:
    """Layer systems over psi(z), stacked, with decays and gains within 2 percent."""
    motif = tripartite_motif_figure_9()
    output = Activation(_identity, lower=-1.0, upper=1.0)
    motif = eqx.tree_at(lambda m: m.astrocyte_activation, motif, output)
    generator = np.random.default_rng(seed)
    changed = [
        jnp.asarray(np.asarray(values) * (1 + 0.02 * generator.uniform(-1, 1, (number, 2))))
        for values in _varied(motif)
    ]

    def make(values):
        return layer(eqx.tree_at(_varied, motif, values), 1.0)

    return eqx.filter_vmap(make)(tuple(changed))


def _varied(motif):
    return motif.neuron_decay, motif.synapse_decay, motif.hebbian_gain, motif.glial_gain


def _follow(systems, method):
    return continuation_batch(
        systems,
        method,
        START[None],
        parameter="slow_state",
        begin=1.0,
        until=-1.0,
        throw=False,
    )


def _fold_in_50_digits(a, b, c, d, guess) -> Any:
    """The fold of the two potentials and the output, by Newton's method on exact doubles."""
    mpmath.mp.dps = 50
    a, b, c, d = ([mpmath.mpf(float(x)) for x in pair] for pair in (a, b, c, d))

    def parts(x1, x2, s):
        r1, r2 = (1 / (1 + mpmath.exp(-x)) for x in (x1, x2))
        w1, w2 = ((c[i] * r1 * r2 + d[i] * s) / b[i] for i in (0, 1))
        g1, g2 = -a[0] * x1 + w2 * r2, -a[1] * x2 + w1 * r1
        q1, q2 = r1 * (1 - r1), r2 * (1 - r2)
        j11 = -a[0] + c[1] / b[1] * q1 * r2 * r2
        j12 = c[1] / b[1] * r1 * q2 * r2 + w2 * q2
        j21 = c[0] / b[0] * q1 * r2 * r1 + w1 * q1
        j22 = -a[1] + c[0] / b[0] * r1 * q2 * r1
        return g1, g2, j11 * j22 - j12 * j21

    return mpmath.findroot(parts, [mpmath.mpf(float(x)) for x in guess])[2]


def ours(method: PseudoArclength) -> dict[str, Any]:
    """Time of the first call, of repeated ones with other parameters, and error of folds."""
    times, compiled = [], []
    for seed in range(6):
        systems = jax.block_until_ready(_layers(seed, BRANCHES))
        before = len(COMPILED)
        begin = time.perf_counter()
        found = jax.block_until_ready(_follow(systems, method))
        times.append(time.perf_counter() - begin)
        compiled.append(len(COMPILED) - before)
    parameters = [np.asarray(values) for values in _varied(systems.whole)]
    errors = []
    for k in range(CHECKED):
        guess = [*np.asarray(found.fold_state[k, 0, :2]), float(found.fold_parameter[k, 0])]
        exact = _fold_in_50_digits(*(values[k] for values in parameters), guess)
        errors.append(abs(float(mpmath.mpf(float(found.fold_parameter[k, 0])) - exact)))
    return {
        "branches": BRANCHES,
        "points_a_branch": float(np.median(found.n_points)),
        "branches_with_one_fold": int(np.sum(np.asarray(found.n_folds) == 1)),
        "branches_with_failure": int(np.sum(np.asarray(found.outcome) != 0)),
        "seconds": min(times[1:]),
        "seconds_with_compilation": times[0],
        "compilations_first_call": compiled[0],
        "compilations_repeated_calls": sum(compiled[1:]),
        "microseconds_a_branch": min(times[1:]) / BRANCHES * 1e6,
        "largest_fold_error": max(errors),
        "folds_checked": CHECKED,
        "largest_fold_residual": float(np.nanmax(found.fold_residual)),
    }


_MODEL = """x1'=-a1*x1+w2*f(x2)
x2'=-a2*x2+w1*f(x1)
w1'=-b1*w1+c1*f(x1)*f(x2)+d1*s
w2'=-b2*w2+c2*f(x1)*f(x2)+d2*s
f(x)=1/(1+exp(-x))
par s=1,a1=.3,a2=.4,b1=1,b2=.5,c1=6,c2=-5,d1=-2,d2=3
init x1=3.09817021,x2=-0.94755916,w1=-0.39612965,w2=3.32688275
@ total=1
done
"""


def peer(found: Any, systems: LayerSystem, **steps: float) -> dict[str, Any]:
    """AUTO, inside xpplab, on the first branches; its folds are compared with ours."""
    import xpplab

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "layer.ode"
        path.write_text(_MODEL)
        model = xpplab.load(path)
        times, differences, points, lost = [], [], [], 0
        columns = [np.asarray(values) for values in _varied(systems.whole)]
        start = dict(zip(("x1", "x2", "w1", "w2"), map(float, START), strict=True))
        for k in range(PEER_BRANCHES):
            values = {
                f"{name}{i + 1}": float(column[k, i])
                for name, column in zip("abcd", columns, strict=True)
                for i in (0, 1)
            }
            model.set(s=1.0, **values, **start)
            model.auto.reset()
            begin = time.perf_counter()
            diagram = model.auto.equilibria(
                "s", parmin=-1.0, parmax=1.0, nmax=400, epsl=1e-6, epsu=1e-6, epss=1e-6, **steps
            )
            times.append(time.perf_counter() - begin)
            points.append(len(diagram.points))
            folds = [point.value for point in diagram.special("LP")]
            if len(folds) == 1:
                differences.append(abs(folds[0] - float(found.fold_parameter[k, 0])))
            else:
                lost += 1
    return {
        "peer": "xpplab " + importlib.metadata.version("xpplab"),
        "peer_measured_branches": PEER_BRANCHES,
        "peer_points_a_branch": float(np.median(points)),
        "peer_microseconds_a_branch": min(times) * 1e6,
        "peer_median_microseconds_a_branch": float(np.median(times)) * 1e6,
        "peer_branches_without_one_fold": lost,
        "largest_difference_of_folds": max(differences, default=float("nan")),
    }


def first_call() -> dict[str, Any]:
    """The first call for one branch with all kinds of special points, and one with other values."""
    result = {}
    for name, factor in (("first", 1.0), ("repeated", 1.01)):
        system = jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, _layers(0, 1))
        system = eqx.tree_at(
            lambda s: s.whole.hebbian_gain, system, replace_fn=partial(jnp.multiply, factor)
        )
        before = len(COMPILED)
        begin = time.perf_counter()
        branch = continuation(
            system, PseudoArclength(), START, parameter="slow_state", begin=1.0, until=-1.0
        )
        jax.block_until_ready(branch)
        result[f"seconds_{name}_call"] = time.perf_counter() - begin
        result[f"compilations_{name}_call"] = len(COMPILED) - before
    return result


def run() -> dict[str, Any]:
    """Both step sizes, each beside the peer with as many points where that is installed."""
    results: dict[str, Any] = {"one_branch": first_call()}
    for name, method, steps in (
        ("default_steps", SAMPLE, {"ds": -0.02, "dsmin": 1e-4, "dsmax": 0.5}),
        ("fine_steps", FINE, {"ds": -0.02, "dsmin": 1e-4, "dsmax": 0.05}),
    ):
        measured = ours(method)
        if importlib.util.find_spec("xpplab") is not None:
            systems = _layers(0, BRANCHES)
            measured |= peer(_follow(systems, method), systems, **steps)
            ratio = measured["peer_microseconds_a_branch"] / measured["microseconds_a_branch"]
            measured["ratio"] = ratio
        results[name] = measured
    results["folds_only"] = ours(FOLDS_ONLY)
    return results


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
