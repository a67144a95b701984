"""Bandits whose means change with the context, and agents that learn them online."""
