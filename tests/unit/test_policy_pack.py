"""A pack is read whole or refused whole, with every fault of every file; its digest names its exact texts."""

from __future__ import annotations

from datetime import date
from importlib.resources import files as resources

import pytest
from policy_support import CATEGORIES, POLICE, TRUST, agreement_text, controller_text, files_for, pack_for

from policies.categories import CONCERN, Redaction
from policies.pack import load_pack, shipped
from policies.vocabulary import EVERY_CLASS, ClassCode
from schemas.enums import ControllerKind, Purpose
from schemas.errors import ConfigurationError

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
}


def refused(files: dict[str, str]):
    with pytest.raises(ConfigurationError) as caught:
        load_pack(files)
    return caught.value.faults


def test_the_fourteen_categories_and_their_fields() -> None:
    found = {each.id: " ".join(field.name for field in each.fields) for each in pack_for(TRUST).categories.categories}
    assert found == FIELDS
    assert [*found] == CATEGORIES


def test_free_text_is_presumed_every_class() -> None:
    known = {each.id: each for each in pack_for(TRUST).categories.categories}
    assert known["pol.missing_episodes"].presumed_classes == EVERY_CLASS
    assert known["pol.pnc_convictions"].presumed_classes == {ClassCode.criminal}
    assert pack_for(TRUST).categories.concern.presumed_classes == EVERY_CLASS


def test_intelligence_is_never_automatic_and_every_free_text_is_cut() -> None:
    for each in pack_for(TRUST).categories.categories:
        assert each.automatic is (ClassCode.intelligence not in each.classes)
        assert each.redact == (frozenset(Redaction) if any(field.free_text for field in each.fields) else frozenset())
        assert each.held_by == {POLICE if each.id.startswith("pol.") else TRUST}


def test_the_examples_that_come_along_make_a_pack() -> None:
    examples = resources("policies").joinpath("agreements")
    files = shipped()
    files["controller.toml"] = examples.joinpath("controller.toml").read_text(encoding="utf-8")
    files["agreements/example.toml"] = examples.joinpath("example.toml").read_text(encoding="utf-8")
    pack = load_pack(files)
    assert pack.controller.kind is TRUST
    assert pack.agreements[0].categories == {*CATEGORIES, CONCERN}


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
        (appended("law/england.toml", RULE.replace('citation = "A test Act s.3"\n', "")), "rule.*.citation", "required"),
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
    assert [each.field for each in renamed if each.file == "categories.toml"] == ["concern.id"]
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
