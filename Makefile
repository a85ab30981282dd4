# `make repro` and `make test` do everything on a fresh machine: virtual environment, installation, run.
SHELL := /bin/bash
VENV ?= .venv
# The folder of this file may have blanks in its name: what is run in it is named from here on, and make itself never takes its whole name apart.
ifneq ($(words $(VENV)),1)
$(error VENV = '$(VENV)': make cannot deal with blanks in names of targets; expected one word, give another name)
endif
# Which build of torch: empty, that of PyPI; or one of PyTorch's own, by its name there: `make TORCH=cpu` is the small one, for machines without a GPU.
TORCH ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/$(TORCH)
POSE := recipes/pose/params.yaml
# Where there is no GPU, the demo takes the small build by itself.
DEMO_TORCH = $(or $(TORCH),$(if $(filter Linux,$(shell uname -s)),$(if $(shell command -v nvidia-smi),,cpu)))
PIP := --quiet --disable-pip-version-check --constraint constraints.txt
BIN := $(abspath $(VENV))/bin
# DVC starts each stage with `python`: it must be the one of the virtual environment.
export PATH := $(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: demo repro test lint docs bench graph sweep ablation comparison choices tiny full large faces faces-ablation deepfashion pose pose-published pose-both identical take-over clean

repro: $(VENV)/.installed
	dvc repro

# The pose studio with the weights of models/pretrained. Where there is no environment yet, it gets what the demo needs; other targets add the rest.
demo: $(if $(wildcard $(VENV)/.installed),,$(VENV)/.demo)
	pose25d demo

tiny: $(VENV)/.installed
	dvc repro recipes/tiny/dvc.yaml

# And the weights that come with the project, with their card; but for those of the pose estimator.
full: $(VENV)/.installed
	dvc repro recipes/full/dvc.yaml models/pretrained/dvc.yaml:publish_weights models/pretrained/dvc.yaml:motion
	python -m recipes.tables

# Pictures of twice the size: about two hours on two cores, by estimate.
large: $(VENV)/.installed
	dvc repro recipes/large/dvc.yaml

faces: $(VENV)/.installed
	dvc repro recipes/faces/dvc.yaml

deepfashion: $(VENV)/.installed
	dvc repro recipes/deepfashion/dvc.yaml

pose: $(VENV)/.installed
	dvc repro recipes/pose/dvc.yaml

# The weights of the pose estimator that come with the project; every score that takes them has to be worked out again then.
pose-published: $(VENV)/.installed
	dvc repro models/pretrained/dvc.yaml:publish_pose
	python -m recipes.tables

# Both backbones in one run. The light one makes twice the steps, in less than half of the time.
pose-both: $(VENV)/.installed
	dvc exp run -S '$(POSE):pose_net.backbones=[mobilenet,vgg]' -S $(POSE):train_pose.steps=2500 \
		-S $(POSE):train_pose.longer.mobilenet=2 recipes/pose/dvc.yaml
	cp recipes/pose/metrics/test.json recipes/pose/metrics/both.json
	cp recipes/pose/metrics/samples/samples.jpg recipes/pose/metrics/both.jpg

# Every run of experiments/ablation.yaml as an experiment, and their table; RUNS="2d chosen" picks some, RECIPE=tiny takes another recipe's graph,
# JOBS=4 runs as many at a time (for a GPU with many cores beside it).
ablation: $(VENV)/.installed
	python -m experiments run $(if $(RUNS),--runs "$(RUNS)") $(if $(RECIPE),--recipe "$(RECIPE)") $(if $(JOBS),--jobs $(JOBS))

# The same for both published systems: experiments/comparison.yaml.
comparison: $(VENV)/.installed
	python -m experiments run --list experiments/comparison.yaml $(if $(RUNS),--runs "$(RUNS)") $(if $(RECIPE),--recipe "$(RECIPE)") $(if $(JOBS),--jobs $(JOBS))

# And for what params.yaml is chosen by, on people who are neither trained on nor reported: experiments/choices.yaml.
choices: $(VENV)/.installed
	python -m experiments run --list experiments/choices.yaml $(if $(RUNS),--runs "$(RUNS)") $(if $(RECIPE),--recipe "$(RECIPE)") $(if $(JOBS),--jobs $(JOBS))

# And for what the face report names: experiments/faces.yaml.
faces-ablation: $(VENV)/.installed
	python -m experiments run --list experiments/faces.yaml --recipe faces $(if $(RUNS),--runs "$(RUNS)") $(if $(JOBS),--jobs $(JOBS))

# As many files of tests at a time as there are cores, at most four: each worker holds torch in memory.
test: $(VENV)/.installed
	python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.installed
	ruff check .
	ruff format --check .
	mypy pipeline stages pose25d experiments recipes benchmarks
	lint-imports --no-cache

# The pages of docs/ and the reference of the code as a site; a warning is an error.
docs: $(VENV)/.installed
	python -m recipes.tables --check
	python -m sphinx --quiet --fail-on-warning --keep-going --jobs auto docs docs/_build/html

bench: $(VENV)/.installed
	for script in benchmarks/bench_*.py; do echo "== $$script"; python -m "benchmarks.$$(basename "$$script" .py)" || exit 1; done

# How the labels depend on the body's thicknesses, on the data that `make repro` packed; no stage depends on it.
sweep: $(VENV)/.installed
	pose25d sweep data/packed metrics/label_sweep

# Does a change of the code change what it computes? The smallest chain of every graph, run with the commit BASE and with the present one.
identical: $(VENV)/.installed
	@[ -n "$(BASE)" ] || { echo "BASE is missing: make identical BASE=<commit>" >&2; exit 1; }
	python -m recipes.identical "$(BASE)"

# After `make identical BASE=<commit>` found no difference: every dvc.lock agrees with the present code, and keeps the hashes of the outputs;
# and results of lists of runs count as those of the present code.
take-over: $(VENV)/.installed
	@[ -n "$(BASE)" ] || { echo "BASE is missing: make take-over BASE=<commit>" >&2; exit 1; }
	python -m recipes.take_over "$(BASE)"; locks=$$?; python -m experiments take-over "$(BASE)" && exit $$locks

# Write the code dependencies of every stage into dvc.yaml, and the recipes' graphs from it.
graph: $(VENV)/.installed
	python -m recipes.graph

# A virtual environment with torch, whose size is said before it is downloaded, if it is not PyPI's.
define ENVIRONMENT
@command -v git >/dev/null || { echo "git is missing: install it (Debian and Ubuntu: apt-get install git), then run make again" >&2; exit 1; }
@python="$$(PYTHON="$(PYTHON)" .ci/python)" && "$$python" -m venv "$(VENV)"
@echo "torch comes from $(if $(TORCH),$(TORCH_INDEX): about 200 MB for cpu$(COMMA) gigabytes for a GPU,PyPI: about 200 MB$(COMMA) but on Linux x86-64 \
about 2.8 GB$(COMMA) with CUDA; without a GPU stop here and run: make TORCH=cpu)"
$(if $(TORCH),"$(VENV)/bin/python" -m pip install $(PIP) --no-deps --index-url "$(TORCH_INDEX)" torch)
endef
COMMA := ,

$(VENV)/.installed: setup.cfg pyproject.toml constraints.txt
	$(ENVIRONMENT)
	"$(VENV)/bin/python" -m pip install $(PIP) --editable '.[test,docs]'
	touch "$@"

$(VENV)/.demo: TORCH := $(DEMO_TORCH)
$(VENV)/.demo: setup.cfg pyproject.toml constraints.txt .ci/demo.txt
	$(ENVIRONMENT)
	"$(VENV)/bin/python" -m pip install $(PIP) --requirement .ci/demo.txt
	"$(VENV)/bin/python" -m pip install $(PIP) --no-deps --editable .
	touch "$@"

clean:
	rm -rf "$(VENV)" .scratch .mypy_cache .pytest_cache .ruff_cache docs/_build docs/api *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
