"""Identifiers, parsed once: a value of one of these types has the right form, and personal ones have no telling repr."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import Any, ClassVar, Self

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

RESERVED_SLUGS = frozenset({"directory", "parties", "snapshots"})  # these name topics


class Name(str):
    """A string of one exact form, matched whole; subclasses give the pattern."""

    __slots__ = ()
    pattern: ClassVar[re.Pattern[str]] = re.compile(r".+", re.DOTALL)
    form: ClassVar[str] = "not empty"
    personal: ClassVar[bool] = False  # then nothing keeps it longer than the record it is in

    def __new__(cls, text: str) -> Self:
        """Raise ValueError, without quoting the text, when the form is wrong."""
        if not cls.accepts(text):
            message = f"{cls.__name__} must be {cls.form}"
            raise ValueError(message)
        return super().__new__(cls, text)

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Whether the text has the form."""
        return cls.pattern.fullmatch(text) is not None

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Validate as a string, then parse; words of a closed vocabulary come again and again."""
        parse = cls if cls.personal else partial(_known, cls)
        return core_schema.no_info_after_validator_function(parse, core_schema.str_schema())


@lru_cache(maxsize=4096)
def _known(cls: type[Name], text: str) -> Name:
    return cls(text)


class PartyId(Name):
    """`hub.<slug>`, `agency.<slug>` or `consumer.<slug>`: no dots in the slug, so topics and ACLs never collide."""

    __slots__ = ()
    pattern = re.compile(r"(hub|agency|consumer)\.[a-z0-9](-?[a-z0-9]){0,40}")
    form = "hub.SLUG, agency.SLUG or consumer.SLUG with a slug of at most 41 of a-z, 0-9 and single hyphens"

    @classmethod
    def accepts(cls, text: str) -> bool:
        """The pattern, less the reserved slugs."""
        return cls.pattern.fullmatch(text) is not None and text.partition(".")[2] not in RESERVED_SLUGS

    @property
    def kind(self) -> str:
        """`hub`, `agency` or `consumer`."""
        return self.partition(".")[0]

    @property
    def slug(self) -> str:
        """The part that names topics."""
        return self.partition(".")[2]


class Slug(Name):
    """A lower-case word of a closed vocabulary that lives in data: rule ids, fact names, reasons."""

    __slots__ = ()
    pattern = re.compile(r"[a-z0-9][a-z0-9_.-]{0,79}")
    form = "1 to 80 of a-z, 0-9, full stop, hyphen and underscore"


class CategoryId(Name):
    """`<agency kind>.<category>`, such as `pol.missing_episodes`."""

    __slots__ = ()
    pattern = re.compile(r"[a-z]{2,10}\.[a-z][a-z0-9_]{1,40}")
    form = "AGENCY.CATEGORY in lower case, such as pol.missing_episodes"


class SubjectRef(Name):
    """A subject's name within its case only: `s1`, `s2`, … never derived from a person."""

    __slots__ = ()
    pattern = re.compile(r"s[1-9][0-9]?")
    form = "s1 to s99"


class NhsNumber(Name):
    """Ten digits with a modulus-11 check digit (NHS Data Dictionary, NHS NUMBER); personal, so its repr tells nothing."""

    __slots__ = ()
    pattern = re.compile(r"[0-9]{10}")
    form = "ten digits with a valid modulus-11 check digit"
    personal = True

    @classmethod
    def accepts(cls, text: str) -> bool:
        """Ten ASCII digits whose check digit holds; a remainder giving 10 is never valid."""
        if cls.pattern.fullmatch(text) is None:
            return False
        total = sum(int(digit) * weight for digit, weight in zip(text[:9], range(10, 1, -1), strict=True))
        return (11 - total % 11) % 11 == int(text[9])

    def __repr__(self) -> str:
        """Nothing of the person."""
        return "NhsNumber(…)"


class Fixed(bytes):
    """Bytes of one exact length; subclasses give it, and the Avro fixed type has the subclass's name."""

    __slots__ = ()
    size: ClassVar[int] = 1

    def __new__(cls, data: bytes) -> Self:
        """Raise ValueError when the length is wrong."""
        if len(data) != cls.size:
            message = f"{cls.__name__} must be {cls.size} bytes, not {len(data)}"
            raise ValueError(message)
        return super().__new__(cls, data)

    @classmethod
    def parse(cls, text: str) -> Self:
        """From lower-case hex."""
        if re.fullmatch(r"[0-9a-f]*", text) is None:
            message = f"{cls.__name__} must be lower-case hex"
            raise ValueError(message)
        return cls(bytes.fromhex(text))

    @classmethod
    def _read(cls, value: object) -> Self:
        """Bytes from the wire, hex from a text file."""
        if isinstance(value, str):
            return cls.parse(value)
        if isinstance(value, bytes):
            return cls(value)
        message = f"{cls.__name__} must be bytes or hex"
        raise ValueError(message)

    @classmethod
    def zero(cls) -> Self:
        """All zero: "none" on the wire."""
        return cls(bytes(cls.size))

    def __str__(self) -> str:
        """Lower-case hex."""
        return self.hex()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Bytes in Python; hex in JSON."""
        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(cls.parse, core_schema.str_schema()),
            python_schema=core_schema.no_info_plain_validator_function(cls._read),
            serialization=core_schema.plain_serializer_function_ser_schema(_hex_in_json, info_arg=True),
        )


def _hex_in_json(value: Any, info: core_schema.SerializationInfo) -> Any:  # noqa: ANN401 - pydantic's serializer signature
    return value.hex() if info.mode == "json" else value


class Digest(Fixed):
    """SHA-256 of something: the only name of an envelope."""

    __slots__ = ()
    size = 32


class Network(Fixed):
    """32 random bytes that keep networks (test, live) apart."""

    __slots__ = ()
    size = 32


class Kid(Fixed):
    """First 16 bytes of SHA-256(key-type label ‖ public key)."""

    __slots__ = ()
    size = 16


class Thread(Fixed):
    """16 random bytes per case and other party: Kafka's record key."""

    __slots__ = ()
    size = 16


class DecisionId(Fixed):
    """First 16 bytes of SHA-256 over the strict encoding of what was decided."""

    __slots__ = ()
    size = 16


class Incarnation(Fixed):
    """8 random bytes: one life of a stream, from a store's creation or restoration on."""

    __slots__ = ()
    size = 8


class Signature(Fixed):
    """An Ed25519 signature (RFC 8032)."""

    __slots__ = ()
    size = 64


class WrappedKey(Fixed):
    """HPKE (RFC 9180) encapsulation, 1,120 bytes with X-Wing, and the sealed 32-byte key with its tag, 48."""

    __slots__ = ()
    size = 1168
