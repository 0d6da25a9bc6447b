"""Checks: a matrix that only narrows, a proposal that accounts for every question, and an officer who changes it only with a reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from network import DUTY
from policy_support import request
from pydantic import TypeAdapter
from small_borough import NOW, SmallBorough, contact_of, entries_of, write_files
from typer.testing import CliRunner

from agents.cli.app import app
from agents.cli.checks import proposal_json, proposal_lines
from agents.demo.ceremony import HUB_TOML, MEMBERS, settings_files
from agents.hub.checks import Asker, plan, questions_for
from agents.hub.matrix import Matrix
from agents.hub.proposal import Grounds, Proposal, Refused, Why, narrow, proposal, read_changes, widen
from agents.hub.settings import HubSettings, preset, preset_text, presets, read_settings
from broker.party import utc_now
from policies.categories import CONCERN
from policies.pack import load_pack, shipped
from policies.vocabulary import SUPPLIABLE, Fact
from schemas import codec
from schemas.enums import ControllerKind, NecessityReason, Openness, Operation, Rag, Stage, SubjectRole
from schemas.errors import ConfigurationError
from schemas.events import Contact, Decided, OfficerDecision, Referrer
from schemas.identifiers import CategoryId, Digest, PartyId, Slug, SubjectRef
from schemas.record import MAX_QUESTIONS
from schemas.records import Request, Subject
from schemas.statements import Party

RUN = CliRunner()
CASE = UUID(int=9, version=4)
WHY = "The partner has never lived in this household."
POLICE, TRUST = PartyId("agency.police"), PartyId("agency.trust")
CHOICE = TypeAdapter(OfficerDecision)
ROLES = [each for each in SubjectRole if each is not SubjectRole.unknown]
RAGS = [each for each in Rag if each is not Rag.unknown]


@cache
def pack():
    """The demo hub's own."""
    own = {
        name.removeprefix("pack/"): text
        for name, text in settings_files(MEMBERS[0], NOW.date(), MEMBERS[:3]).items()
        if name.startswith("pack/")
    }
    return load_pack(shipped() | own)


def with_categories(more):
    """The same pack with other categories, whoever supplies them."""
    anybody = tuple(each.model_copy(update={"supplies": {}}) for each in pack().agreements)
    return replace(pack(), categories=pack().categories.model_copy(update={"categories": more}), agreements=anybody)


def listed(party, kind):
    return Party(id=party, kind=kind, name="synthetic", duty_contact=DUTY, keys=())


AGENCIES = (listed(POLICE, ControllerKind.police), listed(TRUST, ControllerKind.nhs_body))


def hub_settings(lines: str = "", stages: str = "") -> HubSettings:
    return read_settings(lines + HUB_TOML + stages, "hub.toml", pack().categories)


def decision(**changes) -> OfficerDecision:
    asked = request(decided_at=NOW)
    plain = OfficerDecision(
        officer=asked.officer,
        decided_at=NOW,
        stage=asked.stage,
        rag=asked.rag,
        purpose=asked.purpose,
        necessity=asked.necessity,
        consents=asked.consents,
    )
    return replace(plain, **changes)


def contact(*roles: SubjectRole) -> Contact:
    subjects = tuple(
        Subject(ref=SubjectRef(f"s{at}"), role=role, relation_to_child="of the household", given_names="Synthetic")
        for at, role in enumerate(roles or (SubjectRole.child, SubjectRole.alleged_source), 1)
    )
    return Contact(contact_ref="c-1", received_at=NOW, referrer=Referrer(kind="school", name="A"), words="Synthetic.", subjects=subjects)


def grounds(settings: HubSettings | None = None, *roles: SubjectRole, standing=frozenset(), **changes) -> Grounds:
    me = listed(PartyId("hub.borough"), ControllerKind.local_authority)
    asker = Asker(party=me, settings=settings or hub_settings(), contact=DUTY, standing=standing)
    return Grounds(case_id=CASE, contact=contact(*roles), decision=decision(**changes), agencies=AGENCIES, asker=asker, pack=pack(), at=NOW)


def keys(shown: Proposal):
    return {(each.agency, each.subject_ref, each.category) for each in shown.asked}


def why(shown: Proposal):
    return {(each.agency, each.subject_ref, each.category): each.why for each in shown.left_out}


def changed(done) -> Proposal:
    assert isinstance(done, Proposal), done
    return done


def refusals(done) -> list[str]:
    assert isinstance(done, Refused)
    return [str(fault) for fault in done.faults]


def less(shown, *texts, reason=WHY):
    return narrow(shown, read_changes(texts, "--narrow"), reason)


def more(shown, *texts, reason=WHY):
    return widen(shown, read_changes(texts, "--widen"), reason)


ROW = """
[checks]
version = "own"
says = "One row of our own, for a test."
[[checks.check]]
id = "one"
stages = ["s47"]
rags = ["red"]
roles = ["child"]
agencies = ["police"]
categories = ["pol.incidents", "pol.missing_episodes"]
look_back_days = 100
"""


# ------------------------------------------------------------------------------------------------ the matrix


def test_without_a_matrix_all_that_the_categories_file_allows_is_asked():
    shown = proposal(grounds())
    wanted = {
        (each.id, one.subject_ref, one.category)
        for each in AGENCIES
        for one in questions_for(each, contact().subjects, decision(), pack(), NOW)
    }
    assert keys(shown) == wanted
    assert {each.why for each in shown.left_out} == {Why.threshold}
    for each in shown.asked:
        category = next(one for one in pack().categories.categories if one.id == each.category)
        assert (each.since, each.until) == (NOW.date() - timedelta(days=category.look_back_days), NOW.date())


def test_with_a_matrix_only_what_a_row_asks_for_and_no_further_back():
    shown = proposal(grounds(hub_settings(stages=ROW)))
    assert keys(shown) == {(POLICE, "s1", "pol.incidents"), (POLICE, "s1", "pol.missing_episodes")}
    assert {each.since for each in shown.asked} == {NOW.date() - timedelta(days=100)}
    assert why(shown)[TRUST, SubjectRef("s1"), CategoryId("acute.ed_attendances")] is Why.matrix
    assert shown.plans[1].request is None


def test_of_several_rows_the_furthest_look_back_counts_and_never_more_than_the_categorys():
    second = (
        ROW.replace("\n[checks]", "").replace('version = "own"\nsays = "One row of our own, for a test."\n', "").replace('"one"', '"two"')
    )
    for days, since in ((50, 100), (200, 200), (36000, 1096)):
        shown = proposal(grounds(hub_settings(stages=ROW + second.replace("= 100", f"= {days}"))))
        assert {(NOW.date() - each.since).days for each in shown.asked} == {since}


@pytest.mark.parametrize("name", presets("checks"))
def test_a_preset_asks_less_than_the_categories_file_allows_and_its_every_row_asks_something_real(name):
    settings = hub_settings(f'checks = "{name}"\n')
    for stage in settings.stages:
        for rag in RAGS:
            allowed, asked = (keys(proposal(grounds(each, *ROLES, stage=stage, rag=rag))) for each in (hub_settings(), settings))
            assert asked <= allowed
    held = {kind for each in pack().categories.categories for kind in each.held_by}
    for row in settings.checks.checks:
        if row.agencies & held:
            assert any(
                row.asks(kind, role, decision(stage=stage, rag=rag), each.id)
                for each in pack().categories.categories
                for kind in each.held_by
                for role in each.roles
                for stage in each.stages
                for rag in each.rags
            ), row.id


def fitting(stage):
    """A decision at that stage with a necessity that fits it, the family told."""
    reason = {Stage.screening: NecessityReason.threshold_decision, Stage.s17: NecessityReason.assess_need}.get(stage)
    plain = decision()
    needs = replace(plain.necessity, reason=reason) if reason else plain.necessity
    return {"stage": stage, "necessity": needs, "consents": replace(plain.consents, openness=Openness.informed)}


def test_the_lower_the_risk_the_fewer_questions_are_asked():
    settings = hub_settings('checks = "risk-assessment"\n')
    ways = (
        (Stage.s47, Rag.red),
        (Stage.s17, Rag.amber),
        (Stage.screening, Rag.red),
        (Stage.screening, Rag.amber),
        (Stage.screening, Rag.green),
    )
    counts = [len(proposal(grounds(settings, *ROLES, rag=rag, **fitting(stage))).asked) for stage, rag in ways]
    assert all(many > fewer for many, fewer in pairwise(counts)), counts
    assert counts[-1] == 0


def test_a_needs_assessment_hub_asks_of_a_child_in_need_at_green_where_a_risk_assessment_hub_asks_nobody():
    risk, needs = (
        keys(proposal(grounds(hub_settings(f'checks = "{name}"\n'), rag=Rag.green, **fitting(Stage.s17))))
        for name in ("risk-assessment", "needs-assessment")
    )
    assert risk == set()
    assert needs == {(POLICE, "s1", "pol.missing_episodes"), (POLICE, "s1", "pol.child_come_to_notice")}


def test_a_row_names_its_own_timescale_and_each_agency_has_its_own():
    text = ROW.replace("look_back_days = 100", 'timescale = "southwark.green"')
    settings = read_settings('timescales = "southwark-2014"\n' + HUB_TOML.partition("\n\n")[2] + text, "hub.toml", pack().categories)
    (police, trust) = proposal(grounds(settings)).plans
    assert police.deadline.due_at == police.request.due_at == NOW + timedelta(hours=48)
    assert (police.deadline.timescale, trust.deadline) == ("southwark.green", None)
    assert police.deadline.calendar == settings.clocks.round_the_clock.version


def test_each_kind_of_agency_is_told_its_own_wording_and_the_others_the_stages():
    own = '[stages.s47.concerns]\nnhs_body = "Enquiries are being made into an injury to this child."\n'
    settings = hub_settings(stages=own.replace("[stages", "\n[stages"))
    police, trust = proposal(grounds(settings)).plans
    assert trust.request.concern == "Enquiries are being made into an injury to this child."
    assert police.request.concern == settings.stages[Stage.s47].concern


@pytest.mark.parametrize(
    ("was", "now", "field", "said"),
    [
        ('"pol.missing_episodes"]', '"pol.aliens", "edu.moon"]', "check.0.categories", "categories: edu.moon, pol.aliens (allowed: acute."),
        ('"pol.missing_episodes"]', '"acute.ed_attendances"]', "check.0.categories", "can never ask for acute.ed_attendances"),
        ('"pol.missing_episodes"]', '"pol.rso_mappa"]', "check.0.categories", "can never ask for pol.rso_mappa"),
        ('["police"]', '["polis"]', "check.0.agencies.0", "(allowed: local_authority, district_council, police,"),
        ('["s47"]', '["s74"]', "check.0.stages.0", "(allowed: screening, early_help, s17, s47, emergency)"),
        ('["child"]', "[]", "check.0.roles", "at least 1 item"),
        ("= 100", "= 0", "check.0.look_back_days", "greater than or equal to 1"),
        ("look_back_days = 100", 'timescale = "nope"', "check.0.timescale", "(allowed: hours.amber, hours.green, hours.red)"),
        ("look_back_days = 100", "look_back = 1", "check.0.look_back", "is not a known key (allowed: id, stages, rags,"),
    ],
)  # fmt: skip
def test_a_bad_matrix_names_its_line_and_what_is_allowed(was, now, field, said):
    assert ROW.count(was) == 1
    with pytest.raises(ConfigurationError) as caught:
        hub_settings(stages=ROW.replace(was, now))
    (told,) = [str(each) for each in caught.value.faults if each.field == f"checks.{field}"]
    at = (HUB_TOML + ROW.replace(was, now)).split("\n").index(next(one for one in ROW.replace(was, now).split("\n") if now in one)) + 1
    assert told.startswith(f"hub.toml:{at} ")
    assert said in told


def test_every_fault_of_a_matrix_is_told_at_once():
    body = ROW.partition("[[checks.check]]\n")[2].replace("pol.incidents", "pol.nothing")
    lone = '[[checks.check]]\nid = "one"\nstages = ["early_help"]\nrags = ["blue"]\nroles = ["unborn"]\nagencies = ["nhs_body"]\n'
    with pytest.raises(ConfigurationError) as caught:
        hub_settings(stages=ROW + "[[checks.check]]\n" + body + lone)
    assert [(each.field, each.message.partition(":")[0]) for each in caught.value.faults] == [
        ("checks.check.1.id", "is the id of an earlier row"),
        ("checks.check.1.categories", "names unknown categories"),
        ("checks.check.2.id", "is the id of an earlier row"),
        ("checks.check.2", "can never ask for anything"),
    ]


def test_a_preset_that_is_none_names_those_there_are():
    with pytest.raises(ConfigurationError, match=r"hub.toml:1 \[checks\]: is no preset; there are needs-assessment, risk-assessment"):
        hub_settings('checks = "../../policies/categories"\n')


@pytest.mark.parametrize("name", presets("checks"))
def test_a_preset_can_be_copied_into_hub_toml_as_a_hubs_own(name):
    own = (
        preset_text("checks", name)
        .replace("[[check]]", "[[checks.check]]")
        .replace("version =", "checks.version =")
        .replace("says =", "checks.says =")
    )
    assert hub_settings(own).checks == preset("checks", name, Matrix)


# ------------------------------------------------------------------------------------------------ the proposal


@pytest.mark.parametrize("name", [None, *presets("checks")])
@pytest.mark.parametrize("stage", [Stage.screening, Stage.s17, Stage.s47])
def test_every_question_that_could_be_asked_is_asked_once_or_left_out_once_with_its_reason(name, stage):
    settings = hub_settings(f'checks = "{name}"\n' if name else "")
    shown = proposal(grounds(settings, *ROLES, stage=stage))
    every = [
        (agency.id, f"s{at}", each.id)
        for agency in AGENCIES
        for at in range(1, len(ROLES) + 1)
        for each in pack().categories.categories
        if agency.kind in each.held_by and pack().may_ask(agency.id, each.id)
    ]
    told = [*[(each.agency, each.subject_ref, each.category) for each in shown.asked], *why(shown)]
    assert sorted(told) == sorted(every)
    assert len(shown.left_out) == len(why(shown))
    assert CONCERN not in {category for _, _, category in told}


def test_the_same_grounds_give_the_same_proposal():
    one, other = (proposal(grounds(hub_settings('checks = "risk-assessment"\n'), *ROLES)) for _ in range(2))
    assert (one.asked, one.left_out, proposal_lines(one)) == (other.asked, other.left_out, proposal_lines(other))


def test_what_the_hub_may_not_say_is_left_out_with_its_ladder_and_nobody_is_told_to_relabel_the_case():
    shown = proposal(grounds(consents=replace(decision().consents, openness=Openness.not_recorded)))
    assert shown.asked == ()
    barred = [each for each in shown.left_out if each.why is Why.ladder]
    assert barred
    assert all(any(not step.met for step in each.ladder) for each in barred)
    misses = {miss.fact for each in barred for miss in each.near_misses}
    assert misses == {Fact.openness_recorded.value}
    assert not any("stage" in miss or "rag" in miss for miss in misses)


def test_a_necessity_that_does_not_fit_the_stage_is_refused_without_a_hint_which_stage_it_would_fit():
    shown = proposal(grounds(stage=Stage.s17))  # the necessity speaks of significant harm
    assert shown.asked == ()
    assert {str(miss.fact) for each in shown.plans for one in each.unasked for miss in one.near_misses} == {"reason_fits_stage"}
    assert {str(miss.fact) for each in shown.left_out for miss in each.near_misses} <= {fact.value for fact in SUPPLIABLE}


def test_law_that_the_directory_does_not_accept_asks_nobody():
    me = listed(PartyId("hub.borough"), ControllerKind.local_authority)
    assert Asker.of(me, hub_settings(), DUTY, pack(), [pack().law_digest]).standing == frozenset()
    barred = Asker.of(me, hub_settings(), DUTY, pack(), [])
    assert proposal(replace(grounds(), asker=barred)).asked == ()


def test_a_stage_without_words_asks_nobody_and_says_so():
    settings = hub_settings()
    wordless = settings.model_copy(
        update={"stages": {stage: words for stage, words in settings.stages.items() if stage is not Stage.early_help}}
    )
    shown = proposal(grounds(wordless, stage=Stage.early_help))
    assert (shown.asked, {each.why for each in shown.left_out}) == ((), {Why.unworded})


def test_sixteen_people_are_asked_about_within_the_limit_and_what_is_over_it_is_told():
    many = grounds(None, *[SubjectRole.alleged_source] * 16)
    shown = proposal(many)
    assert len(shown.plans[0].decisions) == 16 * 9
    categories = pack().categories
    doubled = (
        *categories.categories,
        *(each.model_copy(update={"id": CategoryId(f"pol.more_{at}")}) for at, each in enumerate(categories.categories[:6])),
    )
    wider = with_categories(doubled)
    full = proposal(replace(many, pack=wider))
    assert len(full.plans[0].request.questions) == MAX_QUESTIONS
    over = [each for each in full.left_out if each.why is Why.limit]
    assert (
        len(over)
        == sum(1 for each in doubled if "police" in each.held_by and SubjectRole.alleged_source in each.roles) * 16 - MAX_QUESTIONS
        > 0
    )
    codec.encode(full.plans[0].request)


# ------------------------------------------------------------------------------------------------ narrowed and widened


def test_narrowing_takes_away_what_matches_and_records_why():
    shown = proposal(grounds())
    narrowed = changed(less(shown, "agency.trust/*/*", "*/s2/pol.pnc_convictions"))
    gone = {key for key in keys(shown) if key[0] == TRUST or key[1:] == ("s2", "pol.pnc_convictions")}
    assert keys(narrowed) == keys(shown) - gone
    assert {key: said for key, said in why(narrowed).items() if key in gone} == dict.fromkeys(gone, Why.officer)
    (change,) = narrowed.adjustments
    assert (change.widens, change.reason) == (False, WHY)
    assert {(each.agency, each.subject_ref, each.category) for each in change.questions} == gone


def test_narrowing_may_only_shorten_how_far_back():
    narrowed = changed(less(proposal(grounds()), "*/*/pol.incidents@30"))
    days = {each.category: (each.until - each.since).days for each in narrowed.asked}
    assert days[CategoryId("pol.incidents")] == 30
    assert days[CategoryId("pol.crime_reports")] == 1827
    assert keys(narrowed) == keys(proposal(grounds()))
    assert refusals(less(narrowed, "*/*/pol.incidents@30"))[0].startswith("checks [*/*/pol.incidents@30]: narrows nothing")


def test_widening_adds_what_the_matrix_left_out_and_records_why():
    shown = proposal(grounds(hub_settings(stages=ROW)))
    wider = changed(more(shown, "agency.trust/s1/acute.ed_attendances@30", "agency.police/s1/pol.incidents"))
    assert keys(wider) == keys(shown) | {(TRUST, "s1", "acute.ed_attendances")}
    days = {each.category: (each.until - each.since).days for each in wider.asked}
    assert days == {"acute.ed_attendances": 30, "pol.incidents": 1096, "pol.missing_episodes": 100}
    assert wider.plans[1].request.due_at == NOW + timedelta(hours=4)
    (change,) = wider.adjustments
    assert (change.widens, len(change.questions)) == (True, 2)


def test_a_wildcard_widens_only_to_what_the_thresholds_allow():
    wider = changed(more(proposal(grounds(hub_settings(stages=ROW))), "*/*/*"))
    assert keys(wider) == keys(proposal(grounds()))


def test_widening_is_refused_where_the_hubs_own_ladder_forbids_it():
    unsaid = grounds(hub_settings(stages=ROW), SubjectRole.child, SubjectRole.alleged_source)
    quiet = replace(unsaid.contact.subjects[1], relation_to_child="unknown")
    shown = proposal(replace(unsaid, contact=replace(unsaid.contact, subjects=(unsaid.contact.subjects[0], quiet))))
    told = refusals(more(shown, "agency.police/s2/pol.incidents", "agency.trust/s1/acute.ed_attendances"))
    forbidden = "the hub's own ladder forbids telling that agency of this person (mash hub checks shows the ladder)"
    assert told == [f"checks [agency.police/s2/pol.incidents]: {forbidden}"]
    standing = proposal(grounds(hub_settings(stages=ROW), standing=frozenset({Fact.pack_not_accepted})))
    assert all("ladder forbids" in each for each in refusals(more(standing, "*/*/*")))


def test_a_ladder_that_fails_by_an_error_forbids_too(monkeypatch):
    shown = proposal(grounds(hub_settings(stages=ROW)))
    monkeypatch.setattr("policies.decision._verdict", lambda *_: 1 / 0)
    assert all("ladder forbids" in each for each in refusals(more(shown, "*/*/*")))


def test_widening_beyond_the_limit_of_one_request_is_refused():
    categories = pack().categories
    extra = tuple(each.model_copy(update={"id": CategoryId(f"pol.more_{at}")}) for at, each in enumerate(categories.categories[:6]))
    wider = with_categories((*categories.categories, *extra))
    row = ROW.replace('["child"]', '["alleged_source"]').replace(', "pol.missing_episodes"', "")
    shown = proposal(replace(grounds(hub_settings(stages=row), *[SubjectRole.alleged_source] * 16), pack=wider))
    assert all("200 questions at most" in each for each in refusals(more(shown, "*/*/*")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("agency.police/s1/pol.rso_mappa", "does not reach the category's own threshold"),  # not asked about a child
        ("agency.police/s1/acute.ed_attendances", "names nothing that a listed agency holds"),
        ("agency.gone/s1/pol.incidents", "names nothing that a listed agency holds"),
        ("agency.police/s9/pol.incidents", "names nothing that a listed agency holds"),
        ("agency.police/s1/hub.concern", "names nothing that a listed agency holds"),
        ("agency.police/s1/pol.incidents@1097", "goes further back than the category allows (at most @1096)"),
        ("agency.police/s1/pol.incidents@50", "widens nothing"),
        ("agency.police/s1/pol.missing_episodes@100", "widens nothing"),
    ],
)
def test_widening_refuses_what_no_officer_may_ask_or_what_is_asked_already(text, said):
    told = refusals(more(proposal(grounds(hub_settings(stages=ROW))), text))
    assert len(told) == 1
    assert told[0].startswith(f"checks [{text}]")
    assert said in told[0]


@pytest.mark.parametrize("act", [less, more])
@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("", "is not 20 to 2000 letters long"),
        ("Too short a reason.", "is not 20 to 2000 letters long"),
        (" " * 40, "is not 20 to 2000 letters long"),
        ("w" * 2001, "is not 20 to 2000 letters long"),
        ("checks checks checks checks", "says nothing of this case"),
        ("x x x x x x x x x x x x", "says nothing of this case"),
    ],
)
def test_no_change_without_a_reason_that_says_something(act, reason, said):
    target = "agency.police/s1/pol.incidents" if act is less else "agency.trust/s1/acute.ed_attendances"
    shown = proposal(grounds(hub_settings(stages=ROW)))
    assert refusals(act(shown, target, reason=reason)) == [f"--reason: {said} (say why for this child)"]
    assert isinstance(act(shown, target), Proposal)


def test_every_reason_against_a_change_is_told_at_once():
    told = refusals(less(proposal(grounds(hub_settings(stages=ROW))), "agency.trust/*/*", "*/*/*", "*/*/*", reason="no"))
    assert [each.partition(":")[0] for each in told] == ["--reason", "checks [agency.trust/*/*]", "checks [*/*/*]", "checks"]
    assert "nobody would be asked" in told[-1]


def test_more_changes_than_a_decision_holds_are_refused():
    shown = proposal(grounds())
    for days in range(1000, 980, -1):
        shown = changed(less(shown, f"*/*/pol.incidents@{days}"))
    assert "20 changes" in refusals(less(shown, "*/*/pol.incidents@5"))[0]


@pytest.mark.parametrize(
    "text", ["", "agency.police", "a/b", "a/b/c/d", "a/b/c@", "a/b/c@0", "a/b/c@-1", "a/b/c@100000", "a/b/c@1\n", "//", "a/b/c@٣"]
)
def test_what_is_no_change_is_named_by_its_number_and_not_repeated(text):
    with pytest.raises(ConfigurationError) as caught:
        read_changes(["*/*/*", text], "--narrow")
    assert [(each.file, each.field, each.message) for each in caught.value.faults] == [("--narrow", "2", "is no change")]


def test_narrowing_and_widening_back_comes_to_the_same_questions_with_both_reasons_kept():
    shown = proposal(grounds())
    back = changed(more(changed(less(shown, "agency.trust/*/*")), "agency.trust/*/*"))
    assert keys(back) == keys(shown)
    assert [each.widens for each in back.adjustments] == [False, True]


@given(st.lists(st.sampled_from([f"{agency}/{subject}/{category}" for agency in ("*", POLICE, TRUST) for subject in ("*", "s1", "s2")
                                 for category in ("*", "pol.incidents", "pol.rso_mappa", "acute.ed_attendances")]), min_size=1, max_size=4),
       st.booleans())  # fmt: skip
def test_no_change_ever_asks_what_the_categories_file_or_the_ladder_does_not_allow(texts, widens):
    allowed = keys(proposal(grounds()))
    shown = proposal(grounds(hub_settings('checks = "risk-assessment"\n')))
    done = more(shown, *texts) if widens else less(shown, *texts)
    if isinstance(done, Proposal):
        assert keys(done) <= allowed
        assert keys(done) >= keys(shown) if widens else keys(done) < keys(shown)
        codec.encode(Decided(contact=Digest(bytes(32)), decision=done.decision))


# ------------------------------------------------------------------------------------------------ what is planned from a recorded choice


def test_what_was_chosen_is_what_is_asked_however_much_later_and_whatever_the_matrix_says_by_then():
    chosen = changed(less(proposal(grounds()), "agency.trust/*/*", "*/*/pol.incidents@30")).decision
    later = grounds(hub_settings('checks = "needs-assessment"\n'))
    planned = plan(CASE, later.contact, chosen, AGENCIES[0], later.asker, pack(), NOW + timedelta(days=3))
    asked = {(each.subject_ref, each.category, each.since, each.until) for each in planned.request.questions}
    assert asked == {(each.subject_ref, each.category, each.since, each.until) for each in chosen.checks.asked}
    assert plan(CASE, later.contact, chosen, AGENCIES[1], later.asker, pack(), NOW).request is None


def test_a_choice_written_by_hand_asks_nothing_that_nobody_may_ask():
    good = proposal(grounds()).decision
    first = good.checks.asked[0]
    beyond = [
        replace(first, subject_ref=SubjectRef("s9")),
        replace(first, category=CategoryId("pol.rso_mappa")),
        replace(first, category=CategoryId("pol.nothing")),
        replace(first, category=CategoryId("acute.ed_attendances")),
        replace(first, category=CONCERN),
        replace(first, category=CategoryId("pol.crime_reports"), since=date(1999, 1, 1)),
        replace(first, category=CategoryId("pol.custody"), since=NOW.date(), until=NOW.date() + timedelta(days=1)),
    ]
    forged = replace(good, checks=replace(good.checks, asked=tuple(beyond)))
    planned = plan(CASE, grounds().contact, forged, AGENCIES[0], grounds().asker, pack(), NOW)
    assert planned.request is None
    assert [(each.subject_ref, each.category) for each in planned.unasked] == [(each.subject_ref, each.category) for each in beyond]
    assert all(each.near_misses for each in planned.unasked)
    mixed = replace(good, checks=replace(good.checks, asked=(first, *beyond)))
    some = plan(CASE, grounds().contact, mixed, AGENCIES[0], grounds().asker, pack(), NOW)
    assert (len(some.request.questions), len(some.unasked)) == (1, len(beyond))
    assert set(why(proposal(replace(grounds(), decision=mixed))).values()) == {Why.threshold, Why.officer}


def test_a_proposal_that_asks_nobody_has_no_decision_to_record():
    with pytest.raises(ValueError, match="nobody"):
        _ = proposal(grounds(stage=Stage.early_help)).decision


# ------------------------------------------------------------------------------------------------ mash hub checks


def mash(*arguments):
    return RUN.invoke(app, [str(each) for each in arguments])


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("checks")
    write_files(folder, contacts=1, at=utc_now(), in_memory=False)
    return folder


@pytest.fixture
def borough(template, tmp_path):
    made = SmallBorough(tmp_path / "b", like=template, at=utc_now(), in_memory=False)
    yield made
    made.close()


@pytest.fixture
def waiting(borough, tmp_path):
    """A contact that waits, and the file of the decision to be made."""
    at = borough.clock.at - timedelta(minutes=30)
    child, other = contact().subjects
    known = replace(child, family_name="Synthetic", born_on=date(2018, 5, 6))
    one = replace(contact(), received_at=at - timedelta(hours=1), subjects=(known, other))
    borough.hub.intake(TypeAdapter(Contact).dump_json(one, exclude={"decision"}) + b"\n", "one.jsonl")
    (case,) = borough.hub.party.store.cases()
    file = tmp_path / "decision.json"
    file.write_bytes(CHOICE.dump_json(decision(decided_at=at), exclude={"checks"}))
    return case, file


def told(result):
    return json.loads(result.stdout.strip().splitlines()[-1])


def test_a_look_at_the_checks_is_an_entry_first_and_tells_of_other_contacts(borough, waiting):
    case, file = waiting
    hub = borough.folder / "hub"
    before = entries_of(borough.hub.party)
    one = contact_of(borough.hub, case)
    earlier = replace(one, contact_ref=Slug("earlier"), received_at=one.received_at - timedelta(days=3))
    borough.hub.intake(TypeAdapter(Contact).dump_json(earlier, exclude={"decision"}) + b"\n", "earlier.jsonl")
    shown = mash("hub", "checks", case, file, "--folder", hub)
    assert shown.stdout.startswith("Other contact: earlier, received at "), shown.output
    assert "about the same person" in shown.stdout.splitlines()[0]
    assert told(mash("hub", "checks", case, file, "--as", "a.manager", "--folder", hub, "--json"))["other_contacts"] == ["earlier"]
    looks = [each for each in entries_of(borough.hub.party)[len(before) :] if each.outcome == "checks"]
    officer = CHOICE.validate_json(file.read_bytes()).officer
    assert [(each.operation, each.actor.id, each.case_id) for each in looks] == [
        (Operation.consultation, officer.id, case),
        (Operation.consultation, "a.manager", case),
    ]


def test_own_history_and_open_cases_come_before_anybody_is_asked_and_the_look_is_an_entry_in_each(borough, waiting):
    case, file = waiting
    hub = borough.folder / "hub"
    one = contact_of(borough.hub, case)
    at = one.received_at - timedelta(days=3)
    danger = replace(decision(decided_at=at), necessity=replace(decision().necessity, text="An earlier worry about the same child."))
    earlier = replace(one, contact_ref=Slug("earlier"), received_at=at, decision=danger)
    borough.hub.intake(TypeAdapter(Contact).dump_json(earlier) + b"\n", "earlier.jsonl")
    borough.work(borough.hub)
    (other,) = set(borough.hub.party.store.cases()) - {case}
    shown = mash("hub", "checks", case, file, "--folder", hub)
    first, second, *_ = shown.stdout.splitlines()
    assert first.startswith("Other contact: earlier, received at ")
    by = f"decided by {danger.officer.id} ({danger.officer.role})"
    assert second.startswith(f"  case {other}: OPEN, {danger.rag.value}, stage {danger.stage.value}, {by}; awaited: agency.")
    (told_of,) = told(mash("hub", "checks", case, file, "--folder", hub, "--json"))["history"]
    assert (told_of["case"], told_of["open"], told_of["same_person"], told_of["allocated"]) == (str(other), True, True, [])
    looks = [each.case_id for each in entries_of(borough.hub.party) if each.outcome == "checks"]
    assert looks.count(other) == looks.count(case) == 2


def test_whoever_looks_at_anothers_checks_says_who_they_are(borough, waiting):
    case, file = waiting
    hub = borough.folder / "hub"
    assert mash("hub", "checks", case, file, "--send", "--folder", hub).exit_code == 0
    refused = mash("hub", "checks", case, "--folder", hub)
    assert (refused.exit_code, "--as: is needed" in refused.stderr) == (3, True)
    assert mash("hub", "checks", case, "--as", "a.manager", "--folder", hub).exit_code == 0


def test_an_officer_sees_the_proposal_narrows_it_sends_it_and_exactly_that_is_asked(borough, waiting, tmp_path):
    case, file = waiting
    hub = borough.folder / "hub"
    (hub / "hub.toml").write_text('checks = "risk-assessment"\n' + HUB_TOML)
    shown = mash("hub", "checks", case, file, "--folder", hub)
    assert shown.exit_code == 0, shown.output
    assert "agency.police: 14 questions, due " in shown.stdout
    assert "is told: Enquiries are being made" in shown.stdout
    assert "Lawful basis 1" in shown.stdout
    assert "a person will answer" in shown.stdout  # intelligence
    assert "Synthetic" not in shown.stdout  # nobody's name
    assert not borough.hub.standing(case).is_decided  # looking decides nothing

    arguments = ("--narrow", "agency.trust/*/*", "--widen", "agency.police/s1/pol.custody@90", "--reason", WHY, "--folder", hub)
    tried = told(mash("hub", "checks", case, file, *arguments, "--json"))
    assert (tried["sent"], [each["widens"] for each in tried["adjustments"]]) == (False, [False, True])
    sent = mash("hub", "checks", case, file, *arguments, "--send")
    assert sent.exit_code == 0, sent.output
    assert WHY in sent.stdout
    again = mash("hub", "checks", case, file, *arguments, "--send")
    assert (again.exit_code, "is decided already" in again.stderr) == (3, True)

    borough.clock.at = utc_now()
    borough.work(borough.hub)
    requests = [each.body for each in borough.hub.party.store.events(case) if isinstance(each.body, Request)]
    assert [each.agency for each in requests] == [POLICE]
    expected = {(one["subject"], one["category"], one["since"], one["until"]) for each in tried["agencies"] for one in each["questions"]}
    asked = {(each.subject_ref, each.category, str(each.since), str(each.until)) for each in requests[0].questions}
    assert asked == expected
    assert ("s1", "pol.custody") in {key[:2] for key in asked}
    recorded = next(each.body.decision for each in borough.hub.party.store.events(case) if isinstance(each.body, Decided))
    assert [(each.widens, each.reason) for each in recorded.checks.adjustments] == [(False, WHY), (True, WHY)]
    assert recorded.checks.matrix == "risk-assessment-2026-11"

    after = mash("hub", "checks", case, "--as", "a.manager", "--folder", hub, "--json")  # of a decided case: what was chosen
    assert {(one["subject"], one["category"]) for each in told(after)["agencies"] for one in each["questions"]} == {
        key[:2] for key in asked
    }


def test_mash_hub_checks_refuses_and_decides_nothing(borough, waiting, tmp_path):
    case, file = waiting
    hub = ("--folder", borough.folder / "hub")
    for arguments, said in (
        ((case, file, "--narrow", "agency.trust/*/*", *hub), "--reason: is not 20"),
        ((case, file, "--narrow", "nonsense", *hub), "--narrow [1]: is no change"),
        ((case, file, "--widen", "agency.police/s1/pol.rso_mappa", "--reason", WHY, "--send", *hub), "threshold"),
        ((case, file, "--narrow", "*/*/*", "--reason", WHY, "--send", *hub), "nobody would be asked"),
        ((case, *hub), "is not decided yet"),
        ((uuid4(), file, *hub), "no contact of this hub has that case"),
        ((case, tmp_path / "none.json", *hub), "cannot be read"),
    ):
        refused = mash("hub", "checks", *arguments)
        assert refused.exit_code == 3, refused.output
        assert said in refused.stderr
        assert "Synthetic" not in refused.output
        assert not borough.hub.standing(case).is_decided
    file.write_bytes(CHOICE.dump_json(replace(CHOICE.validate_json(file.read_bytes()), stage=Stage.early_help)))
    refused = mash("hub", "checks", case, file, "--send", *hub)
    assert (refused.exit_code, "nobody would be asked" in refused.stderr) == (3, True)


def test_the_proposal_as_json_names_each_ladder_once():
    shown = proposal_json(proposal(grounds(hub_settings(stages=ROW))))
    assert len(shown["ladders"]) == 1
    assert {one["ladder"] for each in shown["agencies"] for one in each["questions"]} == {0}
    assert len(shown["ladders"][0]) == 11
    barred = proposal_json(proposal(grounds(consents=replace(decision().consents, openness=Openness.not_recorded))))
    named = {each["ladder"] for each in barred["left_out"] if each["why"] == "ladder"}
    assert named == set(range(len(barred["ladders"])))
    assert all(any(not step["met"] for step in steps) for steps in barred["ladders"])


def test_hub_toml_whose_matrix_names_what_this_hubs_pack_does_not_know_is_refused_at_start(borough):
    hub = borough.folder / "hub"
    (hub / "hub.toml").write_text(HUB_TOML + ROW.replace("pol.incidents", "pol.aliens"))
    refused = mash("hub", "show", "--folder", hub)
    assert refused.exit_code == 3
    assert "[checks.check.0.categories]: names unknown categories: pol.aliens" in refused.stderr
    examined = mash("doctor", hub)
    assert examined.exit_code == 1
    assert "names unknown categories: pol.aliens" in examined.output
