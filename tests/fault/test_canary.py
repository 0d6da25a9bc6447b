"""Personal data lies nowhere but in the sealed places: every byte that a run writes or says is searched, in every spelling.

Every text of the contacts, and all that the agencies hold about their subjects, is replaced by canaries: made-up words, numbers and
days that stand nowhere else by chance. Each begins alike, so that one cut short is found too.
"""

from __future__ import annotations

import base64
import contextlib
import csv
import hashlib
import hmac
import io
import itertools
import json
import logging
import os
import re
import sqlite3
import sys
import traceback
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import quote_plus
from uuid import NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500, UUID, uuid3, uuid5

import borough
import pytest
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from prometheus_client import generate_latest
from pydantic import TypeAdapter
from sources_of import only
from typer.testing import CliRunner

from agents.adapter.sources.opening import open_source
from agents.cli import demo
from agents.cli.app import app
from agents.demo.ceremony import MEMBERS
from broker import envelope as wire
from broker.party import utc_now
from broker.ports import Publication
from broker.store import tables
from broker.streams import topic_between
from broker.telemetry import configure
from broker.times import LIFETIME
from broker.transport.embedded import EmbeddedTransport
from schemas import codec
from schemas.enums import Kind
from schemas.envelope import Envelope, Header, Signed
from schemas.errors import SharingError
from schemas.events import Contact, OfficerDecision
from schemas.identifiers import Digest, Incarnation, NhsNumber, Thread, WrappedKey
from schemas.records import NHS_NUMBER, Officer, Request, Subject

WORD = "Zyxqvanthe"  # what every canary that is a text begins with
DIGITS = ("99987612", "99987613")  # likewise every NHS number: of the range kept for tests
DAYS = ("1911-03-", "1913-08-")  # and every date of birth: so long ago that nobody else has it
CONTACTS = 4
PEOPLE = 2000
LEAST = 8  # bytes of a needle: fewer may stand in 30 MB by chance
VERSION = re.compile(r"(?<=^records/demo-\d{3})\.v\d+(?=\.json$)")  # how many events a case has turns on working days since its contact
ALLOWED = {  # the only places where a canary may lie, and why
    "contacts.jsonl": "what was taken in, as it was given",
    "police/records.sqlite": "the police's own system",
    "trust/patients.csv": "the trust's own system",
    "trust/ed_attendances.csv": "the trust's own system",
    **{f"records/demo-00{number}.json": "the export that was asked for, for its owner only" for number in range(1, CONTACTS + 1)},
    "hub/refused/bad.jsonl": "lines that were not taken in, kept for whoever mends them, for their owner only",
}


# ------------------------------------------------------------------------------------------------------------- the canaries


class Canaries:
    """Gives out canaries, no two alike, and remembers them."""

    def __init__(self):
        self._letters = ("".join(each) for each in itertools.product("bcdfghjklm", repeat=4))
        self._numbers = (number for start in DIGITS for tail in range(100) if NhsNumber.accepts(number := f"{start}{tail:02d}"))
        self._days = {grown: (f"{start}{day:02d}" for day in range(1, 32)) for grown, start in zip((True, False), DAYS, strict=True)}
        self.texts, self.numbers, self.days = [], [], []

    def text(self):
        """One word that any name, place or heading may be; in an alphabet that every source here can write."""
        self.texts.append(f"{WORD}{next(self._letters)}é")
        return self.texts[-1]

    def words(self, said=""):
        """Words as people write them, with all that an escape could be needed for."""
        self.texts.append(f"{WORD}{next(self._letters)} “{said}” & <b>\\ \u202e\u2028 % ñ")
        return self.texts[-1]

    def number(self):
        self.numbers.append(next(self._numbers))
        return self.numbers[-1]

    def day(self, *, grown):
        self.days.append(next(self._days[grown]))
        return self.days[-1]

    def all(self):
        return [*self.texts, *self.numbers, *self.days]


def mark_contacts(contacts, canaries):
    """Every text that a contact can have; closed words, times and refs stay, as they name nobody."""
    for contact in contacts:
        contact["referrer"] = {name: canaries.text() for name in ("kind", "name", "organisation", "phone")}
        contact["words"] = canaries.words(contact["words"])
        for subject in contact["subjects"]:
            mark_subject(subject, canaries)
        decision = contact["decision"]
        decision["officer"] = {name: canaries.text() for name in ("id", "role", "organisation")}
        decision["necessity"]["text"] = canaries.words(decision["necessity"]["text"])
    decision["checks"] = chosen(canaries)  # of the last
    manager = {name: canaries.text() for name in ("id", "role", "organisation")}
    decision["reasking"] = {"manager": manager, "rationale": canaries.words()}


def chosen(canaries):
    """What an officer chose to ask, and why not more: of all that, only the reason is in words of their own."""
    until = utc_now().date()
    span = {"since": (until - timedelta(days=700)).isoformat(), "until": until.isoformat()}
    about = ("agency.police", "pol.incidents"), ("agency.trust", "acute.ed_attendances")
    asked = [{"agency": agency, "subject_ref": "s1", "category": category, **span} for agency, category in about]
    return {"matrix": "by-hand", "asked": asked, "adjustments": [{"widens": False, "reason": canaries.words(), "questions": asked}]}


def mark_subject(subject, canaries):
    for name in ("family_name", "given_names", "known_as", "relation_to_child"):
        subject[name] = canaries.text()
    subject["addresses"] = [{"line": canaries.text(), "postcode": canaries.text()}]
    subject["born_on"] = canaries.day(grown=subject["role"] != "child")
    numbered = any(each["verified"] for each in subject["identifiers"])
    subject["identifiers"] = [{"system": canaries.text(), "value": canaries.text(), "verified": True}]
    subject["identifiers"] += [{"system": NHS_NUMBER, "value": canaries.number(), "verified": True}] if numbered else []


def mark_police(path, people, canaries):
    """The rows of these people, by the key they had: who they are, and every text held about them."""
    with closing(sqlite3.connect(path)) as database, database:
        named = database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall()
        held = {name for (name,) in named} - {"synthetic_notice", "nominals", "involvements", "occurrences"}
        for key, subject in people.items():
            new, (address,) = canaries.text(), subject["addresses"]
            row = (new, subject["family_name"], subject["given_names"], subject["born_on"], address["line"], address["postcode"], key)
            database.execute(
                "UPDATE nominals SET nominal_ref=?, surname=?, forenames=?, dob=?, home_line=?, home_postcode=? WHERE nominal_ref=?", row
            )
            database.execute("UPDATE involvements SET nominal_ref=? WHERE nominal_ref=?", (new, key))
            theirs = "occ_no IN (SELECT occ_no FROM involvements WHERE nominal_ref=?)"
            mark_rows(database, "occurrences", {"headline", "narrative", "result", "grade", "children"}, (theirs, new), canaries)
            for name in sorted(held):
                database.execute(f"UPDATE {name} SET nominal_ref=? WHERE nominal_ref=?", (new, key))  # noqa: S608 - the demo's own names
                columns = [each[1] for each in database.execute(f"PRAGMA table_info({name})")][2:]  # after key and date
                mark_rows(database, name, columns, ("nominal_ref=?", new), canaries)


def mark_rows(database, name, columns, whose, canaries):
    where, key = whose
    for (row,) in database.execute(f"SELECT rowid FROM {name} WHERE {where}", (key,)).fetchall():  # noqa: S608 - the demo's own names
        for column in sorted(columns):
            change = f"UPDATE {name} SET {column}=? WHERE rowid=? AND {column} NOT NULL"  # noqa: S608 - the demo's own names
            database.execute(change, (canaries.text(), row))


def mark_trust(folder, people, canaries):
    """Likewise in the extracts."""
    keys = {key: canaries.text() for key in people}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="cp1252", newline="") as file:
            header, *rows = csv.reader(file)
        for row in rows:
            if subject := people.get(row[0]):
                row[0] = keys[row[0]]
                row[2:] = [canaries.text() for _ in row[2:]] if path.name != "patients.csv" else patient(row, subject)
        with path.open("w", encoding="cp1252", newline="") as file:
            csv.writer(file, lineterminator="\r\n").writerows([header, *rows])


def patient(row, subject):
    """The columns of a patient from NHS_NO_STATUS on; the number comes before them."""
    number = next((each["value"] for each in subject["identifiers"] if each["system"] == NHS_NUMBER), None)
    row[1] = f"{number[:3]} {number[3:6]} {number[6:]}" if number else row[1]
    (address,), (year, month, day) = subject["addresses"], subject["born_on"].split("-")
    names = [subject["family_name"].upper(), subject["given_names"]]
    return [row[2], *names, row[5], f"{day}/{month}/{year}", address["line"], address["postcode"], row[9]]


def mark(folder, canaries):
    """Contacts and sources anew; the decision that one contact came without is returned."""
    contacts = [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()]
    mark_contacts(contacts, canaries)
    truth = json.loads((folder / "truth.json").read_text())["contacts"]
    people = {"police": {}, "trust": {}}
    for contact in contacts:
        for subject in contact["subjects"]:
            for agency, known in people.items():
                known.update(dict.fromkeys(truth[contact["contact_ref"]]["subjects"][subject["ref"]][agency]["keys"], subject))
    mark_police(folder / "police" / "records.sqlite", people["police"], canaries)
    mark_trust(folder / "trust", people["trust"], canaries)
    decision = contacts[-1].pop("decision")
    (folder / "contacts.jsonl").write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in contacts))
    return contacts, decision


# -------------------------------------------------------------------------------------------------------------- the search


def spellings(text):
    """A text as bytes in every way it may have come to lie somewhere."""
    for case in {text, text.lower(), text.upper()}:
        for encoded in {case.encode(), case.encode("utf-16-le"), case.encode("utf-16-be"), case.encode("cp1252", "replace")}:
            yield encoded
            yield from (encoded.hex().encode(), encoded.hex().upper().encode())
            yield from base64_cores(encoded)
        yield from (json.dumps(case)[1:-1].encode(), json.dumps(case, ensure_ascii=False)[1:-1].encode())
        yield from (quote_plus(case).encode(), quote_plus(case, safe="").replace("+", "%20").encode())
        yield "".join(f"%{byte:02X}" for byte in case.encode()).encode()
        yield "".join(f"%{byte:02x}" for byte in case.encode()).encode()
        yield "".join(f"\\u{ord(letter):04x}" for letter in case).encode()


def base64_cores(data):
    """The letters that base64 has for these bytes whatever stands around them: three alignments, two alphabets."""
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + data)
        core = whole[-(-shift * 8 // 6) : (shift + len(data)) * 8 // 6]
        yield from {core, core.translate(bytes.maketrans(b"+/", b"-_"))}


def beginnings():
    """The beginning that all canaries of a sort have, in every spelling."""
    for start in DIGITS:
        yield from (start, f"{start[:3]} {start[3:6]} {start[6:]}", f"{start[:3]}-{start[3:6]}-{start[6:]}")
    for start in DAYS:
        year, month, _ = start.split("-")
        yield from (start, f"/{month}/{year}", f"{year}/{month}/")
    yield WORD


NEEDLES = frozenset(spelling for text in beginnings() for spelling in spellings(text) if len(spelling) >= LEAST)


def needles_of(numbers):
    """Numbers as integers of a database or a wire, too."""
    packed = {(int(number).to_bytes(size, order)) for number in numbers for size, order in ((6, "big"), (8, "big"), (8, "little"))}
    return NEEDLES | packed


def leaks(blobs, needles=NEEDLES):
    """Where which needle stands, with what is around it."""
    found = ((place, needle, blob, blob.find(needle)) for place, blob in blobs.items() for needle in needles)
    return [(place, needle, blob[max(0, at - 40) : at + 60]) for place, needle, blob, at in found if at >= 0]


# ----------------------------------------------------------------------------------------------------------------- the run


@contextlib.contextmanager
def caught(folder, spoken):
    """Everything said: both streams, by Python and below it; every logger at DEBUG; and files left in working or temporary folders."""
    logs, printed = io.StringIO(), io.StringIO()
    root, level, handler = logging.getLogger(), logging.getLogger().level, logging.StreamHandler(logs)
    below = [(folder / f"descriptor{number}").open("w+b") for number in (1, 2)]
    saved = [os.dup(number) for number in (1, 2)]
    configured = structlog.get_config()
    sys.stdout.flush()
    for number, file in enumerate(below, 1):
        os.dup2(file.fileno(), number)
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    configure(logs)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            yield
    finally:
        structlog.configure(**configured)
        root.setLevel(level)
        root.removeHandler(handler)
        for number, (file, before) in enumerate(zip(below, saved, strict=True), 1):
            os.dup2(before, number)
            os.close(before)
            file.seek(0)
            spoken[f"descriptor {number}"] = file.read()
            file.close()
        spoken |= {"log lines": logs.getvalue().encode(), "terminal": printed.getvalue().encode()}


class Run:
    """One borough marked, worked and harmed; then all its bytes by place."""

    def __init__(self, base):
        self.folder, self.canaries, self.said = base / "borough", Canaries(), []
        demo.prepare(self.folder, CONTACTS, 47, people=PEOPLE, members=MEMBERS[:3])
        self.contacts, self.decision = mark(self.folder, self.canaries)
        self.transport = EmbeddedTransport(self.folder / "transport.sqlite")
        self.borough = borough.open_borough(self.folder, self.transport)
        self.hub, (self.police, self.trust) = self.borough.hub, self.borough.agencies.adapters

    def work(self):
        """The whole demo, with a decision made later, a view, and the commands an operator runs."""
        self.hub.intake((self.folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
        self.cases = self.hub.party.store.cases()
        decision = TypeAdapter(OfficerDecision).validate_json(json.dumps(self.decision), strict=True)
        self.hub.decide(self.cases[-1], decision)
        _, shown = demo.report(self.folder, self.borough, demo.work(self.borough), 0)
        self.shown = "\n".join(shown)
        self.hub.view(self.cases[0], Officer(id=self.canaries.text(), role=self.canaries.text(), organisation=self.canaries.text()))
        self.command("hub", "show", "--folder", self.folder / "hub")
        for name in ("hub", "police", "trust"):
            self.command("doctor", self.folder / name)
        self.command("log", "verify", self.folder / "hub")

    def command(self, *arguments):
        """A command as it is typed: what it prints is searched."""
        done = CliRunner().invoke(app, list(map(str, arguments)))
        self.said.append(f"{done.output}{done.exception!r}")

    def provoke(self):
        """Every kind of thing that goes wrong, each with canaries in reach."""
        self.bad_lines()
        self.faults_of_ours()
        self.hostile_envelopes()
        self.broken_sources()
        self.bad_records()
        self.broken_store()

    def another_contact(self, number):
        """The first family again, so that both agencies have something to find."""
        again = json.loads(json.dumps(self.contacts[0])) | {"contact_ref": f"demo-{number}"}
        again["decision"]["necessity"]["text"] = self.canaries.words(again["words"])
        assert self.hub.intake(json.dumps(again).encode(), "again.jsonl").taken == 1

    def bad_lines(self):
        first = json.dumps(self.contacts[0])
        bad = [first[:-3], first[: first.index(WORD) + 12], first.replace('"red"', f'"{WORD}"'), first.replace("s1", WORD)]
        bad += [first.replace(each, each * 900) for each in self.canaries.texts if each in first]
        bad += [first.replace(number, number[:-1] + str((int(number[-1]) + 1) % 10)) for number in self.canaries.numbers if number in first]
        bad += [first.replace("born_on", f"{WORD} 1"), first.replace("demo-001", WORD), first.replace('"words"', '"words":1,"words"')]
        bad += [first.replace("the first", WORD), first.replace(self.canaries.days[0], "1911-03-40"), first + first]
        bad += [first.replace(json.dumps(self.contacts[0]["words"]), "null"), first.replace("2", self.canaries.days[0], 1)]
        other = self.contacts[0] | {"words": self.canaries.words("other")}
        lines = [each.encode() for each in [*bad, json.dumps(other), json.dumps(self.contacts[1] | {"contact_ref": "demo-012"})]]
        lines += [first.encode("utf-16-le"), json.dumps(self.contacts[0], ensure_ascii=False).encode("cp1252", "replace")]
        file = self.folder.parent / "bad.jsonl"
        file.write_bytes(b"\n".join(lines) + b"\n")
        for form in ((), ("--json",)):
            self.command("hub", "intake", file, "--folder", self.folder / "hub", *form)
        file.write_text(json.dumps(self.decision | {"stage": WORD, "rag": self.canaries.text()}))
        self.command("hub", "decide", self.cases[0], file, "--folder", self.folder / "hub")
        self.command("hub", "decide", self.canaries.text(), file, "--folder", self.folder / "hub", "--json")
        file.unlink()
        aside = self.hub.intake(b"\n".join(lines), "bad.jsonl").aside
        assert len(aside) >= len(bad)
        self.said += [f"{each!r} {fault} {fault!r}" for each in aside for fault in each.faults]

    def faults_of_ours(self):
        """Our own code failing in mid-sentence: at the police while they react, at the trust while they look."""

        def fail(*found):
            message = f"cannot go on with {self.contacts[0]}"
            raise RuntimeError(message, *found)

        looks = only(self.trust).system.candidates
        self.police.react, only(self.trust).system.candidates = fail, fail
        self.another_contact(101)
        demo.work(self.borough)
        only(self.trust).system.candidates = looks
        del self.police.react
        answers = self.hub.record(self.hub.party.store.cases()[-1])
        assert {str(each.status) for each in answers.agencies} == {"rejected", "answered"}
        assert {each.answer.status.value for each in answers.answers} <= {"source_unavailable", "contact_us", "withheld", "in_review"}

    def hostile_envelopes(self):
        """Bytes changed, cut and reordered; and, truly signed, what is no record inside, and a record that means nothing."""
        party, hub = self.police.party, self.hub.party
        topic = topic_between(party.id, hub.id)
        honest = next(record.value for batch in self.transport.fetch({topic: 0}, 0) for record in batch.records)
        flipped = bytes([*honest[:-1], honest[-1] ^ 1])
        bodies = [json.dumps(self.contacts[0]).encode(), codec.codec_of(Request).prefix + json.dumps(self.contacts[0]).encode()]
        inside = [self.by_hand(body) for body in bodies]
        values = [b"", honest[:-1], flipped, honest[100:] + honest[:100], honest, *inside]
        before = hub.store.counts()["quarantined"]
        self.transport.publish([Publication(topic=topic, key=os.urandom(16), value=value) for value in values])
        demo.work(self.borough)
        assert hub.store.counts()["quarantined"] == before + len(values) - 1  # the honest one is a duplicate

    def by_hand(self, body):
        """An envelope of the police's, sealed and signed as it should be, around any bytes."""
        party, hub, at, key = self.police.party, self.hub.party, utc_now(), os.urandom(32)
        recipient = party.trust.sealing_key(hub.id, at)
        header = codec.encode(
            Header(
                protocol=wire.PROTOCOL, network=party.trust.root.network, kind=Kind.response, sender=party.id, sender_kid=party.signing.kid,
                recipient=hub.id, recipient_kid=recipient.kid, thread=Thread(os.urandom(16)), sent_at=at, expires_at=at + LIFETIME,
                incarnation=Incarnation(os.urandom(8)), sequence=1, directory_sequence=1, commitment=Digest(wire._commitment(key)),
            )
        )  # fmt: skip
        h = hashlib.sha256(header).digest()
        ciphertext = AESGCM(key).encrypt(wire.ZERO_NONCE, wire._frame(Kind.response, body), b"mash/1 body" + h)
        signed = Signed(header=header, wrapped_key=WrappedKey(recipient.wrap(key, b"mash/1 key" + h)), ciphertext=ciphertext)
        data = codec.encode(signed, wire.MAX_ENVELOPE)
        signature = party.signing.sign(b"mash/1 envelope" + hashlib.sha256(data).digest())
        return codec.encode(Envelope(signed=data, signature=signature), wire.MAX_ENVELOPE)

    def broken_sources(self):
        """A database that is gone, an extract that is no extract, and rows that nobody can read."""
        records, patients, attendances = (
            self.folder / name for name in ("police/records.sqlite", "trust/patients.csv", "trust/ed_attendances.csv")
        )
        kept = patients.read_bytes()
        only(self.police).system.close()
        records.rename(self.folder / "away")
        patients.write_bytes((self.folder / "contacts.jsonl").read_bytes())
        self.another_contact(102)
        demo.work(self.borough)
        subject = TypeAdapter(Subject).validate_json(json.dumps(self.contacts[0]["subjects"][0]), strict=True)
        for adapter in self.borough.agencies.adapters:
            self.raises(partial(only(adapter).system.candidates, subject))
            self.command("doctor", adapter.party.folder.path)
        self.raises(lambda: open_source(only(self.trust).settings, self.folder / "trust"))
        (self.folder / "away").rename(records)
        patients.write_bytes(kept)
        key = next(row for row in kept.decode("cp1252").splitlines() if row.startswith(WORD)).split(",")[0]
        with attendances.open("a", encoding="cp1252", newline="") as file:
            file.write(f"{key},{self.canaries.text()},no day,x,y\r\n{WORD},01/13/2026 99:00,{WORD}\r\n")
        self.said += [f"{fault} {fault!r}" for fault in only(self.trust).system.faults()]
        self.command("doctor", self.folder / "trust")
        with closing(sqlite3.connect(records)) as database, database:
            database.execute("UPDATE nominals SET dob=? WHERE surname LIKE ?", (self.canaries.text(), f"{WORD}%"))
            for name in ("pnc_disposals", "custody_records"):
                date = database.execute(f"PRAGMA table_info({name})").fetchall()[1][1]
                database.execute(f"UPDATE {name} SET {date}=?", (self.canaries.text(),))  # noqa: S608 - the demo's own names
        self.another_contact(103)
        demo.work(self.borough)
        only(self.trust).system.close()
        self.raises(lambda: only(self.trust).system.candidates(subject))

    def bad_records(self):
        """What the codec says of bytes and values that are no record."""
        contact = TypeAdapter(Contact).validate_json(json.dumps(self.contacts[0]), strict=True)
        encoded = codec.encode(contact)
        self.raises(lambda: codec.decode(Contact, json.dumps(self.contacts[0]).encode()))
        self.raises(lambda: codec.decode(Request, encoded))
        self.raises(lambda: codec.decode(Contact, encoded + b"\0"))
        self.raises(lambda: codec.decode(Contact, encoded[:-20]))
        self.raises(lambda: codec.encode(replace(contact, words=self.canaries.text() * 9000)))
        self.raises(lambda: codec.encode(replace(contact, words=contact.referrer)))
        self.said += [repr(each) for each in (contact, contact.referrer, contact.decision, *contact.subjects)]
        self.said += [repr(each) for each in self.hub.party.store.events(self.cases[0])]

    def broken_store(self):
        """A store that refuses in the middle of a contact."""
        store = self.hub.party.store
        with tables.transaction(store.engine) as connection:
            connection.exec_driver_sql("CREATE TRIGGER no BEFORE INSERT ON event BEGIN SELECT RAISE(ABORT, 'no'); END")
        again = self.contacts[0] | {"contact_ref": "demo-104", "decision": None}
        self.raises(lambda: self.hub.intake(json.dumps(again).encode(), "again.jsonl"))
        with tables.transaction(store.engine) as connection:
            connection.exec_driver_sql("DROP TRIGGER no")

    def raises(self, work):
        with pytest.raises(SharingError) as raised:
            work()
        self.said += ["".join(traceback.format_exception(raised.value)), repr(raised.value), str(raised.value)]

    def records(self):
        """Every record of every topic, read back."""
        with closing(sqlite3.connect(self.folder / "transport.sqlite")) as database:
            topics = [name for (name,) in database.execute("SELECT name FROM topic")]
        for topic in topics:
            at, end = 0, self.transport.ends([topic])[topic].end
            while at < end:
                (batch,) = self.transport.fetch({topic: at}, 0)
                yield from batch.records
                at = batch.after

    def blobs(self, spoken):
        """All bytes by place; a file's place is its path, which is searched with it."""
        found = spoken | {"errors and commands": "\n".join(self.said).encode()}
        found |= {f"metrics of {party.id}": generate_latest(party.meters.registry) for party in borough.parties_of(self.borough)}
        for record in self.records():
            said = (record.topic.encode(), record.key, record.value, found.get(record.topic, b""))
            found[record.topic] = b"\0".join(said)
        for path in self.folder.parent.rglob("*"):
            if path.is_file():
                name = path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else f"../{path.name}"
                place = VERSION.sub("", name)
                assert place not in found, "a record was written in two versions"
                found[place] = path.read_bytes() + b"\0" + name.encode()
        return found


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    base, spoken = tmp_path_factory.mktemp("canary"), {}
    (base / "tmp").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TMPDIR", str(base / "tmp"))
        patch.chdir(base / "tmp")
        with caught(tmp_path_factory.mktemp("spoken"), spoken):
            made = Run(base)
            made.work()
            made.provoke()
        made.found = made.blobs(spoken)  # while the stores are open, so with their write-ahead logs
        yield made
        borough.close(made.borough)


# --------------------------------------------------------------------------------------------------------------- the tests


def test_every_text_a_contact_can_have_carries_a_canary_of_its_own(run):
    schema = TypeAdapter(Contact).json_schema()

    def texts(node, path):
        node = schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node
        for each in node.get("anyOf", ()):
            yield from texts(each, path)
        for name, inner in node.get("properties", {}).items():
            yield from texts(inner, (*path, name))
        if "items" in node:
            yield from texts(node["items"], path)
        if node.get("type") == "string" and not {"enum", "const", "format"} & set(node):
            yield path

    def values(node, path):
        if isinstance(node, dict):
            node, path = (list(node.values()), [(*path, name) for name in node])
        elif isinstance(node, list):
            path = [path] * len(node)
        else:
            yield path, node
            return
        for inner, at in zip(node, path, strict=True):
            yield from values(inner, at)

    names = {("contact_ref",), ("subjects", "ref"), ("decision", "checks", "matrix")}  # of lines and files, not of people
    free = {each for each in texts(schema, ()) if each not in names and each[-1] not in {"agency", "subject_ref", "category"}}
    contacts = [*run.contacts[:-1], run.contacts[-1] | {"decision": run.decision}]
    found = [(path, value) for contact in contacts for path, value in values(contact, ()) if path in free]
    assert {path for path, _ in found} == free
    said = [value for _, value in found if value != NHS_NUMBER]
    assert all(value.startswith((WORD, *DIGITS)) for value in said)
    assert len(set(said)) == len(said) > 100


def test_the_canaries_came_all_the_way_and_out_again(run):
    """Matching worked, so what both agencies hold was fetched, sealed, sent, opened and joined: all of it canaries."""
    released = {}
    for case in run.cases:
        for each in run.hub.record(case).answers:
            released.setdefault(each.agency, []).extend(field.value for item in each.answer.items for field in item.fields)
    assert set(released) == {"agency.police", "agency.trust"}
    assert all(value.startswith(WORD) for values in released.values() for value in values)
    assert min(map(len, released.values())) >= 3
    assert run.shown.count(WORD) > 10  # the case that was asked for, on the screen it was asked for on
    quarantined = run.found["metrics of hub.borough"].decode()
    assert all(f'reason="{reason}"' in quarantined for reason in ("malformed", "tampered"))
    for reason in ("react_failed", "source_failed", "quarantined"):
        assert f'"reason": "{reason}"' in run.found["log lines"].decode()


@pytest.mark.proves("I1")
@pytest.mark.proves("I18")
def test_nothing_of_a_person_stands_outside_the_sealed_places(run):
    searched = {name: blob for name, blob in run.found.items() if name not in ALLOWED}
    wanted = {"transport.sqlite", "transport.sqlite-wal", "log lines", "terminal", "errors and commands", "descriptor 2", "mash.directory"}
    wanted |= {f"{party}/{name}" for party in ("hub", "police", "trust") for name in ("store.sqlite", "store.sqlite-wal", "keys.db")}
    wanted |= {"hub/log/checkpoint", "hub/refused/bad.jsonl.reasons.txt", "summary.json", "mash.borough.responses.police"}
    assert wanted <= set(searched)
    assert leaks(searched, needles_of(run.canaries.numbers)) == []


def test_each_place_that_is_allowed_holds_canaries_and_needs_to_be(run):
    assert {place for place, _, _ in leaks({name: run.found[name] for name in ALLOWED})} == set(ALLOWED)


def test_the_search_bites_in_every_spelling(run):
    for text in [*run.canaries.texts[:12], *run.canaries.numbers, *run.canaries.days]:
        for spelling in spellings(text):
            assert leaks({"planted": b"\x01." + spelling + b".\x02"}), spelling
    for number in run.canaries.numbers:
        spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
        assert all(leaks({"planted": b"?" + spelling + b"!"}) for spelling in spellings(spaced))
        assert leaks({"planted": int(number).to_bytes(6, "big")}, needles_of([number]))


@pytest.mark.parametrize("around", range(3))
def test_the_search_bites_in_base64_of_more(run, around):
    for text in (run.canaries.texts[0], run.canaries.numbers[0], run.canaries.days[0]):
        data = b"q" * around + text.encode() + b"\xff" * 5
        assert leaks({"planted": base64.b64encode(data)})
        assert leaks({"planted": base64.urlsafe_b64encode(data)})


def test_the_search_bites_in_a_log_a_database_and_a_topic(run, tmp_path):
    text, number = run.canaries.texts[0], run.canaries.numbers[0]
    stream = io.StringIO()
    configured = structlog.get_config()
    configure(stream)
    structlog.get_logger().error("alarm", reason=f"about {text}")
    structlog.configure(**configured)
    assert leaks({"log": stream.getvalue().encode()})
    transport = EmbeddedTransport(tmp_path / "transport.sqlite")
    transport.publish([Publication(topic="mash.t", key=b"k", value=text.encode("utf-16-le"))])
    (batch,) = transport.fetch({"mash.t": 0}, 0)
    assert leaks({"topic": batch.records[0].value})
    assert leaks({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    transport.close()
    with closing(sqlite3.connect(tmp_path / "db")) as database, database:
        database.execute("CREATE TABLE t (a)")
        database.execute("INSERT INTO t VALUES (?)", (int(number),))
    assert leaks({"db": (tmp_path / "db").read_bytes()}, needles_of([number]))


@pytest.mark.proves("I18")
def test_what_was_exported_or_kept_aside_is_for_its_owner_only(run):
    files = [*(run.folder / "records").iterdir(), *(run.folder / "hub" / "refused").iterdir()]
    assert len(files) == CONTACTS + 2
    assert {path.stat().st_mode & 0o177 for path in files} == {0}


@pytest.mark.proves("I18")
def test_labels_of_metrics_are_topics_and_closed_words(run):
    labels = [
        (name, value)
        for party in borough.parties_of(run.borough)
        for metric in party.meters.registry.collect()
        for sample in metric.samples
        for name, value in sample.labels.items()
    ]
    assert {name for name, _ in labels} == {"topic", "reason"}
    topics = {record.topic for record in run.records()}
    assert {value for name, value in labels if name == "topic"} <= topics
    assert all(re.fullmatch(r"[a-z_]{3,30}", value) for name, value in labels if name == "reason")


# ------------------------------------------------------------------------------------------------------- guessing by hashes

KINDS = ("md5", "sha1", "sha256", "sha512")
SHORT = 256  # bytes of a column: what is longer is an envelope, which the topics have, or sealed content
SPACES = (NAMESPACE_DNS, NAMESPACE_OID, NAMESPACE_URL, NAMESPACE_X500)


def names(run):
    """What a guesser would try: numbers, names, keys and postcodes of everybody in the borough."""
    people = json.loads((run.folder / "truth.json").read_text())["people"]
    subjects = [subject for contact in run.contacts for subject in contact["subjects"]]
    for one in subjects:
        number = next((each["value"] for each in one["identifiers"] if each["system"] == NHS_NUMBER), "")
        people.append(one | {"nhs_number": number, "postcode": one["addresses"][0]["postcode"], "keys": {}})
    for one in people:
        number, given, family = one["nhs_number"], one["given_names"], one["family_name"]
        yield from (number, f"{number[:3]} {number[3:6]} {number[6:]}", given, family, f"{given} {family}", f"{family}, {given}")
        yield from (f"{family}{given}{one['born_on']}", one["postcode"], *(key for keys in one["keys"].values() for key in keys))


def guesses(texts, salts=(b"",)):
    """The first 16 bytes of every hash of every text, plain or with something known in front, behind or as the key."""
    found = set()
    for text in {text.encode() for text in texts}:
        found |= {uuid(space, text.decode()).bytes for uuid in (uuid3, uuid5) for space in SPACES}
        for kind in KINDS:
            found |= {hashlib.new(kind, data).digest()[:16] for salt in salts for data in {salt + text, text + salt}}
            found |= {hmac.digest(salt, text, kind)[:16] for salt in salts if salt}
    return found


def windows(blob):
    """Every 16 bytes that stand anywhere, as they are, as hex or as a UUID."""
    yield from (blob[at : at + 16] for at in range(len(blob) - 15))
    for match in re.finditer(rb"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12,}", blob):
        digits = match[0].replace(b"-", b"").decode()
        yield from (bytes.fromhex(digits[at : at + 32]) for at in range(len(digits) - 31))


def ids(run):
    """Whatever names something without being sealed: records whole, short columns of every table, paths, logs, checkpoints, metrics."""
    for record in run.records():
        yield from (record.topic.encode(), record.key, record.value)
    for party in borough.parties_of(run.borough):
        for engine, data in ((party.store.engine, tables.DATA), (party.store.vault._engine, tables.KEYS)):
            with tables.transaction(engine) as connection:
                for table in data.sorted_tables:
                    for row in connection.execute(table.select()):
                        short = (value for value in row if isinstance(value, str | bytes) and len(value) <= SHORT)
                        yield from (value.encode() if isinstance(value, str) else value for value in short)
    for name, blob in run.found.items():
        yield name.encode()
        if not name.startswith(("police/records", "trust/", "truth", "mash.")) and name not in ALLOWED and ".sqlite" not in name:
            yield blob


@pytest.mark.proves("I1")
@pytest.mark.proves("I18")
def test_no_visible_id_is_a_hash_of_a_number_or_a_name(run):
    threads = {record.key for record in run.records() if len(record.key) == Thread.size}
    cases = run.hub.party.store.cases()
    asked = {text for text in names(run) if text}
    assert len(asked) > 5000
    # with what anyone may know in front, behind or as the key, for those whom the cases are about
    about = {text for text in asked if text.startswith((WORD, *DIGITS))}
    known = [
        b"mash/1",
        run.hub.party.trust.root.network,
        *threads,
        *(str(case).encode() for case in cases),
        *(case.bytes for case in cases),
    ]
    tried = guesses(asked) | guesses(about, [*known, *(each.id.encode() for each in borough.parties_of(run.borough))])
    sought = tried | threads | {case.bytes for case in cases}
    found = {window for blob in ids(run) for window in windows(blob) if window in sought}
    assert len(threads) >= 2 * len(cases)
    assert found == sought - tried


def test_the_guesser_finds_what_was_derived(run):
    number = run.canaries.numbers[0]
    digest = hashlib.sha256(number.encode()).digest()
    for planted in (b"xx" + digest, digest.hex().encode(), f"case/{UUID(bytes=digest[:16])}.json".encode()):
        assert set(windows(planted)) & guesses([number])
    salted = hmac.digest(b"agency.police", number.encode(), "sha256")
    assert set(windows(salted)) & guesses([number], [b"agency.police"])


def test_cases_have_random_names(run):
    assert {case.version for case in run.hub.party.store.cases()} == {4}
