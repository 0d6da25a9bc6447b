"""A party's policy pack as files: the shipped law and categories, and in `pack/` what is its own."""

from __future__ import annotations

from pathlib import Path

from broker.settings import read_text
from policies.pack import Pack, load_pack, shipped


def read_pack(party: Path) -> Pack:
    """Read and check a party's pack; ConfigurationError lists every fault of every file."""
    folder = party / "pack"
    own = {path.relative_to(folder).as_posix(): read_text(path) for path in sorted(folder.rglob("*.toml"))}
    return load_pack(shipped() | own)
