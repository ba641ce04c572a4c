# make deploy is all that a user needs; the rest is for working on the project.
PYTHON ?= python3
# Whether that was named: then .venv is to be on it, and not on any that works.
ASKED := $(filter command environment,$(origin PYTHON))
BIN := .venv/bin
LOCKS := deploy proxy dev voicemode litellm node page wyoming realtime bench ansible quality
WORKERS ?= 3
SIDE_BY_SIDE = $(BIN)/python -m pytest --durations 10 -m 'not hip and not vulkan and not clients and not pool and not page and not realtime and not alone' \
  --dist loadfile --no-loadscope-reorder

ALONE = $(shell grep -rl --include='*.py' 'mark\.alone' tests)

# What the user has set for other Pythons is not for .venv, nor where pip installs to; which index it
# asks is, as long as that answers.
unexport CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP
export PIP_USER := 0
export PIP_REQUIRE_VIRTUALENV := 0
export PIP_TARGET :=
export PIP_PREFIX :=

.PHONY: FORCE help deploy check demo test test-boxes test-fast test-clients test-hip test-vulkan test-page test-pool test-realtime torture fuzz soak bench quality \
  lint format setup boxes lock clean

help:
	@echo 'make deploy      deploy to the machines of inventory.py (this one, unless you changed it)'
	@echo 'make check       say what a deploy would change, and fail if that is anything'
	@echo 'make demo        deploy to a test box on this machine and transcribe through it'
	@echo 'make test        all tests, those on test boxes included (root on Debian)'
	@echo 'make test-fast   the tests that need no box: about a minute'
	@echo 'make test-clients'
	@echo '                 real client packages before a real whisper-server: some minutes'
	@echo 'make test-boxes  all tests on boxes, of which make test has a part: half an hour'
	@echo 'make torture     the deploy killed at every point, of which they have a sample: an hour;'
	@echo '                 with TORTURE_CASES=sample another sample each time, for the night'
	@echo 'make fuzz        20,000 malformed requests and 2,000 recordings, a sample of which is in make test'
	@echo 'make soak        ten minutes of misbehaving clients beside a well-behaved one, whose p99 it tells'
	@echo 'make test-hip    builds for a card, with a real HIP compiler: an hour, and 6 GB of disk'
	@echo 'make test-vulkan builds with Vulkan and computes on llvmpipe: half an hour'
	@echo 'make test-page   the page in a browser, before a deployed box, and the pictures in docs/: some minutes'
	@echo 'make test-pool   a pool whose machines are taken away, and figures of large ones: an hour'
	@echo 'make test-realtime'
	@echo '                 three who speak at once for ten minutes, and how soon their words are there'
	@echo 'make bench       what the proxy costs, beside the hand-written one and nginx: two minutes'
	@echo 'make quality     word error rates, straight and through the proxy: a quarter of an hour'
	@echo 'make lint        ruff, mypy, shellcheck'
	@echo 'make setup       what tests and lint need, in .venv; on Debian as root also its packages'
	@echo 'make lock        renew the pinned versions in requirements/'
	@echo 'make clean       end all test boxes, delete their caches and .venv'

deploy: .venv/deploy.done
	$(BIN)/pyinfra inventory.py deploy.py

check: .venv/deploy.done
	@$(BIN)/python -m voicemode_whisper.check inventory.py deploy.py

demo: boxes
	$(BIN)/python -m tests.demo

# What boxes are made of is built beside the tests that need none. Boxes wait some of the time, so a
# few are up at once; what measures time comes alone, at the end. Some tests take turns, which the
# commit draws (tests/sampling.py).
test: export TORTURE_SEED ?= $(shell git rev-parse --short HEAD 2>/dev/null)
test: boxes
	@BOXES_SESSION=$$(mktemp -d) && export BOXES_SESSION && trap 'rm -r "$$BOXES_SESSION"' EXIT; \
	{ $(BIN)/python -m tests.boxes prepare && $(BIN)/python -m tests.machines.snapshots; } & prepare=$$!; \
	$(SIDE_BY_SIDE) --numprocesses 2 --ignore tests/machines; fast=$$?; \
	wait $$prepare && $(SIDE_BY_SIDE) --numprocesses $(WORKERS) tests/machines; machines=$$?; \
	$(BIN)/python -m pytest --durations 10 -m alone $(ALONE) && [ $$fast$$machines = 00 ]

test-boxes: boxes
	$(SIDE_BY_SIDE) --numprocesses $(WORKERS) tests/machines

test-fast: .venv/dev.done
	$(BIN)/python -m pytest -m 'not slow' --ignore tests/machines

test-clients: boxes
	$(BIN)/python -m pytest -m clients tests/machines tests/clients

torture: boxes
	TORTURE_CASES="$${TORTURE_CASES:-all}" $(BIN)/python -m pytest \
	  $(patsubst %,tests/machines/test_%.py,killed cut_off lossless idle_stop)

fuzz: .venv/dev.done
	FUZZ_CASES=all FUZZ_AUDIO=2000 $(BIN)/python -m pytest -s tests/proxy/test_fuzz.py tests/proxy/test_fuzz_audio.py

soak: .venv/dev.done
	SOAK_SECONDS=$${SOAK_SECONDS:-600} $(BIN)/python -m pytest -s tests/proxy/test_soak.py tests/proxy/test_strain.py

test-hip: boxes
	$(BIN)/python -m pytest -m hip tests/machines
	$(BIN)/python -m bench --builds

test-vulkan: boxes
	$(BIN)/python -m pytest -m vulkan tests/machines

test-page: boxes
	PAGE_PICTURES=docs $(BIN)/python -m pytest -m 'page or not page' tests/page tests/machines/test_page.py

test-pool: boxes
	$(BIN)/python -m pytest -s -m pool tests/machines
	$(BIN)/python -m bench.pool

test-realtime: boxes
	$(BIN)/python -m pytest -s -m realtime tests/machines

bench: .venv/dev.done
	@$(BIN)/python -m bench

quality: boxes
	@PYTHONPATH=files $(BIN)/python -m bench.quality

lint: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	@command -v shellcheck >/dev/null || apt-get install -qqy shellcheck || \
	  { apt-get update -qq && apt-get install -qqy shellcheck; }
	shellcheck -x .ci/run requirements/install.sh voicemode_whisper/scripts/*.sh

format: .venv/dev.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

setup: .venv/dev.done
	@$(BIN)/python -m tests.boxes setup || \
	  echo 'All but make demo and make test works here.'

boxes: .venv/dev.done
	@$(BIN)/python -m tests.boxes setup

lock: .venv/dev.done
	for name in $(LOCKS); do \
	  case $$name in wyoming) python=3.12;; *) python=3.11;; esac; \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version $$python \
	    --generate-hashes --no-emit-index-url --no-header \
	    --no-emit-package simpleaudio \
	    requirements/$$name.in --output-file requirements/$$name.lock || exit 1; \
	done
	for directory in tests/clients/node tests/page; do \
	  (cd $$directory && npm update --package-lock-only --ignore-scripts --no-audit --no-fund) || exit 1; \
	done

clean:
	if [ -d .boxes ]; then $(BIN)/python -m tests.boxes down; fi
	rm -rf .boxes .venv .clients .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf tests/clients/node/node_modules tests/page/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Asked each time: the Python of .venv may have gone since.
.venv/deploy.done: FORCE
	@sh requirements/install.sh deploy '$(PYTHON)' '$(ASKED)'

.venv/dev.done: .venv/deploy.done FORCE
	@sh requirements/install.sh dev '$(PYTHON)' '$(ASKED)'

FORCE:
