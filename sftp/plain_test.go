package sftp

import (
	"bytes"
	"io"
	"io/fs"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"
	"golang.org/x/crypto/ssh"

	"github.com/ltxstore/ltxstore"
)

// noReplace is a server without posix-rename@openssh.com.
type noReplace struct{ *scripted }

func (noReplace) PosixRename(*sftp.Request) error { return sftp.ErrSSHFxOpUnsupported }

// A server that cannot replace a file can give it a new name.
func TestServerWithoutPosixRename(t *testing.T) {
	s := start(t)
	h := noReplace{s.script()}
	s.handlers = &sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}
	c := s.rooted(same)
	defer c.Close()
	require.NoError(t, write(t, c, "one"))
	err := write(t, c, "two")
	require.Error(t, err)
	assert.False(t, ltxstore.IsRetryable(err))
	got, err := read(t, c)
	require.NoError(t, err)
	assert.Equal(t, "one", got)
	names := make([]fs.FileInfo, 9)
	there, err := h.FileList.Filelist(sftp.NewRequest("List", "/db/ltx/0000"))
	require.NoError(t, err)
	n, err := there.ListAt(names, 0)
	require.ErrorIs(t, err, io.EOF)
	assert.Equal(t, 1, n, "a temporary is left")
}

// A server that keeps no times has those of its own.
func TestServerWithoutTimes(t *testing.T) {
	s := start(t)
	h := s.script()
	h.before = func(op string) error {
		if op == "Setstat temporary" {
			return sftp.ErrSSHFxOpUnsupported
		}
		return nil
	}
	c := s.rooted(same)
	defer c.Close()
	info, err := c.WriteLTXFile(t.Context(), 0, 1, 1, bytes.NewReader(ltxBody(1, 1)))
	require.NoError(t, err)
	assert.Equal(t, epoch, info.CreatedAt)
	assert.Contains(t, h.ops(), "Setstat temporary")
	found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, true, func(*ltx.FileInfo) (bool, error) { return true, nil })
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, epoch, found[0].CreatedAt)
}

// rude is a server whose every error is SSH_FX_FAILURE.
type rude struct{ *scripted }

func failure(err error) error {
	if err != nil {
		err = sftp.ErrSSHFxFailure
	}
	return err
}

func (r rude) Filelist(q *sftp.Request) (sftp.ListerAt, error) {
	l, err := r.scripted.Filelist(q)
	return l, failure(err)
}

func (r rude) Lstat(q *sftp.Request) (sftp.ListerAt, error) {
	l, err := r.scripted.Lstat(q)
	return l, failure(err)
}
func (r rude) Filecmd(q *sftp.Request) error     { return failure(r.scripted.Filecmd(q)) }
func (r rude) PosixRename(q *sftp.Request) error { return failure(r.scripted.PosixRename(q)) }
func (r rude) Fileread(q *sftp.Request) (io.ReaderAt, error) {
	f, err := r.scripted.Fileread(q)
	return f, failure(err)
}

func (r rude) Filewrite(q *sftp.Request) (io.WriterAt, error) {
	f, err := r.scripted.Filewrite(q)
	return f, failure(err)
}

// A server that does not tell what is missing from what has failed: nothing counts
// as missing, as deleted, or as an empty level.
func TestServerWithOneStatus(t *testing.T) {
	s := start(t)
	h := rude{s.script()}
	s.handlers = &sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}
	c := s.rooted(same)
	defer c.Close()
	_, listErr := ltxstore.FindLTXFiles(t.Context(), c, 0, false, func(*ltx.FileInfo) (bool, error) { return true, nil })
	_, readErr := read(t, c)
	for name, err := range map[string]error{"list": listErr, "read": readErr,
		"delete":     c.DeleteLTXFiles(t.Context(), []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}}),
		"delete all": c.DeleteAll(t.Context())} {
		require.Error(t, err, name)
		assert.NotErrorIs(t, err, fs.ErrNotExist, name)
	}
}

// odd is a listing with entries as some servers send them.
type odd struct {
	*scripted
	more []fs.FileInfo
	bare bool // no times
}

func (o odd) Filelist(q *sftp.Request) (sftp.ListerAt, error) {
	l, err := o.scripted.Filelist(q)
	if err != nil || q.Method != "List" {
		return l, err
	}
	infos := make([]fs.FileInfo, 99)
	n, _ := l.ListAt(infos, 0)
	if infos = infos[:n]; o.bare {
		for i := range infos {
			infos[i] = entry{infos[i], infos[i].Name(), time.Unix(0, 0)}
		}
	}
	return entries(append(o.more, infos...)), nil
}

type entries []fs.FileInfo

func (e entries) ListAt(to []fs.FileInfo, at int64) (int, error) {
	n := copy(to, e[min(at, int64(len(e))):])
	if n < len(to) {
		return n, io.EOF
	}
	return n, nil
}

type entry struct {
	fs.FileInfo
	name string
	at   time.Time
}

func (e entry) Name() string       { return e.name }
func (e entry) ModTime() time.Time { return e.at }

// A listing with the directory itself, its parent, and no times.
func TestOddListings(t *testing.T) {
	s := start(t)
	h := s.script()
	c := s.rooted(same)
	body := ltxBody(1, 1)
	require.NoError(t, write(t, c, string(body)))
	require.NoError(t, c.Close())
	dir, err := h.FileList.Filelist(sftp.NewRequest("Stat", "/db/ltx"))
	require.NoError(t, err)
	info := make([]fs.FileInfo, 1)
	_, _ = dir.ListAt(info, 0)
	o := odd{h, []fs.FileInfo{entry{info[0], ".", epoch}, entry{info[0], "..", epoch}}, true}
	s.handlers = &sftp.Handlers{FileGet: o, FilePut: o, FileCmd: o, FileList: o}
	c = s.rooted(same)
	defer c.Close()
	found, err := ltxstore.FindLTXFiles(t.Context(), c, 0, false, func(*ltx.FileInfo) (bool, error) { return true, nil })
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, int64(len(body)), found[0].Size)
	assert.Equal(t, epoch, found[0].CreatedAt, "of the header")
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Empty(t, h.files(t))
}

// sip is a file of which a read returns little.
type sip struct{ io.ReaderAt }

func (s sip) ReadAt(p []byte, at int64) (int, error) {
	return s.ReaderAt.ReadAt(p[:min(len(p), 1000)], at)
}

type sips struct{ *scripted }

func (s sips) Fileread(q *sftp.Request) (io.ReaderAt, error) {
	f, err := s.scripted.Fileread(q)
	return sip{f}, err
}

// SFTP says that a read of a file is short only at its end. Of a server that returns
// less, whose packets are small, no file is the beginning only.
func TestSmallPackets(t *testing.T) {
	s := start(t)
	h := s.script()
	for pages, whole := range map[int]bool{1: true, 30: false} {
		body := ltxBody(1, pages)
		s.handlers = &sftp.Handlers{FileGet: h, FilePut: h, FileCmd: h, FileList: h}
		c := s.rooted(same)
		require.NoError(t, write(t, c, string(body)))
		require.NoError(t, c.Close())
		s.handlers = &sftp.Handlers{FileGet: sips{h}, FilePut: h, FileCmd: h, FileList: h}
		c = s.rooted(same)
		got, err := read(t, c)
		if whole {
			require.NoError(t, err)
			assert.True(t, bytes.Equal(body, []byte(got)))
		} else {
			require.ErrorIs(t, err, ltxstore.ErrUnavailable)
		}
		require.NoError(t, c.Close())
	}
}

// A connection that ended while nobody used it is replaced before the next request.
func TestConnectionEndsUnused(t *testing.T) {
	s := start(t)
	var cfg Config
	s.client(func(c *Config) { cfg = *c })
	pool := &connection{cfg: cfg.withDefaults(), hostKey: ssh.InsecureIgnoreHostKey()}
	defer pool.close()
	first, err := pool.get(t.Context())
	require.NoError(t, err)
	s.drop()
	<-first.done
	second, err := pool.get(t.Context())
	require.NoError(t, err)
	assert.NotSame(t, first, second)
	_, err = second.Getwd()
	assert.NoError(t, err)
}
