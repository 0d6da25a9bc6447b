"""Sharing agreements: what one writes is read back, and one that nobody signed decides as one that is not there."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from policy_support import COUNCIL, FACTS, NOW, POLICE, TRUST, agreement_text, asking, pack_for, question

from policies import agreement_text as writing
from policies.agreements import Agreement
from policies.decision import decide
from policies.located import parse
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
