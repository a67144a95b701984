"""Bittner and Cunningham: all parameters that yield a behaviour, as a maximum-entropy law."""

from neuropil.studies.bittner_2018.study import BittnerStudy

STUDY = BittnerStudy()

__all__ = ["STUDY", "BittnerStudy"]
