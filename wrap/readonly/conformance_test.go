package readonly_test

import (
	"context"
	"io"
	"testing"

	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/wrap/readonly"
)

// TestConformance holds the half that reads to the contract; the other half goes
// to the store itself. That it refuses is TestRefuses.
func TestConformance(t *testing.T) {
	wraptest.Run(t, wraptest.Suite{Wrap: func(next ltxstore.ReplicaClient) ltxstore.ReplicaClient {
		return writable{readonly.New(next, readonly.Config{}), next}
	}})
}

// writable reads through the wrapper and writes past it.
type writable struct {
	*readonly.Client
	next ltxstore.ReplicaClient
}

func (w writable) WriteLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	return w.next.WriteLTXFile(ctx, level, minTXID, maxTXID, r)
}

func (w writable) DeleteLTXFiles(ctx context.Context, files []*ltx.FileInfo) error {
	return w.next.DeleteLTXFiles(ctx, files)
}

func (w writable) DeleteAll(ctx context.Context) error { return w.next.DeleteAll(ctx) }
