"""Write the lock files `schemas/avro/*.avsc`: `python -m schemas.lock`. A released file is never edited; a change is a new number."""

from __future__ import annotations

import json
from pathlib import Path

from schemas.codec import RELEASED
from schemas.derive import schema_of


def text_of(record: type) -> str:
    """The lock file's text."""
    return json.dumps(schema_of(record), indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write every lock file that is missing or different."""
    folder = Path(__file__).parent / "avro"
    for record in RELEASED:
        (folder / f"{record.__name__}.1.avsc").write_text(text_of(record), encoding="utf-8")


if __name__ == "__main__":
    main()
