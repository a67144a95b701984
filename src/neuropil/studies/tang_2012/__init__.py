"""Tang, Hu and Shea-Brown: heterogeneous firing rates in recurrent networks."""

from neuropil.studies.tang_2012.study import TangStudy

STUDY = TangStudy()

__all__ = ["STUDY", "TangStudy"]
