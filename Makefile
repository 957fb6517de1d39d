# On a fresh machine every target first installs what it lacks, and says so: see .ci/prepare.

built := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help demo run dev test measure lint release bench

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 18

demo: ## the server with a believable company in a throw-away database
	@.ci/prepare
	cargo front
	cargo build --package server
	$(built)/debug/tidings demo

run: release ## the server for real, as released
	$(built)/release/tidings serve

dev: ## the demo, rebuilt and restarted when a source changes
	@.ci/prepare
	@.ci/dev

test: ## every test: units, both databases, mail, browser
	@.ci/prepare test
	cargo front
	cargo nextest run --workspace --test-threads $$((2 * $$(nproc) + 2))
	cargo test --workspace --doc --quiet
	cd end2end && npx playwright test

measure: release ## page weights, times and throughput of what readers get
	@.ci/prepare test
	cd end2end && TIDINGS_BIN=$(abspath $(built))/release/tidings node measure.mjs

lint: ## formatting, clippy, documentation, dependency arrows
	@.ci/lint

release: ## one self-contained binary, target/release/tidings
	@.ci/prepare
	cargo front
	cargo build --release --package server

bench: release ## the release against smtp-source and itself: see BENCHMARKS.md
	@.ci/prepare bench
	TIDINGS_BIN=$(built)/release/tidings cargo run --release --package bench -- $(BENCH)
