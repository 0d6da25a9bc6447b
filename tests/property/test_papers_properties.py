"""Drafted papers over all that may be said or left out: a gap for each thing unsaid, and what is said only passes through."""

from __future__ import annotations

import string

from hypothesis import given, settings
from hypothesis import strategies as st
from papers_support import ANSWERED, TEXTS, Setting, agreement, statements, texts

from agents.cli.papertext import as_object, markdown, page
from policies.papers.document import Paper

WHOLE = Setting()
WITH_NAME = frozenset(TEXTS) - {"name"}  # the directory gives a name where the controller does not
MARK_A, MARK_B = "Aqqqq", "Bzzzz"
WORDS = st.text(string.printable + "é…\u202e\x07", min_size=1, max_size=60).filter(str.strip)


@given(unsaid=st.frozensets(st.sampled_from(sorted(WITH_NAME))))
@settings(deadline=None, max_examples=25)
def test_the_gaps_of_all_papers_are_exactly_the_statements_left_out_that_no_agreement_answers(unsaid):
    setting = Setting(statements=statements(**dict.fromkeys(unsaid)))
    assert setting.gaps() == unsaid - ANSWERED
    unagreed = Setting(agreement=None, statements=statements(**dict.fromkeys(unsaid)))
    assert unagreed.gaps() == unsaid | {"agreements"}


@given(key=st.sampled_from(sorted(TEXTS)), paper=st.sampled_from(Paper))
@settings(deadline=None, max_examples=30)
def test_a_stated_text_passes_through_and_changes_nothing_else(key, paper):
    one, two = (Setting(statements=statements(**{key: mark})).paper(paper) for mark in (MARK_A, MARK_B))
    assert [text.replace(MARK_A, MARK_B) for text in texts(one)] == texts(two)
    assert one.gaps == two.gaps


@given(title=WORDS, paper=st.sampled_from(Paper))
@settings(deadline=None, max_examples=25)
def test_no_text_adds_a_heading_a_row_or_a_tag(title, paper):
    plain = Setting(agreement=agreement(title="Plain")).paper(paper)
    written = Setting(agreement=agreement(title=title)).paper(paper)
    for render, marks in ((markdown, ("\n#", "\n|", "\n- ", "\n")), (page, ("<h2", "<tr", "<li", "<a", "<script", "<p"))):
        before, after = render(plain), render(written)
        assert [before.count(mark) for mark in marks] == [after.count(mark) for mark in marks]


@given(unsaid=st.frozensets(st.sampled_from(sorted(TEXTS))), paper=st.sampled_from(Paper))
@settings(deadline=None, max_examples=15)
def test_the_same_input_gives_the_same_draft_to_the_byte(unsaid, paper):
    one, two = (Setting(statements=statements(**dict.fromkeys(unsaid))).paper(paper) for _ in range(2))
    assert (markdown(one), page(one), as_object(one)) == (markdown(two), page(two), as_object(two))
