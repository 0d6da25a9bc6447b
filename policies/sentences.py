"""Plain English for what no rule says itself: why a layer is absent, waived or failed, and what each fact means."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from policies.answers import Reason
from policies.vocabulary import Fact
from schemas.enums import Layer

REVIEW_NEEDED: Final = "Legal review of this rule is still needed."
BAR_UNSAID: Final = "Statutory prohibitions are checked; whether one applies is never said to an asker. Ring the named person."
FAILURES: Final[Mapping[Layer, str]] = MappingProxyType(
    {
        Layer.asked: (
            "It is not shown that a named officer set the stage first, gave a reason that fits it and recorded "
            "openness with the family; or this body holds no such category, or may not tell it in this kind of disclosure."
        ),
        Layer.bar: "A statutory prohibition or an absolute protection stands in the way.",
        Layer.regime: "No law authorises this law-enforcement data to be used for this purpose.",
        Layer.gateway: (
            "No power or duty of this body towards this recipient covers this purpose at this stage, or the recipient's "
            "own function is not stated."
        ),
        Layer.compatibility: "No rule makes this purpose compatible with the one the information was collected for.",
        Layer.art6: "No point of UK GDPR Article 6 is met for this body on these facts.",
        Layer.art9: "No condition of UK GDPR Article 9 and Schedule 1 is met for health or other special category data.",
        Layer.art10: "Neither official authority nor a Schedule 1 condition is met for criminal-offence data.",
        Layer.confidence: "Neither consent, nor a recorded overriding public interest, nor an express rule lifts the duty of confidence.",
        Layer.proportionality: (
            "Stage, rating, role or look-back does not reach what this category needs, or the need or a relation to the "
            "child is not stated."
        ),
        Layer.agreement: "No signed sharing agreement in force covers this category and purpose between these parties.",
    }
)
REASONS: Final[Mapping[Reason, str]] = MappingProxyType(
    {
        Reason.class_not_held: "Does not apply: the category holds no data of the classes this layer protects.",
        Reason.not_law_enforcement: (
            "Does not apply: the data were not collected by a competent authority for law enforcement; UK GDPR governs."
        ),
        Reason.part_3: "Does not apply: the data stay under Part 3 of the Data Protection Act 2018, between competent authorities.",
        Reason.no_bar: "No statutory prohibition and no absolute protection was found.",
        Reason.break_glass: "Waived: a named officer broke the glass in an emergency; it is reviewed on the next working day.",
        Reason.no_policy_document: (
            "A condition would carry this layer if the controller held its appropriate policy document; a person decides."
        ),
        Reason.detriment: (
            "The duty that would carry this falls away because the holder considers disclosure more detrimental to the "
            "child; a named person decides."
        ),
        Reason.no_body: "Does not apply: whoever told is of no kind of body known here, such as a member of the public.",
        Reason.error: "The decision could not be made, so nothing is released; ring the named person.",
    }
)
MEANINGS: Final[Mapping[Fact, str]] = MappingProxyType(
    {
        Fact.stage_set_by_named_officer: "a named officer set the stage before anyone was asked",
        Fact.reason_fits_stage: "the reason given fits the stage",
        Fact.openness_recorded: "it is recorded whether the family was told, or why not",
        Fact.necessity_stated: "the request says why it is necessary",
        Fact.requester_task_stated: "the asker states its own task and the law behind it",
        Fact.partnership_request: "a safeguarding partner asks under section 16H for functions of the partnership",
        Fact.relation_stated: "the adult's relation to the child is stated",
        Fact.consent_sharing_given: "consent to this sharing is given",
        Fact.para18_cannot_be_given: "it is recorded that consent cannot be given",
        Fact.para18_not_reasonably_obtained: "it is recorded that nobody can reasonably be expected to obtain consent",
        Fact.para18_prejudices_protection: "it is recorded that asking for consent would prejudice protection",
        Fact.break_glass: "a named officer breaks the glass in an emergency",
        Fact.own_task: "the controller has stated its own task and the law behind it",
        Fact.official_authority: "the controller has named the law that gives it official authority",
        Fact.relevant_person: "the controller has stated what makes it a relevant person under section 16LA(4)",
        Fact.interests_balanced: "the controller has recorded a balance of its legitimate interests against the person's",
        Fact.holder_considered: "the holder considers this relevant to the child and fit to disclose",
        Fact.detriment_considered: "the holder has weighed whether disclosing does more harm, and it does not",
        Fact.detriment_more: "the holder considers disclosure more detrimental to the child",
        Fact.considered_not_relevant: "the holder considers it not relevant to the child",
        Fact.public_interest_recorded: "an overriding public interest is recorded",
        Fact.subject_incapable: "the person is physically or legally incapable of consenting",
        Fact.consent_prejudices_purpose: "asking for consent would prejudice preventing or detecting the unlawful act",
        Fact.legal_claim: "it is necessary for a legal claim or for a court acting as one",
        Fact.court_order: "a court has ordered this disclosure",
        Fact.owner_released: "the body whose information it is has released it for this",
        Fact.second_person_checked: "a second person has checked what goes to whom",
        Fact.recipient_told_of_child: "the recipient is whoever told of this child",
        Fact.child_in_recipients_area: "it is recorded that the child is now in the recipient's area",
        Fact.match_confirmed: "the person found is confirmed to be the person asked about",
        Fact.live_investigation: "a live investigation may be prejudiced",
        Fact.adoption_record: "it belongs to an adoption record",
        Fact.legal_privilege: "it is legally privileged",
        Fact.gender_recognition: "it is protected by the Gender Recognition Act",
        Fact.protected_person: "it concerns a protected person",
        Fact.whereabouts_hidden: "it would tell where a person is whose whereabouts are hidden (S-flag)",
        Fact.third_party_told_of: "it tells of somebody nobody asked about",
        Fact.reasked: "the question was re-asked with only its stage or rating raised",
        Fact.directory_stale: "the list of parties is out of date",
        Fact.pack_not_accepted: "the law and categories used here are not those that the network has accepted",
        Fact.log_unwitnessed: "the access log has no quorum of witnesses",
    }
)
