"""The one tree of errors. `str()` of any of them is safe to log: it never holds personal data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class SharingError(Exception):
    """The broker could not do its job; an expected "no" is a value, never one of these."""

    code: ClassVar[str] = "sharing-error"


class MalformedRecordError(SharingError):
    """Bytes that do not say what they should: quarantine them and tell the sender."""

    code = "malformed-record"


class UnknownSchemaError(MalformedRecordError):
    """No released schema has this fingerprint."""

    code = "unknown-schema"


class OversizeRecordError(MalformedRecordError):
    """More bytes, items or depth than a limit allows."""

    code = "oversize-record"


class VerificationError(SharingError):
    """What was said cannot be believed: quarantine it and alert."""

    code = "verification-failed"


class UntrustedSenderError(VerificationError):
    """Who says it is not listed, not valid now, or may not say this here."""

    code = "untrusted-sender"


class TamperedEnvelopeError(VerificationError):
    """A signature, commitment or decryption failed; which one is not told (they read the same from outside)."""

    code = "tampered-envelope"


class InconsistentLogError(VerificationError):
    """An access log is not what its signed checkpoint says."""

    code = "inconsistent-log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong with an input, where it stands and what to do about it."""

    file: str
    line: int | None = None
    field: str = ""
    message: str
    fix: str = ""

    def __str__(self) -> str:
        """One line for a terminal: file, line, field, message, cure."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        named = f" [{self.field}]" if self.field else ""
        cure = f" ({self.fix})" if self.fix else ""
        return f"{place}{named}: {self.message}{cure}"


class ConfigurationError(SharingError):
    """Settings, keys or files that cannot be used; it lists every fault at once."""

    code = "configuration-refused"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """`faults`: at least one."""
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)

    def __reduce__(self) -> tuple[type[ConfigurationError], tuple[tuple[Fault, ...]]]:
        """With its faults, from one process to another."""
        return type(self), (self.faults,)


class TransientError(SharingError):
    """Not now: retry, and do not advance the position."""

    code = "unavailable"


class TransportUnavailableError(TransientError):
    """The transport did not answer; a publication that raises it is *unknown*, never failed."""

    code = "transport-unavailable"


class TransportExhaustedError(SharingError):
    """The transport failed again and again, or stands still: end the process with an exit code, and let it be started anew."""

    code = "transport-exhausted"


class StoreUnavailableError(TransientError):
    """The store could not finish a transaction (locked, dead-locked, gone)."""

    code = "store-unavailable"


class SourceUnavailableError(TransientError):
    """An agency's own system did not answer."""

    code = "source-unavailable"
