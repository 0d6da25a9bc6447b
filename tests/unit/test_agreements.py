"""A sharing agreement: in which capacity each party takes part, how long copies are kept, and every heading answered in words."""

from __future__ import annotations

import hashlib
from datetime import date
from importlib.resources import files as resources

import pytest
from policy_support import HUB, NOW, TRUST, agreement_text, files_for, pack_for, party_of, processing_text, question

from policies import agreement_text as writing
from policies.agreement_checks import read_agreement
from policies.agreements import Agreement, digest_of_agreement
from policies.categories import Retention
from policies.decision import decide
from policies.headings import Governance, Terms, headings
from policies.located import parse
from policies.pack import load_pack
from schemas.enums import Layer, Outcome, Purpose
from schemas.errors import ConfigurationError
from schemas.identifiers import CategoryId, PartyId

EXAMPLE = resources("policies").joinpath("agreements", "example.toml").read_text(encoding="utf-8")
TEXT = agreement_text(TRUST)
MINE, OTHER = str(party_of(TRUST)), "agency.other"
FIRST = TEXT.split("\n").index("[[processing]]") + 1  # the line of its one processing
ED, CUSTODY = CategoryId("acute.ed_attendances"), CategoryId("pol.custody")
REQUIRED = [f"terms.{name}" for name in Terms.model_fields if name not in {"governance", "further_details"}] + [
    f"terms.governance.{name}" for name in Governance.model_fields
]


def faults_of(text):
    with pytest.raises(ConfigurationError) as told:
        read_agreement(text, "agreements/borough.toml")
    return told.value.faults


def with_processing(*processings):
    """The test agreement with these processings in the place of its own."""
    head, _, tail = TEXT.partition("[[processing]]")
    return head + "\n".join(processings) + "\n[retention" + tail.partition("[retention")[2]


def line_of(text, start):
    return next(number for number, line in enumerate(text.split("\n"), 1) if line.startswith(start))


# ----------------------------------------------------------------------------------------------------------- headings


def test_the_headings_are_those_of_the_ico_code():
    assert [name.removeprefix("terms.") for name in REQUIRED] == [
        *("purpose", "parties", "joint_controllership", "data_items", "lawful_basis", "special_category", "individual_rights"),
        *("governance.quality", "governance.security", "governance.retention", "governance.deletion", "governance.breach"),
        *("governance.training", "governance.review", "governance.termination"),
    ]


def test_every_heading_that_is_missing_is_told_at_once_with_the_line_of_its_table():
    text = TEXT[: TEXT.index("[terms]")] + "[terms]\n[terms.governance]\n"
    told = {each.field: each.line for each in faults_of(text)}
    assert told == {name: line_of(text, "[terms.governance]" if "governance." in name else "[terms]") for name in REQUIRED}


@pytest.mark.parametrize("heading", REQUIRED)
@pytest.mark.parametrize("said", ["", "   ", "to be agreed", " \\n \\t                     "])
def test_a_heading_without_a_sentence_under_it_is_a_fault_on_its_line(heading, said):
    name, table = heading.rpartition(".")[2], "[terms.governance]" if "governance." in heading else "[terms]"
    before, mark, after = TEXT.partition(f"{table}\n")
    old = next(line for line in after.split("\n") if line.startswith(f"{name} = "))
    text = before + mark + after.replace(old, f'{name} = "{said}"', 1)
    (fault,) = faults_of(text)
    assert (fault.field, fault.file) == (heading, "agreements/borough.toml")
    assert text.split("\n")[fault.line - 1] == f'{name} = "{said}"'


@pytest.mark.parametrize("day", ["20260930", "20000", '"2027-06-30"', "2027-06-30T00:00:00Z", "true"])
def test_a_review_day_that_is_no_day_is_a_fault_on_its_line(day):
    text = TEXT.replace("review_by = 2027-06-30", f"review_by = {day}")
    (fault,) = faults_of(text)
    assert (fault.field, fault.line, fault.message) == ("review_by", line_of(text, "review_by"), "is no day")


def test_further_details_may_be_left_out_and_are_shown_where_they_are_not():
    def shown(text):
        return [title for title, _ in headings(parse(text, "a.toml", Agreement).terms)]

    more = TEXT.replace("[terms]\n", '[terms]\nfurther_details = "There is a service level annex."\n')
    assert shown(more) == [*shown(TEXT), "Further details"]
    assert len(shown(TEXT)) == len(REQUIRED)


# ------------------------------------------------------------------------------------------- capacities, one by one


@pytest.mark.parametrize(
    ("processing", "field", "line", "message"),
    [
        (processing_text("hub.borough", MINE, OTHER, "agency.stranger"), "processing.0.controllers", 3, "agency.stranger"),
        (processing_text("hub.borough", MINE, OTHER, processors=[OTHER]), "processing.0.processors", 4, "second capacity to agency.other"),
        (
            processing_text("hub.borough", MINE, joint=[MINE, OTHER], arrangement="Ours of 2026"),
            "processing.0.joint",
            4,
            f"second capacity to {MINE}",
        ),
        (processing_text(processors=["hub.borough", MINE, OTHER]), "processing.0", 0, "names no controller"),
        (processing_text("hub.borough", MINE, joint=[OTHER], arrangement="Ours of 2026"), "processing.0.joint", 4, "jointly alone"),
        (processing_text(joint=["hub.borough", MINE, OTHER]), "processing.0.joint", 4, "without an arrangement"),
        (
            processing_text("hub.borough", MINE, processors=[OTHER], contract=None).replace("contract = null", ""),
            "processing.0.processors",
            4,
            "without a contract",
        ),
        (processing_text("hub.borough", MINE, OTHER, contract="Hosting of 2026"), "processing.0.contract", 4, "none is named"),
        (
            processing_text("hub.borough", MINE, OTHER, arrangement="Ours of 2026"),
            "processing.0.arrangement",
            4,
            "between joint controllers",
        ),
        (processing_text("hub.borough", MINE, OTHER, categories=["pol.cust"]), "processing.0.categories", 4, "not agreed: pol.cust"),
        (processing_text("hub.borough", MINE), "parties", None, "takes part in no processing: agency.other"),
        (processing_text("hub.borough", MINE, OTHER, categories=["pol.custody"]), "categories", None, "no processing speaks of"),
    ],
)
def test_a_capacity_that_does_not_hold_together_is_a_fault_on_its_line(processing, field, line, message):
    text = with_processing(processing)
    fault = next(each for each in faults_of(text) if message in each.message)
    expected = line_of(text, field) if line is None else FIRST + line
    assert (fault.field, fault.line) == (field, expected)
    assert fault.fix


def test_two_processings_have_two_names():
    text = with_processing(*[processing_text("hub.borough", MINE, OTHER)] * 2)
    (fault,) = faults_of(text)
    assert (fault.field, fault.line) == ("processing.1.name", FIRST + 5)


def test_a_processor_supplies_nothing_in_its_own_name():
    text = with_processing(processing_text("hub.borough", MINE, processors=[OTHER])) + f'\n[supplies]\n"{OTHER}" = ["pol.custody"]\n'
    (fault,) = faults_of(text)
    assert (fault.field, "pol.custody" in fault.message) == (f"supplies.{OTHER}", True)


def test_faults_of_capacity_and_of_the_papers_of_another_file_come_at_once():
    files = files_for(TRUST, agreement=with_processing(processing_text(joint=["hub.borough", MINE, OTHER])))
    files["controller.toml"] = files["controller.toml"].replace("decided_by", "decided_bye", 1)
    with pytest.raises(ConfigurationError) as told:
        load_pack(files)
    assert {each.file for each in told.value.faults} == {"agreements/borough.toml", "controller.toml"}


@pytest.mark.parametrize("role", ["controllers", "joint", "processors"])
def test_only_a_controller_alone_or_joint_discloses_or_receives_in_its_own_name(role):
    said = {"controllers": ["hub.borough", OTHER], role: [MINE]}
    if role == "controllers":
        said["controllers"] = ["hub.borough", OTHER, MINE]
    if role == "joint":
        said |= {"joint": [MINE, OTHER], "controllers": ["hub.borough"], "arrangement": "Ours of 2026"}
    pack = pack_for(TRUST, agreement=with_processing(processing_text(*said.pop("controllers"), **said)))
    (agreement,) = pack.agreements
    own = role != "processors"
    for discloser, recipient in ((party_of(TRUST), HUB), (HUB, party_of(TRUST))):
        assert agreement.covers(discloser, recipient, ED, Purpose.safeguarding, NOW) is own
    assert ((HUB, ED, Purpose.safeguarding) in pack.compiled.agreements) is own
    decision = decide(question(), pack, NOW)
    assert (decision.outcome, [each.layer for each in decision.failed]) == (
        (Outcome.release, []) if own else (Outcome.review, [Layer.agreement])
    )


def test_a_disclosure_to_a_processor_is_not_agreed():
    kept = with_processing(processing_text(MINE, OTHER, processors=["hub.borough"]))
    assert [each.layer for each in decide(question(), pack_for(TRUST, agreement=kept), NOW).failed] == [Layer.agreement]


def test_a_party_may_be_controller_of_some_categories_and_processor_of_others():
    rest = sorted(str(each) for each in parse(TEXT, "a.toml", Agreement).categories - {CUSTODY})
    text = with_processing(
        processing_text("hub.borough", MINE, OTHER, categories=rest),
        processing_text("hub.borough", OTHER, processors=[MINE], categories=[CUSTODY]).replace('"sharing"', '"hosting"'),
    )
    agreement = read_agreement(text, "a.toml").model
    assert agreement.covers(PartyId(MINE), HUB, ED, Purpose.safeguarding, NOW)
    assert not agreement.covers(PartyId(MINE), HUB, CUSTODY, Purpose.safeguarding, NOW)
    assert [(each.name, role) for each, role in agreement.capacities(PartyId(MINE))] == [
        ("sharing", "controllers"),
        ("hosting", "processors"),
    ]


# ----------------------------------------------------------------------------------------------------- retention


def test_how_long_is_said_by_the_category_tables_class_and_otherwise_for_one_category():
    text = TEXT.replace("[terms]\n", '[retention.by_category]\n"pol.custody" = { days = 7, counted_from = "receipt" }\n[terms]\n')
    pack = pack_for(TRUST, agreement=text)
    kept = {each.id: pack.agreements[0].retention.of(each) for each in pack.categories.categories}
    assert kept[CUSTODY].days == 7
    assert {each.days for name, each in kept.items() if name != CUSTODY} == {30}


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ("restricted = { days = 30", "# { days = 30", "retention", "retention classes are kept: restricted"),
        ("restricted = { days = 30", "for_ever = { days = 30", "retention.by_class.for_ever.[key]", "allowed values"),
        ("standard = { days = 30", "standard = { days = 0", "retention.by_class.standard.days", "greater than or equal to 1"),
        (
            "[terms]\n",
            '[retention.by_category]\n"pol.cust" = { days = 7, counted_from = "receipt" }\n[terms]\n',
            "retention.by_category",
            "pol.cust",
        ),
    ],
)
def test_a_retention_that_is_missing_or_of_nothing_is_a_fault(old, new, field, message):
    with pytest.raises(ConfigurationError) as told:
        load_pack(files_for(TRUST, agreement=TEXT.replace(old, new, 1)))
    (fault,) = told.value.faults
    assert (fault.field, message in f"{fault.message} {fault.fix}") == (field, True)
    assert fault.line >= line_of(TEXT, "[retention.by_class]")


def test_each_class_of_the_category_table_can_be_said():
    assert {each.value for each in Retention} == {"standard", "restricted"}
    assert parse(TEXT, "a.toml", Agreement).retention.by_class.keys() == set(Retention)


# --------------------------------------------------------------------------------------- as text, and its digest


@pytest.mark.parametrize("text", [EXAMPLE, TEXT], ids=["example", "test"])
def test_an_agreement_written_down_reads_as_the_same_agreement_and_is_written_alike_again(text):
    agreement = parse(text, "a.toml", Agreement)
    written = writing.agreement_text(agreement)
    assert parse(written, "b.toml", Agreement) == agreement
    assert writing.agreement_text(parse(written, "b.toml", Agreement)) == written


def test_the_digest_is_what_any_tool_makes_of_the_file():
    assert digest_of_agreement(EXAMPLE).hex() == hashlib.sha256(EXAMPLE.encode()).hexdigest()
    assert pack_for(TRUST).agreement_digests == {"borough": digest_of_agreement(TEXT)}


def test_the_example_holds_until_its_last_day_and_names_a_capacity_for_every_party():
    agreement = read_agreement(EXAMPLE, "example.toml").model
    assert agreement.in_force.until == date(2027, 12, 31)
    for party in agreement.parties:
        assert [role for _, role in agreement.capacities(party)] == ["controllers", "joint"]
