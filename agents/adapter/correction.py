"""Taking back what was said: one correction beats every revision so far, its content is erased, and the answer begins anew."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from agents.adapter.agency import Agency
from agents.adapter.answer import Asked, entry
from agents.adapter.dossier import Dossier, revision_name
from broker.anew import sealed_anew
from broker.effect import Effect, Event, Mark, Outgoing, Work, local_event, once
from schemas.enums import CorrectionReason, Kind, Operation, Outcome
from schemas.events import Entry
from schemas.identifiers import Digest, SubjectRef
from schemas.record import MAX_QUESTIONS
from schemas.records import Correction, Officer
from schemas.reviews import Reviewed

ERASE: Final = "erase"
FOR_A_PERSON: Final = frozenset({CorrectionReason.wrong_person, CorrectionReason.unlawful})  # a machine would say the same again


def correct(
    agency: Agency,
    asked: Asked,
    dossier: Dossier,
    reason: CorrectionReason,
    officer: Officer,
    *,
    about: frozenset[SubjectRef] | None = None,
    silent: bool = False,
) -> bool:
    """Take back every revision so far; False when none stands, or somebody spoke a moment ago.

    `about`: whom a person decides on anew, or all.

    The correction takes the next revision's number for its own: what is under way towards that number can no longer come after it.
    """
    if not dossier.responses:
        return False
    at = agency.party.now()
    revision = dossier.revision + 1
    whole = Correction(
        request_digest=asked.digest,
        case_id=asked.request.case_id,
        agency=asked.me.id,
        revision=revision,
        corrects=tuple(each.digest for each in dossier.responses),
        reason=reason,
        officer=officer,
        decided_at=at,
        duty_contact=agency.party.settings.contact,
    )
    told = corrected_entry(asked, whole, at)
    afresh = () if silent else (_work("answer", asked, revision, at),)
    effect = Effect(
        received=once("revisions", revision_name(asked.digest, revision)),
        events=() if silent or reason not in FOR_A_PERSON else _held(asked, reason, officer, about, at),
        work=(_work(ERASE, asked, revision, at), *afresh),
        outgoing=tuple(sent(asked, each, told) for each in _parts(whole)),
        settled=(Mark(case_id=asked.request.case_id, digest=asked.digest),),  # what follows it may wait anew
    )
    never_again = [Effect(received=sealed_anew(each.digest)) for each in dossier.responses]
    return 0 in agency.party.store.apply([effect, *never_again], agency.party.seal, at).happened


def sent(asked: Asked, correction: Correction, told: Entry) -> Outgoing:
    """A correction as it leaves, and is kept."""
    return Outgoing(
        kind=Kind.correction,
        recipient=asked.hub.id,
        thread=asked.thread,
        case_id=asked.request.case_id,
        body=correction,
        entries=(told,),
        keep=True,
    )


def _parts(whole: Correction) -> list[Correction]:
    """One correction names no more envelopes than a record may hold."""
    firsts = range(0, len(whole.corrects), MAX_QUESTIONS)
    return [replace(whole, corrects=whole.corrects[first : first + MAX_QUESTIONS]) for first in firsts]


def erased(agency: Agency, work: Work, at: datetime) -> Effect:
    """Destroy our own copies of what one correction takes back; done twice it does no more, and its entries are made once."""
    dossier = agency.dossier(work.case_id, work.digest)
    if dossier is None:  # the case is disposed of, and they with it
        return Effect()
    corrections = [each for each in dossier.corrections if each.revision == int(work.id.rpartition("/")[2])]
    going = [(each, digest) for each in corrections for digest in each.corrects]
    named = {digest for _, digest in going}
    going += [(each, one.digest) for each in corrections[:1] for one in dossier.said_by(each.revision) if one.digest not in named]
    agency.party.store.erase(work.case_id, [digest for _, digest in going])
    return Effect(entries=tuple(_erasure(dossier, each, digest, at) for each, digest in going))


def corrected_entry(asked: Asked, correction: Correction, at: datetime) -> Entry:
    """That an officer took back what was said."""
    return entry(asked.request, asked.digest, Operation.alteration, correction.officer, at, f"corrected.{correction.reason.value}")


def _erasure(dossier: Dossier, correction: Correction, digest: Digest, at: datetime) -> Entry:
    told = entry(dossier.request, dossier.kept.digest, Operation.erasure, correction.officer, at, f"erased.{correction.reason.value}")
    return replace(told, envelope=digest)


def _held(asked: Asked, reason: CorrectionReason, officer: Officer, about: frozenset[SubjectRef] | None, at: datetime) -> tuple[Event, ...]:
    """For each question concerned: that a person answers it from now on."""
    return tuple(
        local_event(
            asked.request.case_id,
            "reviewed",
            Reviewed(
                request_digest=asked.digest,
                subject_ref=each.subject_ref,
                category=each.category,
                officer=officer,
                decided_at=at,
                outcome=Outcome.review,
                reason=f"corrected: {reason.value}",
            ),
            at,
        )
        for each in asked.request.questions
        if about is None or each.subject_ref in about
    )


def _work(kind: str, asked: Asked, revision: int, at: datetime) -> Work:
    """Named as the answering of one request after one correction is."""
    name = f"{kind}/{asked.digest}/{revision}"
    return Work(id=name if kind == ERASE else f"{name}/0", kind=kind, case_id=asked.request.case_id, digest=asked.digest, not_before=at)
