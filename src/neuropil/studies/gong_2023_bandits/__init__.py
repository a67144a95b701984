"""Gong et al.: neuron-glia networks that learn bandits online while contexts change."""

from neuropil.studies.gong_2023_bandits.study import GongBanditsStudy

STUDY = GongBanditsStudy()

__all__ = ["STUDY", "GongBanditsStudy"]
