# Stamps of what is installed: for running, for testing, for benchmarks.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# Tests in two processes of one thread each: more threads would be in each other's way.
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --durations 15 \
	--no-loadscope-reorder
# Counting lines takes a third more time on Python 3.11: for the whole suite alone.
COVERAGE := --cov bdgf --cov-report term
export DO_NOT_TRACK := 1

TAKES = about 4 minutes on 2 cores, plus 2 to 5 for the installation; 3 GB of disk, 2 GB of memory

.PHONY: run before test test-all audit licences golden lint floors settings bench bench-gpu gpu-check fuzz test-faults docs docs-check clean
run: before $(VENV)/.run
	$(BIN)/kedro run --pipeline=full
	@echo
	@echo 'Next steps:'
	@echo '  $(BIN)/kedro run --pipeline=full --params model=random_forest   another model, in one minute'
	@echo '  $(BIN)/kedro scene list                                         list the scenes'
	@echo '  $(BIN)/kedro mlflow ui                                          inspect every run in a browser'

# Prints the expected time, disk space and memory first.
before:
	@echo 'make run: $(TAKES)'

test: $(VENV)/.dev lint
	$(TEST) -m "not slow"

test-all: $(VENV)/.dev lint
	$(TEST) $(COVERAGE)

# Licences and known weaknesses of all that is pinned. Exit 1: something is wrong; exit 3: the
# advisories could not be reached, so that nothing is known.
audit: $(VENV)/.audit
	$(BIN)/python -m tools.audit

# docs/contributing/licences.md, from what is installed.
licences: $(VENV)/.audit
	$(BIN)/python -m tools.audit --licences

# Runs killed, stopped, side by side, on full disks, over damaged files: docs/contributing/reliability.md.
test-faults: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults $(FAULTS)

# After a change that is meant to move the metrics of the demo scene; look at the difference.
golden: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/pipelines/test_full.py -k golden --renew-golden

lint: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy --num-workers 2 || $(BIN)/mypy  # on a busy machine its workers may come too late
	$(BIN)/lint-imports --no-cache --no-logo

# The rooms of src/bdgf, floor by floor, and the imports between them.
floors: $(VENV)/.dev
	$(BIN)/python -m tools.floors

# Parameter files of conf/base and docs/reference/parameters.md, from the settings classes.
settings: $(VENV)/.run
	$(BIN)/python -m tools.settings

# The site, in docs/_build/html: warnings are errors, links among pages and doctests are checked.
docs: $(VENV)/.docs
	$(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b html docs docs/_build/html
	OMP_NUM_THREADS=1 $(BIN)/python -m sphinx --fail-on-warning --keep-going -q -b doctest docs docs/_build/doctest
	@echo "the site: docs/_build/html/index.html"

# Every command of README and how-to pages, in order, on a fresh clone.
docs-check: $(VENV)/.run
	$(BIN)/python -m tools.docs_check $(PAGES)

# 20,000 damaged files of every format, 20 minutes of one core; `make fuzz FUZZ='--files 500'`.
fuzz: $(VENV)/.dev
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz $(FUZZ)

bench: $(VENV)/.bench
	$(BIN)/python -W ignore -m benchmarks

bench-gpu: $(VENV)/.bench
	$(BIN)/python -W ignore -m benchmarks --gpu

# Every CUDA path beside the CPU, then speed and the demo scene: docs/benchmarks/gpu_check.md.
gpu-check: $(VENV)/.bench
	$(BIN)/python -W ignore -m benchmarks.gpu_check --out data/gpu_check --minutes 8

# Bytecode is made where it is first needed, not of all packages at once; what follows reads it.
export PYTHONDONTWRITEBYTECODE :=
INSTALL = test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); $(PIP) --no-compile --editable

$(VENV)/.run: pyproject.toml constraints.txt
	$(INSTALL) .
	touch $@

# Testing needs all that running needs: one installation makes both stamps.
$(VENV)/.dev: pyproject.toml constraints.txt
	$(INSTALL) '.[dev]'
	touch $(VENV)/.run $@

$(VENV)/.bench: $(VENV)/.run
	$(INSTALL) '.[bench]'
	touch $@

$(VENV)/.docs: $(VENV)/.run
	$(INSTALL) '.[docs]'
	touch $@

# All extras that are installed from wheels: what is not there cannot be looked at.
$(VENV)/.audit: pyproject.toml constraints.txt
	$(INSTALL) '.[audit,bench,dev,docs]'
	touch $(VENV)/.run $(VENV)/.dev $(VENV)/.bench $(VENV)/.docs $@

clean:
	rm -rf $(VENV) docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
