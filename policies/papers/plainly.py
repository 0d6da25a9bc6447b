"""Parts of the notice for a child: the same data in the words of its prose file."""

from __future__ import annotations

from collections.abc import Sequence

from policies.papers import gaps
from policies.papers.document import Block, Cell, Listing, Paragraph
from policies.papers.material import Material
from policies.papers.prose import Plain
from schemas.enums import ControllerKind, SubjectRole


def plain_askers(material: Material, plain: Plain) -> Block:
    """Who is asked, once for each sort of body."""
    others = [party for party in material.parties if party != material.pack.controller.party]
    kinds = {material.kind_of(party) for party in others}
    items: list[Cell] = [
        (plain.kinds[kind] if kind in plain.kinds else gaps.no_plain_words("kinds", kind.value),)
        for kind in ControllerKind
        if kind in kinds
    ]
    if None in kinds:
        unknown = [party for party in others if material.kind_of(party) is None]
        items += [(gaps.no_directory(),)] if material.directory is None else [(gaps.not_listed(party),) for party in unknown]
    return _listing(items)


def plain_people(material: Material, plain: Plain) -> Block:
    """About whom."""
    found = {role for each in material.covered for role in each.roles}
    return _listing(
        [(plain.roles[role] if role in plain.roles else gaps.no_plain_words("roles", role.value),) for role in SubjectRole if role in found]
    )


def plain_categories(material: Material, plain: Plain) -> Block:
    """What is asked, by the first half of each category's id."""
    groups = dict.fromkeys(each.id.partition(".")[0] for each in material.covered)
    words = plain.categories
    return _listing([(words[group] if group in words else gaps.no_plain_words("categories", group),) for group in groups])


def _listing(items: Sequence[Cell]) -> Block:
    return Listing(items=tuple(items)) if items else Paragraph(text=(gaps.no_agreement(),))
