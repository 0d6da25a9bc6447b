"""Only the category's fields, only within bounds, with what must be cut from free text cut."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import date

import pytest
from policy_support import TRUST, pack_for

from policies.categories import Category, Redaction
from policies.minimise import MAX_VALUE, minimise, redact
from schemas.enums import Assertion, Handling
from schemas.identifiers import Slug

EVERY = tuple(Redaction)


@dataclass(frozen=True)
class Held:
    at: date | None
    fields: tuple[tuple[Slug, str], ...]
    assertion: str = "fact"


def category(name: str) -> Category:
    return next(each for each in pack_for(TRUST).categories.categories if each.id == name)


def row(at: date | None = date(2026, 6, 1), assertion: str = "fact", **fields: str) -> Held:
    return Held(at, tuple((Slug(name), value) for name, value in fields.items()), assertion)


def minimal(name: str, *rows: Held):
    return minimise(category(name), rows, since=date(2025, 11, 24), until=date(2026, 11, 24), relation_to_child="self")


def test_only_the_categorys_fields_in_its_order() -> None:
    (item,) = minimal("acute.ed_attendances", row(disposal="home", consultant="Dr Synthetic", diagnosis="bruising"))
    assert [(each.name, each.value) for each in item.fields] == [("diagnosis", "bruising"), ("disposal", "home")]
    assert (item.assertion, item.relation_to_child, item.handling) == (Assertion.fact, "self", Handling.onward_with_owner_release)


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (date(2025, 11, 23), 0),
        (date(2025, 11, 24), 1),
        (date(2026, 11, 24), 1),
        (date(2026, 11, 25), 0),
        (None, 1),  # nothing says that it is out of bounds, and silence about it could mislead
    ],
)
def test_both_ends_of_the_span_are_in(at, kept) -> None:
    assert len(minimal("acute.ed_attendances", row(at, diagnosis="bruising"))) == kept


def test_no_span_reaches_past_the_categorys_look_back() -> None:
    rows = [row(date(2023, 11, 23), diagnosis="old"), row(date(2023, 11, 24), diagnosis="in")]
    items = minimise(category("acute.ed_attendances"), rows, since=date(1990, 1, 1), until=date(2026, 11, 24), relation_to_child="self")
    assert [item.fields[0].value for item in items] == ["in"]


def test_a_row_with_nothing_to_say_is_no_item() -> None:
    assert minimal("acute.ed_attendances", row(diagnosis="  ", consultant="Dr Synthetic")) == ()


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("seen at 12 Acacia Avenue today", Redaction.address, "seen at [address removed] today"),
        ("Flat 3, 221b Baker Street", Redaction.address, "[address removed]"),
        ("moved to SW1A 1AA last week", Redaction.postcode, "moved to [postcode removed] last week"),
        ("moved to m1 1ae", Redaction.postcode, "moved to [postcode removed]"),
        ("ring 020 7946 0000 or 07700 900123", Redaction.phone, "ring [phone removed] or [phone removed]"),
        ("ring +44 (0)20 7946 0000", Redaction.phone, "ring [phone removed]"),
        ("write to a.b@example.org.uk.", Redaction.email, "write to [email removed]."),
        ("NHS 999 000 0018 seen", Redaction.nhs_number, "NHS [nhs number removed] seen"),
        ("NHS 9990000018", Redaction.nhs_number, "NHS [nhs number removed]"),
        ("NHS 999.000.0018", Redaction.nhs_number, "NHS [nhs number removed]"),
        ("NHS 999\u00a0000\u00a00018", Redaction.nhs_number, "NHS [nhs number removed]"),
        ("moved to AB1-2CD", Redaction.postcode, "moved to [postcode removed]"),
        ("moved to AB1   2CD", Redaction.postcode, "moved to [postcode removed]"),
        ("aged 12, three bruises, 2 cm", Redaction.address, "aged 12, three bruises, 2 cm"),
        ("on 12 06 2026 at 1200", Redaction.phone, "on 12 06 2026 at 1200"),
    ],
)
def test_what_is_cut(text, kind, said) -> None:
    assert redact(text, [kind]) == said
    assert redact(text, []) == text
    assert redact(text, EVERY).count("removed") == said.count("removed")


def test_free_text_is_cut_and_structured_fields_are_not() -> None:
    (item,) = minimal("acute.ed_attendances", row(presenting_complaint="fell at 12 Acacia Avenue", disposal="12 Acacia Avenue"))
    assert [each.value for each in item.fields] == ["fell at [address removed]", "12 Acacia Avenue"]


def test_a_long_value_is_cut_and_says_so() -> None:
    (item,) = minimal("acute.ed_attendances", row(diagnosis="x" * (MAX_VALUE + 1)))
    assert len(item.fields[0].value) == MAX_VALUE
    assert item.fields[0].value.endswith("[cut here]")


@pytest.mark.parametrize("assertion", ["unknown", "gossip"])
def test_a_statement_of_no_known_kind_is_refused(assertion) -> None:
    with pytest.raises(ValueError, match=r"symbol|valid"):
        minimal("acute.ed_attendances", row(diagnosis="bruising", assertion=assertion))


@pytest.mark.parametrize("hostile", ["1 " * 20000, "a." * 20000, "07" * 20000, "a@" * 20000, "1 A " * 10000, "(" * 40000, "flat 1 " * 8000])
def test_hostile_text_costs_bounded_time(hostile) -> None:
    began = time.perf_counter()
    redact(hostile, EVERY)
    assert time.perf_counter() - began < 5
