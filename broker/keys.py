"""Keys as values: names, checks at load, signing and verifying. No files here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite

from schemas.enums import KeyType
from schemas.errors import VerificationError
from schemas.identifiers import Kid, Signature

SUITE: Final = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)  # RFC 9180 base mode with X-Wing; the only one
MLKEM_PUBLIC: Final = 1184  # bytes, FIPS 203
P: Final = 2**255 - 19  # field prime, RFC 8032 §5.1
L: Final = 2**252 + 27742317777372353535851937790883648493  # prime order of the base point, RFC 8032 §5.1
D: Final = -121665 * pow(121666, -1, P) % P  # curve constant, RFC 8032 §5.1
Point = tuple[int, int, int, int]  # extended coordinates X, Y, Z, T (RFC 8032 §5.1.4)
IDENTITY: Final[Point] = (0, 1, 1, 0)


def kid_of(kind: KeyType, public: bytes) -> Kid:
    """First 16 bytes of SHA-256(key-type label ‖ public key)."""
    return Kid(hashlib.sha256(kind.value.encode() + public).digest()[: Kid.size])


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 private key and its name; its repr tells only the name."""

    kid: Kid
    public: bytes
    private: Ed25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, private: Ed25519PrivateKey) -> SigningKey:
        """Name a private key."""
        public = private.public_key().public_bytes_raw()
        return cls(kid_of(KeyType.ed25519, public), public, private)

    def sign(self, message: bytes) -> Signature:
        """Ed25519 (RFC 8032 §5.1.6)."""
        return Signature(self.private.sign(message))


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """An X-Wing private key and its name."""

    kid: Kid
    public: bytes
    mlkem: MLKEM768PrivateKey = field(repr=False)
    x25519: X25519PrivateKey = field(repr=False)

    @classmethod
    def of(cls, mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey) -> OpeningKey:
        """Name a pair of private keys; the public key is ML-KEM-768 ‖ X25519, 1,216 bytes."""
        public = mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw()
        return cls(kid_of(KeyType.xwing, public), public, mlkem, x25519)

    @classmethod
    def generate(cls) -> OpeningKey:
        """A fresh pair."""
        return cls.of(MLKEM768PrivateKey.generate(), X25519PrivateKey.generate())

    def unwrap(self, wrapped: bytes, info: bytes) -> bytes:
        """Open an HPKE ciphertext; whatever is wrong raises cryptography's InvalidTag."""
        return SUITE.decrypt(wrapped, MLKEM768X25519PrivateKey(self.mlkem, self.x25519), info)


@dataclass(frozen=True, slots=True)
class SealingKey:
    """A recipient's X-Wing public key, tried once at load, and its name."""

    kid: Kid
    public: MLKEM768X25519PublicKey = field(repr=False)

    def wrap(self, key: bytes, info: bytes) -> bytes:
        """Seal a 32-byte key: 1,168 bytes."""
        return SUITE.encrypt(key, self.public, info)


@cache
def sealing_key(public: bytes) -> SealingKey:
    """Load an X-Wing public key; VerificationError when it is malformed or one trial seal fails (a low-order X25519 half does)."""
    try:
        mlkem = MLKEM768PublicKey.from_public_bytes(public[:MLKEM_PUBLIC])
        both = MLKEM768X25519PublicKey(mlkem, X25519PublicKey.from_public_bytes(public[MLKEM_PUBLIC:]))
        SUITE.encrypt(bytes(32), both, b"mash/1 trial")
    except ValueError:
        message = "an encryption key is malformed or of low order"
        raise VerificationError(message) from None
    return SealingKey(kid_of(KeyType.xwing, public), both)


@cache
def verifying_key(public: bytes) -> Ed25519PublicKey:
    """Load an Ed25519 public key; VerificationError unless canonical and of exactly prime order.

    The library accepts small- and mixed-order points, for which one constant signature verifies any message.
    """
    point = _decompress(public)
    if point is None or _is_identity(point) or not _is_identity(_times(L, point)):
        message = "an Ed25519 key is not canonical or not of prime order"
        raise VerificationError(message)
    return Ed25519PublicKey.from_public_bytes(public)


def verifies(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether an Ed25519 signature holds under a checked key."""
    try:
        verifying_key(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _decompress(public: bytes) -> Point | None:
    """RFC 8032 §5.1.3, refusing y ≥ p and x = 0 with the sign bit."""
    if len(public) != 32:  # noqa: PLR2004 - RFC 8032 §5.1.5's length
        return None
    number = int.from_bytes(public, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _add(p: Point, q: Point) -> Point:
    """RFC 8032 §5.1.4."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(scalar: int, point: Point) -> Point:
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = _add(total, point)
        point = _add(point, point)
        scalar >>= 1
    return total


def _is_identity(point: Point) -> bool:
    return point[0] % P == 0 and (point[1] - point[2]) % P == 0
