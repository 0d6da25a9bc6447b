"""TOML faults name file, line, key and what is allowed, all at once, never a value; hostile text costs bounded time."""

from __future__ import annotations

import pytest
from policy_support import POLICE, TRUST, files_for

from broker.settings import read_text
from policies import located
from policies.citation import FORMS
from policies.located import MAX_DEPTH, MAX_FAULTS, MAX_TEXT, Table, parse
from policies.pack import load_pack, shipped
from schemas.errors import ConfigurationError


class Inner(Table):
    size: int = 0


class Example(Table):
    name: str = ""
    inner: tuple[Inner, ...] = ()
    one: Inner = Inner()


def faults_of(text: str, model: type[Table] = Example):
    with pytest.raises(ConfigurationError) as caught:
        parse(text, "party.toml", model)
    return caught.value.faults


def pack_faults(**texts: str):
    files = files_for(TRUST)
    for name, text in texts.items():
        files[
            {"law": "law/england.toml", "categories": "categories.toml", "agreement": "agreements/borough.toml"}.get(name, f"{name}.toml")
        ] = text
    with pytest.raises(ConfigurationError) as caught:
        load_pack(files)
    return caught.value.faults


def test_every_fault_at_once_each_on_its_line() -> None:
    found = faults_of('name = 1\n\n[one]\nsize = "x"\ncolour = 2\n\n[[inner]]\nsize = 1\n\n[[inner]]\nsize = []\nweight = 3\n')
    assert [(each.line, each.field) for each in found] == [
        (1, "name"),
        (11, "inner.1.size"),
        (12, "inner.1.weight"),
        (4, "one.size"),
        (5, "one.colour"),
    ]


def test_an_unknown_key_names_the_allowed_ones() -> None:
    (fault,) = faults_of("[[inner]]\ncolour = 1\n")
    assert (fault.file, fault.line, fault.field, fault.fix) == ("party.toml", 2, "inner.0.colour", "allowed: size")
    assert str(fault) == "party.toml:2 [inner.0.colour]: is not a known key (allowed: size)"


def test_a_value_outside_a_vocabulary_names_the_allowed_ones_and_never_unknown() -> None:
    law = shipped()["law/england.toml"]
    line = law[: law.index('stages = ["s47"]')].count("\n") + 1
    (fault,) = pack_faults(law=law.replace('stages = ["s47"]', 'stages = ["s48"]', 1))
    assert (fault.file, fault.line, fault.message) == ("law/england.toml", line, "is not one of the allowed values")
    assert fault.fix == "allowed: screening, early_help, s17, s47, emergency"
    (unsaid,) = pack_faults(law=law.replace('stages = ["s47"]', 'stages = ["unknown"]', 1))
    assert (unsaid.line, unsaid.message) == (line, "is not a known symbol")


def test_an_unknown_key_of_a_rule_names_file_line_and_allowed_keys() -> None:
    law = shipped()["law/england.toml"].replace("requires = [", "require = [", 1)
    (fault,) = pack_faults(law=law)
    assert fault.line == law[: law.index("require = [")].count("\n") + 1
    assert fault.field == "rule.0.require"
    assert "requires" in fault.fix


@pytest.mark.parametrize("day", ["20260930", '"2026-09-30"', "2026-09-30T00:00:00Z", "true"])
def test_what_is_no_day_names_file_line_key_and_how_a_day_is_written(day) -> None:
    law = shipped()["law/england.toml"].replace("from = 2013-03-13", f"from = {day}", 1)
    (fault,) = pack_faults(law=law)
    assert (fault.file, fault.line, fault.field) == (
        "law/england.toml",
        law[: law.index(f"from = {day}")].count("\n") + 1,
        "rule.0.in_force.from",
    )
    assert (fault.message, fault.fix) == ("is no day", "allowed: a day such as 2026-09-30, in TOML without quotes")


@pytest.mark.parametrize(
    "citation", ["Kids Act", "Children Act 1989", "UK GDPR", "s.47(9)", "AB v CD", "Safeguard of this software, not a rule of law\\n"]
)
def test_a_citation_in_no_known_form_names_file_line_key_and_the_forms(citation) -> None:
    law = shipped()["law/england.toml"].replace('"Children Act 1989 s.47(1)"', f'"{citation}"', 1)
    (fault,) = pack_faults(law=law)
    assert (fault.line, fault.field) == (law[: law.index(f'"{citation}"')].count("\n") + 1, "rule.18.citation")
    assert fault.message == "is no known form of citation"
    assert fault.fix == "allowed: " + "; ".join(name for name, _ in FORMS)


def test_intelligence_that_would_go_by_itself_is_a_fault() -> None:
    table = shipped()["categories.toml"]
    at = table.index("automatic = false", table.index('id = "pol.intelligence"'))
    (fault,) = pack_faults(categories=table[:at] + "automatic = true" + table[at + len("automatic = false") :])
    assert fault.message == "intelligence is never released automatically"
    assert fault.line == table[:at].count("\n") + 1


def test_a_missing_key_points_at_its_table() -> None:
    law = shipped()["law/england.toml"].replace('id = "asked.haringey"\n', "", 1)
    (fault,) = pack_faults(law=law)
    assert (fault.line, fault.field, fault.message) == (law[: law.index("[[rule]]")].count("\n") + 1, "rule.0.id", "is missing")


@pytest.mark.parametrize(
    "text",
    [
        'name = "Secretive Synthetic"\nname = "Secretive Synthetic"\n',
        'name = "Secretive Synthetic\n',
        'one = "Secretive Synthetic"\n',
        'inner = ["Secretive Synthetic"]\n',
        '[one]\nsize = "Secretive Synthetic"\n',
        "one = { size = 2026-13-41 }\n",
        "name = 'Secretive Synthetic' 'x'\n",
    ],
)
def test_no_value_is_ever_quoted(text) -> None:
    assert "Secretive" not in str(ConfigurationError(faults_of(text)))


def test_a_syntax_fault_names_its_line() -> None:
    found = faults_of('name = "a"\n\n[one\nsize = 1\n')
    assert {each.line for each in found} <= {3, 4}


def test_a_key_given_twice_is_refused() -> None:
    (fault,) = faults_of("name = 'a'\nname = 'b'\n")
    assert "not TOML" in fault.message


def test_comments_quoted_and_dotted_keys_keep_their_lines() -> None:
    found = faults_of('# a comment\n"name" = 1 # after\none.size = "x"\n"o\\u006ee".wide = 1\n')
    assert [(each.line, each.field) for each in found] == [(2, "name"), (3, "one.size"), (4, "one.wide")]


def test_the_faults_told_have_an_end() -> None:
    assert len(faults_of("\n".join(f"k{at} = 1" for at in range(MAX_FAULTS + 50)))) == MAX_FAULTS


A_KEY = ".".join("a" * 30)  # as deep as a key may be, nearly
HOSTILE = {
    "10MB": ("a = 1\n" * 1_700_000, "longer than"),
    "dotted40kB": ("a." * 20_000 + "a = 1\n", "key longer than"),
    "dotted1MB": ("a." * (MAX_TEXT // 2 - 10) + "a = 1\n", "key longer than"),
    "quoted40kB": ('"' + "a" * 20_000 + '".' + '"' + "a" * 20_000 + '" = 1\n', "key longer than"),
    "dots33": (".".join("a" * 34) + " = 1\n", "nested deeper than"),
    "header33": ("[" + ".".join("a" * 34) + "]\n", "nested deeper than"),
    "dots within braces": ("x = {" + f"{A_KEY} = {{" * 30 + "a = 1" + "}" * 31 + "\n", "nested deeper than"),
    "dots within a table": (f"[{A_KEY}]\n" + f"{A_KEY} = 1\n", "nested deeper than"),
    "arrays": ("name = " + "[" * 500_000 + "]" * 500_000, "nested deeper than"),
    "arrays33": ("name = " + "[" * 33 + "]" * 33, "nested deeper than"),
    "tables": ("name = " + "{a = " * 100_000 + "1" + "}" * 100_000, "nested deeper than"),
    "open": ("name = " + "[" * 1_000_000, "not TOML"),
    "garbage": ('=[{]}"' * 170_000, "not TOML"),
    "headers": ("[a\n" * 340_000, "not TOML"),
    "nul": ("\x00" * 1_000_000, "not TOML"),
    "surrogate": ('name = "\ud800"', "not Unicode"),
}


@pytest.mark.proves("I19")
@pytest.mark.parametrize(("text", "said"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_refused_before_anything_unbounded_sees_it(text, said, monkeypatch) -> None:
    visited = []
    walk = located._nodes
    monkeypatch.setattr(located, "_nodes", lambda root: (visited.append(1) or each for each in walk(root)))
    monkeypatch.setattr(located.tomllib, "loads", lambda _: pytest.fail("tomllib was shown it"))
    if len(text) > MAX_TEXT:
        monkeypatch.setattr(located, "_PARSER", None)  # not even the parser may be
    assert said in str(ConfigurationError(faults_of(text)))
    assert len(visited) <= 2 * len(text) + 2  # each node at most once: a tree has no more of them than its text has marks


@pytest.mark.proves("I19")
@pytest.mark.parametrize(
    "text",
    [
        f"[{A_KEY}]\n" + "".join(f"k{at} = 1\n" for at in range(5_000)),
        "".join(f"{A_KEY}.k{at} = 1\n" for at in range(2_000)),
        "[[inner]]\n" * 20_000,
        "inner = [" + "{}," * 20_000 + "]\n",
    ],
    ids=["one deep table", "many deep keys", "tables", "inline tables"],
)
def test_what_is_kept_of_a_legal_text_grows_with_its_keys_and_no_faster(text) -> None:
    lines = located._lines(located._tree(text, "party.toml"), "party.toml")
    assert len(lines) <= text.count("=") + text.count("[") + text.count("{") + 40
    assert max(map(len, lines)) <= MAX_DEPTH + 1


def test_a_number_of_a_hundred_thousand_digits_is_refused() -> None:
    assert "not TOML" in str(ConfigurationError(faults_of("name = " + "9" * 100_000)))


def test_no_more_of_a_file_is_read_than_it_may_hold(tmp_path, monkeypatch) -> None:
    path = tmp_path / "big.toml"
    path.write_text("# a comment\n" * 900_000)
    monkeypatch.setattr(located, "_PARSER", None)
    with pytest.raises(ConfigurationError, match="longer than"):
        read_text(path)
    path.write_text("#" * MAX_TEXT)
    assert len(read_text(path)) == MAX_TEXT


def test_a_legal_depth_is_read() -> None:
    (fault,) = faults_of("name = " + "[" * 32 + "]" * 32)
    assert fault.message == "Input should be a valid string"


def test_a_pack_of_each_party_reads() -> None:
    assert load_pack(files_for(TRUST)).law_digest == load_pack(files_for(POLICE)).law_digest


def test_a_byte_order_mark_is_named_as_what_it_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse("\ufeffid = 1\n", "marked.toml", Table)
    (fault,) = caught.value.faults
    assert (fault.line, fault.message, fault.fix) == (1, "begins with a byte order mark", "save it as UTF-8 without BOM")
