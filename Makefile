# Two commands do all the set-up: `make demo` runs the product, `make test` passes the tests.

# The first Python that runs and is new enough; one that is found but does not run (a version manager's shim) is passed by.
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do $$p -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOG := .venv/setup.log
UNREACHABLE := echo "The package registry could not be reached, or lacks a package: check the network, the proxy and pip's index setting (details: $(LOG)), then try again"
PORT ?= 8000
JOBS ?= 3

.DEFAULT_GOAL := help
.PHONY: help setup setup-test demo demo-reset test lint screenshots bench soak lock browser clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.installed  ## environment in .venv from the lock file, the package with its browser assets

setup-test: .venv/.installed-test

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and none was found: install it, or run make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V 2>&1): install it, or run make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv >/dev/null || { rm -rf .venv; echo "Python's venv module is missing: install it (Debian: apt-get install python3-venv)"; exit 1; }

.venv/.installed: requirements/run.txt pyproject.toml hatch_build.py builder/ui/package-lock.json | .venv/bin/python
	@echo "Installing the packages of requirements/run.txt ..."
	@$(INSTALL) -r requirements/run.txt >$(LOG) 2>&1 || { $(UNREACHABLE); exit 1; }
	@echo "Building the browser assets ..."
	@$(INSTALL) --no-deps --editable . >$(LOG) 2>&1 || { echo "The browser assets could not be built: check that PyPI and the npm registry can be reached (details: $(LOG)), then run make setup again"; exit 1; }
	@touch $@

.venv/.installed-test: requirements/test.txt .venv/.installed
	@echo "Installing the packages of requirements/test.txt ..."
	@$(INSTALL) -r requirements/test.txt >$(LOG) 2>&1 || { $(UNREACHABLE); exit 1; }
	@touch $@

demo: setup  ## a workspace in ./var with the KAM app and its sample data, then a server on http://127.0.0.1:8000
	@$(BIN)/dougong demo --port $(PORT)

demo-reset: setup  ## throw the demo workspace away and start over
	@$(BIN)/dougong demo --reset --port $(PORT)

test: setup-test lint browser  ## everything, in parallel, on SQLite and PostgreSQL
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: setup-test  ## ruff, mypy strict on the engines and the storage, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

browser: setup-test
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || ls ~/.cache/ms-playwright/chromium-* >/dev/null 2>&1 || { \
	  echo "Installing Chromium ..."; \
	  { if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk; \
	  else $(BIN)/python -m playwright install chromium; fi; } >$(LOG) 2>&1 || { \
	  echo "Chromium is missing and could not be installed (details: $(LOG)): install it, or run make test as root on Debian"; exit 1; }; }

screenshots: setup-test browser  ## the pictures of the README anew, from a browser test
	@DOUGONG_SCREENSHOTS=1 $(BIN)/python -m pytest -q tests/ui/kam/test_screenshots.py

bench: setup-test  ## ratios against references, written to var/bench/*.json
	@$(INSTALL) -r requirements/bench.txt >$(LOG) 2>&1 || { $(UNREACHABLE); exit 1; }
	@$(BIN)/python -m tests.benchmarks

soak: setup-test browser  ## the large counts of the property, fault and permission tests
	@DOUGONG_SOAK=1 $(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m soak

lock:  ## write the lock files anew from the ranges in pyproject.toml
	@$(INSTALL) uv
	@for part in run test bench; do \
	  extra=$$( [ $$part = run ] || echo --extra test ); [ $$part != bench ] || extra="--extra bench"; \
	  $(BIN)/uv pip compile pyproject.toml $$extra --universal --python-version 3.11 --quiet --upgrade \
	    --no-emit-find-links --no-header --no-annotate --output-file requirements/$$part.txt; done

clean:
	@rm -rf .venv var builder/static/dist node_modules builder/ui/node_modules
