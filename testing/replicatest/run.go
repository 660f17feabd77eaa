package replicatest

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ltxstore/ltxstore"
)

// A Case tests one rule of the contract.
type Case struct {
	// ID names the case: "write/reader-fails-in-header".
	ID string

	// Clauses are those of ltxstore.ReplicaClient that the case proves.
	Clauses []string

	// Rule is the rule in one sentence.
	Rule string

	// Needs are the capabilities that the case requires.
	Needs []Capability

	run func(ctx context.Context, e *env) error
}

// Cases returns every case of the suite, in the order in which they run.
func Cases() []Case {
	return slices.Concat(writeCases(), readerCases(), failureCases(), sizeCases(), rewriteCases(), timeCases(), openCases(), rawCases(), listCases(), pagingCases(), deleteCases(), deleteAllFailureCases(), allCases())
}

// A Result is the outcome of one case.
type Result struct {
	Case Case

	// Err is nil if the case passed or was skipped.
	Err error

	// Skipped is the reason why the case did not run: the capabilities that it
	// needs and Config.Lacks declares, or "not selected". It is empty if it ran.
	Skipped string

	// Duration is the duration of the case, including the creation of its store.
	Duration time.Duration
}

// A Report has a Result for every case.
type Report []Result

// Failed returns the results with an error.
func (r Report) Failed() Report {
	return slices.DeleteFunc(slices.Clone(r), func(res Result) bool { return res.Err == nil })
}

// Skipped returns the results of cases that did not run.
func (r Report) Skipped() Report {
	return slices.DeleteFunc(slices.Clone(r), func(res Result) bool { return res.Skipped == "" })
}

// Err joins the errors of the failed cases, each with its clauses, ID and
// rule; it is nil if none failed.
func (r Report) Err() error {
	var errs []error
	for _, res := range r.Failed() {
		errs = append(errs, fmt.Errorf("%s %s: %w\n\trule: %s", strings.Join(res.Case.Clauses, " "), res.Case.ID, res.Err, res.Case.Rule))
	}
	return errors.Join(errs...)
}

// Run runs the suite as subtests of t, one for each selected case, named by its
// ID. The cases run one after another. Run may be called in parallel with other
// tests, unless the suite measures the heap (BoundedMemory).
func Run(t *testing.T, cfg Config) {
	t.Helper()
	if err := cfg.validate(); err != nil {
		t.Fatal(err)
	}
	cfg = cfg.withDefaults()
	cases := Cases()
	if cfg.Select != nil {
		selected := slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return !cfg.Select(c) })
		t.Logf("Config.Select selects %d of %d cases", len(selected), len(cases))
		cases = selected
	}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			res := runCase(t.Context(), cfg, c)
			switch {
			case res.Skipped != "":
				t.Skip("skipped: " + res.Skipped)
			case res.Err != nil:
				t.Error(Report{res}.Err())
			}
		})
	}
}

// Check runs the suite and returns the result of each case. It does not need go
// test. The error is that of an invalid Config, without a report, or that of ctx,
// with the report so far. Failed cases are only in the report: see Report.Err.
func Check(ctx context.Context, cfg Config) (Report, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	var report Report
	for _, c := range Cases() {
		if err := ctx.Err(); err != nil {
			return report, err
		}
		report = append(report, runCase(ctx, cfg, c))
	}
	return report, nil
}

// runCase runs one case on a store of its own.
func runCase(ctx context.Context, cfg Config, c Case) (res Result) {
	start := time.Now()
	res.Case = c
	defer func() { res.Duration = time.Since(start) }()

	if cfg.Select != nil && !cfg.Select(c) {
		res.Skipped = "not selected"
		return res
	}
	if lacking := intersection(c.Needs, cfg.Lacks); len(lacking) > 0 {
		res.Skipped = fmt.Sprintf("the store is declared to lack %v", lacking)
		return res
	}

	ctx, cancel := context.WithTimeoutCause(ctx, cfg.Timeout, fmt.Errorf("case took more than %v", cfg.Timeout))
	defer cancel()
	store, err := cfg.New(ctx)
	if err != nil {
		res.Err = fmt.Errorf("make a store: %w", err)
		return res
	}
	if err := cfg.checkStore(&store, c.Needs); err != nil {
		res.Err = errors.Join(err, cleanUp(ctx, store, true))
		return res
	}

	// A client that hangs must fail its case, not the suite.
	done := make(chan error, 1)
	go func() {
		done <- caught(func() error { return c.run(ctx, &env{Config: cfg, Store: store, client: store.Client}) })
	}()
	select {
	case res.Err = <-done:
	case <-ctx.Done():
		select {
		case res.Err = <-done:
		case <-time.After(cfg.Prompt):
			res.Err = fmt.Errorf("did not return: %w", context.Cause(ctx))
			return res
		}
	}
	res.Err = errors.Join(res.Err, cleanUp(ctx, store, len(intersection(c.Needs, breaking[:])) > 0))
	return res
}

// breaking are the capabilities of cases that may leave the store broken.
var breaking = [...]Capability{FailingLookups, FailingLists, BrokenTransfers, StalledTransfers, FailingDeletes, Outages, Secrets}

func cleanUp(ctx context.Context, store Store, broken bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	var errs []error
	if !broken {
		if err := caught(func() error { return store.Client.DeleteAll(ctx) }); err != nil {
			errs = append(errs, fmt.Errorf("clean up: %w", err))
		}
	}
	if err := ltxstore.Close(store.Client); err != nil {
		errs = append(errs, fmt.Errorf("close: %w", err))
	}
	if store.Close != nil {
		errs = append(errs, store.Close())
	}
	return errors.Join(errs...)
}

// caught returns a panic of f as an error: a client that panics must fail its
// case, not the suite.
func caught(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

func intersection(a, b []Capability) []Capability {
	return slices.DeleteFunc(slices.Clone(a), func(c Capability) bool { return !slices.Contains(b, c) })
}
