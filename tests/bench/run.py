"""`make bench`: every bench_*.py beside this file, one figure a line; `make bench ONLY=envelope` runs one."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
for folder in (HERE, HERE.parent / "support", HERE.parents[1]):
    sys.path.insert(0, str(folder))


def main(only: str = "") -> None:
    """Print each bench's medians under its name."""
    for path in sorted(HERE.glob(f"bench_{only or '*'}.py")):
        print(f"\n{path.stem}")
        for name, figure in importlib.import_module(path.stem).measure().items():
            print(f"  {name:44} {figure:14.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
