package replicatest_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// disk keeps bodies in files, as mock cannot: just enough for the large file.
type disk struct {
	*mock.ReplicaClient
	dir                     string
	holdsWrites, holdsReads bool
}

func (d *disk) name(minTXID, maxTXID ltx.TXID) string {
	return filepath.Join(d.dir, ltx.FormatFilename(minTXID, maxTXID))
}

func (d *disk) WriteLTXFile(_ context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	if d.holdsWrites {
		body, err := io.ReadAll(r)
		if err != nil {
			return nil, err
		}
		r = bytes.NewReader(body)
	}
	f, err := os.Create(d.name(minTXID, maxTXID))
	if err != nil {
		return nil, err
	}
	n, err := io.Copy(f, r)
	if err != nil {
		return nil, err
	}
	return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: n, CreatedAt: time.Now()}, f.Close()
}

func (d *disk) OpenLTXFile(_ context.Context, _ int, minTXID, maxTXID ltx.TXID, _, _ int64) (io.ReadCloser, error) {
	if d.holdsReads {
		body, err := os.ReadFile(d.name(minTXID, maxTXID))
		return io.NopCloser(bytes.NewReader(body)), err
	}
	return os.Open(d.name(minTXID, maxTXID))
}

func (d *disk) DeleteAll(context.Context) error { return os.RemoveAll(d.dir) }

var _ ltxstore.ReplicaClient = (*disk)(nil)

// TestBoundedMemory is for the case that a store in memory lacks: a client that
// streams the 100 MB passes it, one that holds them does not.
func TestBoundedMemory(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector changes what a heap holds, and takes seconds: see the plain run")
	}
	for name, test := range map[string]struct {
		client disk
		size   int64
		holds  bool
	}{
		"streams":      {disk{}, 100 << 20, true},
		"holds writes": {disk{holdsWrites: true}, 20 << 20, false},
		"holds reads":  {disk{holdsReads: true}, 20 << 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			report, err := replicatest.Check(t.Context(), replicatest.Config{
				New: func(context.Context) (replicatest.Store, error) {
					client := test.client
					client.ReplicaClient, client.dir = &mock.ReplicaClient{}, t.TempDir()
					return replicatest.Store{Client: &client}, nil
				},
				LargeSize:   test.size,
				MemoryLimit: 10 << 20,
				Select:      func(c replicatest.Case) bool { return c.ID == "write/large" || c.ID == "write/large-memory" },
			})
			require.NoError(t, err)
			for _, res := range report {
				switch res.Case.ID {
				case "write/large":
					assert.NoError(t, res.Err)
				case "write/large-memory":
					if test.holds {
						assert.NoError(t, res.Err)
					} else {
						assert.ErrorContains(t, res.Err, "the heap grew by")
					}
				}
			}
		})
	}
}
