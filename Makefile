# `make help` lists the targets. Everything is installed from requirements/*.txt with hashes, into .venv.

PYTHON  ?= python3
WORKERS ?= 2

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

BIN     := .venv/bin
PIP     := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/python -m pip --quiet
RUNTIME := .venv/.runtime-ready
DEV     := .venv/.dev-ready
ROOMS   := schemas policies broker agents
# A file's tests share one worker, so that what they all look at is made once; in the order of the folders, the long ones first.
SPREAD  := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Extras stay in the lock: pip with --require-hashes takes a bare name for another requirement once a newer version is out.
COMPILE := .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-emit-index-url \
           --custom-compile-command "make lock"

.PHONY: help setup demo demo-kafka test check lint bench soak lock audit clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

demo: $(RUNTIME) ## one synthetic borough, seven agencies, forty contacts, no server needed
	$(BIN)/mash demo

demo-kafka: $(RUNTIME) ## the same over a real Kafka that it starts itself (needs Java and Maven)
	@rm -rf mash-demo-kafka # its broker is gone with the last run
	deploy/kafka/with-kafka sh -c '$(BIN)/mash demo --folder mash-demo-kafka --kafka "$$MASH_KAFKA"'

test: $(DEV) ## the tests
	$(BIN)/python -m pytest $(SPREAD)

check: lint ## lint, types, contracts, tests with the coverage gate, the wheel in an empty environment
	$(BIN)/python -m pytest $(SPREAD) --cov --cov-report=term:skip-covered
	.ci/wheel $(BIN)/python

lint: $(DEV) ## format, lint, types and contracts, without the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

bench: $(DEV) ## measurements, printed; ONLY=envelope for one
	@$(BIN)/python tests/bench/run.py $(ONLY)

soak: $(DEV) ## the long runs
	$(BIN)/python -m pytest $(SPREAD) -m soak

audit: $(DEV) ## known vulnerabilities among the locked versions
	$(BIN)/pip-audit --require-hashes --disable-pip -r requirements/runtime.txt

setup: $(DEV) ## only install

lock: ## rewrite requirements/*.txt from pyproject.toml; add UPGRADE=--upgrade for newer versions
	@test -x .venv-lock/bin/uv || { $(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip --quiet install uv; }
	$(COMPILE) $(UPGRADE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) $(UPGRADE) pyproject.toml --group dev --group build -c requirements/runtime.txt -o requirements/dev.txt
	$(COMPILE) $(UPGRADE) --group pyproject.toml:build -c requirements/dev.txt -o requirements/build.txt

clean: ## remove what make made, and the demo's folders
	rm -rf .venv .venv-lock build dist demo mash-demo mash-demo-kafka .coverage .coverage.* .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find $(ROOMS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is not installed; install Python 3.11 or newer, or run: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $$($(PYTHON) --version) is too old; install Python 3.11 or newer, or run: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "make: $(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv" >&2; exit 1; }

# Installing the same locked files twice costs about a second, so each stamp may depend on all of pyproject.toml.
$(RUNTIME): requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/runtime.txt
	$(PIP) install --require-hashes -r requirements/build.txt
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

# requirements/dev.txt holds all of runtime.txt and build.txt at the same versions, so one installation makes both ready.
$(DEV): requirements/dev.txt requirements/runtime.txt requirements/build.txt pyproject.toml | .venv/bin/python
	$(PIP) install --require-hashes -r requirements/dev.txt
	$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $(RUNTIME) $@
