# The two doors are `make demo` and `make test`; `make help` lists the rest.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
export CARGO_TERM_COLOR ?= auto

PYTHON ?= python3
VENV := .venv
BIN := target/debug/trunkline

##@ Use it
.PHONY: demo
demo: ## Build trunkline and watch it carry its first call
	@cargo build --quiet --package trunkline
	@$(BIN) demo

.PHONY: build
build: ## Build the optimised binary (target/release/trunkline)
	cargo build --release --package trunkline

##@ Check it
.PHONY: test
test: tools lint codegen-check tidy unit docs conformance ## Everything CI runs: format, lints, unit, property, simulation, real clients

.PHONY: check
check: lint codegen-check tidy unit docs ## What needs Rust alone: format, lints, unit and property tests, documentation

.PHONY: lint
lint: ## Formatting and lints
	cargo fmt --all --check
	cargo fmt --check --manifest-path conformance/rust-sdk/Cargo.toml
	cargo clippy --workspace --all-targets --locked -- -D warnings

.PHONY: codegen-check
codegen-check: ## Generated code equals what the model gives
	cargo xtask codegen --check

.PHONY: tidy
tidy: ## The laws a machine keeps: arrows, sizes, words, licences, coverage of operations
	cargo xtask tidy
	cargo xtask operations

.PHONY: unit
unit: ## Unit, property, simulation and whole-server tests
	@scripts/cargo-tool cargo-nextest
	cargo nextest run --workspace --locked
	cargo test --workspace --locked --doc --quiet

.PHONY: docs
docs: ## Documentation without a warning
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --locked --quiet

.PHONY: conformance
conformance: $(VENV)/ready conformance/js/node_modules/ready ## Unmodified clients against a running server: AWS's SDKs and CLI, SIPp, baresip, linphone
	cargo build --workspace --bins --locked
	cargo test --no-run --quiet --locked --manifest-path conformance/rust-sdk/Cargo.toml
	$(VENV)/bin/python scripts/extract-model.py --check api-model/chime-sdk-voice-2022-08-03.json
	TRUNKLINE_BIN="$(CURDIR)/$(BIN)" $(VENV)/bin/python -m pytest conformance

.PHONY: tools
tools: ## Install what the tests talk to (Debian packages, a private Python environment)
	scripts/install-test-tools

$(VENV)/ready: conformance/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement conformance/requirements.txt
	touch $@

conformance/js/node_modules/ready: conformance/js/package-lock.json
	npm ci --silent --prefix conformance/js
	touch $@

##@ Measure and change it
.PHONY: bench
bench: ## The performance table: ours beside the peers, in one run
	bench/run

.PHONY: fuzz
fuzz: ## Each fuzz target for a minute, from the committed corpora (needs nightly and cargo-fuzz)
	fuzz/run

.PHONY: fmt
fmt: ## Format the code
	cargo fmt --all

.PHONY: codegen
codegen: ## Regenerate the API crate from the model
	cargo xtask codegen

.PHONY: help
help: ## This list
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
