"""Which function makes which part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from policies.papers import agreed, lawful, plainly
from policies.papers.document import Block
from policies.papers.material import Material
from policies.papers.prose import Part, Plain
from schemas.enums import Layer

_FROM_DATA: Final[Mapping[Part, Callable[[Material], Iterable[Block]]]] = MappingProxyType(
    {
        Part.controller: lawful.controller,
        Part.own_law: lawful.own_law,
        Part.agreements: agreed.agreements,
        Part.parties: agreed.parties,
        Part.roles: agreed.roles,
        Part.joint: agreed.joint,
        Part.purposes: agreed.purposes,
        Part.people: agreed.people,
        Part.categories: agreed.categories,
        Part.limits: agreed.limits,
        Part.retention: agreed.retention,
        Part.basis: lawful.basis,
        Part.art6: lawful.article(Layer.art6),
        Part.art9: lawful.article(Layer.art9),
        Part.art10: lawful.article(Layer.art10),
        Part.policy_documents: lawful.policy_documents,
        Part.considerations: lawful.considerations,
        Part.risks: lawful.risks,
    }
)
_IN_PLAIN_WORDS: Final[Mapping[Part, Callable[[Material, Plain], Block]]] = MappingProxyType(
    {
        Part.plain_askers: plainly.plain_askers,
        Part.plain_people: plainly.plain_people,
        Part.plain_categories: plainly.plain_categories,
    }
)


def blocks_of(part: Part, material: Material, plain: Plain) -> tuple[Block, ...]:
    """One part, from the data or in words for a child."""
    if part in _IN_PLAIN_WORDS:
        return (_IN_PLAIN_WORDS[part](material, plain),)
    return tuple(_FROM_DATA[part](material))
