package faultmatrix

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/ltxstore/ltxstore/internal/testkit/httpfault"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
)

// Operation is a Row with a function that performs it with a client of a
// configuration.
type Operation[C any] struct {
	Row
	Config C
	Do     func(*World, context.Context) error
}

// PlayAll tests every operation with every fault, in parallel subtests in the fake
// time of testing/synctest; with the race detector, only every fifth of them. It
// fails if a row has holes. begin makes the world of a subtest.
func PlayAll[C any](t *testing.T, service Service, operations map[string]Operation[C],
	begin func(t *testing.T, o Operation[C], fault Fault) (*World, *httpfault.Layer)) {
	t.Helper()
	var rows []Row
	plays := race.OneOf(5)
	for name, o := range operations {
		o.Name = name
		rows = append(rows, o.Row)
		for _, fault := range Faults() {
			if o.Cells[fault].Void != "" || !plays() {
				continue
			}
			t.Run(name+"/"+string(fault), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w, layer := begin(t, o, fault)
					if err := Play(t.Context(), layer, service, o.Row, fault, func(ctx context.Context) error { return o.Do(w, ctx) }); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
	for _, hole := range Holes(rows) {
		t.Errorf("no cell for %s", hole)
	}
}
