"""Reductions of circuits to smaller systems that predict them."""
