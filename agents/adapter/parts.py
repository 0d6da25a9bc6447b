"""One revision of an answer as it leaves: in one part, or split by subject into as many as its size asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from agents.adapter.answer import Asked, Key, Said
from broker.effect import Outgoing
from schemas import codec
from schemas.enums import Kind
from schemas.errors import OversizeRecordError
from schemas.events import Entry
from schemas.identifiers import Digest, SubjectRef
from schemas.records import Answer, Response

PART_NUMBERS: Final = 16  # bytes by which `part` and `parts` may grow once they are known


def respond(asked: Asked, said: Iterable[Said], revision: int = 1) -> tuple[Response, ...]:
    """All answers of one request, in its order, as one revision: a part holds what one pack decided and fits one body.

    What does not fit one is split by subject; only a subject who does not fit alone stands in more than one part.
    """
    place = {(each.subject_ref, each.category): number for number, each in enumerate(asked.request.questions)}
    by_pack: dict[Digest, list[Answer]] = {}
    for each in sorted(said, key=lambda one: place[one.key]):
        by_pack.setdefault(each.pack_digest, []).append(each.answer)
    parts = [part for pack, answers in by_pack.items() for part in _by_subject(_whole(asked, tuple(answers), pack, revision))]
    return tuple(replace(each, part=number, parts=len(parts)) for number, each in enumerate(parts, 1))


def _whole(asked: Asked, answers: tuple[Answer, ...], pack_digest: Digest, revision: int) -> Response:
    return Response(
        request_digest=asked.digest,
        case_id=asked.request.case_id,
        agency=asked.me.id,
        revision=revision,
        part=1,
        parts=1,
        pack_digest=pack_digest,
        answers=answers,
    )


def _by_subject(response: Response) -> list[Response]:
    """As many whole subjects as fit one body, in the order asked."""
    if _fits(response):
        return [response]
    subjects: dict[SubjectRef, list[Answer]] = {}
    for each in response.answers:
        subjects.setdefault(each.subject_ref, []).append(each)
    parts: list[Response] = []
    for answers in subjects.values():
        alone = replace(response, answers=tuple(answers))
        together = replace(parts[-1], answers=(*parts[-1].answers, *answers)) if parts else alone
        if _fits(together):
            parts[-1:] = [together]
        else:
            parts += _halved(alone)
    return parts


def _halved(response: Response) -> list[Response]:
    """One subject's answers, halved until each half fits; one answer alone fits, or a person was left to send it (`too_large`)."""
    middle = len(response.answers) // 2
    if middle == 0 or _fits(response):
        return [response]
    halves = (response.answers[:middle], response.answers[middle:])
    return [part for half in halves for part in _halved(replace(response, answers=half))]


def _fits(response: Response) -> bool:
    try:
        codec.encode(response, codec.MAX_BODY - PART_NUMBERS)
    except OversizeRecordError:
        return False
    return True


def sent(asked: Asked, said: Iterable[Said], disclosures: Mapping[Key, Entry], revision: int) -> tuple[Outgoing, ...]:
    """One revision as it leaves: each part with an entry for each of its answers, and kept."""
    return tuple(
        outgoing(asked, part, tuple(disclosures[each.subject_ref, each.category] for each in part.answers))
        for part in respond(asked, said, revision)
    )


def outgoing(asked: Asked, part: Response, entries: tuple[Entry, ...]) -> Outgoing:
    """One part as it leaves."""
    return Outgoing(
        kind=Kind.response,
        recipient=asked.hub.id,
        thread=asked.thread,
        case_id=asked.request.case_id,
        body=part,
        entries=entries,
        keep=True,
    )
