"""A case as people and agencies make it, in any order: the fold is one, a correction holds, deadlines keep their word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from joining import ASKED, CASE, QUESTION, REQUESTS, answer, kept, opened
from network import DUTY, HUB, NOW, POLICE, TRUST

from agents.hub.casework import Asking, askings, case_record, taken_back
from agents.hub.deadlines import OPEN, asked_agency, rebased
from agents.hub.settings import HubSettings
from schemas.enums import AgencyStatus, Assertion, CancelReason, CorrectionReason, Rag
from schemas.events import FollowUp, OralAnswer, Overdue, Rebased, Rerated
from schemas.identifiers import CategoryId, Digest, SubjectRef
from schemas.records import Acknowledgement, Cancel, Correction, Response

CLOCKS = HubSettings(stages={}, hours={Rag.red: 4, Rag.amber: 24, Rag.green: 72}).clocks
AGENCIES = st.sampled_from((POLICE, TRUST))
WHY = "What was said since makes another rating right."


class Case(RuleBasedStateMachine):
    """Events come one by one; the record is always that of the set."""

    def __init__(self):
        super().__init__()
        self.minute, self.events = 0, []

    @initialize()
    def open_it(self):
        plain = opened()
        threads = {each.agency: each.thread for each in plain.asked}
        deadline = CLOCKS.answer_by(plain.decision.rag, NOW)
        asked = tuple(asked_agency(agency, thread, deadline) for agency, thread in threads.items())
        self.opened = replace(plain, asked=asked)
        self.events.append(kept(self.opened, None, kind="case_opened"))

    @property
    def now(self):
        return NOW + timedelta(minutes=self.minute)

    def add(self, body, sender=HUB):
        made = kept(body, sender, self.minute)
        if made.digest not in {each.digest for each in self.events}:  # a store keeps the first of one digest
            self.events.append(made)
        self.minute += 1

    def asked(self, agency) -> list[Asking]:
        return [each for each in askings(self.opened, self.events) if each.agency == agency]

    def request(self, asking):
        found = [each for each in self.events if getattr(each.body, "questions", None) and each.body.agency == asking.agency]
        return next((each for each in found if each.body.decided_at == asking.decision.decided_at), None)

    @rule(minutes=st.integers(1, 600))
    def time_passes(self, minutes):
        self.minute += minutes

    @rule(agency=AGENCIES)
    def ask(self, agency):
        for asking in self.asked(agency):
            if self.request(asking) is None:
                questions = (QUESTION,)
                body = replace(REQUESTS[agency], decided_at=asking.decision.decided_at, due_at=asking.asked.due_at, questions=questions)
                self.add(body)
                return

    @rule(agency=AGENCIES)
    def follow_up(self, agency):
        first = self.asked(agency)[0]
        decision = replace(self.opened.decision, decided_at=self.now + timedelta(seconds=1))
        asked = asked_agency(agency, first.asked.thread, CLOCKS.answer_by(decision.rag, self.now))
        self.add(FollowUp(case_id=CASE, decision=decision, asked_at=self.now, asked=asked), None)

    @rule(agency=AGENCIES, which=st.integers(0, 3))
    def acknowledge(self, agency, which):
        if request := self.some_request(agency, which):
            self.add(Acknowledgement(answers=request.digest, received_at=self.now, duty_contact=DUTY), agency)

    @rule(agency=AGENCIES, which=st.integers(0, 3), revision=st.integers(1, 4), said=st.sampled_from("ab"))
    def respond(self, agency, which, revision, said):
        if request := self.some_request(agency, which):
            body = Response(
                request_digest=request.digest,
                case_id=CASE,
                agency=agency,
                revision=revision,
                part=1,
                parts=1,
                pack_digest=Digest(bytes(32)),
                answers=(answer("s1", said),),
            )
            self.add(body, agency)

    @rule(agency=AGENCIES, which=st.integers(0, 3), revision=st.integers(1, 3), reason=st.sampled_from(CorrectionReason))
    def correct(self, agency, which, revision, reason):
        request = self.some_request(agency, which)
        if request and reason is not CorrectionReason.unknown:
            body = Correction(
                request_digest=request.digest,
                case_id=CASE,
                agency=agency,
                revision=revision,
                corrects=(Digest(bytes(32)),),
                reason=reason,
                officer=ASKED.officer,
                decided_at=self.now,
                duty_contact=DUTY,
            )
            self.add(body, agency)

    @rule(agency=AGENCIES, which=st.integers(0, 3))
    def cancel(self, agency, which):
        if request := self.some_request(agency, which):
            body = Cancel(
                request_digest=request.digest,
                case_id=CASE,
                reason=CancelReason.withdrawn,
                officer=ASKED.officer,
                decided_at=self.now,
                duty_contact=DUTY,
            )
            self.add(body)

    @rule(rag=st.sampled_from((Rag.red, Rag.amber, Rag.green)))
    def rate(self, rag):
        record = case_record(self.events)
        states = {(each.agency, each.follow_up): each for each in record.agencies}
        still_open = [each for each in askings(self.opened, self.events) if states[each.agency, each.follow_up].status in OPEN]
        moved = list(rebased(still_open, record.rag, rag, self.now, CLOCKS))
        upgrade = [Rag.red, Rag.amber, Rag.green].index(rag) < [Rag.red, Rag.amber, Rag.green].index(record.rag)
        before = {(each.agency, each.follow_up): each.asked.due_at for each in still_open}
        for each in moved:
            held = before[each.agency, each.follow_up]
            assert each.asked.due_at < held if upgrade else held > self.now  # never later on upgrade, never longer once overdue
        body = Rerated(
            case_id=CASE,
            officer=ASKED.officer,
            rerated_at=self.now,
            rag=rag,
            rationale=WHY,
            relied_on=(),
            due=tuple(Rebased(follow_up=each.follow_up, asked=each.asked) for each in moved),
        )
        self.add(body, None)
        assert case_record(self.events).rag is rag

    @rule(agency=AGENCIES)
    def fall_silent(self, agency):
        for asking in self.asked(agency):
            if asking.asked.due_at <= self.now:
                body = Overdue(
                    case_id=CASE,
                    timescale=asking.asked.timescale,
                    agency=agency,
                    follow_up=asking.follow_up,
                    due_at=asking.asked.due_at,
                )
                self.add(body, None)

    @rule(agency=AGENCIES, words=st.sampled_from(("Seen twice.", "Not known to us.")))
    def write_down(self, agency, words):
        body = OralAnswer(
            case_id=CASE,
            agency=agency,
            subject_ref=SubjectRef("s1"),
            category=CategoryId("pol.incidents"),
            said_by=ASKED.officer,
            written_by=ASKED.officer,
            happened_at=self.now,
            recorded_at=self.now,
            words=words,
            assertion=Assertion.opinion,
        )
        self.add(body, None)

    def some_request(self, agency, which):
        found = [request for each in self.asked(agency) if (request := self.request(each))]
        return found[which % len(found)] if found else None

    @precondition(lambda self: self.events)
    @invariant()
    def any_order_is_the_same_record(self):
        record = case_record(self.events)
        turned = list(self.events) * 2
        Random(self.minute).shuffle(turned)
        assert case_record(turned) == record
        assert record.version == len({each.digest for each in self.events})

    @precondition(lambda self: self.events)
    @invariant()
    def what_was_taken_back_is_not_shown_and_erasing_it_changes_nothing(self):
        record = case_record(self.events)
        gone = {each.digest for each in taken_back(self.events)}
        assert not gone & {each.envelope for each in record.answers}
        assert case_record([replace(each, body=None) if each.digest in gone else each for each in self.events]) == record

    @precondition(lambda self: self.events)
    @invariant()
    def a_status_says_what_is_so(self):
        record = case_record(self.events)
        requests = {each.digest for each in self.events if getattr(each.body, "questions", None)}
        for state in record.agencies:
            shown = [each for each in record.answers if each.agency == state.agency]
            assert state.request_digest is None or state.request_digest in requests
            assert (state.status is AgencyStatus.answered) <= bool(shown)
            assert state.status is not AgencyStatus.overdue or state.due_at <= self.now
        assert [each.at for each in record.ratings] == sorted(each.at for each in record.ratings)


Case.TestCase.settings = settings(max_examples=40, stateful_step_count=30)


@pytest.mark.proves("I12")
class TestAnyCase(Case.TestCase):
    """The machine, as a test."""
