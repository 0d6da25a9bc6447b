"""A network for the demo, made as operators make theirs: officers, root, parties, directory by 2 of 3, and daily snapshots."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files as resources
from pathlib import Path
from typing import Final

from broker import keystore
from broker.directory import LARGE, open_enrolment, parse_root, sign
from broker.founding import announce_due, draft_directory, new_lone_key, new_party, root_text, snapshot_of
from broker.packfiles import read_pack
from broker.settings import Folder
from broker.trustfiles import path_of, read_root, read_statement, write_whole
from policies.categories import Categories, Category
from policies.located import parse
from policies.pack import shipped
from schemas import codec
from schemas.enums import ControllerKind, KeyUse, StatementKind
from schemas.identifiers import PartyId
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
)


def found_network(folder: Path, at: datetime) -> None:
    """Make officers, root, every party's folder and keys, and a directory that two of three officers sign."""
    office = folder / "office"
    officers = [(name, new_lone_key(office / name, KeyUse.officer), name == OFFICERS[-1]) for name in OFFICERS]
    pinned = root_text(officers, new_lone_key(office / "snapshot", KeyUse.snapshot), THRESHOLD)
    root = parse_root(pinned, "root.toml")
    wishes = [open_enrolment(root.network, _enrol(Folder(folder / member.folder), member, pinned, at)) for member in MEMBERS]
    accepted = [read_pack(folder / MEMBERS[0].folder).law_digest]
    directory = codec.encode(draft_directory(root, wishes, None, accepted, at), LARGE)
    signed = sign(StatementKind.directory, directory, [key for _, key, _ in officers[:THRESHOLD]])
    write_whole(office / "directory.avro", codec.encode(signed, LARGE))


def _enrol(party: Folder, member: Member, pinned: str, at: datetime) -> Statement:
    """What an operator does: write the settings, pin the root, `mash keys new`."""
    for name, text in settings_files(member, at.date()).items():
        write_whole(party.path / name, text.encode())
    write_whole(party.root_file, pinned.encode())
    return new_party(party, at)


def renew(folder: Path, at: datetime) -> list[Statement]:
    """Announce each party's key of this epoch where it is missing, make today's snapshot, and give every party all of it."""
    office, parties = folder / "office", [Folder(folder / member.folder) for member in MEMBERS]
    directory = read_statement(office / "directory.avro")
    announcements = [read_statement(path) for party in parties for path in announce_due(party, at)]
    online = keystore.one(keystore.load(office / "snapshot").snapshot, KeyUse.snapshot, office / "snapshot")
    statements = [directory, *announcements, snapshot_of(read_root(parties[0]), directory, announcements, online, at)]
    for party in parties:
        for each in statements:
            write_whole(path_of(party, each), codec.encode(each, LARGE))
    return statements


def settings_files(member: Member, today: date) -> dict[str, str]:
    """party.toml and the pack of one member; hub.toml for the hub."""
    party = "\n".join([
        f'id = "{member.id}"', f'kind = "{member.kind.value}"', f'name = "{member.name}"',
        'transport = { kind = "embedded", path = "../transport.sqlite" }',
        "", "[duty_contact]", 'name = "Duty desk (synthetic)"', f'phone = "{member.phone}"', 'hours = "24 hours"', "",
    ])  # fmt: skip
    example = resources("policies").joinpath("agreements", "example.toml").read_text(encoding="utf-8")
    found = {"party.toml": party, "pack/controller.toml": _controller(member, today), "pack/agreements/borough-mash.toml": example}
    if member.kind is ControllerKind.local_authority:
        found["hub.toml"] = HUB_TOML
    return found


def _controller(member: Member, today: date) -> str:
    lines = [
        f'party = "{member.id}"', f'kind = "{member.kind.value}"', 'version = "demo"',
        f'own_task = {{ task = "{member.task}", citation = "{member.citation}" }}',
    ]  # fmt: skip
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


def _held(member: Member) -> list[Category]:
    table = parse(shipped()["categories.toml"], "categories.toml", Categories)
    return [each for each in (table.concern, *table.categories) if member.kind in each.held_by]


HUB_TOML: Final = """[hours]
red = 4
amber = 24
green = 72

[stages.screening]
task = "Deciding whether a child may be in need or at risk"
citation = "Children Act 1989 ss.17(1), 47(1)"
concern = "A worry about this child has reached the hub, which is deciding whether a threshold for help or enquiries is met."

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
