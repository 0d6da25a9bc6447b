"""Statements that are offered to a party, and what becomes of each: docs/protocol.md §3.4 to §3.7."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import synthetic as net
from synthetic import HUB, NOW, POLICE, TRUST, made, plain

from broker.directory import digest_of, sign
from broker.times import EPOCH, epoch_at
from schemas import codec, statements
from schemas.enums import KeyType, KeyUse, StatementKind
from schemas.identifiers import Digest, Network, PartyId


@dataclass(frozen=True)
class Offer:
    """A statement that is offered to a party which holds others."""

    about: str
    statement: statements.Statement
    expected: str
    held: tuple[statements.Statement, ...] = ()
    at: datetime = NOW


def _case(offer: Offer) -> dict[str, object]:
    return {
        "about": offer.about,
        "at": plain(offer.at),
        "held": [codec.encode(each, codec.MAX_BODY).hex() for each in offer.held],
        "offered": codec.encode(offer.statement).hex(),
        "expected": offer.expected,
    }


def directories() -> dict[str, object]:
    """§3.4: what becomes of a directory; `held` is taken first, in order, at the same instant."""
    first = net.signed_directory()
    follows = {"sequence": 2, "previous": digest_of(first.body)}
    second = net.signed_directory(**follows)
    one, two, three = (net.listed(party) for party in net.CONTROLLERS)

    def parties(*changed: statements.PublicKey) -> dict[str, object]:
        return {"parties": (replace(one, keys=changed or one.keys), two, three)}

    stolen, kept = net.public(KeyUse.signing, net.SIGNING[HUB].public), net.public(KeyUse.log, net.LOGS[HUB].public)
    loose = sign(StatementKind.directory, first.body + b"\0", net.OFFICERS)
    other_kind = replace(sign(StatementKind.snapshot, first.body, net.OFFICERS), kind=StatementKind.directory)
    ended = net.public(KeyUse.signing, net.SIGNING[HUB].public, not_after=NOW - timedelta(days=60))
    new = net.signing("another").public
    offers = [
        Offer("two of three officers have signed", first, "taken"),
        Offer("all three have signed", net.signed_directory(3), "taken"),
        Offer("past its end: taken, and stale", first, "taken", at=NOW + timedelta(days=120)),
        Offer("of kind snapshot", replace(first, kind=StatementKind.snapshot), "D1"),
        Offer("one officer has signed", net.signed_directory(1), "D2"),
        Offer("one officer has signed twice", replace(first, signatures=first.signatures[:1] * 2), "D2"),
        Offer("signed as a snapshot", other_kind, "D2"),
        Offer("a byte after the end", loose, "D3"),
        Offer("another network", net.signed_directory(network=Network(bytes(32))), "D4"),
        Offer("issued six minutes ahead", net.signed_directory(issued_at=NOW + timedelta(minutes=6)), "D5"),
        Offer("a life of more than 90 days", net.signed_directory(expires_at=NOW + timedelta(days=90)), "D5"),
        Offer("ended when it began", net.signed_directory(expires_at=NOW - timedelta(days=1)), "D5"),
        Offer("the next, not naming the one held", net.signed_directory(sequence=2), "D6", (first,)),
        Offer("a party twice", net.signed_directory(parties=(one, one, two)), "D7"),
        Offer(
            "an officer's key as a party's", net.signed_directory(**parties(net.public(KeyUse.signing, net.OFFICERS[0].public), kept)), "D8"
        ),
        Offer("one key of two parties", net.signed_directory(parties=(one, replace(two, keys=(stolen, two.keys[1])))), "D8"),
        Offer("no log key", net.signed_directory(**parties(stolen)), "D9/P1"),
        Offer("an encryption key listed", net.signed_directory(**parties(stolen, kept, net.public(KeyUse.encryption, new))), "D9/P3"),
        Offer("an ML-DSA key", net.signed_directory(**parties(stolen, kept, net.public(KeyUse.log, new, type=KeyType.ml_dsa_44))), "D9/P3"),
        Offer("a key that ends before it begins", net.signed_directory(**parties(ended, kept)), "D9/P4"),
        Offer("a key of small order", net.signed_directory(**parties(net.public(KeyUse.signing, bytes(32)), kept)), "D9/P5"),
        Offer(
            "a key that was another's",
            net.signed_directory(**follows, parties=(replace(two, keys=(stolen, two.keys[1])),)),
            "D10",
            (first,),
        ),
        Offer(
            "a key that had another use",
            net.signed_directory(**follows, **parties(replace(stolen, use=KeyUse.log), replace(kept, use=KeyUse.signing))),
            "D10",
            (first,),
        ),
        Offer("the very next", second, "taken", (first,)),
        Offer("a later one, whatever it names", net.signed_directory(sequence=7), "taken", (first,)),
        Offer("the same again", first, "known", (first,)),
        Offer("the same with another signature", net.signed_directory(3), "known", (first,)),
        Offer("a lower one", first, "ignored", (first, second)),
        Offer("another of the same sequence", net.signed_directory(expires_at=NOW + timedelta(days=5)), "alarm", (first,)),
    ]
    return {"root": net.root_text(), "cases": [_case(offer) for offer in offers]}


def announcements() -> dict[str, object]:
    """§3.5."""
    first = net.signed_directory()
    mine = net.announced(net.announcement())
    gone = statements.Revocation(kid=net.SIGNING[HUB].kid, suspected_from=NOW)
    ended = net.public(KeyUse.signing, net.SIGNING[HUB].public, not_after=NOW)
    retired = net.signed_directory(parties=(replace(net.listed(HUB), keys=(ended, net.listed(HUB).keys[1])),))
    unlisted = replace(net.announcement(), party=PartyId("agency.unlisted"))
    fresh, nxt = net.opening("next epoch"), epoch_at(NOW) + 1
    far = datetime(9999, 12, 31, tzinfo=UTC)
    offers = [
        Offer("of the present epoch", mine, "taken", (first,)),
        Offer("of the next epoch", net.announced(net.announcement(key=fresh, epoch=nxt)), "taken", (first, mine)),
        Offer("a byte after the end", sign(StatementKind.announcement, mine.body + b"\0", [net.SIGNING[HUB]]), "A1", (first,)),
        Offer("another network", net.announced(net.announcement(network=Network(bytes(32)))), "A2", (first,)),
        Offer("an unlisted party", net.announced(unlisted, net.SIGNING[HUB]), "A2", (first,)),
        Offer("signed by another party", net.announced(net.announcement(), net.SIGNING[POLICE]), "A3", (first,)),
        Offer("signed by its log key", net.announced(net.announcement(), net.LOGS[HUB]), "A3", (first,)),
        Offer("signed by a revoked key", mine, "A3", (net.signed_directory(revoked=(gone,)),)),
        Offer("signed by a key that has ended", mine, "A3", (retired,)),
        Offer("not its epoch's times", net.announced(net.announcement(not_after=NOW + timedelta(days=60))), "A4", (first,)),
        Offer(
            "another number than its times",
            net.announced(net.announcement(epoch=nxt, not_before=NOW, not_after=NOW + EPOCH)),
            "A4",
            (first,),
        ),
        Offer("an epoch that no calendar holds", net.announced(replace(net.announcement(), epoch=2**62)), "A4", (first,)),
        Offer("the last day of the year 9999", net.announced(replace(net.announcement(), epoch=419_110, not_before=far)), "A4", (first,)),
        Offer("an X25519 half of small order", net.announced(net.announcement(public=fresh.public[:1184] + bytes(32))), "A5", (first,)),
        Offer("a key that is held for another epoch", net.announced(net.announcement(epoch=nxt)), "A6", (first, mine)),
        Offer("the same again", mine, "known", (first, mine)),
        Offer("a second of one epoch", net.announced(net.announcement(key=fresh)), "alarm", (first, mine)),
    ]
    return {"root": net.root_text(), "cases": [_case(offer) for offer in offers]}


def snapshots() -> dict[str, object]:
    """§3.6."""
    first = net.signed_directory()
    second = net.signed_directory(sequence=2, previous=digest_of(first.body))
    mine = net.signed_snapshot()
    body = codec.encode(net.snapshot())
    later = NOW + timedelta(minutes=10)
    newer = net.signed_snapshot(made_at=later, expires_at=later + timedelta(hours=24))
    ahead = net.signed_snapshot(directory_sequence=2, directory=digest_of(second.body))
    offers = [
        Offer("signed by the online key", mine, "taken", (first,)),
        Offer("a newer one", newer, "taken", (first, mine), later),
        Offer("one that names a directory not held yet", ahead, "taken", (first,)),
        Offer("signed by an officer", net.signed_snapshot(net.OFFICERS[0]), "N1", (first,)),
        Offer("a byte after the end", sign(StatementKind.snapshot, body + b"\0", [net.ONLINE]), "N2", (first,)),
        Offer("another network", net.signed_snapshot(network=Network(bytes(32))), "N3", (first,)),
        Offer("made six minutes ahead", net.signed_snapshot(made_at=NOW + timedelta(minutes=6)), "N4", (first,)),
        Offer("a life of more than a day", net.signed_snapshot(expires_at=NOW + timedelta(hours=25)), "N4", (first,)),
        Offer("ended when it began", net.signed_snapshot(expires_at=NOW), "N4", (first,)),
        Offer("of a lower directory", mine, "ignored", (first, second)),
        Offer("older than the one held", mine, "ignored", (first, newer), later),
        Offer("another digest of the directory held", net.signed_snapshot(directory=Digest(bytes(32))), "alarm", (first,)),
        Offer("another of the same instant", net.signed_snapshot(announcements=()), "alarm", (first, mine)),
        Offer("the same again", mine, "known", (first, mine)),
    ]
    return {"root": net.root_text(), "cases": [_case(offer) for offer in offers]}


def enrolments() -> dict[str, object]:
    """§3.7."""
    both = [net.SIGNING[POLICE], net.LOGS[POLICE]]
    one, two = net.enrolment().keys

    def signed(keys=both, kind=StatementKind.enrolment, **changes) -> statements.Statement:
        return sign(kind, codec.encode(net.enrolment(**changes)), keys)

    def enrolled(by, *wanted: statements.PublicKey) -> statements.Statement:
        return sign(StatementKind.enrolment, codec.encode(net.enrolment(keys=wanted)), by)

    mine = signed()
    renamed = replace(mine, body=codec.encode(net.enrolment(party=TRUST)))
    offers = [
        Offer("signed by each of its keys", mine, "taken"),
        Offer("a byte after the end", sign(StatementKind.enrolment, mine.body + b"\0", both), "E1"),
        Offer("of kind announcement", signed(kind=StatementKind.announcement), "E2"),
        Offer("another network", signed(network=Network(bytes(32))), "E2"),
        Offer("no log key", enrolled(both[:1], one), "E3/P1"),
        Offer("one key in two roles", enrolled(both[:1], one, replace(one, use=KeyUse.log)), "E3/P2"),
        Offer("an encryption key", enrolled(both, one, two, replace(one, use=KeyUse.encryption, public=made("x", 32))), "E3/P3"),
        Offer("a key that ends before it begins", enrolled(both, replace(one, not_after=one.not_before), two), "E3/P4"),
        Offer("a key of small order", enrolled(both, replace(one, public=bytes(32)), two), "E3/P5"),
        Offer("not signed by its log key", signed(both[:1]), "E4"),
        Offer("carried over to another party", renamed, "E4"),
    ]
    return {"network": str(net.NETWORK), "cases": [_case(offer) for offer in offers]}
