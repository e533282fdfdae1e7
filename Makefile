# Two commands for a fresh machine with Python >= 3.11, make and git:
#   make demo   train, fuse, convert and evaluate on real data
#   make test   every check and test
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := keras_finet tflite_tools examples tests

.DEFAULT_GOAL := help
.PHONY: help demo test check lint format clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.demo ## the main job on real data, under six minutes (ARGS="--smoke" passes options)
	$(BIN)/python examples/quickstart.py $(ARGS)

test: check ## lint, types, import contracts, then all tests, under twenty minutes (ARGS="-k fold" passes options)
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal $(ARGS)

check: $(VENV)/.dev ## lint, format check, types, import contracts
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	$(BIN)/lint-imports

lint: check ## the same as check

format: $(VENV)/.dev ## format the code and apply safe fixes
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

clean: ## remove environments, caches and build outputs
	rm -rf $(VENV) .venv-backends .venv-mediapipe build dist out .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp says that the environment holds what pyproject.toml asks for; both share one environment.
$(VENV)/.demo: pyproject.toml | $(BIN)/python
	@echo "Installing keras-finet and what the examples need (TensorFlow is about 0.6 GB on disk) ..."
	$(PIP) install --editable '.[examples]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	@echo "Installing keras-finet and the development tools ..."
	$(PIP) install --editable '.[dev]'
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "keras-finet needs Python 3.11 or newer; '$(PYTHON)' is missing or older. Name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "'$(PYTHON) -m venv' failed. On Debian and Ubuntu it needs the package python3-venv." >&2; exit 1; }
