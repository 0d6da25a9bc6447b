"""A network that exists nowhere: keys from labels, one hub, two agencies, one record of every kind. Nothing here is of a real person."""

from __future__ import annotations

import hashlib
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime, timedelta
from enum import Enum
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from broker.directory import digest_of, sign
from broker.keys import OpeningKey, SigningKey
from broker.times import DIRECTORY_LIFE, LIFETIME, SNAPSHOT_LIFE, epoch_at, epoch_span
from schemas import codec, enums, envelope, events, happenings, notices, records, reviews, statements, streams
from schemas.enums import KeyType, KeyUse, Kind, StatementKind
from schemas.identifiers import (
    CategoryId,
    DecisionId,
    Digest,
    Incarnation,
    Network,
    PartyId,
    Signature,
    Slug,
    SubjectRef,
    Thread,
    WrappedKey,
)

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
HUB, POLICE, TRUST = PartyId("hub.borough"), PartyId("agency.police"), PartyId("agency.acute-trust")
CONTROLLERS = {
    HUB: enums.ControllerKind.local_authority,
    POLICE: enums.ControllerKind.police,
    TRUST: enums.ControllerKind.nhs_body,
}
SAYS = "A conference is held within so many working days of the discussion (SYNTHETIC)."
DUTY = records.DutyContact(name="Duty officer (synthetic)", phone="01632 960001", hours="24 hours")


def made(label: str, size: int) -> bytes:
    """Bytes that stand for random ones, the same in every run."""
    return hashlib.shake_256(b"synthetic test vector " + label.encode()).digest(size)


NETWORK = Network(made("network", 32))


def signing(label: str) -> SigningKey:
    """An Ed25519 key; its seed is `made(label, 32)`."""
    return SigningKey.of(Ed25519PrivateKey.from_private_bytes(made(label, 32)))


def opening(label: str) -> OpeningKey:
    """An X-Wing key; its seeds are `made(label + " mlkem", 64)` and `made(label + " x25519", 32)`."""
    mlkem = MLKEM768PrivateKey.from_seed_bytes(made(f"{label} mlkem", 64))
    return OpeningKey.of(mlkem, X25519PrivateKey.from_private_bytes(made(f"{label} x25519", 32)))


OFFICERS = [signing(f"officer {number}") for number in (1, 2, 3)]
ONLINE = signing("snapshot")
SIGNING = {party: signing(f"{party} signing") for party in CONTROLLERS}
LOGS = {party: signing(f"{party} log") for party in CONTROLLERS}
OPENING = {party: opening(f"{party} encryption") for party in CONTROLLERS}


def root_text(network=None, threshold=2, snapshot=None, officers=None, outside=2) -> str:
    """root.toml of the network."""
    keys = [key.public.hex() for key in OFFICERS] if officers is None else officers
    online = ONLINE.public.hex() if snapshot is None else snapshot
    lines = [f'network = "{network or NETWORK.hex()}"', f"threshold = {threshold}", f'snapshot_key = "{online}"']
    for number, key in enumerate(keys):
        lines += ["", "[[officer]]", f'name = "officer {number + 1} (synthetic)"', f'key = "{key}"']
        lines += ["outside_hub = true"] if number == outside else []
    return "\n".join(lines) + "\n"


def public(use: KeyUse, key: bytes, **changes) -> statements.PublicKey:
    """A listed Ed25519 key, a month old."""
    plain = statements.PublicKey(use=use, type=KeyType.ed25519, public=key, not_before=NOW - timedelta(days=30))
    return replace(plain, **changes)


def listed(party: PartyId, **changes) -> statements.Party:
    """A party as the directory lists it."""
    keys = (public(KeyUse.signing, SIGNING[party].public), public(KeyUse.log, LOGS[party].public))
    plain = statements.Party(id=party, kind=CONTROLLERS[party], name=f"{party} (synthetic)", duty_contact=DUTY, keys=keys)
    return replace(plain, **changes)


def directory(**changes) -> statements.Directory:
    """The network's first directory."""
    plain = statements.Directory(
        network=NETWORK,
        sequence=1,
        previous=None,
        issued_at=NOW - timedelta(days=1),
        expires_at=NOW - timedelta(days=1) + DIRECTORY_LIFE,
        minimum_protocol=1,
        parties=tuple(listed(party) for party in CONTROLLERS),
        agreements=(statements.AgreementListing(id="agreement-1", digest=Digest(made("agreement", 32))),),
        packs=(Digest(made("pack", 32)),),
        revoked=(),
    )
    return replace(plain, **changes)


def signed_directory(officers: int = 2, **changes) -> statements.Statement:
    """A directory with the first officers' signatures."""
    return sign(StatementKind.directory, codec.encode(directory(**changes)), OFFICERS[:officers])


def announcement(party: PartyId = HUB, key: OpeningKey | None = None, epoch: int | None = None, **changes) -> statements.Announcement:
    """A party's encryption key for the present epoch or another."""
    number = epoch_at(NOW) if epoch is None else epoch
    start, end = epoch_span(number)
    held = (key or OPENING[party]).public
    plain = statements.Announcement(network=NETWORK, party=party, epoch=number, not_before=start, not_after=end, public=held)
    return replace(plain, **changes)


def announced(body: statements.Announcement, key: SigningKey | None = None) -> statements.Statement:
    """Signed by its party, or by another key."""
    return sign(StatementKind.announcement, codec.encode(body), [key or SIGNING[body.party]])


def snapshot(**changes) -> statements.Snapshot:
    """Of the first directory and everybody's announcement."""
    rows = [
        statements.AnnouncementListing(party=party, epoch=epoch_at(NOW), digest=digest_of(codec.encode(announcement(party))))
        for party in sorted(CONTROLLERS)
    ]
    plain = statements.Snapshot(
        network=NETWORK,
        directory_sequence=1,
        directory=digest_of(codec.encode(directory())),
        made_at=NOW,
        expires_at=NOW + SNAPSHOT_LIFE,
        announcements=tuple(rows),
    )
    return replace(plain, **changes)


def signed_snapshot(key: SigningKey = ONLINE, **changes) -> statements.Statement:
    """Signed by the online key, or by another."""
    return sign(StatementKind.snapshot, codec.encode(snapshot(**changes)), [key])


def enrolment(**changes) -> statements.Enrolment:
    """The police's wish to be listed."""
    one = listed(POLICE)
    plain = statements.Enrolment(network=NETWORK, party=POLICE, kind=one.kind, name=one.name, duty_contact=DUTY, keys=one.keys)
    return replace(plain, **changes)


def header(**changes) -> envelope.Header:
    """From the hub to the police."""
    plain = envelope.Header(
        protocol=1,
        network=NETWORK,
        kind=Kind.acknowledgement,
        sender=HUB,
        sender_kid=SIGNING[HUB].kid,
        recipient=POLICE,
        recipient_kid=OPENING[POLICE].kid,
        thread=THREAD,
        sent_at=NOW,
        expires_at=NOW + LIFETIME,
        incarnation=Incarnation(made("incarnation", 8)),
        sequence=1,
        directory_sequence=1,
        commitment=Digest.zero(),
    )
    return replace(plain, **changes)


THREAD = Thread(made("thread", 16))
CASE = UUID(bytes=made("case", 16), version=4)
REQUEST_DIGEST = Digest(made("request", 32))
PACK = Digest(made("pack", 32))
CATEGORY, REF = CategoryId("pol.missing_episodes"), SubjectRef("s1")
OFFICER = records.Officer(id="staff-0042", role="MASH manager", organisation="Borough Council (synthetic)")
NECESSITY = records.Necessity(
    reason=enums.NecessityReason.threshold_decision, text="The threshold cannot be decided without it (synthetic)."
)
CONSENTS = records.Consents(
    sharing=enums.Consent.refused,
    service=enums.Consent.not_sought,
    treatment=enums.Consent.not_applicable,
    openness=enums.Openness.informed,
    para18_reason=enums.Para18Reason.prejudices_protection,
)
CHILD = records.Subject(
    ref=REF,
    role=enums.SubjectRole.child,
    relation_to_child="self",
    family_name="Müller-Example",
    given_names="Noor",
    born_on=date(2014, 2, 28),
    sex=enums.Sex.female,
    addresses=(records.Address(line="1 Test Street", postcode="ZZ99 3WZ"),),
    identifiers=(records.Identifier(system=records.NHS_NUMBER, value="9990000018", verified=True),),
)
DAVE = records.Subject(
    ref=SubjectRef("s2"), role=enums.SubjectRole.household_adult, relation_to_child="mother's partner", known_as="Dave (synthetic)"
)
DECISION = events.OfficerDecision(
    officer=OFFICER,
    decided_at=NOW,
    stage=enums.Stage.s47,
    rag=enums.Rag.red,
    purpose=enums.Purpose.safeguarding,
    necessity=NECESSITY,
    consents=CONSENTS,
)
CHOSEN = events.ChosenQuestion(
    agency=POLICE, subject_ref=SubjectRef("s1"), category=CategoryId("pol.incidents"), since=date(2025, 1, 1), until=date(2026, 1, 1)
)
NARROWED = events.Adjustment(widens=False, reason="He has never lived in this household.", questions=(CHOSEN,))
CHECKS = events.Checks(matrix=Slug("risk-assessment"), asked=(CHOSEN,), adjustments=(NARROWED,))
STEP = records.LadderStep(
    layer=enums.Layer.gateway,
    applies=True,
    met=True,
    rule=Slug("ca2004.s11"),
    citation="Children Act 2004 s.11",
    legal_review_needed=False,
    says="A duty of the police (synthetic).",
)
NEAR = records.NearMiss(
    layer=enums.Layer.art9, fact=Slug("stage"), value=Slug("emergency"), says="would be met in an emergency (synthetic)"
)
ITEM = records.Item(
    at=date(2026, 11, 1),
    fields=(records.ItemField(name=Slug("outcome"), value="returned the same day (synthetic)"),),
    assertion=enums.Assertion.fact,
    relation_to_child="self",
    handling=enums.Handling.hub_only,
    source=Slug("custody"),
)


def identity() -> records.DecisionIdentity:
    """What the decision id of `answer()` names."""
    return records.DecisionIdentity(
        answers=REQUEST_DIGEST,
        thread=THREAD,
        kind=Kind.response,
        recipient=HUB,
        subject_ref=REF,
        category=CATEGORY,
        pack_digest=PACK,
        decided_at=NOW,
    )


def answer() -> records.Answer:
    """A released answer."""
    return records.Answer(
        subject_ref=REF,
        category=CATEGORY,
        status=enums.Status.released,
        agreed_fields=(Slug("born_on"), Slug("family_name")),
        searched=(
            records.Searched(
                source=Slug("custody"),
                as_of=NOW - timedelta(hours=1),
                identifiers=(Slug("nhs_number"), Slug("family_name"), Slug("born_on")),
                scope="Custody records of the borough since 2012",
            ),
        ),
        since=date(2024, 11, 24),
        until=date(2026, 11, 24),
        ladder=(STEP,),
        caps=(),
        near_misses=(NEAR,),
        items=(ITEM,),
        decision_id=DecisionId(hashlib.sha256(codec.encode(identity())).digest()[:16]),
        decided_by="policy pack (synthetic)",
        decided_at=NOW,
        duty_contact=DUTY,
        unanswered=(
            records.Unanswered(source=Slug("archive"), status=enums.Status.source_unavailable, scope="Custody records before 2012"),
        ),
    )


def request() -> records.Request:
    """Two people, one question."""
    return records.Request(
        case_id=CASE,
        hub=HUB,
        agency=POLICE,
        stage=enums.Stage.s47,
        rag=enums.Rag.red,
        purpose=enums.Purpose.safeguarding,
        necessity=NECESSITY,
        concern="A neighbour worries about the child (synthetic).",
        requester_basis=records.RequesterBasis(task="enquiry into significant harm", citation="Children Act 1989 s.47"),
        officer=OFFICER,
        decided_at=NOW,
        duty_contact=DUTY,
        consents=CONSENTS,
        break_glass=False,
        due_at=NOW + timedelta(hours=4),
        subjects=(CHILD, DAVE),
        questions=(records.Question(subject_ref=REF, category=CATEGORY, since=date(2024, 11, 24), until=date(2026, 11, 24)),),
    )


def response() -> records.Response:
    """The answer to it."""
    return records.Response(
        request_digest=REQUEST_DIGEST, case_id=CASE, agency=POLICE, revision=1, part=1, parts=1, pack_digest=PACK, answers=(answer(),)
    )


def status() -> streams.StreamStatus:
    """A stream with two holes."""
    return streams.StreamStatus(
        incarnation=Incarnation(made("incarnation", 8)),
        highest_sent=300,
        oldest_unsent_at=NOW - timedelta(seconds=7),
        received_incarnation=Incarnation(made("their incarnation", 8)),
        highest_received=129,
        holes=(streams.Hole(first=64, last=64), streams.Hole(first=100, last=128)),
    )


def entry(**changes) -> events.Entry:
    """A disclosure."""
    plain = events.Entry(
        at=NOW,
        operation=enums.Operation.disclosure,
        actor=OFFICER,
        case_id=CASE,
        subject_ref=REF,
        category=CATEGORY,
        purpose=enums.Purpose.safeguarding,
        stage=enums.Stage.s47,
        rules=(Slug("ca2004.s11"),),
        pack_digest=PACK,
        outcome=Slug("released"),
        envelope=REQUEST_DIGEST,
    )
    return replace(plain, **changes)


def contact() -> events.Contact:
    """A worry with its decision."""
    who = events.Referrer(kind="neighbour", name="A. Neighbour (synthetic)", phone="01632 960099")
    return events.Contact(
        contact_ref=Slug("c-0001"),
        received_at=NOW - timedelta(hours=2),
        referrer=who,
        words="She is left alone at night (synthetic).",
        subjects=(CHILD, DAVE),
        decision=DECISION,
    )


def unasked() -> events.Unasked:
    """A question that was not asked."""
    blocked = replace(STEP, met=False, rule=None, citation=None)
    return events.Unasked(agency=TRUST, subject_ref=REF, category=CategoryId("hlt.attendances"), ladder=(blocked,), near_misses=(NEAR,))


def oral() -> events.OralAnswer:
    """What was said on the telephone."""
    return events.OralAnswer(
        case_id=CASE,
        agency=TRUST,
        subject_ref=REF,
        category=CategoryId("acute.ed_attendances"),
        said_by=replace(OFFICER, id="ward-7", organisation="Acute trust (synthetic)"),
        written_by=OFFICER,
        happened_at=NOW - timedelta(minutes=20),
        recorded_at=NOW,
        words="Seen twice in October (synthetic).",
        assertion=enums.Assertion.professional_judgement,
    )


def happened() -> happenings.Happened:
    """A strategy discussion and the deadline that runs from it."""
    due = happenings.CaseDue(
        timescale=Slug("national.conference"),
        calendar=Slug("calendar-0"),
        due_at=NOW + timedelta(days=21),
        ends_on=(enums.Happening.conference,),
        says=SAYS,
        citation="Working Together to Safeguard Children (not read)",
        legal_review_needed=True,
    )
    return happenings.Happened(
        case_id=CASE,
        happening=enums.Happening.strategy_discussion,
        officer=OFFICER,
        happened_at=NOW - timedelta(minutes=30),
        recorded_at=NOW,
        due=(due,),
    )


def in_error() -> happenings.RecordedInError:
    """A strategy discussion that was none."""
    return happenings.RecordedInError(
        case_id=CASE,
        happened=Digest(made("happened", 32)),
        happening=enums.Happening.strategy_discussion,
        happened_at=NOW - timedelta(minutes=30),
        officer=OFFICER,
        taken_back_at=NOW,
        reason="It was a telephone call about another family (SYNTHETIC).",
    )


def what_people_decide() -> list[object]:
    """Cancelling, correcting, following up, rating anew, writing down, reviewing."""
    about = {"request_digest": REQUEST_DIGEST, "case_id": CASE}
    decided = {"officer": OFFICER, "decided_at": NOW}
    reviewed = replace(
        answer(),
        items=(replace(ITEM, third_party=True, do_not_disclose_to=(SubjectRef("s2"),)),),
        reviewed_by=OFFICER,
        interpretation="Fits earlier visits (synthetic).",
    )
    asked = events.AskedAgency(
        agency=POLICE, thread=THREAD, due_at=NOW + timedelta(hours=2), timescale=Slug("hours.red"), calendar=Slug("calendar-0")
    )
    follow_up = events.FollowUp(case_id=CASE, decision=DECISION, asked_at=NOW, asked=asked)
    rebased = events.Rebased(follow_up=Digest(made("follow-up", 32)), asked=asked)
    overdue = events.Overdue(case_id=CASE, timescale=Slug("red.checks"), agency=POLICE, follow_up=None, happened=None, due_at=NOW)
    return [
        records.Cancel(reason=enums.CancelReason.withdrawn, duty_contact=DUTY, **about, **decided),
        notices.Notice(number=1, rag=enums.Rag.amber, due_at=NOW + timedelta(hours=24), decided_at=NOW, **about),
        records.Correction(
            agency=POLICE,
            revision=1,
            corrects=(Digest(made("response", 32)),),
            reason=enums.CorrectionReason.inaccurate,
            duty_contact=DUTY,
            **about,
            **decided,
        ),
        replace(response(), revision=2, answers=(reviewed,)),
        follow_up,
        happened(),
        in_error(),
        events.Rerated(
            case_id=CASE,
            number=1,
            officer=OFFICER,
            rerated_at=NOW,
            rag=enums.Rag.amber,
            rationale="The injury has an explanation (synthetic).",
            relied_on=(REQUEST_DIGEST,),
            due=(rebased, replace(rebased, follow_up=None)),
            moved=(happenings.Moved(happened=Digest(made("happened", 32)), timescale=Slug("national.conference"), due=happened().due[0]),),
        ),
        overdue,
        replace(overdue, agency=None, happened=Digest(made("happened", 32)), timescale=Slug("national.conference")),
        oral(),
        reviews.GlassReviewed(
            request_digest=REQUEST_DIGEST,
            revision=1,
            officer=OFFICER,
            due_at=NOW + timedelta(hours=29),
            closed_at=NOW,
            words="What was told was needed that night (synthetic).",
        ),
        reviews.Shown(
            request_digest=REQUEST_DIGEST,
            subject_ref=REF,
            category=CATEGORY,
            officer=OFFICER,
            shown_at=NOW,
            salt=Digest(made("salt", 32)),
            digest=Digest(made("items", 32)),
        ),
        reviews.Reviewed(
            request_digest=REQUEST_DIGEST,
            subject_ref=REF,
            category=CATEGORY,
            outcome=enums.Outcome.release,
            reason="Relevant to tonight (synthetic).",
            **decided,
        ),
    ]


def every_record() -> list[object]:
    """One of each released record, and of some a second that takes the other branches."""
    acknowledgement = records.Acknowledgement(answers=REQUEST_DIGEST, received_at=NOW, duty_contact=DUTY)
    signed = envelope.Signed(header=codec.encode(header()), wrapped_key=WrappedKey(made("wrapped", 1168)), ciphertext=made("cipher", 48))
    asked = events.AskedAgency(
        agency=POLICE, thread=THREAD, due_at=NOW + timedelta(hours=4), timescale=Slug("hours.red"), calendar=Slug("calendar-0")
    )
    opened = events.CaseOpened(
        case_id=CASE, hub=HUB, opened_at=NOW, contact=contact(), decision=DECISION, asked=(asked,), unasked=(unasked(),)
    )
    state = events.AgencyState(
        agency=POLICE,
        follow_up=None,
        status=enums.AgencyStatus.answered,
        request_digest=REQUEST_DIGEST,
        due_at=NOW + timedelta(hours=4),
        acknowledged_at=NOW,
        answered_at=NOW,
        revision=1,
        conflict=False,
    )
    joined = events.JoinedAnswer(
        agency=POLICE, request_digest=REQUEST_DIGEST, envelope=Digest(made("response", 32)), received_at=NOW, revision=1, answer=answer()
    )
    corrected = events.Corrected(
        agency=POLICE,
        correction=Digest(made("correction", 32)),
        corrects=(Digest(made("response", 32)),),
        reason=enums.CorrectionReason.wrong_person,
        received_at=NOW,
        officer=OFFICER,
    )
    running = happenings.TimescaleState(
        timescale=Slug("national.conference"),
        happened=Digest(made("happened", 32)),
        happening=enums.Happening.strategy_discussion,
        started_at=NOW - timedelta(minutes=30),
        due_at=NOW + timedelta(days=21),
        overdue=False,
        ended_at=None,
        says=SAYS,
        citation="Working Together to Safeguard Children (not read)",
        legal_review_needed=True,
    )
    case_record = events.CaseRecord(
        case_id=CASE,
        hub=HUB,
        version=3,
        contact_ref=Slug("c-0001"),
        opened_at=NOW,
        stage=enums.Stage.s47,
        rag=enums.Rag.red,
        purpose=enums.Purpose.safeguarding,
        subjects=(CHILD,),
        ratings=(events.Rating(at=NOW, rag=enums.Rag.red, officer=OFFICER, rationale="as first decided"),),
        agencies=(state,),
        answers=(joined,),
        oral=(events.OralItem(said=oral(), confirmed=False),),
        corrected=(corrected,),
        happened=(happened(),),
        in_error=(in_error(),),
        timescales=(running,),
        left_out=0,
        unasked=(unasked(),),
    )
    quiet = streams.StreamStatus(
        incarnation=Incarnation.zero(),
        highest_sent=0,
        oldest_unsent_at=None,
        received_incarnation=Incarnation.zero(),
        highest_received=0,
    )
    no_case = entry(case_id=None, subject_ref=None, category=None, purpose=None, stage=None, rules=(), pack_digest=None, envelope=None)
    return [
        envelope.Envelope(signed=codec.encode(signed), signature=Signature(made("signature", 64))),
        signed,
        header(),
        request(),
        response(),
        acknowledgement,
        records.Rejection(answers=REQUEST_DIGEST, reason=enums.Refusal.expired, duty_contact=DUTY),
        status(),
        quiet,
        identity(),
        signed_directory(),
        directory(),
        announcement(),
        snapshot(),
        enrolment(),
        contact(),
        replace(contact(), decision=None),
        events.Decided(contact=Digest(made("contact", 32)), decision=replace(DECISION, checks=CHECKS)),
        opened,
        case_record,
        *what_people_decide(),
        entry(),
        no_case,
    ]


SPELT = {Enum: lambda value: value.value, date: date.isoformat, UUID: str}


def plain(value: object) -> object:
    """A record as JSON tells it: bytes in hex, times in UTC with microseconds, fields in order."""
    if is_dataclass(value):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [plain(each) for each in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return (
        value.hex() if isinstance(value, bytes) else next((spell(value) for kind, spell in SPELT.items() if isinstance(value, kind)), value)
    )
