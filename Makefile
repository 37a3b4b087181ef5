# Two commands are enough: `make run` starts the platform, `make test` checks all of it. Both install what is missing.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X risingstars/internal/app.version=$(VERSION)

.PHONY: help run build test test-long bench capacity chaos fuzz fuzz-api coverage lint fmt release clean
.PHONY: aws-synth aws-deploy aws-update aws-stop aws-start aws-destroy

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## build and start the platform, with its data in ./data
	@scripts/setup run
	@scripts/build
	@exec bin/risingstars serve

# The version comes in by the linker, so Go need not ask git, which fails in a checkout that another user owns.
build: ## build bin/risingstars
	@CGO_ENABLED=0 go build $(BUILD_FLAGS) -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o bin/risingstars ./cmd/risingstars

test: ## run every check and test in its short form (parts: scripts/test lint go …)
	@scripts/setup test
	@scripts/test

test-long: ## run whole what make test runs in short (parts: scripts/test --long chaos …)
	@scripts/setup test
	@scripts/test --long

bench: ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./...

capacity: ## find out how much the platform bears (hours; the machine must be quiet)
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	@CGO_ENABLED=0 go -C loadtest build -trimpath -o ../bin/loadtest .
	@bin/loadtest $(CAPACITY)

chaos: ## do real processes harm under load, then check them (FOR=10m SEED=1 TOPOLOGY=fleet)
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	@scripts/chaos long $(if $(FOR),-for $(FOR)) $(if $(SEED),-seed $(SEED)) $(if $(TOPOLOGY),-topology $(TOPOLOGY))

fuzz: ## run every fuzz target for ten minutes (scripts/fuzz 1h FuzzReport: one, longer)
	@scripts/fuzz

fuzz-api: ## hold the program against its OpenAPI document (N=500 SEED=1)
	@scripts/setup test
	@$(MAKE) --no-print-directory build
	@scripts/fuzz-api $(or $(N),500) $(SEED)

coverage: ## run the Go tests and write coverage/index.html
	@scripts/setup test
	@COVERAGE=1 scripts/test go
	go tool cover -html coverage/go.out -o coverage/index.html

lint: ## run the linters
	@scripts/setup lint
	@scripts/test format vet lint scripts modules

fmt: ## format the Go code
	@scripts/setup lint
	@bin/tools/golangci-lint fmt

release: ## build the release archives into ./dist
	@scripts/setup lint
	@scripts/release $(VERSION)

aws-synth: ## print the templates of the deployment on AWS
	@deploy/aws/aws synth

aws-deploy: ## create the deployment on AWS that deploy/aws/settings.env describes
	@deploy/aws/aws up

aws-update: ## give its hosts the program of this checkout
	@deploy/aws/aws update

aws-stop: ## stop its database and hosts until aws-start
	@deploy/aws/aws stop hosts

aws-start: ## start them
	@deploy/aws/aws start

aws-destroy: ## destroy it with all data: make aws-destroy DOMAIN=stars.example.org
	@deploy/aws/aws down $(DOMAIN)

clean: ## remove what was built; ./data stays
	rm -rf bin dist coverage
