"""What a contact is made of: who is in it, what is known of them, the decision of a hub officer, and what happens later."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from agents.demo.histories import Held
from agents.demo.people import UNTRACED, Home, Person, Town
from schemas.enums import Consent, NecessityReason, Openness, Para18Reason, Purpose, Rag, Stage, SubjectRole
from schemas.events import Contact, OfficerDecision, Referrer
from schemas.identifiers import Slug, SubjectRef
from schemas.records import NHS_NUMBER, Address, Consents, Identifier, Necessity, Officer, Subject

OFFICERS: Final = (
    Officer(id="hub-0117", role="senior practitioner", organisation="Borough children's services (SYNTHETIC)"),
    Officer(id="hub-0142", role="team leader", organisation="Borough children's services (SYNTHETIC)"),
)
CONSENTS: Final = Consents(
    sharing=Consent.not_sought,
    service=Consent.not_applicable,
    treatment=Consent.not_applicable,
    openness=Openness.increases_risk,
    para18_reason=Para18Reason.prejudices_protection,
)


LOCAL: Final = ZoneInfo("Europe/London")
FRIDAY: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Part:
    """One subject: a person of the borough (or nobody in it), and what the contact knows of them."""

    role: SubjectRole
    relation: str
    person: Person | None = None
    known_as: str | None = None
    due_on: date | None = None
    numbered: bool = False  # the contact gives an NHS number
    said: dict[str, Any] = field(default_factory=dict)  # what the contact says otherwise than it is, by the subject's field
    expected: dict[str, str] = field(default_factory=dict)  # outcome by agency that has a record, where it is not what the records say
    wrong: tuple[str, ...] = ()  # agencies whose records name somebody else by this person's number: the wrong person will be found


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Later:
    """Something that happens after the request: what, at which agency (none: the hub), and how long after."""

    event: Literal["withdraw", "late", "revise", "correct"]
    after_minutes: int
    reason: str
    agency: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Scene:
    """One contact: template name, words, subjects, history and decision."""

    name: str
    referrer: tuple[str, str, str]  # kind, name, organisation
    words: str
    parts: tuple[Part, ...]
    held: tuple[Held, ...]
    stage: Stage
    rag: Rag
    reason: NecessityReason
    necessity: str
    consents: Consents = CONSENTS
    purpose: Purpose = Purpose.safeguarding
    break_glass: bool = False
    came: tuple[int, time] | None = None  # so many days ago, at this time in London; otherwise in the course of yesterday
    later: tuple[Later, ...] = ()
    never: tuple[str, ...] = ()  # words that no answer may hold


def last_friday(town: Town) -> tuple[int, time]:
    """Half past four on the Friday before today, when a hub's week ends."""
    return (town.today.weekday() - FRIDAY) % 7 or 7, time(16, 30)


def at_home(*homes: Home) -> dict[str, Any]:
    """What the contact knows of an address, where it is not where the person lives now."""
    return {"addresses": tuple(Address(line=home.line, postcode=home.postcode) for home in homes)}


def contact_of(scene: Scene, number: int, town: Town) -> Contact:
    """The record a hub takes in; contacts came through the day before `today` unless the scene says when."""
    kind, name, organisation = scene.referrer
    received_at = _came(scene, number, town)
    again = f" Contact {number}." if number > 40 else ""  # noqa: PLR2004 - templates come round again; words that repeat are refused at intake
    return Contact(
        contact_ref=Slug(f"demo-{number:03d}"),
        received_at=received_at,
        referrer=Referrer(kind=kind, name=name, organisation=organisation, phone=f"01632 960{number % 1000:03d}"),
        words=scene.words,
        subjects=tuple(_subject(part, index) for index, part in enumerate(scene.parts, 1)),
        decision=OfficerDecision(
            officer=OFFICERS[number % 2],
            decided_at=received_at + timedelta(minutes=25),
            stage=scene.stage,
            rag=scene.rag,
            purpose=scene.purpose,
            necessity=Necessity(reason=scene.reason, text=scene.necessity + again),
            consents=scene.consents,
            break_glass=scene.break_glass,
        ),
    )


def _came(scene: Scene, number: int, town: Town) -> datetime:
    if scene.came is not None:
        days, at = scene.came
        return datetime.combine(town.today - timedelta(days=days), at, LOCAL).astimezone(UTC)
    return datetime.combine(town.today - timedelta(days=1), time(8, 30), UTC) + timedelta(minutes=37 * (number - 1) % 480)


def changed(consents: Consents = CONSENTS, **answers: Consent | Openness | Para18Reason | None) -> Consents:
    """The usual consents, but for some."""
    return replace(consents, **answers)  # type: ignore[arg-type]  # each name with its own enum


def _subject(part: Part, index: int) -> Subject:
    ref = SubjectRef(f"s{index}")
    person = part.person
    if person is None:
        nobody = Subject(ref=ref, role=part.role, relation_to_child=part.relation, known_as=part.known_as, due_on=part.due_on)
        return replace(nobody, **part.said)
    number = Identifier(system=NHS_NUMBER, value=person.nhs_number, verified=person.trace_status != UNTRACED)
    known = Subject(
        ref=ref,
        role=part.role,
        relation_to_child=part.relation,
        family_name=person.family_name,
        given_names=person.given_names,
        known_as=part.known_as,
        born_on=person.born_on,
        sex=person.sex,
        addresses=(Address(line=person.home.line, postcode=person.home.postcode),),
        identifiers=(number,) if part.numbered else (),
    )
    return replace(known, **part.said)
