"""Every scenario that comes along comes out as it says, and together they try every rule of the law both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from importlib.resources import files as resources

import pytest
from tree import ROOT

from policies.answers import Reason
from policies.categories import Categories
from policies.decision import decide
from policies.disclosures import DISCLOSURES
from policies.law import Law
from policies.located import MAX_FAULTS, MAX_TEXT, parse
from policies.pack import shipped
from policies.reach import coverage, never_released, uncited, unreachable, untried
from policies.scenario import IN_ORDER, Scenario, question_of, read_scenarios, scenario_faults
from policies.scenario_run import Result, packing, running
from policies.vocabulary import Automatic, Fact
from schemas.enums import ControllerKind, Kind, Layer, Outcome, Stage, SubjectRole
from schemas.errors import ConfigurationError

LAW = parse(shipped()["law/england.toml"], "law/england.toml", Law)
TABLE = parse(shipped()["categories.toml"], "categories.toml", Categories)
FOLDER = resources("policies").joinpath("scenarios")
FILES = [read_scenarios(each.read_text(encoding="utf-8"), each.name) for each in sorted(FOLDER.iterdir(), key=lambda each: each.name)]
RUN = running(LAW, TABLE)
SCENARIOS = {str(each.id): each for file in FILES for each in file.model.scenarios}
# Alone they would speak earlier, but each needs another rule that began after it: a power to answer at screening, an override.
BEGUN_LATER = {"recipient.screening", "confidence.statute"}
ONE = {
    "id": "one",
    "source": "Children Act 1989 s.47(9)-(11)",
    "says": "A council making section 47 enquiries asks a trust.",
    "discloser": "nhs_body",
    "stage": "s47",
    "category": "acute.ed_attendances",
    "expect": {"outcome": "release"},
}


@cache
def results() -> dict[str, Result]:
    """What came of each, without the pack it was decided by: hundreds of them would stay in memory."""
    return {name: without_pack(RUN(each)) for name, each in SCENARIOS.items()}


def without_pack(result: Result) -> Result:
    return replace(result, decision=result.decision._replace(pack=None))


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_comes_out_as_it_says(name) -> None:
    assert results()[name].wrong == ()


def test_there_are_at_least_150_and_none_names_what_is_not_there() -> None:
    assert len(SCENARIOS) >= 150
    assert list(scenario_faults(FILES, LAW, TABLE)) == []


def test_every_rule_is_met_in_one_scenario_and_must_not_be_met_in_another() -> None:
    covered = coverage(LAW, results().values())
    assert list(untried(covered)) == []
    assert set(covered) == {rule.id for rule in LAW.rules}


def speaks_of(row, each) -> bool:
    asked = ((each.discloser, row.holders), (each.recipient, row.requesters), (each.stage, row.stages), (each.purpose, row.purposes))
    return all(not named or value in named for value, named in (*asked, (each.category, row.categories)))


def test_every_row_of_the_release_table_speaks_of_a_scenario() -> None:
    for row in LAW.rows:
        spoken = [each for each in SCENARIOS.values() if each.disclosure in row.disclosures and speaks_of(row, each)]
        assert spoken, row.id
        if row.automatic is Automatic.no:
            assert all(
                results()[str(each.id)].decision.outcome is not Outcome.release for each in spoken if each.stage is not Stage.emergency
            )


def test_every_kind_of_body_stage_role_outcome_failed_layer_and_cap_occurs() -> None:
    unknown = {"unknown"}
    assert {each.discloser.value for each in SCENARIOS.values()} == {each.value for each in ControllerKind} - unknown
    assert {each.stage.value for each in SCENARIOS.values()} == {each.value for each in Stage} - unknown
    assert {each.role.value for each in SCENARIOS.values()} == {each.value for each in SubjectRole} - unknown
    assert {each.decision.outcome.value for each in results().values()} == {each.value for each in Outcome} - unknown
    failed = {answer.layer for each in results().values() for answer in each.decision.failed}
    assert failed == set(Layer) - {Layer.unknown}
    caps = {cap for each in results().values() for cap in each.decision.caps}
    assert {rule.cap for rule in LAW.rules if rule.cap} | {"never_automatic", "row_no", "row_none"} <= caps


@pytest.mark.parametrize(("facet", "values"), [("discloser", ControllerKind), ("stage", Stage), ("role", SubjectRole)])
def test_every_kind_of_body_stage_and_role_is_tried_both_ways(facet, values) -> None:
    for value in values:
        if value.value != "unknown" and value is not SubjectRole.unborn:  # of the unborn a person always decides
            outcomes = {each.expect.outcome for each in SCENARIOS.values() if getattr(each, facet) is value}
            assert {Outcome.release, Outcome.withhold} <= outcomes, value


def test_every_rule_is_tried_on_its_first_day_and_on_the_day_before() -> None:
    for rule in LAW.rules:
        if rule.id in BEGUN_LATER:
            continue
        first, before = rule.in_force.since, rule.in_force.since - timedelta(days=1)
        met = [each for each in results().values() if each.scenario.on == first and rule.id in each.scenario.expect.rules & each.met]
        never = [each for each in results().values() if each.scenario.on == before and rule.id in each.scenario.expect.never - each.met]
        assert met, rule.id
        assert never, rule.id


def test_every_rule_that_ends_is_tried_on_its_last_day_and_on_the_day_after() -> None:
    ending = {rule.id: rule.in_force.until for rule in LAW.rules if rule.in_force.until is not None}
    assert ending == {"ca2004.s10": date(2026, 9, 29)}
    for rule, last in ending.items():
        assert any(rule in each.met for each in results().values() if each.scenario.on == last)
        assert any(rule in each.scenario.expect.never for each in results().values() if each.scenario.on == last + timedelta(days=1))


def test_every_reason_why_a_layer_is_absent_waived_or_failed_occurs() -> None:
    reasons = {answer.reason for each in results().values() for answer in each.decision.answers}
    # An error is no case of law: any is proven to withhold by itself. Nobody of any kind of body has no ladder that a scenario could climb.
    assert reasons == set(Reason) - {Reason.error, Reason.no_body}


def test_every_kind_of_disclosure_that_a_hub_or_an_agency_makes_is_tried() -> None:
    assert {each.disclosure for each in SCENARIOS.values()} == set(DISCLOSURES)


@pytest.mark.parametrize("kind", sorted(DISCLOSURES))
def test_each_kind_of_disclosure_is_tried_both_ways_at_every_stage_it_is_made_and_in_an_emergency(kind) -> None:
    tried = [each for each in results().values() if each.scenario.disclosure is kind]
    assert {each.decision.outcome for each in tried} >= {Outcome.release, Outcome.withhold}
    assert {each.scenario.stage for each in tried} == set(Stage) - {Stage.unknown}
    assert any(each.scenario.stage is Stage.emergency and Fact.break_glass in each.scenario.facts for each in tried)
    assert any(each.scenario.role is not SubjectRole.child for each in tried)
    other_ends = {each.scenario.discloser for each in tried} | {each.scenario.recipient for each in tried}
    assert len(other_ends) > 2


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("deny.no-gateway", "withhold"),
        ("deny.purpose", "withhold"),
        ("16la.detriment", "review"),  # a named person decides, settled in 3.9(5)
        ("bar.adoption", "withhold"),
        ("bar.privilege", "withhold"),
        ("never-automatic.sexual-health", "review"),
    ],
)
def test_every_ground_of_the_row_that_denies_releases_nothing(name, outcome) -> None:
    assert results()[name].decision.outcome.value == outcome


def test_every_scenario_names_its_paragraph_and_every_row_of_the_starter_table_has_one() -> None:
    paragraphs = {each.paragraph for each in SCENARIOS.values()}
    assert None not in paragraphs
    governance = (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")
    assert all(f"| {paragraph.split('(')[0].split()[0]} |" in governance for paragraph in paragraphs)
    rows = {f"3.8 R{number}" for number in range(1, 11)} | {"3.8 DENY"}
    assert rows <= paragraphs


def test_the_shipped_law_has_no_rule_out_of_reach_and_no_category_that_nothing_releases() -> None:
    assert unreachable(LAW, TABLE) == ()
    assert never_released(LAW, TABLE) == ()
    assert uncited(LAW) == (
        "asked.feedback",
        "bar.adoption",
        "bar.protected-person",
        "bar.s-flag",
        "recipient.referrer",
        "gdpr.annex2.crime",
    )


@pytest.mark.parametrize(
    ("rule", "changes"),
    [
        ("ca1989.s47-9", {"disclosures": frozenset({Kind.correction})}),  # no recipient's function meets it there
        ("art10.para30", {"excludes": frozenset({"criminal"})}),
        ("dpa2018.s36-4", {"holders": frozenset({ControllerKind.nhs_body})}),
        ("review.unborn", {"disclosures": frozenset({Kind.response}), "holders": frozenset({ControllerKind.probation})}),
    ],
)
def test_a_rule_nothing_can_reach_is_found(rule, changes) -> None:
    rules = tuple(each.model_copy(update=changes) if each.id == rule else each for each in LAW.rules)
    found = unreachable(LAW.model_copy(update={"rules": rules}), TABLE)
    assert rule in found


def test_a_category_that_nothing_releases_is_found() -> None:
    kept = tuple(each for each in TABLE.categories if each.id == "edu.fsm")
    table = TABLE.model_copy(update={"categories": tuple(each.model_copy(update={"stages": frozenset({Stage.s17})}) for each in kept)})
    assert never_released(LAW, table) == ("edu.fsm",)


def scenario(**changes: object) -> Scenario:
    return Scenario.model_validate(ONE | changes)


@pytest.mark.parametrize(
    ("expect", "said"),
    [
        ({"outcome": "review"}, "outcome: review expected, release came"),
        ({"outcome": "release", "rules": ["ca1989.s27"]}, "rule ca1989.s27 is not met"),
        ({"outcome": "release", "never": ["ca1989.s47-9"]}, "rule ca1989.s47-9 is met and should not be"),
        ({"outcome": "release", "failed": ["art9"]}, "failed layers: art9 expected, none came"),
        ({"outcome": "release", "caps": ["row_no"]}, "caps: row_no expected, none came"),
        ({"outcome": "release", "near_misses": ["stage"]}, "near misses: stage not shown"),
        ({"outcome": "release", "asker_sees": ["stage"]}, "the asker sees: stage expected, none came"),
    ],
)
def test_what_comes_out_otherwise_is_said(expect, said) -> None:
    assert RUN(scenario(expect=expect)).wrong == (said,)


def test_a_scenario_says_only_what_is_otherwise() -> None:
    changed = scenario(also=["reasked"], without=["match_confirmed"])
    assert changed.facts == (IN_ORDER | {"reasked"}) - {"match_confirmed"}
    assert RUN(changed).decision.caps == ("reasked", "match_unconfirmed")


def test_a_scenario_decides_as_the_whole_table_does() -> None:
    packs = packing(LAW, TABLE)
    for each in list(SCENARIOS.values())[::9]:
        question, pack = question_of(each), packs(each)
        again = decide(replace(question), pack, results()[str(each.id)].decision.at)
        assert again.verdict == results()[str(each.id)].decision.verdict


def test_json_lines_say_the_same_as_toml() -> None:
    lines = "\n".join(json.dumps(each) for each in (ONE, {}, ONE | {"stage": "s48"}, ONE | {"extra": 1}) if each)
    with pytest.raises(ConfigurationError) as caught:
        read_scenarios(lines, "own.jsonl")
    assert [(each.line, each.field) for each in caught.value.faults] == [(2, "stage"), (3, "extra")]
    assert "s48" not in str(caught.value)
    read_back = read_scenarios(json.dumps(ONE) + "\n\n", "own.jsonl")
    assert read_back.model.scenarios == (scenario(),)


def test_a_line_says_what_is_allowed_as_a_toml_file_does_and_no_key_twice() -> None:
    bad = json.dumps(ONE | {"catgory": "x", "on": "24/11/2026", "expect": {"outcome": "released"}})
    twice = json.dumps(ONE).replace('"stage": "s47"', '"stage": "s17", "stage": "s47"')
    with pytest.raises(ConfigurationError) as caught:
        read_scenarios(f"{bad}\n{twice}", "own.jsonl")
    told = {(each.line, each.field): (each.message, each.fix) for each in caught.value.faults}
    assert told[1, "expect.outcome"] == ("is not one of the allowed values", "allowed: release, review, withhold")
    assert told[1, "on"] == ("is no day", "allowed: a day such as 2026-09-30, in TOML without quotes")
    assert told[1, "catgory"][1].startswith("allowed: id, source, paragraph")
    assert told[2, "stage"] == ("stands there twice", "say it once")


def test_a_file_of_another_ending_and_a_day_no_look_back_reaches_are_refused() -> None:
    for text, name in ((json.dumps(ONE), "own.json"), (json.dumps(ONE | {"on": "0001-01-01"}), "own.jsonl")):
        with pytest.raises(ConfigurationError):
            read_scenarios(text, name)


@pytest.mark.parametrize("text", ["", "\n\n", "[" * 5000, "x" * (MAX_TEXT + 1), "\ud800", "null", '{"id": 1}'])
def test_hostile_lines_are_refused_in_bounded_time(text) -> None:
    with pytest.raises(ConfigurationError):
        read_scenarios(text, "own.jsonl")


def test_lines_are_read_until_there_are_more_faults_than_anybody_reads(monkeypatch) -> None:
    read = []
    whole = Scenario.model_validate_json
    monkeypatch.setattr(Scenario, "model_validate_json", lambda line: (read.append(line), whole(line))[1])
    with pytest.raises(ConfigurationError) as caught:
        read_scenarios("{}\n" * 300_000, "own.jsonl")
    assert MAX_FAULTS <= len(caught.value.faults) < MAX_FAULTS + 10
    assert len(read) <= MAX_FAULTS


def test_what_a_file_names_in_vain_is_told_with_its_line_all_at_once() -> None:
    bad = ONE | {"category": "pol.unknown", "also": ["gateway_carried"], "lacks_documents": ["no.document"]}
    bad["expect"] = {"outcome": "release", "rules": ["no.rule"]}
    found = read_scenarios("\n".join(json.dumps(each) for each in (ONE, bad)), "own.jsonl")
    faults = list(scenario_faults([found], LAW, TABLE))
    assert {each.line for each in faults} == {2}
    assert sorted(each.message.split(":")[0] for each in faults) == [
        "is not a known category",
        "is the id of an earlier scenario",
        "names a rule that is not in the law",
        "no rule needs such a document",
        "states a fact that is worked out by the decision itself",
    ]
