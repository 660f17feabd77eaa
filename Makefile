# `make help` lists the targets; begin with `make demo` and `make test`. They need Go, git and,
# for the race detector, a C compiler. The S3 servers of the tests are built once, from Go modules.

GO           ?= go
GOLANGCI     ?= github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
STATICCHECK  ?= honnef.co/go/tools/cmd/staticcheck@v0.8.2
PLATFORMS    ?= linux/arm64 darwin/arm64 windows/amd64
RELEASED     ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
VERSION      ?= devel
RACE         ?= -race
DEMO_FLAGS   ?=
TEST_FLAGS   ?=
BENCH        ?= .
BENCH_FLAGS  ?= -write
MICROBENCH_FLAGS ?= -benchmem
# A number of runs and not a duration, at whose end go test -fuzz may fail with
# "context deadline exceeded".
FUZZTIME     ?= 50000x
SOAK         ?= 30m
COVER_MIN    ?= 85

# The packages whose coverage is measured, with their own tests.
COVERED := . ./backend/... ./file ./s3 ./gcs ./abs/... ./oss ./nats/... ./backends ./sftp ./webdav ./mock ./config ./restore ./verify ./transfer ./v03 ./wrap/... ./cmd/... ./internal/...
COMMA   := ,
EMPTY   :=
SPACE   := $(EMPTY) $(EMPTY)

# Fuzz targets, as folder:function. A test compares this list with the code.
FUZZ := \
	./backend:FuzzCleanPath \
	.:FuzzFetchPage \
	.:FuzzFetchPageIndex \
	./backend:FuzzKeys \
	./backend:FuzzParse \
	./config:FuzzParse \
	./internal/ltxio:FuzzLZ4Exceeds \
	./backend/settings:FuzzResolve \
	./wrap/compress:FuzzFrames \
	./wrap/compress:FuzzTrailer \
	./wrap/crypt:FuzzHeader

.PHONY: help demo test test-servers azurite servers bench microbench fuzz soak cover dist lint fmt vet staticcheck golangci tidy cross

help:
	@echo "make demo         replicate a live SQLite database and restore it (DEMO_FLAGS='-duration 5s')"
	@echo "make test         all tests: the library and the daemon with the race detector, then interop on real servers"
	@echo "make servers      build these servers, as make test does (it takes minutes the first time)"
	@echo "make test-servers tests on servers that are not written in Go (.ci/install-servers installs them)"
	@echo "make bench        ours, Litestream and bare calls side by side, into docs/benchmarks.md"
	@echo "make microbench   the benchmarks of the library's packages (BENCH=regexp)"
	@echo "make fuzz         each fuzz target for FUZZTIME ($(FUZZTIME))"
	@echo "make soak         run the daemon for SOAK ($(SOAK)) over stores that fail one request in twenty"
	@echo "make cover        coverage of the library, which must be at least $(COVER_MIN) %"
	@echo "make dist         build ltxstore and ltxstored for each system into dist/ (VERSION names the archives)"
	@echo "make lint         gofmt, go vet, staticcheck, golangci-lint, go mod tidy -diff, builds for other systems"

demo:
	@bin=$$(mktemp -d) && trap 'rm -rf "$$bin"' EXIT && \
	(cd litestream && $(GO) build -o "$$bin/ltxstored" ./cmd/ltxstored) && \
	cd interop && $(GO) run ./cmd/replicate -ltxstored "$$bin/ltxstored" $(DEMO_FLAGS)

test: have-race
	$(GO) test $(RACE) $(TEST_FLAGS) ./...
	$(GO) test $(RACE) $(TEST_FLAGS) -tags whole ./wrap/... # all cases on a disk and S3 too
	$(GO) test $(TEST_FLAGS) -tags whole -run Cluster ./nats # the servers have data races of their own
	cd litestream && $(GO) test $(RACE) $(TEST_FLAGS) ./...
	$(MAKE) --no-print-directory servers
	cd interop && $(GO) test -timeout 20m $(TEST_FLAGS) ./... # takes minutes on an idle machine

# Builds versitygw, MinIO and Litestream v0.5 in the user's cache directory. In a test, the
# build would be silent and count against the timeout of go test.
servers:
	cd interop && $(GO) run ./cmd/servers

# Servers that are not written in Go come from Debian or npm. If one is missing, the tests
# fail. .ci/install-servers installs those of Debian.
test-servers: azurite
	cd interop && PATH="$(AZURITE_DIR)/node_modules/.bin:$$PATH" $(GO) test -timeout 20m $(TEST_FLAGS) -tags servers ./testservers
	cd litestream && $(GO) test $(TEST_FLAGS) -tags servers -run='^TestStatusPage$$' ./cmd/ltxstored # in Chromium
	cd interop && $(GO) test $(TEST_FLAGS) -tags vfs ./vfs # SQLite in C

# Installs Azurite in the user's cache directory, completely or not at all.
AZURITE     := azurite@3.37.0
AZURITE_DIR  = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/ltxstore/$(AZURITE)

azurite:
	@command -v npm >/dev/null || { echo "make test-servers: npm is not installed: .ci/install-servers" >&2; exit 1; }
	@test -x "$(AZURITE_DIR)/node_modules/.bin/azurite-blob" || { \
		echo "install $(AZURITE)" && rm -rf "$(AZURITE_DIR)" "$(AZURITE_DIR).new" && \
		npm install --prefix "$(AZURITE_DIR).new" --no-audit --no-fund --loglevel=error $(AZURITE) && \
		mv "$(AZURITE_DIR).new" "$(AZURITE_DIR)"; }

# Without a C compiler the go command disables cgo, and its error about -race does not
# say what to do. On macOS the detector does not need cgo.
.PHONY: have-race
have-race:
	@if [ -n "$(RACE)" ] && [ "$$($(GO) env GOOS)" != darwin ] && [ "$$($(GO) env CGO_ENABLED)" != 1 ]; then \
		echo "make test: the race detector needs cgo, which is off: install a C compiler (gcc or clang)" >&2; \
		echo "and leave CGO_ENABLED unset, or run the tests without the detector: make test RACE=" >&2; \
		exit 1; \
	fi

# Compares ours, Litestream's clients and bare calls on the same servers, for twenty minutes on
# an otherwise idle machine. BENCH_FLAGS='-rows "s3: restore" -rounds 3' measures some rows only.
bench: servers
	cd interop && $(GO) test -timeout 2h -run='^$$' -bench=Table -benchtime=1x ./bench -args $(BENCH_FLAGS)

microbench:
	$(GO) test -run='^$$' -bench='$(BENCH)' $(MICROBENCH_FLAGS) ./...
	cd interop && $(GO) test -run='^$$' -bench='$(BENCH)' $(MICROBENCH_FLAGS) .

fuzz:
	@for target in $(FUZZ); do \
		echo "fuzz $$target for $(FUZZTIME)"; \
		$(GO) test -run='^$$' -fuzz="^$${target#*:}\$$" -fuzztime=$(FUZZTIME) "$${target%:*}" || exit 1; \
	done

soak:
	cd litestream && $(GO) test -count=1 -v -timeout 0 -run='^TestSoak$$' ./daemon -args -soak $(SOAK)

cover:
	$(GO) test $(TEST_FLAGS) -coverprofile=cover.out -coverpkg=$(subst $(SPACE),$(COMMA),$(COVERED)) $(COVERED)
	@awk -v least=$(COVER_MIN) -f .ci/cover.awk cover.out

# The version in a binary is the tag that is checked out: v1.2.3 for ltxstore,
# litestream/v1.2.3 for ltxstored. VERSION is only in the names of the archives.
dist:
	@rm -rf dist && mkdir -p dist
	@for platform in $(RELEASED); do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0; \
		name=ltxstore-$(VERSION)-$$GOOS-$$GOARCH; suffix=; \
		if [ $$GOOS = windows ]; then suffix=.exe; fi; \
		echo "build $$name"; \
		$(GO) build -trimpath -ldflags=-s -o dist/$$name/ltxstore$$suffix ./cmd/ltxstore && \
		(cd litestream && $(GO) build -trimpath -ldflags=-s -o ../dist/$$name/ltxstored$$suffix ./cmd/ltxstored) && \
		cp LICENSE README.md dist/$$name/ && \
		if [ $$GOOS = linux ]; then cp deploy/ltxstored.service dist/$$name/; fi && \
		tar -C dist -czf dist/$$name.tar.gz $$name && rm -r dist/$$name || exit 1; \
	done
	@cd dist && sha256sum *.tar.gz > SHA256SUMS

lint: fmt vet staticcheck golangci tidy cross

fmt:
	@unformatted=$$(find . -path './.?*' -prune -o -name '*.go' -print | xargs "$$($(GO) env GOROOT)/bin/gofmt" -l) && \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:" >&2; echo "$$unformatted" >&2; exit 1; fi

# The files with build tags, too.
vet:
	$(GO) vet ./...
	$(GO) vet -tags whole,integration ./...
	cd litestream && $(GO) vet -tags soak ./...
	cd interop && $(GO) vet -tags servers,vfs ./...

staticcheck:
	$(GO) run $(STATICCHECK) ./...
	cd litestream && $(GO) run $(STATICCHECK) ./...
	cd interop && $(GO) run $(STATICCHECK) ./...

# Runs the linters in .golangci.yml.
golangci:
	$(GO) run $(GOLANGCI) run ./...
	cd litestream && $(GO) run $(GOLANGCI) run ./...
	cd interop && $(GO) run $(GOLANGCI) run ./...

tidy:
	$(GO) mod tidy -diff
	cd litestream && $(GO) mod tidy -diff
	cd interop && $(GO) mod tidy -diff

# The file backend has different code for each system, so that its tests are compiled too.
cross:
	@for platform in $(PLATFORMS); do \
		echo "build for $$platform"; \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/} CGO_ENABLED=0; \
		$(GO) build ./... && $(GO) vet ./file || exit 1; \
	done
