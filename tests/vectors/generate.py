"""Write the vectors: `python tests/vectors/generate.py`. The same files come out in every run.

What is random in a sealed envelope is only HPKE's encapsulation: `wrapped_keys.json` keeps one for each envelope, and a new one
is made only when the header under it changes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import envelope_cases
import network_cases
import synthetic as net
from synthetic import HUB, POLICE, plain

from broker import keys as curve
from broker.accesslog import BLANK, bundles, leaf_of, origin_of
from broker.checkpoint import Checkpoint, key_id, sign_checkpoint, verifier_key
from broker.keys import SigningKey
from broker.merkle import Frontier
from schemas import codec

HERE = Path(__file__).parent

# RFC 8032's small-order points and the encodings a lenient decoder takes for them.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
]
NOT_CANONICAL = [
    "0100000000000000000000000000000000000000000000000000000000000080",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def kids() -> dict[str, object]:
    """§1: names of keys."""
    ed25519 = [(label, "ed25519", net.signing(label)) for label in ("officer 1", "snapshot", f"{HUB} signing")]
    xwing = [("xwing", "xwing", net.opening(f"{POLICE} encryption"))]
    return {
        "kids": [{"label": label, "type": kind, "public": key.public.hex(), "kid": str(key.kid)} for label, kind, key in ed25519 + xwing]
    }


def records() -> dict[str, object]:
    """§2: encodings, and bytes that a lenient decoder takes and a strict one refuses."""
    good = [
        {
            "record": type(each).__name__,
            "encoded": codec.encode(each).hex(),
            "fingerprint": codec.encode(each)[2:10].hex(),
            "value": plain(each),
        }
        for each in net.every_record()
    ]
    return {"records": good, "refused": [*_header_mutants(), *_status_mutants(), *_rule_breakers()]}


def _refused(record: str, data: bytes, why: str) -> dict[str, str]:
    return {"record": record, "encoded": data.hex(), "why": why}


def _header_mutants() -> list[dict[str, str]]:
    data = codec.encode(net.header())
    kind = codec.PREFIX + 1 + 32
    swapped = {
        "an enum index of -1, which wraps to the last symbol": b"\x01",
        "an enum index one past the last symbol": b"\x26",
        "the symbol unknown": b"\x24",
        "an over-long variable-length integer": bytes([data[kind] | 0x80, 0]),
    }
    mutants = [_refused("Header", data[:kind] + new + data[kind + 1 :], why) for why, new in swapped.items()]
    mutants.append(_refused("Header", data + b"\0", "a byte after the end"))
    mutants.append(_refused("Header", data[:-1], "a byte missing at the end"))
    mutants.append(_refused("Header", b"\xc3\x01" + bytes(8) + data[10:], "a fingerprint that no released schema has"))
    mutants.append(_refused("Acknowledgement", data, "another record than the expected one"))
    mutants.append(_refused("Header", data[10:], "no marker and fingerprint"))
    return mutants


def _status_mutants() -> list[dict[str, str]]:
    data = codec.encode(net.status())
    holes = b"\x04" + b"\x80\x01" * 2 + b"\xc8\x01\x80\x02" + b"\0"
    one_by_one = b"\x02" + b"\x80\x01" * 2 + b"\x02" + b"\xc8\x01\x80\x02" + b"\0"
    counted = b"\x03\x10" + b"\x80\x01" * 2 + b"\xc8\x01\x80\x02" + b"\0"
    branch = codec.PREFIX + 8 + 2
    return [
        _refused("StreamStatus", data.replace(holes, one_by_one), "an array in two blocks"),
        _refused("StreamStatus", data.replace(holes, counted), "an array block with a byte count"),
        _refused("StreamStatus", data[:branch] + b"\x01" + data[branch + 1 :], "a union index of -1"),
        _refused("StreamStatus", data[:-2] + b"\x80\xda\xc4\x09\0", "ten million items promised, none there"),
    ]


def _rule_breakers() -> list[dict[str, str]]:
    request, answer = codec.encode(net.request()), codec.encode(net.response())
    upper = str(net.CASE).upper().encode()
    name = net.DUTY.name.encode()
    return [
        _refused("Request", request.replace(str(net.CASE).encode(), upper), "a UUID in upper case"),
        _refused("Request", request.replace(b"9990000018", b"9990000019"), "an NHS number whose check digit fails"),
        _refused("Request", request.replace(b"\x04s1", b"\x04s9", 1), "a question about nobody in the request"),
        _refused("Request", request.replace(b"agency.police", b"agency.Police"), "a party id in upper case"),
        _refused("Request", request.replace(b"(synthetic)", b"(synthetic\xff", 1), "a string that is not UTF-8"),
        _refused("Response", answer.replace(bytes([len(name) * 2]) + name, b"\0"), "a duty contact without a name"),
        _refused("Response", answer.replace(b"\x1aagency.police", b"\x1cagency.parties"), "a reserved slug"),
    ]


def decision_id() -> dict[str, object]:
    """§7."""
    encoded = codec.encode(net.identity())
    return {"identity": plain(net.identity()), "encoded": encoded.hex(), "decision_id": hashlib.sha256(encoded).hexdigest()[:32]}


def keys() -> dict[str, object]:
    """§3.1: public keys that are believed and refused."""
    honest = net.signing("officer 1").public
    torsion, point = curve._decompress(bytes.fromhex(SMALL_ORDER[4])), curve._decompress(honest)
    x, y, z, _ = curve._add(point, torsion)
    inverse = pow(z, -1, curve.P)
    mixed = ((y * inverse % curve.P) | ((x * inverse % curve.P) & 1) << 255).to_bytes(32, "little")
    opening = net.opening("xwing")
    ed25519 = [
        (honest, None, "an honest key"),
        *((bytes.fromhex(each), "K2", "small order") for each in SMALL_ORDER[:3] + SMALL_ORDER[4:]),
        (bytes.fromhex(SMALL_ORDER[3]), "K2", "small order: y = 0 with the other sign"),
        *((bytes.fromhex(each), "K1", "not canonical") for each in NOT_CANONICAL),
        (mixed, "K2", "mixed order: an honest point plus one of order 8"),
        (b"\x02" + bytes(31), "K1", "no point has this y"),
        (bytes(31), "K1", "31 bytes"),
    ]
    xwing = [
        (opening.public, None, "an honest key"),
        (b"\xff" * 1184 + opening.public[1184:], "K3", "ML-KEM coefficients over the modulus"),
        (opening.public[:-1], "K3", "1,215 bytes"),
        (opening.public[:1184] + bytes(32), "K4", "an X25519 half of small order"),
    ]
    both = (("ed25519", ed25519), ("xwing", xwing))
    return {
        "keys": [
            {"type": kind, "public": public.hex(), "refused": refused, "about": about}
            for kind, rows in both
            for public, refused, about in rows
        ]
    }


def root() -> dict[str, object]:
    """§3.2."""
    keys = [key.public.hex() for key in net.OFFICERS]
    refused = [
        ("R1", "network", net.root_text(network="ab")),
        ("R1", "threshold", net.root_text(threshold=0)),
        ("R1", "extra", "extra = 1\n" + net.root_text()),
        ("R1", "", "network = \n"),
        ("R2", "officer.1.key", net.root_text(officers=[keys[0], SMALL_ORDER[0], keys[2]])),
        ("R3", "snapshot_key", net.root_text(snapshot=SMALL_ORDER[1])),
        ("R4", "officer", net.root_text(officers=[keys[0], keys[0], keys[2]])),
        ("R4", "officer", net.root_text(snapshot=keys[1])),
        ("R5", "threshold", net.root_text(threshold=4)),
        ("R6", "officer", net.root_text(outside=None)),
    ]
    return {
        "root": net.root_text(),
        "network": str(net.NETWORK),
        "threshold": 2,
        "officers": [str(key.kid) for key in net.OFFICERS],
        "snapshot_key": net.ONLINE.public.hex(),
        "refused": [{"refusal": refusal, "field": field, "root": text} for refusal, field, text in refused],
    }


def log() -> dict[str, object]:
    """§6: three entries, filled up with blanks, signed and exported."""
    key, origin = net.LOGS[HUB], origin_of(HUB)
    entries = [net.entry(), net.entry(operation="consultation", envelope=None), net.entry(case_id=None, subject_ref=None, category=None)]
    opened = [(net.made(f"salt {index}", 32), codec.encode(each)) for index, each in enumerate(entries)]
    opened += [(net.made(f"salt {index}", 32), None) for index in range(len(entries), 64)]
    data = [leaf_of(salt, BLANK if entry is None else entry) for salt, entry in opened]
    frontier = Frontier().append(data)
    note = sign_checkpoint(Checkpoint(origin=origin, size=64, root=frontier.root()), key)
    ((path, bundle),) = bundles(data).items()
    return {
        "origin": origin,
        "public": key.public.hex(),
        "key_id": key_id(origin, key.public).hex(),
        "verifier_key": verifier_key(origin, key.public),
        "leaves": [
            {"salt": salt.hex(), "entry": entry and entry.hex(), "data": leaf.hex()}
            for (salt, entry), leaf in zip(opened, data, strict=True)
        ],
        "roots": [Frontier().append(data[:size]).root().hex() for size in range(65)],
        "checkpoint": note.decode(),
        "refused": [{"refusal": refusal, "about": about, "note": text} for refusal, about, text in _bad_notes(note.decode(), origin, key)],
        "cosigned": note.decode() + "\u2014 agency.police/witness AAAAAHNpZ25hdHVyZQ==\n",
        "bundle": {"path": path, "data": bundle.hex()},
        "bundle_paths": {"0": "000", "999": "999", "1000": "x001/000", "1234067": "x001/x234/067"},
    }


def _bad_notes(note: str, origin: str, key: SigningKey) -> list[tuple[str, str, str]]:
    def signed(text: str) -> str:
        line = base64.b64encode(key_id(origin, key.public) + key.sign(text.encode())).decode()
        return f"{text}\n\u2014 {origin} {line}\n"

    text, line = note.split("\n\n")
    root = text.split("\n")[2]
    other = net.LOGS[POLICE]
    return [
        ("C1", "no line end at the end", note[:-1]),
        ("C1", "two empty lines", note + "\n"),
        ("C1", "over 16 KiB", note + f"\u2014 {origin} AAAA\n" * 1000),
        ("C2", "a size with a leading zero", signed(f"{origin}\n064\n{root}\n")),
        ("C2", "a root of 31 bytes", signed(f"{origin}\n64\n{base64.b64encode(bytes(31)).decode()}\n")),
        ("C2", "a fourth line", signed(f"{text}\nextension\n")),
        ("C3", "another size", note.replace("\n64\n", "\n128\n")),
        ("C3", "the origin of another generation", signed(f"hub.borough/log/2\n64\n{root}\n")),
        (
            "C3",
            "signed by another log's key",
            sign_checkpoint(Checkpoint(origin=origin, size=64, root=base64.b64decode(root)), other).decode(),
        ),
        ("C3", "its signature twice", note + line),
        ("C3", "a line that is no signature", note + "not a signature\n"),
    ]


FILES = {
    "kids": (kids, "Names of keys: docs/protocol.md §1."),
    "records": (records, "Encodings of every released record, and bytes to refuse: §2."),
    "keys": (keys, "Public keys that are believed (refused: null) and refused: §3.1."),
    "root": (root, "root.toml: §3.2."),
    "directory": (network_cases.directories, "Directories offered to a party: §3.4."),
    "announcement": (network_cases.announcements, "Announcements offered to a party: §3.5."),
    "snapshot": (network_cases.snapshots, "Snapshots offered to a party: §3.6."),
    "enrolment": (network_cases.enrolments, "Enrolments: §3.7."),
    "envelopes": (envelope_cases.envelopes, "Envelopes to open, and one or more that fails at each step: §4.4."),
    "wrapped_keys": (envelope_cases.wrapped_keys, "What HPKE drew at random, kept so that every run writes the same envelopes."),
    "log": (log, "An access log: §6."),
    "decision_id": (decision_id, "The name of a decision: §7."),
}


def text_of(name: str) -> str:
    """A file's text as it is now made."""
    make, about = FILES[name]
    facts = {"synthetic": True, "about": about + " Nothing here is of a real person or body.", **make()}
    return json.dumps(facts, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every file."""
    for name in FILES:
        (HERE / f"{name}.json").write_text(text_of(name), encoding="utf-8")


if __name__ == "__main__":
    main()
