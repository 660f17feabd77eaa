package retry_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/internal/testkit/wraptest"
	"github.com/ltxstore/ltxstore/mock"
	"github.com/ltxstore/ltxstore/s3"
	"github.com/ltxstore/ltxstore/wrap/readonly"
	"github.com/ltxstore/ltxstore/wrap/retry"
)

func clientOf(t *testing.T, cfg retry.Config) (*mock.ReplicaClient, *retry.Client) {
	t.Helper()
	next := mock.NewReplicaClient(mock.Config{PageSize: 2})
	next.SetLogger(nil)
	if cfg.Retry == (ltxstore.Retry{}) {
		cfg.Retry = fast
	}
	return next, retry.New(next, cfg)
}

func inject(t *testing.T, client *mock.ReplicaClient, faults ...mock.Fault) {
	t.Helper()
	for i := range faults {
		if faults[i].Err == nil {
			faults[i].Err = ltxstore.ErrUnavailable
		}
	}
	require.NoError(t, client.Inject(faults...))
}

func write(t *testing.T, client ltxstore.ReplicaClient, id ltx.TXID, body string) {
	t.Helper()
	_, err := client.WriteLTXFile(t.Context(), 0, id, id, strings.NewReader(body))
	require.NoError(t, err)
}

// Every operation is repeated, as often as configured and no more.
func TestOperations(t *testing.T) {
	for op, do := range map[mock.Op]func(context.Context, ltxstore.ReplicaClient) error{
		mock.OpInit: ltxstore.Init,
		mock.OpList: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			files, err := c.LTXFiles(ctx, 0, 0, true)
			if err != nil {
				return err
			}
			files.Next()
			return files.Close()
		},
		mock.OpOpen: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
			if err != nil {
				return err
			}
			return rc.Close()
		},
		mock.OpWrite: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			_, err := c.WriteLTXFile(ctx, 0, 2, 2, strings.NewReader("a body"))
			return err
		},
		mock.OpDelete: func(ctx context.Context, c ltxstore.ReplicaClient) error {
			return c.DeleteLTXFiles(ctx, []*ltx.FileInfo{{MinTXID: 1, MaxTXID: 1}})
		},
		mock.OpDeleteAll: func(ctx context.Context, c ltxstore.ReplicaClient) error { return c.DeleteAll(ctx) },
	} {
		t.Run(string(op), func(t *testing.T) {
			fresh := func() (*mock.ReplicaClient, *retry.Client) {
				next, client := clientOf(t, retry.Config{})
				if op != mock.OpInit { // which the first call does
					write(t, next, 1, "body")
				}
				return next, client
			}
			next, client := fresh()
			inject(t, next, mock.Fault{Op: op, Times: 3})
			assert.NoError(t, do(t.Context(), client), "three failures, and four attempts")

			next, client = fresh()
			inject(t, next, mock.Fault{Op: op, Times: 4})
			err := do(t.Context(), client)
			assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
			assert.ErrorContains(t, err, "after 4 attempts")
			assert.IsType(t, &ltxstore.Error{}, err)

			next, client = fresh()
			inject(t, next, mock.Fault{Op: op, Err: fs.ErrPermission})
			assert.ErrorIs(t, do(t.Context(), client), fs.ErrPermission, "not repeated")
			assert.NoError(t, do(t.Context(), client))
		})
	}
}

// The waits are those of the configuration, and end with the context.
func TestWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, client := clientOf(t, retry.Config{Retry: ltxstore.Retry{MaxAttempts: 5, BaseDelay: time.Hour, MaxDelay: time.Hour}})
		inject(t, next, mock.Fault{Op: mock.OpDeleteAll, Times: -1})
		start := time.Now()
		assert.Error(t, client.DeleteAll(t.Context()))
		assert.Positive(t, time.Since(start))
		assert.Less(t, time.Since(start), 4*time.Hour)

		ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
		defer cancel()
		start = time.Now()
		err := client.DeleteAll(ctx)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.LessOrEqual(t, time.Since(start), time.Nanosecond)
	})
}

// plain hides every method but Read.
type plain struct{ io.Reader }

func TestBodies(t *testing.T) {
	body := strings.Repeat("0123456789", 1000)
	seeker := strings.NewReader("skipped" + body)
	_, err := seeker.Seek(7, io.SeekStart)
	require.NoError(t, err)
	for name, r := range map[string]io.Reader{
		"seeker from where it stands": seeker,
		"buffered":                    plain{iotest.DataErrReader(strings.NewReader(body))},
		"a pipe that claims to seek":  noSeek{strings.NewReader(body)},
	} {
		t.Run(name, func(t *testing.T) {
			next, client := clientOf(t, retry.Config{BufferSize: int64(len(body))})
			inject(t, next, mock.Fault{Op: mock.OpWrite, After: 500}, mock.Fault{Op: mock.OpWrite, Nth: 2, LostAnswer: true})
			info, err := client.WriteLTXFile(t.Context(), 0, 1, 1, r)
			require.NoError(t, err)
			assert.EqualValues(t, len(body), info.Size)
			assert.Len(t, next.Calls(mock.OpWrite), 3)
			assert.Equal(t, body, read(t, next, 1, 0, 0))
		})
	}

	t.Run("longer than the buffer", func(t *testing.T) {
		next, client := clientOf(t, retry.Config{BufferSize: 1000})
		inject(t, next, mock.Fault{Op: mock.OpWrite, After: 5000})
		_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, plain{strings.NewReader(body)})
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.ErrorContains(t, err, "not repeated, because the body does not seek and has more than BufferSize, 1000 bytes")
		assert.Len(t, next.Calls(mock.OpWrite), 1)
		_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, plain{strings.NewReader(body)})
		require.NoError(t, err)
		assert.Equal(t, body, read(t, next, 1, 0, 0))
	})

	// A body that fails with what looks like a network's failure is the caller's.
	for name, r := range map[string]io.Reader{
		"seeker":   &failing{strings.NewReader(body)},
		"buffered": io.MultiReader(strings.NewReader(body), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"long":     io.MultiReader(strings.NewReader(strings.Repeat(body, 200)), iotest.ErrReader(io.ErrUnexpectedEOF)),
	} {
		t.Run("failing "+name, func(t *testing.T) {
			next, client := clientOf(t, retry.Config{})
			_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, r)
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			assert.NotContains(t, err.Error(), "repeated")
			assert.LessOrEqual(t, len(next.Calls(mock.OpWrite)), 1)
		})
	}
	_, client := clientOf(t, retry.Config{})
	_, err = client.WriteLTXFile(t.Context(), 0, 1, 1, nil)
	assert.ErrorIs(t, err, fs.ErrInvalid)
}

type noSeek struct{ io.Reader }

func (noSeek) Seek(int64, int) (int64, error) { return 0, errors.New("it is a pipe") }

// failing fails at its end.
type failing struct{ *strings.Reader }

func (f *failing) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func read(t *testing.T, client ltxstore.ReplicaClient, id ltx.TXID, offset, size int64) string {
	t.Helper()
	rc, err := client.OpenLTXFile(t.Context(), 0, id, id, offset, size)
	require.NoError(t, err)
	defer rc.Close()
	b, err := io.ReadAll(rc)
	require.NoError(t, err)
	return string(b)
}

// A file that is another one when the transfer is resumed is not spliced in.
func TestReplacedWhileRead(t *testing.T) {
	older, newer := bytes.Repeat([]byte("older"), 2000), bytes.Repeat([]byte("newer"), 2000)
	for name, after := range map[string]string{"same length": string(newer), "shorter": string(newer[:100])} {
		t.Run(name, func(t *testing.T) {
			next, client := clientOf(t, retry.Config{})
			write(t, next, 1, string(older))
			inject(t, next, mock.Fault{Op: mock.OpRead, After: 5000})
			rc, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
			require.NoError(t, err)
			defer rc.Close()
			_, err = io.ReadFull(rc, make([]byte, 5000))
			require.NoError(t, err)
			write(t, next, 1, after)
			_, err = io.ReadAll(rc)
			assert.ErrorIs(t, err, ltxstore.ErrChecksum)
			assert.ErrorContains(t, err, "the file was replaced while being read")
		})
	}

	t.Run("before anything was read", func(t *testing.T) {
		next, client := clientOf(t, retry.Config{})
		write(t, next, 1, string(older))
		inject(t, next, mock.Fault{Op: mock.OpRead})
		rc, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		defer rc.Close()
		write(t, next, 1, string(newer))
		got, err := io.ReadAll(rc)
		require.NoError(t, err)
		assert.Equal(t, newer, got)
	})
}

// Close ends a Read that waits, for the store or for the next attempt.
func TestCloseEndsARead(t *testing.T) {
	for name, fault := range map[string]mock.Fault{
		"stalled": {Op: mock.OpRead, Delay: time.Hour, Times: -1},
		"waiting": {Op: mock.OpRead, Err: ltxstore.ErrUnavailable, Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				next, client := clientOf(t, retry.Config{Retry: ltxstore.Retry{BaseDelay: 1e6 * time.Hour, MaxDelay: 1e6 * time.Hour}})
				write(t, next, 1, "body")
				require.NoError(t, next.Inject(fault))
				rc, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
				require.NoError(t, err)
				done := make(chan error, 1)
				go func() {
					_, err := rc.Read(make([]byte, 1))
					done <- err
				}()
				synctest.Wait()
				start := time.Now()
				assert.NoError(t, rc.Close())
				assert.ErrorIs(t, <-done, fs.ErrClosed)
				assert.Zero(t, time.Since(start))
			})
		})
	}
}

// A listing that breaks goes on behind its last file, and has no file twice.
func TestListingIsResumed(t *testing.T) {
	next, client := clientOf(t, retry.Config{})
	var want []ltx.TXID
	for id := ltx.TXID(1); id <= 9; id++ {
		write(t, next, id, "body")
		want = append(want, id)
	}
	for _, maxTXID := range []ltx.TXID{4, 5, 9} { // with 3-3, four files from one TXID on
		_, err := next.WriteLTXFile(t.Context(), 0, 3, maxTXID, strings.NewReader("body"))
		require.NoError(t, err)
		want = append(want, 3)
	}
	// A listing breaks after four files, three of which may have been listed.
	inject(t, next, mock.Fault{Op: mock.OpNext, After: 4, Times: 3})
	inject(t, next, mock.Fault{Op: mock.OpNext, Nth: 4}) // and once more without progress
	files, err := client.LTXFiles(t.Context(), 0, 0, false)
	require.NoError(t, err)
	var got []ltx.TXID
	var last *ltx.FileInfo
	for files.Next() {
		item := files.Item()
		if last != nil {
			assert.True(t, last.MinTXID < item.MinTXID || last.MinTXID == item.MinTXID && last.MaxTXID < item.MaxTXID)
		}
		last = &ltx.FileInfo{MinTXID: item.MinTXID, MaxTXID: item.MaxTXID}
		got = append(got, item.MinTXID)
		*item = ltx.FileInfo{} // it is the caller's
	}
	require.NoError(t, files.Close())
	assert.ElementsMatch(t, want, got)
}

// A listing that breaks for good is an error, and is not begun again more often than
// the policy allows.
func TestListingFails(t *testing.T) {
	for _, op := range []mock.Op{mock.OpNext, mock.OpList} {
		next, client := clientOf(t, retry.Config{Retry: ltxstore.Retry{MaxAttempts: 3}})
		for id := ltx.TXID(1); id <= 9; id++ {
			write(t, next, id, "body")
		}
		next.ResetCalls()
		inject(t, next, mock.Fault{Op: mock.OpNext, After: 4})
		inject(t, next, mock.Fault{Op: op, Nth: 2, Times: -1})
		files, err := client.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		n := 0
		for ; files.Next(); n++ {
		}
		assert.LessOrEqual(t, n, 4)
		assert.ErrorIs(t, files.Err(), ltxstore.ErrUnavailable)
		assert.ErrorIs(t, files.Close(), ltxstore.ErrUnavailable)
		assert.Len(t, next.Calls(mock.OpList), 3, "one, and the repetitions that are left after its failure")
	}
}

// What closing the next client's listing fails with is told.
func TestListingFailsToClose(t *testing.T) {
	next := mock.NewReplicaClient(mock.Config{})
	client := retry.New(unclosable{next}, retry.Config{})
	for id := ltx.TXID(1); id <= 20; id++ { // two pages
		write(t, next, id, "body")
	}
	for name, read := range map[string]func(ltx.FileIterator){
		"closed early": func(files ltx.FileIterator) { assert.True(t, files.Next()) },
		"read to its end": func(files ltx.FileIterator) {
			for files.Next() {
			}
			assert.ErrorIs(t, files.Err(), errClose)
		},
	} {
		files, err := client.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err, name)
		read(files)
		assert.ErrorIs(t, files.Close(), errClose, name)
		assert.IsType(t, &ltxstore.Error{}, files.Close(), name)
	}
}

var errClose = errors.New("the listing does not close")

type unclosable struct{ ltxstore.ReplicaClient }

func (u unclosable) LTXFiles(ctx context.Context, level int, seek ltx.TXID, useMetadata bool) (ltx.FileIterator, error) {
	files, err := u.ReplicaClient.LTXFiles(ctx, level, seek, useMetadata)
	return failClose{files}, err
}

type failClose struct{ ltx.FileIterator }

func (f failClose) Close() error { _ = f.FileIterator.Close(); return errClose }

func TestConfig(t *testing.T) {
	for field, cfg := range map[string]retry.Config{
		"Retry.MaxAttempts": {Retry: ltxstore.Retry{MaxAttempts: 1}},
		"Retry.BaseDelay":   {Retry: ltxstore.Retry{BaseDelay: -1}},
		"BufferSize":        {BufferSize: -1},
	} {
		next := mock.NewReplicaClient(mock.Config{})
		wraptest.Refused(t, retry.New(next, cfg), field)
		assert.Empty(t, next.Calls())
	}
	wraptest.Refused(t, retry.New(nil, retry.Config{}), "next is <nil>")

	// Attempts must not multiply.
	bucket := s3.Config{Bucket: "bucket"}
	again := "want a client that does not retry itself"
	wraptest.Refused(t, retry.New(s3.NewReplicaClient(bucket), retry.Config{}), again)
	wraptest.Refused(t, retry.New(readonly.New(s3.NewReplicaClient(bucket), readonly.Config{}), retry.Config{}), again)
	wraptest.Refused(t, retry.New(retry.New(mock.NewReplicaClient(mock.Config{}), retry.Config{}), retry.Config{}), again)
	bucket.Retry.MaxAttempts = 1
	assert.False(t, s3.NewReplicaClient(bucket).Retries())
}

// A transfer that breaks again and again is opened as often as configured, after a wait each
// time, and fails as it did.
func TestReadsThatBreak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		next, client := clientOf(t, retry.Config{Retry: ltxstore.Retry{MaxAttempts: 3, BaseDelay: time.Hour, MaxDelay: time.Hour}})
		write(t, next, 1, "a body")
		inject(t, next, mock.Fault{Op: mock.OpRead, Times: -1})
		rc, err := client.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		_, err = io.ReadAll(rc)
		assert.ErrorIs(t, err, ltxstore.ErrUnavailable)
		assert.Len(t, next.Calls(mock.OpOpen), 3)
		require.NoError(t, rc.Close())
	})
}

// failCloseFile opens files that fail to close.
type failCloseFile struct{ *mock.ReplicaClient }

type failCloser struct{ io.ReadCloser }

func (c failCloser) Close() error { return errors.Join(errClose, c.ReadCloser.Close()) }

func (c failCloseFile) OpenLTXFile(ctx context.Context, level int, minTXID, maxTXID ltx.TXID, offset, size int64) (io.ReadCloser, error) {
	rc, err := c.ReplicaClient.OpenLTXFile(ctx, level, minTXID, maxTXID, offset, size)
	return failCloser{rc}, err
}

func TestReaderFailsToClose(t *testing.T) {
	next, _ := clientOf(t, retry.Config{})
	write(t, next, 1, "a body")
	rc, err := retry.New(failCloseFile{next}, retry.Config{Retry: fast}).OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
	require.NoError(t, err)
	assert.ErrorIs(t, rc.Close(), errClose)
	assert.NoError(t, rc.Close(), "once")
}

// changing is a body that is another after some seeks to its beginning.
type changing struct {
	*strings.Reader
	seeks  int // before it changes
	longer string
	err    error
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		if c.seeks--; c.seeks < 0 {
			if c.err != nil {
				return 0, c.err
			}
			c.Reader = strings.NewReader(c.longer)
		}
	}
	return c.Reader.Seek(offset, whence)
}

// A body that has another size by the next attempt, or does not seek back, is not written again.
func TestChangingBodies(t *testing.T) {
	for name, body := range map[string]*changing{
		"longer":             {Reader: strings.NewReader("a body"), seeks: 1, longer: "a longer body"},
		"does not seek back": {Reader: strings.NewReader("a body"), seeks: 1, err: fs.ErrInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			next := readAll{}
			client := retry.New(&next, retry.Config{Retry: fast})
			_, err := client.WriteLTXFile(t.Context(), 0, 1, 1, body)
			assert.ErrorIs(t, err, fs.ErrInvalid)
			assert.Equal(t, []string{"a body"}, next.bodies)
		})
	}
}

// readAll is a client that reads each body, and fails.
type readAll struct {
	mock.ReplicaClient
	bodies []string
}

func (c *readAll) WriteLTXFile(_ context.Context, _ int, _, _ ltx.TXID, r io.Reader) (*ltx.FileInfo, error) {
	b, err := io.ReadAll(r)
	c.bodies = append(c.bodies, string(b))
	return nil, errors.Join(err, ltxstore.ErrUnavailable)
}
