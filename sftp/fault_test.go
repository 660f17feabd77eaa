package sftp

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/testing/replicatest"
)

// scripted is a server in memory that asks before each request what becomes of it.
type scripted struct {
	sftp.Handlers
	mu     sync.Mutex
	seen   []string
	before func(op string) error // nil lets it pass
	short  int                   // bytes that are missing at the end of a file that is read
}

// script has the server keep its files in memory, below /db.
func (s *testServer) script() *scripted {
	h := &scripted{Handlers: sftp.InMemHandler()}
	s.handlers = &sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}
	return h
}

// rooted is a client of such a server that repeats nothing.
func (s *testServer) rooted(change func(*Config)) *ReplicaClient {
	return s.client(func(cfg *Config) {
		cfg.Path, cfg.Retry.MaxAttempts = "/db", 1
		change(cfg)
	})
}

func (h *scripted) do(op, name string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if strings.HasSuffix(name, ".tmp") {
		name = "temporary"
	}
	op += " " + path.Base(name)
	h.seen = append(h.seen, op)
	if h.before != nil {
		return h.before(op)
	}
	return nil
}

// ops returns what was asked since the last call.
func (h *scripted) ops() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	seen := h.seen
	h.seen = nil
	return seen
}

func (h *scripted) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if err := h.do(r.Method, r.Filepath); err != nil {
		return nil, err
	}
	return h.FileList.Filelist(r)
}

func (h *scripted) Lstat(r *sftp.Request) (sftp.ListerAt, error) {
	if err := h.do("Lstat", r.Filepath); err != nil {
		return nil, err
	}
	return h.FileList.(sftp.LstatFileLister).Lstat(r)
}

func (h *scripted) Filecmd(r *sftp.Request) error {
	if err := h.do(r.Method, r.Filepath); err != nil {
		return err
	}
	return h.FileCmd.Filecmd(r)
}

func (h *scripted) PosixRename(r *sftp.Request) error {
	if err := h.do("Rename", r.Filepath); err != nil {
		return err
	}
	return h.FileCmd.(sftp.PosixRenameFileCmder).PosixRename(r)
}

func (h *scripted) Fileread(r *sftp.Request) (io.ReaderAt, error) {
	if err := h.do("Open", r.Filepath); err != nil {
		return nil, err
	}
	f, err := h.FileGet.Fileread(r)
	return scriptedFile{h: h, name: r.Filepath, ReaderAt: f}, err
}

func (h *scripted) Filewrite(r *sftp.Request) (io.WriterAt, error) {
	if err := h.do("Create", r.Filepath); err != nil {
		return nil, err
	}
	f, err := h.FilePut.Filewrite(r)
	return scriptedFile{h: h, name: r.Filepath, WriterAt: f}, err
}

type scriptedFile struct {
	h    *scripted
	name string
	io.ReaderAt
	io.WriterAt
}

func (f scriptedFile) ReadAt(p []byte, at int64) (int, error) {
	if err := f.h.do("Read", f.name); err != nil {
		return 0, err
	}
	n, err := f.ReaderAt.ReadAt(p, at)
	if f.h.short > 0 {
		return max(n-f.h.short, 0), io.EOF
	}
	return n, err
}

func (f scriptedFile) WriteAt(p []byte, at int64) (int, error) {
	if err := f.h.do("Write", f.name); err != nil {
		return 0, err
	}
	return f.WriterAt.WriteAt(p, at)
}

func (f scriptedFile) Close() error {
	if f.WriterAt == nil {
		return nil
	}
	return f.h.do("Close", f.name)
}

var epoch = time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)

func ltxBody(id ltx.TXID, pages int) []byte { return replicatest.NewLTXFile(id, id, epoch, pages) }

// Whichever request the server denies, the call says so, unless it does not matter;
// and what is said to be done is done.
func TestEachDeniedRequestIsReported(t *testing.T) {
	files := func(ids ...ltx.TXID) (infos []*ltx.FileInfo) {
		for _, id := range ids {
			infos = append(infos, &ltx.FileInfo{MinTXID: id, MaxTXID: id})
		}
		return infos
	}
	for name, tt := range map[string]struct {
		do        func(t *testing.T, c *ReplicaClient) error
		left      int      // files, once it is done
		tolerated []string // requests that may be denied
		once      bool
	}{
		"list": {do: func(t *testing.T, c *ReplicaClient) error {
			found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
			assert.True(t, err != nil || len(found) == 2)
			return err
		}, left: 2},
		"read": {do: func(t *testing.T, c *ReplicaClient) error {
			got, err := read(t, c)
			assert.True(t, err != nil || got == string(ltxBody(1, 1)))
			return err
		}, left: 2},
		"read a large file": {do: func(t *testing.T, c *ReplicaClient) error {
			r, err := c.OpenLTXFile(t.Context(), 0, 2, 2, 0, 0)
			if err != nil {
				return err
			}
			defer r.Close()
			got, err := io.ReadAll(r)
			assert.True(t, err != nil || bytes.Equal(got, ltxBody(2, 30)))
			return err
		}, left: 2},
		"write": {do: func(t *testing.T, c *ReplicaClient) error {
			_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, bytes.NewReader(ltxBody(3, 1)))
			return err
		}, left: 3, tolerated: []string{"Stat 0000", "List 0000"}},
		"write once": {do: func(t *testing.T, c *ReplicaClient) error {
			_, err := c.WriteLTXFile(t.Context(), 0, 3, 3, bytes.NewReader(ltxBody(3, 1)))
			return err
		}, left: 3, once: true, tolerated: []string{"Stat 0000", "List 0000", "Lstat temporary", "Remove temporary"}},
		"delete":     {do: func(t *testing.T, c *ReplicaClient) error { return c.DeleteLTXFiles(t.Context(), files(1, 2)) }},
		"delete all": {do: func(t *testing.T, c *ReplicaClient) error { return c.DeleteAll(t.Context()) }},
	} {
		t.Run(name, func(t *testing.T) {
			for denied, last := 0, -1; denied != last; denied++ {
				s := start(t)
				h := s.script()
				first := s.rooted(same)
				for id, pages := range map[ltx.TXID]int{1: 1, 2: 30} {
					_, err := first.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader(ltxBody(id, pages)))
					require.NoError(t, err)
				}
				require.NoError(t, first.Close())
				c := s.rooted(func(cfg *Config) { cfg.WriteOnce = tt.once })
				require.NoError(t, c.Init(t.Context()))
				h.ops()
				n, which := 0, ""
				h.before = func(op string) error {
					if n++; n-1 == denied {
						which = op
						return sftp.ErrSSHFxPermissionDenied
					}
					return nil
				}
				err := tt.do(t, c)
				if h.before = nil; which == "" {
					last = denied + 1
				}
				if err != nil {
					assert.NotEmpty(t, which, "nothing was denied: %v", err)
					assert.ErrorIs(t, err, fs.ErrPermission, which)
				} else {
					assert.Contains(t, append(tt.tolerated, ""), which, "it was denied, and nobody was told")
					assert.Len(t, h.files(t), tt.left, "request %d, %s", denied, which)
				}
				require.NoError(t, c.Close())
			}
		})
	}
}

// files returns the names of the files in level 0.
func (h *scripted) files(t *testing.T) (names []string) {
	t.Helper()
	there, err := h.FileList.Filelist(sftp.NewRequest("List", "/db/ltx/0000"))
	if os.IsNotExist(err) {
		return nil
	}
	require.NoError(t, err)
	infos := make([]fs.FileInfo, 99)
	n, err := there.ListAt(infos, 0)
	require.ErrorIs(t, err, io.EOF)
	for _, info := range infos[:n] {
		if strings.HasSuffix(info.Name(), ".ltx") {
			names = append(names, info.Name())
		}
	}
	slices.Sort(names)
	return slices.Compact(names) // in memory, the names of a link are one
}

// A file that is cut between the look at it and the read is not filled up.
func TestFileCutWhileItIsRead(t *testing.T) {
	for _, pages := range []int{1, 30} {
		for _, short := range []int{1, 100, 1 << 20} {
			t.Run(fmt.Sprintf("%d of %d pages", short, pages), func(t *testing.T) {
				s := start(t)
				h := s.script()
				c := s.rooted(same)
				defer c.Close()
				_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(ltxBody(1, pages)))
				require.NoError(t, err)
				h.short = short
				_, err = read(t, c)
				require.Error(t, err)
				_, err = ltxstore.FetchLTXHeader(t.Context(), c, &ltx.FileInfo{MinTXID: 1, MaxTXID: 1})
				require.Error(t, err)
			})
		}
	}
}

// A directory that cannot be removed though it is empty is told, and one that holds
// what is not ours is left.
func TestDirectoryThatRemains(t *testing.T) {
	for _, stranger := range []bool{false, true} {
		s := start(t)
		h := s.script()
		c := s.rooted(same)
		defer c.Close()
		require.NoError(t, write(t, c, "x"))
		if stranger {
			put := sftp.NewRequest("Put", "/db/ltx/0000/theirs")
			put.Flags = 0x02 | 0x08 // write and create
			_, err := h.FilePut.Filewrite(put)
			require.NoError(t, err)
		}
		h.before = func(op string) error {
			if op == "Rmdir 0000" {
				return sftp.ErrSSHFxFailure
			}
			return nil
		}
		err := c.DeleteAll(t.Context())
		assert.Equal(t, stranger, err == nil, "%v", err)
		assert.Empty(t, h.files(t))
	}
}

// What has the name of a file and is none is a stranger: it is not deleted.
func TestForeignFilesWithNames(t *testing.T) {
	s := start(t)
	c := s.client(same)
	defer c.Close()
	require.NoError(t, write(t, c, "x"))
	level := filepath.Join(s.dir, "backups/db/ltx/0000")
	link, dir := filepath.Join(level, ltx.FormatFilename(2, 2)), filepath.Join(level, ltx.FormatFilename(3, 3))
	require.NoError(t, os.Symlink(ltx.FormatFilename(1, 1), link))
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 2, MaxTXID: 2}, {MinTXID: 3, MaxTXID: 3}}))
	for id := ltx.TXID(2); id <= 3; id++ {
		_, err := c.OpenLTXFile(t.Context(), 0, id, id, 0, 0)
		assert.ErrorIs(t, err, fs.ErrNotExist)
		assert.ErrorContains(t, err, "name is not a file")
	}
	_, err := os.Lstat(link)
	assert.NoError(t, err)
	assert.DirExists(t, dir)
	got, err := read(t, c)
	require.NoError(t, err)
	assert.Equal(t, "x", got)
}

// That a server makes links is found out once.
func TestLinksAreTriedOnce(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(func(cfg *Config) { cfg.WriteOnce = true })
	defer c.Close()
	links := func() (n int) {
		for _, op := range h.ops() {
			if strings.HasPrefix(op, "Link ") {
				n++
			}
		}
		return n
	}
	for id, want := range []int{0, 2, 1, 1} {
		if id > 0 {
			_, err := c.WriteLTXFile(t.Context(), 0, ltx.TXID(id), ltx.TXID(id), strings.NewReader("x"))
			require.NoError(t, err)
		}
		assert.Equal(t, want, links(), "write %d", id)
	}
}

// A server without SFTP is told as what it is.
func TestServerWithoutSFTP(t *testing.T) {
	for want, change := range map[string]func(*testServer){
		"subsystem":         func(s *testServer) { s.noSFTP = true },
		"too many sessions": func(s *testServer) { s.rejects = true },
		"packet":            func(s *testServer) { s.endsSFTP = true },
	} {
		s := start(t)
		change(s)
		c := s.rooted(same)
		defer c.Close()
		err := c.DeleteAll(t.Context())
		require.Error(t, err, want)
		assert.ErrorContains(t, err, want)
	}
}

// A probe that cannot be removed is told, and no file is written.
func TestProbeOfLinksThatRemain(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(func(cfg *Config) { cfg.WriteOnce = true })
	defer c.Close()
	require.NoError(t, c.Init(t.Context()))
	denied := false
	h.before = func(op string) error {
		if op == "Remove temporary" && !denied {
			denied = true
			return sftp.ErrSSHFxPermissionDenied
		}
		return nil
	}
	require.ErrorIs(t, write(t, c, "x"), fs.ErrPermission)
	assert.Empty(t, h.files(t))
}

// A body that breaks off is not finished: its temporary is closed and removed.
func TestBrokenBodyIsNotFinished(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(same)
	defer c.Close()
	require.NoError(t, c.Init(t.Context()))
	body := io.MultiReader(bytes.NewReader(ltxBody(1, 1000)), iotest.ErrReader(io.ErrClosedPipe))
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
	require.ErrorIs(t, err, io.ErrClosedPipe)
	ops := h.ops()
	assert.Subset(t, ops, []string{"Write temporary", "Close temporary", "Remove temporary"})
	assert.NotContains(t, ops, "Setstat temporary")
	assert.Empty(t, h.files(t))
}

// A file that is replaced while it is read is no other's end, however little of it is
// left, and though only what comes after its header is different.
func TestReplacedBeforeItsEnd(t *testing.T) {
	s := start(t)
	c := s.client(same)
	defer c.Close()
	body := ltxBody(1, 66)
	require.Less(t, len(body), chunkSize+smallRange)
	other := bytes.Clone(body)
	for i := 200; i < len(other); i++ {
		other[i]++
	}
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(body))
	require.NoError(t, err)
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadFull(r, make([]byte, chunkSize))
	require.NoError(t, err)
	_, err = c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(other))
	require.NoError(t, err)
	s.drop()
	_, err = io.ReadAll(r)
	require.ErrorContains(t, err, "replaced")
}

// Of a file that is opened, no more than its beginning and its end is read.
func TestOpenReadsLittle(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(same)
	defer c.Close()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(ltxBody(1, 30)))
	require.NoError(t, err)
	h.ops()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	reads := func() []string {
		return slices.DeleteFunc(h.ops(), func(op string) bool { return !strings.HasPrefix(op, "Read ") })
	}
	assert.Len(t, reads(), 2)
	r, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, smallRange)
	require.NoError(t, err)
	require.NoError(t, r.Close())
	assert.Len(t, reads(), 1, "one packet")
}

// No more of a body is in memory than is sent at once.
func TestBufferSize(t *testing.T) {
	for size, want := range map[int64]int{-1: writeSize, 0: 0, 1: 1, writeSize - 1: writeSize - 1, writeSize: writeSize, writeSize + 1: writeSize} {
		assert.Equal(t, want, bufferSize(size), size)
	}
}

// What keeps a client from seeing why a link failed is told: it may be gone the next time.
func TestRefusedLinkCannotBeLookedAt(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(func(cfg *Config) { cfg.WriteOnce = true })
	defer c.Close()
	require.NoError(t, write(t, c, "x"))
	linked := false
	h.before = func(op string) error {
		switch {
		case strings.HasPrefix(op, "Link "):
			linked = true
			return sftp.ErrSSHFxFailure
		case linked && strings.HasPrefix(op, "Lstat 0"):
			return sftp.ErrSSHFxConnectionLost
		}
		return nil
	}
	require.ErrorIs(t, write(t, c, "y"), ltxstore.ErrUnavailable)
}
