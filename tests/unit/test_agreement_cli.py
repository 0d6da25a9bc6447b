"""`mash policy agreement`: new asks, checks every answer and writes one valid file; show gives it as people read it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from datetime import date
from html.parser import HTMLParser
from importlib.resources import files as resources

import pytest
from policy_support import TRUST, agreement_text, processing_text
from small_borough import SmallBorough
from typer.testing import CliRunner

from agents.cli import agreement as commands
from agents.cli.agreement_questions import World, questions
from agents.cli.agreement_sheet import agreement_sheet, sheet_lines
from agents.cli.app import app
from agents.demo.agreement import PLACE
from policies.agreements import Agreement, digest_of_agreement
from policies.categories import Categories
from policies.headings import headings
from policies.law import Law
from policies.located import parse
from policies.pack import shipped

EXAMPLE = resources("policies").joinpath("agreements", "example.toml").read_text(encoding="utf-8")
FILES = shipped()
LAW, TABLE = parse(FILES["law/england.toml"], "england.toml", Law), parse(FILES["categories.toml"], "categories.toml", Categories)
AGREED = parse(EXAMPLE, "example.toml", Agreement)
WORDS = "Synthetic words that say enough of it."


def mash(*words, said=None):
    return CliRunner().invoke(app, ["policy", "agreement", *map(str, words)], input=said)


def faults(done):
    assert done.exit_code == 3, done.output
    return {each["field"]: each for each in json.loads(done.stderr)["error"]["faults"]}


@pytest.fixture
def example(tmp_path):
    file = tmp_path / "answers.toml"
    file.write_text(EXAMPLE, encoding="utf-8")
    return file


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(commands, "on_terminal", lambda: True)


# -------------------------------------------------------------------------------------------------------- new, from a file


def test_answers_from_a_file_and_by_option_make_one_valid_agreement(example, tmp_path):
    out = tmp_path / "pack" / "agreements" / "borough.toml"
    done = mash("new", out, "--answers", example, "--answer", "version=2.0", "--answer", "supplies.agency.police=pol.*", "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    made = parse(out.read_text(encoding="utf-8"), "made.toml", Agreement)
    police = frozenset(each for each in AGREED.categories if each.startswith("pol."))
    assert made == AGREED.model_copy(update={"version": "2.0", "supplies": {**AGREED.supplies, "agency.police": police}})
    digest = str(digest_of_agreement(out.read_text(encoding="utf-8")))
    assert json.loads(done.stdout) == {"agreement": str(out), "id": "borough-mash", "version": "2.0", "digest": digest}
    assert [each.name for each in out.parent.iterdir()] == ["borough.toml"]


def test_a_file_that_exists_is_never_written_over(example, tmp_path):
    out = tmp_path / "borough.toml"
    out.write_text("signed", encoding="utf-8")
    done = mash("new", out, "--answers", example, "--json")
    assert "exists already" in json.loads(done.stderr)["error"]["message"]
    assert (done.exit_code, out.read_text(encoding="utf-8")) == (3, "signed")


def test_nor_is_one_that_appears_while_the_questions_are_answered(example, tmp_path, monkeypatch):
    out = tmp_path / "borough.toml"
    monkeypatch.setattr(commands, "interview", lambda *_: out.write_text("another's") and AGREED.model_dump(by_alias=True))
    done = mash("new", out, "--answers", example)
    assert (done.exit_code, out.read_text()) == (3, "another's")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["answers.toml", "borough.toml"]


def test_without_a_terminal_every_answer_that_is_missing_is_told_at_once_with_its_question(example, tmp_path):
    text = "\n".join(line for line in EXAMPLE.split("\n") if not line.startswith(("title", "breach", "review_by", "standard")))
    example.write_text(text, encoding="utf-8")
    told = faults(mash("new", tmp_path / "new.toml", "--answers", example, "--json"))
    assert set(told) == {
        *("title", "terms.governance.breach", "review_by"),
        *("retention.by_class.standard.days", "retention.by_class.standard.counted_from"),
    }
    assert {each["message"] for each in told.values()} == {"is not answered"}
    assert told["terms.governance.breach"]["fix"].startswith("Breach. Who tells whom")
    assert text.split("\n")[told["terms.governance.breach"]["line"] - 1] == "[terms.governance]"
    assert not (tmp_path / "new.toml").exists()


@pytest.mark.parametrize(
    ("old", "new", "field", "message"),
    [
        ('id = "borough-mash"', 'id = "Borough MASH"', "id", "Slug must be"),
        ('"agency.trust"]', '"the trust"]', "parties", "PartyId must be"),
        ('"safeguarding", "promoting_welfare"', '"fishing"', "purposes", "Input should be"),
        ('"pol.custody"', '"pol.cust"', "categories", "not in the category table: pol.cust"),
        ('"ca1989.s27"', '"ca1989.s99"', "basis", "not in the law: ca1989.s99"),
        ('bound_to_secrecy = ["hub.borough"', 'bound_to_secrecy = ["hub.other"', "bound_to_secrecy", "not among the parties: hub.other"),
        ("until = 2027-12-31", "until = 2025-12-31", "in_force.until", "is before 2026-01-01, when it begins"),
        ("review_by = 2027-06-30", "review_by = 2025-06-30", "review_by", "is before 2026-01-01, when it begins"),
        ('name = "joined-record"', 'name = "asking-and-answering"', "processing.1.name", "earlier processing"),
        ("joint = [", 'joint = ["hub.borough"] # [', "processing.1.joint", "nobody decides jointly alone"),
        ('controllers = ["hub.borough"', 'controllers = ["hub.other"', "processing.0.controllers", "hub.other"),
        ("days = 90", "days = 0", "retention.by_class.standard.days", "greater than or equal to 1"),
        ('quality = "', 'quality = "" # "', "terms.governance.quality", "at least 20 characters"),
        ('"agency.trust" = ["acute.ed_attendances"', '"agency.trust" = ["pol.cust"', "supplies.agency.trust", "not agreed"),
        ('title = "', 'titel = "X"\ntitle = "', "titel", "answers no question"),
        ('counted_from = "the', 'weeks = 3, counted_from = "the', "retention.by_class.standard.weeks", "answers no question"),
    ],
)
def test_an_answer_that_is_wrong_is_told_with_its_line_and_nothing_is_written(example, tmp_path, old, new, field, message):
    text = EXAMPLE.replace(old, new, 1)
    example.write_text(text, encoding="utf-8")
    told = faults(mash("new", tmp_path / "new.toml", "--answers", example, "--json"))
    assert message in told[field]["message"]
    assert (told[field]["file"], told[field]["line"] > 1) == (str(example), True)
    assert not (tmp_path / "new.toml").exists()


@pytest.mark.parametrize(
    ("option", "field", "message"),
    [
        ("version", "version", "is not KEY=VALUE"),
        ("=2.0", "", "is not KEY=VALUE"),
        ("versoin=2.0", "versoin", "answers no question"),
        ("parties=hub.borough", "parties", "at least 2 items"),
        ("review_by=1798761600", "review_by", "is no day: write it as YYYY-MM-DD"),
        ("review_by=20270630", "review_by", "valid date"),
        ("review_by=next year", "review_by", "valid date"),
        ("processing.9.joint=hub.borough", "processing.2.name", "is not answered"),
    ],
)
def test_an_option_that_is_wrong_is_told_by_its_key(example, tmp_path, option, field, message):
    told = faults(mash("new", tmp_path / "new.toml", "--answers", example, "--answer", option, "--json"))
    assert message in told[field]["message"]


def test_what_the_law_or_category_table_of_a_draft_lacks_is_no_answer(example, tmp_path):
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft/categories.toml").write_text(FILES["categories.toml"].replace("pol.custody", "pol.detention"), encoding="utf-8")
    told = faults(mash("new", tmp_path / "new.toml", "--answers", example, "--pack", tmp_path / "draft", "--json"))
    assert told["categories"]["message"] == "not in the category table: pol.custody"


# ------------------------------------------------------------------------------------------------ new, on a terminal


def dialogue(*, processor=False):
    """What somebody types: one controller processing, and a second for a host that is a processor where there is one."""
    parties = "hub.borough, agency.police" + (", agency.host" if processor else "")
    roles = ["hub.borough, agency.police", "", *(["agency.host", "Hosting of 2026"] if processor else [""])]
    prose = [WORDS] * 15 + [""]
    head = ["mash-1", "A title", "1.0", parties, "safeguarding", "hub.concern, pol.custody", "ca1989.s47-9", "hub.borough"]
    dates, kept = ["2026-01-01", "", "2027-01-01"], ["90", "the decision"]
    return [*head, *dates, "sharing", WORDS, "", *roles, *kept, *prose, "pol.custody"]  # a processor is not asked what it supplies


def test_a_terminal_is_asked_and_the_file_holds_what_was_answered(tmp_path, terminal):
    out = tmp_path / "new.toml"
    done = mash("new", out, "--json", said="\n".join(dialogue()) + "\n")
    assert done.exit_code == 0, done.stderr
    made = parse(out.read_text(encoding="utf-8"), "new.toml", Agreement)
    assert made.supplies == {"agency.police": {"pol.custody"}}
    assert (made.in_force.until, made.review_by) == (None, date(2027, 1, 1))
    assert json.loads(done.stdout)["id"] == "mash-1"


def test_a_wrong_answer_is_asked_again_with_what_was_wrong_and_the_dialogue_goes_on(tmp_path, terminal):
    said = dialogue(processor=True)
    said[0:0] = ["Not A Slug", "   "]
    said.insert(said.index("hub.borough, agency.police, agency.host"), "hub.borough")
    at = said.index("2027-01-01")
    said.insert(at, "2025-01-01")
    done = mash("new", tmp_path / "new.toml", said="\n".join(said) + "\n")
    assert done.exit_code == 0, done.stderr
    for told in ("Slug must be", "at least 2 items", "is before 2026-01-01, when it begins"):
        assert told in done.stderr
    made = parse((tmp_path / "new.toml").read_text(encoding="utf-8"), "new.toml", Agreement)
    assert made.processings[0].processors == {"agency.host"}
    assert made.processings[0].contract == "Hosting of 2026"


def test_every_party_is_given_a_capacity_before_it_is_over(tmp_path, terminal):
    said = dialogue()
    at = said.index("sharing")
    said[at : at + 6] = ["asking", WORDS, "", "hub.borough", "", ""]
    said[at + 6 : at + 6] = ["answering", WORDS, "pol.*", "", "", "agency.police", "hub.borough, agency.police", "Ours of 2026", ""]
    done = mash("new", tmp_path / "new.toml", said="\n".join(said) + "\n")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.count("nobody decides jointly alone") == 2
    made = parse((tmp_path / "new.toml").read_text(encoding="utf-8"), "new.toml", Agreement)
    assert [(each.name, sorted(each.in_own_name)) for each in made.processings] == [
        ("asking", ["hub.borough"]),
        ("answering", ["agency.police", "hub.borough"]),
    ]
    assert made.processings[1].arrangement == "Ours of 2026"
    assert made.processings[1].categories == {"pol.custody"}


def test_only_what_was_not_given_is_asked(example, tmp_path, terminal):
    example.write_text(EXAMPLE.replace('version = "1.0"\n', "", 1), encoding="utf-8")
    done = mash("new", tmp_path / "new.toml", "--answers", example, said="3.0\n")
    assert done.exit_code == 0, done.stderr
    assert done.stderr == "\nWhich version is it?\n"
    assert parse((tmp_path / "new.toml").read_text(encoding="utf-8"), "new.toml", Agreement) == AGREED.model_copy(update={"version": "3.0"})


def test_a_given_answer_that_is_wrong_is_told_before_anything_is_asked(tmp_path, terminal):
    done = mash("new", tmp_path / "new.toml", "--answer", "id=No Slug", "--json", said="x\n")
    assert set(faults(done)) == {"id"}
    assert "What is it called" not in done.stderr


def test_whoever_goes_away_leaves_no_file(tmp_path, terminal):
    done = mash("new", tmp_path / "new.toml", said="mash-1\nA title\n")
    assert done.exit_code == 130
    assert "nothing is written" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_directory_suggests_parties_with_their_kinds_and_what_each_may_supply(tmp_path, terminal):
    borough = SmallBorough(tmp_path / "net")
    borough.close()
    directory = tmp_path / "net/hub/directory.avro"
    said = [
        "mash-1",
        "A title",
        "1.0",
        "*",
        "safeguarding",
        "hub.concern, pol.custody, acute.*",
        "ca1989.s47-9",
        "",
        "2026-01-01",
        "",
        "2027-01-01",
    ]
    said += ["sharing", WORDS, "", "*", "", "", "90", "the decision", *[WORDS] * 15, "", "?", "*", "*"]
    done = mash("new", tmp_path / "new.toml", "--directory", directory, said="\n".join(said) + "\n")
    assert done.exit_code == 0, done.stderr
    assert "agency.police  Borough Police (synthetic), police" in done.stderr
    made = parse((tmp_path / "new.toml").read_text(encoding="utf-8"), "new.toml", Agreement)
    assert made.parties == {"hub.borough", "agency.police", "agency.trust"}
    assert made.supplies == {"agency.police": {"pol.custody"}, "agency.trust": {"acute.ed_attendances", "acute.injury_admissions"}}
    for path in (tmp_path / "net/hub/snapshot.avro", tmp_path / "net/root.toml"):
        assert mash("new", tmp_path / "other.toml", "--directory", path).exit_code == 3


def test_a_long_list_of_suggestions_is_shown_whole_when_asked(tmp_path, terminal):
    said = ["mash-1", "A title", "1.0", "hub.borough, agency.police", "safeguarding", "?"]
    done = mash("new", tmp_path / "new.toml", said="\n".join(said) + "\n")
    assert "? shows all 70" in done.stderr
    assert all(f"  {each.id}  " in done.stderr for each in TABLE.categories)


def test_a_real_terminal_is_asked(tmp_path):
    out = tmp_path / "new.toml"
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "agents.cli", "policy", "agreement", "new", str(out), "--json"]
    program = "import sys; from agents.cli import main; sys.argv = ['mash', *sys.argv[4:]]; main()"
    with subprocess.Popen([sys.executable, "-c", program, *words], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        os.close(theirs)
        os.write(ours, ("\n".join(dialogue()) + "\n").encode())
        told, asked = running.communicate(timeout=120)
    os.close(ours)
    assert running.returncode == 0, asked
    assert json.loads(told)["agreement"] == str(out)
    assert b"Who are the parties, by id?" in asked
    assert out.is_file()


def test_every_key_of_an_agreement_has_its_question():
    draft = AGREED.model_dump(by_alias=True)
    asked = {each.place[0] for each in questions(draft, World(law=LAW, categories=TABLE), 2)}
    assert asked == {each.alias or name for name, each in Agreement.model_fields.items()}


# --------------------------------------------------------------------------------------------------------------- show


class Page(HTMLParser):
    """The words of a page, its tags, and whatever it would fetch."""

    def __init__(self, text):
        super().__init__()
        self.words, self.tags, self.fetched = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.fetched += [value for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data):
        self.words.append(data)


def flat(text):
    return " ".join(text.split())


def test_page_text_and_json_say_the_whole_agreement(example, tmp_path):
    page = tmp_path / "page.html"
    told, text = mash("show", example, "--json"), mash("show", example, "--page", page)
    assert (told.exit_code, text.exit_code) == (0, 0)
    sheet, read = json.loads(told.stdout), Page(page.read_text(encoding="utf-8"))
    words = flat(" ".join(read.words))
    assert sheet["digest"] == str(digest_of_agreement(EXAMPLE))
    for part in (
        *(AGREED.title, sheet["digest"], "2026-01-01", "2027-12-31", "2027-06-30", "90 days from the hub's decision on the case"),
        *(each.arrangement for each in AGREED.processings if each.arrangement),
        *(said for _, said in headings(AGREED.terms)),
        *(each.says for each in AGREED.processings),
        *AGREED.parties,
        *AGREED.categories,
        *AGREED.basis,
    ):
        assert flat(part) in words
        assert flat(part) in flat(text.stdout) or part == "90 days from the hub's decision on the case"
    assert {each["id"] for each in sheet["categories"]} == AGREED.categories
    assert [each["heading"] for each in sheet["headings"]] == [title for title, _ in headings(AGREED.terms)]


def test_the_page_needs_nothing_from_elsewhere_and_is_made_to_be_printed(example, tmp_path):
    page = tmp_path / "page.html"
    mash("show", example, "--page", page)
    text = page.read_text(encoding="utf-8")
    read = Page(text)
    assert not read.fetched
    assert not {"script", "img", "link", "iframe"} & set(read.tags)
    assert {"main", "h1", "h2", "thead", "th"} <= set(read.tags)
    for rule in ("@media print", "@page", "default-src 'none'", 'lang="en-GB"'):
        assert rule in text


def test_words_that_are_markup_or_move_the_cursor_stay_words(example, tmp_path):
    hostile = "<script>alert(1)</script> \\u001b[2J \\u202e and nothing more"
    example.write_text(EXAMPLE.replace('breach = "', f'breach = "{hostile} ', 1), encoding="utf-8")
    page = tmp_path / "page.html"
    text = mash("show", example, "--page", page)
    assert text.exit_code == 0
    written = page.read_text(encoding="utf-8")
    assert "<script>" not in written
    assert "&lt;script&gt;" in written
    for each in ("\x1b", "\u202e"):
        assert each not in written
        assert each not in text.stdout


@pytest.mark.parametrize(
    ("on", "standing"),
    [
        (date(2025, 12, 31), "not yet in force"),
        (date(2026, 1, 1), "in force"),
        (date(2027, 6, 30), "in force"),
        (date(2027, 7, 1), "in force, its review is due"),
        (date(2027, 12, 31), "in force, its review is due"),
        (date(2028, 1, 1), "ended"),
    ],
)
def test_it_says_how_the_agreement_stands_on_the_day(on, standing):
    sheet = agreement_sheet(EXAMPLE, AGREED, LAW, TABLE, None, on)
    assert sheet["standing"] == standing
    assert any(line.startswith(f"{standing}: from 2026-01-01 until 2027-12-31") for line in sheet_lines(sheet))


def test_a_rule_no_lawyer_has_confirmed_is_marked_on_every_rendering(example, tmp_path):
    page = tmp_path / "page.html"
    told, text = json.loads(mash("show", example, "--json").stdout), mash("show", example, "--page", page).stdout
    needed = [each["rule"] for each in told["basis"] if each["legal_review_needed"]]
    assert "ca2004.s16la" in needed
    assert text.count("[legal review needed]") == len(needed)
    assert page.read_text(encoding="utf-8").count("[legal review needed]") == len(needed)


def test_a_party_s_directory_names_the_parties_and_says_whether_it_is_signed(tmp_path):
    borough = SmallBorough(tmp_path / "net")
    borough.close()
    hub, page = tmp_path / "net/hub", tmp_path / "page.html"
    told = json.loads(mash("show", hub / PLACE, "--folder", hub, "--json").stdout)
    assert (told["signed"], told["directory"]) == (True, 1)
    assert {each["id"]: each["kind"] for each in told["parties"]}["agency.police"] == "police"
    (hub / PLACE).write_text((hub / PLACE).read_text(encoding="utf-8") + "#\n", encoding="utf-8")
    shown = mash("show", hub / PLACE, "--folder", hub, "--page", page).stdout
    assert "does not list its digest: it is not signed, and covers nothing" in shown
    assert "Borough Police (synthetic) (police)" in shown
    assert 'class="warn">Directory 1 does not list its digest' in page.read_text(encoding="utf-8")
    assert "nothing is said of its signature" in mash("show", hub / PLACE).stdout


def test_a_faulty_agreement_is_not_shown_but_its_faults_are_all_at_once(tmp_path):
    file = tmp_path / "a.toml"
    head, _, tail = agreement_text(TRUST).partition("[[processing]]")
    file.write_text(head + processing_text(processors=["hub.borough"]) + "\n[retention" + tail.partition("[retention")[2])
    told = faults(mash("show", file, "--page", tmp_path / "page.html", "--json"))
    assert {"processing.0", "parties"} <= set(told)
    assert not (tmp_path / "page.html").exists()


def test_what_has_a_processor_shows_it_as_one(tmp_path):
    file = tmp_path / "a.toml"
    head, _, tail = agreement_text(TRUST).partition("[[processing]]")
    hosted = processing_text("hub.borough", "agency.nhs-body", processors=["agency.other"])
    file.write_text(head + hosted + "\n[retention" + tail.partition("[retention")[2])
    shown = mash("show", file, "--page", tmp_path / "page.html").stdout
    assert "agency.other: processor in sharing" in shown
    assert "Processors, on their behalf" in (tmp_path / "page.html").read_text(encoding="utf-8")
