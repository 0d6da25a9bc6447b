"""An agency with several systems: each searched by itself, all joined, and none that fails reads as nothing held."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from desks import ED, HELD, OTHER, SHAH, Known, about, again, answers, asked, desk_of, numbered, take_back, waits, work
from small_borough import NOW, SmallBorough
from sources_of import both

from agents.adapter.choice import Choice, Form, FormItem
from agents.adapter.review import Hindrance
from agents.adapter.settings import Source
from agents.adapter.sources.manual import ManualSource
from agents.cli.casetext import missing
from agents.cli.page import case_page
from agents.cli.show import record_lines
from schemas.enums import AgencyStatus, CorrectionReason, Operation, Status
from schemas.errors import ConfigurationError, SourceUnavailableError
from schemas.identifiers import NhsNumber, Slug
from schemas.records import Unanswered

DOWN = SourceUnavailableError("down")
FIRST, SECOND = Slug("first"), Slug("second")
OLD = NOW - timedelta(days=400)
KEY = ("s1", ED)


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("several"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path, borough):
    """A borough of one test's own."""
    made = SmallBorough(tmp_path, like=borough.folder)
    yield made
    made.close()


@pytest.fixture
def trust(borough):
    """The trust, whose sources each test exchanges."""
    kept = borough.trust.sources
    borough.clock.at = NOW
    yield borough.trust
    borough.trust.sources = kept
    borough.clock.at = NOW


def recovers(agency, name, system):
    """One source's system is another from now on."""
    agency.sources = {**agency.sources, name: replace(agency.sources[name], system=system)}
    return system


def ask(borough, scene="s47"):
    dossier = asked(borough, borough.trust, scene, only=ED)
    return dossier, answers(borough.trust, dossier)[KEY]


def sources_of(said):
    return [each.source for each in said.items]


# ---------------------------------------------------------------------------------------------- the whole case


@pytest.mark.proves("I7")
def test_from_contact_to_the_hubs_record_with_two_sources_one_failing_then_recovering(fresh):
    hub, trust = fresh.hub, fresh.trust
    both(trust, ED, Known(HELD), Known(error=DOWN))
    fresh.take_in()
    fresh.work()

    def record():
        return next(each for each in map(hub.record, hub.party.store.cases()) if each.contact_ref == "demo-001")

    def joined():
        (found,) = [
            each for each in record().answers if each.agency == trust.party.id and (each.answer.subject_ref, each.answer.category) == KEY
        ]
        return found

    first = joined().answer
    assert (first.status, [each.at for each in first.items], sources_of(first)) == (Status.released, [HELD.at], [FIRST])
    assert [each.source for each in first.searched] == [FIRST]
    assert first.unanswered == (Unanswered(source=SECOND, status=Status.source_unavailable, scope="All of second"),)
    gap = "is without all of second, which was too old or could not be asked: more may be held"
    assert any(gap in each for each in missing(record()))
    assert "second IS MISSING: it did not answer (covers: All of second)" in "\n".join(record_lines(record()))
    assert "second IS MISSING" in case_page(record(), {}, SHAH, NOW)

    recovers(trust, SECOND, Known(OTHER, people=1))
    fresh.clock.move(seconds=30)
    fresh.work()
    whole = joined()
    assert [(each.at, each.source) for each in whole.answer.items] == [(OTHER.at, SECOND), (HELD.at, FIRST)]
    assert [(each.source, each.scope) for each in whole.answer.searched] == [(FIRST, "All of first"), (SECOND, "All of second")]
    assert all(each.identifiers and each.as_of for each in whole.answer.searched)
    assert (whole.answer.unanswered, whole.revision) == ((), 2)
    assert not any(gap in each for each in missing(record()))
    state = next(each for each in record().agencies if each.agency == trust.party.id)
    assert (state.status, state.conflict) == (AgencyStatus.answered, False)


# ---------------------------------------------------------------------------------------------- one fails beside another


@pytest.mark.proves("I7")
@pytest.mark.parametrize(("failing", "status"), [(Known(error=DOWN), Status.source_unavailable), (Known(as_of=OLD), Status.stale)])
def test_nothing_found_in_one_while_another_fails_is_no_nothing_held(borough, trust, failing, status):
    both(trust, ED, Known(), failing)
    dossier, said = ask(borough)
    assert (said.status, [each.source for each in said.unanswered]) == (status, [SECOND])
    recovers(trust, SECOND, Known())
    borough.clock.move(seconds=30)
    work(trust)
    assert answers(trust, dossier)[KEY].status is Status.none_held


def test_a_failing_source_is_asked_until_the_answer_is_due_and_what_the_other_holds_stands(borough, trust):
    failing = Known(error=DOWN)
    both(trust, ED, Known(HELD), failing)
    dossier = asked(borough, trust, "s47", only=ED, due_at=NOW + timedelta(minutes=2))
    for seconds in (30, 60, 30):
        tried = len(failing.calls)
        borough.clock.move(seconds=seconds)
        work(trust)
        assert len(failing.calls) > tried
    assert (borough.clock.at, trust.party.store.has_work()) == (dossier.request.due_at, False)
    found = again(trust, dossier)
    assert (found.revision, sources_of(found.said[KEY].answer)) == (1, [FIRST])


def test_what_was_told_is_never_lost_to_a_source_that_fails_later(borough, trust):
    both(trust, ED, Known(HELD), Known(error=DOWN))
    dossier, _ = ask(borough)
    recovers(trust, FIRST, Known(error=DOWN))
    recovers(trust, SECOND, Known(OTHER))
    borough.clock.move(seconds=30)
    work(trust)
    found = again(trust, dossier)
    assert (found.revision, sources_of(found.said[KEY].answer)) == (1, [FIRST])
    recovers(trust, FIRST, Known(HELD))
    borough.clock.move(seconds=60)
    work(trust)
    assert sources_of(answers(trust, dossier)[KEY]) == [SECOND, FIRST]


def test_what_an_old_source_holds_is_not_released_beside_a_fresh_one(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER, as_of=OLD))
    said = ask(borough)[1]
    assert (said.status, sources_of(said)) == (Status.released, [FIRST])
    assert [(each.source, each.status) for each in said.unanswered] == [(SECOND, Status.stale)]
    assert [each.as_of for each in said.searched] == [NOW, OLD]


def test_each_sources_own_lag_is_its_measure(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER, as_of=OLD), allowed_lag=timedelta(days=3650))
    said = ask(borough)[1]
    assert (sources_of(said), said.unanswered) == ([SECOND, FIRST], ())


# ---------------------------------------------------------------------------------------------- people and categories


def test_a_person_of_one_source_is_no_key_of_another_and_only_declared_categories_are_asked(borough, trust):
    class Keyed(Known):
        def person(self, subject, number):
            return replace(super().person(subject, number), key=f"B-{number}")

    first, second = Known(HELD), Keyed(OTHER)
    both(trust, ED, first, second)
    dossier, _ = ask(borough)
    assert {call[0] for call in first.calls if isinstance(call, tuple)} == {"KEY-0"}
    assert {call[0] for call in second.calls if isinstance(call, tuple)} == {"B-0"}
    looked = {str(each.outcome) for each in about(trust.party, dossier) if each.operation is Operation.consultation}
    assert {"searched.first", "searched.second"} <= looked


def test_a_source_that_does_not_declare_the_category_is_not_searched(borough, trust):
    other = Known(OTHER)
    both(trust, ED, Known(HELD), other)
    trust.sources = {
        **trust.sources,
        SECOND: Source(settings=trust.sources[SECOND].settings.model_copy(update={"category": ()}), system=other),
    }
    assert (sources_of(ask(borough)[1]), other.calls) == ([FIRST], [])


@pytest.mark.proves("I10")
def test_ambiguity_in_one_source_releases_nothing_of_another_and_fetches_nothing(borough, trust):
    first, second = Known(HELD), Known(OTHER, people=2)
    both(trust, ED, first, second)
    said = ask(borough)[1]
    assert (said.status, said.items, said.agreed_fields) == (Status.ambiguous, (), ())
    assert not [call for call in first.calls + second.calls if isinstance(call, tuple)]


@pytest.mark.proves("I10")
def test_two_sources_each_sure_of_another_traced_number_release_nothing(borough, trust):
    class Traced(Known):
        def __init__(self, number, *found):
            super().__init__(*found)
            self.number = NhsNumber(number)

        def person(self, subject, number):
            return replace(super().person(subject, number), nhs_number=self.number, nhs_number_verified=True)

    class Unnumbered(Traced):
        def candidates(self, subject):
            return super().candidates(replace(subject, identifiers=()))

    both(trust, ED, Unnumbered("9434765919", HELD), Unnumbered("9449305552", OTHER))
    request = asked(borough, trust, "s47", only=ED).request
    numberless = tuple(replace(each, identifiers=()) for each in request.subjects)
    dossier = asked(borough, trust, "s47", only=ED, subjects=numberless)
    assert answers(trust, dossier)[KEY].status is Status.ambiguous


# ---------------------------------------------------------------------------------------------- a person decides


def shown(trust, dossier, choice=None):
    return desk_of(trust).show(waits(trust, dossier), SHAH, *([choice] if choice else []))


def waiting(trust, dossier):
    return [each.key for each in again(trust, dossier).waiting()]


def released(trust, dossier, choice):
    return desk_of(trust).release(waits(trust, dossier), SHAH, choice=choice)


def test_a_reviewer_sees_which_source_each_candidate_and_each_item_is_of_and_names_one_person_of_each(borough, trust):
    both(trust, ED, Known(HELD, people=2), Known(OTHER, people=2))
    dossier, _ = ask(borough)
    assert [source for source, _ in shown(trust, dossier).candidates] == [FIRST, FIRST, SECOND, SECOND]
    assert released(trust, dossier, Choice(people=(1,))).why is Hindrance.no_person
    with pytest.raises(ConfigurationError, match="two people of one source"):
        shown(trust, dossier, Choice(people=(1, 2)))
    choice = Choice(people=(1, 3))
    assert sources_of(shown(trust, dossier, choice)) == [SECOND, FIRST]
    assert released(trust, dossier, choice) is None
    assert sources_of(answers(trust, dossier)[KEY]) == [SECOND, FIRST]


def test_none_of_those_shown_in_one_source_releases_what_the_other_holds(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER, people=2))
    dossier, _ = ask(borough)
    with pytest.raises(ConfigurationError, match="--nothing"):
        shown(trust, dossier, Choice(nothing=frozenset({FIRST})))  # there it is sure
    choice = Choice(nothing=frozenset({SECOND}))
    assert sources_of(shown(trust, dossier, choice)) == [FIRST]
    assert released(trust, dossier, choice) is None
    assert sources_of(answers(trust, dossier)[KEY]) == [FIRST]


def test_what_only_a_person_may_read_goes_beside_what_was_searched_by_a_form(borough, trust):
    both(trust, ED, Known(HELD), None, kind="manual", allowed_lag=timedelta(0))
    recovers(trust, SECOND, ManualSource(trust.sources[SECOND].settings))
    dossier, said = ask(borough)
    assert (said.status, said.items) == (Status.in_review, ())
    assert desk_of(trust).why(waits(trust, dossier)) == ("by_person",)
    assert shown(trust, dossier).unread == (SECOND,)
    assert desk_of(trust).release(waits(trust, dossier), SHAH).why is Hindrance.unread
    read = FormItem(at=date(2026, 11, 5), fields={Slug("diagnosis"): "Seen by the school nurse"})
    choice = Choice(forms=(Form(source=SECOND, items=(read,)),))
    assert released(trust, dossier, choice).why is Hindrance.unseen
    assert released(trust, dossier, choice) is None
    said = answers(trust, dossier)[KEY]
    assert [(each.at, each.source) for each in said.items] == [(read.at, SECOND), (HELD.at, FIRST)]
    assert [(each.source, each.identifiers) for each in said.searched][1] == (SECOND, ("a_person",))
    assert KEY not in waiting(trust, dossier)


def test_a_person_who_read_and_found_nothing_says_so_and_until_then_nothing_is_called_not_held(borough, trust):
    both(trust, ED, Known(), None, kind="manual", allowed_lag=timedelta(0))
    recovers(trust, SECOND, ManualSource(trust.sources[SECOND].settings))
    dossier, said = ask(borough)
    assert said.status is Status.in_review
    assert released(trust, dossier, Choice()).why is Hindrance.unread
    choice = Choice(nothing=frozenset({SECOND}))
    shown(trust, dossier, choice)
    assert released(trust, dossier, choice) is None
    assert answers(trust, dossier)[KEY].status is Status.none_held


@pytest.mark.parametrize(
    "forms",
    [
        (Form(source=FIRST, items=(FormItem(fields={Slug("diagnosis"): "x"}),)),),
        (Form(source=Slug("nowhere"), items=(FormItem(fields={Slug("diagnosis"): "x"}),)),),
        (Form(source=SECOND, items=(FormItem(fields={Slug("colour"): "x"}),)),),
        (Form(source=SECOND, items=(FormItem(fields={Slug("diagnosis"): "x" * 9000}),)),),
        (Form(source=SECOND, items=(FormItem(fields={Slug("diagnosis"): "x"}),)),) * 2,
    ],
    ids=["a source that is searched", "no source", "no such field", "too long", "twice"],
)
def test_a_form_that_nobody_asked_for_or_that_does_not_fit_is_refused(borough, trust, forms):
    both(trust, ED, Known(HELD), None, kind="manual", allowed_lag=timedelta(0))
    recovers(trust, SECOND, ManualSource(trust.sources[SECOND].settings))
    dossier, _ = ask(borough)
    with pytest.raises(ConfigurationError, match="--form"):
        shown(trust, dossier, Choice(forms=forms))


def test_what_a_person_released_while_a_source_was_down_says_so_and_waits_until_it_answers(borough, trust):
    both(trust, ED, Known(HELD), Known(error=DOWN))
    dossier, said = ask(borough, "screening")
    assert said.status is Status.in_review
    assert [each.source for each in shown(trust, dossier).unanswered] == [SECOND]
    assert released(trust, dossier, Choice()) is None
    said = answers(trust, dossier)[KEY]
    assert (sources_of(said), [each.source for each in said.unanswered]) == ([FIRST], [SECOND])
    borough.clock.move(seconds=30)
    work(trust)
    assert (again(trust, dossier).revision, desk_of(trust).why(waits(trust, dossier))) == (2, ("source_unanswered",))
    recovers(trust, SECOND, Known(OTHER))
    assert released(trust, dossier, Choice()).why is Hindrance.unseen  # more would leave than they saw
    assert released(trust, dossier, Choice()) is None
    assert sources_of(answers(trust, dossier)[KEY]) == [SECOND, FIRST]
    assert KEY not in waiting(trust, dossier)


def test_a_person_cannot_say_either_that_nothing_is_held_while_a_source_is_down(borough, trust):
    both(trust, ED, Known(), Known(error=DOWN))
    dossier, _ = ask(borough, "screening")
    with pytest.raises(SourceUnavailableError, match="second"):
        shown(trust, dossier)


def test_an_edit_that_gives_an_item_to_another_source_is_refused(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER))
    dossier, _ = ask(borough, "screening")
    (one, *_) = numbered(shown(trust, dossier))
    moved = replace(one, item=replace(one.item, source=FIRST))
    with pytest.raises(ConfigurationError, match="source"):
        desk_of(trust).release(waits(trust, dossier), SHAH, draft=(moved,), file="cut.json")


def test_after_a_correction_a_reviewer_says_in_which_source_it_was_the_wrong_person(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER))
    dossier, said = ask(borough)
    assert sources_of(said) == [SECOND, FIRST]
    take_back(trust, dossier, CorrectionReason.wrong_person)
    borough.clock.move(seconds=1)
    work(trust)
    choice = Choice(nothing=frozenset({SECOND}))
    assert sources_of(shown(trust, dossier, choice)) == [FIRST]
    assert released(trust, dossier, choice) is None
    said = answers(trust, dossier)[KEY]
    assert (sources_of(said), said.status) == ([FIRST], Status.released)


def test_what_a_person_released_of_an_old_source_is_not_whole_and_waits_until_it_is_up_to_date(borough, trust):
    both(trust, ED, Known(HELD), Known(OTHER, as_of=OLD))
    dossier, _ = ask(borough, "screening")
    assert [(each.source, each.status) for each in shown(trust, dossier).unanswered] == [(SECOND, Status.stale)]
    assert released(trust, dossier, Choice()) is None
    found = again(trust, dossier).said[KEY]
    assert (found.is_whole, found.goes_on) == (False, False)
    assert [(each.source, each.status) for each in found.answer.unanswered] == [(SECOND, Status.stale)]  # the asker is told
    borough.clock.move(seconds=30)
    work(trust)
    assert again(trust, dossier).said[KEY] == found  # no machine answers anew what a person said
    assert desk_of(trust).why(waits(trust, dossier)) == ("source_unanswered",)
    recovers(trust, SECOND, Known(OTHER))
    assert released(trust, dossier, Choice()).why is Hindrance.unseen
    assert released(trust, dossier, Choice()) is None
    assert again(trust, dossier).said[KEY].is_whole
    assert KEY not in waiting(trust, dossier)
