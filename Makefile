# Every target sets up what it needs; only Python 3.11+ and make are presupposed.
# The first interpreter that runs and is new enough: a name alone may be a version manager's empty promise.
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet install

# Where this is set, every process would compile our 600 modules anew, and every test run rewrite its assertions.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo test lint lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.python:
	@test -n "$(PYTHON)" || { echo "Spyne needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/.python
	@echo "Installing the locked dependencies into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@$(PIP) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/.installed-demo: requirements-demo.txt $(VENV)/.installed
	@$(PIP) --require-hashes --no-deps -r requirements-demo.txt
	@touch $@

run: $(VENV)/.installed  ## start the service on 127.0.0.1:8080 (API, worker, embedded PostgreSQL)
	@$(BIN)/spyne run

demo: $(VENV)/.installed-demo  ## perform the main job on real data, starting the service when none answers
	@$(BIN)/spyne demo

test: $(VENV)/.installed-dev $(VENV)/.installed-demo  ## run the whole test suite
	@$(BIN)/python -m pytest

lint: $(VENV)/.installed-dev  ## style, types and architecture
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

lock: $(VENV)/.installed-dev  ## compile the lock files again from pyproject.toml
	@./scripts/lock

clean:  ## remove the virtual environment and the local database
	rm -rf $(VENV) .spyne
