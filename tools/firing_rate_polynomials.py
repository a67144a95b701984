"""Write the polynomials from which the firing rate is evaluated.

Each function of y >= 0 is mapped by t = (y - k) / (y + k) onto [-1, 1], where what is left of it
after dividing by its asymptotic form is smooth up to t = 1 (the choice made for the scaled
complementary error function by Shepherd and Laframboise, "Chebyshev approximation of
(1 + 2x) exp(x^2) erfc x", Math. Comp. 36, 249-253, 1981). Chebyshev coefficients are computed with
40 digits, cut where what follows is below 1e-18, turned into monomial coefficients in the same
arithmetic and rounded once. With f_n(y) = exp(y^2) i^n erfc(y) the functions are

    integral   int_0^y f_0 - log(1 + y / k) / sqrt(pi), up to a constant
    dawson     (1 + 2 s) exp(-s) int_0^1 exp(s v^2) dv, as a function of s = x^2
    f0 ... f5  f_n(y) (y + c_n)^(n + 1) sqrt(pi) 2^n, c_n such that the value is 1 at 0 and infinity

Run `python tools/firing_rate_polynomials.py`; it takes a few seconds and prints the largest
error of each rounded polynomial at points between the nodes.
"""

import json
from collections.abc import Callable
from pathlib import Path

import mpmath as mp

TABLE = Path(__file__).resolve().parents[1] / "src/neuropil/meanfield/firing_rate_polynomials.json"
NODES = 80
CUT = 1e-18
HIGHEST_ORDER = 5
MIDDLE_OF_INTEGRAL, MIDDLE_OF_DAWSON, MIDDLE_OF_F = 3, 40, 4

Function = Callable[[mp.mpf], mp.mpf]


def chebyshev(function: Function) -> list[mp.mpf]:
    """Coefficients of the interpolant through the Chebyshev nodes of [-1, 1]."""
    angles = [mp.pi * (2 * j + 1) / (2 * NODES) for j in range(NODES)]
    values = [function(mp.cos(angle)) for angle in angles]
    sums = [mp.fdot(values, [mp.cos(m * angle) for angle in angles]) for m in range(NODES)]
    return [sums[0] / NODES, *(2 * total / NODES for total in sums[1:])]


def cut(coefficients: list[mp.mpf]) -> list[mp.mpf]:
    """Drop the end whose absolute values sum to less than `CUT`."""
    kept, rest = len(coefficients), mp.mpf(0)
    while rest + abs(coefficients[kept - 1]) < CUT:
        kept -= 1
        rest += abs(coefficients[kept])
    return coefficients[:kept]


def monomial(coefficients: list[mp.mpf]) -> list[mp.mpf]:
    """The same polynomial in powers of t."""
    powers = [mp.mpf(0)] * len(coefficients)
    before, now = [1], [0, 1]
    for order, coefficient in enumerate(coefficients):
        basis = before if order == 0 else now
        if order > 1:
            after = [0, *(2 * value for value in now)]
            for i, value in enumerate(before):
                after[i] -= value
            before, now = now, after
            basis = now
        for i, value in enumerate(basis):
            powers[i] += coefficient * value
    return powers


def repeated_integral(order: int, y: mp.mpf) -> mp.mpf:
    """f_n(y) through the confluent hypergeometric function U (DLMF 7.18.11)."""
    return mp.hyperu(mp.mpf(order + 1) / 2, mp.mpf(1) / 2, y * y) / (mp.sqrt(mp.pi) * 2**order)


def shift_of(order: int) -> mp.mpf:
    """c_n, from f_n(0) = 1 / (2^n Gamma(n/2 + 1))."""
    return mp.root(mp.gamma(mp.mpf(order) / 2 + 1) / mp.sqrt(mp.pi), order + 1)


def unmapped(t: mp.mpf, middle: int) -> mp.mpf:
    """The argument y that is mapped to t."""
    return middle * (1 + t) / (1 - t)


def f_of(order: int) -> Function:
    """The smooth factor of f_n."""

    def function(t: mp.mpf) -> mp.mpf:
        y = unmapped(t, MIDDLE_OF_F)
        growth = (y + shift_of(order)) ** (order + 1)
        return repeated_integral(order, y) * growth * mp.sqrt(mp.pi) * 2**order

    return function


def dawson(t: mp.mpf) -> mp.mpf:
    """The smooth factor of Dawson's integral D(x) / x."""
    s = unmapped(t, MIDDLE_OF_DAWSON)
    return (1 + 2 * s) * mp.hyp1f1(1, mp.mpf(3) / 2, -s)


def slope_of_integral(t: mp.mpf) -> mp.mpf:
    """Derivative in t of what is left of the integral of f_0 without its logarithm."""
    k = MIDDLE_OF_INTEGRAL
    y = unmapped(t, k)
    return (repeated_integral(0, y) - 1 / (mp.sqrt(mp.pi) * (y + k))) * 2 * k / (1 - t) ** 2


def integrated(coefficients: list[mp.mpf]) -> list[mp.mpf]:
    """Chebyshev coefficients of an antiderivative, without its constant."""
    padded = [2 * coefficients[0], *coefficients[1:], mp.mpf(0), mp.mpf(0)]
    return [
        mp.mpf(0),
        *((padded[m - 1] - padded[m + 1]) / (2 * m) for m in range(1, len(coefficients) + 1)),
    ]


def largest_error(function: Function, powers: list[float]) -> float:
    """Largest distance between function and polynomial at points between the nodes."""
    points = [mp.cos(mp.pi * (j + mp.mpf(1) / 3) / 150) for j in range(1, 150)]
    exact = [mp.mpf(power) for power in reversed(powers)]
    return float(max(abs(function(t) - mp.polyval(exact, t)) for t in points))


def main() -> None:
    """Compute all polynomials, report their errors and write them."""
    mp.mp.dps = 40
    table = {}
    for name, middle, function in (
        ("dawson", MIDDLE_OF_DAWSON, dawson),
        *((f"f{n}", MIDDLE_OF_F, f_of(n)) for n in range(HIGHEST_ORDER + 1)),
    ):
        powers = [float(c) for c in monomial(cut(chebyshev(function)))]
        print(f"{name}: degree {len(powers) - 1}, error {largest_error(function, powers):.1e}")
        table[name] = {"middle": float(middle), "powers": powers}

    powers = [float(c) for c in monomial(integrated(cut(chebyshev(slope_of_integral))))]
    derivative = [m * mp.mpf(power) for m, power in enumerate(powers)][1:]
    error = largest_error(slope_of_integral, derivative)
    print(f"integral: degree {len(powers) - 1}, error of its derivative {error:.1e}")
    table["integral"] = {"middle": float(MIDDLE_OF_INTEGRAL), "powers": powers}
    for order in range(HIGHEST_ORDER + 1):
        table[f"f{order}"]["shift"] = float(shift_of(order))

    TABLE.write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    main()
