"""A pack is read whole or refused whole, with every fault of every file; its digest names its exact texts."""

from __future__ import annotations

from collections import Counter
from datetime import date
from importlib.resources import files as resources

import pytest
from policy_support import CATEGORIES, HUB, NOW, POLICE, TRUST, agreement_text, controller_text, files_for, pack_for, party_of, question

from policies.categories import Redaction, Retention
from policies.decision import decide
from policies.pack import load_pack, shipped
from policies.reach import undocumented
from policies.vocabulary import EVERY_CLASS, ClassCode
from schemas.enums import ControllerKind, Handling, Outcome, Purpose, Stage
from schemas.errors import ConfigurationError
from schemas.identifiers import CategoryId
from schemas.record import MAX_QUESTIONS, MAX_SUBJECTS

FIELDS = {
    "pol.incidents": "kind summary outcome",
    "pol.da_callouts_dash": "risk_grade summary children_present",
    "pol.crime_reports": "offence status summary",
    "pol.pnc_convictions": "offence disposal",
    "pol.warnings_markers": "marker",
    "pol.missing_episodes": "missing_from found_at circumstances",
    "pol.child_come_to_notice": "reason summary",
    "pol.custody": "reason outcome",
    "pol.intelligence": "summary",
    "pol.rso_mappa": "category level",
    "pol.civil_orders": "order conditions expires_on",
    "acute.ed_attendances": "presenting_complaint diagnosis disposal",
    "acute.injury_admissions": "injury explanation_given length_of_stay_days",
    "mat.booking_concerns": "concern gestation_weeks",
    "amb.callouts": "complaint scene_concerns conveyed_to",
    "hv.contacts_reviews": "kind outcome seen_at_home concern",
    "sn.contacts": "reason outcome concern",
    "camhs.referral_risk": "referral_reason status risk_level risk_summary",
    "amh.parental_care": "status care_cluster risk_level impact_on_child",
    "sub.treatment": "status substance children_in_household concern",
    "health.sexual_health": "service concern",
    "gp.registration": "practice status registered_on left_on",
    "gp.safeguarding_codes": "code meaning status",
    "gp.consultation_summary": "reason summary outcome",
    "gp.was_not_brought": "appointment_with follow_up",
    "gp.parental_mh_substance": "condition status impact_on_child",
    "csc.contacts_referrals": "kind source_agency reason outcome",
    "csc.assessments": "kind outcome analysis",
    "csc.cin_plan": "status started_on ended_on end_reason",
    "csc.cp_plan_history": "category_of_harm started_on ended_on council",
    "csc.lac_status_legal": "status legal_status parental_responsibility",
    "csc.section47_history": "category_of_harm outcome",
    "csc.family_network": "name relation_to_child contact_restrictions",
    "csc.missing_return_interviews": "missing_from returned_on summary",
    "csc.lado_flag": "status outcome",
    "csc.adoption": "service_to_ring",
    "edu.enrolment": "setting year_group started_on left_on",
    "edu.attendance": "term sessions_possible sessions_attended sessions_unauthorised",
    "edu.exclusions": "kind reason sessions",
    "edu.sen_ehcp": "status primary_need plan_since",
    "edu.elective_home_ed": "status since last_seen_on suitability",
    "edu.children_missing": "status since last_known_setting",
    "edu.dsl_concerns": "kind concern action_taken",
    "edu.fsm": "status since",
    "prob.current_order_licence": "order offence_group ends_on",
    "prob.licence_conditions": "condition ends_on",
    "prob.risk_of_serious_harm": "level towards assessed_on",
    "prob.mappa_level": "category level",
    "prob.address": "address since",
    "prob.perpetrator_programme": "programme status",
    "yjs.orders_disposals": "order requirements ends_on",
    "yjs.assetplus_summary": "safety_level risk_level assessed_on",
    "yjs.exploitation_nrm": "kind decision summary",
    "hou.tenancy_household": "tenure role_in_household started_on ended_on",
    "hou.homelessness": "decision priority_need accommodation_kind",
    "hou.asb": "kind report outcome",
    "hou.rent_arrears": "band stage_reached",
    "hou.property_condition": "visited_for hazard condition",
    "hou.domestic_abuse_move": "moved safety_plan_lead",
    "asc.s42_history": "kind_of_abuse role_of_adult outcome",
    "asc.care_needs": "need support_in_place impact_on_child",
    "asc.carer_status": "status cares_for",
    "asc.mca": "decision_about outcome assessed_on",
    "fire.safe_and_well": "visit_outcome risk_found referral_made",
    "dwp.benefit_household": "household_role benefit status",
    "idva.marac_history": "role heard_on risk_grade summary",
    "imm.status": "status conditions known_since",
}


def refused(files: dict[str, str]):
    with pytest.raises(ConfigurationError) as caught:
        load_pack(files)
    return caught.value.faults


def test_the_categories_and_their_fields() -> None:
    found = {each.id: " ".join(field.name for field in each.fields) for each in pack_for(TRUST).categories.categories}
    assert found == FIELDS
    assert [*found] == CATEGORIES


def test_free_text_is_presumed_every_class() -> None:
    known = {each.id: each for each in pack_for(TRUST).categories.categories}
    assert known["pol.missing_episodes"].presumed_classes == EVERY_CLASS
    assert known["pol.pnc_convictions"].presumed_classes == {ClassCode.criminal}
    assert pack_for(TRUST).categories.concern.presumed_classes == EVERY_CLASS


NEVER = {
    *("pol.warnings_markers", "pol.intelligence"),  # may point at a source
    *("hou.domestic_abuse_move", "idva.marac_history"),  # safe addresses
    *("health.sexual_health", "sub.treatment"),  # services that promise particular secrecy
    *("csc.adoption", "csc.lado_flag", "imm.status"),
}


def test_what_is_never_automatic_is_restricted_and_stays_with_the_hub() -> None:
    found = {each.id: each for each in pack_for(TRUST).categories.categories}
    assert {name for name, each in found.items() if not each.automatic} == NEVER
    assert {name for name, each in found.items() if each.retention is Retention.restricted} == NEVER
    assert {found[name].handling for name in NEVER} == {Handling.hub_only}
    assert all(not found[name].stages & {Stage.screening, Stage.early_help, Stage.s17} for name in NEVER)
    assert all(not each.automatic for each in found.values() if ClassCode.intelligence in each.classes)


def test_every_free_text_is_cut() -> None:
    for each in pack_for(TRUST).categories.categories:
        assert each.redact == (frozenset(Redaction) if any(field.free_text for field in each.fields) else frozenset())


def test_police_data_and_those_of_probation_and_youth_justice_leave_part_3_when_collected_for_law_enforcement() -> None:
    for each in pack_for(TRUST).categories.categories:
        if each.law_enforcement:
            assert each.held_by <= {POLICE, ControllerKind.probation, ControllerKind.youth_justice}


def test_sixteen_subjects_never_make_more_questions_than_a_request_may_hold() -> None:
    asked = Counter(
        (kind, stage, role)
        for each in pack_for(TRUST).categories.categories
        for kind in each.held_by
        for stage in each.stages
        for role in each.roles
    )
    assert max(asked.values()) * MAX_SUBJECTS <= MAX_QUESTIONS
    assert {kind for kind, _, _ in asked} == set(ControllerKind) - {ControllerKind.unknown}


def test_the_examples_that_come_along_make_a_pack() -> None:
    examples = resources("policies").joinpath("agreements")
    files = shipped()
    files["controller.toml"] = examples.joinpath("controller.toml").read_text(encoding="utf-8")
    files["agreements/example.toml"] = examples.joinpath("example.toml").read_text(encoding="utf-8")
    pack = load_pack(files)
    assert pack.controller.kind is TRUST
    assert pack.agreements[0].categories == {*CATEGORIES, *(each.id for each in pack.categories.told)}


def test_the_digest_names_the_exact_texts_and_the_law_digest_only_what_all_share() -> None:
    files = files_for(TRUST)
    pack = load_pack(files)
    assert load_pack(dict(reversed(files.items()))).digest == pack.digest
    for name in files:
        changed = load_pack({**files, name: files[name] + "\n# a comment\n"})
        assert changed.digest != pack.digest
        assert (changed.law_digest == pack.law_digest) is (name in ("controller.toml", "agreements/borough.toml"))
    renamed = {name.replace("borough", "other"): text for name, text in files.items()}
    assert load_pack(renamed).digest != pack.digest
    assert pack.digest != pack.law_digest


def test_text_may_not_slide_from_one_file_into_the_next() -> None:
    files = files_for(TRUST)
    moved = {**files, "categories.toml": files["categories.toml"] + "\n", "controller.toml": files["controller.toml"]}
    other = {**files, "categories.toml": files["categories.toml"], "controller.toml": "\n" + files["controller.toml"]}
    assert len({load_pack(each).digest for each in (files, moved, other)}) == 3


def test_a_missing_a_second_and_a_strange_file_are_named() -> None:
    files = files_for(TRUST)
    del files["categories.toml"]
    files["law/wales.toml"] = files["law/england.toml"]
    files["notes.txt"] = "x"
    assert [(each.file, each.message) for each in refused(files)] == [
        ("notes.txt", "is not a file of a policy pack"),
        ("law/*.toml", "a policy pack has exactly one, this has 2"),
        ("categories.toml", "a policy pack has exactly one, this has 0"),
    ]


def test_faults_of_all_files_come_at_once() -> None:
    files = {name: text + "\n[strange]\n" for name, text in files_for(TRUST).items()}
    assert {each.file for each in refused(files)} == set(files)


def appended(name: str, text: str) -> dict[str, str]:
    files = files_for(TRUST)
    return {**files, name: files[name] + text}


RULE = """
[[rule]]
id = "test.rule"
layer = "art6"
effect = "permit"
kind = "condition"
citation = "A test Act s.3"
says = "A made-up rule for a test of the checks."
in_force = { from = 2020-01-01 }
legal_review = "confirmed"
"""
APD = '\n[[apd]]\ncondition = "sch1.para99"\nversion = "1"\n'


@pytest.mark.parametrize(
    ("files", "field", "message"),
    [
        (appended("law/england.toml", RULE.replace("test.rule", "asked.haringey")), "rule.*.id", "earlier rule"),
        (
            appended("law/england.toml", '\n[[row]]\nid = "r1"\nsays = "Another row of the same id."\nautomatic = "no"\n'),
            "row.*.id",
            "earlier row",
        ),
        (appended("law/england.toml", RULE.replace('"permit"', '"review"')), "rule.*", "needs a cap"),
        (
            appended("law/england.toml", RULE.replace("2020-01-01", "2020-01-01, until = 2019-01-01")),
            "rule.*.in_force",
            "until is before from",
        ),
        (appended("law/england.toml", RULE + 'requires = ["break_glass"]\nunless = ["break_glass"]\n'), "rule.*", "requires and in unless"),
        (appended("law/england.toml", RULE + 'unless = ["duty_carries"]\n'), "rule.*", "worked out"),
        (appended("law/england.toml", RULE + 'side = "recipient"\n'), "rule.*", "recipient's side"),
        (appended("law/england.toml", RULE.replace('citation = "A test Act s.3"\n', "")), "rule.*.citation", "is missing"),
        (appended("law/england.toml", RULE + 'lifts_confidence = "yes"\n'), "rule.*.lifts_confidence", "valid boolean"),
        (appended("controller.toml", APD), "apd.*.condition", "no condition that needs a document"),
        (
            {**files_for(TRUST), "controller.toml": controller_text(TRUST).replace("pol.custody", "pol.cust")},
            "consideration.*.category",
            "known category",
        ),
        ({**files_for(TRUST), "agreements/b.toml": agreement_text(TRUST)}, "id", "another agreement"),
        (files_for(TRUST, agreement=agreement_text(TRUST).replace("pol.custody", "pol.cust")), "categories", "pol.cust"),
        (files_for(TRUST, agreement=agreement_text(TRUST).replace('basis = ["', 'basis = ["no.rule", "')), "basis", "no.rule"),
        (
            files_for(TRUST, agreement=agreement_text(TRUST).replace('secrecy = ["', 'secrecy = ["agency.x", "')),
            "bound_to_secrecy",
            "not in parties",
        ),
        (files_for(TRUST, agreement=agreement_text(POLICE)), "parties", "own controller"),
        (
            appended(
                "categories.toml", shipped()["categories.toml"].partition("[[category]]")[2].join(["\n[[category]]", ""]).split("# ---")[0]
            ),
            "category.*",
            "earlier category",
        ),
    ],
)
def test_what_no_single_file_can_show_is_refused_with_its_line(files, field, message) -> None:
    found = refused(files)
    at = next(each for each in found if message in each.message)
    assert at.line
    assert [part for part in at.field.split(".") if not part.isdigit()][: len(field.split("."))] == [
        part for part in field.split(".") if part != "*"
    ] or at.field.startswith(field.partition("*")[0])


def test_a_law_that_could_never_release_says_which_layer() -> None:
    text = shipped()["law/england.toml"]
    start = text.index('[[rule]]\nid = "hra1998.art8"')
    end = text.index("[[rule]]", start + 1)
    found = refused({**files_for(TRUST), "law/england.toml": text[:start] + text[end:]})
    assert [each.message for each in found] == ["no rule permits on layer proportionality, so nothing could ever be released"]


def test_the_concern_has_its_own_name_and_fields_do_not_repeat() -> None:
    text = shipped()["categories.toml"]
    renamed = refused({**files_for(TRUST), "categories.toml": text.replace('id = "hub.concern"', 'id = "hub.worry"')})
    assert [each.field for each in renamed if each.file == "categories.toml"] == ["told"]
    twice = refused({**files_for(TRUST), "categories.toml": text.replace('{ name = "offence" }', '{ name = "disposal" }')})
    assert all("earlier field" in each.message for each in twice)


def test_what_is_agreed_is_what_the_compiled_table_says() -> None:
    pack = pack_for(TRUST)
    (agreement,) = pack.agreements
    table = pack.compiled.agreements
    for party in sorted(agreement.parties):
        for category in [*CATEGORIES, "pol.unknown"]:
            for purpose in Purpose:
                covered = category in agreement.categories and purpose in agreement.purposes
                assert ((party, category, purpose) in table) is covered
    assert all(each.since == date(2020, 1, 1) and each.until == date(2027, 12, 31) for found in table.values() for each in found)


def test_a_controller_of_any_kind_has_a_pack() -> None:
    for kind in ControllerKind:
        if kind is not ControllerKind.unknown:
            assert pack_for(kind).controller.kind is kind


SUPPLIES = '\n[supplies]\n"agency.nhs-body" = ["acute.ed_attendances"]\n'


def test_who_supplies_what_is_asked_for_nothing_else_and_what_it_did_not_agree_to_is_not_agreed() -> None:
    pack = pack_for(TRUST, agreement=agreement_text(TRUST) + SUPPLIES)
    assert pack.may_ask(party_of(TRUST), CategoryId("acute.ed_attendances"))
    assert not pack.may_ask(party_of(TRUST), CategoryId("camhs.referral_risk"))
    assert pack.may_ask(party_of(POLICE), CategoryId("camhs.referral_risk"))
    assert {category for _, category, _ in pack.compiled.agreements} == {"acute.ed_attendances"}
    (agreement,) = pack.agreements
    for category in CATEGORIES:
        agreed = agreement.covers(party_of(TRUST), HUB, CategoryId(category), Purpose.safeguarding, NOW)
        assert agreed is (category == "acute.ed_attendances")
        assert agreement.covers(HUB, party_of(TRUST), CategoryId(category), Purpose.safeguarding, NOW)


def test_supplies_names_parties_and_categories_of_the_agreement() -> None:
    said = '\n[supplies]\n"agency.stranger" = ["acute.ed_attendances"]\n"agency.other" = ["pol.unknown"]\n'
    found = refused({**files_for(TRUST), "agreements/borough.toml": agreement_text(TRUST) + said})
    lines = len(agreement_text(TRUST).split("\n")) - 1
    assert [(each.line, each.message) for each in found] == [
        (lines + 3, "names somebody who is not in parties"),
        (lines + 4, "names categories not agreed: pol.unknown"),
    ]


@pytest.mark.parametrize(
    ("kind", "basis", "apds", "missing"),
    [
        (TRUST, '["ca2004.s16la"]', ("sch1.para18",), ()),
        (TRUST, '["ca2004.s16la", "sch1.para18-c", "art10.para6"]', ("sch1.para18",), ("sch1.para6",)),
        (TRUST, '["sch1.para18-c", "sch1.para1"]', ("sch1.para18",), ()),  # paragraph 1 is a council's, whoever else signed
        (TRUST, '["ca2004.s16la"]', (), ("sch1.para18", "sch1.para6")),
    ],
)
def test_the_documents_a_body_must_have_before_it_joins(kind, basis, apds, missing) -> None:
    text = agreement_text(kind).replace('basis = ["ca2004.s16la"]', f"basis = {basis}")
    pack = load_pack(files_for(kind, agreement=text, apds=apds))
    assert undocumented(pack) == missing
    assert decide(question(kind), pack, NOW).outcome is not Outcome.withhold  # live, its absence never withholds


def test_without_an_agreement_nothing_is_leaned_on_yet() -> None:
    assert undocumented(load_pack(files_for(TRUST, agreement=None, apds=()))) == ()


LETTERS = dict(zip("PHSCTI", ("personal", "health", "special", "criminal", "third_party", "intelligence"), strict=True))
STATED = """csc.contacts_referrals PT · csc.assessments PHT · csc.lac_status_legal P · csc.family_network T · csc.lado_flag C
pol.incidents CT · pol.da_callouts_dash CT · pol.crime_reports C · pol.pnc_convictions C · pol.warnings_markers I
pol.intelligence I · pol.rso_mappa C · gp.registration P · gp.safeguarding_codes H · gp.consultation_summary H
gp.was_not_brought H · gp.parental_mh_substance HT · acute.ed_attendances H · acute.injury_admissions H · amb.callouts H
mat.booking_concerns HT · hv.contacts_reviews H · sn.contacts H · camhs.referral_risk H · amh.parental_care HT
sub.treatment HT · edu.enrolment P · edu.sen_ehcp H · edu.dsl_concerns PT · prob.current_order_licence C
prob.licence_conditions C · prob.risk_of_serious_harm C · prob.mappa_level C · prob.address P · prob.perpetrator_programme C
yjs.orders_disposals C · yjs.assetplus_summary CH · yjs.exploitation_nrm C · hou.tenancy_household P · hou.homelessness P
hou.asb CT · hou.rent_arrears P · hou.property_condition P · hou.domestic_abuse_move P · asc.s42_history H
asc.care_needs HT · asc.mca H · idva.marac_history CT · imm.status S"""


@pytest.mark.parametrize("stated", STATED.replace("\n", " · ").split(" · "))
def test_a_category_carries_every_class_that_the_brief_gives_it(stated) -> None:
    name, letters = stated.split()
    (category,) = [each for each in pack_for(TRUST).categories.categories if each.id == name]
    assert {LETTERS[letter] for letter in letters} <= {code.value for code in category.classes}
