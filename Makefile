# The verbs of this project. Everything is installed into .venv from hashed locks.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: test lint run

.venv/stamp: requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@

test: .venv/stamp ## all tests
	$(BIN)/python -m pytest

lint: .venv/stamp ## style, types, floors, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

run: .venv/stamp ## web process alone (the supervisor is not built yet)
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py runserver 127.0.0.1:$${PORT:-8000} --noreload
