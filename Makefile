# Everything this project needs beside Python >= 3.11 and make. The first `make setup` installs, later ones look.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
SHELL := /bin/sh

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/installed
CODE := api benchmarks core_sync ml remediation simulation tests
BENCHMARKS := $(filter-out __init__,$(notdir $(basename $(wildcard benchmarks/*.py))))

PARALLEL = --numprocesses=auto --dist=worksteal # how many: tests/conftest.py; a database server for each process

# uv does not read pip's configuration; the one place where a machine names its package index is respected by both.
INSTALL = index=$${PIP_INDEX_URL:-$$($(BIN)/pip config get global.index-url 2>/dev/null)}; \
	UV_DEFAULT_INDEX=$${UV_DEFAULT_INDEX:-$${UV_INDEX_URL:-$$index}}; \
	if [ -n "$$UV_DEFAULT_INDEX" ]; then export UV_DEFAULT_INDEX; else unset UV_DEFAULT_INDEX; fi; \
	VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --compile-bytecode --require-hashes
COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate $(UPGRADE)

# Compiled once for all the processes of a run, also where Python is told to keep no byte-code of what it imports.
KEEP_BYTECODE = PYTHONDONTWRITEBYTECODE=

.PHONY: help setup setup-test setup-bench bytecode run test sample ci check format bench picture proof lock clean

help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(STAMPS)/run ## create .venv with what running needs
setup-test: $(STAMPS)/test ## … and what the tests need
setup-bench: $(STAMPS)/bench ## … and what the benchmarks compare with

bytecode: setup
	@$(BIN)/python -m compileall -q $(CODE) || true # what does not compile says so where it is imported

run: bytecode ## start the service on the sample distributor
	@$(BIN)/stocktriage up

test: setup-test bytecode ## every test but the slow checks
	@$(KEEP_BYTECODE) $(BIN)/python -m pytest $(PARALLEL) -m "not proof"

sample: setup-test ## a sample of every slow check
	@$(BIN)/python -m pytest -m proof

ci: setup-test bytecode ## tests and samples in one run
	@$(KEEP_BYTECODE) $(BIN)/python -m pytest $(PARALLEL)

proof: setup-test ## every slow check at its full count
	@STOCKTRIAGE_TEST_PROFILE=proof $(BIN)/python -m pytest -m proof --timeout=0

picture: setup-test ## docs/feed.png anew, from the sample distributor
	@$(BIN)/python -m benchmarks.rig.picture

check: setup-test ## lint, format, types, arrows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)
	@$(BIN)/lint-imports

format: setup-test ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-bench ## every benchmark; one alone: .venv/bin/python -m benchmarks.NAME
	@for name in $(BENCHMARKS); do echo "# $$name"; $(BIN)/python -m benchmarks.$$name --json || exit 1; done

lock: $(STAMPS)/uv ## write the locks anew; UPGRADE=--upgrade for newer versions
	@$(COMPILE) pyproject.toml --extra test --extra bench -o requirements-bench.lock
	@$(COMPILE) pyproject.toml --extra test -c requirements-bench.lock -o requirements-test.lock
	@$(COMPILE) pyproject.toml -c requirements-bench.lock -o requirements.lock
	@printf 'uv==%s\nsetuptools\n' "$$($(BIN)/uv --version | cut -d' ' -f2)" | $(COMPILE) - -o requirements-uv.lock

clean: ## remove what setup made
	@rm -rf $(VENV)

$(STAMPS)/uv: requirements-uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "stocktriage needs Python >= 3.11; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1 | head -n 1). Try: make PYTHON=python3.12"; \
		exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "this Python cannot make environments; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/run: requirements.lock pyproject.toml $(STAMPS)/uv
	@$(INSTALL) -r requirements.lock
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv pip install --quiet --offline --no-deps --no-build-isolation -e .
	@touch $@

$(STAMPS)/test: requirements-test.lock $(STAMPS)/run
	@$(INSTALL) -r requirements-test.lock
	@touch $@

$(STAMPS)/bench: requirements-bench.lock $(STAMPS)/test
	@$(INSTALL) -r requirements-bench.lock
	@touch $@
