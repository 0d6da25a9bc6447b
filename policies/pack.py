"""A policy pack: law, categories, agreements and what the controller says of itself, read together or refused together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from hashlib import sha256
from importlib.resources import files as resources
from typing import Final, TypeVar

from policies.agreement_checks import inner_faults
from policies.agreements import Agreement, digest_of_agreement
from policies.categories import Categories
from policies.checks import PackFiles, cross_faults
from policies.compiled import Compiled, agreed_with, compile_pack
from policies.considerations import Controller
from policies.law import Law
from policies.located import Located, Table, read_once
from policies.verdict import Judge, judge_of
from schemas.errors import ConfigurationError, Fault
from schemas.identifiers import CategoryId, Digest, PartyId, Slug

CATEGORIES: Final = "categories.toml"
CONTROLLER: Final = "controller.toml"
SHIPPED: Final = ("law/england.toml", CATEGORIES)
PARTS: Final = ("law/", CATEGORIES, "agreements/", CONTROLLER)
NAMES: Final = f"law/NAME.toml (one), {CATEGORIES}, agreements/NAME.toml (any number), {CONTROLLER}"
M = TypeVar("M", bound=Table)


@dataclass(frozen=True, slots=True, kw_only=True, repr=False, eq=False)
class Pack:
    """What one controller decides by; `digest` names its exact texts, `law_digest` those that all parties share."""

    law: Law
    categories: Categories
    agreements: tuple[Agreement, ...]
    controller: Controller
    digest: Digest
    law_digest: Digest
    compiled: Compiled
    judge: Judge
    agreement_digests: Mapping[Slug, Digest] = field(default_factory=dict)  # of each agreement's text, by its id
    unsigned: tuple[Slug, ...] = ()  # agreements that the directory does not list: they cover nothing

    def signed(self, listed: Collection[Digest]) -> Pack:
        """The pack as it decides where only these agreements are signed; who is asked for what stays as all of them say."""
        unsigned = tuple(each.id for each in self.agreements if self.agreement_digests.get(each.id) not in listed)
        held = agreed_with(self.controller.party, (each for each in self.agreements if each.id not in unsigned))
        return replace(self, compiled=replace(self.compiled, agreements=held), unsigned=unsigned)

    def may_ask(self, party: PartyId, category: CategoryId) -> bool:
        """Whether no agreement with a party has it supply other categories only."""
        named = [each for each in self.agreements if party in each.parties]
        return not named or any(each.supplied_by(party, category) for each in named)


def shipped() -> dict[str, str]:
    """The law and the categories that come with the software, by file name."""
    root = resources("policies")
    return {name: root.joinpath(*name.split("/")).read_text(encoding="utf-8") for name in SHIPPED}


def laid_over(held: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """The texts of a pack: each part that is there anew, such as the law or all agreements, replaces the whole of what was held of it."""
    anew = tuple(part for part in PARTS if any(name.startswith(part) for name in own))
    return {name: text for name, text in held.items() if not name.startswith(anew)} | dict(own)


def load_pack(files: Mapping[str, str]) -> Pack:
    """Read and check all files of a pack, keyed by name; ConfigurationError lists every fault of every file at once."""
    faults = _names(files)
    law = _read(files, "law/*.toml", Law, faults)
    categories = _read(files, CATEGORIES, Categories, faults)
    agreements = _read(files, "agreements/*.toml", Agreement, faults)
    controller = _read(files, CONTROLLER, Controller, faults)
    for each in agreements:
        faults.extend(inner_faults(each))
    if not faults:
        read_files = PackFiles(law=law[0], categories=categories[0], agreements=agreements, controller=controller[0])
        faults.extend(cross_faults(read_files))
    if faults:
        raise ConfigurationError(faults)
    agreed = tuple(each.model for each in agreements)
    shared = {name: text for name, text in files.items() if name == CATEGORIES or fnmatchcase(name, "law/*.toml")}
    compiled = compile_pack(law[0].model, categories[0].model, agreed, controller[0].model)
    return Pack(
        law=law[0].model,
        categories=categories[0].model,
        agreements=agreed,
        controller=controller[0].model,
        digest=pack_digest(files),
        law_digest=_digest(b"mash/1 law", shared),
        compiled=compiled,
        judge=judge_of(compiled),
        agreement_digests={each.model.id: digest_of_agreement(files[each.file]) for each in agreements},
    )


def pack_digest(files: Mapping[str, str]) -> Digest:
    """The name of a pack's exact texts."""
    return _digest(b"mash/1 pack", files)


def _names(files: Mapping[str, str]) -> list[Fault]:
    """Every file must be one a pack knows, and each part must be there."""
    patterns = ("law/*.toml", CATEGORIES, "agreements/*.toml", CONTROLLER)
    faults = [
        Fault(file=name, message="is not a file of a policy pack", fix=f"allowed: {NAMES}")
        for name in sorted(files)
        if not any(fnmatchcase(name, pattern) for pattern in patterns)
    ]
    for pattern in ("law/*.toml", CATEGORIES, CONTROLLER):
        count = sum(fnmatchcase(name, pattern) for name in files)
        if count != 1:
            faults.append(Fault(file=pattern, message=f"a policy pack has exactly one, this has {count}", fix=f"allowed: {NAMES}"))
    return faults


def _read(files: Mapping[str, str], pattern: str, model: type[M], faults: list[Fault]) -> tuple[Located[M], ...]:
    """Read the files of one kind in name order, adding what is wrong with them."""
    found = []
    for name in sorted(name for name in files if fnmatchcase(name, pattern)):
        try:
            found.append(read_once(files[name], name, model))
        except ConfigurationError as error:
            faults.extend(error.faults)
    return tuple(found)


def _digest(domain: bytes, files: Mapping[str, str]) -> Digest:
    """SHA-256 over the domain and, in name order, each name and text after its length; nothing can slide between them."""
    hashed = sha256(domain)
    for part in _parts(files):
        hashed.update(len(part).to_bytes(8, "big") + part)
    return Digest(hashed.digest())


def _parts(files: Mapping[str, str]) -> Iterable[bytes]:
    for name in sorted(files):
        yield name.encode()
        yield files[name].encode()
