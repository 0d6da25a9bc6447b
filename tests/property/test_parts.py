"""A large answer leaves in parts, split by subject, and is joined as one: whatever their order, however often, whatever else came."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import groupby
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joining import AGENCIES, ASKED, CASE, OPENED, QUESTION, answer, kept
from network import DUTY, HUB, POLICE

from agents.adapter.answer import Asked, Said
from agents.adapter.parts import respond
from agents.hub.casework import case_record
from schemas import codec
from schemas.enums import AgencyStatus, Assertion, CorrectionReason, Handling, Status
from schemas.errors import OversizeRecordError
from schemas.identifiers import CategoryId, Digest, Slug, SubjectRef, Thread
from schemas.records import Correction, Item, ItemField, Officer

KIB = 1024
PACK = Digest(bytes(32))
CATEGORIES = [CategoryId(f"pol.part_{letter}") for letter in "abcd"]
SUBJECTS = [SubjectRef(f"s{number}") for number in range(1, 7)]


def item(size):
    """About this many bytes in a body."""
    fields = tuple(ItemField(name=Slug(f"f{number}"), value="w" * min(8000, size - at)) for number, at in enumerate(range(0, size, 8000)))
    return Item(at=None, fields=fields, assertion=Assertion.fact, relation_to_child="self", handling=Handling.hub_only)


def said_of(subject, category, size, words):
    """An answer of about so many KiB."""
    items = (item(size % 256 * KIB),) * bool(size % 256) + (item(256 * KIB),) * (size // 256)
    status = Status.released if items else Status.none_held
    return Said(answer=replace(answer(subject, words), category=category, status=status, items=items), pack_digest=PACK)


def asked(questions):
    subjects = tuple(replace(ASKED.subjects[0], ref=ref) for ref in SUBJECTS)
    wanted = tuple(replace(QUESTION, subject_ref=ref, category=of) for ref, of in questions)
    request = replace(ASKED, agency=POLICE, subjects=subjects, questions=wanted)
    digest = kept(request, HUB, kind="request").digest
    return Asked(request=request, digest=digest, thread=Thread(bytes(16)), me=SimpleNamespace(id=POLICE), hub=SimpleNamespace(id=HUB))


def fits(response):
    try:
        codec.encode(response)
    except OversizeRecordError:
        return False
    return True


sizes = st.sampled_from([0, 1, 1, 20, 90, 150, 250, 370])  # KiB; of more a person sends
questions = st.dictionaries(st.tuples(st.sampled_from(SUBJECTS), st.sampled_from(CATEGORIES)), sizes, min_size=1, max_size=10)


@settings(max_examples=40, deadline=None)
@given(questions)
def test_every_answer_stands_in_one_part_that_fits_and_only_who_does_not_fit_alone_in_more_than_one(held):
    to = asked(held)
    said = [said_of(*key, size, "a") for key, size in held.items()]
    parts = respond(to, said, 4)
    assert [(each.revision, each.part, each.parts) for each in parts] == [(4, number, len(parts)) for number in range(1, len(parts) + 1)]
    assert all(map(fits, parts))
    told = Counter((one.subject_ref, one.category) for each in parts for one in each.answers)
    assert told == Counter(held.keys())
    divided = Counter(ref for each in parts for ref in {one.subject_ref for one in each.answers})
    for ref, count in divided.items():
        alone = replace(parts[0], answers=tuple(each.answer for each in said if each.answer.subject_ref == ref))
        assert count == 1 or not fits(alone)
    assert len(parts) == 1 or not fits(replace(parts[0], answers=tuple(each.answer for each in said)))  # split only when it must be
    assert respond(to, reversed(said), 4) == parts  # whatever the order they were worked out in


TO = asked([(ref, CATEGORIES[0]) for ref in SUBJECTS])
REQUEST = kept(TO.request, HUB, kind="request")
REVISIONS = {  # really too large for one body, and split otherwise each time
    number: [
        kept(each, POLICE, number) for each in respond(TO, [said_of(ref, CATEGORIES[0], size, f"r{number}") for ref in SUBJECTS], number)
    ]
    for number, size in ((1, 150), (2, 200), (3, 300))
}


def correction(revision):
    body = Correction(
        request_digest=TO.digest,
        case_id=CASE,
        agency=POLICE,
        revision=revision,
        corrects=tuple(each.digest for number in range(1, revision) for each in REVISIONS[number]),
        reason=CorrectionReason.wrong_person,
        officer=Officer(id="p.shah", role="reviewer", organisation=POLICE),
        decided_at=ASKED.decided_at,
        duty_contact=DUTY,
    )
    return kept(body, POLICE, 60)


def test_the_revisions_are_split_into_two_three_and_six():
    assert [len(each) for each in REVISIONS.values()] == [2, 3, 6]


def shown_of(arrived):
    """What the join should show of these envelopes: revision, status, and of which revision each subject."""
    taken_back = max((each.body.revision for each in arrived if isinstance(each.body, Correction)), default=0)
    came = {each.digest: each for each in arrived if not isinstance(each.body, Correction) and each.body.revision > taken_back}
    by_revision = {
        number: list(parts)
        for number, parts in groupby(sorted(came.values(), key=lambda one: one.body.revision), lambda one: one.body.revision)
    }
    whole = [number for number, parts in by_revision.items() if len(parts) == len(REVISIONS[number])]
    of = {
        one.subject_ref: number
        for number, parts in sorted(by_revision.items())
        for each in parts
        for one in each.body.answers
        if number == max(whole, default=number)
    }
    status = AgencyStatus.answered if whole else AgencyStatus.partial if of else AgencyStatus.awaited
    return max(whole, default=0), status, of


@pytest.mark.proves("I12")
@settings(max_examples=80, deadline=None)
@given(st.data())
def test_an_agency_is_partial_until_every_part_of_a_revision_is_here_whatever_comes_first_twice_or_in_between(data):
    sent = [each for parts in REVISIONS.values() for each in parts]
    taken_back = data.draw(st.sets(st.integers(2, 4), max_size=1))
    wanted = [*data.draw(st.lists(st.sampled_from(sent), unique_by=id)), *map(correction, taken_back)]
    arrived = data.draw(st.permutations([*wanted, *data.draw(st.lists(st.sampled_from(sent), max_size=3))]))
    for count in range(len(arrived) + 1):
        record = case_record([OPENED, REQUEST, *arrived[:count]])
        state = next(each for each in record.agencies if each.agency == POLICE)
        revision, status, of = shown_of(arrived[:count])
        assert (state.revision, state.status, state.conflict) == (revision, status, False)
        assert {each.answer.subject_ref: each.revision for each in record.answers} == of
        assert len(record.answers) == len(of), "somebody is answered twice"
    assert case_record([OPENED, REQUEST, *arrived]) == case_record([*reversed(arrived), REQUEST, OPENED])
    assert {each.agency for each in record.agencies} == set(AGENCIES)
