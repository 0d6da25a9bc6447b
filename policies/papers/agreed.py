"""Parts drawn from agreements, categories and directory: who, as what, about whom, within which limits, for how long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from policies.agreements import Agreement, Keeping
from policies.categories import Category, Retention
from policies.headings import HEADINGS, under
from policies.papers import gaps
from policies.papers.document import Block, Cell, Gap, Grid, Listing, Paragraph
from policies.papers.material import Material, categories_listed
from policies.papers.words import day, listed, spoken
from schemas.identifiers import CategoryId, PartyId

NO_LIMIT = 36525  # days: the concern's look-back, a hundred years, bounds nothing


def name_of(material: Material, party: PartyId) -> Cell:
    """A party's name, from the controller's own word or the directory."""
    if party == material.pack.controller.party:
        return (material.own_name if material.own_name is not None else gaps.no_name(),)
    entry = material.listed(party)
    return (entry.name if entry is not None else _unlisted(material, party),)


def agreements(material: Material) -> Iterator[Block]:
    """Each agreement with its parties, purposes, days, and whether it is signed."""
    if not material.pack.agreements:
        yield Paragraph(text=(gaps.no_agreement(),))
        return
    rows = tuple(
        (
            (f"{each.title} ({each.id}, version {each.version})",),
            (", ".join(sorted(each.parties)),),
            (listed(each.purposes),),
            _days(each, material),
            (day(each.review_by), gaps.review_due(each)) if each.review_by < material.on else (day(each.review_by),),
            (", ".join(sorted(each.bound_to_secrecy)) or "none stated",),
            _signature(each, material),
        )
        for each in material.pack.agreements
    )
    headings = ("Agreement", "Parties", "Purposes", "In force", "Review by", "Recipients bound to professional secrecy", "Signed")
    yield Grid(headings=headings, rows=rows)


def parties(material: Material) -> Iterator[Block]:
    """Who they are."""
    if material.directory is not None and material.directory.expires_at.date() < material.on:
        yield Paragraph(text=(gaps.stale_directory(day(material.directory.expires_at.date())),))
    rows = tuple(((party,), name_of(material, party), _kind(material, party)) for party in material.parties)
    yield Grid(headings=("Party", "Name", "What sort of body"), rows=rows)


def roles(material: Material) -> Iterator[Block]:
    """In which capacity each party takes part in each processing."""
    if not material.pack.agreements:
        yield Paragraph(text=(gaps.no_agreement(),))
        return
    rows = tuple(
        (
            (f"{each.id}: {one.name}",),
            (one.says,),
            (categories_listed(one.categories) or "all that are agreed",),
            *((", ".join(sorted(named)) or "none",) for named in one.roles.values()),
        )
        for each in material.pack.agreements
        for one in each.processings
    )
    headings = ("Processing", "What is done", "Categories", "Controllers, each for itself", "Joint controllers", "Processors")
    yield Grid(headings=headings, rows=rows)


def joint(material: Material) -> Iterator[Block]:
    """The joint controllers of each processing that has them, and the arrangement that they name."""
    for each in material.pack.agreements:
        found = [one for one in each.processings if one.joint]
        for one in found:
            parties = ", ".join(sorted(one.joint))
            yield Paragraph(text=(f"Joint controllers of {one.name} under {each.id}: {parties}. Their arrangement: {one.arrangement}",))
        if not found:
            yield Paragraph(text=(gaps.not_joint(each),))


def purposes(material: Material) -> Iterator[Block]:
    """What it is for."""
    if material.pack.agreements:
        yield Listing(items=tuple((spoken(each),) for each in material.purposes))
    else:
        yield Paragraph(text=(gaps.no_agreement(),))


def people(material: Material) -> Iterator[Block]:
    """About whom."""
    if material.covered:
        yield Paragraph(text=(f"People are asked about as: {listed(role for each in material.covered for role in each.roles)}.",))
    else:
        yield Paragraph(text=(gaps.no_agreement(),))


def categories(material: Material) -> Iterator[Block]:
    """Every category that an agreement covers: what it holds, of which classes, who supplies it."""
    if not material.covered:
        yield Paragraph(text=(gaps.no_agreement(),))
        return
    rows = tuple(((each.id,), (each.title,), (each.says,), (_classes(each),), _suppliers(material, each)) for each in material.covered)
    yield Grid(headings=("Category", "Title", "What it holds", "Classes of data", "Supplied by"), rows=rows)


def limits(material: Material) -> Iterator[Block]:
    """From when, about whom and how far back each category may be asked for, and what is cut."""
    rows = tuple(
        (
            (each.id,),
            (listed(each.stages),),
            (listed(each.rags),),
            (listed(each.roles),),
            ("no bound" if each.look_back_days >= NO_LIMIT else f"{each.look_back_days} days",),
            (listed(each.redact) or "nothing",),
            (spoken(each.handling),),
            ("may be" if each.automatic else "never",),
        )
        for each in material.covered
    )
    headings = ("Category", "Stages", "Ratings", "About", "Look-back", "Cut from free text", "Handling", "Released without a person")
    yield Grid(headings=headings, rows=rows) if rows else Paragraph(text=(gaps.no_agreement(),))


def retention(material: Material) -> Iterator[Block]:
    """How long copies are kept by each agreement, its categories together where class and period are the same."""
    rows = tuple(
        ((each.id,), (kept.value,), (categories_listed(found),), (f"{keeping.days} days from {keeping.counted_from}",))
        for each in material.pack.agreements
        for (kept, keeping), found in _kept(each, material.agreed_of(each)).items()
    )
    headings = ("Agreement", "Retention class", "Categories", "Copies are kept for")
    yield Grid(headings=headings, rows=rows) if rows else Paragraph(text=(gaps.no_agreement(),))


def quoted(material: Material, keys: Iterable[str]) -> tuple[Cell, ...]:
    """What agreements say under these headings of theirs, each with its source."""
    return tuple(
        (f"Agreement {each.id}, version {each.version}, under {HEADINGS[key]}:", said)
        for key in keys
        for each in material.pack.agreements
        if (said := under(each.terms, key)) is not None
    )


def _unlisted(material: Material, party: PartyId) -> Gap:
    return gaps.no_directory() if material.directory is None else gaps.not_listed(party)


def _kind(material: Material, party: PartyId) -> Cell:
    kind, entry = material.kind_of(party), material.listed(party)
    if kind is None:
        return (_unlisted(material, party),)
    differs = entry is not None and entry.kind is not kind
    return (spoken(kind), gaps.other_kind(party, kind, entry.kind)) if entry is not None and differs else (spoken(kind),)


def _days(agreement: Agreement, material: Material) -> Cell:
    span = agreement.in_force
    said = f"from {day(span.since)}" + (f" until {day(span.until)}" if span.until is not None else "")
    return (said,) if span.on(material.on) else (said, gaps.not_in_force(agreement, day(material.on)))


def _signature(agreement: Agreement, material: Material) -> Cell:
    directory = material.directory
    if directory is None:
        return (gaps.no_directory(),)
    listed_there = material.pack.agreement_digests[agreement.id] in {each.digest for each in directory.agreements}
    return (f"listed in directory {directory.sequence}",) if listed_there else (gaps.unsigned(agreement),)


def _kept(agreement: Agreement, agreed: Iterable[Category]) -> Mapping[tuple[Retention, Keeping], list[CategoryId]]:
    found: dict[tuple[Retention, Keeping], list[CategoryId]] = {}
    for each in sorted(agreed, key=lambda each: list(Retention).index(each.retention)):
        keeping = agreement.retention.of(each)
        if keeping is not None:  # never: a pack with an agreement that does not say is refused
            found.setdefault((each.retention, keeping), []).append(each.id)
    return found


def _classes(category: Category) -> str:
    free = any(field.free_text for field in category.fields)
    return listed(category.classes) + ("; free text, so presumed to hold every class" if free else "")


def _suppliers(material: Material, category: Category) -> Cell:
    found: set[str] = set()
    missing: list[str | Gap] = []
    for each in material.pack.agreements:
        if category.id not in each.categories:
            continue
        named, unsaid = material.holders(each, category)
        found.update(named)
        if unsaid:
            missing.append(gaps.holds_unsaid(each, unsaid))
        elif not named:
            missing.append(gaps.held_by_nobody(each, _held_by_nobody(material, each)))
    return (*([", ".join(sorted(found))] if found else []), *missing)


def _held_by_nobody(material: Material, agreement: Agreement) -> str:
    """All of an agreement's categories without a holder, so that one gap tells of them together."""
    agreed = (each for each in material.covered if each.id in agreement.categories)
    return categories_listed(each.id for each in agreed if not any(material.holders(agreement, each)))
