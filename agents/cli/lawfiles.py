"""The law and category table that `mash policy` works on: a folder's own, and the shipped ones for what it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from broker.packfiles import draft_texts
from broker.settings import read_text
from policies.categories import Categories
from policies.law import Law
from policies.located import Located, read_once
from policies.pack import CATEGORIES, CONTROLLER, laid_over, shipped
from schemas.errors import ConfigurationError, Fault

BARE: Final = 'party = "agency.check"\nkind = "police"\nversion = "check"\n'  # where a folder holds law and categories only


def law_and_categories(pack: Path | None, categories: Path | None) -> tuple[Located[Law], Located[Categories]]:
    """The law and the category table of a run, every fault of both at once."""
    texts = pack_files(pack)
    name = next(each for each in texts if each.startswith("law/"))
    table = (str(categories), read_text(categories)) if categories is not None else (CATEGORIES, texts[CATEGORIES])
    faults: list[Fault] = []
    read_law = read_table = None
    try:
        read_law = read_once(texts[name], name, Law)
    except ConfigurationError as error:
        faults.extend(error.faults)
    try:
        read_table = read_once(table[1], table[0], Categories)
    except ConfigurationError as error:
        faults.extend(error.faults)
    if read_law is None or read_table is None:
        raise ConfigurationError(faults)
    return read_law, read_table


def pack_files(folder: Path | None) -> dict[str, str]:
    """The texts of a pack: a folder's own, and for what it lacks the shipped ones and a bare controller."""
    usual = {CONTROLLER: BARE} | shipped()
    return usual if folder is None else laid_over(usual, draft_texts(str(folder)))
