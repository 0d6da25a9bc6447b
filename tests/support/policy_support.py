"""Packs and questions for policy tests: one borough, all of it synthetic."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from uuid import UUID

from policies.categories import CONCERN, Categories, Retention
from policies.compiled import compile_pack
from policies.headings import Governance, Terms
from policies.located import parse
from policies.pack import Pack, load_pack, shipped
from policies.question import PolicyQuestion
from policies.verdict import judge_of
from policies.vocabulary import Fact
from schemas.enums import (
    Consent,
    ControllerKind,
    Kind,
    NecessityReason,
    Openness,
    Para18Reason,
    Purpose,
    Rag,
    Sex,
    Stage,
    SubjectRole,
)
from schemas.identifiers import CategoryId, PartyId, SubjectRef
from schemas.records import Consents, DutyContact, Necessity, Officer, Question, Request, RequesterBasis, Subject

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
HUB = PartyId("hub.borough")
_TABLE = parse(shipped()["categories.toml"], "categories.toml", Categories)
CATEGORIES = [str(each.id) for each in _TABLE.categories]
TOLD = [str(each.id) for each in _TABLE.told]
APDS = ("sch1.para18", "sch1.para6", "sch1.para1", "sch1.para10", "sch8")
WORDED = "\n".join(  # the rest of an agreement: how long, and every heading in words
    [
        "[retention.by_class]",
        *(f'{each.value} = {{ days = 30, counted_from = "the decision on the case" }}' for each in Retention),
        *(
            "[terms]",
            *(f'{name} = "Synthetic words for a test."' for name in Terms.model_fields if name not in {"governance", "further_details"}),
        ),
        *("[terms.governance]", *(f'{name} = "Synthetic words for a test."' for name in Governance.model_fields)),
    ]
)
ASKED = frozenset(
    {
        Fact.stage_set_by_named_officer,
        Fact.reason_fits_stage,
        Fact.openness_recorded,
        Fact.necessity_stated,
        Fact.requester_task_stated,
        Fact.relation_stated,
    }
)
FACTS = ASKED | {Fact.para18_prejudices_protection, Fact.match_confirmed}


def party_of(kind: ControllerKind) -> PartyId:
    """The borough's one party of a kind."""
    return HUB if kind is ControllerKind.local_authority else PartyId(f"agency.{kind.value.replace('_', '-')}")


def controller_text(
    kind: ControllerKind,
    *,
    apds: tuple[str, ...] = APDS,
    own_task: bool = True,
    official_authority: bool = True,
    relevant_person: bool = True,
    interests: bool = True,
    considerations: bool = True,
    detriment: bool = True,
    public_interest: bool = True,
    review_by: str = "2027-06-30",
) -> str:
    """A `controller.toml`."""
    lines = [f'party = "{party_of(kind)}"', f'kind = "{kind.value}"', 'version = "1"']
    if own_task:
        lines.append('own_task = { task = "Functions with regard to safeguarding children", citation = "Children Act 2004 s.11" }')
    if official_authority:
        lines.append('official_authority = "Police Act 1996"')
    if relevant_person:
        lines.append('relevant_person = "Named in an arrangement under Children Act 2004 s.16LA(4)"')
    if interests:
        lines.append('legitimate_interests = "Legitimate interests assessment of 2026"')
    lines.extend(f'[[apd]]\ncondition = "{condition}"\nversion = "1"' for condition in apds)
    if considerations:
        lines.extend(
            f'[[consideration]]\ncategory = "{category}"\nstages = ["screening", "early_help", "s17", "s47", "emergency"]\n'
            'roles = ["child", "sibling", "unborn", "parent_carer", "household_adult", "alleged_source"]\n'
            'reason = "Weighed in advance for this category by the controller."\n'
            f"detriment_considered = {str(detriment).lower()}\noverriding_public_interest = {str(public_interest).lower()}\n"
            f'decided_by = "Information governance lead"\nreview_by = {review_by}'
            for category in CATEGORIES
        )
    return "\n".join(lines)


def agreement_text(kind: ControllerKind, *, until: str = "2027-12-31", review_by: str = "2027-06-30", secrecy: bool = True) -> str:
    """An agreement between the hub and a party of one kind."""
    return "\n".join(
        [
            'id = "borough"\nversion = "1"\ntitle = "Borough agreement"',
            f'parties = ["hub.borough", "{party_of(kind)}", "agency.other"]',
            'purposes = ["safeguarding", "promoting_welfare"]\nbasis = ["ca2004.s16la"]',
            'bound_to_secrecy = ["hub.borough"]' if secrecy else "",
            f"in_force = {{ from = 2020-01-01, until = {until} }}\nreview_by = {review_by}",
            f"categories = {[*CATEGORIES, *TOLD]}".replace("'", '"'),
            processing_text("hub.borough", party_of(kind), "agency.other"),
            WORDED,
        ]
    )


def processing_text(*controllers: str, **roles: object) -> str:
    """A `[[processing]]` in which each of these is a controller for itself."""
    said = {"name": "sharing", "says": "What is asked for is found and answered.", "controllers": list(controllers)} | roles
    if roles.get("processors"):
        said.setdefault("contract", "Hosting contract of 2026")
    return "\n".join(["[[processing]]", *(f"{key} = {json.dumps(value)}" for key, value in said.items())])


def files_for(kind: ControllerKind, *, agreement: str | None = "", law: str = "", **controller: object) -> dict[str, str]:
    """The texts of a pack; `agreement=None` for none, `law` appended to the law file."""
    files = shipped()
    files["law/england.toml"] += law
    files["controller.toml"] = controller_text(kind, **controller)  # type: ignore[arg-type]  # passed through
    if agreement is not None:
        files["agreements/borough.toml"] = agreement or agreement_text(kind)
    return files


@cache
def pack_for(kind: ControllerKind, *, agreement: str | None = "", law: str = "", **controller: object) -> Pack:
    """A pack of one controller."""
    return load_pack(files_for(kind, agreement=agreement, law=law, **controller))


TRUST = ControllerKind.nhs_body
POLICE = ControllerKind.police
COUNCIL = ControllerKind.local_authority


def question(kind: ControllerKind = TRUST, **changes: object) -> PolicyQuestion:
    """A section 47 question about a child to the trust or the police, all in order unless changed."""
    base = PolicyQuestion(
        discloser=party_of(kind),
        discloser_kind=kind,
        recipient=HUB,
        recipient_kind=COUNCIL,
        disclosure=Kind.response,
        stage=Stage.s47,
        rag=Rag.red,
        purpose=Purpose.safeguarding,
        role=SubjectRole.child,
        category=CategoryId("pol.missing_episodes" if kind is POLICE else "acute.ed_attendances"),
        since=date(2025, 11, 24),
        until=date(2026, 11, 24),
        facts=FACTS,
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of the question


def asking(kind: ControllerKind = TRUST, **changes: object) -> PolicyQuestion:
    """The hub's own disclosure when it asks a body of that kind."""
    base = question(
        discloser=HUB,
        discloser_kind=COUNCIL,
        recipient=party_of(kind),
        recipient_kind=kind,
        disclosure=Kind.request,
        category=CONCERN,
        facts=FACTS - {Fact.match_confirmed} | {Fact.public_interest_recorded},
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of the question


OWN_MOTION = FACTS | {
    Fact.public_interest_recorded,
    Fact.owner_released,
    Fact.second_person_checked,
    Fact.recipient_told_of_child,
    Fact.child_in_recipients_area,
}
OTHER_HUB = PartyId("agency.other")  # as the agreement names it
TELLING: dict[Kind, dict[str, object]] = {  # what is told of one's own motion, all in order
    Kind.contact: {"category": CategoryId("hub.contact"), "stage": Stage.screening},
    Kind.product: {"category": CategoryId("pol.missing_episodes")},
    Kind.feedback: {"category": CategoryId("hub.feedback")},
    Kind.transfer: {"category": CategoryId("csc.cp_plan_history"), "recipient": OTHER_HUB, "recipient_kind": COUNCIL},
}


def telling(disclosure: Kind, **changes: object) -> PolicyQuestion:
    """A contact by the trust, or what a hub passes on, says back to the trust or hands over, all in order unless changed."""
    base = question() if disclosure is Kind.contact else asking()
    said = {"disclosure": disclosure, "facts": OWN_MOTION} | TELLING[disclosure] | changes
    return replace(base, **said)  # type: ignore[arg-type]  # fields of the question


def teller(disclosure: Kind, **controller: object) -> Pack:
    """The pack of whoever tells in such a disclosure."""
    contact = disclosure is Kind.contact
    return pack_for(TRUST if contact else COUNCIL, agreement=agreement_text(TRUST), **controller)


def request(**changes: object) -> Request:
    """A request from the hub to the trust about a child and one adult."""
    duty = DutyContact(name="Duty officer", phone="020 7946 0000", hours="24 hours")
    base = Request(
        case_id=UUID(int=1, version=4),
        hub=HUB,
        agency=party_of(TRUST),
        stage=Stage.s47,
        rag=Rag.red,
        purpose=Purpose.safeguarding,
        necessity=Necessity(reason=NecessityReason.significant_harm_suspected, text="Unexplained bruising seen by the school nurse."),
        concern="Unexplained bruising.",
        requester_basis=RequesterBasis(task="Enquiries into significant harm", citation="Children Act 1989 s.47(1)"),
        officer=Officer(id="so-17", role="Team leader", organisation="Borough children's services"),
        decided_at=NOW,
        duty_contact=duty,
        consents=Consents(
            sharing=Consent.not_sought,
            service=Consent.not_applicable,
            treatment=Consent.not_applicable,
            openness=Openness.increases_risk,
            para18_reason=Para18Reason.prejudices_protection,
        ),
        break_glass=False,
        due_at=NOW,
        subjects=(
            Subject(ref=SubjectRef("s1"), role=SubjectRole.child, relation_to_child="self", given_names="Synthetic", sex=Sex.not_known),
            Subject(ref=SubjectRef("s2"), role=SubjectRole.household_adult, relation_to_child="mother's partner", known_as="Dave"),
        ),
        questions=(
            Question(
                subject_ref=SubjectRef("s1"),
                category=CategoryId("acute.ed_attendances"),
                since=date(2025, 11, 24),
                until=date(2026, 11, 24),
            ),
        ),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # fields of the request


@cache
def isolated(kind: ControllerKind, rule_id: str) -> Pack:
    """A pack whose law has, on one rule's layer and side, that rule alone."""
    pack = pack_for(kind, agreement=agreement_text(TRUST) if kind is COUNCIL else "")
    alone = next(rule for rule in pack.law.rules if rule.id == rule_id)
    kept = [rule for rule in pack.law.rules if rule is alone or (rule.layer, rule.side) != (alone.layer, alone.side)]
    law = pack.law.model_copy(update={"rules": tuple(kept)})
    compiled = compile_pack(law, pack.categories, pack.agreements, pack.controller)
    return replace(pack, law=law, compiled=compiled, judge=judge_of(compiled))
