"""The parameters of a model by name, each with its domain, laid out as one vector."""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from neuropil.inference.domains import AbstractDomain, BaseMeasure
from neuropil.inference.logistic import log_logistic
from neuropil.types import ArrayLike, RandomKey, Scalar

Parameters = Mapping[str, Float[ArrayLike, "..."]]


class Support(eqx.Module):
    """Named parameters and where each may lie.

    `base` is the log density (up to a constant) of the measure against which entropy is counted,
    as a function of the parameters by name; `None` is the uniform measure in the parameters as
    they stand. With a base measure the answer does not depend on how a model is parameterised.
    """

    names: tuple[str, ...] = eqx.field(static=True)
    domains: tuple[AbstractDomain, ...]
    base: BaseMeasure | None

    def __init__(self, domains: Mapping[str, AbstractDomain], *, base: BaseMeasure | None = None):
        """Raises `ValueError` when there is no parameter, `TypeError` for what is no domain."""
        if not domains:
            raise ValueError("domains must name at least one parameter")
        for name, domain in domains.items():
            if not isinstance(domain, AbstractDomain):
                raise TypeError(f"domains[{name!r}] must be a domain, got {type(domain).__name__}")
        self.names = tuple(domains)
        self.domains = tuple(domains.values())
        self.base = base

    @property
    def dimension(self) -> int:
        """How many unconstrained coordinates there are."""
        return sum(domain.n_free for domain in self.domains)

    @property
    def labels(self) -> tuple[str, ...]:
        """One name for each number in the parameters: `name`, or `name[0,1]` within an array."""
        found = []
        for name, domain in zip(self.names, self.domains, strict=True):
            for index in np.ndindex(*domain.shape):
                found.append(f"{name}[{','.join(map(str, index))}]" if index else name)
        return tuple(found)

    @property
    def units(self) -> tuple[str, ...]:
        """One unit for each of `labels`."""
        return tuple(
            domain.unit
            for domain in self.domains
            for _ in range(int(np.prod(domain.shape, dtype=int)))
        )

    @property
    def starts_at_answer(self) -> bool:
        """Whether the reference is the base measure, so that no reference has to be removed."""
        return self.base is None and all(domain.is_bounded for domain in self.domains)

    @property
    def groups(self) -> tuple[slice, ...]:
        """Where the unconstrained coordinates of each named parameter are."""
        return tuple(
            slice(start, start + domain.n_free)
            for domain, start in zip(self.domains, self._starts, strict=True)
        )

    def parameters(self, coordinates: Float[Array, " free"]) -> dict[str, Float[Array, "..."]]:
        """The parameters by name at unconstrained coordinates."""
        return {
            name: domain.value(coordinates[start : start + domain.n_free])
            for name, domain, start in zip(self.names, self.domains, self._starts, strict=True)
        }

    def vector(self, coordinates: Float[Array, " free"]) -> Float[Array, " values"]:
        """All parameter values in the order of `labels`."""
        parameters = self.parameters(coordinates)
        return jnp.concatenate([jnp.reshape(parameters[name], -1) for name in self.names])

    def named(self, vector: Float[Array, " values"]) -> dict[str, Float[Array, "..."]]:
        """The parameters by name from all values in the order of `labels`."""
        sizes = [int(np.prod(domain.shape, dtype=int)) for domain in self.domains]
        pieces = jnp.split(vector, np.cumsum(sizes)[:-1])
        return {
            name: piece.reshape(domain.shape)
            for name, domain, piece in zip(self.names, self.domains, pieces, strict=True)
        }

    def coordinates(self, parameters: Mapping[str, Float[Array, "..."]]) -> Float[Array, " free"]:
        """The unconstrained coordinates of parameters by name.

        Raises `ValueError` when the names are not those of the support.
        """
        if set(parameters) != set(self.names):
            raise ValueError(f"parameters must be {sorted(self.names)}, got {sorted(parameters)}")
        return jnp.concatenate(
            [
                domain.coordinates(parameters[name])
                for name, domain in zip(self.names, self.domains, strict=True)
            ]
        )

    def draw(self, key: RandomKey, count: int) -> Float[Array, "count free"]:
        """Unconstrained coordinates of independent draws from the reference."""
        return jax.random.logistic(key, (count, self.dimension), float)

    def log_reference(self, coordinates: Float[Array, " free"]) -> Scalar:
        """Log density of the reference against the base measure."""
        total = jnp.zeros(())
        for domain, start in zip(self.domains, self._starts, strict=True):
            total = total + domain.log_reference(coordinates[start : start + domain.n_free])
        if self.base is not None:
            total = total - self.base(self.parameters(coordinates))
        return total

    def log_volume(self, coordinates: Float[Array, " free"]) -> Scalar:
        """Log of the base measure that a unit of unconstrained coordinates covers."""
        return log_logistic(coordinates) - self.log_reference(coordinates)

    @property
    def _starts(self) -> list[int]:
        sizes = [domain.n_free for domain in self.domains]
        return [int(start) for start in np.cumsum([0, *sizes[:-1]])]


__all__ = ["Parameters", "Support"]
