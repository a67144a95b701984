"""The steps of `density_steps`, compiled for one core of the host.

The formulas are those of `density_steps` and `density_flux`; results agree to rounding.
"""

from typing import no_type_check

import numba
import numpy as np

from neuropil.meanfield.density_elimination import factorise, solve, solve_two
from neuropil.meanfield.density_flux import LARGEST_RATIO, LEAST_SLOPE, SMALLEST_DIFFUSION
from neuropil.meanfield.density_steps import GAMMA, LARGEST_SHARE, ROOT


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def follow(
    start,
    width,
    drift,
    hazard,
    diffusion,
    reset_cell,
    reset_share,
    coupling,
    second_moment,
    step,
    saved_at,
    edge_cells,
    edge_tolerance,
    densities,
    rates,
    received,
    limited,
):
    """Take all steps of all types, filling the last four arguments.

    Returns (steps taken, type at fault or -1, what): 0 or 1 for mass at the lower or upper edge,
    2 for a value that is not finite.
    """
    types, cells = start.shape
    steps = rates.shape[0]
    now = start.copy()
    content = np.empty(types)
    rightward, leftward = np.empty(cells - 1), np.empty(cells - 1)
    factors, product = np.empty((4, cells)), np.empty(cells + 1)
    first, following, low = np.empty(cells), np.empty(cells), np.empty(cells)
    returned, across, share = np.empty(cells), np.empty(cells - 1), np.empty(cells)
    fired, slope, middle = np.empty(types), np.empty(types), np.empty(types)
    back = np.empty(3)
    for kind in range(types):
        content[kind] = _total(start[kind])
    save = 0
    while save < saved_at.size and saved_at[save] == 0:
        densities[save] = now
        save += 1
    for number in range(steps):
        for kind in range(types):
            fired[kind] = width * _inner(hazard[kind], now[kind])
        for kind in range(types):
            extra = _row_times(coupling, kind, fired)
            spread = diffusion[kind] + _row_times(second_moment, kind, fired)
            _face_rates(width, drift[kind], extra, spread, rightward, leftward)
            at_reset = _at_reset(hazard[kind], reset_cell[kind], reset_share[kind])
            gained = _gained_hazard(now[kind], hazard[kind], rightward, leftward)
            slope[kind] = width * gained + fired[kind] * at_reset
        for kind in range(types):
            middle[kind] = max(fired[kind] + step / 2 * slope[kind], 0.0)
        for kind in range(types):
            f, nu, cell, part = now[kind], hazard[kind], reset_cell[kind], reset_share[kind]
            extra = _row_times(coupling, kind, middle)
            spread = diffusion[kind] + _row_times(second_moment, kind, middle)
            received[number, kind] = extra
            _face_rates(width, drift[kind], extra, spread, rightward, leftward)
            is_weak = _is_noise_weak(width, drift[kind], extra, spread)
            begin = _reset_shares(cell, part, cells, back)
            if is_weak:
                height, weakness = _reset_jump(
                    width, drift[kind], extra, spread, fired[kind], cell, part
                )
                _limit_rates(
                    width, drift[kind], extra, spread, f, cell, part, height, across, rightward,
                    leftward,
                )  # fmt: skip
                if weakness > 0:
                    _share_jump(
                        width, drift[kind], extra, cell, part, weakness, rightward, leftward, begin,
                        back,
                    )  # fmt: skip
            factorise(GAMMA * step, rightward, leftward, nu, factors, product)
            _fill_reset(begin, back, returned)
            first[:] = f
            solve_two(factors, first, returned)
            scale = GAMMA * step / _total(returned)
            _add(scale * _inner(nu, first), returned, first)
            _second_side(first, f, following)
            solve(factors, following)
            _add(scale * _inner(nu, following), returned, following)
            _mean_density(following, first)
            mean = _inner(nu, first)
            if _any_negative(following):
                limited[kind] += 1
                _crossing(1.0, rightward, leftward, first, across)
                if is_weak:
                    _face_rates(width, drift[kind], extra, spread, rightward, leftward)
                factorise(step, rightward, leftward, nu, factors, product)
                _fill_reset(begin, back, returned)
                low[:] = f
                solve_two(factors, low, returned)
                _add(step * _inner(nu, low) / _total(returned), returned, low)
                _crossing(-1.0, rightward, leftward, low, across)
                mean = _limit(step, nu, begin, back, low, first, across, share, following)
            _scale(content[kind] / _total(following), following, f)
            rates[number, kind] = width * mean
            if width * _total(f[:edge_cells]) > edge_tolerance:
                return number + 1, kind, 0
            if width * _total(f[cells - edge_cells :]) > edge_tolerance:
                return number + 1, kind, 1
            if not np.isfinite(mean):
                return number + 1, kind, 2
        while save < saved_at.size and saved_at[save] == number + 1:
            densities[save] = now
            save += 1
    return steps, -1, 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def _row_times(matrix, row, vector):
    total = 0.0
    for column in range(vector.size):
        total += matrix[row, column] * vector[column]
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _inner(a, b):
    total = 0.0
    for i in range(a.size):
        total += a[i] * b[i]
    return total


@numba.njit(cache=True, nogil=True, fastmath={"reassoc"})
@no_type_check
def _total(a):
    total = 0.0
    for i in range(a.size):
        total += a[i]
    return total


@numba.njit(cache=True, nogil=True)
@no_type_check
def _add(amount, source, x):
    for i in range(x.size):
        x[i] += amount * source[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _scale(amount, source, x):
    for i in range(x.size):
        x[i] = amount * source[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _second_side(first, f, following):
    for i in range(f.size):
        following[i] = (1 + ROOT) * first[i] - ROOT * f[i]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _mean_density(following, first):
    """Put the mean over the step into `first`."""
    for i in range(first.size):
        first[i] = GAMMA * ((1 + ROOT) * first[i] + following[i])


@numba.njit(cache=True, nogil=True)
@no_type_check
def _any_negative(x):
    count = 0
    for i in range(x.size):
        count += x[i] < 0
    return count > 0


@numba.njit(cache=True, nogil=True)
@no_type_check
def _crossing(sign, rightward, leftward, f, across):
    """Put what crosses each face into `across`; subtract it for a negative sign."""
    for i in range(rightward.size):
        crossing = rightward[i] * f[i] - leftward[i] * f[i + 1]
        across[i] = crossing if sign > 0 else across[i] - crossing


@numba.njit(cache=True, nogil=True)
@no_type_check
def _fill_reset(begin, back, returned):
    returned[:] = 0.0
    for offset in range(3):
        returned[begin + offset] = back[offset]


@numba.njit(cache=True, nogil=True)
@no_type_check
def _reset_shares(cell, part, cells, back):
    """What comes back to three cells around the reset, without a jump; returns the first."""
    begin = min(max(cell - 1 + (part >= 0.5), 0), cells - 3)
    back[:] = 0.0
    back[cell - begin] = 1 - part
    back[cell + 1 - begin] = part
    return begin


@numba.njit(cache=True, nogil=True)
@no_type_check
def _place(cell, part):
    """`DensityTables.reset_place`."""
    if part >= 0.5:
        return cell + 1, part - 0.5
    return cell, part + 0.5


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _reset_jump(width, drift, extra, spread, rate, cell, part):
    """`density_flux.reset_jump`."""
    holder, within = _place(cell, part)
    before = drift[max(holder - 1, 0)] + extra
    after = drift[min(holder, drift.size - 1)] + extra
    if before * after <= 0:
        return 0.0, 0.0
    ratio = 0.5 * min(abs(before), abs(after)) * width / max(spread, SMALLEST_DIFFUSION)
    weakness = min(max(ratio - 1.0, 0.0), 1.0)
    return weakness * rate / ((1 - within) * before + within * after), weakness


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _share_jump(
    width, drift, extra, cell, part, weakness, rightward, leftward, begin, back
):  # fmt: skip
    """`density_flux.returned_to`, into `back`."""
    holder, within = _place(cell, part)
    left, right = 0.0, 0.0
    if holder > 0:
        share = -leftward[holder - 1] * width / (drift[holder - 1] + extra)
        left = (1 - within) * min(max(share, 0.0), 1.0)
    if holder < drift.size:
        share = rightward[holder] * width / (drift[holder] + extra)
        right = within * min(max(share, 0.0), 1.0)
    for offset in range(3):
        distance = begin + offset - holder
        at_jump = 0.0
        if distance == 0:
            at_jump = 1 - left - right
        elif distance == -1:
            at_jump = left
        elif distance == 1:
            at_jump = right
        back[offset] = (1 - weakness) * back[offset] + weakness * at_jump


@numba.njit(cache=True, nogil=True)
@no_type_check
def _at_reset(values, cell, part):
    return (1 - part) * values[cell] + part * values[cell + 1]


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _face_rates(width, drift, extra, spread, rightward, leftward):
    """`density_flux.face_rates` without a limiter."""
    scale = 0.5 * width / max(spread, SMALLEST_DIFFUSION)
    over = spread / width
    inverse = 1 / width
    for i in range(drift.size):
        velocity = drift[i] + extra
        half = 0.5 * velocity
        ratio = velocity * scale
        square = min(ratio * ratio, LARGEST_RATIO)
        top = 135135.0 + square * (62370.0 + square * (3150.0 + square * 28.0))
        bottom = 135135.0 + square * (17325.0 + square * (378.0 + square))
        exchange = max(over * (top / bottom), abs(half))
        rightward[i] = (exchange + half) * inverse
        leftward[i] = (exchange - half) * inverse


@numba.njit(cache=True, nogil=True)
@no_type_check
def _is_noise_weak(width, drift, extra, spread):
    count = 0
    for i in range(drift.size):
        count += abs(drift[i] + extra) * width > 2 * spread
    return count > 0


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _limit_rates(
    width, drift, extra, spread, f, cell, part, height, slopes, rightward, leftward
):  # fmt: skip
    """Bring `density_flux.smoothness` into the rates where noise is weak, `slopes` being room."""
    scale = 0.5 * width / max(spread, SMALLEST_DIFFUSION)
    plain = spread / width
    least = LEAST_SLOPE * f.max()
    for i in range(drift.size):
        slopes[i] = f[i + 1] - f[i]
    holder, within = _place(cell, part)
    if holder > 0:
        slopes[holder - 1] -= (1 - within) * height
    if holder < slopes.size:
        slopes[holder] -= within * height
    for i in range(drift.size):
        velocity = drift[i] + extra
        ratio = abs(velocity * scale)
        if ratio <= 1:
            continue
        slope = slopes[i]
        upstream = 0.0
        if velocity > 0 and i > 0:
            upstream = slopes[i - 1]
        elif velocity <= 0 and i + 1 < slopes.size:
            upstream = slopes[i + 1]
        if upstream * slope > 0 and min(abs(upstream), abs(slope)) > least:
            exchange = 0.5 * (rightward[i] + leftward[i]) * width
            smooth = min(1.0, 2.0 * (upstream / slope)) * min(ratio - 1.0, 1.0)
            exchange -= (exchange - plain) * smooth
            rightward[i] = (exchange + 0.5 * velocity) / width
            leftward[i] = (exchange - 0.5 * velocity) / width


@numba.njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
@no_type_check
def _gained_hazard(f, nu, rightward, leftward):
    """How fast the sum of nu f grows by movement, less what firing takes."""
    total = 0.0
    for i in range(rightward.size):
        total += (nu[i + 1] - nu[i]) * (rightward[i] * f[i] - leftward[i] * f[i + 1])
    lost = 0.0
    for i in range(f.size):
        lost += nu[i] * nu[i] * f[i]
    return total - lost


@numba.njit(cache=True, nogil=True, error_model="numpy")
@no_type_check
def _limit(step, nu, begin, back, low, during, across, share, ended):
    """`density_steps._positive_step` from its low-order step on; returns what fired per ms.

    `across` comes as a difference of rates of crossing, and goes as what crosses.
    """
    cells = nu.size
    fewer = 0.0
    for i in range(cells):
        firing = step * nu[i] * (during[i] - low[i])
        share[i] = max(firing, 0.0)
        fewer += max(-firing, 0.0)
    for offset in range(3):
        share[begin + offset] += back[offset] * fewer
    for i in range(cells - 1):
        across[i] *= step
        share[i] += max(across[i], 0.0)
        share[i + 1] += max(-across[i], 0.0)
    for i in range(cells):
        share[i] = min(1.0, LARGEST_SHARE * low[i] / share[i]) if share[i] > 0 else 1.0
    of_reset = 1.0
    for offset in range(3):
        if back[offset] > 0:
            of_reset = min(of_reset, share[begin + offset])
    fired, more, less = 0.0, 0.0, 0.0
    for i in range(cells):
        firing = step * nu[i] * (during[i] - low[i])
        fired += nu[i] * low[i]
        arriving = max(-firing, 0.0) * of_reset
        leaving = max(firing, 0.0) * share[i]
        more += leaving
        less += arriving
        if i > 0:
            arriving += max(across[i - 1], 0.0) * share[i - 1]
            leaving += max(-across[i - 1], 0.0) * share[i]
        if i < cells - 1:
            arriving += max(-across[i], 0.0) * share[i + 1]
            leaving += max(across[i], 0.0) * share[i]
        during[i] = leaving
        ended[i] = low[i] + arriving
    for offset in range(3):
        ended[begin + offset] += back[offset] * more
        during[begin + offset] += back[offset] * less
    for i in range(cells):
        ended[i] -= during[i]
    return fired + (more - less) / step


__all__ = ["follow"]
