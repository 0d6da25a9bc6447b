"""Personal data lies nowhere but in the sealed places: every byte a run writes is searched, in every spelling.

What people said and what agencies hold in the synthetic borough is the canary: names, numbers, addresses, words, held values.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
from urllib.parse import quote, quote_plus

import pytest
from prometheus_client import generate_latest
from small_borough import write_files

from agents.cli.compose import adapter_of, hub_of
from agents.cli.demo import Borough, close, report, work
from agents.demo.ceremony import renew
from broker.follow import publish_statements
from broker.party import utc_now
from broker.telemetry import configure
from broker.transport.embedded import EmbeddedTransport
from schemas.errors import SharingError

LEAST = 8  # letters: shorter values stand in any text by chance
CLOSED = re.compile(r"[a-z0-9_.]+|https?://\S+|\d{4}-\d\d-\d\d.*")  # symbols, systems, times: nothing of a person
COMMON = {"the child"}  # a relation that ordinary sentences of settings and law hold too
ALLOWED = re.compile(  # and why
    r"contacts\.jsonl|truth\.json|README\.txt"  # what was taken in, and the tests' answer key
    r"|police/records\.sqlite|trust/\w+\.csv"  # the agencies' own systems
    r"|records/.*\.json"  # the export that was asked for, for its owner only
)


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def canaries(folder):
    """Every telling value of the contacts and of what the agencies hold about their subjects."""
    said = [json.loads(line) for line in (folder / "contacts.jsonl").read_text().splitlines()]
    truth = json.loads((folder / "truth.json").read_text())["contacts"]
    held = [
        row["fields"]
        for contact in truth.values()
        for subject in contact["subjects"].values()
        for each in subject.values()
        for row in each["rows"]
    ]
    found = {text for text in strings([said, held]) if len(text) >= LEAST and not CLOSED.fullmatch(text)}
    numbers = {text for text in strings(said) if re.fullmatch(r"999\d{7}", text)}
    return (found | numbers) - COMMON


def spellings(text):
    raw = text.encode()
    yield from (raw, text.encode("utf-16-le"), text.encode("utf-16-be"))
    yield from (raw.hex().encode(), raw.hex().upper().encode())
    for shift in range(3):
        padded = base64.b64encode(bytes(shift) + raw)[4 if shift else 0 :]
        core = padded.rstrip(b"=")[:-1]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))
    for escaped in (quote(text), quote_plus(text), json.dumps(text)[1:-1]):
        yield escaped.encode()


def leaks(blobs, texts):
    """Where which canary stands, in one pass over each blob for each spelling."""
    needles = {spelling for text in texts for spelling in spellings(text) if len(spelling) >= LEAST}
    return [(place, needle) for place, blob in blobs.items() for needle in needles if needle in blob]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run with its terminal output, logs, metrics, errors and files; the borough, and all the bytes by place."""
    folder = tmp_path_factory.mktemp("canary") / "borough"
    stream, printed = io.StringIO(), io.StringIO()
    configure(stream)
    write_files(folder, contacts=4, at=utc_now(), in_memory=False)
    transport = EmbeddedTransport(folder / "transport.sqlite")
    publish_statements(transport, renew(folder, utc_now()))
    adapters = tuple(adapter_of(folder / name, transport) for name in ("police", "trust"))
    borough = Borough(hub=hub_of(folder / "hub", transport), adapters=adapters, transport=transport)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        borough.hub.intake((folder / "contacts.jsonl").read_bytes(), "contacts.jsonl")
        work(borough)
        report(folder, borough, 0)
    blobs = {"log lines": stream.getvalue().encode(), "terminal": printed.getvalue().encode(), "errors": errors(borough, folder)}
    blobs |= {f"metrics of {party.id}": generate_latest(party.meters.registry) for party in borough.parties}
    for topic in ("mash.directory", "mash.borough.requests.police", "mash.borough.responses.police", "mash.borough.responses.trust"):
        for batch in borough.transport.fetch({topic: 0}, 0):
            blobs[topic] = b"".join(record.topic.encode() + record.key + record.value for record in batch.records)
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    blobs |= {name: path.read_bytes() + name.encode() for name, path in files.items() if not ALLOWED.fullmatch(name)}
    yield folder, blobs
    close(borough)
    transport.close()


def errors(borough, folder):
    """The texts of errors provoked with personal data in the input."""
    line = (folder / "contacts.jsonl").read_bytes().splitlines()[0]
    texts = []
    for bad in (line[:-3], line.replace(b'"words"', b'"wordz"'), line.replace(b'"red"', b'"purple"'), line.replace(b"999", b"998")):
        aside = borough.hub.intake(bad, "bad.jsonl").aside
        assert aside
        texts += [str(fault) for each in aside for fault in each.faults]
    broken = borough.adapters[0].source
    broken.close()
    subject = json.loads(line)["subjects"][0]
    with contextlib.suppress(SharingError):
        try:
            from pydantic import TypeAdapter  # noqa: PLC0415 - only here

            from schemas.records import Subject  # noqa: PLC0415 - only here

            broken.candidates(TypeAdapter(Subject).validate_python(subject))
        except SharingError as error:
            texts.append(f"{error} {error!r}")
    return "\n".join(texts).encode()


@pytest.mark.proves("I18")
@pytest.mark.proves("I1")
def test_nothing_of_a_person_stands_outside_the_sealed_places(run):
    folder, blobs = run
    texts = canaries(folder)
    assert len(texts) > 60
    assert {
        "transport.sqlite",
        "hub/store.sqlite",
        "police/keys.db",
        "hub/log/checkpoint",
        "log lines",
        "terminal",
        "mash.directory",
    } <= set(blobs)
    assert leaks(blobs, texts) == []


def test_the_search_bites_in_every_spelling(run):
    folder, _ = run
    text = max(canaries(folder), key=len)
    for spelling in spellings(text):
        assert leaks({"planted": b"...." + spelling + b"...."}, [text])
    assert leaks({"base64": base64.b64encode(b"x" + text.encode() + b"yz")}, [text])
    assert leaks({"source": (folder / "contacts.jsonl").read_bytes()}, canaries(folder))


def test_what_was_exported_is_for_its_owner_only(run):
    folder, _ = run
    modes = {path.stat().st_mode & 0o077 for path in (folder / "records").iterdir()}
    assert modes == {0}


@pytest.mark.proves("I1")
def test_no_visible_name_is_a_hash_of_a_persons_number(run):
    import hashlib  # noqa: PLC0415 - only here

    folder, blobs = run
    numbers = [each["nhs_number"] for each in json.loads((folder / "truth.json").read_text())["people"] if each.get("nhs_number")]
    names = numbers or [text for text in canaries(folder) if re.fullmatch(r"\d{10}", text)]
    assert names
    digests = [getattr(hashlib, kind)(number.encode()).digest() for number in names for kind in ("md5", "sha1", "sha256")]
    seen = b"".join(blobs[place] for place in blobs if place.startswith("mash."))
    assert not [digest for digest in digests if digest[:16] in seen or digest.hex()[:32].encode() in seen]
