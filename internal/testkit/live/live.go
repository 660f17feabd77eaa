// Package live tests a backend against the contract on a real store. Its
// callers have the build tag integration.
package live

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/flow"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

const largeSize = 100 << 20

// Config configures the store.
type Config struct {
	// Variable is the environment variable with the URL of an existing bucket,
	// which may have a path and settings. Example is such a URL.
	Variable, Example string

	// Secrets are the variables whose values must never be logged.
	Secrets []string
}

// Run runs three short tests and the shared suite, each case below
// a prefix of its own. Nothing else in the bucket is read or deleted.
func Run(t *testing.T, cfg Config) {
	base, err := parse(os.Getenv(cfg.Variable))
	if err != nil {
		t.Fatalf("%s %v: set it to the URL of an existing bucket for tests, such as %s", cfg.Variable, err, cfg.Example)
	}
	t.Run("basics", func(t *testing.T) { basics(t, base.below(rand.Text())) })
	t.Run("suite", func(t *testing.T) { suite(t, base, cfg.Secrets) })
}

// place is a URL of a replica.
type place struct{ url.URL }

func parse(raw string) (place, error) {
	if raw == "" {
		return place{}, errors.New("is not set")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return place{}, errors.New("is not a URL") // which may have a secret
	}
	return place{*u}, nil
}

func (p place) below(path string) place {
	p.URL = *p.JoinPath(path)
	return p
}

func (p place) open(settings map[string]string) (ltxstore.ReplicaClient, error) {
	return ltxstore.OpenSource(context.Background(), ltxstore.Source{URL: p.String(), Settings: settings})
}

// basics tests concurrent writes, a large file and DeleteAll with one replica.
func basics(t *testing.T, p place) {
	client, err := p.open(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { clean(t, client) })
	t.Run("Concurrent Writes", func(t *testing.T) {
		errs := make([]error, 10)
		flow.Each(len(errs), len(errs), func(n int) {
			minTXID := ltx.TXID(n*100 + 1)
			_, errs[n] = client.WriteLTXFile(t.Context(), 0, minTXID, minTXID+99, strings.NewReader(fmt.Sprintf("concurrent %d", n)))
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if n := count(t, client); n != len(errs) {
			t.Errorf("%d files are listed: want %d", n, len(errs))
		}
	})
	t.Run("Large File", func(t *testing.T) {
		info, err := client.WriteLTXFile(t.Context(), 0, 1001, 2000, bytes.NewReader(bytes.Repeat([]byte("x"), largeSize)))
		if err != nil {
			t.Fatal(err)
		}
		if info.Size != largeSize {
			t.Errorf("size is %d: want %d", info.Size, int64(largeSize))
		}
	})
	t.Run("Cleanup", func(t *testing.T) {
		if err := client.DeleteAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := count(t, client); n != 0 {
			t.Errorf("%d files are left", n)
		}
	})
}

// count returns how many files of level 0 are listed.
func count(t *testing.T, client ltxstore.ReplicaClient) (n int) {
	t.Helper()
	it, err := client.LTXFiles(t.Context(), 0, 0, false)
	if err != nil {
		t.Fatal(err)
	}
	for it.Next() {
		n++
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	return n
}

func clean(t *testing.T, client ltxstore.ReplicaClient) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := client.DeleteAll(ctx); err != nil {
		t.Errorf("the test's files are still there: %v", err)
	}
}

// suite runs replicatest, without the cases that need access to the store, or
// faults.
func suite(t *testing.T, base place, variables []string) {
	lacks := []replicatest.Capability{
		replicatest.MissingStore, replicatest.RawAccess, replicatest.Stripping, replicatest.Leftovers,
		replicatest.FailingLookups, replicatest.FailingLists, replicatest.FailingDeletes, replicatest.BrokenTransfers,
		replicatest.StalledTransfers, replicatest.Outages, replicatest.CountedRequests,
	}
	var secrets []string
	for _, name := range variables {
		if value := os.Getenv(name); value != "" {
			secrets = append(secrets, value)
		}
	}
	if secrets == nil {
		lacks = append(lacks, replicatest.Secrets)
	}
	replicatest.Run(t, replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			parent := base.below(rand.Text())
			client, err := parent.below("db").open(nil)
			return replicatest.Store{
				Client:  client,
				Another: func() (ltxstore.ReplicaClient, error) { return parent.below("db").open(nil) },
				Once: func() (ltxstore.ReplicaClient, error) {
					return parent.below("db").open(map[string]string{"write-once": "true"})
				},
				Sibling: func(suffix string) (ltxstore.ReplicaClient, error) { return parent.below("db" + suffix).open(nil) },
				Parent:  func() (ltxstore.ReplicaClient, error) { return parent.open(nil) },
			}, err
		},
		Lacks:   lacks,
		Secrets: secrets,
		Timeout: 15 * time.Minute,
		Prompt:  time.Minute,
	})
}
