"""A party's policy pack as files: the shipped law and categories, in `pack/` what is its own, and in `packs/` each it has run under."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from broker.settings import read_text
from broker.trustfiles import write_whole
from policies.agreement_checks import read_agreement
from policies.agreements import digest_of_agreement
from policies.pack import CATEGORIES, CONTROLLER, Pack, laid_over, load_pack, pack_digest, shipped
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import Digest
from schemas.statements import AgreementListing, Directory

SHIPPED: Final = "shipped"  # the word for a draft that changes nothing but back to the law that comes along
LOG: Final = structlog.get_logger()


def read_pack(party: Path) -> Pack:
    """Read and check a party's pack; ConfigurationError lists every fault of every file."""
    return load_pack(_texts(party))


def read_draft(party: Path, draft: str) -> Pack:
    """A party's pack as it would be with a draft's law, categories, agreements or controller; what the draft lacks stays as it is."""
    return load_pack(laid_over(_texts(party), draft_texts(draft)))


def draft_texts(draft: str) -> dict[str, str]:
    """The files of a draft, a folder with some part of a pack, or the word shipped; ConfigurationError where it holds none."""
    own = shipped() if draft == SHIPPED else own_texts(Path(draft))
    if not own:
        fix = f"law/NAME.toml, {CATEGORIES}, agreements/NAME.toml or {CONTROLLER}; or the word {SHIPPED}"
        raise ConfigurationError([Fault(file=draft, message="is no folder with a TOML file", fix=fix)])
    return own


def keep_pack(party: Path, pack: Pack) -> None:
    """Keep the texts of a pack by its digest, whole or not at all, so that what it decides can be explained by it for ever."""
    kept = _kept(party, pack.digest)
    if kept.is_dir():
        return
    texts = _texts(party)
    if pack_digest(texts) != pack.digest:  # edited since it was read: the next start keeps what is there then
        LOG.warning("pack_not_kept", digest=str(pack.digest), reason="changed")
        return
    try:
        _write(kept, texts)
    except OSError as error:  # an explanation less exact one day is no reason to leave a child's case unanswered today
        LOG.warning("pack_not_kept", digest=str(pack.digest), error=type(error).__name__)


def kept_pack(party: Path, digest: Digest) -> Pack | None:
    """A pack that a party has run under; None when its texts are not here, were changed, or this software does not read them."""
    try:
        pack = load_pack(own_texts(_kept(party, digest)))
    except ConfigurationError:
        return None
    return pack if pack.digest == digest else None


def _texts(party: Path) -> dict[str, str]:
    return laid_over(shipped(), own_texts(party / "pack"))


def own_texts(folder: Path) -> dict[str, str]:
    """The TOML files of a folder, by their names in a pack."""
    return {path.relative_to(folder).as_posix(): read_text(path) for path in sorted(folder.rglob("*.toml"))}


def _kept(party: Path, digest: Digest) -> Path:
    return party / "packs" / str(digest)


def _write(kept: Path, texts: Mapping[str, str]) -> None:
    """Beside it first, and then under its name; who comes second finds it there."""
    kept.parent.mkdir(mode=0o700, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".new-", dir=kept.parent))
    try:
        for name, text in texts.items():
            write_whole(beside / name, text.encode())
        beside.rename(kept)
    except OSError:
        shutil.rmtree(beside, ignore_errors=True)
        if not kept.is_dir():
            raise
    parent = os.open(kept.parent, os.O_RDONLY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def listing_of(agreement: Path) -> AgreementListing:
    """An agreement as officers sign it into the directory; ConfigurationError lists every fault of its own."""
    text = read_text(agreement)
    return AgreementListing(id=read_agreement(text, str(agreement)).model.id, digest=digest_of_agreement(text))


def signed_pack(pack: Pack, directory: Directory) -> Pack:
    """The pack as it decides under a directory: an agreement that is not listed there covers nothing."""
    return pack.signed(frozenset(each.digest for each in directory.agreements))
