"""Cutting takes away and never adds; a correction hides what came before it, in whatever order it all arrives."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import DUTY, HUB, NOW, POLICE
from policy_support import request

from agents.adapter.edits import CUT, is_cut_of
from agents.hub.casework import case_record, substance
from broker.effect import Kept, digest_of
from schemas import codec
from schemas.enums import CorrectionReason, Status
from schemas.events import AskedAgency, CaseOpened, Contact, OfficerDecision, Referrer
from schemas.identifiers import DecisionId, Digest, Slug, Thread
from schemas.records import Answer, Correction, Officer, Response

CASE = UUID(int=9, version=4)
ASKED = request(case_id=CASE, decided_at=NOW, agency=POLICE)
QUESTIONS = {(each.subject_ref, each.category): each for each in ASKED.questions}


@given(
    text=st.text(alphabet=st.sampled_from("ab c.[]"), max_size=40), cuts=st.lists(st.integers(0, 40), min_size=2, max_size=6, unique=True)
)
def test_any_pieces_taken_out_and_marked_make_a_cut(text, cuts):
    edges = sorted(min(each, len(text)) for each in cuts)
    pieces = [text[: edges[0]], *(text[one:other] for one, other in pairwise(edges[1:-1])), text[edges[-1] :]]
    assert is_cut_of(CUT.join(pieces), text)


@given(kept=st.lists(st.sampled_from(["a", "b", " ", CUT]), max_size=8).map("".join), found=st.text(alphabet="ab ", max_size=12))
def test_what_passes_for_a_cut_holds_nothing_that_was_not_found_in_its_order(kept, found):
    if is_cut_of(kept, found):
        letters = iter(found)
        assert all(letter in letters for letter in kept.replace(CUT, "").replace(" ", ""))
        assert CUT in kept or kept == found


def kept(body, sender, minutes=0):
    return Kept(digest=digest_of(codec.encode(body)), kind="event", at=NOW + timedelta(minutes=minutes), sender=sender, body=body)


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
    referrer = Referrer(kind="school", name="R. Hollis (SYNTHETIC)")
    contact = Contact(contact_ref=Slug("c-1"), received_at=NOW, referrer=referrer, words="A worry", subjects=ASKED.subjects)
    asked = (AskedAgency(agency=POLICE, thread=Thread(bytes(16)), due_at=NOW, timescale=Slug("hours.red"), calendar=Slug("calendar-0")),)
    return CaseOpened(case_id=CASE, hub=HUB, opened_at=NOW, contact=contact, decision=decision, asked=asked, unasked=())


BEGUN = [kept(opened(), None), kept(ASKED, HUB)]
REQUEST = BEGUN[1].digest


def response(revision):
    answers = tuple(
        Answer(
            subject_ref=ref,
            category=category,
            status=Status.none_held,
            agreed_fields=(),
            searched=(),
            since=question.since,
            until=question.until,
            ladder=(),
            caps=(),
            near_misses=(),
            items=(),
            decision_id=DecisionId(bytes(16)),
            decided_by=f"revision {revision}",
            decided_at=NOW,
            duty_contact=DUTY,
        )
        for (ref, category), question in QUESTIONS.items()
    )
    said = Response(
        request_digest=REQUEST,
        case_id=CASE,
        agency=POLICE,
        revision=revision,
        part=1,
        parts=1,
        pack_digest=Digest(bytes(32)),
        answers=answers,
    )
    return kept(said, POLICE, revision)


def correction(revision):
    body = Correction(
        request_digest=REQUEST,
        case_id=CASE,
        agency=POLICE,
        revision=revision,
        corrects=tuple(response(each).digest for each in range(1, revision + 1)),
        reason=CorrectionReason.wrong_person,
        officer=Officer(id="p.shah", role="reviewer", organisation=POLICE),
        decided_at=NOW,
        duty_contact=DUTY,
    )
    return kept(body, POLICE, 60 + revision)


numbers = st.sets(st.integers(1, 5))


@pytest.mark.proves("I12")
@given(said=numbers, taken_back=numbers, data=st.data())
def test_a_correction_hides_every_revision_up_to_its_own_in_any_order_and_no_later_one(said, taken_back, data):
    events = [*BEGUN, *map(response, said), *map(correction, taken_back)]
    shuffled = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events), max_size=4))]))
    record, plain = case_record(shuffled), case_record(events)
    assert (record, substance(record)) == (plain, substance(plain))
    standing = [each for each in said if each > max(taken_back, default=0)]
    assert {each.revision for each in record.answers} == ({max(standing)} if standing else set())
    assert len(record.corrected) == len(taken_back)


@given(said=numbers, taken_back=numbers)
def test_erased_content_keeps_its_place_in_the_case_and_changes_nothing_that_a_correction_left_standing(said, taken_back):
    events = [*BEGUN, *map(response, said), *map(correction, taken_back)]
    gone = {digest for each in taken_back for digest in correction(each).body.corrects}
    erased = [replace(each, body=None) if each.digest in gone else each for each in events]
    assert case_record(erased) == case_record(events)
