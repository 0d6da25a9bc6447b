"""A sharing agreement as people read it: one value, shown as a page that prints well, as plain text, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from agents.cli.printing import template
from policies.agreements import Agreement, digest_of_agreement
from policies.categories import Categories
from policies.headings import headings
from policies.law import Law
from policies.vocabulary import LegalReview
from schemas.identifiers import PartyId
from schemas.statements import Directory

CAPACITY: Final = {"controllers": "controller", "joint": "joint controller", "processors": "processor"}


def agreement_sheet(
    text: str, agreement: Agreement, law: Law, categories: Categories, directory: Directory | None, on: date
) -> dict[str, Any]:
    """Everything the agreement says, with what the law, the category table and a directory add to it."""
    digest, span = digest_of_agreement(text), agreement.in_force
    listed = None if directory is None else digest in {each.digest for each in directory.agreements}
    return {
        "id": agreement.id,
        "version": agreement.version,
        "title": agreement.title,
        "digest": str(digest),
        "signed": listed,
        "directory": None if directory is None else directory.sequence,
        "in_force": {"from": span.since.isoformat(), "until": span.until.isoformat() if span.until else None},
        "review_by": agreement.review_by.isoformat(),
        "standing": _standing(agreement, on),
        "purposes": sorted(each.value for each in agreement.purposes),
        "parties": [_party(agreement, each, directory) for each in sorted(agreement.parties)],
        "processings": list(_processings(agreement)),
        "basis": list(_basis(agreement, law)),
        "categories": list(_categories(agreement, categories)),
        "headings": [{"heading": title, "says": said} for title, said in headings(agreement.terms)],
    }


def _standing(agreement: Agreement, on: date) -> str:
    if on < agreement.in_force.since:
        return "not yet in force"
    if not agreement.in_force.on(on):
        return "ended"
    return "in force, its review is due" if on > agreement.review_by else "in force"


def _party(agreement: Agreement, party: PartyId, directory: Directory | None) -> dict[str, Any]:
    found = next((each for each in directory.parties if each.id == party), None) if directory is not None else None
    return {
        "id": party,
        "name": found.name if found else None,
        "kind": found.kind.value if found else None,
        "capacities": [{"processing": each.name, "as": CAPACITY[role]} for each, role in agreement.capacities(party)],
        "bound_to_secrecy": party in agreement.bound_to_secrecy,
        "supplies": sorted(agreement.supplies[party]) if party in agreement.supplies else None,
    }


def _processings(agreement: Agreement) -> Iterator[dict[str, Any]]:
    for each in agreement.processings:
        named = {role: sorted(parties) for role, parties in each.roles.items()}
        papers = {"arrangement": each.arrangement, "contract": each.contract}
        yield {"name": each.name, "says": each.says, "categories": sorted(each.categories)} | papers | named


def _basis(agreement: Agreement, law: Law) -> Iterator[dict[str, Any]]:
    rules = {each.id: each for each in law.rules}
    for each in (rules[name] for name in agreement.basis):
        yield {
            "rule": each.id,
            "citation": each.citation,
            "says": each.says,
            "legal_review_needed": each.legal_review is LegalReview.needed,
        }


def _categories(agreement: Agreement, table: Categories) -> Iterator[dict[str, Any]]:
    for each in table.every:
        kept = agreement.retention.of(each)
        if each.id in agreement.categories and kept is not None:
            yield {
                "id": each.id,
                "title": each.title,
                "classes": sorted(code.value for code in each.classes),
                "automatic": each.automatic,
                "retention": each.retention.value,
                "days": kept.days,
                "counted_from": kept.counted_from,
            }


def agreement_page(sheet: dict[str, Any], on: date) -> str:
    """The sheet as an HTML page that needs nothing from elsewhere."""
    return template("agreement.html").render(sheet=sheet, signature=signature(sheet), on=on)


def sheet_lines(sheet: dict[str, Any]) -> Iterator[str]:
    """The sheet as plain text."""
    span = sheet["in_force"]
    yield f"{sheet['title']}, version {sheet['version']} ({sheet['id']})"
    until = f"until {span['until']}" if span["until"] else "on"
    yield f"{sheet['standing']}: from {span['from']} {until}; review by {sheet['review_by']}"
    yield f"digest {sheet['digest']}"
    yield signature(sheet)
    yield f"for {', '.join(each.replace('_', ' ') for each in sheet['purposes'])}"
    yield from ("", "PARTIES")
    for each in sheet["parties"]:
        named = f" {each['name']} ({each['kind'].replace('_', ' ')})" if each["name"] else ""
        capacities = ", ".join(f"{one['as']} in {one['processing']}" for one in each["capacities"])
        yield f"  {each['id']}{named}: {capacities}{'; bound to secrecy' if each['bound_to_secrecy'] else ''}"
        if each["supplies"] is not None:
            yield f"    supplies {', '.join(each['supplies'])}"
    yield from ("", "PROCESSING")
    for each in sheet["processings"]:
        yield f"  {each['name']}: {each['says']}"
        yield from (f"    {CAPACITY[role]}: {', '.join(each[role])}" for role in CAPACITY if each[role])
        yield from (f"    {paper}: {each[paper]}" for paper in ("arrangement", "contract") if each[paper])
        yield f"    of {', '.join(each['categories']) or 'every category agreed'}"
    yield from ("", "LAWFUL BASIS, AS RULES")
    for each in sheet["basis"]:
        yield f"  {each['rule']} ({each['citation']}){' [legal review needed]' if each['legal_review_needed'] else ''}"
    yield from ("", "CATEGORIES")
    for each in sheet["categories"]:
        kept = f"{each['retention']}: {each['days']} days from {each['counted_from']}"
        yield f"  {each['id']:28} {', '.join(each['classes'])}; kept {kept}{'' if each['automatic'] else '; never without a person'}"
    for each in sheet["headings"]:
        yield from ("", each["heading"].upper(), *(f"  {line}" for line in each["says"].split("\n")))


def signature(sheet: dict[str, Any]) -> str:
    """Whether the officers have signed it, as far as was looked."""
    if sheet["signed"] is None:
        return "No directory was looked at, so nothing is said of its signature."
    said = "lists its digest: it is signed." if sheet["signed"] else "does not list its digest: it is not signed, and covers nothing."
    return f"Directory {sheet['directory']} {said}"
