# make atlas   the maps and tables of the embedded data, in maps/
# make test    the whole test suite; make test COVERAGE=1 counts the lines that it covers, and takes a quarter longer
# make help    the other targets

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ROUNDS ?= 3
# One more than the cores of a small machine: tests that open pages wait for them.
WORKERS ?= 3
COMMUNES ?= ../shared/data/communes/communes_cog2026.parquet
ARRONDISSEMENTS ?= ../shared/data/communes/arrondissements_municipaux_2016.geojson
REAL := $(wildcard $(COMMUNES))
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.DEFAULT_GOAL := help
.PHONY: help atlas test lint types docs docs-check audit data catalogues constraints test-lowest bench soak clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 16

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("cptsgeo needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "No virtual environment could be made: on Debian, install python3-venv." >&2; exit 1; }

$(VENV)/.installed: constraints.txt pyproject.toml hatch_build.py | $(BIN)/python
	$(PIP) --require-hashes -r constraints.txt
	$(PIP) --no-deps --no-build-isolation -e .
	touch $@

$(VENV)/.installed-dev: constraints-dev.txt $(VENV)/.installed
	$(PIP) --require-hashes -r constraints-dev.txt
	touch $@

atlas: $(VENV)/.installed catalogues  ## Install, and write maps/ and maps/tables/ from the embedded data
	$(BIN)/cptsgeo build -o maps --overwrite

test: $(VENV)/.installed-dev catalogues  ## Install what the tests need, and run them all
	scripts/install_package.sh chromium "the browser tests will be skipped" chromium-browser google-chrome
	$(BIN)/python -m pytest -n $(WORKERS) $(if $(COVERAGE),--cov --cov-report=term:skip-covered --cov-fail-under=90)

lint: $(VENV)/.installed-dev  ## Style and common faults (ruff)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev  ## Types (mypy strict)
	$(BIN)/mypy

docs: $(VENV)/.installed-dev catalogues  ## Write the generated docs: command line and glossary
	$(BIN)/python scripts/generate_docs.py

docs-check: $(VENV)/.installed-dev catalogues  ## Fail when a generated doc is not fresh
	$(BIN)/python scripts/generate_docs.py --check

audit: $(VENV)/.installed-dev  ## Licences of the dependencies, and known vulnerabilities where advisories can be reached
	$(BIN)/python scripts/audit.py

catalogues: $(VENV)/.installed  ## Compile the French texts
	$(BIN)/python hatch_build.py

data: $(VENV)/.installed-dev  ## Make the embedded data again (npm, gmt and gmt-gshhg must be installed)
	$(BIN)/python scripts/build_communes.py
	$(BIN)/python scripts/build_contours.py
	$(BIN)/python scripts/build_cpts_perimeters.py

constraints: $(VENV)/.installed-dev  ## Pin the newest versions of the dependencies, with hashes
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
	  --group build pyproject.toml -o constraints.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
	  --group build --group dev pyproject.toml -c constraints.txt -o constraints-dev.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --upgrade \
	  --group bench pyproject.toml -c constraints-dev.txt -o constraints-bench.txt

test-lowest: $(VENV)/.installed-dev  ## Run the suite on the lowest versions that pyproject.toml declares
	$(BIN)/uv venv --quiet --clear --seed --python $(BIN)/python $(VENV)-lowest
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest/bin/python --resolution lowest-direct --group build --group dev -e .
	$(VENV)-lowest/bin/python -m pytest -n 2 -m "not browser" -W default

$(VENV)/.installed-bench: constraints-bench.txt $(VENV)/.installed-dev
	$(PIP) --require-hashes -r constraints-bench.txt
	touch $@

bench: $(VENV)/.installed-bench catalogues  ## Measure beside peers, and write the tables of docs/benchmarks.md
	scripts/install_package.sh hyperfine "commands cannot be timed"
	scripts/install_package.sh chromium "pages cannot be measured" chromium-browser google-chrome
	$(BIN)/python -m pytest benchmarks -q -o addopts= -W ignore $(if $(REAL),--communes $(REAL)) \
	  --benchmark-timer=time.process_time --benchmark-min-rounds=$(ROUNDS) --benchmark-json=$(VENV)/measures.json
	$(BIN)/python benchmarks/tables.py $(VENV)/measures.json
	$(BIN)/python benchmarks/national_page.py $(REAL) $(wildcard $(ARRONDISSEMENTS)) --rounds $(ROUNDS)
	$(BIN)/python benchmarks/points.py $(REAL) --write
	@test ! -d ../shared/data || $(BIN)/python benchmarks/planning.py ../shared/data
	$(BIN)/python benchmarks/commands.py $(REAL) --rounds $(ROUNDS)

soak: $(VENV)/.installed-dev catalogues  ## Kill runs at 50 moments, build 200 times in a row, and damage 500 files of every reader
	CPTSGEO_KILLS=50 CPTSGEO_BUILDS=200 $(BIN)/python -m pytest -q tests/scale/test_reliability.py
	CPTSGEO_FUZZ=500 $(BIN)/python -m pytest -q -n 2 tests/scale/test_fuzz.py

clean:  ## Remove the environments and caches
	rm -rf $(VENV) $(VENV)-lowest .pytest_cache .mypy_cache .ruff_cache .hypothesis
