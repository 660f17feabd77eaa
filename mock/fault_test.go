package mock_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/superfly/ltx"

	"github.com/ltxstore/ltxstore"
	"github.com/ltxstore/ltxstore/mock"
)

// do calls what an operation is about, on file 0 1-1, and returns its error.
func do(ctx context.Context, c *mock.ReplicaClient, op mock.Op) error {
	switch op {
	case mock.OpInit:
		return c.Init(ctx)
	case mock.OpClose:
		return c.Close()
	case mock.OpList, mock.OpNext:
		_, err := list(ctx, c, 0)
		return err
	case mock.OpMetadata:
		it, err := c.LTXFiles(ctx, 0, 0, true)
		if err == nil {
			_, err = ltx.SliceFileIterator(it)
		}
		return err
	case mock.OpOpen, mock.OpRead:
		_, err := read(ctx, c, 1, 0, 0)
		return err
	case mock.OpWrite:
		_, err := c.WriteLTXFile(ctx, 0, 1, 1, bytes.NewReader(ltxBody(1)))
		return err
	case mock.OpDelete:
		return c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(1)})
	case mock.OpDeleteAll:
		return c.DeleteAll(ctx)
	}
	panic(op)
}

// meets returns the operations whose faults do(op) meets once initialized.
func meets(op mock.Op) []mock.Op {
	switch op {
	case mock.OpList, mock.OpNext:
		return []mock.Op{mock.OpList, mock.OpNext}
	case mock.OpMetadata:
		return []mock.Op{mock.OpList, mock.OpNext, mock.OpMetadata}
	case mock.OpOpen, mock.OpRead:
		return []mock.Op{mock.OpOpen, mock.OpRead}
	}
	return []mock.Op{op}
}

var ops = []mock.Op{mock.OpInit, mock.OpClose, mock.OpList, mock.OpNext, mock.OpMetadata, mock.OpOpen,
	mock.OpRead, mock.OpWrite, mock.OpDelete, mock.OpDeleteAll}

// TestEveryOpFails sees an error at each operation, typed and named, at the
// nth call and as often as told, and at no other operation.
func TestEveryOpFails(t *testing.T) {
	errorOps := map[mock.Op]string{mock.OpNext: "list", mock.OpMetadata: "list"}
	for _, op := range ops {
		t.Run(string(op), func(t *testing.T) {
			s := mock.NewStore()
			write(t, newClient(mock.Config{Store: s}), 0, 1, ltxBody(1))
			c := newClient(mock.Config{Store: s})
			fault := mock.Fault{Op: op, Err: errInjected}
			if op != mock.OpInit { // which is done once
				require.NoError(t, c.Init(t.Context()))
				fault.Nth, fault.Times = 2, 2
			}
			c.Script(t, fault)
			for _, other := range ops {
				if op != mock.OpInit && !slices.Contains(meets(other), op) {
					require.NoError(t, do(t.Context(), c, other), "%s", other)
				}
			}
			for nth := 1; nth <= 4; nth++ {
				write(t, newClient(mock.Config{Store: s}), 0, 1, ltxBody(1))
				err := do(t.Context(), c, op)
				if hit := nth == 2 || nth == 3; op == mock.OpInit && nth > 1 || op != mock.OpInit && !hit {
					require.NoError(t, err, "call %d", nth)
					continue
				}
				require.ErrorIs(t, err, errInjected, "call %d", nth)
				var typed *ltxstore.Error
				require.ErrorAs(t, err, &typed)
				want := string(op)
				if name, ok := errorOps[op]; ok {
					want = name
				}
				assert.Equal(t, want, typed.Op)
				assert.Equal(t, "mock", typed.Backend)
				if op != mock.OpInit && op != mock.OpClose && op != mock.OpDeleteAll {
					assert.Contains(t, typed.Key, "ltx/0000/")
				}
			}
			assert.Empty(t, c.UnusedFaults())
		})
	}
}

func TestFaultsMatch(t *testing.T) {
	type call struct {
		level    int
		min, max ltx.TXID
	}
	all := []call{{0, 1, 1}, {0, 1, 2}, {0, 2, 2}, {1, 1, 2}, {2, 1, 1}}
	for _, test := range []struct {
		fault mock.Fault
		hits  []call
	}{
		{mock.Fault{}, all},
		{mock.Fault{Levels: []int{0}}, all[:3]},
		{mock.Fault{Levels: []int{1, 2}}, all[3:]},
		{mock.Fault{MinTXID: 2}, all[2:3]},
		{mock.Fault{MaxTXID: 2}, all[1:4]},
		{mock.Fault{Levels: []int{0}, MinTXID: 1, MaxTXID: 2}, all[1:2]},
		{mock.Fault{Match: func(level int, minTXID, maxTXID ltx.TXID) bool { return maxTXID > minTXID }}, []call{all[1], all[3]}},
		{mock.Fault{MinTXID: 9}, nil},
	} {
		c := newClient(mock.Config{})
		test.fault.Op, test.fault.Times, test.fault.Err = mock.OpWrite, -1, errInjected
		inject(t, c, test.fault)
		var hits []call
		for _, call := range all {
			_, err := c.WriteLTXFile(t.Context(), call.level, call.min, call.max, strings.NewReader("x"))
			if errors.Is(err, errInjected) {
				hits = append(hits, call)
			} else {
				require.NoError(t, err)
			}
		}
		assert.Equal(t, test.hits, hits, "%s", test.fault)
	}
}

// TestFaultsTogether sees two faults hit one call: the delay, then the error,
// and the error scripted first before the other.
func TestFaultsTogether(t *testing.T) {
	var slept []time.Duration
	c := newClient(mock.Config{Sleep: func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)
		return nil
	}})
	second := errors.New("second")
	inject(t, c, mock.Fault{Op: mock.OpWrite, Delay: 3}, mock.Fault{Op: mock.OpWrite, Err: errInjected},
		mock.Fault{Op: mock.OpWrite, Delay: 5, Err: second})
	require.ErrorIs(t, do(t.Context(), c, mock.OpWrite), errInjected)
	assert.Equal(t, []time.Duration{3}, slept)
	unused := c.UnusedFaults()
	require.Len(t, unused, 1)
	assert.Equal(t, second, unused[0].Err)
	require.NoError(t, do(t.Context(), c, mock.OpWrite), "the first call counted for all three")

	broken := errors.New("broken clock")
	c = newClient(mock.Config{Sleep: func(context.Context, time.Duration) error { return broken }})
	inject(t, c, mock.Fault{Op: mock.OpList, Delay: 1})
	require.ErrorIs(t, do(t.Context(), c, mock.OpList), broken)
}

// TestWriteFailsOnTheWay sees a write fail after some bytes, reading no more
// than those, with the file before it intact.
func TestWriteFailsOnTheWay(t *testing.T) {
	body := ltxBody(1)
	for _, after := range []int64{0, 1, 50, 100, 101, int64(len(body)) - 1, int64(len(body)), int64(len(body)) + 1000} {
		for _, old := range []bool{false, true} {
			c := newClient(mock.Config{})
			if old {
				write(t, c, 0, 1, []byte("old"))
			}
			c.Script(t, mock.Fault{Op: mock.OpWrite, After: after, Err: errInjected, Leftover: after == 50})
			src := bytes.NewReader(body)
			_, err := c.WriteLTXFile(t.Context(), 0, 1, 1, src)
			require.ErrorIs(t, err, errInjected)
			taken := min(after, int64(len(body)))
			assert.Equal(t, int64(len(body))-taken, int64(src.Len()))
			calls := c.Calls(mock.OpWrite)
			assert.Equal(t, taken, calls[len(calls)-1].Bytes)
			got, err := read(t.Context(), c, 1, 0, 0)
			if old {
				require.NoError(t, err)
				assert.Equal(t, "old", string(got))
			} else {
				require.ErrorIs(t, err, fs.ErrNotExist)
				assert.Empty(t, c.Store().Keys())
			}
			if after == 50 {
				assert.Equal(t, []string{"ltx/0000/0000000000000001-0000000000000001.ltx"}, c.Store().Leftovers())
			} else {
				assert.Empty(t, c.Store().Leftovers())
			}
			write(t, c, 0, 1, body)
		}
	}
}

func TestLostAnswer(t *testing.T) {
	c := newClient(mock.Config{WriteOnce: true})
	c.Script(t,
		mock.Fault{Op: mock.OpWrite, LostAnswer: true, Err: errInjected, Lag: mock.Lag{Listings: 1}},
		mock.Fault{Op: mock.OpDelete, LostAnswer: true, Err: errInjected},
		mock.Fault{Op: mock.OpDeleteAll, LostAnswer: true, Err: errInjected})
	require.ErrorIs(t, do(t.Context(), c, mock.OpWrite), errInjected)
	assert.Len(t, c.Store().Keys(), 1)
	assert.Empty(t, listed(t, c))
	require.NoError(t, do(t.Context(), c, mock.OpWrite), "a retry is safe")
	require.ErrorIs(t, do(t.Context(), c, mock.OpDelete), errInjected)
	assert.Empty(t, c.Store().Keys())
	write(t, c, 0, 2, ltxBody(2))
	require.ErrorIs(t, do(t.Context(), c, mock.OpDeleteAll), errInjected)
	assert.Empty(t, c.Store().Keys())
}

func TestReadFailsOnTheWay(t *testing.T) {
	body := ltxBody(1)
	c := newClient(mock.Config{})
	write(t, c, 0, 1, body)
	for _, test := range []struct {
		fault        mock.Fault
		offset, size int64
		want         []byte
		err          error
	}{
		{mock.Fault{Err: io.ErrUnexpectedEOF}, 0, 0, body[:0], io.ErrUnexpectedEOF},
		{mock.Fault{After: 7, Err: io.ErrUnexpectedEOF}, 0, 0, body[:7], io.ErrUnexpectedEOF},
		{mock.Fault{After: 7, Err: errInjected}, 100, 20, body[100:107], errInjected},
		{mock.Fault{After: 700, Err: errInjected}, 100, 20, body[100:120], errInjected},
		{mock.Fault{After: 7, Truncate: true}, 100, 20, body[100:107], nil},
		{mock.Fault{Truncate: true}, 0, 0, body[:0], nil},
		{mock.Fault{After: 7000, Truncate: true}, 100, 20, body[100:120], nil},
	} {
		test.fault.Op = mock.OpRead
		c.Script(t, test.fault)
		c.ResetCalls()
		rc, err := c.OpenLTXFile(t.Context(), 0, 1, 1, test.offset, test.size)
		require.NoError(t, err)
		got, err := io.ReadAll(iotest.OneByteReader(rc))
		assert.Equal(t, test.want, got)
		call := c.Calls()[0]
		assert.Equal(t, int64(len(got)), call.Bytes)
		if test.err == nil {
			require.NoError(t, err)
			require.NoError(t, call.Err)
		} else {
			require.ErrorIs(t, err, test.err)
			require.ErrorIs(t, call.Err, test.err)
			_, err = rc.Read(make([]byte, 1))
			require.ErrorIs(t, err, test.err, "it stays broken")
		}
		require.NoError(t, rc.Close())
		again, err := read(t.Context(), c, 1, test.offset, test.size)
		require.NoError(t, err)
		assert.NotEqual(t, 0, len(again))
	}
}

// TestEndOfFileAsFault sees io.EOF as Fault.Err fail like any other error,
// rather than end a body early without a word.
func TestEndOfFileAsFault(t *testing.T) {
	c := newClient(mock.Config{})
	c.Script(t, mock.Fault{Op: mock.OpWrite, After: 300, Err: io.EOF}, mock.Fault{Op: mock.OpRead, After: 300, Err: io.EOF})
	require.ErrorIs(t, do(t.Context(), c, mock.OpWrite), io.EOF)
	assert.Empty(t, c.Store().Keys())
	write(t, c, 0, 1, ltxBody(1))
	var typed *ltxstore.Error
	err := do(t.Context(), c, mock.OpRead)
	require.ErrorAs(t, err, &typed)
	assert.ErrorIs(t, err, io.EOF)
}

func TestCorrupt(t *testing.T) {
	body := ltxBody(1)
	c := newClient(mock.Config{})
	write(t, c, 0, 1, body)
	c.Script(t, mock.Fault{Op: mock.OpRead, Times: 3, Corrupt: []int64{0, 101, 105, 1 << 40}})
	got, err := read(t.Context(), c, 1, 100, 10)
	require.NoError(t, err)
	want := bytes.Clone(body[100:110])
	want[1] ^= 0xff
	want[5] ^= 0xff
	assert.Equal(t, want, got)
	got, err = read(t.Context(), c, 1, 1, 50)
	require.NoError(t, err)
	assert.Equal(t, body[1:51], got, "outside the range")
	_, err = ltxstore.FetchLTXHeader(t.Context(), c, file(1))
	require.ErrorIs(t, err, ltxstore.ErrChecksum)
	got, err = read(t.Context(), c, 1, 0, 0)
	require.NoError(t, err)
	assert.Equal(t, body, got, "what is stored is whole")
}

func TestListingFailsOnTheWay(t *testing.T) {
	c := newClient(mock.Config{PageSize: 2})
	for id := ltx.TXID(1); id <= 5; id++ {
		write(t, c, 0, id, []byte("x"))
	}
	for after, want := range map[int64]int{0: 0, 1: 1, 2: 2, 5: 5, 9: 5} {
		c.Script(t, mock.Fault{Op: mock.OpNext, After: after, Err: errInjected})
		c.ResetCalls()
		it, err := c.LTXFiles(t.Context(), 0, 0, false)
		require.NoError(t, err)
		n := 0
		for it.Next() {
			n++
		}
		assert.Equal(t, want, n)
		assert.False(t, it.Next())
		assert.Nil(t, it.Item())
		require.ErrorIs(t, it.Err(), errInjected)
		require.ErrorIs(t, it.Close(), errInjected)
		call := c.Calls()[0]
		assert.Equal(t, want, call.Items)
		require.ErrorIs(t, call.Err, errInjected)
	}

	c.Script(t, mock.Fault{Op: mock.OpMetadata, MinTXID: 4, Err: ltxstore.ErrUnavailable})
	it, err := c.LTXFiles(t.Context(), 0, 0, true)
	require.NoError(t, err)
	_, err = ltx.SliceFileIterator(it)
	require.ErrorIs(t, err, ltxstore.ErrUnavailable)
	require.ErrorContains(t, err, "0000000000000004-0000000000000004.ltx")
	assert.True(t, ltxstore.IsRetryable(err))
}

// TestDeleteFailsInPart is clause D1: all others go, and each that stays is
// named.
func TestDeleteFailsInPart(t *testing.T) {
	c := newClient(mock.Config{})
	var files []*ltx.FileInfo
	for id := ltx.TXID(1); id <= 5; id++ {
		write(t, c, 0, id, []byte("x"))
		files = append(files, file(id))
	}
	c.Script(t, mock.Fault{Op: mock.OpDelete, Nth: 2, Err: errInjected}, mock.Fault{Op: mock.OpDelete, MinTXID: 5, Err: fs.ErrPermission})
	err := c.DeleteLTXFiles(t.Context(), files)
	require.ErrorIs(t, err, errInjected)
	assert.NotErrorIs(t, err, fs.ErrPermission, "true of one file only")
	require.ErrorContains(t, err, "2 of 5 failed")
	var partial *ltxstore.PartialError
	require.ErrorAs(t, err, &partial)
	assert.ErrorIs(t, partial.Failed[1], fs.ErrPermission)
	assert.NotContains(t, err.Error(), "\n")
	for id := ltx.TXID(1); id <= 5; id++ {
		assert.Equal(t, id == 2 || id == 5, strings.Contains(err.Error(), ltx.FormatFilename(id, id)), "%d in %v", id, err)
	}
	assert.Equal(t, []ltx.TXID{2, 5}, listed(t, c))
	assert.Equal(t, []ltx.FileInfo{*file(1), *file(2), *file(3), *file(4), *file(5)}, c.Calls(mock.OpDelete)[0].Files)
	require.NoError(t, c.DeleteLTXFiles(t.Context(), files), "those that are missing are no error")
}

// TestDelayEndsWithContext sees each operation wait for as long as it is told,
// and not a moment after its context has ended.
func TestDelayEndsWithContext(t *testing.T) {
	for _, op := range ops {
		if op == mock.OpClose {
			continue // which has no context
		}
		synctest.Test(t, func(t *testing.T) {
			s := mock.NewStore()
			write(t, newClient(mock.Config{Store: s}), 0, 1, ltxBody(1))
			c := newClient(mock.Config{Store: s})
			c.Script(t, mock.Fault{Op: op, Times: 2, Delay: time.Hour})
			ctx, cancel := context.WithTimeoutCause(t.Context(), time.Minute, errInjected)
			defer cancel()
			start := time.Now()
			err := do(ctx, c, op)
			require.ErrorIs(t, err, context.DeadlineExceeded, "%s", op)
			require.ErrorIs(t, err, errInjected, "%s: the cause is told", op)
			assert.Equal(t, time.Minute, time.Since(start), "%s", op)
			assert.Len(t, s.Keys(), 1)
			start = time.Now()
			require.NoError(t, do(t.Context(), c, op), "%s", op)
			assert.Equal(t, time.Hour, time.Since(start), "%s", op)
		})
	}
}

// TestStall sees a body stop in the middle, for good or until Close.
func TestStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(mock.Config{})
		write(t, c, 0, 1, ltxBody(1))
		c.Script(t, mock.Fault{Op: mock.OpRead, After: 10, Times: 2, Delay: time.Hour})

		ctx, cancel := context.WithCancelCause(t.Context())
		rc, err := c.OpenLTXFile(ctx, 0, 1, 1, 0, 0)
		require.NoError(t, err)
		time.AfterFunc(time.Second, func() { cancel(ltxstore.ErrUnavailable) })
		got, err := io.ReadAll(rc)
		assert.Len(t, got, 10)
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, ltxstore.ErrUnavailable, "the cause is told")
		var typed *ltxstore.Error
		require.ErrorAs(t, err, &typed)
		assert.NoError(t, typed.Kind, "the caller's cause is no failure of the store")
		require.NoError(t, rc.Close())

		rc, err = c.OpenLTXFile(t.Context(), 0, 1, 1, 0, 0)
		require.NoError(t, err)
		time.AfterFunc(time.Second, func() { _ = rc.Close() })
		start := time.Now()
		_, err = io.ReadAll(rc)
		require.ErrorIs(t, err, fs.ErrClosed)
		require.NotErrorIs(t, err, context.Canceled, "nobody cancelled")
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// TestNoLockWhileWaiting sees other calls go on while one waits or reads.
func TestNoLockWhileWaiting(t *testing.T) {
	waiting, goOn := make(chan struct{}), make(chan struct{})
	c := newClient(mock.Config{Sleep: func(context.Context, time.Duration) error {
		waiting <- struct{}{}
		<-goOn
		return nil
	}})
	c.Script(t, mock.Fault{Op: mock.OpWrite, MinTXID: 1, Delay: 1})
	done := make(chan error, 1)
	go func() { done <- do(context.Background(), c, mock.OpWrite) }()
	<-waiting
	write(t, c, 0, 2, ltxBody(2))
	assert.Equal(t, []ltx.TXID{2}, listed(t, c))
	calls := c.Calls(mock.OpWrite)
	assert.False(t, calls[0].Done, "a call is logged when it begins")
	assert.True(t, calls[1].Done)
	close(goOn)
	require.NoError(t, <-done)
	assert.True(t, c.Calls()[0].Done)
	assert.Equal(t, []ltx.TXID{1, 2}, listed(t, c))
}

// TestInitOnce sees Init fail, be tried again by any method, and then be done.
func TestInitOnce(t *testing.T) {
	c := newClient(mock.Config{})
	inject(t, c, mock.Fault{Op: mock.OpInit, Times: 2, Err: errInjected}, mock.Fault{Op: mock.OpInit, Nth: 4, Err: errInjected})
	require.ErrorIs(t, c.Init(t.Context()), errInjected)
	require.ErrorIs(t, do(t.Context(), c, mock.OpWrite), errInjected)
	for range 3 {
		require.NoError(t, do(t.Context(), c, mock.OpWrite))
		require.NoError(t, c.Init(t.Context()))
	}
	assert.Len(t, c.UnusedFaults(), 1)
}

func TestOverridesReplaceFaults(t *testing.T) {
	c := newClient(mock.Config{})
	inject(t, c, mock.Fault{Op: mock.OpDeleteAll, Times: -1, Err: errInjected})
	c.DeleteAllFunc = func(context.Context) error { return nil }
	require.NoError(t, c.DeleteAll(t.Context()))
	assert.Len(t, c.UnusedFaults(), 1)
	c.DeleteAllFunc = c.Default().DeleteAll
	require.ErrorIs(t, c.DeleteAll(t.Context()), errInjected)
	assert.Empty(t, c.UnusedFaults())
}

// TestDeleteCancelledInTheMiddle sees every file named that was left.
func TestDeleteCancelledInTheMiddle(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(mock.Config{Sleep: func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}})
	for id := ltx.TXID(1); id <= 3; id++ {
		write(t, c, 0, id, ltxBody(id))
	}
	c.Script(t, mock.Fault{Op: mock.OpDelete, MinTXID: 2, Delay: 1})
	err := c.DeleteLTXFiles(ctx, []*ltx.FileInfo{file(1), file(2), file(3)})
	require.ErrorIs(t, err, context.Canceled)
	assert.NotContains(t, err.Error(), ltx.FormatFilename(1, 1))
	assert.Contains(t, err.Error(), ltx.FormatFilename(2, 2))
	assert.Contains(t, err.Error(), ltx.FormatFilename(3, 3))
	assert.Equal(t, []ltx.TXID{2, 3}, listed(t, c))
}
