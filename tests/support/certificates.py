"""A certificate authority for one test run, and what it signs."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """PEM files: `server` holds key and certificate; each client is (certificate, key)."""

    ca: Path
    server: Path
    client: tuple[Path, Path]
    stranger: tuple[Path, Path]  # signed by nobody the server knows

    @classmethod
    def at(cls, folder: Path) -> Certificates:
        """Those that were made in `folder`."""
        client, stranger = ((folder / f"{name}.pem", folder / f"{name}.key") for name in ("client", "stranger"))
        return cls(ca=folder / "ca.pem", server=folder / "server.pem", client=client, stranger=stranger)

    @classmethod
    def make(cls, folder: Path) -> Certificates:
        """Make them all in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        made = cls.at(folder)
        key, authority = _authority("test authority")
        other_key, other = _authority("another authority")
        made.ca.write_bytes(_pem(authority))
        server_key, server = _signed("localhost", key, authority, ExtendedKeyUsageOID.SERVER_AUTH)
        made.server.write_bytes(_key_pem(server_key) + _pem(server))
        _write(made.client, *_signed("hub", key, authority, ExtendedKeyUsageOID.CLIENT_AUTH))
        _write(made.stranger, *_signed("hub", other_key, other, ExtendedKeyUsageOID.CLIENT_AUTH))
        return made


def _authority(name):
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = _builder(name, _name(name), key).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return key, builder.add_extension(usage, critical=True).sign(key, hashes.SHA256())


def _signed(name, issuer_key, issuer, usage):
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = (
        _builder(name, issuer.subject, key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    return key, builder.sign(issuer_key, hashes.SHA256())


def _builder(name, issuer_name, key):
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer_name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _write(paths, key, certificate):
    paths[0].write_bytes(_pem(certificate))
    paths[1].write_bytes(_key_pem(key))


def _pem(certificate):
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key):
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
