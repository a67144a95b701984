import json

import numpy as np
import pytest

from neuropil.connectivity import (
    Connectome,
    Provenance,
    connectome_from_edges,
    degree_statistics,
    describe,
    load_connectome,
    motif_statistics,
    spectral_radius,
)
from neuropil.connectivity import summary as summary_module
from neuropil.result import NotSolved


@pytest.fixture(scope="module")
def worm() -> Connectome:
    return load_connectome("celegans-cook-2019-chemical")


def test_the_summary_agrees_with_what_it_summarises(worm):
    summary, motifs, degrees = describe(worm), motif_statistics(worm), degree_statistics(worm)
    assert (summary.n_neurons, summary.n_edges) == (302, 3709)
    assert summary.connection_probability == motifs.p
    assert summary.mean_degree == degrees.mean_degree
    assert summary.variance_in_degree == degrees.variance_in_degree
    assert summary.spectral_radius == spectral_radius(worm)
    dense = np.abs(worm.to_dense())
    assert summary.largest_in_strength == pytest.approx(dense.sum(axis=1).max())
    assert summary.largest_out_strength == pytest.approx(dense.sum(axis=0).max())
    assert summary.largest_weight == dense.max()
    assert sum(summary.cell_types.values()) == 302
    for motif in summary.motifs:
        assert motif.count == getattr(motifs, motif.name)
        assert motif.alpha == getattr(motifs, f"alpha_{motif.name}")
        assert motif.alpha > 10 * motif.erdos_renyi_error
    binary = worm.binary().to_dense()
    np.fill_diagonal(binary, 0)
    assert summary.reciprocity == pytest.approx(np.sum(binary * binary.T) / np.sum(binary))
    assert summary.warnings == ("self-loops: 38 of 3709 connections",)
    assert summary.sonet_exists is True


def test_text_and_json_say_the_same(worm):
    summary = describe(worm)
    text, record = summary.to_text(), json.loads(summary.to_json())
    for phrase in ("3,709", "EM sections", "Cook et al.", "8.025", "warning: self-loops: 38 of"):
        assert phrase in text
    assert record["n_edges"] == 3709
    assert record["provenance"]["licence"] == worm.provenance.licence
    assert [motif["name"] for motif in record["motifs"]] == [
        "reciprocal", "convergent", "divergent", "chain",
    ]  # fmt: skip
    assert record["motifs"][0]["alpha"] == summary.motifs[0].alpha


def test_statistics_no_sonet_has_are_named():
    # A star: everyone converges onto one neuron, nothing diverges.
    n = 30
    star = connectome_from_edges(
        np.arange(1, n), np.zeros(n - 1, np.int64), np.ones(n - 1), n, provenance=Provenance("star")
    )
    summary = describe(star)
    assert summary.sonet_exists is False
    assert summary.sonet_reason
    assert f"does not exist: {summary.sonet_reason}" in summary.to_text()
    assert summary.spectral_radius == 0.0


def test_a_network_without_edges_is_described():
    summary = describe(Connectome(np.zeros(4, int), np.zeros(0, int), np.zeros(0)))
    assert summary.sonet_exists is None
    record = json.loads(summary.to_json())
    assert record["motifs"][0]["alpha"] is None
    assert record["reciprocity"] is None
    assert "cells without any connection: 3 of 3" in summary.to_text()


def test_inhibition_is_counted():
    pair = connectome_from_edges(np.array([0, 1]), np.array([1, 0]), np.array([-2.0, 1.0]), 2)
    summary = describe(pair)
    assert summary.inhibitory_edges == 1
    assert summary.total_weight == -1.0
    assert summary.spectral_radius == pytest.approx(np.sqrt(2))


def test_a_spectral_radius_that_is_not_found_becomes_a_warning(worm, monkeypatch):
    def stubborn(connectome):
        raise NotSolved("spectral radius: too hard")

    monkeypatch.setattr(summary_module, "spectral_radius", stubborn)
    summary = describe(worm)
    assert summary.spectral_radius is None
    assert "spectral radius: too hard" in summary.warnings
    assert "not found" in summary.to_text()
