"""The privacy notice for a child: short sentences, plain words, and a word for everything that the data may name."""

from __future__ import annotations

import re

from papers_support import Setting, agreement, prose_of, texts
from policy_support import CATEGORIES

from policies.papers.document import Paper
from schemas.enums import ControllerKind, SubjectRole

ADULT = "adult"  # the one section that is not for the child
MOST_WORDS = 20  # in one sentence
MEAN_WORDS = 10  # of all sentences
MEAN_LETTERS = 4.3  # of all words
LONG_WORDS = {"information", "commissioner", "ambulance", "brothers", "hospitals", "families", "children", "teacher", "brother"}
LONGEST = 9  # letters, but for those above
LAWYERS_WORDS = frozenset(
    {
        "access",
        "assess",
        "assessment",
        "authority",
        "basis",
        "categories",
        "category",
        "collect",
        "comply",
        "concern",
        "confidential",
        "consent",
        "controller",
        "criminal",
        "data",
        "disclose",
        "disclosure",
        "duty",
        "enquiry",
        "erase",
        "erasure",
        "gateway",
        "gdpr",
        "guardian",
        "individual",
        "inform",
        "lawful",
        "legal",
        "legislation",
        "obtain",
        "offence",
        "officer",
        "parties",
        "party",
        "personal",
        "policy",
        "practitioner",
        "privacy",
        "process",
        "processing",
        "processor",
        "professional",
        "provide",
        "provider",
        "purpose",
        "purposes",
        "pursuant",
        "record",
        "records",
        "regarding",
        "relevant",
        "request",
        "require",
        "respect",
        "retain",
        "retention",
        "rights",
        "risk",
        "safeguarding",
        "sensitive",
        "statutory",
        "subject",
        "subjects",
        "therefore",
        "transfer",
        "utilise",
        "vulnerable",
        "welfare",
        "whereby",
        "withhold",
    }
)
PLAIN = prose_of(Paper.child_notice).plain


def sentences(parts):
    return [each for text in parts for each in re.split(r"(?<=[.?!])\s+", text) if each]


def words(text):
    return [word.strip("'-") for word in re.findall(r"[A-Za-z'-]+", text)]


def for_the_child():
    """All that a child reads, whatever the data are: the sections' own words, and every plain word there is."""
    made = prose_of(Paper.child_notice)
    own = [text for each in made.sections if each.id != ADULT for text in (*each.prose, each.heading + ".")]
    plain = [*PLAIN.kinds.values(), *PLAIN.roles.values(), *PLAIN.categories.values()]
    return sentences([*own, *plain, *sentences([made.says.replace("$controller", "the council")])])


def test_sentences_are_short():
    lengths = [len(words(each)) for each in for_the_child()]
    assert len(lengths) > 60
    assert max(lengths) <= MOST_WORDS
    assert sum(lengths) / len(lengths) <= MEAN_WORDS


def test_words_are_short():
    found = [word for each in for_the_child() for word in words(each)]
    assert sum(map(len, found)) / len(found) <= MEAN_LETTERS
    assert {word.lower() for word in found if len(word) > LONGEST} <= LONG_WORDS


def test_no_word_is_a_lawyers():
    found = {word.lower() for each in for_the_child() for word in words(each)}
    assert not found & LAWYERS_WORDS


def test_the_measures_bite():
    adults = {word.lower() for text in prose_of(Paper.privacy_notice).sections for each in text.prose for word in words(each)}
    assert adults & LAWYERS_WORDS
    assert {word for word in adults if len(word) > LONGEST} - LONG_WORDS


def test_there_are_plain_words_for_every_category_every_role_and_every_kind_of_body():
    assert {each.partition(".")[0] for each in [*CATEGORIES, "hub.concern"]} == set(PLAIN.categories)
    assert set(PLAIN.roles) == set(SubjectRole) - {SubjectRole.unknown}
    assert set(PLAIN.kinds) == set(ControllerKind) - {ControllerKind.unknown}


def test_a_child_is_told_of_each_thing_agreed_and_of_nothing_else():
    document = Setting(agreement=agreement(categories=["hub.concern", "gp.registration"], supplies=False)).paper(Paper.child_notice)
    told = texts(document)
    assert PLAIN.categories["gp"] in told
    assert PLAIN.categories["hub"] in told
    assert PLAIN.categories["pol"] not in told
    assert PLAIN.kinds[ControllerKind.local_authority] in told
    assert PLAIN.kinds[ControllerKind.police] not in told


def test_what_has_no_plain_words_is_a_gap():
    setting = Setting(agreement=agreement(categories=["hub.concern", "acute.ed_attendances", "acute.injury_admissions"], supplies=False))
    made = prose_of(Paper.child_notice)
    fewer = made.plain.model_copy(update={"categories": {}, "roles": {}, "kinds": {}})
    document = setting.paper(Paper.child_notice, made.model_copy(update={"plain": fewer}))
    found = {gap.id for gap in document.gaps}
    assert {"plain.acute", "plain.hub", "plain.child", "plain.local_authority"} <= found
    assert all(each.startswith("plain.") for each in found)
