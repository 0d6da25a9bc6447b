"""The command line `mash`: each command builds what it needs and does one thing."""

import sys


def main() -> None:
    """Run a command; whoever interrupts while it is still loading gets no traceback either."""
    try:
        from agents.cli.app import main as run  # noqa: PLC0415 - loading takes a second, in which it may be interrupted
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    run()
