"""Write the table of 50-digit firing rates against which tests and benchmark measure errors.

1 / nu = t_ref + tau sqrt(pi) int_a^b exp(u^2) erfc(-u) du is integrated numerically with 80 digits
from the exact values of the double-precision arguments. First and second derivatives in all seven
arguments follow from the integrand and its derivative at the two ends by the chain rule, in the
same precision, so that nothing is lost where ends nearly cancel.

Run `python tools/firing_rate_references.py`; it takes a few minutes. `reference(arguments)` is what
the benchmark calls.
"""

import json
import random
from pathlib import Path

import mpmath as mp

TABLE = Path(__file__).resolve().parents[1] / "tests/meanfield/firing_rate_references.json"
ARGUMENTS = (
    "mean_input",
    "noise",
    "membrane_time_constant",
    "refractory_period",
    "threshold",
    "reset",
    "leak_potential",
)
DIGITS = 80
NEGLIGIBLE = 150  # exp(-150) is below 1e-65


def scaled_complement(u: mp.mpf) -> mp.mpf:
    """erfcx(u) for u >= 0."""
    if u < 5:
        return mp.exp(u * u) * mp.erfc(u)
    return mp.hyperu(mp.mpf(1) / 2, mp.mpf(1) / 2, u * u) / mp.sqrt(mp.pi)


def integrate(function, points: list[mp.mpf]) -> mp.mpf:
    """Gauss-Legendre quadrature over consecutive pieces, refused unless good to 55 digits."""
    value, error = mp.quad(function, points, method="gauss-legendre", error=True, maxdegree=9)
    if error > abs(value) * mp.mpf(10) ** -55:
        raise ArithmeticError(f"quadrature over {points} is only good to {error}")
    return value


def pieces(start: mp.mpf, stop: mp.mpf, length: mp.mpf) -> list[mp.mpf]:
    """Equal pieces of at most the given length."""
    count = max(1, int(mp.ceil((stop - start) / length)))
    return [start + (stop - start) * i / count for i in range(count + 1)]


def integral_below(near: mp.mpf, far: mp.mpf) -> mp.mpf:
    """Integral of erfcx from `near` to `far`, with u = sinh(t)."""
    points = pieces(mp.asinh(near), mp.asinh(far), mp.mpf(1))
    return integrate(lambda t: scaled_complement(mp.sinh(t)) * mp.cosh(t), points)


def integral_above(start: mp.mpf, stop: mp.mpf) -> mp.mpf:
    """Integral of exp(u^2) erfc(-u) from `start` to `stop`, counted down from `stop`."""
    depth = min(stop - start, NEGLIGIBLE / (stop + mp.sqrt(NEGLIGIBLE)) + mp.mpf(1) / 4)
    if (stop - depth) ** 2 - stop**2 > -NEGLIGIBLE:
        depth = stop - start
    points = pieces(mp.mpf(0), depth, 4 / (stop + 4))
    return mp.exp(stop**2) * integrate(
        lambda v: mp.exp(v * (v - 2 * stop)) * mp.erfc(v - stop), points
    )


def integrand(u: mp.mpf) -> tuple[mp.mpf, mp.mpf]:
    """exp(u^2) erfc(-u) and its derivative."""
    value = mp.exp(u * u) * mp.erfc(-u) if u > 0 else scaled_complement(-u)
    return value, 2 * u * value + 2 / mp.sqrt(mp.pi)


def reference(arguments: dict[str, float]) -> dict:
    """Rate in spikes/ms, its logarithm, its gradient and the upper triangle of its Hessian."""
    mp.mp.dps = DIGITS
    exact = {name: mp.mpf(arguments[name]) for name in ARGUMENTS}
    sigma, tau = exact["noise"], exact["membrane_time_constant"]
    centre = exact["leak_potential"] + exact["mean_input"]
    gaps = exact["threshold"] - centre, exact["reset"] - centre
    b, a = gaps[0] / sigma, gaps[1] / sigma

    integral = mp.mpf(0)
    if a < 0:
        integral += integral_below(max(-b, mp.mpf(0)), -a)
    if b > 0:
        integral += integral_above(max(a, mp.mpf(0)), b)
    factor = tau * mp.sqrt(mp.pi)
    interval = exact["refractory_period"] + factor * integral

    # Derivatives of J(X / sigma) with J' = integrand, for X the distance to either end.
    index = {name: i for i, name in enumerate(ARGUMENTS)}
    integral_gradient = mp.matrix(7, 1)
    integral_hessian = mp.matrix(7, 7)
    for gap, end, sign in ((gaps[0], "threshold", 1), (gaps[1], "reset", -1)):
        x = gap / sigma
        value, slope = integrand(x)
        towards = {index[end]: 1, index["mean_input"]: -1, index["leak_potential"]: -1}
        s = index["noise"]
        for i, di in towards.items():
            integral_gradient[i] += sign * di * value / sigma
            mixed = -sign * di * (value + x * slope) / sigma**2
            integral_hessian[i, s] += mixed
            integral_hessian[s, i] += mixed
            for j, dj in towards.items():
                integral_hessian[i, j] += sign * di * dj * slope / sigma**2
        integral_gradient[s] -= sign * x * value / sigma
        integral_hessian[s, s] += sign * (2 * x * value + x * x * slope) / sigma**2

    gradient = factor * integral_gradient
    hessian = factor * integral_hessian
    t = index["membrane_time_constant"]
    for i in range(7):
        hessian[i, t] += mp.sqrt(mp.pi) * integral_gradient[i]
        hessian[t, i] += mp.sqrt(mp.pi) * integral_gradient[i]
    gradient[t] += mp.sqrt(mp.pi) * integral
    gradient[index["refractory_period"]] += 1
    rate = 1 / interval
    return {
        "rate": rate,
        "log_rate": -mp.log(interval),
        "gradient": [-(rate**2) * gradient[i] for i in range(7)],
        "hessian": [
            2 * rate**3 * gradient[i] * gradient[j] - rate**2 * hessian[i, j]
            for i in range(7)
            for j in range(i, 7)
        ],
    }


def case(mean_input: float, noise: float, **others: float) -> dict[str, float]:
    """All seven arguments, from those that differ from the defaults of `firing_rate`."""
    usual = dict(zip(ARGUMENTS, (mean_input, noise, 20.0, 2.0, 20.0, 10.0, 0.0), strict=True))
    return {name: float(value) for name, value in (usual | others).items()}


def cases() -> list[dict[str, float]]:
    """Ordinary arguments, then each limit that a formula can break in, then random ones."""
    ordinary = [case(e, s) for e in (-30, 0, 12, 19.5, 20, 25, 60) for s in (1, 4, 20)]
    # b^2 of 115, 230, 459 and 690 gives rates near 1e-50, 1e-100, 1e-200 and 1e-300 spikes/s.
    rare = [
        case(20 - distance * s, s) for distance in (10.7, 15.2, 21.42, 26.2) for s in (0.3, 1.0)
    ]
    unrepresentable = [case(0, 0.05), case(-500, 3), case(19, 1e-3)]
    driven = [
        case(e, s, refractory_period=t)
        for e in (1e3, 1e4, 1e6)
        for s in (1e-3, 1, 1e3)
        for t in (0, 2)
    ]
    quiet = [
        case(e, s)
        for s in (1e-2, 1e-3, 1e-6)
        for e in (20 - 10 * s, 20 - s, 20, 20 + s, 20 + 50 * s, 20.5, 30, 200)
    ]
    loud = [case(e, s) for e in (-1e4, 0, 15, 500) for s in (1e2, 1e3, 1e5)]
    narrow = [
        case(e, s, reset=20 - w, refractory_period=t)
        for w in (1e-3, 1e-9)
        for e, s in ((0, 5), (18, 1), (20, 2), (40, 1), (1e3, 10))
        for t in (0, 2)
    ]
    wide = [case(e, 2, reset=-1000) for e in (15, 25, 100)]
    millivolts = [
        case(e, s, threshold=-50.1, reset=-60.3, leak_potential=-70.7, membrane_time_constant=9.7)
        for e in (2.3, 15.1, 20.6, 33.3)
        for s in (0.9, 6.1)
    ]
    straddling = [case(20 - x, 1, reset=20 - 2 * x) for x in (1e-6, 1e-2)]
    rng = random.Random(0)
    drawn = []
    while len(drawn) < 40:
        noise = 10 ** rng.uniform(-2, 2)
        width = 10 ** rng.uniform(-1, 1.5)
        mean_input = 20 - noise * rng.uniform(-30, 20)
        drawn.append(
            case(
                mean_input,
                noise,
                reset=20 - width,
                membrane_time_constant=10 ** rng.uniform(0, 2),
                refractory_period=rng.choice([0.0, rng.uniform(0.1, 5)]),
            )
        )
    groups = (ordinary, rare, unrepresentable, driven, quiet, loud, narrow, wide)
    return [c for group in (*groups, millivolts, straddling, drawn) for c in group]


def main() -> None:
    """Compute every case and write the table."""
    rows = []
    for arguments in cases():
        values = reference(arguments)
        rows.append(
            {
                "arguments": list(arguments.values()),
                "rate": mp.nstr(values["rate"], 50),
                "log_rate": mp.nstr(values["log_rate"], 50),
                "gradient": [mp.nstr(value, 20) for value in values["gradient"]],
                "hessian": [mp.nstr(value, 20) for value in values["hessian"]],
            }
        )
    lines = ",\n".join(json.dumps(row) for row in rows)
    header = json.dumps(list(ARGUMENTS))
    TABLE.write_text(f'{{"arguments": {header},\n"cases": [\n{lines}\n]}}\n')
    print(f"{len(rows)} cases written to {TABLE}")


if __name__ == "__main__":
    main()
