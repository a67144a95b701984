"""Recurrent cells that an agent can learn with, and how their weights begin and are laid out."""
