"""The closed words of the law pack: facts, classes of data, effects, and who reads an explanation."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Fact(StrEnum):
    """All that a rule may turn on, besides who asks whom about what, when and at which stage."""

    # what the request says
    stage_set_by_named_officer = "stage_set_by_named_officer"
    reason_fits_stage = "reason_fits_stage"
    openness_recorded = "openness_recorded"
    necessity_stated = "necessity_stated"
    requester_task_stated = "requester_task_stated"
    partnership_request = "partnership_request"
    relation_stated = "relation_stated"
    consent_sharing_given = "consent_sharing_given"
    para18_cannot_be_given = "para18_cannot_be_given"
    para18_not_reasonably_obtained = "para18_not_reasonably_obtained"
    para18_prejudices_protection = "para18_prejudices_protection"
    break_glass = "break_glass"
    # what the discloser says of itself, or has considered
    own_task = "own_task"
    official_authority = "official_authority"
    relevant_person = "relevant_person"
    interests_balanced = "interests_balanced"
    holder_considered = "holder_considered"
    detriment_considered = "detriment_considered"
    detriment_more = "detriment_more"
    considered_not_relevant = "considered_not_relevant"
    public_interest_recorded = "public_interest_recorded"
    subject_incapable = "subject_incapable"
    consent_prejudices_purpose = "consent_prejudices_purpose"
    legal_claim = "legal_claim"
    court_order = "court_order"
    # what the discloser says of what it tells of its own motion
    owner_released = "owner_released"
    second_person_checked = "second_person_checked"
    recipient_told_of_child = "recipient_told_of_child"
    child_in_recipients_area = "child_in_recipients_area"
    # what was found
    match_confirmed = "match_confirmed"
    live_investigation = "live_investigation"
    adoption_record = "adoption_record"
    legal_privilege = "legal_privilege"
    gender_recognition = "gender_recognition"
    protected_person = "protected_person"
    whereabouts_hidden = "whereabouts_hidden"
    third_party_told_of = "third_party_told_of"
    # how the broker stands
    reasked = "reasked"
    directory_stale = "directory_stale"
    pack_not_accepted = "pack_not_accepted"
    log_unwitnessed = "log_unwitnessed"
    # worked out by `decide` itself, never believed from outside
    category_held = "category_held"
    onward_closed = "onward_closed"
    threshold_reached = "threshold_reached"
    look_back_within = "look_back_within"
    gateway_carried = "gateway_carried"
    duty_carries = "duty_carries"
    confidence_lifted = "confidence_lifted"
    recipient_bound_to_secrecy = "recipient_bound_to_secrecy"
    agreement_in_force = "agreement_in_force"


class ClassCode(StrEnum):
    """Kinds of data the law treats differently."""

    personal = "personal"
    health = "health"
    special = "special"
    criminal = "criminal"
    third_party = "third_party"
    intelligence = "intelligence"


class RuleEffect(StrEnum):
    """A permit carries its layer, a forbid fails it, a review caps an otherwise released question."""

    permit = "permit"
    review = "review"
    forbid = "forbid"


class RuleKind(StrEnum):
    """A duty binds, a power allows, a condition must be met."""

    duty = "duty"
    power = "power"
    condition = "condition"


class Side(StrEnum):
    """Whose rule it is: a gateway needs a power of the discloser and a function of the recipient."""

    discloser = "discloser"
    recipient = "recipient"


class LegalReview(StrEnum):
    """Whether a lawyer has read the text the rule cites."""

    confirmed = "confirmed"
    needed = "needed"


class Automatic(StrEnum):
    """Whether a row of the release table allows release without a person."""

    by_category = "by_category"
    no = "no"


class Alert(StrEnum):
    """What a person must be told beside the outcome."""

    error = "error"
    agreement_missing = "agreement_missing"
    agreement_review_due = "agreement_review_due"
    next_working_day_review = "next_working_day_review"


class Audience(StrEnum):
    """Who reads an explanation."""

    machine = "machine"
    requester = "requester"
    holder = "holder"
    reviewer = "reviewer"
    igo = "igo"


DERIVED: Final = frozenset(
    {
        Fact.category_held,
        Fact.onward_closed,
        Fact.threshold_reached,
        Fact.look_back_within,
        Fact.gateway_carried,
        Fact.duty_carries,
        Fact.confidence_lifted,
        Fact.recipient_bound_to_secrecy,
        Fact.agreement_in_force,
    }
)
SUPPLIABLE: Final = frozenset(  # what an asker can honestly add: a statement, a consent, an authoriser
    {
        Fact.stage_set_by_named_officer,
        Fact.openness_recorded,
        Fact.necessity_stated,
        Fact.requester_task_stated,
        Fact.relation_stated,
        Fact.consent_sharing_given,
        Fact.para18_cannot_be_given,
        Fact.para18_not_reasonably_obtained,
        Fact.para18_prejudices_protection,
        Fact.consent_prejudices_purpose,
        Fact.break_glass,
    }
)
PRIVATE: Final = frozenset(  # turns on what is held or what the holder thinks of it: an asker never learns it
    {
        Fact.detriment_more,
        Fact.considered_not_relevant,
        Fact.match_confirmed,
        Fact.live_investigation,
        Fact.adoption_record,
        Fact.legal_privilege,
        Fact.gender_recognition,
        Fact.protected_person,
        Fact.whereabouts_hidden,
        Fact.third_party_told_of,
        Fact.owner_released,
    }
)
FOUND: Final = frozenset({Fact.match_confirmed, Fact.owner_released})  # taken as so where an asker's ladder is made
REVIEWERS: Final = frozenset(  # what an agency's reviewer may state of one question, on recorded grounds; no request and no machine can
    {
        Fact.public_interest_recorded,
        Fact.holder_considered,
        Fact.detriment_considered,
        Fact.detriment_more,
        Fact.considered_not_relevant,
        Fact.subject_incapable,
        Fact.consent_prejudices_purpose,
        Fact.legal_claim,
        Fact.court_order,
        Fact.live_investigation,
        Fact.adoption_record,
        Fact.legal_privilege,
        Fact.gender_recognition,
        Fact.protected_person,
        Fact.whereabouts_hidden,
    }
)
EVERY_CLASS: Final = frozenset(ClassCode)
