# What a person types. `make` alone lists it. The phases of `make test` are what has to hold before a change lands.
.DEFAULT_GOAL := help
SHELL := /bin/bash

export GOFLAGS ?= -buildvcs=false
export CGO_ENABLED ?= 0

VERSION      ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
DATA         ?= ./data
FUZZTIME     ?= 5s
LINT_VERSION := v2.15.0
LINT         := .tools/golangci-lint-$(LINT_VERSION)
RACE_PKGS    := $(wildcard internal/base/db internal/base/job internal/base/web)
PHASE        := @.ci/phase

.PHONY: help run web build web-check e2e lighthouse test test-short test-race test-fuzz test-crash test-hostile test-mariadb test-crash-mariadb test-redis ha fmt vet lint unit sizes bench bench-mariadb clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

run: build ## build and serve on http://localhost:8080, with the sample data at the first start
	./bin/guanxi serve --data $(DATA) --demo

web: ## build the web apps into web/dist, those whose sources changed
	@.ci/web build

build: web ## bin/guanxi: one static binary, no C
	go build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/guanxi ./cmd/guanxi

test: fmt vet sizes web-check e2e test-race test-fuzz test-crash test-hostile test-mariadb test-redis lint unit ## everything CI proves (the first time builds the linter)

test-short: ## quick: what a change is likely to break
	$(PHASE) "tests, short" .ci/gotest -short ./...

fmt:
	$(PHASE) "gofmt" bash -c 'bad=$$(gofmt -l cmd internal web/*.go); [ -z "$$bad" ] || { echo "$$bad"; exit 1; }'

vet:
	$(PHASE) "go vet" go vet ./...

unit:
	$(PHASE) "tests" .ci/gotest -count=1 -timeout 20m $$(go list ./... | grep -v /internal/sim)

web-check: ## the web apps: types, unit tests, contract, size of the first load
	$(PHASE) "web" .ci/web check

e2e: build ## Chromium runs the pages against the real server
	$(PHASE) "e2e" .ci/e2e

lighthouse: build ## five runs of Lighthouse on the member centre's home, and the medians
	@.ci/web install web/e2e
	@cd web/e2e && CHROMIUM=$${CHROMIUM:-$$(command -v chromium || command -v google-chrome)} node lighthouse.mjs 5

sizes: ## lengths of functions, files and packages
	$(PHASE) "sizes" bash -c 'set -o pipefail; go test -count=1 -v -run "^TestSizesInFigures$$" ./internal/tidy | grep -v "^[=-]"'

test-race: ## the race detector over what runs concurrently (it alone wants a C compiler)
	@command -v cc >/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y gcc libc6-dev; }
	$(PHASE) "race detector" env CGO_ENABLED=1 .ci/gotest -race -short -count=1 -timeout 15m $(RACE_PKGS:%=./%/...)

test-fuzz: ## each fuzz target for FUZZTIME (5s), one after the other
	$(PHASE) "fuzz" .ci/fuzz $(FUZZTIME)

test-hostile: ## a million forged, altered, replayed and stale deliveries at each door (some minutes)
	$(PHASE) "hostile deliveries" env GUANXI_HOSTILE=1000000 .ci/gotest -count=1 -timeout 60m -v -run Hostile ./internal/app/playground ./internal/sim/paytown

test-crash: ## kills, power cuts, full disks, histories, the model, the town and the scenarios, in full length
	$(PHASE) "simulations and faults" env GUANXI_FULL=1 .ci/gotest -count=1 -timeout 40m $$(go list ./internal/sim/... | grep -v /sim/cluster)

test-mariadb: ## the tests that open a database, once more on a real MariaDB (Debian's package)
	$(PHASE) "tests on MariaDB" .ci/mariadb .ci/gotest -short -count=1 -timeout 20m $$(go list ./... | grep -vE '/internal/(sim/(simdisk|killer|tamper)|tidy|bench)$$')

test-crash-mariadb: ## kills and power cuts of a MariaDB, and faults of the network, in full length
	$(PHASE) "faults of MariaDB" env GUANXI_KILLS=60 GUANXI_CUTS=48 GUANXI_FAULTS=200 .ci/redis .ci/mariadb .ci/gotest -count=1 -timeout 60m -v -parallel 1 -run 'TestServerIsKilled|TestPowerOf|TestForgetful|TestNetwork' ./internal/sim/cluster

ha: ## three Galera nodes and two processes: the writer is killed under load (GUANXI_HA=100000 requests)
	$(PHASE) "high availability" .ci/ha

test-redis: ## what several processes share in a real Redis (Debian's package) that is wiped, paused and killed
	$(PHASE) "tests with Redis" .ci/redis .ci/gotest -count=1 -timeout 10m -run 'Redis|Wipe|AnotherProcess|Paused|Wake|Live|Absent|Together|Limits|Replay|OfATown' ./internal/base/shared ./internal/base/web ./internal/loyalty/shop ./internal/app ./internal/sim/cluster

lint: $(LINT) ## golangci-lint, pinned
	$(PHASE) "lint" $(LINT) run ./...

# The linter is built from source once and kept; the version in its name is the key.
$(LINT):
	$(PHASE) "build golangci-lint $(LINT_VERSION)" bash -c 'GOBIN=$$PWD/.tools GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION) && mv .tools/golangci-lint $(LINT)'

bench: ## measure this machine: postings a second, latencies
	go run ./cmd/guanxi bench

bench-mariadb: ## the same on a durable MariaDB of its own, with the naive form and with two processes
	@KEEP_DURABLE=1 .ci/mariadb .ci/bench-mariadb $(BENCH)

clean: ## what a build leaves behind (not ./data)
	rm -rf bin .tools web/*/node_modules web/e2e/out web/dist/console web/dist/member
