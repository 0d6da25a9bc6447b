"""A party's policy pack as files: the shipped law and categories, and in `pack/` what is its own."""

from __future__ import annotations

from pathlib import Path

from broker.settings import read_text
from policies.agreement_checks import read_agreement
from policies.agreements import digest_of_agreement
from policies.pack import Pack, load_pack, shipped
from schemas.statements import AgreementListing, Directory


def read_pack(party: Path) -> Pack:
    """Read and check a party's pack; ConfigurationError lists every fault of every file."""
    folder = party / "pack"
    own = {path.relative_to(folder).as_posix(): read_text(path) for path in sorted(folder.rglob("*.toml"))}
    return load_pack(shipped() | own)


def listing_of(agreement: Path) -> AgreementListing:
    """An agreement as officers sign it into the directory; ConfigurationError lists every fault of its own."""
    text = read_text(agreement)
    return AgreementListing(id=read_agreement(text, str(agreement)).model.id, digest=digest_of_agreement(text))


def signed_pack(pack: Pack, directory: Directory) -> Pack:
    """The pack as it decides under a directory: an agreement that is not listed there covers nothing."""
    return pack.signed(frozenset(each.digest for each in directory.agreements))
