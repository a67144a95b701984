"""Peterson: what astrocytes can compute, by waves between nearest neighbours."""

from neuropil.studies.peterson_2021.study import PetersonStudy

STUDY = PetersonStudy()

__all__ = ["STUDY", "PetersonStudy"]
