package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/s3fake"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// A store that works in the trial and breaks after it fails the command, in one line.
func TestStoreThatBreaksAfterTheTrial(t *testing.T) {
	for name, says := range map[string]string{"check": "the store became unusable after 1 case: ", "bench": "write 4 KiB: "} {
		t.Run(name, func(t *testing.T) {
			layer := httpfault.New(s3fake.New(s3fake.Options{}, "bucket"))
			var tried atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if deletes := r.Method == http.MethodDelete || r.URL.Query().Has("delete"); tried.Load() {
					httpfault.XML(http.StatusForbidden, "AccessDenied")(httpfault.Exchange{}, w, r)
				} else {
					layer.ServeHTTP(w, r)
					tried.Store(deletes)
				}
			}))
			defer server.Close()
			s := newShell(t)
			args := []string{name, "-large", "64KiB", "s3://bucket/db?region=us-east-1&access-key-id=AKID&secret-access-key=" + hush + "&endpoint=" + server.URL}
			if name == "check" {
				args = append(args, "-only", "write/exact")
			}
			assert.Contains(t, s.fails(t, exitFailed, args...), says)
		})
	}
}

// A setting that turns out to be wrong in the trial is named.
func TestTrialNamesTheSetting(t *testing.T) {
	s := newShell(t)
	for _, name := range []string{"check", "bench"} {
		assert.Contains(t, s.fails(t, exitFailed, name, s.url("x")+"?cache.dir=/dev/null/x"), "Dir: invalid argument: mkdir /dev/null: ", name)
		assert.NoDirExists(t, s.dir+"/x", name)
	}
}

// Clauses are in the order of the contract.
func TestSummary(t *testing.T) {
	result := func(failed error, clauses ...string) replicatest.Result {
		return replicatest.Result{Case: replicatest.Case{ID: "a/b", Rule: "a must be b", Clauses: clauses}, Err: failed}
	}
	skipped := result(nil, "D1")
	skipped.Skipped = "no clock"
	sum := summary(replicatest.Report{result(nil, "C1", "L2"), skipped, result(errors.New("no"), "W2", "C1"), result(nil, "O1", "T1"), result(nil, "W1", "L1")}, true)
	require.Equal(t, []clause{{"W1", 1, 0}, {"W2", 0, 1}, {"T1", 1, 0}, {"O1", 1, 0}, {"L1", 1, 0}, {"L2", 1, 0}, {"C1", 1, 1}}, sum.Clauses)
	assert.Equal(t, []failure{{"a/b", "a must be b", "no"}}, sum.Failures)
	assert.Equal(t, map[string]bool{"write-once": true}, sum.Capabilities)
}
