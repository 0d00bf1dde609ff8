# Hubbub: what people type. `make` alone lists it.
.DEFAULT_GOAL := help
.PHONY: help demo test lint sim bench pieces

help: ## Show this
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | awk -F '\t' '{ printf "  make %-8s %s\n", $$1, $$2 }'

demo: ## Build, start a server, let 2,000 people chat for 20 s, and show the report
	@scripts/demo.sh

test: ## Set up and run all tests
	@scripts/setup.sh --tests
	@scripts/cargo.sh test --release --workspace --locked
	@scripts/cargo.sh test --release --workspace --locked --features hubbub-faults/planted --test ledger

lint: ## Check clippy, rustdoc, formatting and the scripts
	@scripts/setup.sh
	@scripts/lint.sh

sim: ## Simulate: SEED=7 repeats one world with its trace, COUNT=500 runs many; STEPS=3000 each
	@scripts/cargo.sh run --release --quiet --locked -p hubbub-sim -- $(if $(STEPS),--steps $(STEPS)) \
		$(if $(SEED),--seed $(SEED)) $(if $(COUNT),--count $(COUNT) --keep-going,$(if $(SEED),--trace,--count 200))

bench: ## Measure the whole against the floor: the tables of benches/README.md, in under ten minutes
	@scripts/setup.sh
	@scripts/cargo.sh build --release --workspace --locked
	@$${CARGO_TARGET_DIR:-target}/release/hubbub-bench --rounds $(or $(ROUNDS),6) --quick

pieces: ## Measure the pieces, by criterion
	@scripts/setup.sh
	@scripts/cargo.sh bench --workspace --benches --locked
