# Every target prepares what it needs: a virtual environment in .venv, and tmux where it can be installed.
# Most of a test is waiting, so two cores do well with six workers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
RUNTIME := $(VENV)/.runtime
LOWEST := .venv-lowest

.PHONY: demo test test-clients soak lowest lint bench generate pictures clean

# It needs no tool of developers.
demo: $(RUNTIME) tmux
	@$(BIN)/xats demo

test: $(READY) tmux
	$(BIN)/python -m pytest -n 6 --dist worksteal tests

test-clients: $(READY) tmux
	$(BIN)/python -m pytest -x $(wildcard tests/clients/real_*.py)

soak: $(READY) tmux
	$(BIN)/python -m tests.soak --minutes 10
	$(BIN)/python -m tests.soak.crew --tasks 60 --kills 5

# The tests on the lowest versions that pyproject.toml allows.
lowest: tmux
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python tools/lowest.py > $(LOWEST)/constraints.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check -c $(LOWEST)/constraints.txt -e '.[dev]'
	$(LOWEST)/bin/python -m pytest -n 6 --dist worksteal tests

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tools/generate.py --check

bench: $(READY) tmux
	$(BIN)/python -m benchmarks

generate: $(READY)
	$(BIN)/python tools/generate.py

# The pictures of the README, from a real run in a private tmux server.
pictures: $(READY) tmux
	$(BIN)/python tools/pictures.py

.PHONY: tmux
tmux:
	@sh tools/need.sh tmux

$(RUNTIME): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "xats needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@echo "Installing xats and what it needs into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(READY): $(RUNTIME)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

clean:
	rm -rf $(VENV) $(LOWEST) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
