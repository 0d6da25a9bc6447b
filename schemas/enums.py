"""Closed vocabularies of the wire. The last symbol of each is `unknown`: the Avro default, always refused by validation."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema


class Symbol(StrEnum):
    """An Avro enum whose default, `unknown`, no validated record ever holds."""

    @classmethod
    def known(cls, symbol: Self) -> Self:
        """Raise ValueError for the symbol nobody meant."""
        if symbol.value == "unknown":
            message = "is not a known symbol"
            raise ValueError(message)
        return symbol

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[Self], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as an enum, then refuse `unknown`."""
        return core_schema.no_info_after_validator_function(cls.known, handler(source))


class Kind(Symbol):
    """What an envelope carries."""

    contact = "contact"
    request = "request"
    cancel = "cancel"
    acknowledgement = "acknowledgement"
    response = "response"
    correction = "correction"
    release_ask = "release_ask"
    release_answer = "release_answer"
    view = "view"
    product = "product"
    recall = "recall"
    feedback = "feedback"
    transfer = "transfer"
    notice = "notice"
    rejection = "rejection"
    status = "status"
    record_ask = "record_ask"
    case_record = "case_record"
    unknown = "unknown"


class Stage(Symbol):
    """What the hub is deciding; set by a named officer before anyone is asked."""

    screening = "screening"
    early_help = "early_help"
    s17 = "s17"
    s47 = "s47"
    emergency = "emergency"
    unknown = "unknown"


class Rag(Symbol):
    """How urgent the hub holds a case to be."""

    red = "red"
    amber = "amber"
    green = "green"
    blue = "blue"
    unknown = "unknown"


class Purpose(Symbol):
    """Why information is asked for."""

    safeguarding = "safeguarding"
    promoting_welfare = "promoting_welfare"
    crime_and_disorder = "crime_and_disorder"
    offender_management = "offender_management"
    unknown = "unknown"


class SubjectRole(Symbol):
    """Who a subject is in the case."""

    child = "child"
    sibling = "sibling"
    unborn = "unborn"
    parent_carer = "parent_carer"
    household_adult = "household_adult"
    alleged_source = "alleged_source"
    unknown = "unknown"


class Sex(Symbol):
    """As recorded by the asker (NHS Data Dictionary, PERSON PHENOTYPIC SEX)."""

    female = "female"
    male = "male"
    indeterminate = "indeterminate"
    not_known = "not_known"
    unknown = "unknown"


class NecessityReason(Symbol):
    """Why the question cannot be left unasked."""

    immediate_danger = "immediate_danger"
    significant_harm_suspected = "significant_harm_suspected"
    threshold_decision = "threshold_decision"
    assess_need = "assess_need"
    plan_services = "plan_services"
    unknown = "unknown"


class Consent(Symbol):
    """The answer to one of the four consents."""

    given = "given"
    refused = "refused"
    not_sought = "not_sought"
    not_applicable = "not_applicable"
    unknown = "unknown"


class Openness(Symbol):
    """Whether the family has been told, or why not."""

    informed = "informed"
    increases_risk = "increases_risk"
    prejudices_enquiry = "prejudices_enquiry"
    delays_protection = "delays_protection"
    cannot_be_contacted = "cannot_be_contacted"
    lacks_capacity = "lacks_capacity"
    not_recorded = "not_recorded"
    unknown = "unknown"


class Para18Reason(Symbol):
    """DPA 2018 Sch. 1 para. 18(2): why the processing is without consent; exactly one of three."""

    cannot_be_given = "cannot_be_given"
    not_reasonably_obtained = "not_reasonably_obtained"
    prejudices_protection = "prejudices_protection"
    unknown = "unknown"


class Layer(Symbol):
    """The layers of the ladder, in climbing order."""

    asked = "asked"
    bar = "bar"
    regime = "regime"
    gateway = "gateway"
    compatibility = "compatibility"
    art6 = "art6"
    art9 = "art9"
    art10 = "art10"
    confidence = "confidence"
    proportionality = "proportionality"
    agreement = "agreement"
    unknown = "unknown"


class Outcome(Symbol):
    """What a decision comes to."""

    release = "release"
    review = "review"
    withhold = "withhold"
    unknown = "unknown"


class Status(Symbol):
    """How one subject × category was answered."""

    released = "released"
    none_held = "none_held"
    withheld = "withheld"
    contact_us = "contact_us"
    in_review = "in_review"
    not_found = "not_found"
    ambiguous = "ambiguous"
    source_unavailable = "source_unavailable"
    stale = "stale"
    unknown = "unknown"


class AgencyStatus(Symbol):
    """Where one agency's answer stands in a case."""

    not_asked = "not_asked"
    awaited = "awaited"
    acknowledged = "acknowledged"
    partial = "partial"
    answered = "answered"
    overdue = "overdue"
    rejected = "rejected"
    cancelled = "cancelled"
    unknown = "unknown"


class Happening(Symbol):
    """What happens in a case and a timescale starts or ends on: the first two the hub records itself, the others an officer."""

    contact = "contact"
    decided = "decided"
    response_decided = "response_decided"
    referrer_acknowledged = "referrer_acknowledged"
    assessment_concluded = "assessment_concluded"
    assessment_not_needed = "assessment_not_needed"
    strategy_discussion = "strategy_discussion"
    conference = "conference"
    police_protection = "police_protection"
    police_protection_ended = "police_protection_ended"
    protection_order = "protection_order"
    protection_order_extended = "protection_order_extended"
    protection_order_ended = "protection_order_ended"
    unknown = "unknown"


class CancelReason(Symbol):
    """Why a hub no longer wants an answer."""

    withdrawn = "withdrawn"
    wrong_person = "wrong_person"
    no_longer_needed = "no_longer_needed"
    unknown = "unknown"


class CorrectionReason(Symbol):
    """Why what an agency said is not to be relied on."""

    wrong_person = "wrong_person"
    inaccurate = "inaccurate"
    unlawful = "unlawful"
    unknown = "unknown"


class Assertion(Symbol):
    """What kind of statement an item is (DPA 2018 s.38 asks for the distinction)."""

    fact = "fact"
    opinion = "opinion"
    allegation = "allegation"
    professional_judgement = "professional_judgement"
    unknown = "unknown"


class Handling(Symbol):
    """What the hub may do with an item."""

    hub_only = "hub_only"
    onward_with_owner_release = "onward_with_owner_release"
    unknown = "unknown"


class Operation(Symbol):
    """DPA 2018 s.62(1)'s six operations, and the broker's own decisions and administration."""

    collection = "collection"
    alteration = "alteration"
    consultation = "consultation"
    disclosure = "disclosure"
    combination = "combination"
    erasure = "erasure"
    decision = "decision"
    administration = "administration"
    unknown = "unknown"


class ControllerKind(Symbol):
    """What sort of body a party is in law: who may rely on a rule turns on it."""

    local_authority = "local_authority"
    district_council = "district_council"
    police = "police"
    nhs_body = "nhs_body"
    gp_practice = "gp_practice"
    probation = "probation"
    youth_justice = "youth_justice"
    maintained_school = "maintained_school"
    academy = "academy"
    independent_school = "independent_school"
    early_years_provider = "early_years_provider"
    housing_authority = "housing_authority"
    registered_provider = "registered_provider"
    charity = "charity"
    contracted_provider = "contracted_provider"
    unknown = "unknown"


class KeyUse(Symbol):
    """What a key is for; one key has one use, ever."""

    signing = "signing"
    log = "log"
    witness = "witness"
    encryption = "encryption"
    officer = "officer"
    snapshot = "snapshot"
    unknown = "unknown"


class KeyType(Symbol):
    """The algorithm of a key."""

    ed25519 = "ed25519"
    ml_dsa_44 = "ml_dsa_44"
    xwing = "xwing"
    unknown = "unknown"


class StatementKind(Symbol):
    """A public, signed statement."""

    directory = "directory"
    announcement = "announcement"
    snapshot = "snapshot"
    enrolment = "enrolment"
    checkpoint = "checkpoint"
    cosignature = "cosignature"
    unknown = "unknown"


class Refusal(Symbol):
    """Why an envelope was not processed; told to an authenticated sender, at most once."""

    malformed = "malformed"
    oversize = "oversize"
    unsupported = "unsupported"
    not_for_me = "not_for_me"
    untrusted = "untrusted"
    tampered = "tampered"
    outside_times = "outside_times"
    expired = "expired"
    invalid = "invalid"
    no_such_request = "no_such_request"
    directory_ahead = "directory_ahead"
    unreadable = "unreadable"
    unknown = "unknown"
