package v03_test

import (
	"context"
	"io"
	"math/rand/v2"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/race"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/v03"
	"github.com/ltxstore/ltxstore/wrap/crypt"
)

// held measures what is live in memory while files are read and written.
type held struct {
	*mock.ReplicaClient
	most   uint64
	points int
}

func (h *held) look() {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	h.most = max(h.most, stats.HeapAlloc)
	h.points++
}

func (h *held) OpenRaw(ctx context.Context, name string, offset, size int64) (io.ReadCloser, error) {
	rc, err := h.ReplicaClient.OpenRaw(ctx, name, offset, size)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{&looking{Reader: rc, held: h}, rc}, nil
}

// WriteLTXFile keeps nothing of a file.
func (h *held) WriteLTXFile(_ context.Context, level int, minTXID, maxTXID ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	size, err := io.Copy(io.Discard, &looking{Reader: r, held: h})
	return &ltx.FileInfo{Level: level, MinTXID: minTXID, MaxTXID: maxTXID, Size: size}, err
}

// looking looks every few MiB.
type looking struct {
	io.Reader
	*held
	n int
}

func (l *looking) Read(p []byte) (int, error) {
	const every = 8 << 20
	n, err := l.Reader.Read(p)
	if l.n/every != (l.n+n)/every {
		l.look()
	}
	l.n += n
	return n, err
}

// Neither the snapshot nor a segment nor its transaction is in memory as a whole, whatever
// the replica was encrypted with.
func TestMemory(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates too, and takes half a minute for this")
	}
	const pageSize, pages, most = 65536, 48 << 20 / 65536, 24 << 20
	r := newReplica(t, 1, pageSize)
	random := rand.NewChaCha8([32]byte{1})
	r.db = make([]byte, pages*pageSize)
	_, err := random.Read(r.db)
	require.NoError(t, err)
	r.head(r.db)
	r.snapshot()
	for pgno := range uint32(pages) {
		page := make([]byte, pageSize)
		_, err = random.Read(page)
		require.NoError(t, err)
		if pgno == 0 {
			r.head(page)
		}
		commit := uint32(0)
		if pgno == pages-1 {
			commit = pages
		}
		r.frame(pgno+1, commit, page)
	}
	r.sync()
	id := newIdentity(t)
	r.seal(id.Recipient(), all)
	r.db, r.disk, r.wal, r.next, r.state = nil, nil, nil, nil, nil

	for what, do := range map[string]func(src ltxstore.ReplicaClient, dst *held) error{
		"restore": func(src ltxstore.ReplicaClient, _ *held) error {
			result, err := v03.Restore(t.Context(), src, t.TempDir()+"/db", v03.RestoreConfig{})
			if err == nil {
				assert.Equal(t, 1, result.Transactions)
			}
			return err
		},
		"convert": func(src ltxstore.ReplicaClient, dst *held) error {
			result, err := v03.Convert(t.Context(), dst, src, v03.ConvertConfig{TempDir: t.TempDir()})
			if err == nil {
				assert.Equal(t, 3, result.Written)
			}
			return err
		},
		"verify": func(src ltxstore.ReplicaClient, _ *held) error {
			report, err := v03.Verify(t.Context(), src, v03.VerifyConfig{})
			if err == nil {
				assert.True(t, report.OK())
			}
			return err
		},
	} {
		src, dst := &held{ReplicaClient: r.client()}, &held{ReplicaClient: empty()}
		src.look()
		before := src.most
		src.most, src.points = 0, 0
		err := do(crypt.New(src, crypt.Config{Identities: []crypt.Identity{crypt.Identity(id.String())}}), dst)
		require.NoError(t, err, what)
		assert.GreaterOrEqual(t, src.points, 10, what)
		assert.LessOrEqual(t, int64(max(src.most, dst.most))-int64(before), int64(most), what)
	}
}
