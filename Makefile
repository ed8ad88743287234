# llmtap: everything a developer runs. `make check` is fast, `make test` is all.
SHELL := /bin/bash
GO ?= go
BIN := bin/llmtap
TOOLS := $(CURDIR)/.cache/tools
# The packages that start no other program.
UNIT := ./capture/... ./cmd/... ./exporters/... ./internal/... ./test/house/... ./test/boards/... ./test/deploy/...

.PHONY: all build demo check format vet lint vuln unit dashboards boards deploy deb test e2e setup bench fuzz clean

all: check

build: ## the command, at bin/llmtap
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN) ./cmd/agent

demo: build ## the story of jupyter-ai#1208 on loopback
	./$(BIN) demo

check: format vet lint unit ## what every commit must pass

format:
	@out="$$(gofmt -l capture cmd dashboards exporters internal test)"; if [ -n "$$out" ]; then echo "gofmt would change:"; echo "$$out"; exit 1; fi

vet:
	$(GO) vet ./...
	$(GO) vet -tags e2e ./test/...

lint: $(TOOLS)/golangci-lint ## .golangci.yml says which linters
	GOLANGCI_LINT_CACHE=$(CURDIR)/.cache/golangci $(TOOLS)/golangci-lint run ./...

# Not part of check: it needs the database, or a copy of it.
GOVULNDB ?= https://vuln.go.dev
vuln: $(TOOLS)/govulncheck ## known vulnerabilities in what we call
	@$(TOOLS)/govulncheck -db $(GOVULNDB) ./... || { status=$$?; \
	[ $$status -eq 3 ] || echo "vuln: NOT CHECKED. $(GOVULNDB) cannot be read; name a copy of its database: make vuln GOVULNDB=file:///DIR" >&2; \
	exit $$status; }

$(TOOLS)/golangci-lint:
	GOBIN=$(TOOLS) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

$(TOOLS)/gotestsum:
	GOBIN=$(TOOLS) $(GO) install gotest.tools/gotestsum@v1.13.0

$(TOOLS)/govulncheck:
	GOBIN=$(TOOLS) $(GO) install golang.org/x/vuln/cmd/govulncheck@v1.9.0

unit: $(TOOLS)/gotestsum
	GOTESTSUM=$(TOOLS)/gotestsum test/unit.sh $(UNIT)
	$(GO) test -count=1 -run '^TestRecordsCostNoAllocation$$' ./capture/relay
	@set -o pipefail; $(GO) test -count=1 -run '^TestCorpus$$' -v ./capture | sed -n '/^confusion matrix/,/^failed_before_call/p' | tee .cache/log/corpus.log

dashboards: ## write the Grafana dashboards anew
	cd dashboards && $(GO) run . -o json

# A module of its own: Prometheus' engine stays out of the agent's. -mod=mod,
# because its list of modules follows the agent's; -race costs it too much.
boards: ## lint of the dashboards, every expression on Prometheus' own engine
	@mkdir -p .cache/log
	cd dashboards && $(GO) vet -mod=mod ./...
	set -o pipefail; (cd dashboards && $(GO) test -mod=mod -timeout 20m ./...) 2>&1 | tee .cache/log/dashboards.log

deploy: ## write the Kubernetes objects that are made of dashboards/ anew
	deploy/kubernetes/generate.sh

$(TOOLS)/kustomize:
	GOBIN=$(TOOLS) $(GO) install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1

deb: build ## the Debian package, at dist/
	deploy/deb/build.sh

setup: ## real clients and peers for the end-to-end tests
	test/e2e/setup.sh
	test/e2e/setup-peers.sh
	test/e2e/setup-jupyterai.sh
	test/e2e/setup-hub.sh

e2e: build setup $(TOOLS)/kustomize
	@mkdir -p .cache/log
	set -o pipefail; $(GO) test -tags e2e -count 1 -timeout 40m -v ./test/e2e/... ./test/deploy/... 2>&1 | tee .cache/log/e2e.log

test: check boards e2e ## everything

bench: build ## figures beside nginx, a blind tunnel and goproxy's own MITM
	test/bench/run.sh

# Each fuzz target for a while: make fuzz FUZZTIME=10m
FUZZTIME ?= 30s
fuzz:
	test/fuzz.sh $(FUZZTIME)

clean:
	rm -rf bin dist .cache
