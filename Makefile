# Everything happens in .venv; PYTHON chooses the interpreter. `make demo` installs the core alone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint

demo: $(VENV)/.core
	$(BIN)/python evaluate.py --scale 2.5x3.5 --out results/demo

test: $(VENV)/.all
	$(BIN)/python -m pytest -m "not slow" -n 2 --dist worksteal

lint: $(VENV)/.all
	$(PIP) -e ".[lint]"
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/basedpyright

$(VENV)/.core: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.all: $(VENV)/.core requirements.txt
	$(PIP) -r requirements.txt
	touch $@
