# What people type. `make` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help local test test-short check bench fuzz synth

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "%-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

local: ## run the whole system on this machine
	go run ./cmd/premium local

test: ## run every test
	go test $(TESTFLAGS) ./...

test-short: ## run the tests that end within a minute
	go test -short ./...

check: ## run everything that must pass before a change is merged
	bash .ci/run

bench: ## measure, and write docs/performance.md
	go run ./bench -docs

FUZZ_TIME ?= 5s
fuzz: ## run each fuzz target for FUZZ_TIME (5s)
	bash .ci/fuzz $(FUZZ_TIME)

synth: ## write the CloudFormation template to cdk.out
	npx --yes aws-cdk@$$(cat cdk.version) synth --quiet
