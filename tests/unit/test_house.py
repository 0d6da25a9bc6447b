"""The rules of the house that no linter checks."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import tomllib
from functools import cache
from importlib import metadata

import pytest
from invariants import INVARIANTS
from packaging.requirements import Requirement
from skips import refusal
from tree import ROOMS, ROOT, sources, tracked

LONGEST_FILE = 400  # lines: one concept a file
LONGEST_FUNCTION = 50  # lines: one screen

# A silenced check names what it silences and says why, on the same line.
SILENCER = re.compile(r"#\s*(noqa|type:\s*ignore|pragma:\s*no)\b")
REASONED = re.compile(
    r"#\s*(noqa:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|type:\s*ignore\[[a-z-]+(,\s*[a-z-]+)*\]|pragma:\s*no (cover|branch))[\s#:–—-]+\w.{7,}"
)

PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT = tomllib.loads(PYPROJECT)
LOCKED = re.compile(r"^([a-z0-9-]+)(?:\[[a-z0-9,-]+\])?==([^ ;\\]+)", re.MULTILINE)


def name_of(path):
    return str(path.relative_to(ROOT))


def comments(path):
    with io.StringIO(path.read_text(encoding="utf-8")) as text:
        return [token for token in tokenize.generate_tokens(text.readline) if token.type == tokenize.COMMENT]


def locked(lock):
    return dict(LOCKED.findall((ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")))


@cache
def proven():
    """Each invariant with the files whose tests are marked as proving it."""
    found = {}
    for path in sources("tests"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "proves":
                for argument in node.args:
                    found.setdefault(ast.literal_eval(argument), set()).add(name_of(path))
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_no_other_distribution_provides_our_rooms(room):
    assert set(metadata.packages_distributions().get(room, [])) <= {"mash-broker"}


@pytest.mark.parametrize("path", sources(*ROOMS), ids=name_of)
def test_files_and_functions_are_short(path):
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert not [(node.name, node.lineno) for node in functions if node.end_lineno - node.lineno >= LONGEST_FUNCTION]


@pytest.mark.parametrize("path", sources(*ROOMS, "tests"), ids=name_of)
def test_every_silenced_check_has_a_code_and_a_reason(path):
    silencers = [token for token in comments(path) if SILENCER.match(token.string)]
    assert not [(token.start[0], token.string) for token in silencers if not REASONED.match(token.string)]


@pytest.mark.parametrize(
    ("comment", "fair"),
    [
        ("# noqa: S311 – seeded, no cryptography", True),
        ("# type: ignore[arg-type]  # the stub is wrong", True),
        ("# pragma: no cover – only on Windows", True),
        ("# noqa", False),
        ("# noqa: S311", False),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore  # no code", False),
        ("# pragma: no cover", False),
    ],
)
def test_what_counts_as_a_reason(comment, fair):
    assert SILENCER.match(comment)
    assert bool(REASONED.match(comment)) is fair


def test_every_dependency_and_lint_ignore_has_a_reason_on_its_line():
    bare = re.compile(r'^    "[^"]+",?\s*$', re.MULTILINE)
    blocks = re.findall(r"^(dependencies|dev|build|ignore|\"tests/\*\*\") = \[\n(.*?)^\]", PYPROJECT, re.MULTILINE | re.DOTALL)
    assert {name for name, _ in blocks} == {"dependencies", "dev", "build", "ignore", '"tests/**"'}
    assert not [line for _, block in blocks for line in bare.findall(block)]


@pytest.mark.parametrize("lock", ["runtime", "dev", "build"])
def test_every_locked_file_is_pinned_by_hash(lock):
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) == len(LOCKED.findall(text))
    assert not [entry for entry in entries if "--hash=sha256:" not in entry]


def test_the_locks_satisfy_what_is_declared():
    groups = PROJECT["dependency-groups"]
    declared = {
        "runtime": PROJECT["project"]["dependencies"],
        "dev": PROJECT["project"]["dependencies"] + groups["dev"] + groups["build"],
        "build": groups["build"],
    }
    for lock, lines in declared.items():
        versions = locked(lock)
        for wanted in map(Requirement, lines):
            assert wanted.specifier.contains(versions[wanted.name]), f"run `make lock`: {wanted} in {lock}.txt"


def test_the_locks_agree_on_every_version():
    everything = locked("dev")
    for lock in ("runtime", "build"):
        assert locked(lock).items() <= everything.items()


def test_tests_prove_only_what_is_promised():
    assert set(proven()) <= set(INVARIANTS)


@pytest.mark.parametrize("invariant", [name for name, promise in INVARIANTS.items() if promise.later is None])
def test_every_claimed_invariant_has_a_test(invariant):
    assert proven().get(invariant), f"no test is marked proves({invariant!r}): {INVARIANTS[invariant].text}"


def test_the_repository_speaks_of_the_project_alone():
    # Written in halves, so that this file does not find itself.
    foreign = [
        "/wo" + "rk/",
        "../sha" + "red",
        "pypi" + ".org",
        "python" + "hosted",
        "registry." + "npmjs",
        "repo1." + "maven",
        "repo." + "maven",
        "deb." + "debian",
    ]
    found = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [(name_of(path), word) for word in foreign if word in text]
    assert not found


@pytest.mark.parametrize(
    ("reason", "marks", "environment", "refused"),
    [
        ("no Java", {"kafka"}, {}, False),
        ("no Java", {"kafka"}, {"MASH_REQUIRE_KAFKA": "1"}, True),
        ("no Java", {"kafka"}, {"MASH_REQUIRE_POSTGRES": "1"}, False),
        ("no server", {"postgres"}, {"MASH_REQUIRE_POSTGRES": "1"}, True),
        ("anything", set(), {"CI": "true"}, True),
        ("anything", set(), {"CI": "false"}, False),
        ("Skipped: no container engine answers", {"kafka"}, {"CI": "true", "MASH_REQUIRE_KAFKA": "1"}, False),
    ],
)
def test_a_skip_fails_where_nothing_may_be_skipped(reason, marks, environment, refused):
    assert bool(refusal(reason, marks, environment)) is refused
