"""A case as it is made, in any order: the fold is one, a correction holds, deadlines keep their word and agencies know them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from joining import ASKED, CASE, QUESTION, REQUESTS, answer, kept, opened
from network import DUTY, HUB, NOW, POLICE, TRUST

from agents.adapter.standing import standing
from agents.cli.choices import Recordable
from agents.hub.casework import Asking, askings, case_record, taken_back
from agents.hub.deadlines import OPEN, answer_awaited, asked_agency, end_awaited, rebased
from agents.hub.happenings import as_moved, happened, moved, recorded, reratings, running
from agents.hub.settings import HubSettings
from agents.hub.timescales import BY_THE_HUB, Duration, RunsBy, StartsOn, Timescale
from policies.vocabulary import LegalReview
from schemas.enums import AgencyStatus, Assertion, CancelReason, CorrectionReason, Happening, Rag
from schemas.events import FollowUp, OralAnswer, Rebased, Rerated
from schemas.happenings import RecordedInError
from schemas.identifiers import CategoryId, Digest, Slug, SubjectRef
from schemas.notices import Notice
from schemas.records import Acknowledgement, Cancel, Correction, Response


def discussed(rag, hours):
    """A timescale of the case as a whole that turns on the rating; the national ones do not."""
    return Timescale(
        id=Slug(f"own.{rag.value}"),
        says="An outcome is recorded within so many hours of a strategy discussion.",
        starts_on=StartsOn.strategy_discussion,
        ends_on=frozenset({Happening.conference}),
        rags=frozenset({rag}),
        duration=Duration(hours=hours),
        runs_by=RunsBy.round_the_clock,
        citation="a test",
        legal_review=LegalReview.confirmed,
    )


RATINGS = {Rag.red: 4, Rag.amber: 24, Rag.green: 72}
PLAIN = HubSettings(stages={}, hours=RATINGS).clocks
RATED = [discussed(rag, hours) for rag, hours in RATINGS.items()]
DECIDED = [
    each.model_copy(update={"id": Slug(f"decided.{rag.value}"), "starts_on": StartsOn.decided})
    for rag, each in zip(RATINGS, RATED, strict=True)
]
CLOCKS = replace(PLAIN, timescales=(*PLAIN.timescales, *RATED, *DECIDED))
AGENCIES = st.sampled_from((POLICE, TRUST))
WHY = "What was said since makes another rating right."


class Case(RuleBasedStateMachine):
    """Events come one by one; the record is always that of the set."""

    def __init__(self):
        super().__init__()
        self.minute, self.events, self.untold = 0, [], []

    @initialize()
    def open_it(self):
        plain = opened()
        threads = {each.agency: each.thread for each in plain.asked}
        deadline = CLOCKS.answer_by(plain.decision.rag, NOW)
        asked = tuple(asked_agency(agency, thread, deadline) for agency, thread in threads.items())
        self.opened = replace(plain, asked=asked)
        self.events.append(kept(self.opened, None, kind="case_opened"))
        decision = self.opened.decision
        self.add(recorded(CASE, Happening.contact, ASKED.officer, plain.contact.received_at, NOW, None, CLOCKS), None)
        self.add(recorded(CASE, Happening.decided, decision.officer, decision.decided_at, NOW, decision.rag, CLOCKS), None)

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
        if rag is record.rag:
            return  # a hub refuses it
        states = {(each.agency, each.follow_up): each for each in record.agencies}
        still_open = [each for each in askings(self.opened, self.events) if states[each.agency, each.follow_up].status in OPEN]
        due = list(rebased(still_open, record.rag, rag, self.now, CLOCKS))
        going_on = [each for each in running(self.events) if each.ended_at is None]
        whole = list(moved(going_on, record.rag, rag, self.now, CLOCKS))
        upgrade = [Rag.red, Rag.amber, Rag.green].index(rag) < [Rag.red, Rag.amber, Rag.green].index(record.rag)
        before = {(each.agency, each.follow_up): each.asked.due_at for each in still_open}
        before |= {(each.happened, each.began_by): each.due.due_at for each in going_on}
        after = {(each.agency, each.follow_up): each.asked.due_at for each in due}
        after |= {(each.happened, each.began_by): each.due.due_at for each in whole}
        for key, moved_to in after.items():  # never later on upgrade, never longer once overdue
            assert moved_to < before[key] if upgrade else moved_to > before[key] > self.now
        body = Rerated(
            case_id=CASE,
            number=len(reratings(self.events)) + 1,
            officer=ASKED.officer,
            rerated_at=self.now,
            rag=rag,
            rationale=WHY,
            relied_on=(),
            due=tuple(Rebased(follow_up=each.follow_up, asked=each.asked) for each in due),
            moved=tuple(as_moved(each) for each in whole),
        )
        self.add(body, None)
        assert case_record(self.events).rag is rag
        self.untold += [(each.agency, each.follow_up, body.number) for each in still_open]

    @rule(which=st.integers(0, 5))
    def notify(self, which):
        """As the hub's work does it: in any order, by the terms of that rating, once the request is sealed."""
        if not self.untold:
            return
        agency, follow_up, number = self.untold.pop(which % len(self.untold))
        until = [each for each in self.events if not (isinstance(each.body, Rerated) and each.body.number > number)]
        asking = next(each for each in askings(self.opened, until) if (each.agency, each.follow_up) == (agency, follow_up))
        request, rating = self.request(asking), reratings(until)[-1]
        if request is None:
            self.untold.append((agency, follow_up, number))
            return
        body = Notice(
            request_digest=request.digest,
            case_id=CASE,
            number=number,
            rag=rating.rag,
            due_at=asking.asked.due_at,
            decided_at=rating.rerated_at,
        )
        self.add(body)

    @rule(happening=st.sampled_from(get_args(Recordable)), ago=st.integers(0, 300))
    def record(self, happening, ago):
        at = self.now - timedelta(minutes=ago)
        held = case_record(self.events)
        body = recorded(CASE, happening, ASKED.officer, at, self.now, held.rag, CLOCKS)
        if (happening, at) not in {(each.happening, each.happened_at) for each in held.happened}:  # recorded twice it changes nothing
            self.add(body, None)

    @rule(which=st.integers(0, 5))
    def take_back_what_was_recorded_in_error(self, which):
        before = case_record(self.events)
        found = [each for each in happened(self.events) if each[1].happening not in BY_THE_HUB]
        if not found:
            return
        digest, wrong = found[which % len(found)]
        body = RecordedInError(
            case_id=CASE,
            happened=digest,
            happening=wrong.happening,
            happened_at=wrong.happened_at,
            officer=ASKED.officer,
            taken_back_at=self.now,
            reason=WHY,
        )
        self.add(body, None)
        after = case_record(self.events)
        assert wrong not in after.happened
        assert len(after.in_error) == len(before.in_error) + 1
        assert digest not in {each.happened for each in after.timescales}  # what it started is undone, what it ended runs on
        others = {(each.happened, each.timescale): each.ended_at for each in before.timescales if each.happened != digest}
        for each in after.timescales:
            ended = others[each.happened, each.timescale]
            assert each.ended_at == ended or (ended == wrong.happened_at and (each.ended_at is None or each.ended_at >= ended))

    @rule()
    def fall_silent(self):
        record = case_record(self.events)
        states = {(each.agency, each.follow_up): each.status for each in record.agencies}
        waited = [
            answer_awaited(CASE, each) for each in askings(self.opened, self.events) if states[each.agency, each.follow_up] in OPEN
        ] + [end_awaited(CASE, each) for each in running(self.events) if each.ended_at is None]
        for each in waited:
            if each.deadline.due_at <= self.now:
                self.add(each.silence, None)

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

    @precondition(lambda self: self.events)
    @invariant()
    def an_agency_that_was_told_everything_knows_the_deadline_that_holds(self):
        late = {(agency, follow_up) for agency, follow_up, _ in self.untold}
        states = {(each.agency, each.follow_up): each.status for each in case_record(self.events).agencies}
        for asking in askings(self.opened, self.events):
            request = self.request(asking)
            if request is None or (asking.agency, asking.follow_up) in late or states[asking.agency, asking.follow_up] not in OPEN:
                continue
            told = [each.body for each in self.events if isinstance(each.body, Notice) and each.body.request_digest == request.digest]
            Random(self.minute).shuffle(told)
            assert standing(request.body, told * 2).due_at == asking.asked.due_at

    @precondition(lambda self: self.events)
    @invariant()
    def a_timescale_of_the_case_ends_with_the_first_thing_since_then_that_ends_it(self):
        record = case_record(self.events)
        for state in record.timescales:
            assert state.ended_at is None or state.ended_at >= state.started_at
            assert state.ended_at is None or state.ended_at in {each.happened_at for each in record.happened}
            assert not state.overdue or state.due_at <= self.now
        assert sum(len(each.due) for each in record.happened) == len(record.timescales)


Case.TestCase.settings = settings(max_examples=40, stateful_step_count=30)


@pytest.mark.proves("I12")
class TestAnyCase(Case.TestCase):
    """The machine, as a test."""
