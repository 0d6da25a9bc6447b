"""A case of two agencies and one question each, and events of it, for tests of the join."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

from network import DUTY, HUB, NOW, POLICE, TRUST
from policy_support import request

from broker.effect import Kept, digest_of
from schemas import codec
from schemas.enums import Status
from schemas.events import AskedAgency, CaseOpened, Contact, OfficerDecision, Referrer
from schemas.identifiers import CategoryId, DecisionId, Slug, SubjectRef, Thread
from schemas.records import Answer

CASE = UUID(int=7, version=4)
AGENCIES = (POLICE, TRUST)
ASKED = request(case_id=CASE, decided_at=NOW)
QUESTION = replace(ASKED.questions[0], subject_ref=SubjectRef("s1"), category=CategoryId("pol.incidents"))
REQUESTS = {agency: replace(ASKED, agency=agency, questions=(QUESTION,)) for agency in AGENCIES}


def kept(body, sender, minutes=0, kind="event"):
    return Kept(digest=digest_of(codec.encode(body)), kind=kind, at=NOW + timedelta(minutes=minutes), sender=sender, body=body)


def opened():
    decision = OfficerDecision(
        officer=ASKED.officer,
        decided_at=NOW,
        stage=ASKED.stage,
        rag=ASKED.rag,
        purpose=ASKED.purpose,
        necessity=ASKED.necessity,
        consents=ASKED.consents,
    )
    contact = Contact(
        contact_ref=Slug("c-1"),
        received_at=NOW,
        referrer=Referrer(kind="school", name="R. Hollis (SYNTHETIC)"),
        words="A worry",
        subjects=ASKED.subjects,
    )
    asked = tuple(
        AskedAgency(agency=each, thread=Thread(bytes(16)), due_at=NOW, timescale=Slug("hours.red"), calendar=Slug("calendar-0"))
        for each in AGENCIES
    )
    return CaseOpened(case_id=CASE, hub=HUB, opened_at=NOW, contact=contact, decision=decision, asked=asked, unasked=())


OPENED = kept(opened(), None, kind="case_opened")
SENT = {agency: kept(REQUESTS[agency], HUB, kind="request") for agency in AGENCIES}


def answer(subject, said):
    return Answer(
        subject_ref=SubjectRef(subject),
        category=CategoryId("pol.incidents"),
        status=Status.none_held,
        agreed_fields=(),
        searched=(),
        since=date(2025, 11, 24),
        until=date(2026, 11, 24),
        ladder=(),
        caps=(),
        near_misses=(),
        items=(),
        decision_id=DecisionId(bytes(16)),
        decided_by=said,
        decided_at=NOW,
        duty_contact=DUTY,
    )
