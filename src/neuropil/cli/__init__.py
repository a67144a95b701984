"""The command `neuropil`: what is typed in, and what is printed."""

from neuropil.cli.main import main

__all__ = ["main"]
