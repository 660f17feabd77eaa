package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

func checkCommand() *command {
	return &command{
		name: "check", args: "URL", min: 1, max: 1, replicas: 1,
		short: "check a store against the contract",
		long: "Runs the conformance suite against a live store: writes, reads, lists and deletes a few thousand small files and a few large ones, in a new prefix below the URL, " +
			"which it removes at the end. It reports the result for each clause of the contract (docs/contract.md). If a clause does not hold, the exit code is 3.",
		json: `clauses (clause, held, failed), failures (case, rule, error), capabilities.`,
		examples: []string{
			"ltxstore check 's3://bucket/scratch?endpoint=https://minio.example:9000'",
			"ltxstore check -large 16MB file:///mnt/nfs/scratch",
		},
		bind: func(flags *flag.FlagSet) func(context.Context, *app, []string) error {
			cmd := &checkStore{large: 100 << 20, page: 1000}
			flags.Var((*sizeFlag)(&cmd.large), "large", "`SIZE` of the largest file; below 84MB, the memory bound is not checked")
			flags.IntVar(&cmd.page, "page", cmd.page, "the store returns `N` files per page of a listing; cases write two and a half times as many")
			flags.StringVar(&cmd.only, "only", "", "run only the cases whose names start with `NAME`: "+strings.Join(groups(), ", "))
			return cmd.run
		},
	}
}

type checkStore struct {
	large int64
	page  int
	only  string
}

// checked is the JSON output of check.
type checked struct {
	Clauses      []clause        `json:"clauses"`
	Failures     []failure       `json:"failures"`
	Capabilities map[string]bool `json:"capabilities"`
}

type clause struct {
	Clause string `json:"clause"`
	Held   int    `json:"held"`
	Failed int    `json:"failed"`
}

type failure struct {
	Case  string `json:"case"`
	Rule  string `json:"rule"`
	Error string `json:"error"`
}

func (cmd *checkStore) run(ctx context.Context, a *app, args []string) error {
	cases := selected(cmd.only)
	if len(cases) == 0 {
		return usagef("-only is %q: no case has this prefix: known are %s", cmd.only, strings.Join(known(cmd.only), ", "))
	}
	s, err := a.scratch(ctx, a.at[0], "check")
	if err != nil {
		return err
	}
	if err := s.usable(ctx); err != nil {
		return err
	}
	once := s.source("", map[string]string{"write-once": "true"}).Check() == nil
	p := a.watch()
	n := 0
	cfg := replicatest.Config{
		New: func(ctx context.Context) (replicatest.Store, error) {
			s.forget() // the case before has removed its own
			n++
			p.step(n-1, len(cases), count(n, "case"))
			return s.store(ctx, fmt.Sprintf("%d/db", n), once)
		},
		Lacks:     s.lacks(once, cmd.large),
		PageSize:  cmd.page,
		LargeSize: cmd.large,
		BodySize:  bodySize(cmd.large),
	}
	report, err := s.hold(ctx, cfg, cases)
	p.done()
	err = errors.Join(err, s.remove(ctx))
	switch {
	case ctx.Err() != nil:
		return &interruption{fmt.Sprintf("after %s; what was written is removed", count(n, "case")), errors.Join(ctx.Err(), err)}
	case err != nil:
		return err
	}
	result := summary(report, once)
	if a.json {
		a.writeJSON(result)
	} else {
		a.checked(result)
	}
	if len(result.Failures) > 0 {
		return errProblems
	}
	return nil
}

// bodySize returns the size of a middling file, if the largest has large bytes.
func bodySize(large int64) int64 { return max(min(16<<20, large/2), 64<<10) }

// selected returns the cases whose names begin with a prefix.
func selected(prefix string) []replicatest.Case {
	return slices.DeleteFunc(replicatest.Cases(), func(c replicatest.Case) bool { return !strings.HasPrefix(c.ID, prefix) })
}

// groups returns the prefixes of the names of cases, such as "write/".
func groups() (found []string) {
	for _, c := range replicatest.Cases() {
		group, _, _ := strings.Cut(c.ID, "/")
		if group += "/"; !slices.Contains(found, group) {
			found = append(found, group)
		}
	}
	return found
}

// known returns the cases of the group that a name belongs to, or all groups.
func known(name string) (found []string) {
	for _, group := range groups() {
		if strings.HasPrefix(name, group) {
			for _, c := range selected(group) {
				found = append(found, c.ID)
			}
			return found
		}
	}
	return groups()
}

// hold runs cases one after another. After each failure it checks whether the
// store is still usable, because a full disk or an expired credential should
// be reported once and not a thousand times.
func (s *scratch) hold(ctx context.Context, cfg replicatest.Config, cases []replicatest.Case) (report replicatest.Report, err error) {
	for _, wanted := range cases {
		cfg.Select = func(c replicatest.Case) bool { return c.ID == wanted.ID }
		results, err := replicatest.Check(ctx, cfg)
		if err != nil {
			return report, err
		}
		at := slices.IndexFunc(results, func(r replicatest.Result) bool { return r.Case.ID == wanted.ID })
		report = append(report, results[at])
		if results[at].Err == nil {
			continue
		}
		if err := s.usable(ctx); err != nil {
			return report, fmt.Errorf("the store became unusable after %s: %w", count(len(report), "case"), err)
		}
	}
	return report, nil
}

// lacks returns the cases that cannot run with a real store.
func (s *scratch) lacks(once bool, large int64) []replicatest.Capability {
	lacks := append(replicatest.ClientsOnly(), replicatest.MissingStore)
	if !once {
		lacks = append(lacks, replicatest.WriteOnce)
	}
	const least = 80 << 20 // twice the limit of the case
	if strings.HasPrefix(s.place, "mem:") || large < least {
		lacks = append(lacks, replicatest.BoundedMemory)
	}
	return lacks
}

func (s *scratch) store(ctx context.Context, at string, once bool) (replicatest.Store, error) {
	open := func(at string, settings map[string]string) func() (ltxstore.ReplicaClient, error) {
		return func() (ltxstore.ReplicaClient, error) { return s.open(context.WithoutCancel(ctx), at, settings) }
	}
	client, err := open(at, nil)()
	store := replicatest.Store{
		Client:  client,
		Another: open(at, nil),
		Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return open(at+suffix, nil)() },
		Parent:  open(path.Dir(at), nil),
		Close:   func() error { return ltxstore.Close(client) },
	}
	if once {
		store.Once = open(at, map[string]string{"write-once": "true"})
	}
	return store, err
}

// summary sorts the results by clause.
func summary(report replicatest.Report, once bool) checked {
	result := checked{Failures: []failure{}, Capabilities: map[string]bool{string(replicatest.WriteOnce): once}}
	by := make(map[string]*clause)
	for _, res := range report {
		if res.Skipped != "" {
			continue
		}
		if res.Err != nil {
			result.Failures = append(result.Failures, failure{res.Case.ID, res.Case.Rule, brief(res.Err.Error())})
		}
		for _, name := range res.Case.Clauses {
			if by[name] == nil {
				by[name] = &clause{Clause: name}
			}
			if res.Err != nil {
				by[name].Failed++
			} else {
				by[name].Held++
			}
		}
	}
	const order = "WTOLDC"
	for _, c := range by {
		result.Clauses = append(result.Clauses, *c)
	}
	slices.SortFunc(result.Clauses, func(a, b clause) int {
		if a.Clause[0] != b.Clause[0] {
			return strings.IndexByte(order, a.Clause[0]) - strings.IndexByte(order, b.Clause[0])
		}
		return strings.Compare(a.Clause, b.Clause)
	})
	return result
}

// brief shortens the text of a failure that repeats itself for many files.
func brief(text string) string {
	const most = 10
	lines := strings.Split(text, "\n")
	if len(lines) <= most {
		return text
	}
	return strings.Join(lines[:most], "\n") + fmt.Sprintf("\nand %s more", count(len(lines)-most, "line"))
}

func (a *app) checked(r checked) {
	t := table{heading: []string{"CLAUSE", "CASES", "RESULT"}, right: map[int]bool{1: true}}
	held := 0
	for _, c := range r.Clauses {
		result := "holds"
		if c.Failed > 0 {
			result = fmt.Sprintf("%d of %d fail", c.Failed, c.Held+c.Failed)
		} else {
			held++
		}
		t.add(c.Clause, strconv.Itoa(c.Held+c.Failed), result)
	}
	t.write(a.out, a.width)
	for _, f := range r.Failures {
		a.printf("\n%s: %s\n  %s\n", f.Case, wrapped(f.Rule, a.width, "  "), wrapped(f.Error, a.width-2, "  "))
	}
	once := "no"
	if r.Capabilities[string(replicatest.WriteOnce)] {
		once = "yes"
	}
	a.printf("\nwrites of a name that must be new (write-once): %s\n", once)
	a.printf("%d of %s hold\n", held, count(len(r.Clauses), "clause"))
}
