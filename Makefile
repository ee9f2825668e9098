# `make` is `make check test`. The first target that needs .venv builds it; PYTHON=… chooses its Python.

PYTHON = $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: all demo run test check fmt docs bench bench-peers sweep torture faults

all: check test

demo: $(READY)
	@$(BIN)/listserv-py --config config/demo.toml demo

run: $(READY)
	$(BIN)/listserv-py --config config/demo.toml serve

test: $(READY)
	$(BIN)/python -m pytest -n 3

check: $(READY)
	$(BIN)/ruff format --check . && $(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports && $(BIN)/python -m listserv_py.cli.generate --check

fmt: $(READY)
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .

docs: $(READY)
	$(BIN)/python -m listserv_py.cli.generate

bench: $(READY)
	$(BIN)/python bench/intake.py
	$(BIN)/python bench/delivery.py
	$(BIN)/python bench/sizes.py
	$(BIN)/python bench/first_copy.py
	$(BIN)/python bench/signing.py
	$(BIN)/python bench/merge.py
	$(BIN)/python bench/digest.py
	$(BIN)/python bench/roundtrip.py
	$(BIN)/python bench/bulk.py
	$(BIN)/python bench/waiting.py

bench-peers: $(READY)
	$(BIN)/python bench/peers/run.py

sweep: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/loopback/sweep.py
	PYTHONPATH=tests $(BIN)/python tests/loopback/issue_sweep.py
	PYTHONPATH=tests $(BIN)/python tests/loopback/mail_sweep.py

torture: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/loopback/torture.py

faults: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/loopback/big_post.py
	PYTHONPATH=tests $(BIN)/python tests/loopback/full_disk.py
	PYTHONPATH=tests $(BIN)/python tests/loopback/stalled.py

$(READY): $(BIN)/python pyproject.toml
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group dev --editable . && touch $(READY)

$(BIN)/python:
	$(or $(PYTHON),$(error Python 3.11 or newer is needed)) -m venv --clear .venv
