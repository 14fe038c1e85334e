# The one command surface. `make` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
UV     := $(BIN)/uv
UV_VERSION := 0.13.8
# Processes that share the work of `make test`, a file of tests at a time.
WORKERS ?= 2

# Trust what the system trusts, as pip does: some networks have a certificate authority of their own.
export UV_SYSTEM_CERTS := 1

.DEFAULT_GOAL := help
.PHONY: help setup lock format lint types imports unit check edge test test-long fuzz diagrams demo faults bench profile interop cover clean need-tools

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

need-tools:
	@command -v $(PYTHON) >/dev/null || { echo "missing: $(PYTHON) (Python 3.11 or later)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "too old: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or later is needed (make PYTHON=python3.11 ...)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "missing: the venv module of $(PYTHON) (Debian: apt install python3-venv)" >&2; exit 1; }
	@command -v git >/dev/null || { echo "missing: git" >&2; exit 1; }
	@command -v ssh >/dev/null || { echo "missing: the OpenSSH client, ssh (Debian: apt install openssh-client)" >&2; exit 1; }

$(STAMP): pyproject.toml requirements/dev.txt | need-tools
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(BIN)/python -m pip install --quiet --disable-pip-version-check --root-user-action=ignore uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --compile-bytecode --require-hashes -r requirements/dev.txt
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q src  # programs start in half the time, also where writing bytecode is switched off
	@touch $@

setup: $(STAMP)  ## create .venv with every locked dependency

lock: | need-tools  ## write requirements/*.txt anew from pyproject.toml
	@test -x $(UV) || { $(PYTHON) -m venv $(VENV) && $(BIN)/python -m pip install --quiet uv==$(UV_VERSION); }
	@for set in base: server:--extra=server postgres:--extra=postgres dev:--extra=postgres; do \
	  name=$${set%%:*}; extra=$${set#*:}; group=; \
	  test $$name = dev && group="--group=dev"; \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock" $$extra $$group -o requirements/$$name.txt pyproject.toml || exit 1; \
	done
	@$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --group fuzz -o requirements/fuzz.txt

format: $(STAMP)  ## format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only --quiet .

lint: $(STAMP)
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports

unit: $(STAMP)
	@$(BIN)/pytest -q tests/unit tests/property

check: lint types imports unit  ## format, lint, types, imports, unit and property tests: before each commit

edge: $(STAMP)  ## is the base install, without extras, enough for an agent and a client?
	@$(BIN)/python -m tools.check_edge_install

test: $(STAMP)  ## every test, with the real programs where they are installed
	@$(BIN)/pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder tests

test-long: $(STAMP)  ## the properties with many more examples: for a night
	@HYPOTHESIS_PROFILE=deep $(BIN)/pytest -q tests/property --timeout 3600

$(VENV)/.fuzz: requirements/fuzz.txt | $(STAMP)
	@VIRTUAL_ENV=$(abspath $(VENV)) $(UV) pip install --quiet --require-hashes -r requirements/fuzz.txt
	@touch $@

fuzz: $(STAMP) $(VENV)/.fuzz  ## every decoder, guided by coverage (TARGET=url SECONDS=600; all of them, 60 s each)
	@$(BIN)/python -m tests.fuzz.run $(if $(TARGET),--target $(TARGET)) $(if $(SECONDS),--seconds $(SECONDS))

diagrams: $(STAMP)  ## write the state diagrams of docs/protocol.md anew from the code's tables
	@$(BIN)/python -m tools.diagrams

demo: $(STAMP)  ## ssh and scp through the tunnel, end to end, on this machine (KEEP=1 leaves it running)
	@$(BIN)/python -m tools.demo $(if $(KEEP),--keep)

faults: $(STAMP)  ## 200 faults under running transfers, and a proof of what became of them (SEED=, FAULTS=, HOURS=, CHECK=)
	@$(BIN)/python -m tools.faults $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) \
	  $(if $(HOURS),--hours $(HOURS)) $(if $(HISTORY),--history $(HISTORY)) $(if $(CHECK),--check $(CHECK))

bench: $(STAMP)  ## how fast, how small, how many: the whole table (QUICK=1, GATE=1, ROWS=scp,echo, OUTPUT=directory)
	@$(BIN)/python -m benchmarks $(if $(QUICK),--quick) $(if $(GATE),--gate) $(if $(ROWS),--rows $(ROWS)) \
	  $(if $(OUTPUT),--output $(OUTPUT))

profile: $(STAMP)  ## where the time goes on the byte path (MIB=1024, TLS=no)
	@$(BIN)/python -m benchmarks.profile $(if $(MIB),--mib $(MIB)) $(if $(filter no,$(TLS)),--no-tls)

interop: $(STAMP)  ## every tool between every pair of ends, ours and AWS's own (REAL_AWS_BIN): docs/interop.md
	@$(BIN)/python -m tools.interop

cover: $(STAMP)  ## branch coverage of the pure packages from their own tests
	@$(BIN)/coverage run -m pytest -q tests/unit tests/property
	@$(BIN)/coverage report --show-missing --include='src/fairlead/aws/*,src/fairlead/protocol/*,src/fairlead/policy/*,src/fairlead/domain/*'

clean:  ## remove everything that was made here
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage .fuzz
