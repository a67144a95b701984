"""Jabin: tree observables of integrate-and-fire networks and the limit they converge to."""

from neuropil.studies.jabin_2023.study import JabinStudy

STUDY = JabinStudy()

__all__ = ["STUDY", "JabinStudy"]
