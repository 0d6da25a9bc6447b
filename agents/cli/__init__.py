"""The command line `mash`: each command builds what it needs and does one thing."""

from agents.cli.app import main

__all__ = ["main"]
