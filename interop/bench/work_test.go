package bench_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/sync/errgroup"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/interop/engine"
	"github.com/ltxstore/ltxstore/restore"
)

const (
	ours  = "ours"
	stock = "litestream"
	plain = "bare"
)

// trio makes contestants of the two clients' work and that of the bare calls.
// bare may be nil, where no plain call does it, and so may s.bare.
func trio(s *store, client func(context.Context, ltxstore.ReplicaClient) error, bare func(context.Context) error) []contestant {
	of := func(c ltxstore.ReplicaClient) func(context.Context) error {
		return func(ctx context.Context) error { return client(ctx, c) }
	}
	all := []contestant{{name: ours, do: of(s.ours)}, {name: stock, do: of(s.stock)}}
	if bare != nil && s.bare != nil {
		all = append(all, contestant{name: plain, do: bare})
	}
	return all
}

// writers makes contestants of the two clients' writes, each of a file that is not there yet, as a daemon's are.
// Before each turn the files of the last one are deleted, so that the folder does not grow.
func writers(s *store, write func(ctx context.Context, c ltxstore.ReplicaClient, txid ltx.TXID) error, bare func(context.Context) error) []contestant {
	txid := ltx.TXID(3) // the first three are those of bare calls
	var written []*ltx.FileInfo
	all := trio(s, func(ctx context.Context, c ltxstore.ReplicaClient) error {
		txid++
		written = append(written, &ltx.FileInfo{Level: 1, MinTXID: txid, MaxTXID: txid})
		return write(ctx, c, txid)
	}, bare)
	for i := range all {
		all[i].prepare = func(ctx context.Context) error {
			last := written
			written = nil
			return s.ours.DeleteLTXFiles(ctx, last)
		}
	}
	return all
}

// idsOffset is where a header has its transactions.
const idsOffset = 16

func ids(txid ltx.TXID) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, uint64(txid)), uint64(txid))
}

// body returns what begins as an LTX file and is that long. Nothing here looks
// at more of it than the header.
func body(tb testing.TB, txid ltx.TXID, size int) []byte {
	hdr := ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096, Commit: 1, MinTXID: txid, MaxTXID: txid, Timestamp: 1_700_000_000_000}
	head, err := hdr.MarshalBinary()
	require.NoError(tb, err)
	whole := append(head, make([]byte, size-len(head))...)
	_, _ = rand.NewChaCha8([32]byte{byte(txid)}).Read(whole[len(head):])
	return whole
}

func writeSmall(tb testing.TB, s *store, _ row, size int) []contestant {
	data := body(tb, 1, size)
	return writers(s, func(ctx context.Context, c ltxstore.ReplicaClient, txid ltx.TXID) error {
		copy(data[idsOffset:], ids(txid))
		_, err := c.WriteLTXFile(ctx, 1, txid, txid, bytes.NewReader(data))
		return err
	}, func(ctx context.Context) error {
		return s.bare.put(ctx, s.keys.File(1, 2, 2), bytes.NewReader(data), int64(size))
	})
}

func writeFile(tb testing.TB, s *store, _ row, size int) []contestant {
	f := source(tb, size)
	rewound := func() *os.File {
		_, err := f.Seek(0, io.SeekStart)
		require.NoError(tb, err)
		return f
	}
	all := writers(s, func(ctx context.Context, c ltxstore.ReplicaClient, txid ltx.TXID) error {
		if _, err := f.WriteAt(ids(txid), idsOffset); err != nil {
			return err
		}
		_, err := c.WriteLTXFile(ctx, 1, txid, txid, rewound())
		return err
	}, func(ctx context.Context) error {
		return s.bare.put(ctx, s.keys.File(1, 2, 2), rewound(), int64(size))
	})
	return withMinIO(s, all, func(ctx context.Context) error {
		return s.minio(ctx, s.keys.File(1, 3, 3), rewound(), int64(size))
	})
}

// withMinIO adds minio-go's upload, where there is one.
func withMinIO(s *store, all []contestant, upload func(context.Context) error) []contestant {
	if s.minio == nil {
		return all
	}
	return append(all, contestant{name: others, do: upload})
}

func writePipe(tb testing.TB, s *store, r row, size int) []contestant {
	f := source(tb, size)
	through := func(write func(io.Reader) error) error {
		from, to, err := os.Pipe()
		if err != nil {
			return err
		}
		fed := make(chan error, 1)
		go func() {
			_, err := io.Copy(to, io.NewSectionReader(f, 0, int64(size)))
			fed <- errors.Join(err, to.Close())
		}()
		err = errors.Join(write(from), from.Close())
		return errors.Join(err, <-fed)
	}
	var bare func(context.Context) error
	if r.backend != "s3" { // PutObject wants a length
		bare = func(ctx context.Context) error {
			return through(func(from io.Reader) error { return s.bare.put(ctx, s.keys.File(1, 2, 2), from, -1) })
		}
	}
	all := writers(s, func(ctx context.Context, c ltxstore.ReplicaClient, txid ltx.TXID) error {
		if _, err := f.WriteAt(ids(txid), idsOffset); err != nil {
			return err
		}
		return through(func(from io.Reader) error {
			_, err := c.WriteLTXFile(ctx, 1, txid, txid, from)
			return err
		})
	}, bare)
	return withMinIO(s, all, func(ctx context.Context) error {
		return through(func(from io.Reader) error {
			// minio-go sees that a pipe is an *os.File, and would read parts of it at offsets.
			return s.minio(ctx, s.keys.File(1, 3, 3), struct{ io.Reader }{from}, -1)
		})
	})
}

// source returns a file whose content does not compress.
func source(tb testing.TB, size int) *os.File {
	f, err := os.Create(filepath.Join(tb.TempDir(), "source.ltx"))
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = f.Close() })
	head := body(tb, 1, ltx.HeaderSize)
	_, err = f.Write(head)
	require.NoError(tb, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{}), int64(size-len(head)))
	require.NoError(tb, err)
	require.NoError(tb, f.Sync())
	return f
}

// fill writes n files into level 0: enough of each for a listing.
func fill(ctx context.Context, tb testing.TB, s *store, n int) error {
	return many(ctx, n, func(ctx context.Context, txid ltx.TXID) error {
		if d, ok := s.fill.(disk); ok { // without the fsyncs of a put
			name := filepath.Join(string(d), filepath.FromSlash(s.keys.File(0, txid, txid)))
			return errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, body(tb, txid, ltx.HeaderSize), 0o644))
		}
		return s.fill.put(ctx, s.keys.File(0, txid, txid), bytes.NewReader(body(tb, txid, ltx.HeaderSize)), ltx.HeaderSize)
	})
}

func lister(tb testing.TB, s *store, n int, seek ltx.TXID, want int, times bool, bare func(context.Context) (int, error)) []contestant {
	require.NoError(tb, fill(tb.Context(), tb, s, n))
	check := func(found int, err error) error {
		if err == nil && found != want {
			err = fmt.Errorf("listed %d files: want %d", found, want)
		}
		return err
	}
	return trio(s, func(ctx context.Context, c ltxstore.ReplicaClient) error {
		files, err := c.LTXFiles(ctx, 0, seek, times)
		if err != nil {
			return err
		}
		found := 0
		for files.Next() {
			found++
		}
		return check(found, files.Close())
	}, func(ctx context.Context) error { return check(bare(ctx)) })
}

func listWhole(tb testing.TB, s *store, _ row, n int) []contestant {
	return lister(tb, s, n, 0, n, false, func(ctx context.Context) (int, error) {
		return s.bare.list(ctx, s.keys.LevelPrefix(0), "")
	})
}

func listLate(tb testing.TB, s *store, _ row, n int) []contestant {
	seek := ltx.TXID(n - 9)
	return lister(tb, s, n, seek, 10, false, func(ctx context.Context) (int, error) {
		return s.bare.list(ctx, s.keys.LevelPrefix(0), s.keys.Seek(0, seek))
	})
}

// listTimes is what a restore to a moment asks for.
func listTimes(tb testing.TB, s *store, _ row, n int) []contestant {
	return lister(tb, s, n, 0, n, true, func(ctx context.Context) (int, error) {
		found, err := s.bare.list(ctx, s.keys.LevelPrefix(0), "")
		if err != nil {
			return 0, err
		}
		return found, many(ctx, n, func(ctx context.Context, txid ltx.TXID) error {
			return s.bare.head(ctx, s.keys.File(0, txid, txid))
		})
	})
}

func deleteAll(tb testing.TB, s *store, r row, n int) []contestant {
	all := trio(s, func(ctx context.Context, c ltxstore.ReplicaClient) error { return c.DeleteAll(ctx) },
		func(ctx context.Context) error { return s.bare.deleteAll(ctx, s.keys.Prefix()) })
	for i := range all {
		all[i].prepare = func(ctx context.Context) error {
			// The server that is its own wire is filled without the delay.
			return errors.Join(s.wire.set(ctx, 0, 0), fill(ctx, tb, s, n), s.wire.set(ctx, r.delay, r.bandwidth))
		}
	}
	return all
}

// restoreLatest restores a database of about that size from one snapshot.
func restoreLatest(tb testing.TB, s *store, _ row, size int) []contestant {
	return restoreWith(tb, s, size, 0)
}

// restoreMany restores a snapshot of about that size, and many transactions of a page
// that came after it.
func restoreMany(tb testing.TB, s *store, _ row, size int) []contestant {
	return restoreWith(tb, s, size, smallFiles)
}

// smallFiles is how many transactions follow the snapshot of restoreMany.
const smallFiles = 200

func restoreWith(tb testing.TB, s *store, size, transactions int) []contestant {
	snapshot := filepath.Join(tb.TempDir(), "snapshot.ltx")
	writeSnapshot(tb, snapshot, size)
	f, err := os.Open(snapshot)
	require.NoError(tb, err)
	defer f.Close()
	_, err = s.stock.WriteLTXFile(tb.Context(), ltxstore.SnapshotLevel, 1, 1, f)
	require.NoError(tb, err)

	pages := uint32(size / 4096)
	require.NoError(tb, many(tb.Context(), transactions, func(ctx context.Context, i ltx.TXID) error {
		var buf bytes.Buffer
		enc, err := ltx.NewEncoder(&buf)
		txid := i + 1
		err = errors.Join(err, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: 4096,
			Commit: pages, MinTXID: txid, MaxTXID: txid, Timestamp: 1_700_000_000_000}),
			enc.EncodePage(ltx.PageHeader{Pgno: uint32(i)*17%pages + 1}, bytes.Repeat([]byte{byte(i)}, 4096)), enc.Close())
		return errors.Join(err, s.fill.put(ctx, s.keys.File(0, txid, txid), bytes.NewReader(buf.Bytes()), int64(buf.Len())))
	}))
	return restoring(tb, s, snapshot, transactions)
}

// restoring are restores of what the store has: a snapshot and so many transactions. The bare
// one is from a disk the decoding and writing of the snapshot, and over a wire the download of
// all files, the small ones as many at once as many does.
func restoring(tb testing.TB, s *store, snapshot string, transactions int) []contestant {
	path := filepath.Join(tb.TempDir(), "db")
	fresh := func(context.Context) error {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	all := []contestant{
		{ours, fresh, func(ctx context.Context) error {
			_, err := restore.Run(ctx, s.ours, path, restore.Config{})
			return err
		}},
		{stock, fresh, func(ctx context.Context) error { return engine.Restore(ctx, s.stock, path, engine.Target{}, nil) }},
	}
	if s.wire == nil {
		return append(all, contestant{plain, fresh, func(context.Context) error { return decodeTo(path, snapshot) }})
	}
	info, err := os.Stat(snapshot)
	require.NoError(tb, err)
	return append(all, contestant{plain, nil, func(ctx context.Context) error {
		from := s.bare.(ranger)
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return download(ctx, from, s.keys.File(ltxstore.SnapshotLevel, 1, 1), info.Size()) })
		group.Go(func() error {
			return many(ctx, transactions, func(ctx context.Context, i ltx.TXID) error {
				body, err := from.open(ctx, s.keys.File(0, i+1, i+1), 0, math.MaxInt32)
				if err != nil {
					return err
				}
				_, err = io.Copy(io.Discard, body)
				return errors.Join(err, body.Close())
			})
		})
		return group.Wait()
	}})
}

// decodeTo decodes a snapshot with ltx, into a file that is as durable as a
// restored database.
func decodeTo(path, snapshot string) error {
	from, err := os.Open(snapshot)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.Create(path)
	if err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(to, 256<<10)
	err = ltx.NewDecoder(bufio.NewReaderSize(from, 128<<10)).DecodeDatabaseTo(buffered)
	return errors.Join(err, buffered.Flush(), to.Sync(), to.Close())
}

// writeSnapshot writes a snapshot of a database that does not compress.
func writeSnapshot(tb testing.TB, path string, size int) {
	const pageSize = 4096
	f, err := os.Create(path)
	require.NoError(tb, err)
	defer f.Close()
	enc, err := ltx.NewEncoder(f)
	require.NoError(tb, err)
	pages := uint32(size / pageSize)
	require.NoError(tb, enc.EncodeHeader(ltx.Header{Version: ltx.Version, Flags: ltx.HeaderFlagNoChecksum, PageSize: pageSize,
		Commit: pages, MinTXID: 1, MaxTXID: 1, Timestamp: time.UnixMilli(1_700_000_000_000).UnixMilli()}))
	random, data := rand.NewChaCha8([32]byte{}), make([]byte, pageSize)
	for pgno := uint32(1); pgno <= pages; pgno++ {
		if pgno == ltx.LockPgno(pageSize) {
			continue
		}
		_, _ = random.Read(data)
		require.NoError(tb, enc.EncodePage(ltx.PageHeader{Pgno: pgno}, data))
	}
	require.NoError(tb, enc.Close())
}
