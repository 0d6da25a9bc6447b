"""Put a paper together: its prose, the parts drawn from data, and what the controller says; the same input, the same draft."""

from __future__ import annotations

from collections.abc import Iterator
from string import Template

from policies.papers import gaps
from policies.papers.agreed import quoted
from policies.papers.document import Block, Cell, Document, Listing, Paper, Paragraph, Section
from policies.papers.material import Material
from policies.papers.parts import blocks_of
from policies.papers.prose import Ask, PaperProse, SectionProse, name_of
from policies.papers.statements import NOTHING_SAID
from policies.papers.words import day
from policies.vocabulary import LegalReview


def draft(paper: Paper, prose: PaperProse, material: Material) -> Document:
    """A draft of one paper; what no source says is a gap in its place, never a sentence."""
    review = gaps.unreviewed_text("the paper itself", prose.source, name_of(paper))
    return Document(
        paper=paper,
        title=prose.title,
        says=_filled(prose.says, material),
        source=(prose.source, review) if prose.legal_review is LegalReview.needed else (prose.source,),
        on=material.on,
        made_from=_sources(material),
        sections=tuple(_section(paper, each, prose, material) for each in prose.sections),
    )


def _section(paper: Paper, section: SectionProse, prose: PaperProse, material: Material) -> Section:
    source: Cell = ()
    if section.source is not None:
        review = gaps.unreviewed_text(f"section {section.id}", section.source, name_of(paper))
        source = (section.source, review) if section.legal_review is LegalReview.needed else (section.source,)
    own = [Paragraph(text=(_filled(text, material),)) for text in section.prose]
    drawn = [block for part in section.parts for block in blocks_of(part, material, prose.plain)]
    agreed = quoted(material, section.terms)
    terms = [Listing(items=agreed)] if agreed else []
    said = [block for ask in section.asks for block in _answer(ask, material)]
    return Section(id=section.id, heading=section.heading, source=source, blocks=(*own, *drawn, *terms, *said))


def _answer(ask: Ask, material: Material) -> Iterator[Block]:
    """What agreements answer, with what the controller adds to it; without an agreement, the controller alone."""
    said, agreed = material.statements.said(ask.key), quoted(material, ask.answered_by)
    if agreed:
        yield Paragraph(text=(ask.label,))
        yield Listing(items=agreed if said is None else (*agreed, ("The controller itself:", said)))
    else:
        yield Paragraph(text=(ask.label, said if said is not None else gaps.unstated(ask)))


def _filled(text: str, material: Material) -> str:
    return Template(text).substitute(controller=material.own_name or material.pack.controller.party, day=day(material.on))


def _sources(material: Material) -> tuple[tuple[str, str], ...]:
    return tuple(_source_rows(material))


def _source_rows(material: Material) -> Iterator[tuple[str, str]]:
    pack = material.pack
    yield "policy pack", str(pack.digest)
    yield "law and categories", str(pack.law_digest)
    yield "controller.toml", f"version {pack.controller.version}"
    for each in pack.agreements:
        yield f"agreement {each.id}", f"version {each.version}, digest {pack.agreement_digests[each.id]}"
    yield "papers.toml", "none given" if material.statements is NOTHING_SAID else f"version {material.statements.version}"
    directory = material.directory
    yield "directory", "none given" if directory is None else f"sequence {directory.sequence}, issued {day(directory.issued_at.date())}"
