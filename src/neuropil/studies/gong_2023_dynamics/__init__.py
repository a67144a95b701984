"""Gong, Pasqualetti, Papouin and Ching: dynamics of neuron-glia circuits."""

from neuropil.studies.gong_2023_dynamics.study import GongDynamicsStudy

STUDY = GongDynamicsStudy()

__all__ = ["STUDY", "GongDynamicsStudy"]
