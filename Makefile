# `make run` and `make test` need Python 3.11 and nothing else: they make .venv, install what
# constraints.txt names into it, and then do their work. The second time they go straight to it.

SHELL := /bin/sh
PYTHON ?= $(shell for name in python3.11 python3 python; do \
	if $$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; then echo $$name; break; fi; done)
BIN := .venv/bin
MINUTES ?= 30
TICKERS ?= 50

.PHONY: run test quick check bench chaos soak docs clean
.DEFAULT_GOAL := run

run: .venv/.run
	$(BIN)/python instant_trader.py

test: check
	$(BIN)/python -m pytest -n 3 --dist worksteal

quick: .venv/.test
	$(BIN)/python -m pytest -n 3 -m "not slow"

check: .venv/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m benchmarks.audit

bench: .venv/.test
	$(BIN)/python -m benchmarks

chaos: .venv/.test
	$(BIN)/python -m benchmarks.chaos --tickers 20 --kills 1000
	$(BIN)/python -m benchmarks.durability --kills 500
	$(BIN)/python -m benchmarks.simulator --seeds 10000
	$(BIN)/python -m benchmarks.flood
	$(BIN)/python -m pytest -n 3 -m hypothesis --hypothesis-profile=wide
	CHAOS=1 $(BIN)/python -m pytest tests/farm/desk/test_kills.py tests/lab/backtest/test_equal.py
	$(BIN)/python -m benchmarks.parity --tickers 20 --bars 2000

soak: .venv/.test
	$(BIN)/python -m benchmarks.soak --minutes $(MINUTES) --tickers $(TICKERS)

.venv/.made:
	@test -n "$(PYTHON)" || { echo "Instant Trader needs Python 3.11: install it, or say where it is with make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip setuptools wheel
	touch $@

.venv/.run: .venv/.made setup.cfg constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt --editable .
	touch $@

.venv/.test: .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --constraint constraints.txt --editable ".[boosters,develop,notices]"
	touch $@

docs: .venv/.test
	$(BIN)/python docs/reference.py
	$(BIN)/python -m mkdocs build --quiet --strict --site-dir build/docs

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
