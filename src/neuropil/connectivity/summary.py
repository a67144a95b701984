"""What a connectome is, in numbers that fit on a page."""

import json
import math
from dataclasses import asdict, dataclass

from neuropil.connectivity.connectome import Connectome, Provenance
from neuropil.connectivity.natural_scaling import natural_scaling
from neuropil.connectivity.sonet_feasibility import sonet_feasibility
from neuropil.connectivity.spectrum import spectral_radius
from neuropil.connectivity.statistics import (
    degree_statistics,
    erdos_renyi_motif_errors,
    motif_statistics,
)
from neuropil.result import NotSolved

MOTIFS = ("reciprocal", "convergent", "divergent", "chain")


@dataclass(frozen=True)
class MotifSummary:
    """One second-order motif: how often, and how far from independent edges.

    `erdos_renyi_error` is the standard deviation of `alpha` over Erdos-Renyi graphs of this size
    and density, in which its mean is 0.
    """

    name: str
    count: int
    frequency: float
    alpha: float
    erdos_renyi_error: float


@dataclass(frozen=True)
class ConnectomeSummary:
    """Size, degrees, motifs and spectrum of a connectome, and what to beware of.

    Degrees leave self-loops out; moments are those over neurons. `reciprocity` is the share of
    edges that are answered. `spectral_radius` is None where it was not found. The largest sums of
    |weights| onto and from a neuron, and the largest of them, are those of `natural_scaling`.
    """

    provenance: Provenance
    unit: str
    n_neurons: int
    n_edges: int
    total_weight: float
    inhibitory_edges: int
    cell_types: dict[str, int]
    connection_probability: float
    mean_degree: float
    variance_in_degree: float
    variance_out_degree: float
    covariance_in_out_degree: float
    mean_strength: float
    variance_in_strength: float
    variance_out_strength: float
    covariance_in_out_strength: float
    reciprocity: float
    motifs: tuple[MotifSummary, ...]
    sonet_exists: bool | None
    sonet_reason: str
    spectral_radius: float | None
    largest_in_strength: float
    largest_out_strength: float
    largest_weight: float
    warnings: tuple[str, ...]

    def to_json(self) -> str:
        """The summary as JSON; numbers that are not finite are null."""
        return json.dumps(_finite(asdict(self)), indent=2, ensure_ascii=False)

    def to_text(self) -> str:
        """The summary as lines of text."""
        weight_unit = f" {self.unit}" if self.unit else ""
        lines = [self.provenance.name]
        lines += [f"  {text}" for text in (self.provenance.source, self.provenance.licence) if text]
        lines += [f"  note: {note}" for note in self.provenance.notes]
        lines += [
            "",
            f"neurons               {self.n_neurons:,}",
            f"connections           {self.n_edges:,}, {self.inhibitory_edges:,} of them negative",
            f"total weight          {self.total_weight:,.6g}{weight_unit}",
            f"probability p         {self.connection_probability:.4g} (self-loops left out)",
        ]
        lines += [f"  {kind:<19} {count:,}" for kind, count in self.cell_types.items()]
        lines += [
            "",
            "                      mean          variance in   variance out  covariance in-out",
            f"degree                {self.mean_degree:<13.4g} {self.variance_in_degree:<13.4g} "
            f"{self.variance_out_degree:<13.4g} {self.covariance_in_out_degree:.4g}",
            f"strength              {self.mean_strength:<13.4g} {self.variance_in_strength:<13.4g} "
            f"{self.variance_out_strength:<13.4g} {self.covariance_in_out_strength:.4g}",
            "",
            f"edges answered        {self.reciprocity:.1%}",
            "",
            "motif                 count         frequency     alpha         Erdos-Renyi",
        ]
        lines += [
            f"{motif.name:<21} {motif.count:<13,} {motif.frequency:<13.4g} {motif.alpha:<13.4g} "
            f"0 +- {motif.erdos_renyi_error:.2g}"
            for motif in self.motifs
        ]
        if self.sonet_exists is None:
            sonet = self.sonet_reason
        else:
            sonet = "exists" if self.sonet_exists else f"does not exist: {self.sonet_reason}"
        radius = "not found" if self.spectral_radius is None else f"{self.spectral_radius:.6g}"
        lines += ["", f"SONET of these alpha  {sonet}", f"spectral radius       {radius}"]
        bound = max(self.largest_in_strength, self.largest_out_strength)
        share = f", {self.largest_weight / bound:.2g} of the larger sum" if bound else ""
        lines += [
            f"largest sums of |w|   {self.largest_in_strength:.6g} in, "
            f"{self.largest_out_strength:.6g} out",
            f"largest |w|           {self.largest_weight:.6g}{share} (small: mean-field limit)",
        ]
        lines += [f"warning: {warning}" for warning in self.warnings]
        return "\n".join(lines)


def describe(connectome: Connectome) -> ConnectomeSummary:
    """Sizes, degree moments, motifs against Erdos-Renyi, spectral radius and warnings.

    Time and memory are linear in the edges, apart from the spectral radius. Raises `ValueError`
    when there are no neurons.
    """
    degrees = degree_statistics(connectome)
    motifs = motif_statistics(connectome)
    scaling = natural_scaling(connectome)
    warnings = list(connectome.checks())
    n = connectome.n_neurons
    between_cells = motifs.n_edges
    try:
        radius: float | None = spectral_radius(connectome)
    except NotSolved as error:
        radius = None
        warnings.append(str(error))
    alphas = {name: getattr(motifs, f"alpha_{name}") for name in MOTIFS}
    if between_cells and n >= 3:
        errors = erdos_renyi_motif_errors(n, motifs.p)
    else:
        errors = None
    exists, reason = _sonet(motifs.p, alphas)
    kinds = connectome.cell_types or ()
    return ConnectomeSummary(
        provenance=connectome.provenance,
        unit=connectome.unit,
        n_neurons=n,
        n_edges=connectome.n_edges,
        total_weight=float(connectome.weights.sum()),
        inhibitory_edges=int((connectome.weights < 0).sum()),
        cell_types={kind: kinds.count(kind) for kind in sorted(set(kinds))},
        connection_probability=motifs.p,
        mean_degree=degrees.mean_degree,
        variance_in_degree=degrees.variance_in_degree,
        variance_out_degree=degrees.variance_out_degree,
        covariance_in_out_degree=degrees.covariance_in_out_degree,
        mean_strength=degrees.mean_strength,
        variance_in_strength=degrees.variance_in_strength,
        variance_out_strength=degrees.variance_out_strength,
        covariance_in_out_strength=degrees.covariance_in_out_strength,
        reciprocity=2 * motifs.reciprocal / between_cells if between_cells else math.nan,
        motifs=tuple(
            MotifSummary(
                name,
                getattr(motifs, name),
                motifs.p**2 * (1 + alphas[name]),
                alphas[name],
                math.nan if errors is None else getattr(errors, name),
            )
            for name in MOTIFS
        ),
        sonet_exists=exists,
        sonet_reason=reason,
        spectral_radius=radius,
        largest_in_strength=scaling.in_strength,
        largest_out_strength=scaling.out_strength,
        largest_weight=scaling.largest_weight,
        warnings=tuple(warnings),
    )


def _sonet(p: float, alphas: dict[str, float]) -> tuple[bool | None, str]:
    if not 0 < p < 1 or not all(math.isfinite(alpha) for alpha in alphas.values()):
        return None, "not asked, without edges or with all of them"
    answer = sonet_feasibility(p, **alphas)
    return answer.feasible, answer.reason


def _finite(value):
    if isinstance(value, dict):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


__all__ = ["ConnectomeSummary", "MotifSummary", "describe"]
