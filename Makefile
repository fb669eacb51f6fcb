# The verbs of this project. Everything is installed into .venv from hashed locks.
PYTHON ?= python3
BIN := .venv/bin

# Debian's packages for the private Docker Engines of the tests.
ENGINE_PACKAGES := docker.io iptables busybox-static iproute2

.PHONY: test lint run engine-packages

.venv/stamp: requirements-dev.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.txt
	touch $@

engine-packages:
	@if command -v dockerd tini ip >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing from Debian's packages: $(ENGINE_PACKAGES)"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			-o DPkg::Lock::Timeout=300 $(ENGINE_PACKAGES) >/dev/null; \
	else \
		echo "Tests on real engines are skipped: they need root and $(ENGINE_PACKAGES)."; \
	fi

test: .venv/stamp engine-packages ## all tests, on real private engines
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
