"""What an agency's sources come to together: each outcome by itself, and a table of what stands above what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from searches import LAG, NOW, ROBIN, SURE, A, B, answer, item, search

from agents.adapter.answer import Said
from agents.adapter.matching import Match, MatchOutcome
from agents.adapter.search import FAILING, ORDER, READ, agreed, consistent, is_settled, items_of, join, outcome, together, unanswered
from schemas.enums import Status
from schemas.identifiers import Digest, NhsNumber, Slug
from schemas.records import Unanswered


@pytest.mark.parametrize("status", ORDER)
def test_one_source_alone_comes_to_what_it_says(status):
    assert together([outcome(search(A, status), NOW)]) is status


def test_every_status_of_a_search_has_its_place_and_no_other():
    assert set(ORDER) == set(Status) - {Status.withheld, Status.unknown}
    assert len(set(ORDER)) == len(ORDER)


@pytest.mark.proves("I7")
@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (Status.ambiguous, Status.released, Status.ambiguous),
        (Status.ambiguous, Status.source_unavailable, Status.ambiguous),
        (Status.ambiguous, Status.not_found, Status.ambiguous),
        (Status.in_review, Status.released, Status.in_review),
        (Status.in_review, Status.stale, Status.in_review),
        (Status.released, Status.source_unavailable, Status.released),
        (Status.released, Status.stale, Status.released),
        (Status.released, Status.none_held, Status.released),
        (Status.released, Status.not_found, Status.released),
        (Status.source_unavailable, Status.none_held, Status.source_unavailable),
        (Status.source_unavailable, Status.not_found, Status.source_unavailable),
        (Status.source_unavailable, Status.stale, Status.source_unavailable),
        (Status.stale, Status.none_held, Status.stale),
        (Status.stale, Status.not_found, Status.stale),
        (Status.none_held, Status.not_found, Status.none_held),
        (Status.not_found, Status.not_found, Status.not_found),
    ],
)
def test_two_sources_come_to_one_status_in_either_order(one, other, expected):
    assert together([one, other]) is together([other, one]) is expected
    found = join([search(A, one), search(B, other)], NOW)
    assert found.status is expected
    assert bool(found.items) == (expected is Status.released)
    assert {each.source for each in found.items} <= {A}


def test_a_category_that_no_source_declares_is_never_not_held():
    assert together([]) is Status.source_unavailable


def test_a_failing_source_is_named_with_its_scope_and_why_and_an_answering_one_is_not():
    found = unanswered([search(A, Status.released), search(B, Status.stale), search(Slug("c"), Status.source_unavailable)], NOW)
    assert found == (
        Unanswered(source=B, status=Status.stale, scope="All of b"),
        Unanswered(source=Slug("c"), status=Status.source_unavailable, scope="All of c"),
    )


def test_each_sources_freshness_counts_by_itself():
    slow = search(B, Status.released, allowed_lag=timedelta(days=400), as_of=NOW - timedelta(days=300))
    assert [outcome(each, NOW) for each in (slow, replace(slow, allowed_lag=LAG))] == [Status.released, Status.stale]


def test_items_are_joined_newest_first_undated_last_and_each_names_its_source():
    one = search(A, Status.released, items=(item(A, date(2026, 11, 3)), item(A, date(2026, 11, 1)), item(A, None)))
    other = search(B, Status.released, items=(item(B, date(2026, 11, 2)),))
    assert [(each.source, each.at and each.at.day) for each in items_of([one, other])] == [(A, 3), (B, 2), (A, 1), (A, None)]


def test_only_what_agreed_in_every_source_that_knows_the_person_is_told():
    other = Match(outcome=MatchOutcome.confirmed, person=ROBIN, agreed_fields=(Slug("born_on"), Slug("postcode")))
    assert agreed([search(A, Status.released), search(B, Status.released, match=other)]) == ("born_on",)
    assert agreed([search(A, Status.released), search(B, Status.not_found)]) == SURE.agreed_fields
    assert agreed([search(A, Status.not_found)]) == ()


def traced(number, *, verified=True):
    who = replace(ROBIN, nhs_number=NhsNumber(number), nhs_number_verified=verified)
    return Match(outcome=MatchOutcome.confirmed, person=who)


@pytest.mark.proves("I10")
def test_two_sources_sure_of_people_with_different_traced_numbers_are_sure_of_nobody():
    one, two = (search(A, Status.released, match=traced(number)) for number in ("9434765919", "9449305552"))
    found = consistent([one, replace(two, source=B), search(Slug("c"), Status.not_found)])
    assert [each.match.outcome for each in found] == [MatchOutcome.ambiguous, MatchOutcome.ambiguous, MatchOutcome.none]
    assert together(outcome(each, NOW) for each in found) is Status.ambiguous


def test_the_same_number_an_untraced_one_or_none_contradicts_nobody():
    for match in (traced("9434765919"), traced("9449305552", verified=False), SURE):
        found = [search(A, Status.released, match=traced("9434765919")), search(B, Status.released, match=match)]
        assert consistent(found) == tuple(found)


@pytest.mark.parametrize("status", ORDER)
def test_nothing_is_fetched_while_a_person_has_to_say_something(status):
    assert is_settled([search(A, Status.released), search(B, status)]) == (
        status not in {Status.ambiguous, Status.contact_us, Status.in_review}
    )


@pytest.mark.parametrize("status", sorted(FAILING))
def test_a_source_that_did_not_answer_is_not_stated_as_searched_and_an_old_one_is(status):
    assert (search(A, status).searched == ()) == (status is Status.source_unavailable)


def said(status, *missing):
    return Said(answer=answer(status, *missing), pack_digest=Digest.zero())


def test_news_is_what_tells_more_and_never_what_leaves_out_what_was_told():
    partly, down, whole = said(Status.released, B), said(Status.source_unavailable, B), said(Status.released)
    assert (partly.is_whole, down.is_whole, whole.is_whole, said(Status.none_held).is_whole) == (False, False, True, True)
    assert said(Status.ambiguous, B).is_whole  # a person decides, whatever the other would say
    assert (partly.goes_on, whole.goes_on) == (True, False)
    assert partly.is_news_after(down)
    assert whole.is_news_after(partly)
    assert said(Status.ambiguous).is_news_after(partly)
    for same in (down, partly, said(Status.released, A), said(Status.released, A, B)):
        assert not same.is_news_after(partly)
    assert not said(Status.stale, B).is_news_after(down)


@pytest.mark.parametrize("status", [Status.none_held, Status.not_found])
def test_no_answer_on_the_wire_says_that_nothing_is_held_while_a_source_is_unanswered(status):
    assert answer(status).unanswered == ()
    with pytest.raises(ValueError, match="unanswered"):
        answer(status, B)


def test_a_source_is_unanswered_because_it_fails_and_for_no_other_reason():
    with pytest.raises(ValueError, match="source_unavailable or stale"):
        Unanswered(source=B, status=Status.none_held, scope="")


def test_what_a_person_read_and_found_empty_is_nothing_held_and_not_a_person_nobody_knows():
    read = replace(search(A, Status.not_found), items=(), by=READ)
    assert outcome(read, NOW) is Status.none_held
    assert outcome(search(A, Status.not_found), NOW) is Status.not_found


def test_an_old_source_is_named_as_not_answering_also_where_it_holds_something():
    assert [(each.source, each.status) for each in unanswered([search(A, Status.stale), search(B, Status.released)], NOW)] == [
        (A, Status.stale)
    ]
