"""docs/protocol.md says what the code does: every field, number, domain string, fingerprint, kind and numbered step."""

from __future__ import annotations

import ast
import json
import re
from datetime import timedelta

import pytest
from tree import ROOT, sources

from broker import accesslog, checkpoint, directory, envelope, merkle, times
from broker.envelope import BODIES
from broker.streams import DIRECTORY, KINDS, SNAPSHOTS, party_topic, route_of, topic_between
from schemas import codec
from schemas.enums import KeyType, Kind
from schemas.identifiers import RESERVED_SLUGS, CategoryId, PartyId, Slug, SubjectRef
from schemas.lock import text_of

DOC = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (.+) \|$", re.MULTILINE)
# Domain strings of what never leaves a party: its store, its packs, its own names of things.
OWN = {
    "mash/1 store",
    "mash/1 pack",
    "mash/1 pack signature",
    "mash/1 law",
    "mash/1 contact",
    "mash/1 decided",
    "mash/1 viewed",
    "mash/1 necessity",
    "mash/1 mention",
    "mash/1 revision",
    "mash/1 anew",
    "mash/1 rating",
    "mash/1 happened",
    "mash/1 glass",
    "mash/1 in error",
    "mash/1 record thread",
    "mash/1 told",
}


def section(heading):
    """The text from one heading to the next of any level."""
    start = DOC.index(f"\n{heading}\n")
    found = re.search(r"\n#{1,4} ", DOC[start + len(heading) :])
    return DOC[start : start + len(heading) + found.start()] if found else DOC[start:]


def rows(text):
    """The cells of each row of the tables in a text, less heads and rules."""
    cells = [[cell.strip() for cell in row.split(" | ")] for row in ROW.findall(text)]
    return [row for row in cells if not set("".join(row)) <= set("-| ")]


def code(cell):
    return cell.strip("`")


def spelled(schema):
    """An Avro type as the document writes it."""
    if isinstance(schema, list):
        return f"null or {spelled(schema[1])}"
    if isinstance(schema, str):
        return schema.rpartition(".")[2]
    if schema["type"] == "array":
        return f"array of {spelled(schema['items'])}"
    return schema.get("name") or f"{schema['type']} ({schema['logicalType']})"


def named(schema, found):
    """Every named type below a schema, by name."""
    if isinstance(schema, list):
        named(schema[1], found)
    elif isinstance(schema, dict):
        if "name" in schema:
            found[schema["name"]] = schema
        for each in [*(field["type"] for field in schema.get("fields", ())), schema.get("items")]:
            named(each, found)
    return found


TYPES = {}
for released in codec.RELEASED:
    named(json.loads(text_of(released)), TYPES)
OF = {kind: sorted(name for name, each in TYPES.items() if each["type"] == kind) for kind in ("record", "enum", "fixed")}


@pytest.mark.parametrize("name", OF["record"])
def test_every_field_of_every_record_stands_in_its_table_with_its_type_and_meaning(name):
    told = [(code(field), kind) for field, kind, meaning in rows(section(f"#### `{name}`"))[1:] if meaning]
    assert told == [(field["name"], spelled(field["type"])) for field in TYPES[name]["fields"]]


def test_the_document_has_no_table_of_a_record_that_is_not_released():
    assert sorted(re.findall(r"^#### `(\w+)`$", DOC, re.MULTILINE)) == OF["record"]


@pytest.mark.parametrize("name", OF["enum"])
def test_every_symbol_stands_in_its_order(name):
    told = {code(row[0]): re.findall(r"`(\w+)`", row[1]) for row in rows(section("### 2.3 What a schema may hold")) if len(row) == 2}
    assert told[name] == TYPES[name]["symbols"]


@pytest.mark.parametrize("name", OF["fixed"])
def test_every_fixed_type_has_its_size(name):
    told = {code(row[0]): row[1] for row in rows(section("### 2.3 What a schema may hold")) if len(row) == 3}
    assert told[name] == str(TYPES[name]["size"])


def test_the_fingerprints_are_those_of_the_released_schemas():
    cells = [code(cell) for row in rows(section("### 2.1 Avro, single object"))[1:] for cell in row if cell]
    told = dict(zip(cells[::2], cells[1::2], strict=True))
    assert told == {record.__name__: codec.codec_of(record).prefix[2:].hex() for record in codec.RELEASED}


@pytest.mark.parametrize("form", [PartyId, SubjectRef, CategoryId, Slug])
def test_the_forms_of_names_are_the_patterns(form):
    assert f"- **{form.__name__}** `{form.pattern.pattern}`:" in DOC
    assert all(f"`{slug}`" in section("## 1. Parties, identifiers, key names") for slug in RESERVED_SLUGS)


CONSTANTS = [
    ("### 2.2 Strict decoding", codec, ["MAX_BODY"]),
    ("### 2.2 Strict decoding", directory, ["LARGE"]),
    ("### 2.2 Strict decoding", envelope, ["MAX_HEADER", "MAX_ENVELOPE"]),
    ("### 4.2 Sizes", envelope, ["PROTOCOL", "SMALL_CLASS", "FIRST_CLASS", "LAST_CLASS"]),
    ("### 4.2 Sizes", envelope, ["MAX_HEADER", "MAX_ENVELOPE", "KEY_SIZE", "TAG_SIZE"]),
    ("### 4.2 Sizes", codec, ["MAX_BODY"]),
    ("### 5.5 Times", times, ["SKEW", "EPOCH", "LIFETIME", "RETENTION"]),
    ("### 5.5 Times", times, ["DIRECTORY_LIFE", "SNAPSHOT_LIFE", "PARKED_LIFE", "DESTROY_AFTER"]),
    ("### 6.1 Leaves", accesslog, ["FILL", "BUNDLE", "GENERATION"]),
    ("### 6.1 Leaves", merkle, ["HASH_SIZE"]),
    ("### 6.1 Leaves", checkpoint, ["KEY_ID_SIZE", "MAX_NOTE"]),
]


@pytest.mark.parametrize(("heading", "module", "name"), [(heading, module, name) for heading, module, names in CONSTANTS for name in names])
def test_every_constant_in_the_document_is_the_codes(heading, module, name):
    value = getattr(module, name)
    number = int(value.total_seconds()) if isinstance(value, timedelta) else value
    told = {code(row[0]): row[1] for row in rows(section(heading))}
    assert told[name] == str(number)


def test_no_constant_stands_in_the_document_that_no_test_holds_against_the_code():
    told = {code(row[0]) for heading in {each[0] for each in CONSTANTS} for row in rows(section(heading))}
    told = {name for name in told if re.fullmatch(r"[A-Z_]{3,}", name)}
    assert told == {name for _, _, names in CONSTANTS for name in names}


def test_every_time_of_the_wire_stands_in_the_table():
    lengths = {name for name, value in vars(times).items() if name.isupper() and isinstance(value, timedelta)}
    assert lengths == {code(row[0]) for row in rows(section("### 5.5 Times"))[1:]}


def test_sizes_and_numbers_in_the_tables_of_fields_are_the_codes():
    said = {
        "Envelope": f"{envelope.MAX_ENVELOPE:,} bytes",
        "Statement": f"{directory.LARGE // 2**20} MiB",
        "Directory": f"{times.DIRECTORY_LIFE.days} days",
        "Snapshot": f"{times.SNAPSHOT_LIFE // timedelta(hours=1)} hours",
        "Signed": f"{envelope.MAX_HEADER:,} bytes",
    }
    assert not [name for name, words in said.items() if words not in section(f"#### `{name}`")]


def domain_strings():
    """Every bytes literal of ours in the four rooms that separates one use of a key or hash from another."""
    nodes = [node for path in sources("broker", "schemas", "agents", "policies") for node in ast.walk(ast.parse(path.read_text("utf-8")))]
    values = [node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, bytes)]
    return {value.decode() for value in values if value.startswith(b"mash/")}


def test_the_domain_strings_are_the_codes_byte_for_byte():
    told = {row[0].strip("`"): int(row[1]) for row in rows(section("### 4.1 Domain strings"))[1:]}
    assert set(told) == domain_strings() - OWN
    assert {text: len(text) for text in told} == told


def test_the_labels_of_key_names_are_the_key_types():
    labels = {code(row[0]) for row in rows(section("## 1. Parties, identifiers, key names"))[1:]}
    assert labels == {each.value for each in KeyType} - {"unknown"}


def test_the_table_of_kinds_is_the_codes():
    head, *told = rows(section("### 5.2 Kinds"))
    uses = head[1:6]
    assert uses == list(KINDS)
    found = {code(row[0]): ({use for use, cell in zip(uses, row[1:6], strict=True) if cell}, code(row[6])) for row in told}
    for kind in set(Kind) - {Kind.unknown}:
        body = BODIES[kind].__name__ if kind in BODIES else ""
        assert found.pop(kind.value) == ({use for use in uses if kind in KINDS[use]}, body), kind
    assert not found


def test_the_topics_are_the_codes():
    told = {code(row[0]) for row in rows(section("### 5.1 Topics"))[1:]}
    hub, agency, consumer, other = (PartyId(each) for each in ("hub.hub", "agency.agency", "consumer.consumer", "hub.other"))
    names = {"mash.hub": "mash.HUB", ".agency": ".AGENCY", ".consumer": ".CONSUMER", ".other": ".OTHER"}
    made = {topic_between(*pair) for pair in ((hub, agency), (agency, hub), (hub, consumer), (consumer, hub), (other, hub))}
    assert {route_of(each).topic for each in made} == made
    for old, new in names.items():
        made = {each.replace(old, new) for each in made}
    assert told == made | {DIRECTORY, SNAPSHOTS, party_topic(hub).replace("hub.hub", "KIND.SLUG")}


def test_the_steps_of_open_and_seal_are_the_codes_comments_in_order():
    text = (ROOT / "broker" / "envelope.py").read_text(encoding="utf-8")
    seal, opening = text.split("\ndef open_envelope", 1)
    steps = [int(row[0]) for row in rows(section("### 4.4 Open"))[1:]]
    assert sorted(set(steps)) == list(range(1, 14))
    assert steps == sorted(steps)
    assert {int(each) for each in re.findall(r"# \((\d+)\)", opening)} == set(steps)
    assert re.findall(r"# \((\d+)\)", seal) == re.findall(r"^(\d+)\.", section("### 4.3 Seal"), re.MULTILINE) == list("1234567")


def test_each_step_of_open_gives_the_reason_that_the_code_gives():
    stops = re.findall(r"_Stop\((\d+), Refusal\.(\w+)\)", (ROOT / "broker" / "envelope.py").read_text(encoding="utf-8"))
    assert {(row[0], code(row[2])) for row in rows(section("### 4.4 Open"))[1:]} == set(stops)


def test_the_document_stands_by_itself():
    assert not re.findall(r"shared/|design\.md|/work|issue #|TODO|FIXME", DOC)
    links = re.findall(r"\]\((\.\.[^)]+)\)", DOC)
    assert links
    assert all((ROOT / "docs" / link).exists() for link in links)
