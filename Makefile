# `make serve` and `make test` set everything up, and `make` lists the rest. Needs Python ≥ 3.11.
PYTHON ?= python3
PORT ?= 8000
VENV := .venv
RUN := $(VENV)/bin/python -m
# As in the service: the matrices are small, and processes would take each other's cores.
ONE_THREAD := OPENBLAS_NUM_THREADS=1
# Tests of browsers and servers wait: three processes use two cores. More than eight would wait for the slowest file.
PROCESSES = $(shell $(PYTHON) -c "import os; print(min(8, os.cpu_count() * 3 // 2))")
PIP := $(RUN) pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help serve trainer importer cluster test quick check docs documents peers bench guard train studies examples lock

help:  ## this list
	@awk -F ':.*## ' '/^[a-z].*:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: $(VENV)/.serve  ## the service on http://localhost:8000 (PORT=8080: on another port)
	KONKYO_PORT=$(PORT) $(RUN) service

trainer: $(VENV)/.train  ## installs what the trainer and the service need, for .venv/bin/konkyo train

importer: $(VENV)/.import  ## installs what .venv/bin/konkyo import and the service need

cluster: $(VENV)/.cluster  ## installs what .venv/bin/konkyo explain and .venv/bin/serve run need

test: $(VENV)/.dev  ## every test (ARGS=…: options of pytest; --cov: with the coverage gate, which takes two thirds longer)
	$(ONE_THREAD) $(RUN) pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder --durations 20 $(ARGS)

quick: $(VENV)/.dev  ## the tests of models/ and of the service within this process, in less than a minute
	$(ONE_THREAD) $(RUN) pytest --numprocesses auto --dist loadfile --durations 10 tests/models tests/service tests/test_floors.py $(ARGS)

check: $(VENV)/.dev  ## lint, format, types, and what may import what
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(VENV)/bin/lint-imports --no-cache

docs: $(VENV)/.docs  ## the documents as a site, in build/site
	$(RUN) sphinx --quiet --fail-on-warning --keep-going docs build/site

DOCUMENTS := contributing.py readme.py start.py own_network.py own_data.py training.py scaling.py operations.py

documents: $(VENV)/.dev  ## each command that the documents print, in fresh clones: 10 minutes
	$(RUN) pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 10 $(addprefix tests/documents/,$(DOCUMENTS)) $(ARGS)

peers: build/peers/.made  ## tests with KServe's client and shapiq, in an environment of their own: they need older packages
	build/peers/bin/python -m pytest tests/e2e/test_kserve.py tests/models/test_shapiq.py $(ARGS)

build/peers/.made: pyproject.toml
	$(PYTHON) -m venv build/peers
	build/peers/bin/python -m pip install --quiet --editable '.[serve,train]' captum kserve shapiq httpx2 hypothesis ipykernel nbclient pandas pyarrow pytest
	touch $@

bench: $(VENV)/.bench  ## measurements side by side: in the process, over HTTP, and on the page
	$(RUN) benchmarks
	$(RUN) benchmarks.serving
	$(RUN) benchmarks.page

guard: $(VENV)/.dev  ## whether a request costs no more than a multiple of one that does nothing
	$(RUN) benchmarks.guard

# The data sets whose networks are studied; those of animals if their images are there. The first is the one that is
# trained on.
DATA ?= $(or $(KONKYO_DATA),data/mnist) $(wildcard data/animals)
train studies: export KONKYO_DATA := $(firstword $(DATA))

train: $(VENV)/.dev  ## three of the shipped checkpoints, again: hours (ARGS="--seeds 3" and the like)
	$(RUN) trainer train --recipe best --seeds 10 --stages 3k5,3k3q --name paired-3x3 $(ARGS)
	$(RUN) trainer train --recipe best --seeds 10 --stages 3k5,3k3 --name summed-3x3 $(ARGS)
	$(RUN) trainer train --recipe best --seeds 10 --stages 6k5,16k3 --name lenet-6x16 $(ARGS)
	$(RUN) trainer study filters

studies: $(VENV)/.dev  ## the paper's findings and what goes beyond them, of every network; takes hours, can be resumed
	for data in $(DATA); do $(RUN) trainer study all --data $$data || exit 1; done
	$(RUN) trainer report

examples: $(VENV)/.dev build/peers/.made  ## all that the documents show, from the running service: answers, pictures, screenshots, lesson
	$(RUN) tools.examples
	$(RUN) tools.samples
	$(RUN) tools.lesson
	build/peers/bin/python -m tools.notebook
	$(RUN) tests.service.pictures
	$(RUN) tools.gallery
	$(RUN) tools.screenshots

# The build backend has a hash as well: the image is made without any other.
BACKEND := $(VENV)/bin/python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'])"
COMPILE := $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --custom-compile-command "make lock"

lock: $(VENV)/.dev  ## constraints.txt, from pyproject.toml, and with hashes the requirements.txt of each image
	$(PIP) uv
	$(COMPILE) --all-extras --upgrade pyproject.toml --output-file constraints.txt
	for image in serve: train:trainer/; do \
		$(BACKEND) | $(COMPILE) --extra $${image%:*} --constraint constraints.txt --generate-hashes --upgrade pyproject.toml - \
			--output-file $${image#*:}requirements.txt || exit 1; \
	done

# What the image installs, in CycloneDX.
build/konkyo.cdx.json: requirements.txt $(VENV)/bin/python
	$(PIP) cyclonedx-bom
	mkdir -p build
	$(VENV)/bin/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application --output-reproducible --output-file $@ $<

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Konkyo needs Python 3.11 or later; make PYTHON=… names one")'
	$(PYTHON) -m venv $(VENV)

# Extras of pyproject.toml that are installed together, each with a file that says so. What was trained or imported is
# also served.
$(VENV)/.serve: EXTRAS := serve
$(VENV)/.train: EXTRAS := serve,train
$(VENV)/.import: EXTRAS := serve,import
$(VENV)/.cluster: EXTRAS := serve,cluster
$(VENV)/.docs: EXTRAS := docs
$(VENV)/.dev: EXTRAS := serve,train,import,cluster,docs,dev
$(VENV)/.bench: EXTRAS := serve,train,import,cluster,docs,dev,bench
COMMA := ,

$(VENV)/.serve $(VENV)/.train $(VENV)/.import $(VENV)/.cluster $(VENV)/.docs $(VENV)/.dev $(VENV)/.bench: $(VENV)/bin/python pyproject.toml constraints.txt
	$(PIP) --editable '.[$(EXTRAS)]'
	touch $(patsubst %,$(VENV)/.%,$(subst $(COMMA), ,$(EXTRAS)))
