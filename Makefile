# The experiments and the chores, one target each. `make help` lists them.

SWIFT ?= swift
PROMPT ?= Write a short email to my boss asking for a day off.
# Root installs as it is; anybody else through sudo.
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.DEFAULT_GOAL := help
.PHONY: help deps deps-checks build demo report test test-neon lint fmt bench instructions peers clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

deps: ## install what the build needs and is missing (zstd, zlib, libcurl, pkg-config)
	@pkg-config --exists libzstd zlib libcurl 2>/dev/null || { \
	  if command -v apt-get >/dev/null; then \
	    $(AS_ROOT) apt-get update -qq && \
	    $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq libzstd-dev zlib1g-dev libcurl4-openssl-dev pkg-config; \
	  elif command -v brew >/dev/null; then brew install zstd zlib curl pkg-config; \
	  else echo "install the development files of libzstd, zlib and libcurl, and pkg-config, then try again" >&2; exit 69; fi; }

deps-checks: ## install what `make test-neon instructions` need and is missing, where apt-get has it
	@for pair in aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu qemu-aarch64:qemu-user \
	    valgrind:valgrind strip:binutils; do \
	  command -v $${pair%%:*} >/dev/null || missing="$$missing $${pair##*:}"; done; \
	[ -z "$$missing" ] || { $(AS_ROOT) apt-get update -qq && \
	  $(AS_ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $$missing; } \
	  || echo "not installed:$$missing; the checks that need them are skipped" >&2

build: deps ## build the program in release
	$(SWIFT) build -c release --product foretoken

demo: build ## stream an answer to PROMPT through the shipped pair
	printf '%s' '$(PROMPT)' | .build/release/foretoken generate --stats

report: build ## what each policy gains on a few prompts, as foretoken-report/report.html
	.build/release/foretoken report --quick

test: deps ## build and run every test (in release: the kernels are C, and slow without -O2)
	$(SWIFT) test -c release

# The emulator plays a CPU with byte dot products and one without.
test-neon: ## the ARM kernels against the scalar code, bit for bit, in an emulator
	@for tool in clang aarch64-linux-gnu-gcc qemu-aarch64; do command -v $$tool >/dev/null || { \
	  echo "ARM kernels skipped: no $$tool (make deps-checks)"; exit 0; }; done; \
	set -e; mkdir -p .build/neon; \
	clang --target=aarch64-linux-gnu -O2 -static -ISources/CKernels/include Sources/CKernels/*.c \
	  Tools/kernels/compare_kernels.c -lm -lpthread -o .build/neon/compare; \
	for cpu in max cortex-a57; do qemu-aarch64 -cpu $$cpu .build/neon/compare; done

lint: ## check the formatting
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests Tools

fmt: ## format in place
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests Tools

bench: deps ## V(n), decode and draft speed of this machine on random weights
	$(SWIFT) build -c release --product foretoken-bench
	.build/release/foretoken-bench engine --model 110m
	.build/release/foretoken-bench engine --model 3m --context 128

instructions: deps ## instructions of a draft step, a decode step and a verification, against limits
	$(SWIFT) build -c release --product foretoken-bench
	python3 Tools/kernels/count_instructions.py

peers: build ## Foretoken beside llama.cpp, transformers, ZipNN, tokenizers and tiktoken
	$(SWIFT) build -c release --product foretoken-bench
	Tools/peers/run.sh $(PEERS)

clean: ## remove what was built
	rm -rf .build
