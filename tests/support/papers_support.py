"""A controller of whom everything is said, so that a test can take one thing away and see what the papers make of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache

from policy_support import HUB, TRUST, WORDED, controller_text, party_of, processing_text

from policies.located import parse
from policies.pack import Pack, load_pack, shipped
from policies.papers.document import Document, Gap, Grid, Paper, Section
from policies.papers.draft import draft
from policies.papers.material import Material
from policies.papers.prose import PaperProse, name_of, shipped_prose
from policies.papers.statements import ASKABLE, Statements
from policies.vocabulary import LegalReview
from schemas.enums import ControllerKind, KeyType, KeyUse
from schemas.identifiers import Network, PartyId
from schemas.records import DutyContact
from schemas.statements import AgreementListing, Directory, Party, PublicKey

ON = date(2026, 11, 24)
OWN = party_of(TRUST)
AGREED = ("hub.concern", "acute.ed_attendances", "health.sexual_health")
BASIS = ("ca1989.s47-9", "ca2004.s16la", "gdpr.art6-1-c", "sch1.para18-c", "art10.para18-c")
DUTY = DutyContact(name="Duty officer (synthetic)", phone="01632 960001", hours="24 hours")
TEXTS = {key: f"Stated text of {key}." for key in sorted(ASKABLE)}
ANSWERED = frozenset({"security", "rights_requests", "breaches", "accuracy"})  # wherever they are asked, by an agreement's own words


JOINT = processing_text(joint=[str(HUB), str(OWN)], arrangement="Arrangement of 2026")


def agreement(**changes: object) -> str:
    """An agreement of two parties, joint controllers, in which all is said."""
    plain: dict[str, object] = {
        "id": "borough",
        "version": "3",
        "title": "Borough agreement",
        "parties": [str(HUB), str(OWN)],
        "categories": list(AGREED),
        "purposes": ["safeguarding", "promoting_welfare"],
        "basis": list(BASIS),
        "bound_to_secrecy": [str(HUB)],
    }
    rest = {"processing": JOINT, "worded": WORDED} | changes
    dates = {"since": "2026-01-01", "until": "2027-12-31", "review_by": "2027-06-30", "supplies": True} | changes
    lines = [f"{key} = {json.dumps(dates.get(key, value))}" for key, value in plain.items()]
    lines.append(f"in_force = {{ from = {dates['since']}, until = {dates['until']} }}\nreview_by = {dates['review_by']}")
    if dates["supplies"]:
        lines.append(f'[supplies]\n"{HUB}" = ["hub.concern"]\n"{OWN}" = {json.dumps([each for each in AGREED if each != "hub.concern"])}')
    return "\n".join([*lines, str(rest["processing"]), str(rest["worded"])])


def statements(**changes: object) -> Statements:
    """Everything said."""
    risk = {"risk": "A wrong person.", "likelihood": "low", "severity": "high", "measures": "A person looks.", "left": "low"}
    return Statements.model_validate({"version": "9", "risk": [risk]} | TEXTS | changes)


def directory(pack: Pack, **changes: object) -> Directory:
    """The two parties, the pack's law and its agreements, listed."""
    plain = Directory(
        network=Network(bytes(range(32))),
        sequence=7,
        previous=None,
        issued_at=datetime(2026, 11, 1, tzinfo=UTC),
        expires_at=datetime(2026, 11, 1, tzinfo=UTC) + timedelta(days=90),
        minimum_protocol=1,
        parties=(entry(HUB, ControllerKind.local_authority), entry(OWN, TRUST)),
        agreements=tuple(AgreementListing(id=name, digest=digest) for name, digest in pack.agreement_digests.items()),
        packs=(pack.law_digest,),
        revoked=(),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields of the directory


def entry(party: PartyId, kind: ControllerKind) -> Party:
    """A party as a directory lists it."""
    key = PublicKey(use=KeyUse.signing, type=KeyType.ed25519, public=bytes(32), not_before=datetime(2026, 1, 1, tzinfo=UTC))
    return Party(id=party, kind=kind, name=f"Listed name of {party}", duty_contact=DUTY, keys=(key,))


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a draft is made from, each part replaceable."""

    agreement: str | None = field(default_factory=agreement)
    controller: dict[str, object] = field(default_factory=dict)
    statements: Statements = field(default_factory=statements)
    directory: dict[str, object] | None = field(default_factory=dict)
    unconfirmed: tuple[str, ...] = ()  # rules that no lawyer has confirmed
    unread: str = ""  # the section of whose law no lawyer has read

    def material(self) -> Material:
        """As the parts of a paper see it."""
        pack = _pack(self.agreement, tuple(sorted(self.controller.items())), self.unconfirmed)
        listed = None if self.directory is None else directory(pack, **self.directory)
        return Material(pack=pack, statements=self.statements, directory=listed, on=ON)

    def paper(self, paper: Paper, prose: PaperProse | None = None) -> Document:
        """One draft."""
        return draft(paper, prose or prose_of(paper, self.unread), self.material())

    def papers(self) -> list[Document]:
        """All drafts."""
        return [self.paper(paper) for paper in Paper]

    def gaps(self) -> set[str]:
        """The ids of the gaps of all drafts."""
        return {gap.id for document in self.papers() for gap in document.gaps}


@cache
def _pack(agreed: str | None, controller: tuple[tuple[str, object], ...], unconfirmed: tuple[str, ...]) -> Pack:
    files = shipped()
    law = files["law/england.toml"].replace('legal_review = "needed"', 'legal_review = "confirmed"')
    for rule in unconfirmed:
        head, tail = law.split(f'id = "{rule}"\n', 1)
        law = f'{head}id = "{rule}"\n' + tail.replace('legal_review = "confirmed"', 'legal_review = "needed"', 1)
    files["law/england.toml"] = law
    files["controller.toml"] = controller_text(TRUST, **dict(controller))  # type: ignore[arg-type]  # passed through
    if agreed is not None:
        files["agreements/borough.toml"] = agreed
    return load_pack(files)


@cache
def prose_of(paper: Paper, unread: str = "") -> PaperProse:
    """A prose file as if a lawyer had read all the law that it names, but for one section or, by the word paper, the paper's own."""
    made = parse(shipped_prose(paper), name_of(paper), PaperProse)
    review = {True: LegalReview.needed, False: LegalReview.confirmed}
    sections = tuple(each.model_copy(update={"legal_review": review[each.id == unread]}) for each in made.sections)
    return made.model_copy(update={"legal_review": review[unread == "paper"], "sections": sections})


def texts(document: Document) -> list[str]:
    """Every run of text of a draft, without its gaps."""
    return [run for cell in document.cells() for run in cell if isinstance(run, str)]


def rows_of(section: Section) -> list[tuple[str, ...]]:
    """The rows of a section's tables, each cell as text, a gap as its mark in brackets."""
    tables = [block for block in section.blocks if isinstance(block, Grid)]
    return [tuple(" ".join(_shown(run) for run in cell) for cell in row) for table in tables for row in table.rows]


def _shown(run: str | Gap) -> str:
    return run if isinstance(run, str) else f"[{run.mark}]"
