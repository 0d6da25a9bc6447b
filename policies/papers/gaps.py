"""What can be missing, in words: each gap has one id, one sentence and the place to say it."""

from __future__ import annotations

from collections.abc import Iterable

from policies.agreements import Agreement
from policies.law import Rule
from policies.papers.document import Cell, Gap
from policies.papers.prose import Ask
from policies.papers.statements import PAPERS
from policies.papers.words import day, spoken
from policies.sentences import MEANINGS
from policies.vocabulary import Fact, LegalReview
from schemas.enums import ControllerKind, Layer
from schemas.identifiers import PartyId, Slug

CONTROLLER_KEYS = {  # where a controller states each fact that holds for all its decisions
    Fact.own_task: "own_task",
    Fact.official_authority: "official_authority",
    Fact.relevant_person: "relevant_person",
    Fact.interests_balanced: "legitimate_interests",
}
REVIEW = "needs legal review"


def unstated(ask: Ask) -> Gap:
    """A statement that the controller has not made, and no agreement in its place."""
    agreed = f"agreements/NAME.toml: [terms] {' and '.join(ask.answered_by)}, or " if ask.answered_by else ""
    return Gap(id=ask.key, mark=ask.mark, missing=ask.missing, where=f"{agreed}{PAPERS}: {ask.key}")


def unreviewed_rule(rule: Rule) -> Gap:
    """A rule whose text, list or date no lawyer has confirmed."""
    missing = f"No lawyer has confirmed the rule {rule.id} ({rule.citation}): legal review is needed before it is relied on."
    return Gap(
        id=f"review.{rule.id}", mark=REVIEW, missing=missing, where=f'law file, rule {rule.id}: legal_review = "confirmed"', review=True
    )


def unreviewed_text(place: str, citation: str, file: str) -> Gap:
    """The law behind a part of a paper itself, unconfirmed."""
    missing = f"No lawyer has confirmed that {citation} asks for this, and for no more."
    return Gap(id=f"review.{place}", mark=REVIEW, missing=missing, where=f'{file}, {place}: legal_review = "confirmed"', review=True)


def cited(rule: Rule) -> Cell:
    """A rule's citation, marked where it needs review."""
    return (rule.citation, unreviewed_rule(rule)) if rule.legal_review is LegalReview.needed else (rule.citation,)


def no_agreement() -> Gap:
    """Nothing has been agreed with anybody."""
    missing = "The pack holds no sharing agreement, so nothing says with whom, what and why."
    return Gap(id="agreements", mark="no agreement", missing=missing, where="agreements/NAME.toml in the pack")


def not_in_force(agreement: Agreement, on: str) -> Gap:
    """An agreement outside its days."""
    missing = f"The agreement {agreement.id} is not in force on {on}."
    return Gap(id=f"dates.{agreement.id}", mark="not in force", missing=missing, where=_in(agreement, "in_force"))


def review_due(agreement: Agreement) -> Gap:
    """An agreement whose review day has passed."""
    missing = f"The agreement {agreement.id} was to be reviewed by {day(agreement.review_by)}."
    return Gap(id=f"overdue.{agreement.id}", mark="review overdue", missing=missing, where=_in(agreement, "review_by"))


def rule_not_in_force(rule: Rule, on: str) -> Gap:
    """A rule of an agreement's basis outside its days."""
    missing = f"An agreement relies on {rule.id} ({rule.citation}), which the law file does not hold in force on {on}."
    return Gap(id=f"dates.{rule.id}", mark="not in force", missing=missing, where="agreements/NAME.toml: basis, or the law file: in_force")


def no_choice(agreement: Agreement, layer: Layer) -> Gap:
    """An agreement that names no rule of a layer that needs one."""
    article = {Layer.art6: "Article 6", Layer.art9: "Article 9", Layer.art10: "Article 10"}[layer]
    missing = (
        f"The agreement {agreement.id} does not say on what point of {article} its parties rely; all that the law file opens is listed."
    )
    return Gap(id=f"basis.{agreement.id}.{layer.value}", mark=f"{agreement.id}: not chosen", missing=missing, where=_in(agreement, "basis"))


def not_for_us(layer: Layer) -> Gap:
    """A layer on which nothing is open."""
    missing = f"No rule of the layer {layer.value} is named by an agreement or open to this controller."
    return Gap(id=f"basis.{layer.value}", mark="no rule", missing=missing, where="agreements/NAME.toml: basis, or the law file")


def unsigned(agreement: Agreement) -> Gap:
    """An agreement whose text the directory does not list."""
    missing = f"The directory does not list the digest of the agreement {agreement.id}: it is not signed, and covers nothing."
    return Gap(id=f"signed.{agreement.id}", mark="not signed", missing=missing, where="mash directory draft --agreement FILE")


def not_joint(agreement: Agreement) -> Gap:
    """An agreement without joint controllers."""
    missing = f"No processing of {agreement.id} names joint controllers: an Article 26 arrangement may not be the right paper."
    where = _in(agreement, "[[processing]] joint, arrangement")
    return Gap(id=f"joint.{agreement.id}", mark="no joint controllers named", missing=missing, where=where)


def no_name() -> Gap:
    """The controller's own name, unsaid."""
    missing = "Neither papers.toml nor a checked directory gives the controller's name."
    return Gap(id="name", mark="no name", missing=missing, where=f"{PAPERS}: name, or draft again with --directory and --root")


def no_directory() -> Gap:
    """No directory to take names, kinds and signatures from."""
    missing = (
        "No checked directory was given: other parties' names, what sort of bodies they are, and whether the agreements are signed, "
        "are not known."
    )
    return Gap(id="directory", mark="not known without a directory", missing=missing, where="draft again with --directory and --root")


def stale_directory(until: str) -> Gap:
    """A directory past its days."""
    missing = f"The directory given held until {until}; who exists may have changed since."
    return Gap(id="directory.expired", mark="directory out of date", missing=missing, where="draft again with the newest --directory")


def not_listed(party: PartyId) -> Gap:
    """A party that the directory does not know."""
    missing = f"The directory does not list {party}, so its name and what sort of body it is are not known."
    return Gap(id=f"directory.{party}", mark="not in the directory", missing=missing, where="mash directory draft")


def other_kind(party: PartyId, said: ControllerKind, listed: ControllerKind) -> Gap:
    """Pack and directory differ on what the controller is."""
    missing = f"controller.toml says that {party} is of the kind {spoken(said)}, the directory says {spoken(listed)}."
    return Gap(
        id="directory.kind", mark=f"the directory says {spoken(listed)}", missing=missing, where="controller.toml: kind, or the directory"
    )


def not_accepted() -> Gap:
    """A law that the network has not accepted."""
    missing = "The directory does not list this law and category table among the accepted ones."
    return Gap(id="directory.pack", mark="not accepted", missing=missing, where="mash directory draft --pack DIGEST")


def holds_unsaid(agreement: Agreement, parties: Iterable[PartyId]) -> Gap:
    """Parties of whom nobody says what they hold."""
    names = ", ".join(parties)
    missing = f"Neither the agreement {agreement.id} nor their kind of body says which categories these parties hold: {names}."
    where = f"{_in(agreement, '[supplies]')}, or draft again with --directory"
    return Gap(id=f"supplies.{agreement.id}", mark="not said who else", missing=missing, where=where)


def held_by_nobody(agreement: Agreement, names: str) -> Gap:
    """Categories agreed that no party is said to hold."""
    missing = f"The agreement {agreement.id} covers categories that none of its parties is said to hold: {names}."
    return Gap(
        id=f"holders.{agreement.id}", mark="no party holds it", missing=missing, where=f"{_in(agreement, '[supplies] or categories')}"
    )


def no_document(condition: Slug) -> Gap:
    """A condition relied on without its appropriate policy document."""
    missing = f"No appropriate policy document is recorded for {condition}; without it no rule that needs it carries."
    return Gap(
        id=f"apd.{condition}", mark="no policy document", missing=missing, where=f'controller.toml: [[apd]] condition = "{condition}"'
    )


def controller_silent(fact: Fact) -> Gap:
    """Something that rules for this kind of controller turn on, and it has not stated."""
    key = CONTROLLER_KEYS[fact]
    missing = f"Rules for this kind of controller turn on this, and it is not stated: {MEANINGS[fact]}."
    return Gap(id=key, mark=f"no {key.replace('_', ' ')}", missing=missing, where=f"controller.toml: {key}")


def consideration_over(category: str, until: str) -> Gap:
    """A standing consideration past its review day, which says nothing any more."""
    missing = f"A standing consideration of {category} ended on {until} and says nothing any more."
    return Gap(id=f"consideration.{category}", mark="review overdue", missing=missing, where="controller.toml: [[consideration]] review_by")


def no_risks() -> Gap:
    """An assessment without a risk."""
    missing = "Nobody has assessed a risk to people's rights and freedoms, nor what is done about it."
    return Gap(id="risks", mark="no risk assessed", missing=missing, where=f"{PAPERS}: [[risk]]")


def no_plain_words(what: str, name: str) -> Gap:
    """Something in the data for which the notice has no words that a child can read."""
    missing = f"There are no words a child can read for {name}."
    return Gap(id=f"plain.{name}", mark="no plain words", missing=missing, where=f'the prose file: [plain.{what}] "{name}"')


def _in(agreement: Agreement, key: str) -> str:
    return f"agreement {agreement.id}: {key}"
