"""docs/protocol.md §3: who exists, and every refusal of root, directory, announcement, snapshot and enrolment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from network import DUTY, HUB, NOW, POLICE, TestNetwork, member, signing_key

from broker.directory import (
    Taken,
    Trust,
    cosign,
    digest_of,
    make_snapshot,
    open_directory,
    open_enrolment,
    parse_root,
    sign,
    signers,
    take,
)
from broker.enrol import announce
from broker.times import EPOCH, epoch_at
from schemas import codec
from schemas.enums import ControllerKind, KeyType, KeyUse, StatementKind
from schemas.errors import ConfigurationError, UntrustedSenderError, VerificationError
from schemas.identifiers import Digest, Network
from schemas.statements import Announcement, Enrolment, PublicKey, Revocation


@pytest.fixture(scope="module")
def net():
    return TestNetwork()


def root_text(**changes):
    officers = [signing_key().public.hex() for _ in range(3)]
    facts = {"network": "ab" * 32, "threshold": 2, "snapshot_key": signing_key().public.hex(), "keys": officers, "outside": 1} | changes
    lines = [f'network = "{facts["network"]}"', f"threshold = {facts['threshold']}", f'snapshot_key = "{facts["snapshot_key"]}"']
    for index, key in enumerate(facts["keys"]):
        lines += ["[[officer]]", f'name = "officer {index}"', f'key = "{key}"', f"outside_hub = {str(index == facts['outside']).lower()}"]
    return "\n".join(lines)


def test_a_root_pins_network_officers_and_snapshot_key():
    root = parse_root(root_text(), "root.toml")
    assert (root.network, root.threshold, len(root.officers)) == (Network(b"\xab" * 32), 2, 3)


@pytest.mark.parametrize(
    ("changes", "field", "line"),
    [
        ({"network": "ab"}, "network", 1),
        ({"threshold": 0}, "threshold", 2),
        ({"threshold": 4}, "threshold", None),
        ({"snapshot_key": "00" * 32}, "snapshot_key", None),
        ({"snapshot_key": "xyz"}, "snapshot_key", 3),
        ({"keys": ["01" + "00" * 31] * 1}, "officer.0.key", None),
        ({"keys": [signing_key().public.hex()] * 2}, "officer", None),
        ({"outside": 9}, "officer", None),
    ],
)
def test_a_root_that_cannot_be_trusted_is_refused_with_its_field(changes, field, line):
    with pytest.raises(ConfigurationError) as told:
        parse_root(root_text(**changes), "root.toml")
    assert field in {fault.field for fault in told.value.faults}
    assert line is None or line in {fault.line for fault in told.value.faults}


@pytest.mark.parametrize(("officers", "believed"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_directory_is_believed_from_k_officers_on(net, officers, believed):
    statement = net.signed(net.directory(), officers)
    if believed:
        assert open_directory(net.root, statement, NOW).sequence == 1
    else:
        with pytest.raises(UntrustedSenderError):
            open_directory(net.root, statement, NOW)


def test_one_officer_who_signs_twice_counts_once(net):
    statement = net.signed(net.directory(), 1)
    twice = replace(statement, signatures=statement.signatures * 2)
    assert len(signers(twice, net.root.officers)) == 1
    assert len(cosign(cosign(statement, net.officers[0]), net.officers[0]).signatures) == 1
    assert open_directory(net.root, cosign(statement, net.officers[2]), NOW)


def test_a_signature_for_another_kind_of_statement_does_not_count(net):
    body = codec.encode(net.directory())
    statement = replace(sign(StatementKind.snapshot, body, net.officers), kind=StatementKind.directory)
    with pytest.raises(UntrustedSenderError):
        open_directory(net.root, statement, NOW)


def reused(net):
    hub, police = net.members[HUB], net.members[POLICE]
    return (hub.listed(), replace(police.listed(), keys=(hub.listed().keys[0], police.listed().keys[1])))


def weak(net):
    party = net.members[HUB].listed()
    return (replace(party, keys=(replace(party.keys[0], public=bytes(32)), party.keys[1])),)


def role(net, use=KeyUse.encryption, kind=KeyType.ed25519):
    party = net.members[HUB].listed()
    key = PublicKey(use=use, type=kind, public=signing_key().public, not_before=NOW)
    return (replace(party, keys=(*party.keys, key)),)


@pytest.mark.parametrize(
    "change",
    [
        lambda _: {"network": Network(bytes(32))},
        lambda _: {"expires_at": NOW + timedelta(days=91)},
        lambda _: {"expires_at": NOW},
        lambda _: {"issued_at": NOW + timedelta(minutes=6)},
        lambda net: {"parties": (net.members[HUB].listed(),) * 2},
        lambda net: {"parties": reused(net)},
        lambda net: {"parties": weak(net)},
        lambda net: {"parties": role(net)},
        lambda net: {"parties": role(net, KeyUse.witness, KeyType.ml_dsa_44)},
        lambda net: {"parties": (replace(net.members[HUB].listed(), keys=net.members[HUB].listed().keys[:1]),)},
        lambda net: {
            "parties": (
                replace(
                    net.members[HUB].listed(),
                    keys=(replace(net.members[HUB].listed().keys[0], not_after=NOW - timedelta(60)), net.members[HUB].listed().keys[1]),
                ),
            )
        },
    ],
)
def test_a_directory_that_two_officers_signed_is_still_refused_for_what_it_says(net, change):
    with pytest.raises(VerificationError):
        open_directory(net.root, net.signed(net.directory(**change(net))), NOW)


def test_an_officers_key_cannot_be_a_partys(net):
    party = net.members[HUB].listed()
    keys = (replace(party.keys[0], public=net.officers[0].public), party.keys[1])
    with pytest.raises(VerificationError, match="twice"):
        open_directory(net.root, net.signed(net.directory(parties=(replace(party, keys=keys),))), NOW)


def follow(net, trust, **changes):
    facts = {"sequence": 2, "previous": trust.directory_digest} | changes
    return take(trust, net.signed(net.directory(**facts)), NOW)


def test_a_higher_directory_is_taken_a_lower_one_never_the_same_is_known_and_a_second_of_one_sequence_alarms(net):
    trust = net.trust()
    after, taken = follow(net, trust)
    assert (taken, after.directory.sequence) == (Taken.taken, 2)
    first = net.signed(net.directory())
    assert take(after, first, NOW)[1] is Taken.ignored
    assert follow(net, after, previous=trust.directory_digest)[1] is Taken.known
    alarmed, taken = follow(net, after, previous=trust.directory_digest, expires_at=NOW + timedelta(days=30))
    assert (taken, alarmed) == (Taken.alarm, after)


def test_the_very_next_directory_must_name_the_one_held_and_a_later_one_need_not(net):
    trust = net.trust()
    with pytest.raises(VerificationError, match="follow"):
        follow(net, trust, previous=Digest(bytes(32)))
    assert follow(net, trust, sequence=5, previous=Digest(bytes(32)))[1] is Taken.taken


def test_a_key_that_was_anothers_or_of_another_role_is_refused_ever_after(net):
    trust = net.trust()
    hub, police = net.members[HUB].listed(), net.members[POLICE].listed()
    swapped = replace(police, keys=(replace(hub.keys[0]), police.keys[1]))
    with pytest.raises(VerificationError, match="another"):
        follow(net, trust, parties=(swapped,))
    crossed = replace(hub, keys=(replace(hub.keys[1], use=KeyUse.signing), replace(hub.keys[0], use=KeyUse.log)))
    with pytest.raises(VerificationError, match="role"):
        follow(net, trust, parties=(crossed, police))


def test_the_first_announcement_of_an_epoch_counts_and_a_second_alarms(net):
    trust = net.trust()
    again = net.members[HUB].announcement(net.root.network)
    assert take(trust, again, NOW)[1] is Taken.known
    other = announce(HUB, net.root.network, member(HUB).opening, net.members[HUB].signing, epoch_at(NOW))
    after, taken = take(trust, other, NOW)
    assert taken is Taken.alarm
    assert after.announcements == trust.announcements


def announced(net, signer=HUB, **changes):
    statement = member(HUB).announcement(net.root.network, NOW + EPOCH)
    body = replace(codec.decode(Announcement, statement.body), **changes)
    return sign(StatementKind.announcement, codec.encode(body), [net.members[signer].signing])


@pytest.mark.parametrize(
    ("signer", "changes"),
    [
        (POLICE, {}),
        (HUB, {"network": Network(bytes(32))}),
        (HUB, {"party": "agency.unlisted"}),
        (HUB, {"not_after": NOW + timedelta(days=60)}),
        (HUB, {"public": bytes(1216)}),
    ],
)
def test_an_announcement_by_another_of_another_network_or_with_a_bad_key_is_refused(net, signer, changes):
    with pytest.raises(VerificationError):
        take(net.trust(), announced(net, signer, **changes), NOW)


def test_an_encryption_key_is_announced_once_ever(net):
    trust = net.trust()
    public = net.members[POLICE].opening.public
    with pytest.raises(VerificationError, match="twice"):
        take(trust, announced(net, public=public), NOW)


def test_nobody_is_sealed_to_without_a_snapshot_that_confirms_the_key(net):
    trust = net.trust()
    assert trust.sealing_key(POLICE, NOW).kid == net.members[POLICE].opening.kid
    assert trust.sealing_key(POLICE, NOW + EPOCH) is None
    assert replace(trust, snapshot=None).sealing_key(POLICE, NOW) is None
    unconfirmed = replace(trust, snapshot=replace(trust.snapshot, announcements=()))
    assert unconfirmed.sealing_key(POLICE, NOW) is None


def snapshot(net, trust, key=None, **changes):
    made = replace(make_snapshot(trust, NOW + timedelta(minutes=1)), **changes)
    return take(trust, sign(StatementKind.snapshot, codec.encode(made), [key or net.online]), NOW + timedelta(minutes=1))


def test_an_older_snapshot_and_one_of_a_lower_directory_are_ignored_and_a_contradicting_one_alarms(net):
    trust = net.trust()
    newer, taken = snapshot(net, trust)
    assert taken is Taken.taken
    assert snapshot(net, newer)[1] is Taken.known
    assert snapshot(net, newer, made_at=NOW - timedelta(hours=1), expires_at=NOW + timedelta(hours=1))[1] is Taken.ignored
    assert snapshot(net, follow(net, trust)[0], directory_sequence=1)[1] is Taken.ignored
    assert snapshot(net, trust, directory=Digest(bytes(32)))[1] is Taken.alarm
    assert snapshot(net, newer, announcements=())[1] is Taken.alarm


@pytest.mark.parametrize(
    "changes",
    [
        {"network": Network(bytes(32))},
        {"expires_at": NOW + timedelta(hours=25)},
        {"made_at": NOW + timedelta(minutes=7)},
        {"expires_at": NOW},
    ],
)
def test_a_snapshot_of_another_network_or_outside_its_day_is_refused(net, changes):
    with pytest.raises(VerificationError):
        snapshot(net, net.trust(), **changes)


def test_a_snapshot_signed_by_another_key_is_refused(net):
    with pytest.raises(UntrustedSenderError):
        snapshot(net, net.trust(), net.officers[0])


def test_trust_is_fresh_for_a_day_and_stale_after(net):
    trust = net.trust()
    assert trust.is_fresh(NOW + timedelta(hours=23))
    assert not trust.is_fresh(NOW + timedelta(hours=24))
    assert not replace(trust, snapshot=None).is_fresh(NOW)


def test_a_revoked_signing_key_is_nobodys(net):
    kid = net.members[HUB].signing.kid
    trust = net.trust()
    assert trust.signing_key(HUB, kid)
    assert trust.signing_key(POLICE, kid) is None
    revoked = Trust(
        root=net.root,
        directory=net.directory(revoked=(Revocation(kid=kid, suspected_from=NOW),)),
        directory_digest=digest_of(b""),
    )
    assert revoked.signing_key(HUB, kid) is None


def enrolment(net, signed_by=None, **changes):
    one = member(HUB)
    plain = Enrolment(
        network=net.root.network, party=HUB, kind=ControllerKind.local_authority, name="x", duty_contact=DUTY, keys=one.listed().keys
    )
    return sign(StatementKind.enrolment, codec.encode(replace(plain, **changes)), signed_by or [one.signing, one.log])


def test_an_enrolment_is_signed_by_each_key_it_lists(net):
    assert open_enrolment(net.root.network, enrolment(net)).party == HUB
    with pytest.raises(UntrustedSenderError):
        open_enrolment(net.root.network, enrolment(net, [signing_key()]))
    with pytest.raises(UntrustedSenderError):
        open_enrolment(net.root.network, replace(enrolment(net), signatures=enrolment(net).signatures[:1]))


def test_an_enrolment_cannot_be_replayed_as_another_party_or_into_another_network(net):
    statement = enrolment(net)
    renamed = codec.encode(replace(codec.decode(Enrolment, statement.body), party=POLICE))
    with pytest.raises(UntrustedSenderError):
        open_enrolment(net.root.network, replace(statement, body=renamed))
    with pytest.raises(VerificationError):
        open_enrolment(Network(bytes(32)), statement)
