"""Sharing agreements: what one writes is read back, and one that nobody signed decides as one that is not there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from policy_support import COUNCIL, FACTS, NOW, POLICE, TRUST, agreement_text, asking, pack_for, question

from agents.cli.agreement_questions import Question, World
from agents.cli.interview import Given, interview
from policies import agreement_text as writing
from policies.agreement_checks import whole_agreement
from policies.agreements import Agreement
from policies.categories import Categories
from policies.decision import decide
from policies.law import Law
from policies.located import parse
from policies.pack import shipped
from policies.vocabulary import Fact
from schemas.enums import Stage

AGREED = parse(agreement_text(TRUST), "a.toml", Agreement)
UNICODE = st.characters(exclude_categories=["Cs"])
WORDS = st.text(UNICODE, min_size=20, max_size=200).filter(lambda said: len(said.strip()) >= 20)
STAGES = [each for each in Stage if each is not Stage.unknown]


@given(WORDS, WORDS, st.text(UNICODE, min_size=1, max_size=200))
def test_whatever_words_an_agreement_holds_it_reads_as_it_was_written(purpose, breach, title):
    governance = AGREED.terms.governance.model_copy(update={"breach": breach.strip()})
    terms = AGREED.terms.model_copy(update={"purpose": purpose.strip(), "governance": governance})
    agreement = AGREED.model_copy(update={"title": title, "terms": terms})
    assert parse(writing.agreement_text(agreement), "a.toml", Agreement) == agreement


@given(
    st.sampled_from([TRUST, POLICE, COUNCIL]),
    st.sampled_from(STAGES),
    st.frozensets(st.sampled_from([Fact.break_glass, Fact.para18_prejudices_protection, Fact.openness_recorded, Fact.match_confirmed])),
)
def test_an_agreement_that_the_directory_does_not_list_decides_as_one_that_is_missing(kind, stage, turned):
    asked = replace(asking() if kind is COUNCIL else question(kind), stage=stage, facts=FACTS ^ turned)
    text = agreement_text(TRUST if kind is COUNCIL else kind)
    whole, without = pack_for(kind, agreement=text), pack_for(kind, agreement=None)
    unsigned, listed = (
        decide(asked, whole.signed(frozenset()), NOW),
        decide(asked, whole.signed(set(whole.agreement_digests.values())), NOW),
    )
    missing, held = decide(asked, without, NOW), decide(asked, whole, NOW)
    assert (unsigned.outcome, unsigned.answers, unsigned.alerts, unsigned.caps) == (
        missing.outcome,
        missing.answers,
        missing.alerts,
        missing.caps,
    )
    assert (listed.outcome, listed.answers) == (held.outcome, held.answers)


LAW = parse(shipped()["law/england.toml"], "england.toml", Law)
TABLE = parse(shipped()["categories.toml"], "categories.toml", Categories)
WORLD = World(law=LAW, categories=TABLE)
PARTIES = ["hub.borough", "agency.police", "agency.trust", "agency.host"]
PATIENCE = 40  # questions; then every party is named a controller of everything, so that the dialogue ends


@settings(max_examples=40)
@given(st.data())
def test_whatever_answers_are_taken_the_agreement_they_make_has_no_fault(data):
    asked = 0

    def ask(question: Question, fault: str) -> str:
        nonlocal asked
        asked += 1
        last = question.place[-1]
        if question.key == "parties":
            return ",".join(data.draw(st.lists(st.sampled_from(PARTIES), min_size=2, unique=True)))
        if question.many:
            known = sorted(question.known)[:6]
            some = data.draw(st.lists(st.sampled_from(known), unique=True)) if known and not fault else known
            if asked > PATIENCE and question.place[0] == "processing":
                some = {"controllers": known, "joint": [] if question.optional else known, "processors": [], "categories": []}[str(last)]
            return ",".join(some)
        if last == "name":
            return f"processing-{asked}" if fault else data.draw(st.sampled_from(["sharing", "hosting"]))
        if last in ("from", "until", "review_by"):
            return "2028-01-01" if fault else data.draw(st.sampled_from(["2026-01-01", "2027-01-01", "2028-01-01", "soon"]))
        return {"id": "borough", "days": "30"}.get(str(last), "Synthetic words that say enough of it.")

    draft = interview(WORLD, Given(), ask)
    text = writing.agreement_text(Agreement.model_validate(draft))
    assert whole_agreement(text, "made.toml", LAW, TABLE).model == Agreement.model_validate(draft)
