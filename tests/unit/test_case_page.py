"""A case for people: what is missing is said plainly, conflicts stand side by side, nothing that others wrote becomes markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from html.parser import HTMLParser

import pytest
from joining import ASKED, CASE, OPENED, QUESTION, SENT, answer, kept, opened
from network import DUTY, NOW, POLICE, TRUST

from agents.cli.casetext import UNTOLD, gaps
from agents.cli.page import case_page
from agents.cli.show import record_lines
from agents.hub.casework import case_record
from agents.hub.links import Linked
from schemas.enums import Assertion, CorrectionReason, Handling, Operation, Rag, Status
from schemas.events import Entry, FollowUp, OralAnswer, Overdue, Rerated
from schemas.identifiers import Digest, Slug, SubjectRef
from schemas.records import Correction, Item, ItemField, Officer, Response

VIEWER = Officer(id="a.officer", role="hub_member", organisation="hub.borough")
HOSTILE = '<script>alert("x")</script>\u202e</td>'


def item(words):
    return Item(
        at=date(2026, 11, 1),
        fields=(ItemField(name=Slug("summary"), value=words),),
        assertion=Assertion.allegation,
        relation_to_child="self",
        handling=Handling.hub_only,
        third_party=True,
        do_not_disclose_to=(SubjectRef("s2"),),
    )


def said(agency, words, revision=1, **changes):
    plain = replace(answer("s1", "pack"), status=Status.released, items=(item(words),), reviewed_by=ASKED.officer, **changes)
    body = Response(
        request_digest=SENT[agency].digest,
        case_id=CASE,
        agency=agency,
        revision=revision,
        part=1,
        parts=1,
        pack_digest=Digest(bytes(32)),
        answers=(plain,),
    )
    return kept(body, agency, revision)


def page(*events, seen=None):
    return case_page(case_record([OPENED, *SENT.values(), *events]), seen or {}, VIEWER, NOW)


class Tags(HTMLParser):
    """Every tag, and every attribute that could fetch or run something."""

    def __init__(self, text):
        super().__init__()
        self.open, self.seen, self.reaching = [], set(), []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.reaching += [name for name, _ in attributes if name in {"src", "href"} or name.startswith("on")]
        if tag not in {"meta", "br"}:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_what_others_wrote_becomes_no_markup_and_the_page_fetches_nothing():
    text = page(said(POLICE, HOSTILE, interpretation=HOSTILE))
    tags = Tags(text)
    assert tags.open == []
    assert "script" not in tags.seen
    assert tags.reaching == []
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text


def test_silence_is_said_plainly_with_the_time_it_ended():
    due = opened().asked[0].due_at
    silence = Overdue(case_id=CASE, timescale=Slug("hours.red"), agency=POLICE, follow_up=None, happened=None, due_at=due)
    record = case_record([OPENED, *SENT.values(), kept(silence, None)])
    assert f"{POLICE}: no answer by 12:00 on Tue 24 Nov 2026" in gaps(record)
    assert "no answer by 12:00 on Tue 24 Nov 2026" in page(kept(silence, None))
    assert any("no answer by" in line for line in record_lines(record))


@pytest.mark.parametrize("status", list(UNTOLD))
def test_an_answer_that_leaves_it_open_whether_anything_is_held_is_a_gap(status):
    body = replace(said(POLICE, "x").body, answers=(replace(answer("s1", "pack"), status=status),))
    record = case_record([OPENED, *SENT.values(), kept(body, POLICE)])
    assert f"{POLICE}: 1 {UNTOLD[status]}" in gaps(record)
    assert "Every agency that was asked has answered" not in page(kept(body, POLICE))


def test_nothing_held_is_no_gap():
    both = [replace(said(agency, "x").body, answers=(answer("s1", "pack"),)) for agency in (POLICE, TRUST)]
    assert gaps(case_record([OPENED, *SENT.values(), *(kept(body, body.agency) for body in both)])) == []


def test_two_different_answers_stand_side_by_side():
    text = page(said(POLICE, "He was there."), said(POLICE, "He was not there."))
    beside = text[text.index('<div class="beside">') :]
    assert "He was there." in beside
    assert "He was not there." in beside
    assert text.count("Two different answers.") == 1


def test_what_was_asked_again_is_no_conflict_and_stands_by_itself():
    later = replace(opened().decision, decided_at=NOW + timedelta(minutes=30))
    asked = FollowUp(case_id=CASE, decision=later, asked_at=NOW, asked=opened().asked[0])
    request = kept(replace(SENT[POLICE].body, decided_at=later.decided_at), None, kind="request")
    second = said(POLICE, "Again, since Monday.")
    answered = kept(replace(second.body, request_digest=request.digest), POLICE, 9)
    text = page(said(POLICE, "Seen at night."), kept(asked, None), request, answered)
    assert "Seen at night." in text
    assert "Again, since Monday." in text
    assert "Two different answers." not in text


def test_marks_interpretation_reviewer_and_provenance_are_shown():
    response = said(POLICE, "Seen at night.", interpretation="Fits a pattern of going missing.")
    text = page(response)
    for words in (
        "allegation",
        "tells of a third party",
        "do not disclose to s2",
        "Fits a pattern",
        ASKED.officer.id,
        str(response.digest)[:16],
    ):
        assert words in text


def test_what_was_said_aloud_is_unconfirmed_until_signed():
    body = OralAnswer(
        case_id=CASE,
        agency=TRUST,
        subject_ref=SubjectRef("s1"),
        category=QUESTION.category,
        said_by=VIEWER,
        written_by=VIEWER,
        happened_at=NOW,
        recorded_at=NOW,
        words="Twice this month.",
        assertion=Assertion.opinion,
    )
    assert "UNCONFIRMED" in page(kept(body, None))
    assert "UNCONFIRMED" not in page(kept(body, None), said(TRUST, "Twice this month."))


def test_what_was_taken_back_is_gone_and_who_saw_it_is_named():
    back = Correction(
        request_digest=SENT[POLICE].digest,
        case_id=CASE,
        agency=POLICE,
        revision=1,
        corrects=(Digest(bytes(32)),),
        reason=CorrectionReason.wrong_person,
        officer=VIEWER,
        decided_at=NOW,
        duty_contact=DUTY,
    )
    correction = kept(back, POLICE, 9)
    entry = Entry(
        at=NOW + timedelta(minutes=3),
        operation=Operation.consultation,
        actor=replace(VIEWER, id="s.worker"),
        case_id=CASE,
        subject_ref=None,
        category=None,
        purpose=None,
        stage=None,
        rules=(),
        pack_digest=None,
        outcome=Slug("viewed.4"),
        envelope=None,
    )
    text = page(said(POLICE, "Of another child."), correction, seen={correction.digest: [entry]})
    assert "Of another child." not in text
    assert "took back what it had said" in text
    assert "s.worker (hub_member) at 12:03" in text


def test_other_contacts_about_the_same_people_are_told():
    other = Linked(case_id=CASE, contact_ref=Slug("c-000"), received_at=NOW, same_person=False)
    text = case_page(case_record([OPENED, *SENT.values()]), {}, VIEWER, NOW, [other])
    assert "c-000, received at 12:00 on Tue 24 Nov 2026, about the same household" in text


@pytest.mark.parametrize("rag", [Rag.red, Rag.green])
def test_the_newest_rating_leads_and_every_rating_keeps_its_reason(rag):
    body = Rerated(
        case_id=CASE,
        number=1,
        officer=VIEWER,
        rerated_at=NOW,
        rag=rag,
        rationale="The ward rang with news of it.",
        relied_on=(),
        due=(),
        moved=(),
    )
    text = page(kept(body, None))
    assert f'<span class="rag">{rag.value}</span>' in text
    assert "The ward rang with news of it." in text
    assert ASKED.necessity.text in text
