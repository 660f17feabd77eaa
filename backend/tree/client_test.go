package tree

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/ltxmodel"
)

func plain(*Store) {}

func once(s *Store) { s.WriteOnce = true }

func write(t *testing.T, c *Client, body io.Reader) error {
	t.Helper()
	_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, body)
	return err
}

func read(t *testing.T, c *Client) string {
	t.Helper()
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	b, err := io.ReadAll(r)
	require.NoError(t, err)
	return string(b)
}

// failOnce returns a script that fails the first call of op.
func failOnce(op string, err error) func(string, string) error {
	return func(got, _ string) error {
		if got == op && err != nil {
			defer func() { err = nil }()
			return err
		}
		return nil
	}
}

// What each operation costs.
func TestCalls(t *testing.T) {
	m := newMemory()
	c := newClient(m, plain)
	calls := func() []string { log := m.log; m.log = nil; return log }
	require.NoError(t, write(t, c, strings.NewReader("one")))
	assert.Equal(t, []string{"mkdir", "list", "create", "rename"}, calls())
	require.NoError(t, write(t, c, strings.NewReader("two")))
	assert.Equal(t, []string{"create", "rename"}, calls())
	assert.Equal(t, "two", read(t, c))
	assert.Equal(t, []string{"open"}, calls())
	for headers, want := range map[bool][]string{false: {"list"}, true: {"list", "open"}} {
		it, err := c.LTXFiles(t.Context(), 0, 0, headers)
		require.NoError(t, err)
		files, err := ltx.SliceFileIterator(it)
		require.NoError(t, err)
		assert.Len(t, files, 1)
		assert.Equal(t, want, calls())
	}
	require.ErrorIs(t, write(t, newClient(m, once), strings.NewReader("new")), fs.ErrExist)
	assert.Equal(t, []string{"mkdir", "list", "create", "link", "stat", "open", "open", "stat", "remove"}, calls())
	levels, err := c.LTXLevels(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []int{0, 9}, levels)
	assert.Equal(t, []string{"list"}, calls())
	require.NoError(t, c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}))
	assert.Equal(t, []string{"stat", "remove"}, calls())
}

// An answer that is lost is no failure, where the store has done what it should.
func TestLostAnswers(t *testing.T) {
	for _, op := range []string{"mkdir", "list", "create", "rename", "link", "remove"} {
		for _, moves := range []bool{false, true} {
			for _, change := range []func(*Store){plain, once} {
				m := newMemory()
				m.moves = moves
				c := newClient(m, change)
				m.after = failOnce(op, ltxstore.ErrUnavailable)
				require.NoError(t, write(t, c, strings.NewReader("content")), op)
				m.after = nil
				assert.Equal(t, "content", read(t, c))
				if op != "remove" {
					assert.Equal(t, []string{"ltx/0000/" + ltx.FormatFilename(1, 1)}, m.names(), op)
				}
				require.NoError(t, c.DeleteAll(t.Context()))
				assert.Empty(t, m.names())
			}
		}
	}
}

// patient asks for time.
type patient struct{ *memory }

func (p patient) Classify(err error) Failure {
	f := p.memory.Classify(err)
	f.RetryAfter = 7 * time.Second
	return f
}

// A call is repeated after the time that the store asks for.
func TestRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory()
		c := newClient(m, func(s *Store) { s.Tree = patient{m} })
		m.before = failOnce("create", ltxstore.ErrThrottled)
		began := time.Now()
		require.NoError(t, write(t, c, strings.NewReader("x")))
		assert.Equal(t, 7*time.Second, time.Since(began).Truncate(time.Second))
	})
}

// A client that deletes the replica meanwhile does not make a file missing.
func TestDirectoryDeletedMeanwhile(t *testing.T) {
	m := newMemory()
	c := newClient(m, plain)
	require.NoError(t, write(t, c, strings.NewReader("one")))
	require.NoError(t, newClient(m, plain).DeleteAll(t.Context()))
	require.NoError(t, write(t, c, strings.NewReader("two")))
	assert.Equal(t, "two", read(t, c))

	m.before = func(op, _ string) error {
		if op == "create" {
			return fs.ErrNotExist
		}
		return nil
	}
	err := write(t, c, strings.NewReader("three"))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	m.before = failOnce("rename", fs.ErrNotExist)
	err = write(t, c, strings.NewReader("three"))
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.NotErrorIs(t, err, fs.ErrNotExist)
}

// A file that is deleted between the refused link and its comparison is written.
func TestWriteOnceOfAFileDeletedMeanwhile(t *testing.T) {
	m := newMemory()
	c := newClient(m, once)
	require.NoError(t, write(t, c, strings.NewReader("older")))
	gone := false
	m.before = func(op, p string) error {
		if op == "stat" && !gone {
			gone = true
			delete(m.nodes, m.root+"/"+p)
		}
		return nil
	}
	require.NoError(t, write(t, c, strings.NewReader("newer")))
	assert.True(t, gone)
	assert.Equal(t, "newer", read(t, c))
}

// A directory that cannot be read keeps nothing else from being deleted.
func TestDeleteAllGoesOn(t *testing.T) {
	m := newMemory()
	c := newClient(m, plain)
	require.NoError(t, write(t, c, strings.NewReader("one")))
	_, err := c.WriteLTXFile(t.Context(), ltxstore.SnapshotLevel, 1, 1, strings.NewReader("one"))
	require.NoError(t, err)
	for _, locked := range []string{"ltx", "ltx/0000"} {
		m.before = func(op, p string) error {
			if op == "list" && p == locked {
				return fs.ErrPermission
			}
			return nil
		}
		err := c.DeleteAll(t.Context())
		require.ErrorIs(t, err, fs.ErrPermission, locked)
		require.ErrorContains(t, err, locked+"/")
		assert.Equal(t, []string{"ltx/0000/" + ltx.FormatFilename(1, 1)}, m.names(), locked)
	}
}

// A short file that the store acknowledges is written again, or an error.
func TestShortWrite(t *testing.T) {
	m := newMemory()
	short := &shortTree{memory: m, times: 1}
	c := newClient(m, func(s *Store) { s.Tree = short })
	require.NoError(t, write(t, c, bytes.NewReader([]byte("content"))))
	assert.Equal(t, "content", read(t, c))
	short.times = 100
	require.ErrorIs(t, write(t, c, bytes.NewReader([]byte("content"))), ltxstore.ErrUnavailable)

	large := strings.Repeat("x", bufferSize+1)
	short.times = 1
	require.ErrorIs(t, write(t, c, io.MultiReader(strings.NewReader(large))), ltxstore.ErrUnavailable, "it cannot be read again")
	short.times = 1
	require.NoError(t, write(t, c, strings.NewReader(large)))
	assert.Equal(t, large, read(t, c))
	assert.Len(t, m.names(), 1)
}

// unsought is a body that cannot be sought back once it was read.
type unsought struct {
	*strings.Reader
	fail bool
}

func (u *unsought) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	u.fail = err == io.EOF
	return n, err
}

func (u *unsought) Seek(offset int64, whence int) (int64, error) {
	if u.fail {
		return 0, errBroken
	}
	return u.Reader.Seek(offset, whence)
}

// What is left of a body that cannot be sought back is not written in its stead.
func TestSeekFails(t *testing.T) {
	m := newMemory()
	m.unsized = true
	broken := &brokenTree{memory: m, times: 1}
	c := newClient(m, func(s *Store) { s.Tree = broken })
	err := write(t, c, &unsought{Reader: strings.NewReader(strings.Repeat("x", 2*bufferSize))})
	require.ErrorIs(t, err, errBroken)
	require.ErrorContains(t, err, "seek to the start of the body")
	assert.Equal(t, 1, broken.created)
	assert.Equal(t, []string{"ltx/0000/"}, m.names())
}

// brokenTree fails after it has created files.
type brokenTree struct {
	*memory
	times, created int
}

func (b *brokenTree) Create(ctx context.Context, p string, body *Body) (Info, error) {
	info, err := b.memory.Create(ctx, p, body)
	if b.created++; b.created <= b.times {
		return Info{}, ltxstore.ErrUnavailable
	}
	return info, err
}

// A rename that finds no temporary when it is repeated was done before only if
// the name has a file of the body's size.
func TestRepeatedRename(t *testing.T) {
	final := "ltx/0000/" + ltx.FormatFilename(1, 1)
	for name, tt := range map[string]struct {
		there func(m *memory)
		done  bool
	}{
		"ours":      {func(m *memory) { m.store(m.root+"/"+final, []byte("content"), time.Time{}) }, true},
		"another":   {func(m *memory) { m.store(m.root+"/"+final, []byte("older"), time.Time{}) }, false},
		"directory": {func(m *memory) { m.nodes[m.root+"/"+final] = node{dir: true} }, false},
		"nothing":   {func(*memory) {}, false},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory()
			c := newClient(m, plain)
			renames := 0
			m.before = func(op, p string) error {
				if op != "rename" {
					return nil
				}
				renames++
				delete(m.nodes, m.root+"/"+p)
				if renames == 1 {
					tt.there(m)
					return ltxstore.ErrUnavailable
				}
				return nil
			}
			err := write(t, c, strings.NewReader("content"))
			if tt.done {
				require.NoError(t, err)
				return
			}
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
			require.NotErrorIs(t, err, fs.ErrNotExist)
		})
	}
}

// An error of a reader names the file.
func TestReadFails(t *testing.T) {
	m := newMemory()
	m.unpinned = true
	c := newClient(m, plain)
	require.NoError(t, write(t, c, strings.NewReader("content")))
	m.cut = 3
	r, err := c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	defer r.Close()
	_, err = io.ReadAll(r)
	var failed *ltxstore.Error
	require.ErrorAs(t, err, &failed)
	require.ErrorContains(t, err, "memory: read ltx/0000/"+ltx.FormatFilename(1, 1))
}

func TestRetries(t *testing.T) {
	for attempts, want := range map[int]bool{0: true, 1: false, 2: true} {
		assert.Equal(t, want, New(Config{Type: "memory", Retry: ltxstore.Retry{MaxAttempts: attempts}}).Retries(), attempts)
	}
}

// shortTree loses the last byte of files.
type shortTree struct {
	*memory
	times int
}

func (s *shortTree) Create(ctx context.Context, p string, body *Body) (Info, error) {
	info, err := s.memory.Create(ctx, p, body)
	if s.times--; s.times >= 0 {
		info.Size--
	}
	return info, err
}

func TestRefusedConfigurations(t *testing.T) {
	m := newMemory()
	c := newClient(m, func(s *Store) { s.WriteOnce, s.Traits.NoLink = true, true })
	require.ErrorIs(t, c.Init(t.Context()), fs.ErrInvalid)
	require.ErrorContains(t, c.Init(t.Context()), "WriteOnce is true: want false")

	m.before = func(op, _ string) error {
		if op == "link" {
			return errors.ErrUnsupported
		}
		return nil
	}
	err := write(t, newClient(m, once), strings.NewReader("x"))
	require.ErrorIs(t, err, errors.ErrUnsupported)
	require.ErrorContains(t, err, "WriteOnce needs hard links")
	assert.Equal(t, []string{"ltx/0000/"}, m.names())

	m.store(m.root, []byte("x"), time.Time{})
	require.ErrorContains(t, newClient(m, func(s *Store) { s.MustExist = true }).Init(t.Context()), "want a directory")
}

// A store that does not tell when a file was stored has no file from the beginning of
// time: the headers are read, although nobody has asked for them.
func TestListingWithoutTimes(t *testing.T) {
	m := newMemory()
	c := newClient(m, plain)
	for id := ltx.TXID(1); id <= 2; id++ {
		_, err := c.WriteLTXFile(t.Context(), 0, id, id, bytes.NewReader(ltxmodel.New(1, 2).File(id, id)))
		require.NoError(t, err)
	}
	known := m.root + "/ltx/0000/" + ltx.FormatFilename(1, 1)
	m.set(func(d *disk) {
		for p, n := range d.nodes {
			n.at = time.Time{}
			if p == known {
				n.at = time.Unix(1e9, 0)
			}
			d.nodes[p] = n
		}
	})
	all := func(*ltx.FileInfo) (bool, error) { return true, nil }
	with, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, all)
	require.NoError(t, err)
	without, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, all)
	require.NoError(t, err)
	require.Len(t, without, 2)
	assert.Equal(t, time.Unix(1e9, 0).UTC(), without[0].CreatedAt)
	assert.Equal(t, with[1], without[1])
	assert.False(t, without[1].CreatedAt.IsZero())
}
