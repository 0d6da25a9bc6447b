"""However many sources an agency has: a failing one never reads as nothing held, and one that holds more never yields less."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from searches import NOW, search

from agents.adapter.search import FAILING, ORDER, join
from schemas.enums import Status
from schemas.identifiers import Slug

NOTHING = {Status.none_held, Status.not_found}
PEOPLES = {Status.ambiguous, Status.contact_us, Status.in_review}


def sources(statuses, first=0):
    return [search(Slug(f"s{number}"), status) for number, status in enumerate(statuses, first)]


STATUSES = st.lists(st.sampled_from(ORDER), max_size=6)


@pytest.mark.proves("I7")
@given(STATUSES, st.sampled_from(sorted(FAILING)))
def test_a_failing_source_more_never_makes_anything_nothing_held_and_hides_no_item(statuses, failing):
    before, after = join(sources(statuses), NOW), join(sources([*statuses, failing]), NOW)
    assert after.status not in NOTHING
    assert after.items == before.items
    assert [each.source for each in after.unanswered] == [*(each.source for each in before.unanswered), f"s{len(statuses)}"]
    if before.status not in NOTHING | FAILING:
        assert after.status is before.status


@given(STATUSES)
def test_a_source_that_holds_more_never_yields_less(statuses):
    before, after = join(sources(statuses), NOW), join(sources([*statuses, Status.released]), NOW)
    assert set(before.items) <= set(after.items)
    assert after.status is (before.status if before.status in PEOPLES else Status.released)
    assert set(before.searched) <= set(after.searched)


@pytest.mark.proves("I10")
@given(STATUSES)
def test_while_one_source_is_not_sure_or_is_a_persons_nothing_of_any_leaves_without_a_person(statuses):
    found = join(sources(statuses), NOW)
    if PEOPLES & set(statuses):
        assert found.status in PEOPLES
        assert (found.items, found.agreed_fields) == ((), ())


@given(STATUSES, st.randoms(use_true_random=False))
def test_the_order_in_which_sources_are_declared_does_not_matter(statuses, random):
    declared = sources(statuses)
    one, two = join(declared, NOW), join(random.sample(declared, len(declared)), NOW)
    assert one.status is two.status
    for name in ("items", "searched", "unanswered", "agreed_fields"):
        assert set(getattr(one, name)) == set(getattr(two, name))


@given(STATUSES)
def test_nothing_is_called_not_held_unless_every_source_answered(statuses):
    found = join(sources(statuses), NOW)
    if found.status in NOTHING:
        assert set(statuses) <= NOTHING
        assert found.unanswered == ()
