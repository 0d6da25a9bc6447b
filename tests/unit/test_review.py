"""A person decides: what waits, what they are shown, what they release, and what is taken back."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from desks import (
    COLE,
    ED,
    HELD,
    HELD_BY_POLICE,
    INTELLIGENCE,
    OTHER,
    REASON,
    SHAH,
    Known,
    about,
    again,
    answers,
    asked,
    desk_of,
    dossiers_of,
    listed,
    numbered,
    request_for,
    sent_by_hub,
    take_back,
    waiting_anywhere,
    waits,
    work,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from small_borough import NOW, SmallBorough, entries_of
from sources_of import only, put
from tree import ROOT

from agents.adapter.answer import MOST
from agents.adapter.choice import Choice
from agents.adapter.duty import Duty
from agents.adapter.ports import Row
from agents.adapter.review import Hindrance
from schemas.enums import AgencyStatus, Assertion, CancelReason, CorrectionReason, Kind, Openness, Operation, Outcome, Status
from schemas.errors import ConfigurationError, SourceUnavailableError, StoreUnavailableError
from schemas.identifiers import CategoryId, Slug, SubjectRef
from schemas.records import Cancel, ItemField
from schemas.reviews import Shown


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("review"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path, borough):
    """A borough of one test's own."""
    made = SmallBorough(tmp_path, like=borough.folder)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def as_it_was(borough):
    """Each test may exchange clock, source, pack and settings."""
    parts = [(adapter, adapter.sources, adapter.pack, adapter.settings) for adapter in borough.adapters]
    yield
    for adapter, source, pack, kept in parts:
        adapter.sources, adapter.pack, adapter.settings = source, pack, kept
        assert listed(adapter) == waiting_anywhere(adapter)  # whatever a test did: all that waits is listed, and nothing else


# ---------------------------------------------------------------------------------------------- the queue


def test_what_waits_is_what_only_a_person_may_answer_the_most_pressing_first(fresh):
    fresh.take_in()
    fresh.work()
    desk = desk_of(fresh.police)
    found = desk.queue()
    assert {each.answer.status for each in found} == {Status.in_review, Status.ambiguous, Status.contact_us}
    every = [said.answer for dossier in dossiers_of(fresh.police) for said in dossier.said.values()]
    assert len(found) == sum(each.status in {Status.in_review, Status.ambiguous, Status.contact_us} for each in every)
    assert [each.dossier.request.due_at for each in found] == sorted(each.dossier.request.due_at for each in found)
    whys = {each.answer.status: desk.why(each) for each in found}
    assert whys == {Status.in_review: ("row_none",), Status.ambiguous: ("ambiguous",), Status.contact_us: ("never_automatic",)}


def test_a_hub_that_is_no_longer_listed_hides_nothing_that_waits(fresh):
    fresh.take_in()
    fresh.work()
    desk = desk_of(fresh.police)
    assert desk.queue()
    listed = fresh.police.party.trust.directory.parties
    fresh.tell(fresh.next_directory(parties=tuple(each for each in listed if each.id != fresh.hub.party.id)))
    fresh.work(fresh.police)
    assert fresh.police.party.trust.party(fresh.hub.party.id) is None
    assert {desk.why(each) for each in desk.queue()} == {("hub_not_listed",)}


def test_what_waits_is_listed_without_opening_a_case_of_which_nothing_waits(fresh, monkeypatch):
    fresh.take_in()
    fresh.work()
    trust, store = fresh.trust, fresh.trust.party.store
    desk = desk_of(trust)
    waits_in = {each.dossier.request.case_id for each in (*desk.queue(), *desk.glass())}
    assert set(store.cases()) > waits_in > set()
    events, opened = store.events, []

    def noted(case_id):
        opened.append(case_id)
        return events(case_id)

    monkeypatch.setattr(store, "events", noted)
    queue = desk_of(trust).queue()
    assert sorted(opened) == sorted(waits_in)
    assert {(each.dossier.kept.digest, each.key) for each in queue} == waiting_anywhere(trust)


def test_what_was_decided_cancelled_or_taken_back_is_opened_no_more(fresh):
    trust, store = fresh.trust, fresh.trust.party.store
    put(trust, Known(HELD))
    decided, cancelled, silenced = (asked(fresh, trust, only=ED) for _ in range(3))
    cases = [each.request.case_id for each in (decided, cancelled, silenced)]
    assert set(store.waiting()) == set(cases)
    for each in decided.waiting():
        assert decided.request.case_id in store.waiting()  # as long as anything of it waits
        assert desk_of(trust).withhold(waits(trust, decided, *reversed(each.key)), SHAH, REASON) is None
    assert set(store.waiting()) == set(cases[1:])
    cancel = Cancel(
        request_digest=cancelled.kept.digest,
        case_id=cases[1],
        reason=CancelReason.withdrawn,
        officer=cancelled.request.officer,
        decided_at=NOW,
        duty_contact=cancelled.request.duty_contact,
    )
    sent_by_hub(fresh, cancel, Kind.cancel, trust.party.id, cancelled.kept.thread)
    work(trust)
    assert store.waiting() == [cases[2]]
    assert take_back(trust, silenced, CorrectionReason.inaccurate, silent=True)
    work(trust)
    assert store.waiting() == []
    assert listed(trust) == waiting_anywhere(trust) == set()


@pytest.mark.proves("I8")
def test_from_contact_to_review_to_a_released_item_with_its_interpretation_in_the_hubs_record(fresh):
    only(fresh.trust).system.close()
    put(fresh.trust, Known(HELD, OTHER))
    fresh.take_in()
    fresh.work()
    desk = desk_of(fresh.trust)
    waiting = next(each for each in desk.queue() if each.key == ("s1", ED) and each.answer.status is Status.in_review)
    before = fresh.hub.record(waiting.dossier.request.case_id)
    sight = desk.show(waiting, SHAH)
    assert [item.at for item in sight.items] == [HELD.at, OTHER.at]
    (bruise, _) = numbered(sight)
    cut = replace(bruise.item, fields=(ItemField(name=Slug("diagnosis"), value="Bruise to the left arm, [cut]"),))
    cut = replace(cut, assertion=Assertion.professional_judgement, third_party=True, do_not_disclose_to=(SubjectRef("s2"),))
    (waiting,) = [each for each in desk.queue() if each.key == waiting.key and each.dossier.kept.digest == waiting.dossier.kept.digest]
    done = desk.release(waiting, SHAH, draft=(replace(bruise, item=cut),), interpretation="Unlikely from a fall at this age.")
    assert done is None
    fresh.work()
    record = fresh.hub.record(waiting.dossier.request.case_id)
    (joined,) = [
        each
        for each in record.answers
        if each.agency == fresh.trust.party.id and each.answer.category == ED and each.answer.subject_ref == "s1"
    ]
    said = joined.answer
    assert (said.status, said.items, said.reviewed_by) == (Status.released, (cut,), SHAH)
    assert (said.interpretation, said.decided_by, joined.revision) == ("Unlikely from a fall at this age.", "p.shah", 2)
    assert said.agreed_fields
    assert said.searched
    state = next(each for each in record.agencies if each.agency == fresh.trust.party.id)
    assert (state.status, state.revision, state.conflict) == (AgencyStatus.answered, 2, False)
    others = [[each.answer for each in one.answers if each.answer.decision_id != said.decision_id] for one in (before, record)]
    assert [each for each in others[0] if (each.subject_ref, each.category) != ("s1", ED)] == others[1]
    logged = [each for each in about(fresh.trust.party, waiting.dossier) if each.actor == SHAH]
    assert [(each.operation, each.outcome) for each in logged] == [
        (Operation.consultation, "searched.trust-extracts"),
        (Operation.consultation, "shown"),
        (Operation.consultation, "searched.trust-extracts"),
        (Operation.decision, "release"),
        (Operation.disclosure, "released"),
    ]
    assert logged[-1].envelope == joined.envelope


@pytest.mark.proves("I8")
def test_every_answer_of_a_later_revision_has_an_entry_naming_the_envelope_it_leaves_in(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    assert desk.release(waits(borough.trust, dossier), SHAH) is None
    newest = [each for each in again(borough.trust, dossier).responses if each.body.revision == 2]
    told = [
        (each.subject_ref, each.category, each.outcome, each.envelope)
        for each in about(borough.trust.party, dossier)
        if each.operation is Operation.disclosure
    ]
    for response in newest:
        for each in response.body.answers:
            assert (each.subject_ref, each.category, each.status.value, response.digest) in told


# ---------------------------------------------------------------------------------------------- a look


def test_a_look_keeps_a_salted_digest_and_an_entry_and_never_what_was_seen(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    desk.show(waits(borough.trust, dossier), SHAH)
    one, two = again(borough.trust, dossier).shown
    assert (one.officer, one.subject_ref, one.category) == (SHAH, "s1", ED)
    assert one.salt != two.salt
    assert one.digest != two.digest
    assert all(len(getattr(each, name)) == 32 for each in (one, two) for name in ("salt", "digest"))
    assert set(Shown.__dataclass_fields__) == {"request_digest", "subject_ref", "category", "officer", "shown_at", "salt", "digest"}
    assert [each.outcome for each in about(borough.trust.party, dossier) if each.actor == SHAH] == ["searched.trust-extracts", "shown"] * 2


@pytest.mark.proves("I8")
def test_nothing_is_shown_when_the_look_cannot_be_entered(borough, monkeypatch):
    put(borough.trust, Known(HELD))
    waiting = waits(borough.trust, asked(borough, borough.trust))

    def refuse(*_):
        raise StoreUnavailableError

    monkeypatch.setattr(borough.trust.party.store, "apply", refuse)
    with pytest.raises(StoreUnavailableError):
        desk_of(borough.trust).show(waiting, SHAH)


def test_nothing_is_released_that_this_officer_was_not_shown(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), COLE)
    stopped = desk.release(waits(borough.trust, dossier), SHAH)
    assert stopped.why is Hindrance.unseen
    assert len(stopped.sight.items) == 1
    assert again(borough.trust, dossier).revision == 1
    assert desk.release(waits(borough.trust, dossier), SHAH) is None  # the refusal showed it
    assert answers(borough.trust, dossier)["s1", ED].status is Status.released


texts = st.sampled_from(["Bruise", "Burn", "Fracture"])
held_rows = st.lists(
    st.builds(
        lambda day, text: Row(at=date(2026, 11, day), fields=((Slug("diagnosis"), text),), assertion="fact"), st.integers(1, 20), texts
    ),
    max_size=3,
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seen=held_rows, held=held_rows)
def test_a_release_after_a_change_asks_again_and_without_one_does_not(borough, seen, held):
    put(borough.trust, Known(*seen))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    put(desk, Known(*held))
    stopped = desk.release(waits(borough.trust, dossier), SHAH)
    assert (stopped is None) == (seen == held)
    if stopped is not None:
        assert again(borough.trust, dossier).revision == 1
        assert desk.release(waits(borough.trust, dossier), SHAH) is None
    said = answers(borough.trust, dossier)["s1", ED]
    assert said.status is (Status.released if held else Status.none_held)
    assert [item.at for item in said.items] == [row.at for row in held]


def test_a_decision_that_changed_since_the_look_releases_nothing(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    desk.pack = borough.police.pack  # decide() cannot decide by another controller's pack
    assert desk.release(waits(borough.trust, dossier), SHAH).why is Hindrance.not_lawful
    assert again(borough.trust, dossier).revision == 1


def test_what_was_seen_before_the_answer_was_given_anew_counts_no_more(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    borough.clock.move(minutes=1)
    take_back(borough.trust, dossier, CorrectionReason.inaccurate)
    work(borough.trust)
    assert desk.release(waits(borough.trust, dossier), SHAH).why is Hindrance.unseen


# ---------------------------------------------------------------------------------------------- ambiguity and bars


@pytest.mark.proves("I10")
def test_without_a_named_candidate_nothing_is_released_however_often_it_is_looked_at(borough):
    put(borough.police, Known(HELD_BY_POLICE, people=2))
    dossier = asked(borough, borough.police, "s47", only=CategoryId("pol.incidents"))
    desk, key = desk_of(borough.police), {"category": CategoryId("pol.incidents")}
    assert answers(borough.police, dossier)["s1", "pol.incidents"].status is Status.ambiguous
    sight = desk.show(waits(borough.police, dossier, **key), SHAH)
    assert (sight.needs_person, sight.items, len(sight.candidates)) == (True, (), 2)
    for _ in range(3):
        assert desk.release(waits(borough.police, dossier, **key), SHAH).why is Hindrance.no_person
    assert not [call for call in only(borough.police).system.calls if isinstance(call, tuple)]  # nobody's data was fetched
    assert again(borough.police, dossier).revision == 1
    with pytest.raises(ConfigurationError, match="none of those shown"):
        desk.show(waits(borough.police, dossier, **key), SHAH, Choice(people=(3,)))


@pytest.mark.proves("I10")
def test_the_candidate_a_reviewer_names_and_was_shown_is_the_one_released_and_no_other(borough):
    put(borough.police, Known(HELD_BY_POLICE, people=3))
    dossier = asked(borough, borough.police, "s47", only=CategoryId("pol.incidents"))
    desk, key = desk_of(borough.police), {"category": CategoryId("pol.incidents")}
    chosen = desk.show(waits(borough.police, dossier, **key), SHAH, Choice(people=(2,))).candidates[1][1]
    assert desk.release(waits(borough.police, dossier, **key), SHAH).why is Hindrance.no_person
    assert (
        desk.release(waits(borough.police, dossier, **key), SHAH, choice=Choice(people=(1,))).why is Hindrance.unseen
    )  # it shows the first
    assert desk.release(waits(borough.police, dossier, **key), SHAH, choice=Choice(people=(2,))).why is Hindrance.unseen
    assert again(borough.police, dossier).revision == 1
    assert desk.release(waits(borough.police, dossier, **key), SHAH, choice=Choice(people=(2,))) is None
    assert only(borough.police).system.calls[-1] == (chosen.key, "pol.incidents")
    said = answers(borough.police, dossier)["s1", "pol.incidents"]
    assert (said.status, said.agreed_fields, len(said.items)) == (Status.released, (), 1)


@pytest.mark.proves("I10")
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.integers(2, 25), acts=st.lists(st.sampled_from(["show", "release", "draft"]), max_size=5))
def test_ambiguity_never_releases_without_a_persons_choice_whatever_else_is_tried(borough, people, acts):
    put(borough.police, Known(HELD_BY_POLICE, people=people))
    dossier = asked(borough, borough.police, "s47", only=CategoryId("pol.incidents"))
    desk = desk_of(borough.police)
    for act in acts:
        waiting = waits(borough.police, dossier, CategoryId("pol.incidents"))
        if act == "show":
            desk.show(waiting, SHAH)
        else:
            assert desk.release(waiting, SHAH, draft=() if act == "draft" else None).why is Hindrance.no_person
    assert not any(said.items for said in answers(borough.police, dossier).values())
    assert again(borough.police, dossier).revision == 1


def test_what_no_machine_answers_a_person_may_release_where_the_ladder_allows_it(borough):
    put(borough.police, Known(HELD_BY_POLICE))
    dossier = asked(borough, borough.police, "intelligence", only=INTELLIGENCE)
    desk, key = desk_of(borough.police), {"category": INTELLIGENCE}
    subject = next(each.subject_ref for each in dossier.request.questions)
    desk.show(waits(borough.police, dossier, subject=subject, **key), SHAH)
    assert desk.release(waits(borough.police, dossier, subject=subject, **key), SHAH) is None
    assert answers(borough.police, dossier)[subject, INTELLIGENCE].reviewed_by == SHAH


def test_what_the_ladder_refuses_no_person_releases_and_nothing_is_looked_up(borough):
    source = put(borough.police, Known(HELD_BY_POLICE))
    request = request_for(borough, borough.police, "intelligence")
    consents = replace(request.consents, openness=Openness.not_recorded)
    dossier = asked(borough, borough.police, "intelligence", only=INTELLIGENCE, consents=consents)
    subject = next(each.subject_ref for each in dossier.request.questions)
    waiting, desk = waits(borough.police, dossier, INTELLIGENCE, subject), desk_of(borough.police)
    sight = desk.show(waiting, SHAH)
    assert (sight.is_lawful, sight.items, source.calls) == (False, (), [])
    assert desk.release(waits(borough.police, dossier, INTELLIGENCE, subject), SHAH).why is Hindrance.not_lawful
    assert (again(borough.police, dossier).revision, source.calls) == (1, [])


# ---------------------------------------------------------------------------------------------- withholding, and two at once


@pytest.mark.parametrize("reason", ["no", "no no no no no no no no", "x" * 50, " " * 40, REASON * 200])
def test_a_reason_that_says_nothing_withholds_nothing(borough, reason):
    dossier = asked(borough, borough.trust)
    with pytest.raises(ConfigurationError, match="--reason"):
        desk_of(borough.trust).withhold(waits(borough.trust, dossier), SHAH, reason)
    assert again(borough.trust, dossier).revision == 1


def test_what_is_withheld_neither_confirms_nor_denies_and_waits_no_more(borough):
    source = put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    source.calls.clear()
    assert desk_of(borough.trust).withhold(waits(borough.trust, dossier), SHAH, REASON) is None
    said = answers(borough.trust, dossier)["s1", ED]
    assert (said.status, said.items, said.searched, said.agreed_fields) == (Status.contact_us, (), (), ())
    assert said.reviewed_by == SHAH
    assert source.calls == []
    assert ("s1", ED) not in [each.key for each in again(borough.trust, dossier).waiting()]
    ruled = again(borough.trust, dossier).ruled(("s1", ED))
    assert (ruled.outcome, ruled.reason) == (Outcome.withhold, REASON)
    assert not any(REASON in repr(field) for response in again(borough.trust, dossier).responses for field in response.body.answers)


def test_of_two_reviewers_at_once_one_wins_and_the_other_is_told(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    for officer in (SHAH, COLE):
        desk.show(waits(borough.trust, dossier), officer)
    theirs = waits(borough.trust, dossier)
    assert desk.release(theirs, SHAH) is None
    before = len(entries_of(borough.trust.party))
    assert desk.withhold(theirs, COLE, REASON).why is Hindrance.too_late
    assert desk.release(theirs, COLE).why is Hindrance.too_late
    assert len(entries_of(borough.trust.party)) == before
    found = again(borough.trust, dossier)
    assert (found.revision, len(found.reviewed)) == (2, 1)
    assert found.said["s1", ED].answer.reviewed_by == SHAH


def test_nothing_is_released_by_the_passing_of_time(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    for _ in range(4):
        borough.clock.move(days=1)
        work(borough.trust)
    assert again(borough.trust, dossier).revision == 1
    assert waits(borough.trust, dossier)
    borough.clock.at = NOW


# ---------------------------------------------------------------------------------------------- a source that fails, or gives too much


@pytest.mark.parametrize(
    "source",
    [
        Known(error=SourceUnavailableError("down")),
        Known(error=ValueError("SECRET")),
        Known(as_of=NOW - timedelta(days=400)),
        Known(replace(HELD, assertion="hearsay")),
    ],
    ids=["down", "broken", "stale and empty", "unreadable"],
)
def test_a_source_that_cannot_be_relied_on_releases_nothing_and_the_question_still_waits(borough, source):
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    put(desk, source)
    for act in (desk.show, desk.release):
        with pytest.raises(SourceUnavailableError) as caught:
            act(waits(borough.trust, dossier), SHAH)
        assert "SECRET" not in str(caught.value)
    assert again(borough.trust, dossier).revision == 1


def test_more_than_one_message_holds_must_be_cut_down_and_then_goes(borough):
    long = replace(HELD, fields=((Slug("diagnosis"), "word " * 1500),))
    put(borough.trust, Known(*[long] * (MOST // 7500 + 1)))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    sight = desk.show(waits(borough.trust, dossier), SHAH)
    assert desk.release(waits(borough.trust, dossier), SHAH).why is Hindrance.too_large
    assert desk.release(waits(borough.trust, dossier), SHAH, draft=numbered(sight)[:3]) is None
    assert len(answers(borough.trust, dossier)["s1", ED].items) == 3


# ---------------------------------------------------------------------------------------------- cutting and marking


def _value(item, text, name="diagnosis"):
    return replace(item, fields=tuple(replace(each, value=text) if each.name == name else each for each in item.fields))


EDITS = {
    "words added": (lambda one, two: (one, replace(two, item=_value(two.item, "Burn, and a scald"))), "items[2].diagnosis"),
    "words put in another order": (lambda one, _: (replace(one, item=_value(one.item, "said [cut] Bruise [cut]")),), "items[1].diagnosis"),
    "a cut without its mark": (lambda one, _: (replace(one, item=_value(one.item, "Bruise to the left arm")),), "items[1].diagnosis"),
    "a field that was not found": (
        lambda one, _: (replace(one, item=replace(one.item, fields=(*one.item.fields, ItemField(name=Slug("disposal"), value="Home")))),),
        "items[1].fields",
    ),
    "fields in another order": (lambda _, two: (replace(two, item=replace(two.item, fields=two.item.fields[::-1])),), "items[2].fields"),
    "another day": (lambda one, _: (replace(one, item=replace(one.item, at=date(2026, 11, 9))),), "items[1].at"),
    "another relation": (lambda one, _: (replace(one, item=replace(one.item, relation_to_child="nobody")),), "items[1].relation_to_child"),
    "an item that was not found": (lambda one, _: (replace(one, number=3),), "items[3]"),
    "an item twice": (lambda one, _: (one, one), "items[1]"),
    "items in another order": (lambda one, two: (two, one), "items[1]"),
    "a mark about nobody": (
        lambda one, _: (replace(one, item=replace(one.item, do_not_disclose_to=(SubjectRef("s9"),))),),
        "items[1].do_not_disclose_to",
    ),
    "nothing left": (lambda *_: (), "items"),
}


@pytest.mark.parametrize(("change", "field"), EDITS.values(), ids=EDITS)
def test_anything_but_a_cut_or_a_mark_is_refused_by_item_and_field(borough, change, field):
    put(borough.trust, Known(HELD, OTHER))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    one, two = numbered(desk.show(waits(borough.trust, dossier), SHAH))
    with pytest.raises(ConfigurationError) as caught:
        desk.release(waits(borough.trust, dossier), SHAH, draft=change(one, two), file="cut.json")
    assert [each.field for each in caught.value.faults] == [field]
    assert "scald" not in str(caught.value)
    assert again(borough.trust, dossier).revision == 1


def test_an_interpretation_of_nothing_or_of_a_book_is_refused(borough):
    put(borough.trust, Known(HELD))
    dossier = asked(borough, borough.trust)
    desk = desk_of(borough.trust)
    desk.show(waits(borough.trust, dossier), SHAH)
    for words in (" ", "x" * 8001):
        with pytest.raises(ConfigurationError, match="--interpretation"):
            desk.release(waits(borough.trust, dossier), SHAH, interpretation=words)
    assert again(borough.trust, dossier).revision == 1


# ---------------------------------------------------------------------------------------------- nobody on duty


WORKING = Duty.model_validate(
    {
        "days": ["mon", "tue"],
        "hours": "09:00-17:00",
        "out_of_hours": {"name": "Emergency duty team", "phone": "01632 960999", "hours": "nights"},
    }
)


@pytest.mark.parametrize(
    ("at", "on"),
    [
        (datetime(2026, 11, 24, 9, 0, tzinfo=UTC), True),  # a Tuesday, in winter
        (datetime(2026, 11, 24, 8, 59, tzinfo=UTC), False),
        (datetime(2026, 11, 24, 17, 0, tzinfo=UTC), False),
        (datetime(2026, 11, 25, 12, 0, tzinfo=UTC), False),
        (datetime(2026, 6, 2, 8, 0, tzinfo=UTC), True),  # a Tuesday, in summer
        (datetime(2026, 6, 2, 16, 0, tzinfo=UTC), False),
        (datetime(2026, 6, 1, 23, 30, tzinfo=UTC), False),
    ],
)
def test_duty_hours_are_those_of_englands_clocks(at, on):
    assert WORKING.is_on(at) is on


def test_the_hours_that_the_documents_show_are_understood():
    (text,) = [
        each for each in re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "operations.md").read_text(), re.DOTALL) if "[duty]" in each
    ]
    assert Duty.model_validate(tomllib.loads(text)["duty"]).is_on(datetime(2026, 11, 24, 9, 0, tzinfo=UTC))


@pytest.mark.parametrize("hours", ["17:00-09:00", "09:00", "9-5", "09:00-09:00", "", "09:00-25:00"])
def test_hours_that_make_no_span_are_refused(hours):
    with pytest.raises(ValueError, match="within one day"):
        Duty.model_validate(WORKING.model_dump() | {"hours": hours})


def test_out_of_hours_what_waits_for_a_person_names_the_out_of_hours_contact_at_once(borough):
    for days, name in ((("wed",), "Emergency duty team"), (("tue",), borough.trust.party.settings.contact.name)):
        duty = WORKING.model_copy(update={"days": days})
        borough.trust.settings = borough.trust.settings.model_copy(update={"duty": duty})
        found = answers(borough.trust, asked(borough, borough.trust))
        assert {each.duty_contact.name for each in found.values() if each.status is Status.in_review} == {name}
    borough.trust.settings = borough.trust.settings.model_copy(update={"duty": WORKING.model_copy(update={"days": ("wed",)})})
    found = answers(borough.trust, asked(borough, borough.trust, "s47"))
    assert {each.duty_contact for each in found.values()} == {borough.trust.party.settings.contact}  # nothing here waits
