"""An agreement written down as the TOML that every party keeps, in one order, so that equal agreements are equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping

from policies.agreements import Agreement, Keeping, Processing
from policies.headings import Governance, Terms
from schemas.identifiers import CategoryId


def agreement_text(agreement: Agreement) -> str:
    """The file; reading it gives the same agreement."""
    return "\n".join(_lines(agreement)) + "\n"


def _lines(agreement: Agreement) -> Iterator[str]:
    span = agreement.in_force
    yield from (f"{name} = {_quoted(getattr(agreement, name))}" for name in ("id", "version", "title"))
    yield f"parties = {_listed(agreement.parties)}"
    yield f"purposes = {_listed(each.value for each in agreement.purposes)}"
    yield f"basis = {_listed(agreement.basis, in_order=True)}"
    yield f"bound_to_secrecy = {_listed(agreement.bound_to_secrecy)}"
    yield f"in_force = {{ from = {span.since}{f', until = {span.until}' if span.until else ''} }}"
    yield f"review_by = {agreement.review_by}"
    yield from ("categories = [", *(f"  {_quoted(each)}," for each in sorted(agreement.categories)), "]")
    for each in agreement.processings:
        yield from ("", "[[processing]]", *_processing(each))
    yield from _kept("by_class", {each.value: kept for each, kept in agreement.retention.by_class.items()})
    yield from _kept("by_category", agreement.retention.by_category)
    yield from ("", "[terms]", *_prose(agreement.terms), "", "[terms.governance]", *_prose(agreement.terms.governance))
    if agreement.supplies:
        yield from ("", "[supplies]", *(f"{_quoted(party)} = {_listed(agreement.supplies[party])}" for party in sorted(agreement.supplies)))


def _processing(each: Processing) -> Iterator[str]:
    yield f"name = {_quoted(each.name)}"
    yield f"says = {_quoted(each.says)}"
    if each.categories:
        yield f"categories = {_listed(each.categories)}"
    yield from (f"{role} = {_listed(named)}" for role, named in each.roles.items() if named)
    if each.arrangement is not None:
        yield f"arrangement = {_quoted(each.arrangement)}"
    if each.contract is not None:
        yield f"contract = {_quoted(each.contract)}"


def _kept(name: str, terms: Mapping[CategoryId, Keeping] | Mapping[str, Keeping]) -> Iterator[str]:
    if terms:
        yield from ("", f"[retention.{name}]")
        yield from (f"{_key(each)} = {{ days = {kept.days}, counted_from = {_quoted(kept.counted_from)} }}" for each, kept in terms.items())


def _prose(part: Terms | Governance) -> Iterator[str]:
    for name in type(part).model_fields:
        if isinstance(said := getattr(part, name), str):
            yield f"{name} = {_quoted(said)}"


def _key(name: str) -> str:
    return _quoted(name) if "." in name else name


def _listed(names: Iterable[str], *, in_order: bool = False) -> str:
    return "[" + ", ".join(_quoted(each) for each in (names if in_order else sorted(names))) + "]"


def _quoted(text: str) -> str:
    """A basic string: JSON's escapes are TOML's, but for the one control character that JSON leaves as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
