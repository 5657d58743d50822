# Forewarn. `make demo` and `make test` do all set-up; everything made here goes to .venv, build and the cache folder.
# Assumes Python 3.11+, Java 17+, Maven, Go and (for InfluxDB 2.7) Rust; the service tool says what is missing.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CORE := $(VENV)/core.stamp
DEV := $(VENV)/dev.stamp
ONLY ?=
MISSING ?=
SERVICES := $(PYTHON) infra/bin/services.py

.PHONY: help setup demo services test lint unit soak bench benchmarks dependencies audit pythons lock vendor bundle dashboards pictures clean

help:
	@echo "make demo      set up, run the whole job on a simulated plant (KEEP=1 leaves it up)"
	@echo "make test      set up, run every test, on real servers that it starts and stops"
	@echo "make setup     the development environment alone"
	@echo "make services  build Kafka, InfluxDB 1.8 and 2.7 into the cache, and an older Kafka for tests"
	@echo "make soak      long fault runs   make lock   pin anew   make clean"
	@echo "make bench     all benchmarks, hours; ONLY=a,b: those; MISSING=1: those without a result of this code"
	@echo "make benchmarks  BENCHMARKS.md and README's figures anew, from the results that there are"
	@echo "make pythons   tests that need no servers, on each Python we support that is found; ONLY=3.13: on that"
	@echo "make audit     asks what is known against pinned packages   make dependencies  infra/DEPENDENCIES.md anew"
	@echo "make bundle KEY=key.pem   one signed archive that installs where there is no network (infra/DEPLOY.md)"
	@echo "make pictures  README's pictures of the demo anew: a recording of the terminal, the page, charts"
	@echo "make dashboards  Grafana's dashboards anew, from the metrics that there are"
	@echo "make vendor    fetch the chart library of the web page anew, checked by its sha512"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: Python 3.11 or later is needed, $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(CORE): requirements.lock pyproject.toml | $(BIN)/python
	@echo "installing Python packages (requirements.lock)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(DEV): requirements-dev.lock $(CORE)
	@echo "installing development packages (requirements-dev.lock)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

setup: $(DEV)

# Servers are built while Python packages are installed.
demo:
	@$(SERVICES) build --influx 1.8 & build=$$!; $(MAKE) --no-print-directory $(CORE) && wait $$build
	@$(BIN)/forewarn demo $(if $(KEEP),--keep)

services:
	@$(SERVICES) build --influx 1.8
	@$(SERVICES) build --influx 2.7 --older
	@-$(PYTHON) infra/bin/go_tools.py >/dev/null

# InfluxDB 2.7 takes minutes to build on a new machine: the tests that need no servers run meanwhile.
test:
	@mkdir -p build; $(MAKE) --no-print-directory services >build/services.log 2>&1 & build=$$!; \
	$(MAKE) --no-print-directory lint unit || { kill $$build 2>/dev/null; exit 1; }; \
	wait $$build || { tail -n 20 build/services.log; exit 1; }
	@$(BIN)/python -m pytest -m "servers and not soak"

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(DEV)
	$(BIN)/python -m pytest -m "not servers and not soak" -n auto --dist loadfile

soak: $(DEV)
	@$(MAKE) --no-print-directory services
	HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest -m soak --timeout 3600
	HYPOTHESIS_PROFILE=random $(BIN)/python -m pytest tests/unit tests/conformance -k "any or bit or loop" -m "not soak"

bench: $(DEV)
	@$(SERVICES) build --influx 2.7
	@$(BIN)/python -m tests.kit.benches --only "$(ONLY)" $(if $(MISSING),--missing)

benchmarks: $(DEV)
	@$(BIN)/python -m tests.kit.bench_page

lock: $(DEV)
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --extra demo pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --all-extras -c requirements.lock pyproject.toml -o requirements-dev.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header --extra console --extra deliver --extra plan --extra scada --extra s3 -c requirements-dev.lock pyproject.toml -o requirements-deploy.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header tests/bench/peers/peers.in -o tests/bench/peers/peers.lock

# Reads licences from what is installed.
dependencies: $(DEV)
	@$(BIN)/python -m infra.bin.dependencies

# Ends with 1 where something is known against a package, with 2 where that could not be asked (see infra/bin/audit.py).
audit:
	@$(PYTHON) -m infra.bin.audit

pythons:
	@$(PYTHON) -m infra.bin.pythons $(ONLY)

dashboards: $(DEV)
	@$(BIN)/python -m infra.grafana

# Runs the demo in a terminal of its own and has a browser look at its page: minutes.
pictures: $(DEV)
	@$(SERVICES) build --influx 1.8
	@$(BIN)/python -m tests.kit.pictures

# Needs npm, which nothing else here does.
vendor:
	$(PYTHON) infra/bin/vendor.py

# For this Python and platform. KEY is a private key of ed25519, PEM; build/ has the archive.
bundle: $(CORE)
	@test -n "$(KEY)" || { echo "error: give a key: make bundle KEY=key.pem (openssl genpkey -algorithm ed25519 -out key.pem)"; exit 1; }
	@$(BIN)/python infra/bin/bundle.py make --key $(KEY)

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
