"""Problems whose maximum-entropy distribution is known in closed form."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import scipy.integrate
import scipy.optimize
import scipy.special
import scipy.stats

from neuropil.inference import Behaviour, HalfLine, Interval, RealLine, Simplex, Support


class ClosedForm(NamedTuple):
    """The problem, its entropy, and some natural parameters by row."""

    behaviour: Behaviour
    support: Support
    entropy: float
    eta: dict[str, float]


def gaussian(dimension: int, seed: int = 0) -> ClosedForm:
    """All means and all second moments about them, covariances included."""
    random = np.random.default_rng(seed)
    root = random.normal(size=(dimension, dimension)) / np.sqrt(dimension) + np.eye(dimension)
    covariance = root @ root.T
    mean = random.normal(size=dimension)
    rows, columns = np.triu_indices(dimension, 1)
    pairs = list(zip(rows, columns, strict=True))

    def statistics(p: dict[str, Any]) -> dict[str, Any]:
        z = p["z"]
        found = {f"z{i}": z[i] for i in range(dimension)}
        products = (z[rows] - mean[rows]) * (z[columns] - mean[columns])
        return found | {f"z{i}z{j}": products[k] for k, (i, j) in enumerate(pairs)}

    means = {f"z{i}": mean[i] for i in range(dimension)}
    means |= {f"z{i}z{j}": covariance[i, j] for i, j in pairs}
    variances = {f"z{i}": covariance[i, i] for i in range(dimension)}
    precision = np.linalg.inv(covariance)
    eta = {f"variance z{i}": -0.5 * precision[i, i] for i in range(dimension)}
    eta |= {f"mean z{i}z{j}": -precision[i, j] for i, j in pairs}
    entropy = 0.5 * np.linalg.slogdet(2 * np.pi * np.e * covariance)[1]
    support = Support({"z": RealLine(shape=(dimension,), scale=2.0)})
    return ClosedForm(Behaviour(statistics, means, variances=variances), support, entropy, eta)


def mean_square(dimension: int, mean: float = 0.05, **variances: Any) -> ClosedForm:
    """The mean of the squares of many parameters in a box: each is a truncated Gaussian."""

    def law(deviation: float) -> Any:
        return scipy.stats.truncnorm(-1 / deviation, 1 / deviation, scale=deviation)

    deviation = scipy.optimize.brentq(lambda s: law(s).var() - mean, 0.01, 0.5, xtol=1e-14)
    return ClosedForm(
        Behaviour(lambda p: {"x": jnp.mean(p["z"] ** 2)}, {"x": mean}, **variances),
        Support({"z": Interval(-1.0, 1.0, shape=(dimension,))}),
        dimension * float(law(deviation).entropy()),
        {"mean x": -0.5 * dimension / deviation**2},
    )


def independent_gaussian(dimension: int) -> ClosedForm:
    """Means and variances of many parameters, with spreads a factor of a hundred apart."""
    deviation = np.geomspace(0.1, 10, dimension)

    def statistics(p: dict[str, Any]) -> dict[str, Any]:
        return {f"z{i}": p["z"][i] for i in range(dimension)}

    means = {f"z{i}": float(i) for i in range(dimension)}
    variances = {f"z{i}": deviation[i] ** 2 for i in range(dimension)}
    entropy = float(np.sum(0.5 * np.log(2 * np.pi * np.e * deviation**2)))
    eta = {f"variance z{i}": -0.5 / deviation[i] ** 2 for i in range(dimension)}
    domain = RealLine(centre=np.arange(dimension, dtype=float), scale=3.0, shape=(dimension,))
    support = Support({"z": domain})
    return ClosedForm(Behaviour(statistics, means, variances=variances), support, entropy, eta)


def truncated_gaussian() -> ClosedForm:
    """A mean and a variance on a box that cuts the Gaussian off."""
    low, high, a, b = -1.0, 2.0, 0.7, -0.6  # exp(a x + b x^2) on [low, high]

    def moment(f: Callable[[float], float]) -> float:
        return scipy.integrate.quad(lambda x: f(x) * np.exp(a * x + b * x * x), low, high)[0]

    z = moment(lambda x: 1.0)
    mean, square = moment(lambda x: x) / z, moment(lambda x: x * x) / z
    entropy = np.log(z) - a * mean - b * square
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": mean}, variances={"x": square - mean**2})
    eta = {"mean x": a + 2 * b * mean, "variance x": b}
    return ClosedForm(behaviour, Support({"x": Interval(low, high)}), entropy, eta)


def exponential_in_a_box() -> ClosedForm:
    """A mean alone on an interval."""
    slope = 3.0
    mean = 1 / (1 - np.exp(-slope)) - 1 / slope
    entropy = np.log(np.expm1(slope) / slope) - slope * mean
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": mean})
    return ClosedForm(behaviour, Support({"x": Interval(0.0, 1.0)}), entropy, {"mean x": slope})


def exponential() -> ClosedForm:
    """A mean alone on the half line."""
    behaviour = Behaviour(lambda p: {"x": p["x"]}, {"x": 3.0})
    return ClosedForm(behaviour, Support({"x": HalfLine()}), 1 + np.log(3.0), {"mean x": -1 / 3.0})


def log_normal() -> ClosedForm:
    """Mean and variance of the logarithm."""
    mean, deviation = 0.5, 0.8
    behaviour = Behaviour(
        lambda p: {"log x": jnp.log(p["x"])}, {"log x": mean}, variances={"log x": deviation**2}
    )
    entropy = mean + 0.5 * np.log(2 * np.pi * np.e * deviation**2)
    return ClosedForm(
        behaviour, Support({"x": HalfLine()}), entropy, {"variance log x": -0.5 / deviation**2}
    )


def gamma() -> ClosedForm:
    """Means of a number and of its logarithm."""
    shape, scale = 2.5, 0.7
    behaviour = Behaviour(
        lambda p: {"x": p["x"], "log x": jnp.log(p["x"])},
        {"x": shape * scale, "log x": scipy.special.digamma(shape) + np.log(scale)},
    )
    entropy = float(scipy.stats.gamma(shape, scale=scale).entropy())
    eta = {"mean x": -1 / scale, "mean log x": shape - 1}
    return ClosedForm(behaviour, Support({"x": HalfLine()}), entropy, eta)


def beta() -> ClosedForm:
    """Means of the logarithms of a fraction and of its complement."""
    a, b = 2.0, 0.6
    digamma = scipy.special.digamma
    behaviour = Behaviour(
        lambda p: {"log x": jnp.log(p["x"]), "log 1-x": jnp.log1p(-p["x"])},
        {"log x": digamma(a) - digamma(a + b), "log 1-x": digamma(b) - digamma(a + b)},
    )
    eta = {"mean log x": a - 1, "mean log 1-x": b - 1}
    entropy = float(scipy.stats.beta(a, b).entropy())
    return ClosedForm(behaviour, Support({"x": Interval(0.0, 1.0)}), entropy, eta)


def dirichlet() -> ClosedForm:
    """Means of the logarithms of fractions that sum to one."""
    alpha = np.array([0.8, 2.0, 3.5, 1.2])
    digamma = scipy.special.digamma
    means = {f"log {i}": digamma(a) - digamma(alpha.sum()) for i, a in enumerate(alpha)}
    behaviour = Behaviour(lambda p: {f"log {i}": jnp.log(p["x"][i]) for i in range(4)}, means)
    eta = {f"mean log {i}": a - 1 for i, a in enumerate(alpha)}
    entropy = float(scipy.stats.dirichlet(alpha).entropy())
    return ClosedForm(behaviour, Support({"x": Simplex(4)}), entropy, eta)


def von_mises() -> ClosedForm:
    """Means of cosine and sine on the circle."""
    kappa, direction = 2.0, 0.7
    length = scipy.special.i1(kappa) / scipy.special.i0(kappa)
    behaviour = Behaviour(
        lambda p: {"cos": jnp.cos(p["angle"]), "sin": jnp.sin(p["angle"])},
        {"cos": length * np.cos(direction), "sin": length * np.sin(direction)},
    )
    entropy = np.log(2 * np.pi * scipy.special.i0(kappa)) - kappa * length
    eta = {"mean cos": kappa * np.cos(direction), "mean sin": kappa * np.sin(direction)}
    return ClosedForm(behaviour, Support({"angle": Interval(-np.pi, np.pi)}), entropy, eta)


def many_islands(dimension: int) -> ClosedForm:
    """Squares near one: an island around every corner of a cube, all of one mass."""
    deviation, reach = 0.15, 2.0

    def density(eta: np.ndarray, x: float) -> float:
        return float(np.exp(eta[0] * (x * x - 1) + eta[1] * ((x * x - 1) ** 2 - deviation**2)))

    def moments(eta: np.ndarray) -> tuple[float, float, float]:
        def moment(f: Callable[[float], float]) -> float:
            found = scipy.integrate.quad(lambda x: f(x) * density(eta, x), 0, reach, points=[1.0])
            return 2 * found[0]

        first = moment(lambda x: x * x - 1)
        return moment(lambda x: 1.0), first, moment(lambda x: (x * x - 1) ** 2 - deviation**2)

    solved = scipy.optimize.root(
        lambda eta: moments(eta)[1:], [0.5, -0.5 / deviation**2], tol=1e-12
    )
    assert solved.success
    z = moments(solved.x)[0]
    behaviour = Behaviour(
        lambda p: {f"square {i}": p["x"][i] ** 2 for i in range(dimension)},
        {f"square {i}": 1.0 for i in range(dimension)},
        variances={f"square {i}": deviation**2 for i in range(dimension)},
    )
    eta = {f"mean square {i}": solved.x[0] for i in range(dimension)}
    eta |= {f"variance square {i}": solved.x[1] for i in range(dimension)}
    support = Support({"x": Interval(-reach, reach, shape=(dimension,))})
    return ClosedForm(behaviour, support, dimension * np.log(z), eta)


FAMILIES = {
    "gaussian, 2 parameters": lambda: gaussian(2),
    "gaussian, 5 parameters": lambda: gaussian(5),
    "truncated gaussian": truncated_gaussian,
    "exponential in a box": exponential_in_a_box,
    "exponential": exponential,
    "log-normal": log_normal,
    "gamma": gamma,
    "beta": beta,
    "dirichlet": dirichlet,
    "von mises": von_mises,
    "4 islands": lambda: many_islands(2),
    "8 islands": lambda: many_islands(3),
}
LARGE_FAMILIES = {
    "gaussian, 10 parameters": lambda: gaussian(10),
    "gaussian, 50 parameters": lambda: independent_gaussian(50),
    "32 islands": lambda: many_islands(5),
    "mean square of 1000 parameters": lambda: mean_square(1000),
}
