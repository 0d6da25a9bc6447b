"""In which form a rule may cite its law, so that a reader can look it up and a slip of the pen is no law."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator

from schemas.record import ShortText

FORMS: Final = (  # name, as it is told, and how the citation begins
    ("an Act, with its section", r"[A-Z][A-Za-z,' ]* Act( \d{4})?,? (Pt |ss?\.|Sch\. |Art\. )"),
    ("UK GDPR, with its article", r"UK GDPR (Arts? |Art\. |Annex )\d"),
    ("a case, with its neutral citation", r"[A-Z][A-Za-z,' ]* v [A-Z][A-Za-z,' ]* \[\d{4}\] [A-Z]+ \d+"),
    ("a code or an order of the courts' own law", r"(ICO Data Sharing Code|Legal professional privilege|Common-law |Police common-law )"),
    (
        "guidance of the government, by its title",
        r"(Working Together to Safeguard Children|DfE Information sharing: advice for practitioners) ",
    ),
    ("Express statutory override …", r"Express statutory override "),
    ("No statutory power needed: …", r"No statutory power needed: "),
    ("… (… is to be named by a lawyer)", r"[A-Z].* is to be named by a lawyer\)\Z"),
    ("Safeguard of this software, not a rule of law", r"Safeguard of this software, not a rule of law\Z"),
)
_ALLOWED: Final = re.compile("|".join(f"(?:{pattern})" for _, pattern in FORMS))


def known_form(citation: str) -> str:
    """Refuse, with ValueError naming every form, a citation that nobody could look up."""
    if _ALLOWED.match(citation) is None:
        raise ValueError("is no known form of citation; allowed: " + "; ".join(name for name, _ in FORMS))
    return citation


Citation = Annotated[ShortText, AfterValidator(known_form)]
