"""Drafted papers: they name all that is agreed and relied on, every gap where its source is missing, and nothing that no source says."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from itertools import pairwise

import pytest
from papers_support import AGREED, ANSWERED, BASIS, ON, OWN, TEXTS, Setting, agreement, entry, prose_of, rows_of, statements, texts
from policy_support import HUB, TRUST, WORDED, processing_text

from policies.located import parse
from policies.papers.document import Gap, Paper
from policies.papers.prose import PaperProse, name_of, shipped_prose
from policies.papers.statements import ASKABLE, NOTHING_SAID, Statements
from schemas.enums import ControllerKind, Layer
from schemas.errors import ConfigurationError
from schemas.identifiers import Digest

WHOLE = Setting()
BARE = Setting(
    agreement=None,
    controller={
        "apds": (),
        "own_task": False,
        "official_authority": False,
        "relevant_person": False,
        "interests": False,
        "considerations": False,
    },
    statements=NOTHING_SAID,
    directory=None,
)


def said(key):
    """All statements but one."""
    return WHOLE.statements.model_copy(update={key: None})


def changed(**changes):
    return replace(WHOLE, **changes)


def terms(**changes):
    return changed(agreement=agreement(**changes))


def listing(**changes):
    return changed(directory=changes)


COUNCIL = entry(HUB, ControllerKind.local_authority)
# what is taken away, and the one gap that must come of it
REMOVALS = {
    **{key: (changed(statements=said(key)), {key}) for key in sorted(ASKABLE - ANSWERED - {"name"})},
    **{key: (changed(statements=said(key), agreement=None), {key, "agreements"}) for key in sorted(ANSWERED)},
    "name": (changed(statements=said("name"), directory={"parties": (COUNCIL,)}), {"name"}),
    "joint controllers": (terms(processing=processing_text(HUB, OWN)), {"joint.borough"}),
    "risks": (changed(statements=statements(risk=[])), {"risks"}),
    "own task": (changed(controller={"own_task": False}), {"own_task"}),
    "policy document": (changed(controller={"apds": ("sch1.para6",)}), {"apd.sch1.para18"}),
    "consideration": (changed(controller={"review_by": "2026-01-01"}), None),
    "agreement": (changed(agreement=None), {"agreements"}),
    "agreement in force": (terms(until="2026-06-30"), {"dates.borough"}),
    "agreement not yet in force": (terms(since="2026-12-01"), {"dates.borough"}),
    "agreement reviewed": (terms(review_by="2026-11-23"), {"overdue.borough"}),
    "Article 6 chosen": (terms(basis=[each for each in BASIS if "art6" not in each]), {"basis.borough.art6"}),
    "Article 9 chosen": (terms(basis=[each for each in BASIS if each != "sch1.para18-c"]), {"basis.borough.art9"}),
    "Article 10 chosen": (terms(basis=[each for each in BASIS if "art10" not in each]), {"basis.borough.art10"}),
    "rule in force": (terms(basis=[*BASIS, "ca2004.s10"]), {"dates.ca2004.s10"}),
    "holder": (terms(categories=[*AGREED, "pol.custody"]), {"holders.borough"}),
    "directory": (changed(directory=None), {"directory"}),
    "supplies": (changed(agreement=agreement(supplies=False), directory=None), {"directory", "supplies.borough"}),
    "listed": (listing(parties=(entry(OWN, TRUST),)), {f"directory.{HUB}"}),
    "one kind": (listing(parties=(COUNCIL, entry(OWN, ControllerKind.charity))), {"directory.kind"}),
    "signature": (listing(agreements=()), {"signed.borough"}),
    "accepted law": (listing(packs=(Digest(bytes(32)),)), {"directory.pack"}),
    "fresh directory": (listing(expires_at=WHOLE.material().directory.issued_at), {"directory.expired"}),
    "legal review of a rule": (changed(unconfirmed=("ca2004.s16la",)), {"review.ca2004.s16la"}),
    "legal review of a section": (changed(unread="retention"), {"review.section retention"}),
    "legal review of a paper": (changed(unread="paper"), {"review.the paper itself"}),
}


def test_where_everything_is_said_no_paper_has_a_gap():
    assert [document.gaps for document in WHOLE.papers()] == [()] * len(Paper)


@pytest.mark.parametrize("name", REMOVALS)
def test_a_gap_appears_when_its_source_is_taken_away_and_no_other_does(name):
    setting, expected = REMOVALS[name]
    found = setting.gaps()
    if expected is None:
        assert found
        assert all(each.startswith("consideration.") for each in found)
    else:
        assert found == expected


@pytest.mark.parametrize("paper", Paper)
def test_every_gap_stands_in_its_place_and_says_where_it_is_to_be_said(paper):
    document = BARE.paper(paper)
    placed = {run.id for cell in document.cells() for run in cell if isinstance(run, Gap)}
    assert placed == {gap.id for gap in document.gaps}
    assert all(gap.mark and gap.missing.endswith(".") and gap.where for gap in document.gaps)
    assert {"agreements"} <= placed


@pytest.mark.parametrize("paper", Paper)
def test_a_paper_names_every_category_and_every_rule_relied_on_with_its_citation(paper):
    document = WHOLE.paper(paper)
    rows = [row for section in document.sections for row in rows_of(section)]
    material = WHOLE.material()
    for category in material.covered:
        assert any(row[:2] == (category.id, category.title) for row in rows)
    assert {each.id for each in material.covered} == set(AGREED)
    for rule in material.pack.law.rules:
        if rule.id in BASIS:
            assert any(row[0] == rule.id and row[1] == rule.citation and row[2] == rule.says for row in rows)


@pytest.mark.parametrize("paper", [paper for paper in Paper if paper is not Paper.child_notice])
def test_where_nothing_is_chosen_all_that_the_law_opens_to_this_kind_of_body_is_listed_and_nothing_else(paper):
    document = terms(basis=["ca1989.s47-9"]).paper(paper)
    rows = {row[0] for section in document.sections for row in rows_of(section)}
    assert {"gdpr.art6-1-c", "gdpr.art6-1-e", "sch1.para18-c", "sch1.para6"} <= rows
    assert "gdpr.art6-1-f" not in rows  # closed to a public authority
    assert "sch1.para1" not in rows  # a council's
    assert "sch1.para10" not in rows  # for crime, which is not agreed


def test_a_chosen_condition_whose_document_is_missing_is_marked_where_it_is_relied_on():
    document = changed(controller={"apds": ()}).paper(Paper.apd)
    marked = [row for section in document.sections for row in rows_of(section) if "[no policy document]" in " ".join(row)]
    assert {row[0] for row in marked} == {"sch1.para18", "sch1.para18-c", "art10.para18-c"}


def test_a_rule_that_needs_legal_review_is_marked_beside_its_citation():
    document = changed(unconfirmed=("ca2004.s16la",)).paper(Paper.ropa)
    [row] = [row for section in document.sections for row in rows_of(section) if row[0] == "ca2004.s16la"]
    assert row[1].endswith("[needs legal review]")
    assert [gap.review for gap in document.gaps] == [True]


def test_what_must_be_said_is_numbered_before_what_a_lawyer_must_confirm():
    order = [gap.review for gap in changed(unread="paper", statements=NOTHING_SAID).paper(Paper.dpia).gaps]
    assert order == sorted(order)
    assert set(order) == {True, False}


def test_the_shipped_prose_claims_no_law_as_read_but_the_two_paragraphs_that_were():
    confirmed = set()
    for paper in Paper:
        made = parse(shipped_prose(paper), name_of(paper), PaperProse)
        assert made.legal_review.value == "needed"
        confirmed |= {each.source for each in made.sections if each.source is not None and each.legal_review.value == "confirmed"}
    assert confirmed == {"Data Protection Act 2018 Sch. 1 para. 39(a)", "Data Protection Act 2018 Sch. 1 para. 39(b)"}


@pytest.mark.parametrize("paper", Paper)
def test_of_a_controller_who_said_nothing_a_paper_states_only_its_prose_its_labels_and_who_it_is(paper):
    document, prose = BARE.paper(paper), prose_of(paper)
    own = {"agency.nhs-body", "version 1", "NHS body", "Party", "Name", "What sort of body", "Its own statement (controller.toml)"}
    own |= {"Law and categories", "England, version 2026-11, as of 22 November 2026; categories 2026-11"}
    fixed = {
        "No rule named or open here needs an appropriate policy document.",
        "The controller has recorded no standing consideration.",
        "the controller has stated its own task and the law behind it",  # what rules turn on; a gap stands beside it
    }
    filled = {text.replace("$controller", OWN).replace("$day", "24 November 2026") for each in prose.sections for text in each.prose}
    labels = {ask.label for each in prose.sections for ask in each.asks}
    sources = {prose.source, *(each.source for each in prose.sections)}
    assert set(texts(document)) <= own | fixed | filled | labels | sources


@pytest.mark.parametrize("paper", Paper)
def test_prose_never_says_that_something_was_done_or_is_in_place(paper):
    claims = r"\b(has been|have been|was|were|is in place|are in place|we ensure|we comply|complies|compliant|trained|encrypted|approved)\b"
    made = prose_of(paper)
    prose = [made.says, made.title, *(text for each in made.sections for text in each.prose)]
    assert not [text for text in prose if re.search(claims, text, re.IGNORECASE)]


@pytest.mark.parametrize("key", sorted(TEXTS))
def test_a_statement_stands_in_a_paper_word_for_word(key):
    found = [document for document in WHOLE.papers() if any(TEXTS[key] in text for text in texts(document))]
    assert found


def test_the_arrangement_of_each_joint_processing_is_named_with_its_joint_controllers():
    processing = "\n".join(
        [
            processing_text(HUB, OWN, name="asking"),
            processing_text(name="record", joint=[HUB, OWN], arrangement="Ours of 2026"),
            processing_text(name="archive", joint=[HUB, OWN], arrangement="Ours of 2025"),
        ]
    )
    told = [text for text in texts(terms(processing=processing).paper(Paper.article26)) if text.startswith("Joint controllers of")]
    assert told == [
        f"Joint controllers of record under borough: {OWN}, {HUB}. Their arrangement: Ours of 2026",
        f"Joint controllers of archive under borough: {OWN}, {HUB}. Their arrangement: Ours of 2025",
    ]


@pytest.mark.parametrize("paper", [Paper.dpia, Paper.ropa, Paper.article26])
def test_each_processing_is_told_with_the_capacity_of_everybody_in_it(paper):
    does = "What is asked for is found and answered."
    alone = processing_text(HUB, name="asking", categories=["hub.concern"], processors=[OWN])
    document = terms(processing="\n".join([alone, processing_text(HUB, OWN, name="answering")]), supplies=False).paper(paper)
    rows = [row for section in document.sections for row in rows_of(section) if row[0].startswith("borough: ")]
    assert rows == [
        ("borough: asking", does, "hub.concern", HUB, "none", OWN),
        ("borough: answering", does, "all that are agreed", f"{OWN}, {HUB}", "none", "none"),
    ]


@pytest.mark.parametrize("paper", Paper)
def test_retention_is_what_the_agreement_says_by_class_and_for_a_category_that_differs(paper):
    differs = '[retention.by_category]\n"hub.concern" = { days = 7, counted_from = "the last look" }\n'
    document = terms(worded=differs + WORDED).paper(paper)
    rows = [row for section in document.sections for row in rows_of(section) if row[0] == "borough" and len(row) == 4]
    assert rows == [
        ("borough", "standard", "hub.concern", "7 days from the last look"),
        ("borough", "standard", "acute.ed_attendances", "30 days from the decision on the case"),
        ("borough", "restricted", "health.sexual_health", "30 days from the decision on the case"),
    ]


@pytest.mark.parametrize(
    ("paper", "key", "heading", "name"),
    [
        (Paper.ropa, "security", "Security", "security"),
        (Paper.apd, "accuracy", "Quality", "quality"),
        (Paper.apd, "storage_limit", "Deletion", "deletion"),
        (Paper.article26, "breaches", "Breach", "breach"),
        (Paper.article26, "rights_requests", "Individual rights and access procedure", "individual_rights"),
    ],
)
@pytest.mark.parametrize("added", [True, False])
def test_what_an_agreement_answers_stands_under_its_source_and_what_the_controller_adds_after_it(paper, key, heading, name, added):
    own = "Words of this very heading, for a test."
    worded = WORDED.replace(f'{name} = "Synthetic words for a test."', f'{name} = "{own}"')
    document = changed(agreement=agreement(worded=worded), statements=WHOLE.statements if added else said(key)).paper(paper)
    told = texts(document)
    source = f"Agreement borough, version 3, under {heading}:"
    assert any(pair == (source, own) for pair in pairwise(told))
    assert (("The controller itself:", TEXTS[key]) in pairwise(told)) is added
    assert not document.gaps


@pytest.mark.parametrize(("paper", "heading"), [(Paper.privacy_notice, "Individual rights and access procedure"), (Paper.dpia, "Review")])
def test_a_section_quotes_the_headings_that_it_names(paper, heading):
    assert f"Agreement borough, version 3, under {heading}:" in texts(WHOLE.paper(paper))


@pytest.mark.parametrize("paper", Paper)
def test_a_draft_says_by_which_directory_an_agreement_is_signed(paper):
    def last(setting):
        document = setting.paper(paper)
        return [row[-1] for each in document.sections for row in rows_of(each) if row[0] == "Borough agreement (borough, version 3)"]

    assert set(last(WHOLE)) <= {"listed in directory 7"}
    assert set(last(listing(agreements=()))) <= {"[not signed]"}
    assert set(last(changed(directory=None))) <= {"[not known without a directory]"}
    assert last(WHOLE)


def test_without_supplies_a_party_holds_what_its_kind_of_body_holds():
    document = terms(supplies=False).paper(Paper.ropa)
    rows = {row[0]: row for section in document.sections for row in rows_of(section)}
    assert rows["acute.ed_attendances"][-1] == OWN
    assert rows["hub.concern"][-1] == HUB


def test_a_draft_says_what_it_was_made_from():
    sources = dict(WHOLE.paper(Paper.dpia).made_from)
    pack = WHOLE.material().pack
    assert sources["policy pack"] == str(pack.digest)
    assert sources["agreement borough"] == f"version 3, digest {pack.agreement_digests['borough']}"
    assert sources["papers.toml"] == "version 9"
    assert sources["directory"].startswith("sequence 7")
    assert dict(BARE.paper(Paper.dpia).made_from)["papers.toml"] == "none given"


def test_the_day_decides_which_open_rules_are_listed():
    before = replace(WHOLE.material(), on=ON.replace(year=2020))
    assert WHOLE.material().opened(Layer.art6)
    assert not before.opened(Layer.art6)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("What $controller", "What $stranger"),
        ("What $controller", "What $"),
        ('key = "dpo"', 'key = "retention"'),
        ('"retention"]', '"erasure"]'),
        ('"governance.security"', '"governance.secrecy"'),
        ('"governance.deletion"', '"deletion"'),
        ('id = "purposes"', 'id = "Not A Slug"'),
    ],
)
def test_prose_that_names_what_there_is_not_is_refused_with_its_line(wrong, said):
    text = shipped_prose(Paper.ropa)
    assert wrong in text
    with pytest.raises(ConfigurationError) as refused:
        parse(text.replace(wrong, said, 1), "ropa.toml", PaperProse)
    assert refused.value.faults[0].line > 1


def test_the_example_of_papers_toml_is_read_and_says_nothing_that_agreements_say():
    text = files("policies").joinpath("agreements", "papers.toml").read_text()
    assert parse(text, "papers.toml", Statements).risks
    for more in ('[retention]\nstandard = "90 days"\n', '[[role]]\nparty = "agency.trust"\nrole = "controller"\n'):
        with pytest.raises(ConfigurationError):
            parse(text + more, "papers.toml", Statements)
