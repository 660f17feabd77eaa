package file

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
)

const (
	pageSize   = 256      // of a listing
	bufferSize = 64 << 10 // of a copy that the kernel does not do
)

// onlyReader hides WriteTo.
type onlyReader struct{ io.Reader }

// epoch is a header time that no clock shows: milliseconds, long past.
var epoch = time.Date(2021, 3, 4, 5, 6, 7, 89e6, time.UTC)

func newClient(t testing.TB, cfg Config) *ReplicaClient {
	t.Helper()
	if cfg.Path == "" {
		cfg.Path = t.TempDir()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	c := NewReplicaClient(cfg)
	t.Cleanup(func() { c.Close() })
	return c
}

// body returns size bytes, an LTX header and noise that depends on the salt.
func body(t testing.TB, minTXID, maxTXID ltx.TXID, size int, at time.Time, salt uint64) []byte {
	t.Helper()
	b, err := makeBody(minTXID, maxTXID, size, at, salt)
	require.NoError(t, err)
	return b
}

func makeBody(minTXID, maxTXID ltx.TXID, size int, at time.Time, salt uint64) ([]byte, error) {
	hdr := ltx.Header{Version: ltx.Version, PageSize: 4096, Commit: 1, MinTXID: minTXID, MaxTXID: maxTXID,
		Timestamp: at.UnixMilli(), Flags: ltx.HeaderFlagNoChecksum}
	b, err := hdr.MarshalBinary()
	if err := errors.Join(err, hdr.Validate()); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(salt, uint64(size)))
	for len(b) < size {
		b = binary.LittleEndian.AppendUint64(b, rng.Uint64())
	}
	return b[:size], nil
}

func write(t testing.TB, c ltxstore.ReplicaClient, level int, minTXID, maxTXID ltx.TXID, b []byte) *ltx.FileInfo {
	t.Helper()
	info, err := c.WriteLTXFile(t.Context(), level, minTXID, maxTXID, bytes.NewReader(b))
	require.NoError(t, err)
	return info
}

func read(t testing.TB, c ltxstore.ReplicaClient, level int, minTXID, maxTXID ltx.TXID) []byte {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), level, minTXID, maxTXID, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return b
}

func list(ctx context.Context, c ltxstore.ReplicaClient, level int, seek ltx.TXID, headers bool) ([]*ltx.FileInfo, error) {
	it, err := c.LTXFiles(ctx, level, seek, headers)
	if err != nil {
		return nil, err
	}
	return ltx.SliceFileIterator(it)
}

// allNames returns the slashed names of all files and directories below root.
func allNames(t testing.TB, root string) (names []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if entry.IsDir() {
			rel += "/"
		}
		names = append(names, filepath.ToSlash(rel))
		return err
	}))
	return names
}

// files is allNames without the directories.
func files(t testing.TB, root string) (names []string) {
	t.Helper()
	for _, name := range allNames(t, root) {
		if !strings.HasSuffix(name, "/") {
			names = append(names, name)
		}
	}
	return names
}

func temps(t testing.TB, root string) []string {
	t.Helper()
	return slices.DeleteFunc(allNames(t, root), func(name string) bool { return !strings.HasSuffix(name, ".tmp") })
}

func put(t testing.TB, root, name, content string) string {
	t.Helper()
	path := filepath.Join(root, filepath.FromSlash(name))
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
	return path
}

// scriptFS is the disk, with a log and with failures.
type scriptFS struct {
	osFS
	mu  sync.Mutex
	log []string

	// before, if not nil, is asked before each operation; an error replaces it.
	before func(op, name string) error

	// look, if not nil, is asked before each operation that changes nothing.
	look func(op, name string) error

	noSync bool // fsync does nothing
}

func (s *scriptFS) looks(op, name string) error {
	s.mu.Lock()
	look := s.look
	s.mu.Unlock()
	if look == nil {
		return nil
	}
	return look(op, name)
}

func (s *scriptFS) lstat(dir *os.Root, name string) (fs.FileInfo, error) {
	if err := s.looks("lstat", name); err != nil {
		return nil, err
	}
	return s.osFS.lstat(dir, name)
}

func (s *scriptFS) open(dir *os.Root, name string) (*os.File, error) {
	if err := s.looks("open", name); err != nil {
		return nil, err
	}
	return s.osFS.open(dir, name)
}

func (s *scriptFS) openDir(dir *os.Root, name string) (*os.File, error) {
	if err := s.looks("openDir", name); err != nil {
		return nil, err
	}
	return s.osFS.openDir(dir, name)
}

func (s *scriptFS) openRoot(dir *os.Root, name string) (*os.Root, error) {
	if err := s.looks("openRoot", name); err != nil {
		return nil, err
	}
	return s.osFS.openRoot(dir, name)
}

func (s *scriptFS) eachName(ctx context.Context, dir *os.File, visit func(name string)) error {
	if err := s.looks("eachName", dir.Name()); err != nil {
		return err
	}
	return s.osFS.eachName(ctx, dir, visit)
}

func (s *scriptFS) do(op, name string) error {
	s.mu.Lock()
	s.log = append(s.log, op)
	before := s.before
	s.mu.Unlock()
	if before != nil {
		return before(op, name)
	}
	return nil
}

func (s *scriptFS) ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	ops := s.log
	s.log = nil
	return ops
}

func (s *scriptFS) mkdir(dir *os.Root, name string, mode fs.FileMode) error {
	if err := s.do("mkdir "+filepath.ToSlash(name), name); err != nil {
		return err
	}
	return s.osFS.mkdir(dir, name, mode)
}

func (s *scriptFS) create(dir *os.Root, name string, mode fs.FileMode) (*os.File, error) {
	if err := s.do("create", name); err != nil {
		return nil, err
	}
	return s.osFS.create(dir, name, mode)
}

func (s *scriptFS) write(f *os.File, p []byte) (int, error) {
	if err := s.do("write", f.Name()); err != nil {
		n, _ := s.osFS.write(f, p[:len(p)/2]) // a full disk takes a part
		return n, err
	}
	return s.osFS.write(f, p)
}

func (s *scriptFS) readFrom(f *os.File, src *io.LimitedReader) (int64, error) {
	if err := s.do("readFrom", f.Name()); err != nil {
		return 0, err
	}
	return s.osFS.readFrom(f, src)
}

func (s *scriptFS) setTime(dir *os.Root, name string, f *os.File, at time.Time) error {
	if err := s.do("setTime", name); err != nil {
		return err
	}
	return s.osFS.setTime(dir, name, f, at)
}

func (s *scriptFS) sync(f *os.File) error {
	if err := s.do("sync", f.Name()); err != nil {
		return err
	}
	if s.noSync {
		return nil
	}
	return s.osFS.sync(f)
}

func (s *scriptFS) close(f *os.File) error {
	if err := s.do("close", f.Name()); err != nil {
		return err
	}
	return s.osFS.close(f)
}

func (s *scriptFS) rename(dir *os.Root, from, to string) error {
	if err := s.do("rename", to); err != nil {
		return err
	}
	return s.osFS.rename(dir, from, to)
}

func (s *scriptFS) link(dir *os.Root, from, to string) error {
	if err := s.do("link", to); err != nil {
		return err
	}
	return s.osFS.link(dir, from, to)
}

func (s *scriptFS) remove(dir *os.Root, name string) error {
	if err := s.do("remove", name); err != nil {
		return err
	}
	return s.osFS.remove(dir, name)
}

func (s *scriptFS) syncDir(dir *os.File) error {
	if err := s.do("syncDir "+filepath.Base(filepath.Clean(dir.Name())), dir.Name()); err != nil {
		return err
	}
	if s.noSync {
		return nil
	}
	return s.osFS.syncDir(dir)
}

// noSync is a disk that never waits.
type noSync struct{ osFS }

func (noSync) sync(*os.File) error    { return nil }
func (noSync) syncDir(*os.File) error { return nil }
