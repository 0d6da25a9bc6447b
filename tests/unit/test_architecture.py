"""The rooms' walls stand: each contract of .importlinter passes on the tree and names itself when it is broken."""

from __future__ import annotations

import ast
import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tree import ROOMS, ROOT

CONTRACTS = configparser.ConfigParser()
CONTRACTS.read(ROOT / ".importlinter", encoding="utf-8")
NAMES = {section.rpartition(":")[2]: CONTRACTS[section]["name"] for section in CONTRACTS.sections() if ":contract:" in section}
PURE = CONTRACTS["importlinter:contract:pure-core"]["source_modules"].split()
IMPURE = CONTRACTS["importlinter:contract:pure-core"]["forbidden_modules"].split()

# Modules that the contracts speak of; the copy gets an empty one where the tree has none yet.
NAMED = [
    *PURE,
    "agents.cli",
    "agents.console",
    "agents.demo",
    "agents.adapter.sources.files",
    "agents.adapter.sources.sql",
    "broker.store",
    "broker.transport.embedded",
    "broker.transport.kafka",
]

# (contract, the module that breaks it, what it imports)
PLANTS = [
    ("rooms", "schemas.planted", "policies"),
    ("rooms", "schemas.planted", "broker.ports"),
    ("rooms", "policies.planted", "broker"),
    ("rooms", "policies.planted", "agents"),
    ("rooms", "broker.planted", "agents.hub"),
    ("adapter-alone", "agents.adapter.planted", "agents.hub"),
    ("adapter-alone", "agents.adapter.planted", "agents.console"),
    ("adapter-alone", "agents.hub.planted", "agents.console"),
    ("demo-apart", "agents.hub.planted", "agents.demo"),
    ("demo-apart", "agents.planted", "agents.demo"),
    ("one-kafka-module", "broker.transport.planted", "aiokafka"),
    ("one-kafka-module", "agents.hub.planted", "aiokafka.errors"),
    ("sql-in-its-place", "broker.transport.planted", "sqlalchemy"),
    ("sql-in-its-place", "agents.hub.planted", "sqlalchemy.orm"),
    ("duckdb-in-its-place", "agents.adapter.sources.sql", "duckdb"),
    ("pure-core", "broker.merkle", "secrets"),
]

ALLOWED = [
    ("agents.cli", "agents.demo"),
    ("broker.transport.kafka", "aiokafka"),
    ("broker.transport.kafka", "asyncio"),
    ("broker.store.planted", "sqlalchemy"),
    ("broker.transport.embedded", "sqlalchemy"),
    ("agents.adapter.sources.sql", "sqlalchemy"),
    ("agents.adapter.sources.files", "duckdb"),
    ("agents.hub", "agents.adapter"),
]


def plant(tree: Path, module: str, imported: str) -> None:
    path = tree / module.replace(".", "/")
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    with path.open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")


def complete(tree: Path, module: str) -> None:
    path = tree / module.replace(".", "/")
    for package in reversed(path.relative_to(tree).parents[:-1]):
        (tree / package).mkdir(exist_ok=True)
        (tree / package / "__init__.py").touch()
    if not path.is_dir():
        path.with_suffix(".py").touch()


def lint(tree: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([script, "--no-cache"], cwd=tree, capture_output=True, text=True, check=False)


@pytest.fixture
def copy(tmp_path):
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / ".importlinter", tmp_path)
    for module in NAMED:
        complete(tmp_path, module)
    return tmp_path


def test_the_tree_keeps_every_contract(copy):
    done = lint(copy)
    assert done.returncode == 0, done.stdout


def test_what_the_contracts_allow_passes(copy):
    for module, imported in ALLOWED:
        plant(copy, module, imported)
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(("contract", "module", "imported"), PLANTS)
def test_a_planted_violation_names_its_contract(copy, contract, module, imported):
    plant(copy, module, imported)
    done = lint(copy)
    assert done.returncode == 1, done.stdout
    assert f"{NAMES[contract]} BROKEN" in done.stdout


def test_the_pure_core_is_pure_through_and_through(copy):
    plant(copy, "broker.planted", "socket")
    plant(copy, "broker.checkpoint", "broker.planted")
    assert "broker.planted -> socket" in lint(copy).stdout


def test_no_pure_module_imports_anything_impure(copy):
    for module in PURE:
        for imported in IMPURE:
            plant(copy, module, imported)
    done = lint(copy)
    assert f"{NAMES['pure-core']} BROKEN" in done.stdout
    words = " ".join(done.stdout.split())
    missed = [(module, name) for module in PURE for name in IMPURE if f"{module} is not allowed to import {name}:" not in words]
    assert not missed


def test_every_contract_has_a_plant():
    assert set(NAMES) == {contract for contract, _, _ in PLANTS}


# What the import contract cannot see: a clock or randomness reached through a module that is pure otherwise.
IMPURE_CALLS = {
    "now",
    "utcnow",
    "today",
    "urandom",
    "uuid1",
    "uuid4",
    "generate",
    "generate_key",
    "open",
    "read_bytes",
    "write_bytes",
    "write_text",
}


def pure_files() -> list[Path]:
    found = []
    for module in PURE:
        path = ROOT / module.replace(".", "/")
        found += path.rglob("*.py") if path.is_dir() else [path.with_suffix(".py")]
    return [path for path in found if path.exists() and path != ROOT / "schemas/lock.py"]


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_pure_core_takes_time_and_randomness_as_arguments(path):
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    names = {(node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", ""), node.lineno) for node in calls}
    assert not {(name, line) for name, line in names if name in IMPURE_CALLS}
