"""A network for the demo, made as operators make theirs: officers, root, parties, directory by 2 of 3, and daily snapshots."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Final

from agents.demo.agreement import PLACE, demo_agreement
from agents.demo.histories import HOLDS
from broker import keystore
from broker.directory import LARGE, open_enrolment, parse_root, sign
from broker.founding import Changes, announce_due, draft_directory, new_lone_key, new_party, root_text, snapshot_of
from broker.packfiles import listing_of, read_pack
from broker.packsigning import sign_pack
from broker.settings import Folder
from broker.trustfiles import path_of, read_root, read_statement, write_whole
from policies.categories import CONCERN, CONTACT, Categories, Category
from policies.law import Law
from policies.located import parse
from policies.pack import shipped
from policies.vocabulary import Side
from schemas import codec
from schemas.enums import ControllerKind, KeyUse, Layer, StatementKind
from schemas.identifiers import CategoryId, PartyId
from schemas.statements import Statement

OFFICERS: Final = ("anne", "ben", "cara")  # synthetic; cara is outside the hub
THRESHOLD: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One party of the demo's network."""

    folder: str
    id: PartyId
    kind: ControllerKind
    name: str
    phone: str
    task: str
    citation: str
    relevant_person: str | None = None  # why CA 2004 s.16LA binds it, where that is not by its kind alone


MEMBERS: Final = (
    Member(
        folder="hub",
        id=PartyId("hub.borough"),
        kind=ControllerKind.local_authority,
        name="Borough Council MASH (synthetic)",
        phone="01632 960101",
        task="Children's social care",
        citation="Children Act 1989 ss.17, 47",
    ),
    Member(
        folder="police",
        id=PartyId("agency.police"),
        kind=ControllerKind.police,
        name="Borough Police (synthetic)",
        phone="01632 960202",
        task="Preventing crime and protecting life",
        citation="Police common-law power",
    ),
    Member(
        folder="trust",
        id=PartyId("agency.trust"),
        kind=ControllerKind.nhs_body,
        name="Borough Acute Hospital Trust (synthetic)",
        phone="01632 960303",
        task="Care of patients, with regard to the welfare of children",
        citation="Children Act 2004 s.11",
    ),
    Member(
        folder="csc",
        id=PartyId("agency.csc"),
        kind=ControllerKind.local_authority,
        name="Borough Council Children's Social Care (synthetic)",
        phone="01632 960404",
        task="Children's social care",
        citation="Children Act 1989 ss.17, 47",
    ),
    Member(
        folder="gp",
        id=PartyId("agency.gp"),
        kind=ControllerKind.gp_practice,
        name="Borough GP Federation (synthetic)",
        phone="01632 960505",
        task="Care of registered patients under NHS arrangements",
        citation="Children Act 2004 s.16LA(4)(c)",
        relevant_person="Provides services under NHS arrangements, Children Act 2004 s.16LA(4)(c) (synthetic)",
    ),
    Member(
        folder="schools",
        id=PartyId("agency.schools"),
        kind=ControllerKind.academy,
        name="Borough Schools Trust (synthetic)",
        phone="01632 960606",
        task="Safeguarding and promoting the welfare of pupils",
        citation="Education Act 2002 s.157 and the Independent School Standards",
        relevant_person="Designated for the local arrangements, Children Act 2004 ss.16E, 16LA(4)(b) (synthetic)",
    ),
    Member(
        folder="housing",
        id=PartyId("agency.housing"),
        kind=ControllerKind.housing_authority,
        name="Borough Housing (synthetic)",
        phone="01632 960707",
        task="Housing and homelessness, with regard to the welfare of children",
        citation="Children Act 1989 ss.27, 47",
    ),
    Member(
        folder="probation",
        id=PartyId("agency.probation"),
        kind=ControllerKind.probation,
        name="Borough Probation (synthetic)",
        phone="01632 960808",
        task="Supervising offenders, with regard to the welfare of children",
        citation="Children Act 2004 s.11",
    ),
)
SECRECY: Final = frozenset(
    {ControllerKind.local_authority, ControllerKind.nhs_body, ControllerKind.gp_practice}
)  # professionals bound to it


def found_network(folder: Path, at: datetime, members: Sequence[Member] = MEMBERS) -> None:
    """Make officers, root, every party's folder and keys, and a directory that two of three officers sign; the hub comes first."""
    office = folder / "office"
    officers = [(name, new_lone_key(office / name, KeyUse.officer), name == OFFICERS[-1]) for name in OFFICERS]
    pinned = root_text(officers, new_lone_key(office / "snapshot", KeyUse.snapshot), THRESHOLD)
    root = parse_root(pinned, "root.toml")
    files = {member.folder: settings_files(member, at.date(), members) for member in members}
    wishes = [open_enrolment(root.network, _enrol(Folder(folder / name), each, pinned, at)) for name, each in files.items()]
    hub = folder / members[0].folder
    accepted, agreed = [read_pack(hub).law_digest], [listing_of(hub / PLACE)]
    directory = codec.encode(draft_directory(root, None, Changes(wishes=wishes, packs=accepted, agreements=agreed), at), LARGE)
    signed = sign(StatementKind.directory, directory, [key for _, key, _ in officers[:THRESHOLD]])
    write_whole(office / "directory.avro", codec.encode(signed, LARGE))


def members_of(folder: Path) -> list[Member]:
    """The members of the network in this folder, hub first."""
    return [member for member in MEMBERS if (folder / member.folder / "party.toml").is_file()]


def _enrol(party: Folder, files: Mapping[str, str], pinned: str, at: datetime) -> Statement:
    """What an operator does: write the settings, pin the root, `mash keys new`, `mash policy sign`."""
    for name, text in files.items():
        write_whole(party.path / name, text.encode())
    write_whole(party.root_file, pinned.encode())
    enrolled = new_party(party, at)
    sign_pack(party, read_pack(party.path), at)
    return enrolled


def renew(folder: Path, at: datetime) -> list[Statement]:
    """Announce each party's key of this epoch where it is missing, make today's snapshot, and give every party all of it."""
    office, parties = folder / "office", [Folder(folder / member.folder) for member in members_of(folder)]
    directory = read_statement(office / "directory.avro")
    announcements = [read_statement(path) for party in parties for path in announce_due(party, at)]
    online = keystore.one(keystore.load(office / "snapshot").snapshot, KeyUse.snapshot, office / "snapshot")
    statements = [directory, *announcements, snapshot_of(read_root(parties[0]), directory, announcements, online, at)]
    for party in parties:
        for each in statements:
            write_whole(path_of(party, each), codec.encode(each, LARGE))
    return statements


def settings_files(member: Member, today: date, members: Sequence[Member]) -> dict[str, str]:
    """party.toml and the pack of one member; hub.toml for the hub."""
    party = "\n".join([
        f'id = "{member.id}"', f'kind = "{member.kind.value}"', f'name = "{member.name}"',
        'transport = { kind = "embedded", path = "../transport.sqlite" }',
        "", "[duty_contact]", 'name = "Duty desk (synthetic)"', f'phone = "{member.phone}"', 'hours = "24 hours"', "",
    ])  # fmt: skip
    agreement = {PLACE: _agreement(members, today)}
    found = {"party.toml": party, "pack/controller.toml": _controller(member, today), **agreement}
    if member is members[0]:
        found["hub.toml"] = HUB_TOML
    return found


def _controller(member: Member, today: date) -> str:
    lines = [
        f'party = "{member.id}"', f'kind = "{member.kind.value}"', 'version = "demo"',
        f'own_task = {{ task = "{member.task}", citation = "{member.citation}" }}',
    ]  # fmt: skip
    if member.relevant_person is not None:
        lines.append(f'relevant_person = "{member.relevant_person}"')
    for condition in ("sch1.para18", "sch1.para6"):
        lines += ["", "[[apd]]", f'condition = "{condition}"', 'version = "demo"']
    for category in _held(member):
        lines += [
            "", "[[consideration]]", f'category = "{category.id}"',
            f"stages = {sorted(stage.value for stage in category.stages)}", f"roles = {sorted(role.value for role in category.roles)}",
            'reason = "Synthetic: considered relevant to the safety of the child at these stages."',
            "detriment_considered = true", "overriding_public_interest = true", 'decided_by = "Caldicott Guardian (synthetic)"',
            f"review_by = {today.replace(year=today.year + 1, day=1)}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


@cache
def _shipped() -> tuple[Law, Categories]:
    """Read once for all members: it is most of what founding a network costs."""
    files = shipped()
    return parse(files["law/england.toml"], "england.toml", Law), parse(files["categories.toml"], "categories.toml", Categories)


def _held(member: Member) -> list[Category]:
    table = _shipped()[1]
    mine = HOLDS.get(member.folder, (CONCERN,))
    return [each for each in table.every if each.id in mine and member.kind in each.held_by]


def _agreement(members: Sequence[Member], today: date) -> str:
    """Who takes part, which categories each supplies, and the rules they mean to rely on: each gateway rule of the law, for a demo."""
    rules = [rule.id for rule in _shipped()[0].rules if rule.layer is Layer.gateway and rule.side is Side.discloser]
    supplied = {member.id: [CONTACT, *(CategoryId(each) for each in HOLDS[member.folder])] for member in members if member.folder in HOLDS}
    secret = [member.id for member in members if member.kind in SECRECY]
    return demo_agreement(supplied, [member.id for member in members], secret, rules, today)


HUB_TOML: Final = """[hours]
red = 4
amber = 24
green = 72

[stages.screening]
task = "Deciding whether a child may be in need or at risk"
citation = "Children Act 1989 ss.17(1), 47(1)"
concern = "A worry about this child has reached the hub, which is deciding whether a threshold for help or enquiries is met."

[stages.early_help]
task = "Offering help early, together with other services"
citation = "Children Act 2004 s.10"
concern = "The hub is finding out with the family which help would suit this child."

[stages.s17]
task = "Assessing a child who may be in need"
citation = "Children Act 1989 s.17(1)"
concern = "An assessment is being made of whether this child is in need and which services would help."

[stages.s47]
task = "Making enquiries into suspected significant harm"
citation = "Children Act 1989 s.47(1)"
concern = "Enquiries are being made because there is reasonable cause to suspect that this child is suffering significant harm."

[stages.emergency]
task = "Protecting a child in immediate danger"
citation = "Children Act 1989 s.47(1)"
concern = "There is reason to think this child is in immediate danger; the hub needs to know now what would keep the child safe."
"""


def clear(folder: Path, keep: str) -> None:
    """Remove what an interrupted preparation left, but for the file that says so."""
    for each in folder.iterdir():
        if each.name == keep:
            continue
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink()
