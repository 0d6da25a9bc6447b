"""`mash policy draft`: what it writes and prints, that every page says DRAFT, and how it refuses."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib.resources import files as resources

import pytest
from network import HUB, POLICE, TestNetwork
from network import TRUST as ACUTE
from papers_support import Setting, agreement
from typer.testing import CliRunner

from agents.cli.app import app
from agents.cli.papertext import NOTICE, as_object, markdown, page
from broker.directory import sign
from policies.pack import shipped
from policies.papers.document import Paper
from policies.papers.prose import name_of, shipped_prose
from schemas import codec
from schemas.enums import StatementKind

NAMES = ("dpia", "ropa", "privacy-notice", "apd", "article26")
HOSTILE = '<script>alert("x")</script> | # [x](javascript:1)\n# Approved'


def draft(*words):
    done = CliRunner().invoke(app, ["policy", "draft", *map(str, words)])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def pack(tmp_path):
    examples = resources("policies").joinpath("agreements")
    folder = tmp_path / "pack"
    (folder / "agreements").mkdir(parents=True)
    (folder / "controller.toml").write_text(examples.joinpath("controller.toml").read_text())
    (folder / "agreements/example.toml").write_text(examples.joinpath("example.toml").read_text())
    (tmp_path / "papers.toml").write_text(examples.joinpath("papers.toml").read_text())
    return folder


def faults(*words):
    code, out, err = draft(*words, "--json")
    assert (code, out) == (3, "")
    return json.loads(err)["error"]["faults"]


@pytest.mark.parametrize("name", NAMES)
def test_a_paper_goes_to_stdout_as_markdown_by_default(pack, name):
    code, out, err = draft(name, "--pack", pack, "--on", "2026-11-24")
    assert (code, err) == (0, "")
    assert out.startswith("# DRAFT: ")
    assert NOTICE in out
    assert "24 November 2026" in out


@pytest.mark.parametrize("paper", Paper)
def test_draft_stands_under_every_heading_and_on_every_printed_page(paper):
    document = Setting().paper(paper)
    written = markdown(document)
    headed = re.findall(r"^## .*$", written, re.MULTILINE)
    assert len(headed) == len(document.sections) + 3
    for part in re.split(r"^## ", written, flags=re.MULTILINE)[1:]:
        assert "\n**DRAFT**\n" in part
    printed = page(document)
    assert '@page { @top-center { content: "DRAFT"' in printed
    assert re.search(r"@media print \{ \.mark \{ display: block; position: fixed;", printed)
    assert '<div class="mark" aria-hidden="true">DRAFT</div>' in printed
    assert len(re.findall(r"<h2.*DRAFT</span></h2>", printed)) == len(headed)


def test_gaps_are_listed_first_and_their_numbers_stand_in_their_places():
    document = Setting(directory=None).paper(Paper.ropa)
    written, told = markdown(document), as_object(document)
    [gap] = told["gaps"]
    assert (gap["number"], gap["id"], gap["review"]) == (1, "directory", False)
    assert written.index("1. **not known without a directory.**") < written.index("## Controller")
    assert written.count("**[GAP 1: not known without a directory]**") == 3  # the other party's name and kind, and the signature
    assert page(document).count("[GAP 1: not known without a directory]") == 3
    assert {"gap": 1} in [run for section in told["sections"] for block in section["blocks"] for run in runs(block)]


def runs(block):
    if "table" in block:
        return [run for row in block["table"]["rows"] for cell in row for run in cell]
    return [run for cell in block["list"] for run in cell] if "list" in block else block["paragraph"]


class Tags(HTMLParser):
    """The tags of a page, and every address in it."""

    def __init__(self):
        super().__init__()
        self.tags, self.addresses = set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("href", "src", "action") or name.startswith("on")]


@pytest.mark.parametrize("paper", Paper)
def test_what_others_wrote_becomes_no_markup(paper):
    document = Setting(agreement=agreement(title=HOSTILE)).paper(paper)
    read = Tags()
    read.feed(page(document))
    assert not read.tags & {"script", "a", "img", "iframe", "form"}
    assert not read.addresses
    written = markdown(document)
    assert "\n# Approved" not in written
    assert "<script" not in written.replace("\\<script", "")
    assert "\\[x\\](javascript:1)" in written


def test_it_writes_new_files_and_never_over_old_ones(pack, tmp_path):
    out, printed = tmp_path / "ropa.md", tmp_path / "ropa.html"
    words = ("ropa", "--pack", pack, "--on", "2026-11-24", "--out", out, "--page", printed)
    code, told, _ = draft(*words)
    assert code == 0
    assert re.search(r"it names \d+ gaps", told)
    assert out.read_text().startswith("# DRAFT: ")
    assert printed.read_text().startswith("<!DOCTYPE html>")
    before = out.read_bytes(), printed.read_bytes()
    assert [(each["file"], each["message"]) for each in faults(*words)] == [
        (str(out), "exists already"),
        (str(printed), "exists already"),
    ]
    assert (out.read_bytes(), printed.read_bytes()) == before


def test_the_same_words_give_the_same_bytes(pack):
    words = ("dpia", "--pack", pack, "--papers", pack.parent / "papers.toml", "--on", "2026-11-24")
    assert draft(*words) == draft(*words)


def test_machines_get_the_structure_and_the_gaps(pack):
    code, out, _ = draft("apd", "--pack", pack, "--on", "2026-11-24", "--json")
    told = json.loads(out)
    assert code == 0
    assert (told["paper"], told["draft"], told["on"], told["written"]) == ("apd", True, "2026-11-24", [])
    assert [each["number"] for each in told["gaps"]] == list(range(1, len(told["gaps"]) + 1))
    assert [section["id"] for section in told["sections"]][:2] == ["controller", "conditions"]


def test_what_the_controller_says_for_its_papers_closes_gaps(pack):
    words = ("ropa", "--pack", pack, "--on", "2026-11-24", "--json")
    before = {each["id"] for each in json.loads(draft(*words)[1])["gaps"]}
    after = {each["id"] for each in json.loads(draft(*words, "--papers", pack.parent / "papers.toml")[1])["gaps"]}
    assert before - after == {"name", "contact", "dpo", "transfers"}
    assert after < before


def test_the_child_gets_the_notice_in_other_words(pack):
    code, out, _ = draft("privacy-notice", "--child", "--pack", pack)
    assert code == 0
    assert "This page is for children." in out
    [fault] = faults("ropa", "--child", "--pack", pack)
    assert (fault["file"], fault["message"]) == ("--child", "is not for ropa: no child reads it")


def test_a_lawyers_own_prose_takes_the_place_of_the_shipped_one(pack, tmp_path):
    own = tmp_path / "ours.toml"
    own.write_text(shipped_prose(Paper.ropa).replace('heading = "Purposes"', 'heading = "What it is for"'))
    assert "## What it is for" in draft("ropa", "--pack", pack, "--prose", own)[1]
    own.write_text(shipped_prose(Paper.ropa).replace('parts = ["retention"]', 'parts = ["remembrance"]'))
    [fault] = faults("ropa", "--pack", pack, "--prose", own)
    assert fault["line"] > 1
    assert "retention" in fault["fix"]
    assert name_of(Paper.child_notice) == "privacy-notice-child.toml"


def test_a_wrong_papers_file_is_refused_with_every_line(pack):
    papers = pack.parent / "papers.toml"
    papers.write_text('version = "1"\ndop = "a slip"\n[[risk]]\nlikelihood = "90 days"\n')
    told = [(each["line"], each["field"]) for each in faults("ropa", "--pack", pack, "--papers", papers)]
    assert {(2, "dop"), (4, "risk.0.likelihood")} <= set(told)


def test_a_folder_that_names_no_controller_is_refused(tmp_path):
    [fault] = faults("ropa", "--pack", tmp_path)
    assert fault["file"].endswith("controller.toml")


def test_a_pack_with_a_law_of_its_own_is_drafted_by_that_law(pack):
    (pack / "law").mkdir()
    (pack / "law/ours.toml").write_text(shipped()["law/england.toml"].replace('version = "2026-11"', 'version = "ours"'))
    assert "England, version ours" in draft("ropa", "--pack", pack)[1]


@pytest.fixture
def listed(pack, tmp_path):
    """A signed directory of now, and the root it is checked by."""
    now = datetime.now(UTC)
    network = TestNetwork((HUB, POLICE, ACUTE))
    known = network.directory(issued_at=now)
    statement = sign(StatementKind.directory, codec.encode(known), network.officers[:2])
    officers = "".join(
        f'[[officer]]\nname = "o{at}"\nkey = "{key.public.hex()}"\noutside_hub = true\n' for at, key in enumerate(network.officers)
    )
    root = tmp_path / "root.toml"
    root.write_text(f'network = "{network.root.network}"\nthreshold = 2\nsnapshot_key = "{network.online.public.hex()}"\n{officers}')
    directory = tmp_path / "directory.avro"
    directory.write_bytes(codec.encode(statement))
    return directory, root, network


def test_a_checked_directory_gives_names_and_one_that_is_not_signed_is_refused(pack, listed):
    directory, root, network = listed
    code, out, err = draft("ropa", "--pack", pack, "--directory", directory, "--root", root)
    assert (code, err) == (0, "")
    assert "agency.police (synthetic)" in out
    assert "hub.borough (synthetic)" in out
    assert "**no name.**" in out  # the trust is not listed, and nobody else may name it
    assert "**not signed.** The directory does not list the digest of the agreement borough-mash" in out
    directory.write_bytes(codec.encode(sign(StatementKind.directory, codec.encode(network.directory()), network.officers[:1])))
    [fault] = faults("ropa", "--pack", pack, "--directory", directory, "--root", root)
    assert (fault["file"], fault["message"]) == (str(directory), "fewer than 2 officers have signed the directory")
    [fault] = faults("ropa", "--pack", pack, "--directory", directory)
    assert fault["fix"] == "give --root as well"
