package replicatest_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// A third party's backend is held to the contract in ten lines. Mock stands for
// it here.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		replicatest.Run(t, replicatest.Config{
			New: func(context.Context) (replicatest.Store, error) {
				bucket := mock.NewStore()
				open := func() (*mock.ReplicaClient, error) {
					return mock.NewReplicaClient(mock.Config{Store: bucket, Path: "db"}), nil
				}
				client, err := open()
				return replicatest.Store{Client: client}, err
			},
			Lacks: []replicatest.Capability{replicatest.Clients, replicatest.RawAccess /* … */},
		})
	}
}

// Check needs no go test: for a command that validates a live store, say.
func ExampleCheck() {
	report, err := replicatest.Check(context.Background(), replicatest.Config{
		New: func(context.Context) (replicatest.Store, error) {
			client := &mock.ReplicaClient{}
			client.SetLogger(nil)
			return replicatest.Store{Client: client}, nil // a fresh prefix of the live store
		},
		Lacks: []replicatest.Capability{replicatest.RawAccess},
		Select: func(c replicatest.Case) bool {
			return slices.Contains([]string{"write/exact", "open/partial-read", "write/no-leftovers"}, c.ID)
		},
	})
	if err != nil {
		panic(err) // the Config cannot be used
	}
	for _, res := range report {
		switch {
		case res.Skipped == "not selected":
		case res.Skipped != "":
			fmt.Println("skip", res.Case.ID, "—", res.Skipped)
		case res.Err != nil:
			fmt.Println("FAIL", res.Case.ID, res.Case.Clauses, res.Err)
		default:
			fmt.Println("ok  ", res.Case.ID, res.Case.Clauses)
		}
	}
	fmt.Println(len(report.Failed()), "failed")

	// Output:
	// ok   write/exact [W1]
	// skip write/no-leftovers — the store is declared to lack [raw-access]
	// ok   open/partial-read [O1]
	// 0 failed
}
