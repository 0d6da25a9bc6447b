"""What only an agency's reviewer can know, a court's order or a bar found in the file, is stated on grounds and decided with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desks import COLE, ED, HELD, REASON, SHAH, Known, about, again, answers, asked, desk_of
from small_borough import SmallBorough
from sources_of import put

from agents.adapter.review import Hindrance
from agents.adapter.stated import MOST_GROUNDS, NOTHING, stated
from policies.compiled import compile_pack
from policies.facts import request_facts
from policies.sentences import MEANINGS
from policies.verdict import judge_of
from policies.vocabulary import DERIVED, REVIEWERS, Fact
from schemas.enums import Operation, Status
from schemas.errors import ConfigurationError
from schemas.reviews import Reviewed

GROUNDS = "The Family Court ordered it on 3 November; a sealed copy is on our file."
ORDER = stated(["court_order"], GROUNDS)


@pytest.fixture(scope="module")
def borough(tmp_path_factory):
    made = SmallBorough(tmp_path_factory.mktemp("stated"))
    trust = made.trust
    put(trust, Known(HELD))
    trust.pack = unconsidered(trust.pack)
    yield made
    made.close()


def unconsidered(pack):
    """The same pack without a standing consideration: nothing lifts the duty of confidence by itself."""
    controller = pack.controller.model_copy(update={"considerations": ()})
    compiled = compile_pack(pack.law, pack.categories, pack.agreements, controller)
    return replace(pack, controller=controller, compiled=compiled, judge=judge_of(compiled))


@pytest.fixture
def dossier(borough):
    made = asked(borough, borough.trust, "s47", only=ED)
    assert answers(borough.trust, made)["s1", ED].status is Status.withheld
    return made


def desk_stating(borough, said):
    desk = desk_of(borough.trust)
    desk.stated = said
    return desk


def opened(borough, dossier):
    return next(each for each in again(borough.trust, dossier).waiting(withheld=True) if each.key == ("s1", ED))


def reasons(borough, dossier):
    events = borough.trust.party.store.events(dossier.request.case_id)
    return [each.body.reason for each in events if isinstance(each.body, Reviewed) and each.body.request_digest == dossier.kept.digest]


def test_what_the_ladder_refused_waits_for_nobody_and_a_person_alone_cannot_open_it(borough, dossier):
    assert again(borough.trust, dossier).waiting() == []
    sight = desk_stating(borough, NOTHING).show(opened(borough, dossier), SHAH)
    assert (sight.is_lawful, sight.items) == (False, ())


def test_a_stated_court_order_lifts_confidence_is_entered_by_its_rule_and_its_grounds_are_kept(borough, dossier):
    desk = desk_stating(borough, ORDER)
    assert len(desk.show(opened(borough, dossier), SHAH).items) == 1
    assert desk.release(opened(borough, dossier), SHAH) is None
    said = answers(borough.trust, dossier)["s1", ED]
    assert (said.status, said.reviewed_by) == (Status.released, SHAH)
    assert "confidence.court-order" in [step.rule for step in said.ladder]
    assert reasons(borough, dossier) == [f"released; stated court_order: {GROUNDS}"]
    disclosed = [each for each in about(borough.trust.party, dossier) if each.actor == SHAH and each.operation is Operation.disclosure]
    assert [("confidence.court-order" in each.rules) for each in disclosed] == [True]
    assert GROUNDS not in str(said)


def test_nothing_goes_on_more_than_was_stated_when_it_was_looked_at(borough, dossier):
    desk_stating(borough, stated(["public_interest_recorded"], GROUNDS)).show(opened(borough, dossier), SHAH)
    stopped = desk_stating(borough, ORDER).release(opened(borough, dossier), SHAH)
    assert stopped.why is Hindrance.unseen
    stopped = desk_stating(borough, ORDER).release(opened(borough, dossier), COLE)
    assert stopped.why is Hindrance.unseen
    assert again(borough.trust, dossier).revision == 1


@pytest.mark.parametrize("bar", ["adoption_record", "legal_privilege", "gender_recognition", "protected_person", "whereabouts_hidden"])
def test_a_bar_that_a_reviewer_states_beats_a_courts_order_and_gives_the_asker_no_near_miss(borough, dossier, bar):
    both = stated(["court_order", bar], GROUNDS)
    desk = desk_stating(borough, both)
    assert not desk.show(opened(borough, dossier), SHAH).is_lawful
    assert desk.release(opened(borough, dossier), SHAH).why is Hindrance.not_lawful
    assert desk.withhold(opened(borough, dossier), SHAH, REASON) is None
    said = answers(borough.trust, dossier)["s1", ED]
    assert (said.status, said.near_misses) == (Status.contact_us, ())
    assert not any(bar in str(step) for step in said.ladder)
    assert reasons(borough, dossier) == [f"{REASON}; stated {', '.join(sorted(['court_order', bar]))}: {GROUNDS}"]


def test_a_stated_detriment_still_lets_a_named_person_decide(borough, dossier):
    both = stated(["court_order", "detriment_more"], GROUNDS)
    desk = desk_stating(borough, both)
    assert desk.why(opened(borough, dossier)) == ("detriment_more",)
    assert desk.show(opened(borough, dossier), SHAH).is_lawful


@pytest.mark.parametrize(
    ("names", "grounds", "fields"),
    [
        (["break_glass"], GROUNDS, ["--states"]),
        (["no_such_fact", "court_order"], GROUNDS, ["--states"]),
        ([], GROUNDS, ["--states"]),
        (["court_order"], None, ["--grounds"]),
        (["court_order"], " " * 40, ["--grounds"]),
        (["court_order"], "x" * (MOST_GROUNDS + 1), ["--grounds"]),
        (["gateway_carried"], "no", ["--states", "--grounds"]),
    ],
)
def test_only_a_reviewers_facts_on_grounds_that_say_something_are_taken(names, grounds, fields):
    with pytest.raises(ConfigurationError) as caught:
        stated(names, grounds)
    assert [each.file for each in caught.value.faults] == fields


def test_every_fact_that_a_rule_turns_on_is_said_by_somebody(borough, dossier):
    controllers = {Fact.own_task, Fact.official_authority, Fact.relevant_person, Fact.interests_balanced}
    brokers = {Fact.match_confirmed, Fact.reasked, Fact.directory_stale, Fact.pack_not_accepted, Fact.log_unwitnessed}
    hubs = {  # what a hub says of what it passes on, says back or hands over
        Fact.owner_released,
        Fact.second_person_checked,
        Fact.recipient_told_of_child,
        Fact.child_in_recipients_area,
        Fact.third_party_told_of,
    }
    requests = set(Fact) - DERIVED - controllers - brokers - hubs - REVIEWERS
    assert request_facts(dossier.request, now=dossier.request.decided_at) - {Fact.consent_prejudices_purpose} <= requests
    told = (*controllers, *brokers, *hubs, *requests, *REVIEWERS)
    assert set(told) == set(MEANINGS)
    assert requests == {
        Fact.stage_set_by_named_officer,
        Fact.reason_fits_stage,
        Fact.openness_recorded,
        Fact.necessity_stated,
        Fact.requester_task_stated,
        Fact.partnership_request,
        Fact.relation_stated,
        Fact.consent_sharing_given,
        Fact.para18_cannot_be_given,
        Fact.para18_not_reasonably_obtained,
        Fact.para18_prejudices_protection,
        Fact.break_glass,
    }
