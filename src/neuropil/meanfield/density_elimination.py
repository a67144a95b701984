"""Tridiagonal systems of implicit steps, eliminated from both ends towards the middle.

One core waits for each operation of an elimination before it begins the next; two chains at once
halve the wait. Pivots p_i = d_i - s_i / p_{i-1} would wait for a division in every row; as ratios
u_i / u_{i-1} of leading minors, u_i = d_i u_{i-1} - s_i u_{i-2}, they wait for one product, and
the divisions are independent of each other. Every pivot is at least 1, so the minors grow; they
start again from 1 with every block of rows, before they leave the range of numbers.

`factors` holds four rows of the size of the matrix: the inverse pivots, the factors that carry a
right side towards the middle, those that carry the solution outwards, and the diagonal; `product`
one more element, the products of the off-diagonal elements that face each other.
"""

from typing import no_type_check

import numba

BLOCK = 32


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
@no_type_check
def factorise(step, rightward, leftward, nu, factors, product):
    """Eliminate 1 - step A, A moving probability at these rates and losing it at rates `nu`."""
    cells = nu.size
    middle = cells // 2
    inverse, inward, outward, diagonal = factors[0], factors[1], factors[2], factors[3]
    # Slices that all begin at 0 let the compiler work on several rows at once.
    inner, inner_nu, inner_right = diagonal[1:], nu[1:], rightward[1:]
    diagonal[0] = 1 + step * (nu[0] + rightward[0])
    for i in range(cells - 2):
        inner[i] = 1 + step * (inner_nu[i] + (inner_right[i] + leftward[i]))
    diagonal[cells - 1] = 1 + step * (nu[cells - 1] + leftward[cells - 2])
    product[0], product[cells] = 0.0, 0.0
    inner_product = product[1:]
    for i in range(cells - 1):
        inner_product[i] = (step * step) * (rightward[i] * leftward[i])
    _pivots(diagonal, product, diagonal[::-1], product[::-1], inverse, inverse[::-1])
    inverse[middle] = 1 / (
        diagonal[middle]
        - product[middle] * inverse[middle - 1]
        - product[middle + 1] * inverse[middle + 1]
    )
    # The middle row is reached from below by inward[middle], from above by outward[middle].
    _products(step, rightward[:middle], inverse[:middle], inward[1:])
    _products(step, leftward[:middle], inverse[:middle], outward)
    _products(step, rightward[middle:], inverse[middle + 1 :], outward[middle + 1 :])
    _products(step, leftward[middle:], inverse[middle + 1 :], inward[middle:])
    outward[middle] = inward[middle]
    inward[middle] = step * rightward[middle - 1] * inverse[middle - 1]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _products(step, rates, inverse, into):
    for i in range(rates.size):
        into[i] = step * rates[i] * inverse[i]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract"})
@no_type_check
def _pivots(diagonal, product, diagonal_back, product_back, inverse, inverse_back):
    """Inverse pivots of the rows before and, counted from the end, after the middle."""
    middle = diagonal.size // 2
    after = diagonal.size - 1 - middle
    a, c = 0.0, 0.0
    for begin in range(0, middle, BLOCK):
        end = min(begin + BLOCK, middle)
        end_both = min(end, after)
        b, d = 1.0, 1.0
        for i in range(begin, end_both):
            minor = diagonal[i] * b - product[i] * a
            minor_back = diagonal_back[i] * d - product_back[i] * c
            inverse[i] = b / minor
            inverse_back[i] = d / minor_back
            a, b, c, d = b, minor, d, minor_back
        for i in range(max(begin, end_both), end):
            minor = diagonal[i] * b - product[i] * a
            inverse[i] = b / minor
            a, b = b, minor
        a, c = a / b, c / d


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def solve(factors, x):
    """Replace a right side by the solution."""
    inverse, inward, outward = factors[0], factors[1], factors[2]
    cells = x.size
    middle = cells // 2
    after = cells - 1 - middle
    inward_back, x_back = inward[::-1], x[::-1]
    inverse_back, outward_back = inverse[::-1], outward[::-1]
    a, b = x[0], x_back[0]
    for i in range(1, after):
        a = x[i] + inward[i] * a
        b = x_back[i] + inward_back[i] * b
        x[i] = a
        x_back[i] = b
    for i in range(max(after, 1), middle):
        a = x[i] + inward[i] * a
        x[i] = a
    centre = inverse[middle] * (x[middle] + inward[middle] * a + outward[middle] * b)
    x[middle] = centre
    a, b = centre, centre
    for i in range(middle - 1, after - 1, -1):
        a = inverse[i] * x[i] + outward[i] * a
        x[i] = a
    for i in range(after - 1, -1, -1):
        a = inverse[i] * x[i] + outward[i] * a
        b = inverse_back[i] * x_back[i] + outward_back[i] * b
        x[i] = a
        x_back[i] = b


@numba.njit(cache=True, nogil=True, fastmath={"contract"})
@no_type_check
def solve_two(factors, x, y):
    """Replace two right sides by their solutions, both at once."""
    inverse, inward, outward = factors[0], factors[1], factors[2]
    cells = x.size
    middle = cells // 2
    after = cells - 1 - middle
    inward_back, x_back, y_back = inward[::-1], x[::-1], y[::-1]
    inverse_back, outward_back = inverse[::-1], outward[::-1]
    a, b, c, d = x[0], x_back[0], y[0], y_back[0]
    for i in range(1, after):
        a = x[i] + inward[i] * a
        b = x_back[i] + inward_back[i] * b
        c = y[i] + inward[i] * c
        d = y_back[i] + inward_back[i] * d
        x[i], y[i] = a, c
        x_back[i], y_back[i] = b, d
    for i in range(max(after, 1), middle):
        a = x[i] + inward[i] * a
        c = y[i] + inward[i] * c
        x[i], y[i] = a, c
    centre = inverse[middle] * (x[middle] + inward[middle] * a + outward[middle] * b)
    other = inverse[middle] * (y[middle] + inward[middle] * c + outward[middle] * d)
    x[middle], y[middle] = centre, other
    a, b, c, d = centre, centre, other, other
    for i in range(middle - 1, after - 1, -1):
        a = inverse[i] * x[i] + outward[i] * a
        c = inverse[i] * y[i] + outward[i] * c
        x[i], y[i] = a, c
    for i in range(after - 1, -1, -1):
        a = inverse[i] * x[i] + outward[i] * a
        b = inverse_back[i] * x_back[i] + outward_back[i] * b
        c = inverse[i] * y[i] + outward[i] * c
        d = inverse_back[i] * y_back[i] + outward_back[i] * d
        x[i], y[i] = a, c
        x_back[i], y_back[i] = b, d


__all__ = ["factorise", "solve", "solve_two"]
